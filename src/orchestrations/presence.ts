import type { OrchestrationContext } from 'durable-functions';
import type { ApplianceChoice } from '../domain/blueprint/blueprint';
import { declinedHandoff, type Handoff, handoffAnswer, handoffId } from '../domain/handoff';
import type { Refusal } from '../domain/outcome';
import { endsAt, scheduleOver } from '../domain/schedule';
import { firstOf, now, type Story } from './call';
import type { SentryInput } from './inputs';
import { tellMe } from './sentryState';

const WAIT_HOURS = 24;
const HOUR_MS = 3_600_000;
const EVENT = 'presence';

/**
 * Asks whether someone is at the console, before any port is opened: a window that nobody uses is one too many.
 * Answers why it stays closed, or nothing where someone is there.
 */
export function* presence(
  context: OrchestrationContext,
  input: SentryInput,
  { access }: ApplianceChoice,
): Story<Refusal | undefined> {
  tellMe(context, input, { stage: 'presence', handoff: handoff(input, access) });
  const answer = context.df.waitForExternalEvent(EVENT);
  const limit = now(context) + WAIT_HOURS * HOUR_MS;
  const ends = endsAt(input.request);
  yield* firstOf(context, [answer], Math.min(limit, ends));
  tellMe(context, input, { handoff: null });
  if (!answer.isCompleted) return ends < limit ? scheduleOver(input.request) : nobodyThere;
  const given = handoffAnswer.parse(answer.result);
  return 'declined' in given ? declinedHandoff('presence', given.declined) : undefined;
}

const handoff = (
  { request, n, egressAddresses }: SentryInput,
  { kind, ports, windowMinutes, sourceAddresses }: ApplianceChoice['access'],
): Handoff => ({
  id: handoffId('presence', n),
  kind: 'presence',
  event: EVENT,
  text: [
    `Say that you are at the console: \`POST /api/deployments/${request.name}/handoffs/${handoffId('presence', n)}\` with { "done": true }.`,
    kind === 'private'
      ? `The appliance's private address then opens TCP ${ports.join(' and ')}`
      : `The appliance then gets a public address and opens TCP ${ports.join(' and ')}`,
    `for ${windowMinutes} minutes to ${[...new Set([...sourceAddresses, ...egressAddresses])].join(', ')}.`,
  ].join(' '),
});

const nobodyThere: Refusal = {
  code: 'NobodyThere',
  reason: `Nobody said within ${WAIT_HOURS} hours that they are at the console; no port was opened`,
  remedy: 'Send the same request again when someone is at the console.',
};

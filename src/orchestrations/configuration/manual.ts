import type { OrchestrationContext } from 'durable-functions';
import { activities } from '../../activities/contracts';
import { answerSources } from '../../domain/answerSources';
import { declinedHandoff, type Handoff, handoffAnswer, handoffId } from '../../domain/handoff';
import { isReached } from '../../domain/proof';
import { call, isoNow, type Story } from '../call';
import { tellMe } from '../sentryState';
import { consoleSteps } from './registration';
import { settled } from '../settled';
import { proveAlone } from './session';
import { type Configured, output, scriptJob, type Stopped, type Visit } from './visit';
import { closeNow, duringWindow, type Opening, whileOpen } from './window';

const EVENT = 'configuration';

/**
 * A person runs the set-up script. The status shows the command and where each answer is found; the person says that
 * it is done. Where the app reaches the appliance, that proves then what it reaches and reads, over a session of ours;
 * and in any case its own traffic has to bear the person's word out.
 */
export const manual = (context: OrchestrationContext, visit: Visit): Story<Configured | Stopped> =>
  duringWindow(context, visit, byHand);

function* byHand(context: OrchestrationContext, visit: Visit, opening: Opening): Story<Configured | Stopped> {
  tellMe(context, visit.input, { stage: 'configuration', handoff: handoff(visit, opening) });
  const answer = context.df.waitForExternalEvent(EVENT);
  const why = yield* whileOpen(context, opening, answer);
  tellMe(context, visit.input, { handoff: null });
  if (why) return why;
  const given = handoffAnswer.parse(answer.result);
  if ('declined' in given) return declinedHandoff('configuration', given.declined);

  const question = { vmId: output(visit.given, 'virtualMachine', 'id'), since: isoNow(context) };
  const reached = isReached(visit.input, visit.appliance);
  const proof = reached ? yield* proveAlone(context, visit, opening) : undefined;
  if (proof && 'code' in proof) return proof;
  // Nobody needs it any more, and what the traffic shows takes its time.
  yield* closeNow(context, opening);
  const verified = yield* settled(context, () => call(context, activities.checkCollecting, question));
  if (verified.kind !== 'refused') return { subscriptions: visit.granted, ...(proof ? { proof } : {}) };
  const { code, reason, remedy } = verified;
  return { code, reason, remedy };
}

function handoff(visit: Visit, { address }: Opening): Handoff {
  const { input, appliance } = visit;
  const { script, vm, ports } = appliance;
  const id = handoffId('configuration', input.n);
  const port = ports[0] ?? 22;
  return {
    id,
    kind: 'configuration',
    address,
    event: EVENT,
    command: script.command,
    answers: answerSources(scriptJob(visit, '')),
    text: [
      ...consoleSteps(address),
      `Then sign in with your own key: \`ssh ${port === 22 ? '' : `-p ${port} `}${vm.adminUsername}@${address}\``,
      `and run the command. What it asks, and where each answer is found, stands beside it.`,
      `When it has ended well: \`POST /api/deployments/${input.request.name}/handoffs/${id}\` with { "done": true }.`,
    ].join(' '),
  };
}

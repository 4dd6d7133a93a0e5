import type { OrchestrationContext } from 'durable-functions';
import { activities, type ApplianceJob, type ApplianceResult, type Entry } from '../../activities/contracts';
import { accessUnproven } from '../../domain/proof';
import { call, now, type Story, until } from '../call';
import { firstRead, proofJob } from '../proofJob';
import { NOT_READABLE, PAUSE_MS, PROPAGATION_MS, whyFailed } from '../prove';
import { tellMe } from '../sentryState';
import { askForRegistration, registered } from './registration';
import { entryOf, prove, replaceKey } from './session';
import { type Configured, scriptJob, type Stopped, type Visit } from './visit';
import { duringWindow, endedBefore, isOver, type Opening, whileOpen } from './window';

/** A VM that has just been made answers on its port after a minute or so. */
const BOOT_RETRY_MS = 15_000;
const RETRIES_MS: Readonly<Record<string, number>> = { unreachable: BOOT_RETRY_MS, unread: PAUSE_MS };

/**
 * Guide, "Configure the Sentry": through the window, takes the console's email and PIN, and answers the set-up script
 * as an administrator would at a terminal. Whoever was met there is pinned, and leaves with a new key of ours.
 */
export const ssh = (context: OrchestrationContext, visit: Visit): Story<Configured | Stopped> =>
  duringWindow(context, visit, inSession);

function* inSession(context: OrchestrationContext, visit: Visit, opening: Opening): Story<Configured | Stopped> {
  const entry = entryOf(visit, opening);
  const { outcome, met } = yield* answerTheScript(context, visit, opening, entry);
  if (met !== undefined && !isOver(context, opening)) yield* replaceKey(context, visit, { ...entry, hostKey: met });
  return outcome;
}

/** `met` is the host key of whoever was met and trusted; absent where nobody was. */
interface Session {
  readonly outcome: Configured | Stopped;
  readonly met?: string | undefined;
}

function* answerTheScript(context: OrchestrationContext, visit: Visit, opening: Opening, entry: Entry): Story<Session> {
  let { hostKey } = entry;
  let met: string | undefined;
  for (let round = 1; ; round += 1) {
    const registration = askForRegistration(context, visit, entry.address, round);
    const why = yield* whileOpen(context, opening, registration);
    if (why) return { outcome: why, met };
    const answer = registered(context, visit, registration);
    if ('code' in answer) return { outcome: answer, met };

    const job = { ...scriptJob(visit, answer.registrationUri), ...entry, hostKey, first: firstRead(visit) };
    const result = yield* talk(context, job, opening);
    const ended = result.kind in RETRIES_MS ? endedBefore(opening) : undefined;
    if (ended) return { outcome: ended, met };
    if (result.kind === 'unread') return { outcome: accessUnproven(result.missing, NOT_READABLE), met };
    if (result.kind === 'unreachable') return { outcome: unreachable(entry, result.reason), met };
    // Seen once, it is the appliance's: a PIN and a secret go to nobody else, in this session or any later one.
    met = result.hostKey;
    if (hostKey === undefined && met !== undefined) tellMe(context, visit.input, { hostKey: met });
    hostKey ??= met;
    const proof = proofJob(visit, { ...entry, hostKey });
    const ask = () => call(context, activities.proveAppliance, proof);
    if (result.kind === 'configured') {
      const proof = yield* prove(context, visit, ask, opening);
      return { outcome: 'code' in proof ? proof : { subscriptions: visit.granted, proof }, met };
    }
    if (result.kind === 'stopped') return { outcome: yield* whyFailed(ask, stopped(result)), met };
  }
}

/**
 * Runs the script, trying again while nobody answers or a grant does not work yet, and the window is open. What does
 * not work after the time that Azure takes at most, or after half of what is left of the window, is not waited for.
 */
function* talk(context: OrchestrationContext, job: ApplianceJob, opening: Opening): Story<ApplianceResult> {
  const begin = now(context);
  const limit = Math.min(begin + PROPAGATION_MS, (begin + Date.parse(opening.expiresAt)) / 2);
  const { first: _, ...anyway } = job;
  for (;;) {
    const result = yield* call(context, activities.configureAppliance, now(context) < limit ? job : anyway);
    if (!(result.kind in RETRIES_MS) || isOver(context, opening)) return result;
    yield* until(context, now(context) + (RETRIES_MS[result.kind] ?? 0));
  }
}

const stopped = ({ code, reason, remedy, transcript }: Extract<ApplianceResult, { kind: 'stopped' }>): Stopped => ({
  code,
  reason,
  remedy,
  transcript,
});

const unreachable = ({ address, port }: Entry, reason: string): Stopped => ({
  code: 'Unreachable',
  reason: `The app did not reach the appliance at ${address}, TCP ${port}, while its window was open: ${reason}`,
  remedy:
    'See that the VM runs and has booted. If it has, something before it keeps the app out: a firewall on the way, the subnet’s own security group or routes, or EGRESS_ADDRESSES, which must hold the address that the app comes from. Then send the same request again.',
});

/** Before a Sentry counts as completed: that it can report, and that its own principal reads what it was granted. */
import type { OrchestrationContext } from 'durable-functions';
import { activities, type ApplicationJob, type ProofResult } from '../activities/contracts';
import { clientSecretOf } from '../domain/blueprint/blueprint';
import type { Given } from '../domain/graph';
import type { Refusal } from '../domain/outcome';
import { accessUnproven, outboundBlocked, outboundUnproven, whyUnasked } from '../domain/proof';
import type { Proof, SentryState } from '../domain/states';
import { call, isoNow, now, type Story, until } from './call';
import type { SentryInput } from './inputs';
import { tellMe } from './sentryState';

const MINUTE_MS = 60_000;
export const PAUSE_MS = MINUTE_MS;
/** Azure makes a role assignment work everywhere within ten minutes (rbac/troubleshooting); this is thrice that. */
export const PROPAGATION_MS = 30 * MINUTE_MS;
/** A way out either is there or is not: a few more looks are for what was restarting just now. */
const OUTBOUND_MS = 5 * MINUTE_MS;
/** What Entra refuses may be a secret that it has not replicated yet. */
const REPLICATION_MS = 5 * MINUTE_MS;

/**
 * Asks the appliance, anew each time (`ask`) and only while its window, if there is one, is open: nothing is extended.
 * What it cannot reach stops the Sentry; what it cannot read is told of.
 */
export function* proveAppliance(
  context: OrchestrationContext,
  ask: () => Story<ProofResult>,
  granted: number,
  isOpen: () => boolean,
): Story<Proof | Refusal> {
  const begin = now(context);
  let best: Proof | undefined;
  let blocked: Refusal | undefined;
  for (;;) {
    const answer = yield* ask();
    const found = proofOf(context, answer, granted);
    if (!('code' in found)) best = found;
    else if (answer.kind === 'answered') blocked = found;
    // What it said once says more than that it could not be asked again.
    const told = best ?? blocked ?? found;
    const limit = begin + (best ? PROPAGATION_MS : OUTBOUND_MS);
    const isLast = !isOpen() || now(context) + PAUSE_MS > limit;
    if (isLast || (best && best.why === undefined)) return told;
    yield* until(context, now(context) + PAUSE_MS);
    if (!isOpen()) return told;
  }
}

/** A set-up script that fails for want of a way out says so in its own words: this names the hosts. */
export function* whyFailed(ask: () => Story<ProofResult>, failed: Stopped): Story<Stopped> {
  if (failed.code !== 'ScriptFailed') return failed;
  const found = yield* ask();
  if (found.kind === 'unanswered' || found.unreached.length === 0) return failed;
  return { ...failed, ...outboundBlocked(found.unreached) };
}

function proofOf(context: OrchestrationContext, found: ProofResult, granted: number): Proof | Refusal {
  if (found.kind === 'unanswered') return outboundUnproven(found.reason);
  if (found.unreached.length > 0) return outboundBlocked(found.unreached);
  const proof = { at: isoNow(context), outbound: found.reached };
  if (found.problem !== undefined)
    return { ...proof, why: `Its managed identity could not be asked: ${found.problem}` };
  if (!found.readable) return proof;
  const all = found.readable.length >= granted;
  return { ...proof, readable: found.readable, ...(all ? {} : { why: NOT_READABLE }) };
}

type Stopped = NonNullable<SentryState['stopped']>;

export const NOT_READABLE = 'Its own principal does not read it, so long after the role was granted';

/** What is proven of a Sentry's grants. */
export interface Access {
  readonly isProven: (id: string) => boolean;
  /** Why a grant is not proven. */
  readonly why: (id: string) => string;
  /** Grants that were asked for and not found. */
  readonly problem?: Refusal;
}

/** What there is to prove of a Sentry that is set up. */
interface Claims {
  readonly granted: readonly string[];
  /** Those that the appliance was set up for, and its session asked for. */
  readonly collected: (id: string) => boolean;
  readonly proof: Proof | undefined;
}

/**
 * Which of the granted subscriptions the Sentry's application reads: it is asked here in each run, with its secret, and
 * before the set-up script where that is run, which picks among what it reads. Undefined where there is none to ask.
 */
export function* applicationAccess(
  context: OrchestrationContext,
  input: SentryInput,
  given: Given,
  granted: readonly string[],
): Story<Access | undefined> {
  const clientId = given['servicePrincipal']?.['clientId'];
  const clientSecretUri = given['clientSecret']?.['secretUri'];
  const app = clientSecretOf(input.request) && clientId !== undefined && clientSecretUri !== undefined;
  if (granted.length === 0 || !app) return undefined;
  tellMe(context, input, { stage: 'proof' });
  const { tenantId } = input.request;
  return yield* proveApplication(context, { tenantId, clientId, clientSecretUri, subscriptions: granted });
}

/** The same where there is no application: a managed identity was asked on its appliance, in the session that set it up. */
export function applianceAccess(input: SentryInput, { granted, collected, proof }: Claims): Access {
  const known = new Set(proof?.readable);
  const why = proof?.why;
  const asked = why === undefined ? [] : granted.filter((id) => collected(id) && !known.has(id));
  const unasked = whyUnasked(input);
  return {
    isProven: (id) => known.has(id),
    why: (id) => (why !== undefined && collected(id) ? why : unasked),
    ...(why === undefined || asked.length === 0 ? {} : { problem: accessUnproven(asked, why) }),
  };
}

/** Asks until all is read, or has had its time. */
function* proveApplication(context: OrchestrationContext, job: ApplicationJob): Story<Access> {
  const begin = now(context);
  for (;;) {
    const found = yield* call(context, activities.proveApplication, job);
    const readable = new Set(found.kind === 'listed' ? found.readable : []);
    const missing = job.subscriptions.filter((id) => !readable.has(id));
    const why =
      found.kind === 'listed' ? NOT_READABLE : `The application could not be asked: ${found.code}: ${found.reason}`;
    const access = { isProven: (id: string) => readable.has(id), why: () => why };
    if (missing.length === 0) return access;
    const limit = begin + (found.kind === 'refused' ? REPLICATION_MS : PROPAGATION_MS);
    if (now(context) + PAUSE_MS > limit) return { ...access, problem: accessUnproven(missing, why) };
    yield* until(context, now(context) + PAUSE_MS);
  }
}

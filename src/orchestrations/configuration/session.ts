/** What is done over a session with the appliance, whoever runs the set-up script. */
import type { OrchestrationContext } from 'durable-functions';
import { activities, type Entry, type ProofResult } from '../../activities/contracts';
import { secretName } from '../../domain/blueprint/blueprint';
import type { Refusal } from '../../domain/outcome';
import type { Proof } from '../../domain/states';
import { call, isoNow, type Story } from '../call';
import { proofJob } from '../proofJob';
import { proveAppliance } from '../prove';
import { tellMe } from '../sentryState';
import type { Visit } from './visit';
import { isOver, type Opening } from './window';

export const entryOf = ({ input, appliance, hostKey }: Visit, { address }: Opening): Entry => ({
  address,
  port: appliance.ports[0] ?? 22,
  username: appliance.vm.adminUsername,
  hostKey,
  sshKeyName: secretName(input.request.name, input.n, 'ssh'),
});

/**
 * Proves over a session of its own, where a person ran the script over theirs. Whoever is met is pinned, and leaves
 * with a new key of ours.
 */
export function* proveAlone(context: OrchestrationContext, visit: Visit, opening: Opening): Story<Proof | Refusal> {
  let entry = entryOf(visit, opening);
  let met = false;
  const proof = yield* prove(context, visit, ask, opening);
  if (met && !isOver(context, opening)) yield* replaceKey(context, visit, entry);
  return proof;

  function* ask(): Story<ProofResult> {
    const result = yield* call(context, activities.proveAppliance, proofJob(visit, entry));
    const { hostKey } = result;
    if (hostKey === undefined) return result;
    met = true;
    if (entry.hostKey === undefined) tellMe(context, visit.input, { hostKey });
    entry = { ...entry, hostKey };
    return result;
  }
}

/** A Sentry that cannot report is not set up, whatever its script says. */
export function* prove(
  context: OrchestrationContext,
  { input, granted }: Visit,
  ask: () => Story<ProofResult>,
  opening: Opening,
): Story<Proof | Refusal> {
  tellMe(context, input, { stage: 'proof' });
  return yield* proveAppliance(context, ask, granted, () => !isOver(context, opening));
}

/** A key that could not be replaced is still ours alone: the status says so, and the Sentry is no worse for it. */
export function* replaceKey(context: OrchestrationContext, { input }: Visit, entry: Entry): Story<void> {
  const answer = yield* call(context, activities.replaceSshKey, entry);
  const at = isoNow(context);
  tellMe(context, input, { keyReplacement: answer.kind === 'replaced' ? { at } : { at, problem: answer.reason } });
}

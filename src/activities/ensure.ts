/** Brings resources to their wanted state, or takes them away: once for all kinds. */
import { z } from 'zod';
import { AzureError, type Azure } from '../azure/ports';
import { type Difference, differences, touches } from '../domain/compare';
import { markAgain, markLost } from '../domain/mark';
import type { Change, Done, Later, Outcome, Refused } from '../domain/outcome';
import { type Kind, kinds, OWNER_TAG, type Spec } from '../domain/resources';
import type { HandlerOf, Step, activities } from './contracts';
import type { AllEffects, Effects, Observed, Submitted } from './effects';

/** Azure shows a write after a while only; nothing is wrong with it yet. */
const NOT_SHOWN_YET: Later = {
  kind: 'later',
  code: 'NotShownYet',
  reason: 'Azure took the change and does not show it yet',
  remedy: 'Send the same request again in a few minutes.',
  patienceSeconds: 900,
};
const BUSY_SECONDS = 5;

/**
 * Brings resources to their wanted state, a few at a time. Every answer is an outcome, crashes of ours included:
 * what is fanned out must never throw (`Task.all` would lose the other answers). Safe to run twice.
 */
export const makeEnsure =
  (azure: Azure, effects: AllEffects): HandlerOf<typeof activities.ensureResources> =>
  (steps) =>
    Promise.all(steps.map((step) => asOutcome(() => ensure(azure, effectsOf(effects, step.spec), step))));

/** Removes what this deployment made, and nothing else. Safe to run twice. */
export const makeRemove =
  (azure: Azure, effects: AllEffects): HandlerOf<typeof activities.removeResources> =>
  (steps) =>
    Promise.all(steps.map((step) => asOutcome(() => remove(azure, effectsOf(effects, step.spec), step))));

/** The table's type ties each kind's effects to its spec; TypeScript cannot follow that through a lookup. */
export const effectsOf = (effects: AllEffects, spec: Spec): Effects<Kind> => effects[spec.kind];

async function ensure(azure: Azure, effects: Effects<Kind>, step: Step): Promise<Outcome> {
  const { spec, operation, change } = step;
  const running = operation === undefined ? undefined : await poll(azure, operation, change ?? 'created');
  if (running) return running;

  const observed = await effects.observe(spec);
  if (!observed)
    return operation === undefined
      ? submitted(spec, await effects.put(spec, undefined), 'created', effects)
      : NOT_SHOWN_YET;
  if (observed.provisioning === 'busy') return busy(observed);
  // `change`: it was begun in this run already.
  if (observed.failure && change !== undefined && observed.ours) return observed.failure;

  const found = gaps(spec, observed);
  const paths = found.map(({ path }) => path);
  if (observed.obstacle) return observed.obstacle;
  if (!mayBeUsed(spec, observed)) return notOurs(step, observed);
  if (isAsWanted(observed, found)) return done(change ?? 'kept', observed);
  if (operation !== undefined && observed.provisioning !== 'failed') return notTaken(spec, observed, paths, change);
  const obstacle = mayNotChange(step, observed, paths);
  return obstacle ?? submitted(spec, await effects.put(spec, observed), change ?? 'changed', effects);
}

async function remove(azure: Azure, effects: Effects<Kind>, { spec, operation, change }: Step): Promise<Outcome> {
  const running = operation === undefined ? undefined : await poll(azure, operation, 'removed');
  if (running) return running;

  const observed = await effects.observe(spec);
  if (!observed) return { kind: 'done', change: change ?? 'kept', ours: true, outputs: {} };
  if (!observed.ours) return done('kept', observed);
  const answer = await effects.remove(spec, observed);
  if (answer.ours === false) return done('kept', { ...observed, ours: false });
  if (answer.operation !== undefined)
    return { kind: 'running', operation: answer.operation, seconds: answer.seconds, change: 'removed' };
  return (await effects.observe(spec)) ? NOT_SHOWN_YET : { kind: 'done', change: 'removed', ours: true, outputs: {} };
}

/** Where a thing is not as wanted. One of another hand keeps its own tags. */
export const gaps = (spec: Spec, { value, ours }: Observed): readonly Difference[] =>
  differences(spec.wanted, value, kinds[spec.kind].exact).filter(({ path }) => ours || !path.startsWith('tags'));
export const mayBeUsed = ({ kind }: Spec, { ours }: Observed): boolean => ours || kinds[kind].adopt;
export const isAsWanted = ({ provisioning }: Observed, found: readonly Difference[]): boolean =>
  found.length === 0 && provisioning !== 'failed';

/** The outcome while an operation runs or after it failed; nothing once it has succeeded. */
async function poll(azure: Azure, operation: string, change: Change): Promise<Outcome | undefined> {
  const state = await azure.operations.poll(operation);
  if (state.status === 'running') return { kind: 'running', operation, seconds: state.seconds, change };
  return state.status === 'failed' ? state.outcome : undefined;
}

async function submitted(spec: Spec, answer: Submitted, change: Change, effects: Effects<Kind>): Promise<Outcome> {
  const { operation, seconds, outputs, ours = true } = answer;
  if (operation !== undefined) return { kind: 'running', operation, seconds, change };
  if (outputs) return { kind: 'done', change: ours ? change : 'kept', ours, outputs };
  const observed = await effects.observe(spec);
  if (!observed) return { ...NOT_SHOWN_YET, change };
  if (observed.failure) return observed.failure;
  return observed.provisioning === 'busy' ? { ...busy(observed), change } : done(change, observed);
}

const busy = ({ progress }: Observed): Later =>
  progress
    ? { ...NOT_SHOWN_YET, reason: progress.text, seconds: progress.seconds, patienceSeconds: progress.patienceSeconds }
    : { ...NOT_SHOWN_YET, seconds: BUSY_SECONDS };

export const done = (change: Change, { ours, outputs }: Observed): Done => ({ kind: 'done', change, ours, outputs });

/** Another deployment's, nobody's, or our own that lost its mark. */
export function notOurs({ spec: { id, deployment, wanted }, made }: Step, { value }: Observed): Refused {
  const rename = 'Give it another name in the request';
  const owner = tagged.safeParse(value).data?.tags?.[OWNER_TAG];
  if (owner !== undefined) return refused('NotOurs', `'${id}' belongs to the deployment '${owner}'`, `${rename}.`);
  // The mark of all else is no tag of Azure Resource Manager.
  if (!('tags' in wanted && id.startsWith('/')))
    return refused(
      'NotOurs',
      `'${id}' exists and was not made by this deployment`,
      `${rename}, or remove it by hand if nobody needs it.`,
    );
  if (made) return { kind: 'refused', ...markLost(id, deployment) };
  return refused(
    'NotOurs',
    `'${id}' exists and bears no deployment's mark, the tag ${OWNER_TAG}`,
    `${rename}; or, where this deployment made it, put its mark back: ${markAgain(id, deployment)}.`,
  );
}
const tagged = z.looseObject({ tags: z.record(z.string(), z.string()).nullish() });

/**
 * The operation succeeded, and Azure shows something else: a policy sets its own value. To put it again would go on
 * for ever. A tag is no harm; anything else is for a person to settle.
 */
function notTaken(spec: Spec, observed: Observed, paths: readonly string[], change: Change = 'changed'): Outcome {
  if (paths.every((path) => path.startsWith('tags'))) return done(change, observed);
  return refused(
    'NotTaken',
    `Azure took '${spec.id}' and shows another value in ${paths.join(', ')}`,
    'An Azure Policy may set its own. Ask for what it sets, or for an exemption from it.',
  );
}

/** What is not ours is never changed, and what Azure lets nobody change is not tried. */
export function mayNotChange(step: Step, observed: Observed, paths: readonly string[]): Refused | undefined {
  const { spec } = step;
  if (!observed.ours) return notOurs(step, observed);
  const stuck = touches(paths, kinds[spec.kind].immutable);
  return stuck.length === 0
    ? undefined
    : refused(
        'Immutable',
        `'${spec.id}' exists and differs in ${stuck.join(', ')}, which cannot be changed`,
        'Remove it by hand, or ask for what it already is.',
      );
}

const refused = (code: string, reason: string, remedy: string): Refused => ({ kind: 'refused', code, reason, remedy });

export async function asOutcome(work: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AzureError) return error.outcome;
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : 'unknown';
    return {
      kind: 'later',
      code: 'Unexpected',
      reason,
      remedy: 'See the log, then send the same request again.',
      patienceSeconds: 120,
    };
  }
}

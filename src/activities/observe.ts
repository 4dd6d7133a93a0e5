/** Looks at resources and tells what `ensure` would do with each. It writes nothing. */
import { AzureError } from '../azure/ports';
import type { Difference } from '../domain/compare';
import type { Outcome, Outputs, PropertyChange } from '../domain/outcome';
import { isAddressed } from '../domain/plan/kinds';
import { type Kind, type Spec, UNKNOWN } from '../domain/resources';
import type { activities, HandlerOf, Step } from './contracts';
import type { AllEffects, Effects, Observed } from './effects';
import { asOutcome, done, effectsOf, gaps, isAsWanted, mayBeUsed, mayNotChange, notOurs } from './ensure';

/** Longer values are cut: a plan is kept, and passes through histories. */
const LONGEST_VALUE = 400;

export const makeObserve =
  (effects: AllEffects): HandlerOf<typeof activities.observeResources> =>
  (steps) =>
    Promise.all(steps.map((step) => asOutcome(() => observe(effectsOf(effects, step.spec), step))));

async function observe(effects: Effects<Kind>, step: Step): Promise<Outcome> {
  if (!isAddressed(step.spec)) return create({});
  try {
    return await look(effects, step);
  } catch (error) {
    // A deployment waits for a right to arrive or a principal to be found; a plan says what is so now.
    if (error instanceof AzureError && saidNo(error.status)) return { ...error.outcome, kind: 'refused' };
    throw error;
  }
}

async function look(effects: Effects<Kind>, step: Step): Promise<Outcome> {
  const { spec } = step;
  const observed = await effects.observe(spec);
  if (!observed) {
    const theirs = (await effects.findTwin?.(spec)) ?? false;
    if (theirs) return { kind: 'done', change: 'kept', ours: false, outputs: {} };
    return effects.absent?.(spec) ?? create(foreseen(spec));
  }
  if (observed.obstacle) return observed.obstacle;
  if (!mayBeUsed(spec, observed)) return notOurs(step, observed);
  // What Azure is still at work on is not waited for: a copy may take hours. It is held against what it is to become.
  const found = gaps(spec, observed);
  if (isAsWanted(observed, found)) return done('kept', observed);
  // Whether a value differs that nobody knows yet, a run will see.
  const known = found.filter(({ wanted }) => wanted !== UNKNOWN);
  const obstacle = mayNotChange(
    step,
    observed,
    known.map(({ path }) => path),
  );
  return obstacle ?? { ...done('changed', observed), changes: changesOf(found, observed) };
}

const create = (outputs: Outputs): Outcome => ({ kind: 'done', change: 'created', ours: true, outputs });

/**
 * What is known of a thing before it is made. On a VM that stands one key of ours is as good as another: they have the
 * secret's name as their comment.
 */
function foreseen({ kind, id, wanted }: Spec): Outputs {
  if (kind === 'sshKey') return { publicKey: `ssh-ed25519 ${UNKNOWN.replaceAll(' ', '-')} ${wanted.secretName}` };
  return id.startsWith('/') ? { id } : {};
}

/** Throttled, broken or out of reach is worth waiting for; a clear no is an answer. */
const saidNo = (status: number | undefined): boolean =>
  status !== undefined && status >= 400 && status < 500 && status !== 408 && status !== 429;

function changesOf(found: readonly Difference[], { provisioning }: Observed): readonly PropertyChange[] {
  const failed = { path: 'provisioningState', from: 'Failed', to: 'Succeeded' };
  const changes = found.map(({ path, wanted, observed }) => ({
    path,
    from: brief(observed ?? null),
    to: brief(wanted),
  }));
  return provisioning === 'failed' ? [failed, ...changes] : changes;
}

function brief(value: unknown): unknown {
  const text = JSON.stringify(value);
  return text.length <= LONGEST_VALUE ? value : `${text.slice(0, LONGEST_VALUE)}…`;
}

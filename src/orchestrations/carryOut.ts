import type { OrchestrationContext } from 'durable-functions';
import { activities, type Step, type Verb } from '../activities/contracts';
import { type Given, inBatches, next, outputsOf, type Progress, settle } from '../domain/graph';
import { type Resource, specify } from '../domain/resources';
import { callAll, now, type Story, until } from './call';

const EFFECT = { ensure: activities.ensureResources, remove: activities.removeResources } satisfies Record<
  Verb,
  unknown
>;

/**
 * Carries a verb out over a graph, in rounds: all that is due at the same time, then one timer to the earliest that
 * is not. No `Task.any` and no cancelled timer, so none of the engine's traps. Ends when nothing is left to do or to
 * wait for; what became of each resource is in the answer. `given` are outputs of resources outside this graph, or
 * of its own from before.
 */
export function* carryOut(
  context: OrchestrationContext,
  verb: Verb,
  deployment: string,
  resources: readonly Resource[],
  given: Given,
  onRound: (progress: Progress) => void,
): Story<Progress> {
  let progress: Progress = {};
  for (;;) {
    const step = next(resources, progress, now(context));
    progress = step.progress;
    onRound(progress);
    if (step.due.length > 0) {
      const batches = inBatches(step.due);
      const inputs = batches.map((batch) => batch.map((resource) => toStep(resource, deployment, progress, given)));
      const answers = yield* callAll(context, EFFECT[verb], inputs);
      const outcomes = batches.flatMap((batch, at) =>
        batch.map(({ key }, index) => [key, answers[at]?.[index]] as const),
      );
      const at = now(context);
      const settled = outcomes.flatMap(([key, outcome]) =>
        outcome ? [[key, settle(progress[key], outcome, at)] as const] : [],
      );
      progress = { ...progress, ...Object.fromEntries(settled) };
    } else if (step.wakeAt !== undefined) {
      yield* until(context, step.wakeAt);
    } else {
      return progress;
    }
  }
}

function toStep(resource: Resource, deployment: string, progress: Progress, given: Given): Step {
  const spec = specify(resource, deployment, { ...outputsOf(progress), ...given });
  const state = progress[resource.key];
  if (state?.state === 'running') return { spec, operation: state.operation, change: state.change };
  return state?.state === 'later' ? { spec, change: state.change } : { spec };
}

import type { OrchestrationContext, Task } from 'durable-functions';
import { activities, type Step, type Verb } from '../activities/contracts';
import { type Given, inBatches, next, outputsOf, type Progress, settle } from '../domain/graph';
import type { Later } from '../domain/outcome';
import { type Resource, specify, UNKNOWN } from '../domain/resources';
import { isAmong } from '../domain/sameId';
import { callAll, firstOf, now, type Story, until } from './call';

const EFFECT = {
  ensure: activities.ensureResources,
  remove: activities.removeResources,
  observe: activities.observeResources,
} satisfies Record<Verb, unknown>;

/** A worker that was killed or took too long has answered nothing. Every step may be done twice, so it is asked again. */
const BROKE_DOWN: Later = {
  kind: 'later',
  code: 'ActivityBrokeDown',
  reason: 'The activity broke down before it could answer',
  remedy: 'See the log, then send the same request again.',
  patienceSeconds: 900,
};

/** An event that changes what is waited for: a person's answer. */
export interface Interrupt {
  /** Waits for the next one. */
  readonly listen: () => Task;
  readonly apply: (progress: Progress, data: unknown) => Progress;
}

interface Options {
  readonly onRound?: (progress: Progress) => void;
  /** Epoch ms: nothing is begun from then on. */
  readonly deadline?: number;
  readonly interrupt?: Interrupt;
  /** Ids of what earlier runs made. */
  readonly made?: readonly string[];
  /** What resources outside this graph came to that were not done. */
  readonly lacking?: Progress | undefined;
}

/**
 * Carries a verb out over a graph, in rounds: all that is due at the same time, then one timer to the earliest that
 * is not. Without `interrupt` no `Task.any` and no cancelled timer, so none of the engine's traps. Ends when nothing is
 * left to do or to wait for, or at the deadline; what became of each resource is in the answer. `given` are outputs of
 * resources outside this graph, or of its own from before.
 */
export function* carryOut(
  context: OrchestrationContext,
  verb: Verb,
  deployment: string,
  resources: readonly Resource[],
  given: Given,
  { onRound, deadline = Infinity, interrupt, made = [], lacking = {} }: Options = {},
): Story<Progress> {
  let progress: Progress = lacking;
  let heard = interrupt?.listen();
  for (;;) {
    if (interrupt && heard?.isCompleted) {
      progress = interrupt.apply(progress, heard.result);
      heard = interrupt.listen();
    }
    const step = next(resources, progress, now(context));
    progress = step.progress;
    onRound?.(progress);
    if (now(context) >= deadline) return progress;
    if (step.due.length > 0) {
      const batches = inBatches(step.due);
      const inputs = batches.map((batch) =>
        batch.map((resource) => ({
          ...toStep(verb, resource, deployment, progress, given),
          ...(isAmong(made, resource.id) ? ({ made: true } as const) : {}),
        })),
      );
      const answers = yield* callAll(context, EFFECT[verb], inputs);
      const outcomes = batches.flatMap((batch, at) =>
        batch.map(({ key }, index) => [key, answers ? answers[at]?.[index] : BROKE_DOWN] as const),
      );
      const at = now(context);
      const settled = outcomes.flatMap(([key, outcome]) =>
        outcome ? [[key, settle(progress[key], outcome, at)] as const] : [],
      );
      progress = { ...progress, ...Object.fromEntries(settled) };
    } else if (step.wakeAt !== undefined) {
      const wakeAt = Math.min(step.wakeAt, deadline);
      if (heard) yield* firstOf(context, [heard], wakeAt);
      else yield* until(context, wakeAt);
    } else {
      return progress;
    }
  }
}

function toStep(verb: Verb, resource: Resource, deployment: string, progress: Progress, given: Given): Step {
  // What is only looked at may need what is not made yet.
  const unknown = verb === 'observe' ? UNKNOWN : undefined;
  const spec = specify(resource, deployment, { ...outputsOf(progress), ...given }, unknown);
  const state = progress[resource.key];
  if (state?.state === 'running') return { spec, operation: state.operation, change: state.change };
  return state?.state === 'later' ? { spec, change: state.change } : { spec };
}

/** The one typed way to yield. Use with `yield*`, which gives the answer its type; a bare `yield` is `any`. */
import { EntityId, type OrchestrationContext, type Task } from 'durable-functions';
import { type Activity, crashRetry } from '../activities/contracts';
import type { deploymentOperations } from '../entities/deployment';
import type { deploymentsOperations } from '../entities/deployments';
import type { sentryOperations } from '../entities/sentry';

export type Story<T> = Generator<Task, T, never>;

/** Runs one activity. A crash is retried; whatever Azure answers is a value. */
export function* call<I, O>(context: OrchestrationContext, activity: Activity<I, O>, input: I): Story<O> {
  return yield context.df.callActivityWithRetry(activity.name, crashRetry, input);
}

/**
 * Runs one activity for each input, all at the same time. Answers nothing where one of them broke down (its worker was
 * killed, its time was over): `Task.all` loses the other answers then. They are plain activities, without retries, so
 * that going on after the failure cannot put the engine's numbers out of step.
 */
export function* callAll<I, O>(
  context: OrchestrationContext,
  activity: Activity<I, O>,
  inputs: readonly I[],
): Story<readonly O[] | undefined> {
  try {
    return yield context.df.Task.all(inputs.map((input) => context.df.callActivity(activity.name, input)));
  } catch {
    return undefined;
  }
}

/** Runs one activity whose failure changes nothing: what waits for it has a time limit of its own. */
export function* attempt<I>(context: OrchestrationContext, activity: Activity<I, unknown>, input: I): Story<void> {
  try {
    yield* call(context, activity, input);
  } catch {
    // Five attempts were made; see the log of the activity.
  }
}

/**
 * Runs one sub-orchestration for each input, all at the same time. Each returns its outcome and never throws. An id
 * that `idOf` gives must be new.
 */
export function* runAll<O, I = unknown>(
  context: OrchestrationContext,
  name: string,
  inputs: readonly I[],
  idOf?: (input: I) => string,
): Story<readonly O[]> {
  if (inputs.length === 0) return [];
  return yield context.df.Task.all(inputs.map((input) => context.df.callSubOrchestrator(name, input, idOf?.(input))));
}

/**
 * Waits until the first of these events has come, at most until a moment (epoch ms). Which one came, their
 * `isCompleted` tells. The timer is made anew each time: a second wait on the same one would take another number.
 */
export function* firstOf(context: OrchestrationContext, events: readonly Task[], limit: number): Story<void> {
  if (events.some(({ isCompleted }) => isCompleted)) return;
  const timer = context.df.createTimer(new Date(Math.max(limit, now(context))));
  yield context.df.Task.any([...events, timer]);
  if (!timer.isCompleted) timer.cancel();
}

/** Waits for a moment, epoch ms. */
export function* until(context: OrchestrationContext, epochMs: number): Story<void> {
  yield context.df.createTimer(new Date(epochMs));
}

export const now = (context: OrchestrationContext): number => context.df.currentUtcDateTime.getTime();
export const isoNow = (context: OrchestrationContext): string => context.df.currentUtcDateTime.toISOString();

type Table = Readonly<
  Record<string, (state: never, input: never) => { readonly state: unknown; readonly answer?: unknown }>
>;
type InputOf<F> = F extends (state: never, input: infer I) => unknown ? I : never;
type AnswerOf<F> = F extends (...parameters: never[]) => { readonly answer: infer A } ? A : null;

/** An entity with its operations: `ask` waits for the answer, `tell` does not. */
export interface EntityRef<T extends Table> {
  readonly id: EntityId;
  /** Never set: it only carries the types. */
  readonly operations?: T;
}
const ref = <T extends Table>(name: string, key: string): EntityRef<T> => ({ id: new EntityId(name, key) });
export const deploymentRef = (name: string) => ref<typeof deploymentOperations>('deployment', name);
export const sentryRef = (name: string, n: number) => ref<typeof sentryOperations>('sentry', `${name}-${n}`);
export const deploymentsRef = ref<typeof deploymentsOperations>('deployments', 'all');

export function* ask<T extends Table, K extends keyof T & string>(
  context: OrchestrationContext,
  { id }: EntityRef<T>,
  operation: K,
  input: InputOf<T[K]>,
): Story<AnswerOf<T[K]>> {
  return yield context.df.callEntity(id, operation, input);
}

export function tell<T extends Table, K extends keyof T & string>(
  context: OrchestrationContext,
  { id }: EntityRef<T>,
  operation: K,
  input: InputOf<T[K]>,
): void {
  context.df.signalEntity(id, operation, input);
}

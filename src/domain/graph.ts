/** What may run next. One pure function decides for every verb: deploy, teardown and the access window alike. */
import type { Change, Done, Outcome, Outputs, Refusal } from './outcome';
import { kinds, type Resource } from './resources';

/** Times in epoch ms: since when it is not done, and when to ask again. */
interface Timed {
  readonly since: number;
  readonly tries: number;
  readonly dueAt: number;
}

export type State =
  | { readonly state: 'waiting' }
  | ({ readonly state: 'running'; readonly operation: string; readonly change: Change } & Timed)
  | ({ readonly state: 'later'; readonly code: string; readonly reason: string; readonly change?: Change } & Timed)
  | ({ readonly state: 'done' } & Omit<Done, 'kind'>)
  | ({ readonly state: 'refused' } & Refusal)
  | { readonly state: 'blocked'; readonly by: string };
/** The state of each resource by its key. */
export type Progress = Readonly<Record<string, State>>;

export interface Next {
  readonly due: readonly Resource[];
  /** When the earliest of the rest is due, epoch ms; absent when nothing waits for a time. */
  readonly wakeAt?: number;
  /** `progress`, with what can no longer run marked as blocked. */
  readonly progress: Progress;
}

const WAITING: State = { state: 'waiting' };
/** Azure names no time for most operations; its own clients ask every few seconds. */
const POLL_SECONDS = 5;
const FIRST_RETRY_SECONDS = 5;
const LONGEST_RETRY_SECONDS = 60;
const LONGEST_PAUSE_SECONDS = 600;
const LONGEST_OPERATION_SECONDS = 7_200;

/** All that may run now, in batches' order, and the time of the next thing to wait for. */
export function next(resources: readonly Resource[], progress: Progress, now: number): Next {
  const settled = block(resources, progress);
  const stateOf = (key: string): State => settled[key] ?? WAITING;
  // A need outside this graph was settled by an earlier one, or this graph would not have been begun.
  const mine = new Set(resources.map(({ key }) => key));
  const met = (key: string): boolean => !mine.has(key) || stateOf(key).state === 'done';
  const timed = resources.flatMap(({ key }) => {
    const state = stateOf(key);
    return state.state === 'running' || state.state === 'later' ? [state.dueAt] : [];
  });
  const due = resources.filter((resource) => {
    const state = stateOf(resource.key);
    if (state.state === 'running' || state.state === 'later') return state.dueAt <= now;
    return state.state === 'waiting' && resource.needs.every(met);
  });
  const later = timed.filter((dueAt) => dueAt > now);
  return { due, progress: settled, ...(later.length > 0 ? { wakeAt: Math.min(...later) } : {}) };
}

/** Groups what is due: kinds that go in batches share an activity, everything else has one of its own. */
export function inBatches(due: readonly Resource[]): readonly (readonly Resource[])[] {
  const byKind = Map.groupBy(due, ({ kind }) => kind);
  return [...byKind].flatMap(([kind, members]) => inRows(members, kinds[kind].batch));
}

/** In rows of at most this many, in their order. */
export function inRows<T>(items: readonly T[], each: number): readonly (readonly T[])[] {
  const size = Math.min(each, items.length);
  return Array.from({ length: Math.ceil(items.length / size) || 0 }, (_, at) =>
    items.slice(at * size, (at + 1) * size),
  );
}

/** The state after an activity's answer. What asked for patience longer than it deserves is refused. */
export function settle(before: State | undefined, outcome: Outcome, now: number): State {
  const begun = before?.state === 'running' || before?.state === 'later' ? before : undefined;
  // Through operations and retries alike: what alternates between the two must end as well.
  const since = begun?.since ?? now;
  const tries = begun?.tries ?? 0;
  // Azure does say `Retry-After: 0`, which taken at its word would never let time pass.
  // In whole ms: a timer's Date has no fraction, and what is due a fraction after its timer would never let time pass.
  const dueIn = (asked: number | undefined, otherwise: number): number =>
    now + Math.ceil(Math.max(1, asked ?? otherwise) * 1_000);
  switch (outcome.kind) {
    case 'done': {
      const { kind, ...done } = outcome;
      return { state: kind, ...done };
    }
    case 'refused':
      return { state: 'refused', code: outcome.code, reason: outcome.reason, remedy: outcome.remedy };
    case 'running': {
      const { operation, change } = outcome;
      if (now - since >= LONGEST_OPERATION_SECONDS * 1_000) return { state: 'refused', ...neverEnds };
      const pause = Math.max(outcome.seconds ?? POLL_SECONDS, longestPoll(now - since));
      return { state: 'running', operation, change, since, tries, dueAt: dueIn(pause, pause) };
    }
    case 'later': {
      const { code, reason, remedy } = outcome;
      if (now - since >= outcome.patienceSeconds * 1_000) return { state: 'refused', code, reason, remedy };
      const pause = Math.min(FIRST_RETRY_SECONDS * 2 ** tries, longestPause(now - since));
      const change = outcome.change ?? begun?.change;
      const dueAt = dueIn(outcome.seconds, pause);
      return { state: 'later', since, tries: tries + 1, dueAt, code, reason, ...(change ? { change } : {}) };
    }
  }
}

/** What has run for minutes is looked at less often: two hours at five seconds each would fill the history. */
const longestPoll = (runningMs: number): number => Math.min(Math.round(runningMs / 20_000), LONGEST_RETRY_SECONDS);

/** What has been waited for for hours (somebody's consent) is asked after less often: each time stays in the history. */
const longestPause = (waitedMs: number): number =>
  Math.min(Math.max(LONGEST_RETRY_SECONDS, Math.round(waitedMs / 10_000)), LONGEST_PAUSE_SECONDS);

const neverEnds = {
  code: 'OperationNeverEnds',
  reason: 'Azure has been at work on it for two hours',
  remedy: 'Look at the resource in the portal, then send the same request again.',
};

/** The same resources with every arrow turned round: what needed a thing goes before it. */
export function reversed(resources: readonly Resource[]): readonly Resource[] {
  const keys = new Set(resources.map(({ key }) => key));
  const neededBy = (key: string) => resources.filter(({ needs }) => needs.includes(key)).map((other) => other.key);
  return resources.map((resource) => ({ ...resource, needs: neededBy(resource.key).filter((key) => keys.has(key)) }));
}

/** Outputs of resources by their keys. */
export type Given = Readonly<Record<string, Outputs>>;

/** Outputs of all that is done. */
export const outputsOf = (progress: Progress): Given =>
  Object.fromEntries(
    Object.entries(progress).flatMap(([key, state]) => (state.state === 'done' ? [[key, state.outputs]] : [])),
  );

/** What was refused, and what that blocked: no graph that needs it can have it. */
export const lackingIn = (progress: Progress): Progress =>
  Object.fromEntries(Object.entries(progress).filter(([, { state }]) => state === 'refused' || state === 'blocked'));

/** Marks what needs a refused or blocked resource, however far up. */
function block(resources: readonly Resource[], progress: Progress): Progress {
  const states: Record<string, State> = { ...progress };
  for (let changed = true; changed;) {
    changed = false;
    for (const { key, needs } of resources) {
      if ((states[key] ?? WAITING).state !== 'waiting') continue;
      const by = needs.find((need) => ['refused', 'blocked'].includes(states[need]?.state ?? ''));
      if (by === undefined) continue;
      states[key] = { state: 'blocked', by };
      changed = true;
    }
  }
  return states;
}

/** Something was left in the middle, or not begun: the time was over. */
export const isCutOff = (resources: readonly Resource[], progress: Progress): boolean =>
  resources.some(({ key }) => ['waiting', 'later', 'running'].includes(progress[key]?.state ?? 'waiting'));

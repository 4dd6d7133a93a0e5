/** What may run next. One pure function decides for every verb: deploy, teardown and the access window alike. */
import type { Change, Outcome, Outputs, Refusal } from './outcome';
import { kinds, type Resource } from './resources';

export type State =
  | { readonly state: 'waiting' }
  | { readonly state: 'running'; readonly operation: string; readonly change: Change; readonly dueAt: number }
  | {
      readonly state: 'later';
      readonly since: number;
      readonly tries: number;
      readonly dueAt: number;
      readonly reason: string;
      readonly change?: Change;
    }
  | { readonly state: 'done'; readonly change: Change; readonly ours: boolean; readonly outputs: Outputs }
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
  return [...byKind].flatMap(([kind, members]) => {
    const size = kinds[kind].batch;
    return Array.from({ length: Math.ceil(members.length / size) }, (_, at) =>
      members.slice(at * size, (at + 1) * size),
    );
  });
}

/** The state after an activity's answer. What asked for patience longer than it deserves is refused. */
export function settle(before: State | undefined, outcome: Outcome, now: number): State {
  switch (outcome.kind) {
    case 'done':
      return { state: 'done', change: outcome.change, ours: outcome.ours, outputs: outcome.outputs };
    case 'refused':
      return { state: 'refused', code: outcome.code, reason: outcome.reason, remedy: outcome.remedy };
    case 'running': {
      const dueAt = now + (outcome.seconds ?? POLL_SECONDS) * 1_000;
      return { state: 'running', operation: outcome.operation, change: outcome.change, dueAt };
    }
    case 'later': {
      const since = before?.state === 'later' ? before.since : now;
      const tries = before?.state === 'later' ? before.tries + 1 : 1;
      if (now - since >= outcome.patienceSeconds * 1_000) {
        return { state: 'refused', code: outcome.code, reason: outcome.reason, remedy: outcome.remedy };
      }
      const seconds = outcome.seconds ?? Math.min(FIRST_RETRY_SECONDS * 2 ** (tries - 1), LONGEST_RETRY_SECONDS);
      const change = before?.state === 'running' || before?.state === 'later' ? before.change : undefined;
      return {
        state: 'later',
        since,
        tries,
        dueAt: now + seconds * 1_000,
        reason: outcome.reason,
        ...(change ? { change } : {}),
      };
    }
  }
}

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

/** `deployment@{name}`: the stored request, where each subscription is placed, and the queue of announced ones. */
import type { Placement } from '../domain/fleet';
import type { Unplaced } from '../domain/newcomers';
import { isMarkLost } from '../domain/mark';
import type { Drift } from '../domain/plan/drift';
import type { Finding } from '../domain/preflight/finding';
import type { DeploymentRequest } from '../domain/request/request';
import type { Scheduled } from '../domain/schedule';
import { type DeploymentResult, type DeploymentState, madeIn, type ResourceState, withOutputs } from '../domain/states';
import { entity } from './entity';

type State = DeploymentState | null;

/** What a run starts from. */
export interface Beginning {
  readonly onboarded: readonly string[];
  readonly placement: Placement;
  readonly settled: boolean;
  readonly carriedOut: boolean;
  readonly repaired: Drift | null;
  /** Ids of what it made and its Sentries share. */
  readonly made: readonly string[];
}

interface Order {
  readonly request: DeploymentRequest;
  /** ISO 8601. */
  readonly at: string;
  readonly repair?: Repair;
}
/** What a look at Azure showed. Who was left out before is so until a run takes them in. */
interface Looked {
  readonly startedAt: string;
  readonly drift: Drift;
  readonly unplaced?: Unplaced | null;
}
/** This run repairs drift: what was announced waits for another. */
type Repair = true | undefined;

const beginningOf = (before: State, repair?: Repair): Beginning => ({
  onboarded: [...new Set([...(before?.onboarded ?? []), ...(repair ? [] : (before?.pending ?? []))])],
  placement: before?.placement ?? [],
  settled: before?.settled ?? false,
  carriedOut: before?.carriedOut ?? false,
  repaired: before?.repaired ?? null,
  made: madeIn(before?.resources),
});

export const deploymentOperations = {
  /** A run begins: the request is stored, and what was announced since the last run is taken up. */
  begin: (before: State, { request, at, repair }: Order) => {
    const beginning = beginningOf(before, repair);
    const { onboarded, placement, settled, carriedOut } = beginning;
    const state: State = {
      request,
      onboarded,
      pending: repair ? (before?.pending ?? []) : [],
      placement,
      unplaced: before?.unplaced ?? null,
      settled,
      carriedOut: repair ? carriedOut : false,
      resources: before?.resources ?? {},
      drift: null,
      repaired: repair ? (before?.drift ?? null) : null,
      startedAt: at,
    };
    return { state, answer: beginning };
  },
  found: (before: State, findings: readonly Finding[]) => ({ state: before && { ...before, findings } }),
  /** What a run would start from; nothing is changed. */
  look: (before: State, { repair }: { readonly repair?: Repair }) => ({
    state: before,
    answer: beginningOf(before, repair),
  }),
  place: (before: State, placed: { readonly placement: Placement; readonly unplaced: Unplaced | null }) => ({
    state: before && { ...before, ...placed },
  }),
  record: (before: State, resources: Readonly<Record<string, ResourceState>>) => ({
    state: before && { ...before, resources: { ...before.resources, ...withOutputs(before.resources, resources) } },
  }),
  /** A new subscription announced itself. Twice is once. Answers false where there is no such deployment. */
  onboard: (before: State, id: string) => {
    const known = before && [...before.pending, ...before.onboarded, ...before.placement.flat()].includes(id);
    return {
      state: before && (known ? before : { ...before, pending: [...before.pending, id] }),
      answer: before !== null,
    };
  },
  /** When an announced subscription may be taken up; null where it waits no longer. */
  queued: (before: State, id: string): { readonly state: State; readonly answer: Scheduled | null } => ({
    state: before,
    answer: before?.pending.includes(id) ? { schedule: before.request.schedule } : null,
  }),
  /** What a look at Azure showed. Answers false where a run has begun since, which knows better. */
  drifted: (before: State, { startedAt, drift, unplaced }: Looked) => {
    const isNewest = before?.startedAt === startedAt;
    const state = before && isNewest ? { ...before, drift, unplaced: unplaced ?? before.unplaced ?? null } : before;
    return { state, answer: isNewest };
  },
  /** A run ends. Answers how many were announced meanwhile: then there is another run to do. */
  finish: (before: State, { result, at }: { readonly result: DeploymentResult; readonly at: string }) => ({
    state: before && { ...before, result, ...comeTo(before, result), finishedAt: at },
    answer: before?.pending.length ?? 0,
  }),
};

/** A run that reached no Sentry has changed none. What lost its mark stands as it stood. */
const comeTo = (
  { settled = false, carriedOut = false }: DeploymentState,
  { sentries, stopped, problems }: DeploymentResult,
): Pick<DeploymentState, 'settled' | 'carriedOut'> =>
  sentries > 0 ? { settled: problems.every(isMarkLost), carriedOut: stopped === 0 } : { settled, carriedOut };

export const deploymentEntity = entity<State>(null, deploymentOperations);

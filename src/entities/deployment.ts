/** `deployment@{name}`: the stored request, where each subscription is placed, and the queue of announced ones. */
import type { Placement } from '../domain/fleet';
import type { Drift } from '../domain/plan/drift';
import type { Finding } from '../domain/preflight/finding';
import type { DeploymentRequest } from '../domain/request/request';
import type { Scheduled } from '../domain/schedule';
import type { DeploymentResult, DeploymentState, ResourceState } from '../domain/states';
import { entity } from './entity';

type State = DeploymentState | null;

/** What a run starts from. */
export interface Beginning {
  readonly onboarded: readonly string[];
  readonly placement: Placement;
  readonly settled: boolean;
  /** When the newest run began; null where there was none. */
  readonly startedAt: string | null;
}

interface Order {
  readonly request: DeploymentRequest;
  /** ISO 8601. */
  readonly at: string;
  /** This run repairs drift. */
  readonly repair?: true | undefined;
}

const beginningOf = (before: State): Beginning => ({
  onboarded: [...new Set([...(before?.onboarded ?? []), ...(before?.pending ?? [])])],
  placement: before?.placement ?? [],
  settled: before?.settled ?? false,
  startedAt: before?.startedAt ?? null,
});

export const deploymentOperations = {
  /** A run begins: the request is stored, and what was announced since the last run is taken up. */
  begin: (before: State, { request, at, repair }: Order) => {
    const { onboarded, placement, settled } = beginningOf(before);
    const state: State = {
      request,
      onboarded,
      pending: [],
      placement,
      settled,
      resources: before?.resources ?? {},
      // Why it was begun stays to be read; any other run makes it old.
      drift: repair ? (before?.drift ?? null) : null,
      startedAt: at,
    };
    return { state, answer: { onboarded, placement, settled, startedAt: at } satisfies Beginning };
  },
  found: (before: State, findings: readonly Finding[]) => ({ state: before && { ...before, findings } }),
  /** What a run would start from; nothing is changed. */
  look: (before: State, _nothing: null) => ({ state: before, answer: beginningOf(before) }),
  place: (before: State, placement: Placement) => ({ state: before && { ...before, placement } }),
  record: (before: State, resources: Readonly<Record<string, ResourceState>>) => ({
    state: before && { ...before, resources: { ...before.resources, ...resources } },
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
  /** What a look at Azure showed, unless a run has begun since. */
  drifted: (before: State, { startedAt, drift }: { readonly startedAt: string | null; readonly drift: Drift }) => ({
    state: before && (before.startedAt === startedAt ? { ...before, drift } : before),
  }),
  /** A run ends. Answers how many were announced meanwhile: then there is another run to do. */
  finish: (before: State, { result, at }: { readonly result: DeploymentResult; readonly at: string }) => ({
    state: before && { ...before, result, settled: isSettled(before, result), finishedAt: at },
    answer: before?.pending.length ?? 0,
  }),
};

/** A run that reached no Sentry has changed none. */
const isSettled = ({ settled = false }: DeploymentState, { sentries, problems }: DeploymentResult): boolean =>
  sentries > 0 ? problems.length === 0 : settled;

export const deploymentEntity = entity<State>(null, deploymentOperations);

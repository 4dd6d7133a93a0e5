/** `deployment@{name}`: the stored request, where each subscription is placed, and the queue of announced ones. */
import type { Placement } from '../domain/fleet';
import type { Finding } from '../domain/preflight/finding';
import type { DeploymentRequest } from '../domain/request/request';
import type { DeploymentResult, DeploymentState, ResourceState } from '../domain/states';
import { entity } from './entity';

type State = DeploymentState | null;

/** What a run starts from. */
export interface Beginning {
  readonly onboarded: readonly string[];
  readonly placement: Placement;
  readonly settled: boolean;
}

const beginningOf = (before: State): Beginning => ({
  onboarded: [...new Set([...(before?.onboarded ?? []), ...(before?.pending ?? [])])],
  placement: before?.placement ?? [],
  settled: before?.settled ?? false,
});

export const deploymentOperations = {
  /** A run begins: the request is stored, and what was announced since the last run is taken up. */
  begin: (before: State, { request, at }: { readonly request: DeploymentRequest; readonly at: string }) => {
    const { onboarded, placement, settled } = beginningOf(before);
    const state: State = {
      request,
      onboarded,
      pending: [],
      placement,
      settled,
      resources: before?.resources ?? {},
      startedAt: at,
    };
    return { state, answer: { onboarded, placement, settled } satisfies Beginning };
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
  isPending: (before: State, id: string) => ({ state: before, answer: before?.pending.includes(id) ?? false }),
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

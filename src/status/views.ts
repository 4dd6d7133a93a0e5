/** What the API shows of a deployment. Pure: made from what the entities hold. */
import { z } from 'zod';
import { beginsAt } from '../domain/schedule';
import type { Unplaced } from '../domain/newcomers';
import { count, type Counts, type DeploymentState, type SentryState, type SubscriptionState } from '../domain/states';

/** How the run's instance stands: `failure` where it broke down instead of ending. */
export interface Run {
  readonly runtimeStatus: string;
  readonly atWork: boolean;
  readonly failure?: string | undefined;
}

const stateOf = (
  deployment: DeploymentState | undefined,
  { atWork, failure }: Pick<Run, 'atWork' | 'failure'>,
): string => (atWork ? 'running' : failure !== undefined ? 'failed' : (deployment?.result?.state ?? 'failed'));

const runFailed = ({ failure }: Run) =>
  failure === undefined
    ? []
    : [
        {
          code: 'RunFailed',
          reason: failure,
          remedy: 'See the log, then send the same request again: it goes on where it stood.',
        },
      ];

/** What a Sentry is to Azure, and what it signs in with: a secret only by where it lies. */
function identityView(resources: SentryState['resources']) {
  const outputs = (key: string) => resources[key]?.outputs;
  const { principalId, clientId } = outputs('userAssignedIdentity') ?? outputs('servicePrincipal') ?? {};
  if (clientId === undefined) return null;
  const { secretUri } = outputs('clientSecret') ?? {};
  const { issuer, subject, audience } = outputs('federatedCredential') ?? {};
  return {
    principalId,
    clientId,
    ...(secretUri === undefined ? {} : { secretUri }),
    ...(issuer === undefined ? {} : { federatedCredential: { issuer, subject, audience } }),
  };
}

/** Which subscriptions were read is told of each, where they are paged. */
function configuredView({ proof, ...rest }: NonNullable<SentryState['configured']>) {
  return { ...rest, proof: proof ? { at: proof.at, outbound: proof.outbound } : null };
}

const sentryView = (
  { resources, subscriptions, instanceId: _internal, window, configured, handoff, ...rest }: SentryState,
  { atWork }: Run,
  now: number,
) => ({
  ...rest,
  /** What a run that was ended asked for, nobody waits for any more. */
  handoff: atWork ? (handoff ?? null) : null,
  configured: configured && configuredView(configured),
  window: window && { ...window, secondsLeft: Math.max(0, Math.round((Date.parse(window.expiresAt) - now) / 1_000)) },
  subscriptions: count(subscriptions),
  identity: identityView(resources),
  resources: Object.entries(resources).map(([key, resource]) => ({ key, ...resource })),
});

/** All that a deployment is about, those among them for whom its fleet has no room. */
const totalOf = ({ placement, unplaced }: DeploymentState): number =>
  placement.flat().length + (unplaced?.ids.length ?? 0);

/** A deployment whole, but for its subscriptions one by one: those are paged. `now` is in epoch ms. */
export function deploymentView(
  deployment: DeploymentState,
  sentries: readonly SentryState[],
  run: Run,
  etag: string,
  now: number,
) {
  const all = sentries.map(({ subscriptions }) => count(subscriptions));
  const sum = (what: keyof Counts) => all.reduce((total, counts) => total + counts[what], 0);
  const aside = deployment.unplaced?.ids.length ?? 0;
  const { request, startedAt, finishedAt, result, pending, drift, repaired } = deployment;
  const begins = beginsAt(request);
  return {
    name: request.name,
    state: stateOf(deployment, run),
    runtimeStatus: run.runtimeStatus,
    startedAt,
    /** While it waits for the time from which it may change anything. */
    beginsAt: run.atWork && begins > now ? new Date(begins).toISOString() : null,
    finishedAt: run.atWork ? null : (finishedAt ?? null),
    subscriptions: {
      total: totalOf(deployment),
      granted: sum('granted'),
      proven: sum('proven'),
      setAside: sum('setAside') + aside,
    },
    announced: pending.length,
    drift: drift ?? null,
    repaired: repaired ?? null,
    resources: Object.entries(deployment.resources).map(([key, resource]) => ({ key, ...resource })),
    sentries: sentries.map((sentry) => sentryView(sentry, run, now)),
    findings: deployment.findings ?? [],
    problems: [...runFailed(run), ...(run.atWork ? [] : (result?.problems ?? []))],
    request,
    etag,
  };
}

/** Between the start and the run's first turn there is no state yet. */
export const startingView = (name: string, run: Run) => ({
  name,
  state: run.atWork ? 'running' : 'failed',
  runtimeStatus: run.runtimeStatus,
  problems: runFailed(run),
  sentries: [],
});

export const listView = (
  found: readonly {
    readonly name: string;
    readonly deployment: DeploymentState | undefined;
    readonly atWork: boolean;
  }[],
) => ({
  value: found.map(({ name, deployment, atWork }) => ({
    name,
    state: stateOf(deployment, { atWork, failure: undefined }),
    sentries: deployment?.placement.length ?? 0,
    subscriptions: deployment ? totalOf(deployment) : 0,
    drift: deployment?.drift?.count ?? null,
    startedAt: deployment?.startedAt ?? null,
    url: `/api/deployments/${name}`,
  })),
});

const states = ['pending', 'granted', 'setAside'] as const satisfies readonly SubscriptionState['state'][];
const MOST_ROWS = 1_000;
const isNoPage = { error: `is not a whole number from 1 to ${MOST_ROWS}` };

export const subscriptionQuery = z.object({
  state: z.enum(states, { error: `is not one of ${states.join(', ')}` }).optional(),
  after: z.string().optional(),
  top: z.coerce.number(isNoPage).int(isNoPage).min(1, isNoPage).max(MOST_ROWS, isNoPage).default(100),
});

/** One page in order of id; `sentry` is null where the fleet has no room. `after` is where the next begins, absent on the last. */
export function subscriptionPage(
  sentries: readonly SentryState[],
  unplaced: Unplaced | null | undefined,
  { state, after = '', top }: z.output<typeof subscriptionQuery>,
) {
  const placed = sentries.flatMap(({ n, subscriptions }) =>
    Object.entries(subscriptions).map(([subscriptionId, outcome]) => ({ subscriptionId, sentry: n, ...outcome })),
  );
  const { ids = [], ...why } = unplaced ?? {};
  const aside = ids.map((subscriptionId) => ({ subscriptionId, sentry: null, state: 'setAside' as const, ...why }));
  const rows = [...placed, ...aside]
    .filter((row) => row.subscriptionId > after && (state === undefined || row.state === state))
    .sort((a, b) => (a.subscriptionId < b.subscriptionId ? -1 : 1));
  const value = rows.slice(0, top);
  return { value, after: rows.length > top ? value.at(-1)?.subscriptionId : undefined };
}

import type { OrchestrationContext } from 'durable-functions';
import { type Activity, activities, type Inspected, type InspectedNow } from '../activities/contracts';
import { rolesOf, scopesOf } from '../domain/blueprint/grants';
import type { Placement } from '../domain/fleet';
import { inRows, settle, type State } from '../domain/graph';
import type { Later } from '../domain/outcome';
import { areasOf, isOfHost, notChecked, readOf, readOfScope } from '../domain/preflight/areas';
import { bounded } from '../domain/preflight/codes';
import { checkFleet, checkMark } from '../domain/preflight/existing';
import type { Finding } from '../domain/preflight/finding';
import {
  checkAnyLeft,
  groupScope,
  setAside,
  subscriptionScope,
  type WatchedScope,
} from '../domain/preflight/subscriptions';
import { vaultUnreachable } from '../domain/preflight/vault';
import { isAmong } from '../domain/sameId';
import { ask, callAll, now, sentryRef, type Story, until } from './call';
import type { DeploymentInput } from './inputs';

const SCOPES_EACH = 10;
/** A read that is throttled, or that broke, is asked for again as long as this; then it is a finding. */
const PATIENCE_SECONDS = 120;
/** What may heal is looked at again this often. */
const AGAIN_SECONDS = 30;
/** Where nothing at all could be granted: the right to may have been given a moment ago. */
const LOOKS_AT_NOTHING_LEFT = 4;

interface Before {
  readonly placement: Placement;
  /** Every Sentry was brought to its end. */
  readonly settled: boolean;
  /** Ids of what was made and the Sentries share. */
  readonly made: readonly string[];
}

export interface Preflight {
  readonly findings: readonly Finding[];
  /** Those on the scopes, each looked at by itself: they are the same in a fleet of another size. */
  readonly ofScopes: readonly Finding[];
}

/**
 * Looks at everything that could stop a run, and tells all of it at once. Writes nothing. What cannot be read is a
 * warning, never an exception. `placed` are the subscriptions of each Sentry, `before` is what earlier runs came to,
 * `seen` was found of a fleet that has all of these subscriptions and more.
 */
export function* preflight(
  context: OrchestrationContext,
  input: DeploymentInput,
  placed: Placement,
  before: Before,
  seen?: Preflight,
): Story<Preflight> {
  const { request, profile, egressAddresses: egress } = input;
  const blueprint = { request, profile };
  const byGroup = request.subscriptions.grantAt === 'managementGroup';
  const groups = byGroup ? groupsOf(input) : [];
  const watched = byGroup ? [] : placed.flat();
  const sentries = placed.length;

  const host = yield* lookAt(context, {
    activity: activities.inspectHost,
    jobs: areasOf(blueprint),
    each: Infinity,
    inputOf: (some) => ({ blueprint, areas: some, sentries, settled: before.settled, watched, groups, egress }),
    unread: (area, reason) =>
      area === 'vault' ? vaultUnreachable(reason) : notChecked(readOf(area, blueprint), reason),
  });

  const scopes = [...groups.map(groupScope), ...watched.map(subscriptionScope)];
  const granted = scopesOf(blueprint, before.placement.flat());
  // What was granted before a policy came is kept.
  const isKept = ({ code, where: at }: Finding): boolean => code === 'GrantDenied' && granted.includes(at);
  const unmarked = host.flatMap((one) => one.unmarked ?? []);
  const lost = yield* madeByUs(context, request.name, before, unmarked);
  const found = host
    .flatMap(({ findings }) => findings.filter((one) => !isKept(one)))
    .map((one) => (one.code === 'NameTaken' && lost.includes(one.where) ? checkMark(request.name, one) : one));
  const limited = host.flatMap((one) => one.limited ?? []);
  const ofScopes = seen
    ? seen.ofScopes.filter((one) => scopes.includes(one.where))
    : yield* lookAtScopes(context, input, scopes, granted, { known: found, limited });
  const all = [...found, ...ofScopes];
  const findings = told([
    ...checkFleet(blueprint, sentries, before.placement.length > 0),
    ...checkAnyLeft(scopes, granted, all),
    ...all,
  ]);
  return { findings, ofScopes };
}

/** Which of these our own state says that this deployment made. The Sentries are asked only where there are any. */
function* madeByUs(
  context: OrchestrationContext,
  name: string,
  { made, placement }: Before,
  unmarked: readonly string[],
): Story<readonly string[]> {
  if (unmarked.length === 0) return [];
  const all = [...made];
  for (const at of placement.keys()) all.push(...(yield* ask(context, sentryRef(name, at + 1), 'made', null)));
  return unmarked.filter((id) => isAmong(all, id));
}

/** Where there is no host subscription, that nothing in it could be read says no more. */
function told(findings: readonly Finding[]): readonly Finding[] {
  const isAbsent = findings.some(({ code }) => code === 'HostSubscriptionUnknown');
  return bounded(findings.filter((one) => !isAbsent || one.code !== 'CouldNotBeChecked' || !isOfHost(one)));
}

const groupsOf = ({ request }: DeploymentInput): readonly string[] =>
  request.subscriptions.include.flatMap((rule) => (rule.kind === 'managementGroup' ? [rule.id] : []));

/** One read for each scope that is not known to be set aside; again only where nothing would be left. */
function* lookAtScopes(
  context: OrchestrationContext,
  input: DeploymentInput,
  scopes: readonly string[],
  granted: readonly string[],
  { known, limited: limits }: { readonly known: readonly Finding[]; readonly limited: readonly WatchedScope[] },
): Story<readonly Finding[]> {
  const limited = new Map(limits.map((one) => [one.scope, one]));
  const aside = setAside(known);
  const roles = rolesOf(input).map(({ name, id }) => ({ name, id }));
  const jobs = scopes
    .filter((scope) => !aside.has(scope))
    .map((scope): WatchedScope => limited.get(scope) ?? { scope });
  for (let look = 1; ; look += 1) {
    const seen = yield* lookAt(context, {
      activity: activities.inspectScopes,
      jobs,
      each: SCOPES_EACH,
      inputOf: (some) => ({ scopes: some, roles }),
      unread: ({ scope }, reason) => notChecked(readOfScope(scope), reason),
    });
    const findings = seen.flatMap((one) => one.findings);
    const nothingLeft = checkAnyLeft(scopes, granted, [...known, ...findings]).length > 0;
    const mayHeal = findings.some(({ code }) => code === 'SubscriptionNotGrantable');
    if (!nothingLeft || !mayHeal || look === LOOKS_AT_NOTHING_LEFT) return findings;
    yield* until(context, now(context) + AGAIN_SECONDS * 1_000);
  }
}

interface Looking<J, I> {
  readonly activity: Activity<I, readonly Inspected[]>;
  readonly jobs: readonly J[];
  /** How many jobs one activity takes. */
  readonly each: number;
  readonly inputOf: (jobs: readonly J[]) => I;
  /** What stands for a job that could not be read. */
  readonly unread: (job: J, reason: string) => Finding;
}
interface Waiting<J> {
  readonly job: J;
  readonly index: number;
  readonly state?: Extract<State, { state: 'later' }>;
}

/** Asks until every job is answered or its patience is over, in rounds as `carryOut` does. In the jobs' order. */
function* lookAt<J, I>(context: OrchestrationContext, looking: Looking<J, I>): Story<readonly InspectedNow[]> {
  const { activity, jobs, each, inputOf, unread } = looking;
  const answers: InspectedNow[] = [];
  let waiting: readonly Waiting<J>[] = jobs.map((job, index) => ({ job, index }));
  while (waiting.length > 0) {
    const at = now(context);
    const due = waiting.filter(({ state }) => !state || state.dueAt <= at);
    if (due.length === 0) {
      yield* until(context, Math.min(...waiting.map(({ state }) => state?.dueAt ?? at)));
      continue;
    }
    const batches = inRows(due, each);
    const told = yield* callAll(
      context,
      activity,
      batches.map((batch) => inputOf(batch.map(({ job }) => job))),
    );
    const again = batches.flatMap((batch, row) =>
      batch.flatMap((one, column): readonly Waiting<J>[] => {
        const answer = told?.[row]?.[column] ?? BROKE_DOWN;
        const state = settleLook(one.state, answer, now(context));
        if (state?.state === 'later') return [{ ...one, state }];
        answers[one.index] =
          answer.kind === 'inspected'
            ? answer
            : { kind: 'inspected', findings: [unread(one.job, `${answer.code}: ${answer.reason}`)] };
        return [];
      }),
    );
    waiting = [...again, ...waiting.filter((one) => !due.includes(one))];
  }
  return answers;
}

/** A worker that was killed has answered nothing. Reads may be done twice. */
const BROKE_DOWN: Later = {
  kind: 'later',
  code: 'ActivityBrokeDown',
  reason: 'The activity broke down before it could answer',
  remedy: '',
  patienceSeconds: PATIENCE_SECONDS,
};

/** The state of a job that is to be asked again; anything else where its last answer counts. */
function settleLook(before: State | undefined, answer: Inspected, at: number): State | undefined {
  if (answer.kind === 'later')
    return settle(before, { ...answer, patienceSeconds: Math.min(answer.patienceSeconds, PATIENCE_SECONDS) }, at);
  if (answer.healsWithin === undefined) return undefined;
  return settle(before, { ...BROKE_DOWN, seconds: AGAIN_SECONDS, patienceSeconds: answer.healsWithin }, at);
}

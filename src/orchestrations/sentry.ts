import type { OrchestrationContext } from 'durable-functions';
import { applianceOf } from '../domain/blueprint/blueprint';
import { formerGrants, grantKey, rolesOf, scopesOf, surplusGrants } from '../domain/blueprint/grants';
import { principal } from '../domain/blueprint/identity';
import { sentryResources } from '../domain/blueprint/sentry';
import { isCutOff, outputsOf, type Progress } from '../domain/graph';
import { isMarkLost } from '../domain/mark';
import type { Refusal } from '../domain/outcome';
import { endsAt, scheduleOver } from '../domain/schedule';
import { grantedOf, whyUnasked, withProof } from '../domain/proof';
import {
  type Counts,
  count,
  grantsKept,
  refusals,
  resourceStates,
  type SentryResult,
  type SentryState,
  subscriptionStates,
} from '../domain/states';
import type { Beginning } from '../entities/sentry';
import { ask, now, sentryRef, type Story } from './call';
import { carryOut } from './carryOut';
import { brokeDown, notProvenClosed } from './configuration/window';
import { configure } from './configure';
import { consentOf } from './consent';
import { dropCredentials, isRenewed } from './credentials';
import type { SentryInput } from './inputs';
import { type Access, applianceAccess, applicationAccess } from './prove';
import { finish, tellMe } from './sentryState';

type Stopped = NonNullable<SentryState['stopped']>;
type Configured = NonNullable<SentryState['configured']>;

/** One Sentry, from nothing to collecting. What stops it, a failure of ours included, is a value in its answer. */
export function* sentry(context: OrchestrationContext): Story<SentryResult> {
  const input = context.df.getInput<SentryInput>();
  const { n, subscriptions } = input;
  const nothing: Counts = { total: subscriptions.length, granted: 0, proven: 0, setAside: 0 };
  try {
    return yield* bringUp(context, input);
  } catch (error) {
    const stopped = brokeDown(error);
    yield* finish(context, input, { stage: 'stopped', stopped, handoff: null });
    return { n, subscriptions: nothing, stopped };
  }
}

function* bringUp(context: OrchestrationContext, input: SentryInput): Story<SentryResult> {
  const { request, n, subscriptions } = input;
  const before = yield* ask(context, sentryRef(request.name, n), 'begin', { n, instanceId: context.df.instanceId });

  const resources = sentryResources(input, n, subscriptions);
  const statesOf = (progress: Progress, collected = (id: string) => before.collected.includes(id)) =>
    withProof(
      subscriptionStates(input, subscriptions, progress, collected),
      (id) => before.proven.includes(id),
      () => whyUnasked(input),
    );
  // Noted before anything is granted, so that a run that is cut off leaves no grant that nobody knows.
  tellMe(context, input, { scopes: [...new Set([...before.scopes, ...scopesOf(input, subscriptions)])] });
  let told = '';
  const consent = consentOf(context, input);
  const onRound = (progress: Progress): void => {
    const subscriptions = statesOf(progress);
    const patch = { resources: resourceStates(resources, progress), subscriptions, ...consent.handoff(progress) };
    context.df.setCustomStatus({ stage: patch.stage, subscriptions: count(subscriptions) });
    // Only what is new: every patch stays in the history.
    if (JSON.stringify(patch) !== told) tellMe(context, input, patch);
    told = JSON.stringify(patch);
  };
  const { interrupt } = consent;
  const { made } = before;
  const options = { onRound, interrupt, deadline: endsAt(request), made, lacking: input.lacking };
  const progress = yield* carryOut(context, 'ensure', request.name, resources, input.shared, options);
  const left = [
    ...(yield* takeBack(context, input, before, progress)),
    ...(yield* dropCredentials(context, input, before, progress)),
  ];

  const counts = count(statesOf(progress));
  const granted = grantedOf(statesOf(progress));
  // The appliance is set up for what was granted, and asked for no more.
  const setUpFor = { ...input, subscriptions: granted };
  const over = isCutOff(resources, progress) || left.some(isOver) ? [scheduleOver(request)] : [];
  const stays = left.filter((one) => !isOver(one));
  const refused = [...refusals(resources, progress), ...stays, ...over];
  const { outcome, asked } = yield* setUp(context, setUpFor, before, progress, counts, refused);
  if ('code' in outcome) {
    yield* finish(context, input, { stage: 'stopped', stopped: outcome, handoff: null });
    return { n, subscriptions: counts, stopped: brief(outcome) };
  }
  // Where no script is run, whoever collects is not ours.
  const collected = (id: string) =>
    applianceOf(input) !== undefined && (outcome !== before.configured || before.collected.includes(id));
  const claims = { granted, collected, proof: outcome.proof };
  const access =
    asked ?? (yield* applicationAccess(context, input, outputsOf(progress), granted)) ?? applianceAccess(input, claims);
  const states = withProof(statesOf(progress, collected), access.isProven, access.why);
  const keyId = outputsOf(progress)['clientSecret']?.['keyId'];
  const secret = keyId === undefined ? {} : { keyId };
  yield* finish(context, input, { stage: 'completed', handoff: null, subscriptions: states, ...secret });
  const problems = [...over, ...stays, ...refused.filter(isMarkLost), ...(access.problem ? [access.problem] : [])];
  return { n, subscriptions: count(states), ...(problems.length > 0 ? { problems } : {}) };
}

/** `asked`: what its application reads, where that was asked before the script was run. */
interface SetUp {
  readonly outcome: Stopped | Configured;
  readonly asked?: Access | undefined;
}

/** Sees to it that the appliance is set up, where there is one and it is not already. */
function* setUp(
  context: OrchestrationContext,
  input: SentryInput,
  before: Beginning,
  progress: Progress,
  counts: Counts,
  refused: readonly Refusal[],
): Story<SetUp> {
  const appliance = applianceOf(input);
  if (!appliance) return { outcome: refused[0] ?? whyNothing(counts) ?? NOTHING_TO_SET_UP };
  const vm = progress['virtualMachine'];
  const rebuilt = vm?.state === 'done' && vm.change === 'created';
  const given = outputsOf(progress);
  const signsIn = given[principal(input.request).key]?.['principalId'];
  // The appliance was told to sign in as another, or with a secret that is no more.
  const moved =
    (before.principalId !== null && signsIn !== undefined && signsIn !== before.principalId) ||
    isRenewed(before, given);
  const anew = rebuilt || moved;
  // Forgotten before anything can end this run: the next one finds the new VM kept, and must not take it for set up.
  if (anew && before.configured) {
    const uncollected = subscriptionStates(input, input.subscriptions, progress, () => false);
    tellMe(context, input, { configured: null, subscriptions: uncollected });
  }
  // What was known of its predecessor is not true of this machine.
  if (rebuilt) tellMe(context, input, { hostKey: null });
  const isSetUp = before.configured && !anew;
  const over = () => (!isSetUp && now(context) >= endsAt(input.request) ? scheduleOver(input.request) : undefined);
  // What was set up goes on as it is, though a thing of it may not be touched before its mark is put back.
  const stands = !!isSetUp && counts.granted > 0 && refused.every(isMarkLost);
  const stopped = whyNotConfigure(refused, progress, before.unclosed, stands) ?? over() ?? whyNothing(counts);
  if (stopped) return { outcome: stopped };
  // Set up once already: the script's count is the person's to change, and what came since is "not yet collected".
  if (isSetUp) return { outcome: before.configured };
  if (counts.total === 0) return { outcome: NOTHING_TO_SET_UP };
  const asked = yield* applicationAccess(context, input, given, input.subscriptions);
  // A grant may have been waited for meanwhile.
  const overNow = over();
  if (overNow) return { outcome: overNow };
  const outcome = yield* configure(context, {
    input,
    appliance,
    given: { ...input.shared, ...given },
    granted: counts.granted,
    hostKey: rebuilt ? undefined : (before.hostKey ?? undefined),
  });
  return { outcome, asked };
}

/** No appliance, or none of its subscriptions left: no script is run. */
const NOTHING_TO_SET_UP: Configured = { subscriptions: 0 };

const isOver = ({ code }: Refusal): boolean => code === scheduleOver({}).code;

const brief = ({ code, reason, remedy }: Stopped): Refusal => ({ code, reason, remedy });

/**
 * Takes back our grants that the request wants no longer: at scopes that left, and the controller's roles. Answers why
 * not all of them were gone when its time was over.
 */
function* takeBack(
  context: OrchestrationContext,
  input: SentryInput,
  before: Beginning,
  progress: Progress,
): Story<readonly Refusal[]> {
  const { request, n, subscriptions } = input;
  const { enabled } = request.controller;
  const everyRole = { ...input, request: { ...request, controller: { ...request.controller, enabled: true } } };
  const { known, hadController } = before;
  const scopes = scopesOf(input, subscriptions);
  const left = before.scopes.filter((scope) => !scopes.includes(scope));
  const given = outputsOf(progress);
  const principalId = given[principal(request).key]?.['principalId'];
  const former = principalId === undefined ? [] : formerGrants(input, n, principalId, before);
  const surplus = [...surplusGrants(input, n, scopes, before), ...former];
  // Without its principal a grant cannot be named; what is known of it is kept for the next run.
  const named = surplus.every(({ needs }) => needs.every((need) => given[need]));
  const deadline = endsAt(request);
  const gone = named ? yield* carryOut(context, 'remove', request.name, surplus, given, { deadline }) : {};
  const stuck = surplus.filter(({ key }) => gone[key]?.state !== 'done').map(({ key }) => key);
  const stays = left.filter((scope) =>
    rolesOf(everyRole).some(({ name }) => stuck.some((key) => key.endsWith(grantKey(scope, name)))),
  );
  tellMe(context, input, {
    forget: known.filter((id) => !subscriptions.includes(id) && !stays.some((scope) => scope.endsWith(id))),
    scopes: [...scopes, ...stays],
    principalId: former.some(({ key }) => stuck.includes(key))
      ? before.principalId
      : (principalId ?? before.principalId),
    controller: enabled || (hadController && stuck.length > 0),
  });
  return [...(named && isCutOff(surplus, gone) ? [scheduleOver(request)] : []), ...grantsKept(surplus, gone)];
}

/** A person is called to the console only when everything is there that the set-up script will ask for. */
function whyNotConfigure(
  found: readonly Refusal[],
  progress: Progress,
  unclosed: boolean,
  stands: boolean,
): Refusal | undefined {
  if (!stands && progress['virtualMachine']?.state !== 'done') {
    return (
      found[0] ?? {
        code: 'NoVirtualMachine',
        reason: 'The VM could not be made',
        remedy: 'See what each resource says, mend it, then send the same request again.',
      }
    );
  }
  return unclosed
    ? notProvenClosed('Its last access window is not proven closed; the window goes on trying')
    : undefined;
}

const whyNothing = ({ total, granted }: Counts): Refusal | undefined =>
  total > 0 && granted === 0
    ? {
        code: 'NothingGranted',
        reason: 'None of its subscriptions could be granted, so it has nothing to collect',
        remedy: 'Mend what the subscriptions say, then send the same request again.',
      }
    : undefined;

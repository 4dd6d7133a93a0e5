/** What a run is about, and what could stop it. The first stage of each run and of each plan: nothing is written. */
import type { OrchestrationContext } from 'durable-functions';
import { activities } from '../activities/contracts';
import type { Blueprint } from '../domain/blueprint/blueprint';
import { assign, type Placement } from '../domain/fleet';
import { checkTakenIn, newcomersIn, notTakenIn, type Unplaced } from '../domain/newcomers';
import type { Refusal } from '../domain/outcome';
import { bounded } from '../domain/preflight/codes';
import type { Finding } from '../domain/preflight/finding';
import { checkSelection } from '../domain/preflight/selection';
import { type KnownSubscription, needsLookup, wantedNow } from '../domain/subscriptions';
import type { Beginning } from '../entities/deployment';
import { call, type Story } from './call';
import type { DeploymentInput } from './inputs';
import { type Preflight, preflight } from './preflight';
import { settled } from './settled';

export interface Around {
  /** Where each subscription is placed that is meant. */
  readonly placement: Placement;
  /** Who came by themselves, and for whom the fleet has no room. */
  readonly unplaced: Unplaced | null;
  readonly findings: readonly Finding[];
}

export function* lookAround(
  context: OrchestrationContext,
  input: DeploymentInput,
  before: Beginning,
): Story<Around | Refusal> {
  const known = yield* lookUp(context, input);
  if (!('subscriptions' in known)) return known;
  const { placement, unplaced, findings } = yield* fit(
    context,
    input,
    wantedNow(input, known.subscriptions, before),
    before,
  );
  const selection = checkSelection(input.request, known.subscriptions, placement, before.placement);
  return { placement, unplaced, findings: bounded([...selection, ...findings]) };
}

interface Looked extends Preflight {
  readonly placement: Placement;
}

/**
 * Places what is wanted. Who came by themselves hold up nobody: where taking them all in would end the run, the fleet
 * grows as far as it can. What a person asked for is placed, or the run ends.
 */
function* fit(
  context: OrchestrationContext,
  input: DeploymentInput,
  wanted: readonly string[],
  before: Beginning,
): Story<Around> {
  const max = input.profile.maxSubscriptions;
  const late = newcomersIn(input.request, wanted, before);
  const asked = wanted.filter((id) => !late.has(id));
  const inOrder = [...asked, ...wanted.filter((id) => late.has(id))];
  const lookAt = function* (most: number, seen?: Preflight): Story<Looked> {
    const placement = assign(before.placement, inOrder, max, most);
    context.df.setCustomStatus({ stage: 'preflight', sentries: placement.length });
    return { placement, ...(yield* preflight(context, input, placement, before, seen)) };
  };

  const whole = yield* lookAt(Infinity);
  const least = assign(before.placement, asked, max).length;
  if (errorsIn(whole).length === 0 || whole.placement.length === least) return { ...whole, unplaced: null };
  let best = yield* lookAt(least, whole);
  // The run ends without them as well: they are told of when it does not.
  if (errorsIn(best).length > 0) return { ...best, unplaced: null };
  let tooMany = whole;
  while (tooMany.placement.length - best.placement.length > 1) {
    const between = yield* lookAt(Math.ceil((best.placement.length + tooMany.placement.length) / 2), whole);
    if (errorsIn(between).length === 0) best = between;
    else tooMany = between;
  }
  const placed = new Set(best.placement.flat());
  const unplaced = notTakenIn(
    inOrder.filter((id) => !placed.has(id)),
    errorsIn(tooMany),
  );
  return {
    placement: best.placement,
    unplaced,
    findings: [...checkTakenIn(unplaced, whole.findings), ...best.findings],
  };
}

const errorsIn = ({ findings }: Pick<Around, 'findings'>): readonly Finding[] =>
  findings.filter(({ severity }) => severity === 'error');

/** Asks Resource Graph only where the ids in the request do not settle it, and as long as that may help. */
function* lookUp(
  context: OrchestrationContext,
  { request }: Blueprint,
): Story<{ readonly subscriptions: readonly KnownSubscription[] } | Refusal> {
  if (!needsLookup(request.subscriptions)) return { subscriptions: [] };
  return yield* settled(context, () => call(context, activities.listSubscriptions, null));
}

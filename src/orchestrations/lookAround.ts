/** What a run is about, and what could stop it. The first stage of each run and of each plan: nothing is written. */
import type { OrchestrationContext } from 'durable-functions';
import { activities } from '../activities/contracts';
import type { Blueprint } from '../domain/blueprint/blueprint';
import { assign, type Placement } from '../domain/fleet';
import type { Refusal } from '../domain/outcome';
import { bounded } from '../domain/preflight/codes';
import type { Finding } from '../domain/preflight/finding';
import { checkSelection } from '../domain/preflight/selection';
import { type KnownSubscription, needsLookup, wantedNow } from '../domain/subscriptions';
import type { Beginning } from '../entities/deployment';
import { call, type Story } from './call';
import type { DeploymentInput } from './inputs';
import { preflight } from './preflight';
import { settled } from './settled';

export interface Around {
  /** Where each subscription is placed that is meant. */
  readonly placement: Placement;
  readonly findings: readonly Finding[];
}

export function* lookAround(
  context: OrchestrationContext,
  input: DeploymentInput,
  before: Beginning,
): Story<Around | Refusal> {
  const { request, profile } = input;
  const known = yield* lookUp(context, input);
  if (!('subscriptions' in known)) return known;
  const wanted = wantedNow(input, known.subscriptions, before);
  const placement = assign(before.placement, wanted, profile.maxSubscriptions);
  context.df.setCustomStatus({ stage: 'preflight', sentries: placement.length });
  const selection = checkSelection(request, known.subscriptions, placement, before.placement);
  const findings = yield* preflight(context, input, placement, before);
  return { placement, findings: bounded([...selection, ...findings]) };
}

/** Asks Resource Graph only where the ids in the request do not settle it, and as long as that may help. */
function* lookUp(
  context: OrchestrationContext,
  { request }: Blueprint,
): Story<{ readonly subscriptions: readonly KnownSubscription[] } | Refusal> {
  if (!needsLookup(request.subscriptions)) return { subscriptions: [] };
  return yield* settled(context, () => call(context, activities.listSubscriptions, null));
}

/** What the request's rules find, held against what was found before. Pure. */
import type { Placement } from '../fleet';
import type { DeploymentRequest } from '../request/request';
import { emptyRules, type KnownSubscription, leftOut } from '../subscriptions';
import { finding } from './codes';
import type { Finding } from './finding';
import { subscriptionScope } from './subscriptions';

/**
 * A rule that finds nothing is most often a slip: a name misspelt, a right to read that was lost. Where none finds
 * anything, going on would take back every grant of before, or make an appliance for nothing.
 *
 * @param placed the subscriptions that the run would be about, by Sentry
 * @param before the same of the run before it
 */
export function checkSelection(
  { subscriptions: rules }: Pick<DeploymentRequest, 'subscriptions'>,
  known: readonly KnownSubscription[],
  placed: Placement,
  before: Placement,
): readonly Finding[] {
  const wanted = placed.flat();
  const hasMany = before.flat().length > 0;
  const nothing = wanted.length === 0 && (hasMany || !rules.onboardNew);
  const empty = emptyRules(rules, known).map((at) =>
    finding('RuleFindsNothing', `/subscriptions/include/${at}`, nothingFits(rules.include[at]), LOOK),
  );
  const disabled = leftOut(rules, known, wanted).map(({ id, state }) =>
    finding('SubscriptionDisabled', subscriptionScope(id), `Its state is ${state}: it is left out`, ENABLE),
  );
  return [
    ...(nothing ? [finding('NothingSelected', '/subscriptions', whyNothing(before.flat().length), LOOK)] : []),
    ...empty,
    ...disabled,
  ];
}

type Rule = DeploymentRequest['subscriptions']['include'][number];

const LOOK =
  'Correct the rule, or give the app Reader at the management group (docs/deploy.md, step 2): it finds what it may read.';
const ENABLE = 'Enable it in the portal, under Cost Management + Billing, then send the request again.';

function nothingFits(rule: Rule | undefined): string {
  if (rule?.kind === 'managementGroup')
    return `No subscription that the app may read is in a management group named '${rule.id}'`;
  return rule?.kind === 'tag'
    ? `No subscription that the app may read has the tag ${rule.name}=${rule.value}`
    : 'No subscription fits it';
}

const whyNothing = (before: number): string =>
  before > 0
    ? `The request means no subscription; the ${before} of before would lose all that was granted`
    : 'The request means no subscription';

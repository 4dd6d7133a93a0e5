/** Which subscriptions a request means. Pure: what Azure holds is given. */
import type { Placement } from './fleet';
import type { DeploymentRequest } from './request/request';

/** A subscription as Resource Graph tells of it. */
export interface KnownSubscription {
  readonly id: string;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Such as `Enabled`. */
  readonly state: string;
  /** Names of the management groups above it, nearest first. */
  readonly managementGroups: readonly string[];
}

type Rules = DeploymentRequest['subscriptions'];
type Rule = Rules['include'][number];

const matches = (rule: Rule, subscription: KnownSubscription): boolean => {
  switch (rule.kind) {
    case 'ids':
      return rule.ids.includes(subscription.id);
    case 'managementGroup':
      return subscription.managementGroups.some((name) => name.toLowerCase() === rule.id.toLowerCase());
    case 'tag':
      // Azure's names of tags are the same in upper and lower case, their values are not.
      return Object.entries(subscription.tags).some(
        ([name, value]) => name.toLowerCase() === rule.name.toLowerCase() && value === rule.value,
      );
  }
};

/** Azure's states in which nothing can be written: a subscription past due can still be. */
const READ_ONLY = ['disabled', 'warned', 'expired', 'deleted'];
export const isReadOnly = (state: string): boolean => READ_ONLY.includes(state.toLowerCase());

/** True when the ids alone do not settle which subscriptions are meant, so that Azure has to be asked. */
export const needsLookup = (rules: Rules): boolean => rules.include.some((rule) => rule.kind !== 'ids');

interface Before {
  readonly onboarded: readonly string[];
  readonly placement: Placement;
}

/**
 * Which subscriptions a run is about. The listed ids first, whether Azure knows them or not: one that does not exist is
 * set aside later, by name. What a rule finds joins while it can be written to, and stays though it cannot.
 *
 * A repair brings in nothing that nobody asked for: what came into a management group, or took a tag, joins with
 * `onboardNew` or when a person sends the request again. And it gives up nothing that Azure does not show just now.
 */
export function wantedNow(
  { request, repair }: { readonly request: Pick<DeploymentRequest, 'subscriptions'>; readonly repair?: true },
  known: readonly KnownSubscription[],
  before: Before,
): readonly string[] {
  const rules = request.subscriptions;
  const placed = new Set(before.placement.flat());
  const found = known.filter((one) => rules.include.some((rule) => matches(rule, one)));
  const joins = ({ id, state }: KnownSubscription): boolean =>
    placed.has(id) || (!isReadOnly(state) && (!repair || rules.onboardNew));
  const shown = new Set(known.map(({ id }) => id));
  const unseen = repair && needsLookup(rules) ? [...placed].filter((id) => !shown.has(id)) : [];
  const onboarded = rules.onboardNew ? before.onboarded : [];
  const all = new Set([...listedIn(rules), ...found.filter(joins).map(({ id }) => id), ...unseen, ...onboarded]);
  rules.exclude.forEach((id) => all.delete(id));
  return [...all];
}

/** What the request names by its id. */
export const listedIn = (rules: Rules): readonly string[] =>
  rules.include.flatMap((rule) => (rule.kind === 'ids' ? rule.ids : []));

/** The rules by management group or tag that no subscription fits, by their place in the request. */
export const emptyRules = (rules: Rules, known: readonly KnownSubscription[]): readonly number[] =>
  rules.include.flatMap((rule, at) => (rule.kind !== 'ids' && !known.some((one) => matches(rule, one)) ? [at] : []));

/** What the rules find and a run leaves out, because nothing can be written there. */
export const leftOut = (
  rules: Rules,
  known: readonly KnownSubscription[],
  wanted: readonly string[],
): readonly KnownSubscription[] =>
  known.filter(
    (one) =>
      isReadOnly(one.state) &&
      !wanted.includes(one.id) &&
      !rules.exclude.includes(one.id) &&
      rules.include.some((rule) => matches(rule, one)),
  );

/**
 * Does the request want this new subscription? With `onboardNew`, its management group and tag rules decide;
 * without such a rule every new subscription of the tenant is wanted.
 */
export function covers(rules: Rules, subscription: KnownSubscription): boolean {
  if (!rules.onboardNew || rules.exclude.includes(subscription.id)) return false;
  const open = rules.include.filter((rule) => rule.kind !== 'ids');
  return open.length === 0 || rules.include.some((rule) => matches(rule, subscription));
}

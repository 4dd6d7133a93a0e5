/** Which subscriptions a request means. Pure: what Azure holds is given. */
import type { Placement } from './fleet';
import type { DeploymentRequest } from './request/request';

/** A subscription as Resource Graph tells of it. */
export interface KnownSubscription {
  readonly id: string;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
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
      return subscription.tags[rule.name] === rule.value;
  }
};

/** True when the ids alone do not settle which subscriptions are meant, so that Azure has to be asked. */
export const needsLookup = (rules: Rules): boolean => rules.include.some((rule) => rule.kind !== 'ids');

/** The listed ids first, whether Azure knows them or not: one that does not exist is set aside later, by name. */
export function select(rules: Rules, known: readonly KnownSubscription[], onboarded: readonly string[]): string[] {
  const listed = rules.include.flatMap((rule) => (rule.kind === 'ids' ? rule.ids : []));
  const found = known.filter((subscription) => rules.include.some((rule) => matches(rule, subscription)));
  const all = new Set([...listed, ...found.map(({ id }) => id), ...(rules.onboardNew ? onboarded : [])]);
  rules.exclude.forEach((id) => all.delete(id));
  return [...all];
}

/**
 * What a run is about. A repair brings in nothing that nobody asked for: what came into a management group, or took a
 * tag, joins with `onboardNew` or when a person sends the request again.
 */
export function wantedNow(
  { request, repair }: { readonly request: Pick<DeploymentRequest, 'subscriptions'>; readonly repair?: true },
  known: readonly KnownSubscription[],
  before: { readonly onboarded: readonly string[]; readonly placement: Placement },
): readonly string[] {
  const rules = request.subscriptions;
  const selected = select(rules, known, before.onboarded);
  if (!repair || rules.onboardNew) return selected;
  const placed = new Set(before.placement.flat());
  return selected.filter((id) => placed.has(id));
}

/**
 * Does the request want this new subscription? With `onboardNew`, its management group and tag rules decide;
 * without such a rule every new subscription of the tenant is wanted.
 */
export function covers(rules: Rules, subscription: KnownSubscription): boolean {
  if (!rules.onboardNew || rules.exclude.includes(subscription.id)) return false;
  const open = rules.include.filter((rule) => rule.kind !== 'ids');
  return open.length === 0 || rules.include.some((rule) => matches(rule, subscription));
}

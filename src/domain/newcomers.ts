/** Who came to a fleet by itself, and what becomes of those for whom it has no room. Pure. */
import type { Placement } from './fleet';
import type { Refusal } from './outcome';
import { finding } from './preflight/codes';
import type { Finding } from './preflight/finding';
import { subscriptionScope } from './preflight/subscriptions';
import type { DeploymentRequest } from './request/request';
import { listedIn } from './subscriptions';

/** Subscriptions that a run leaves out, all for the same reason. */
export interface Unplaced extends Refusal {
  readonly ids: readonly string[];
}

interface Before {
  readonly onboarded: readonly string[];
  readonly placement: Placement;
}

/**
 * With `onboardNew` what comes later joins without anyone asking: whoever announced itself, and whatever a rule finds
 * that earlier runs did not. What is listed by its id, and what the first run is about, a person asked for.
 */
export function newcomersIn(
  { subscriptions: rules }: Pick<DeploymentRequest, 'subscriptions'>,
  wanted: readonly string[],
  { onboarded, placement }: Before,
): ReadonlySet<string> {
  if (!rules.onboardNew) return new Set();
  const asked = new Set([...placement.flat(), ...listedIn(rules)]);
  const announced = new Set(onboarded);
  return new Set(wanted.filter((id) => !asked.has(id) && (placement.length > 0 || announced.has(id))));
}

/** Whom a run leaves out. `errors` are those that one Sentry more would bring. */
export function notTakenIn(ids: readonly string[], errors: readonly Finding[]): Unplaced | null {
  if (ids.length === 0) return null;
  const whys = errors.map(({ code, where, reason }) => `${code}: ${where}: ${reason}`);
  const remedies = [...new Set(errors.map(({ remedy }) => remedy))];
  return {
    ids,
    code: 'NotTakenIn',
    reason: `It needs a Sentry more, which would stop the whole run. ${whys.join(' ')}`,
    remedy: `${remedies.join(' ')} Where room is made, it joins by itself with the next run. Else name it in subscriptions.exclude, and watch it with a deployment of another name.`,
  };
}

/** A finding for each, beside what `seen` of all told of it by itself. */
export function checkTakenIn(unplaced: Unplaced | null, seen: readonly Finding[]): readonly Finding[] {
  if (!unplaced) return [];
  const scopes = new Set(unplaced.ids.map(subscriptionScope));
  return [
    ...[...scopes].map((scope) => finding('NotTakenIn', scope, unplaced.reason, unplaced.remedy)),
    ...seen.filter(({ where }) => scopes.has(where)),
  ];
}

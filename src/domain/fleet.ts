/** Which Sentry watches which subscription. Pure. */

/** Subscription ids by Sentry: `placement[0]` are those of Sentry 1. A hole that a removal left is kept as it is. */
export type Placement = readonly (readonly string[])[];

/**
 * Places the wanted subscriptions on Sentries of at most `max` each. What is placed stays where it is, holes are
 * filled next, and only then the fleet grows: removing one subscription never moves another, because a moved one
 * would change what two appliances collect. Sentries are never dropped here: teardown removes them. Where the fleet may
 * have no more than `most`, those that are wanted last are not placed.
 */
export function assign(current: Placement, wanted: readonly string[], max: number, most = Infinity): Placement {
  const want = new Set(wanted);
  const kept = current.map((ids) => ids.filter((id) => want.has(id)));
  const placed = new Set(kept.flat());
  const waiting = [...want].filter((id) => !placed.has(id));
  const filled = kept.map((ids) => [...ids, ...waiting.splice(0, Math.max(0, max - ids.length))]);
  while (waiting.length > 0 && filled.length < most) filled.push(waiting.splice(0, max));
  return filled;
}

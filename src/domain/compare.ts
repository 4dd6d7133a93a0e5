/** Where what Azure shows differs from what is wanted. Exists once, for plan, deploy and drift alike. Pure. */

/**
 * The paths (`osProfile.adminUsername`) of `wanted` at which `observed` says something else. Only what `wanted`
 * names is looked at; texts are compared without regard to case, because Azure changes the case of ids and regions.
 */
export function differences(wanted: unknown, observed: unknown, path = ''): readonly string[] {
  if (Array.isArray(wanted)) return arrayDifferences(wanted, observed, path);
  if (typeof wanted === 'object' && wanted !== null) return objectDifferences(wanted, observed, path);
  return sameValue(wanted, observed) ? [] : [path];
}

function arrayDifferences(wanted: readonly unknown[], observed: unknown, path: string): readonly string[] {
  if (!Array.isArray(observed) || observed.length !== wanted.length) return [path];
  const others: unknown[] = [...(observed as readonly unknown[])];
  for (const item of wanted) {
    // Azure keeps no order in lists of prefixes, keys and permissions.
    const at = others.findIndex((other) => differences(item, other).length === 0);
    if (at < 0) return [path];
    others.splice(at, 1);
  }
  return [];
}

function objectDifferences(wanted: object, observed: unknown, path: string): readonly string[] {
  if (typeof observed !== 'object' || observed === null) return [path];
  const seen = new Map(Object.entries(observed).map(([key, value]) => [key.toLowerCase(), value as unknown]));
  return Object.entries(wanted).flatMap(([key, value]) =>
    differences(value, seen.get(key.toLowerCase()), path === '' ? key : `${path}.${key}`),
  );
}

const sameValue = (wanted: unknown, observed: unknown): boolean =>
  typeof wanted === 'string' && typeof observed === 'string'
    ? wanted.toLowerCase().replaceAll(' ', '') === observed.toLowerCase().replaceAll(' ', '')
    : wanted === observed;

/** Does a path lie at or under one of these? */
export const touches = (paths: readonly string[], roots: readonly string[]): readonly string[] =>
  paths.filter((path) => roots.some((root) => path === root || path.startsWith(`${root}.`)));

/** Where what Azure shows differs from what is wanted. Exists once, for plan, deploy and drift alike. Pure. */

/** A property that Azure shows otherwise than it is wanted. */
export interface Difference {
  /** `osProfile.adminUsername` */
  readonly path: string;
  readonly wanted: unknown;
  /** Undefined where Azure shows no such property. */
  readonly observed: unknown;
}

/**
 * Where `observed` says something else than `wanted`. Only what `wanted` names is looked at; texts are compared
 * without regard to case, because Azure changes the case of ids and regions, except at and under the paths `exact`.
 */
export function differences(
  wanted: unknown,
  observed: unknown,
  exact: readonly string[] = [],
  path = '',
): readonly Difference[] {
  if (Array.isArray(wanted)) return sameList(wanted, observed, exact, path) ? [] : [{ path, wanted, observed }];
  if (typeof wanted === 'object' && wanted !== null) return objectDifferences(wanted, observed, exact, path);
  const isSame = touches([path], exact).length > 0 ? wanted === observed : sameValue(wanted, observed);
  return isSame ? [] : [{ path, wanted, observed }];
}

function sameList(wanted: readonly unknown[], observed: unknown, exact: readonly string[], path: string): boolean {
  if (!Array.isArray(observed) || observed.length !== wanted.length) return false;
  const others: unknown[] = [...(observed as readonly unknown[])];
  for (const item of wanted) {
    // Azure keeps no order in lists of prefixes, keys and permissions.
    const at = others.findIndex((other) => differences(item, other, exact, path).length === 0);
    if (at < 0) return false;
    others.splice(at, 1);
  }
  return true;
}

function objectDifferences(
  wanted: object,
  observed: unknown,
  exact: readonly string[],
  path: string,
): readonly Difference[] {
  if (typeof observed !== 'object' || observed === null) return [{ path, wanted, observed }];
  const seen = new Map(Object.entries(observed).map(([key, value]) => [key.toLowerCase(), value as unknown]));
  return Object.entries(wanted).flatMap(([key, value]) =>
    differences(value, seen.get(key.toLowerCase()), exact, pathTo(path, key)),
  );
}

export const pathTo = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

const sameValue = (wanted: unknown, observed: unknown): boolean =>
  typeof wanted === 'string' && typeof observed === 'string'
    ? wanted.toLowerCase().replaceAll(' ', '') === observed.toLowerCase().replaceAll(' ', '')
    : wanted === observed;

/** Does a path lie at or under one of these? */
export const touches = (paths: readonly string[], roots: readonly string[]): readonly string[] =>
  paths.filter((path) => roots.some((root) => path === root || path.startsWith(`${root}.`)));

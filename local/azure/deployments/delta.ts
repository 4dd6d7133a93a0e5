/** What differs between two states of a resource, in the form of a what-if. */
import { isObject } from './expressions';

type ChangeType = 'Create' | 'Delete' | 'Modify' | 'Array' | 'NoEffect';

export interface Change {
  /** `properties.addressSpace.addressPrefixes`; inside an array the index. */
  readonly path: string;
  readonly propertyChangeType: ChangeType;
  readonly before?: unknown;
  readonly after?: unknown;
  readonly children?: readonly Change[];
}

/** An expression that only the running deployment can work out differs from nothing. */
const isUnknown = (value: unknown): boolean => typeof value === 'string' && /^\[(?!\[).*\]$/s.test(value);

/** Ids and regions are the same in any case, and regions with or without spaces. */
function simple(value: unknown, path: string): unknown {
  if (typeof value !== 'string') return value;
  if (/(^|\.)location$/.test(path)) return value.toLowerCase().replaceAll(' ', '');
  return value.startsWith('/') ? value.toLowerCase() : value;
}

function same(a: unknown, b: unknown, path = ''): boolean {
  if (isUnknown(a) || isUnknown(b)) return true;
  return diff(a, b, path).length === 0;
}

/** Objects are gone into: the path of a change is that of the value itself. */
export function diff(before: unknown, after: unknown, path = ''): Change[] {
  if (isUnknown(after)) return [];
  if (before === undefined) return after === undefined ? [] : [{ path, propertyChangeType: 'Create', after }];
  if (after === undefined) return [{ path, propertyChangeType: 'Delete', before }];
  if (isObject(before) && isObject(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return names.flatMap((name) => diff(before[name], after[name], path === '' ? name : `${path}.${name}`));
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    const children = elements(before, after, path);
    return children.length === 0 ? [] : [{ path, propertyChangeType: 'Array', children }];
  }
  return Object.is(simple(before, path), simple(after, path))
    ? []
    : [{ path, propertyChangeType: 'Modify', before, after }];
}

/** Elements go together by their names or ids, and where they have none by being equal. */
function elements(before: readonly unknown[], after: readonly unknown[], path: string): Change[] {
  const left = new Set(after.keys());
  const changes: Change[] = [];
  for (const [index, was] of before.entries()) {
    const at = [...left].find((one) => pairs(was, after[one], path));
    if (at === undefined) {
      changes.push({ path: String(index), propertyChangeType: 'Delete', before: was });
      continue;
    }
    left.delete(at);
    const inner = diff(was, after[at]);
    if (inner.length > 0) changes.push({ path: String(at), propertyChangeType: 'Modify', children: inner });
  }
  return [
    ...changes,
    ...[...left].map((index): Change => ({ path: String(index), propertyChangeType: 'Create', after: after[index] })),
  ];
}

function pairs(a: unknown, b: unknown, path: string): boolean {
  if (!isObject(a) || !isObject(b)) return same(a, b, path);
  const key = ['name', 'id'].find((one) => typeof a[one] === 'string' && typeof b[one] === 'string');
  return key === undefined ? same(a, b) : String(a[key]).toLowerCase() === String(b[key]).toLowerCase();
}

/**
 * What a template says and the resource does not take: its service sets the property itself.
 * @param after undefined where it cannot be foreseen
 */
export function withoutEffect(said: unknown, before: unknown, after: unknown, path: string): Change[] {
  if (isObject(said))
    return Object.entries(said).flatMap(([name, one]) =>
      withoutEffect(one, memberOf(before, name), memberOf(after, name), path === '' ? name : `${path}.${name}`),
    );
  // A value that is never shown, a password, has an effect all the same.
  if (after === undefined || Array.isArray(said) || isObject(after)) return [];
  const text = (value: unknown): string => String(simple(value, path)).toLowerCase();
  const isTaken = isUnknown(said) || text(said) === text(after) || !same(before, after, path);
  return isTaken ? [] : [{ path, propertyChangeType: 'NoEffect', before, after: said }];
}

const memberOf = (value: unknown, name: string): unknown => (isObject(value) ? value[name] : undefined);

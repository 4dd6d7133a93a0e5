import { differences, pathTo } from '../domain/compare';

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * What a PUT must send to change a thing and lose nothing: what Azure shows of it, with the wanted values in place.
 * PUT replaces in Azure, so what is left out is gone: another hand's tags, a subnet's routes, a group's rules. A list
 * is taken from `wanted` whole where it differs. Names count without regard to case, as Azure's do; values with regard
 * to it at and under `exact`.
 */
export function mergedInto<W>(shown: unknown, wanted: W, exact: readonly string[], path = ''): W {
  if (!isRecord(shown) || !isRecord(wanted)) {
    // Where nothing differs, Azure's own value is the fuller one, and stands for the wanted one.
    return shown !== undefined && differences(wanted, shown, exact, path).length === 0 ? (shown as W) : wanted;
  }
  const names = new Map(Object.keys(shown).map((name) => [name.toLowerCase(), name]));
  const ours = Object.entries(wanted).map(([key, value]) => {
    const name = names.get(key.toLowerCase()) ?? key;
    return [name, mergedInto(shown[name], value, exact, pathTo(path, key))];
  });
  return { ...shown, ...Object.fromEntries(ours) } as W;
}

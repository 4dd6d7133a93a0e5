/** Closes access windows that are open after their time: the last safeguard, which needs no memory of them. */
import { AzureError, type Azure } from '../azure/ports';
import { type GroupRef, overdueWindows } from '../domain/windowSweep';
import type { WindowOrder } from './contracts';
import type { Instances } from './instances';

/**
 * Looks into every group of ours, and starts the closing of what is over. A window whose own instance is at work is
 * left to it. `known` are groups that need not be looked for. Answers, in lines for the log, what it closes and where
 * it could not look: the next sweep does.
 */
export async function sweepWindows(
  { windows }: Pick<Azure, 'windows'>,
  instances: Instances,
  known: readonly GroupRef[],
  now: number,
): Promise<{ readonly closing: readonly string[]; readonly problems: readonly string[] }> {
  const problems: string[] = [];
  const unless = async <T>(what: string, work: Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      if (!(error instanceof AzureError)) throw error;
      problems.push(`${what}: ${error.outcome.code}: ${error.outcome.reason}`);
      return otherwise;
    }
  };
  const found = await unless('Resource Graph', windows.groups(), []);
  const closing: string[] = [];
  for (const group of distinct([...known, ...found])) {
    const marks = await unless(group.resourceGroup, windows.marks(group), { rules: [], addresses: [] });
    for (const scope of overdueWindows(marks, now)) {
      const order: WindowOrder = { scope, closing: { openedAt: null, why: 'swept', problems: [] } };
      const id = `w-${scope.deployment}-${scope.n}`;
      // It closes by itself, unless somebody suspended it: no port stays open for that.
      if ((await instances.start('accessWindow', id, order)) === 'running') await instances.resume(id);
      else closing.push(`Sentry ${scope.n} of '${scope.deployment}', whose time was over at ${scope.expiresAt}`);
    }
  }
  return { closing, problems };
}

/** Azure's ids know no case. */
const distinct = (groups: readonly GroupRef[]): readonly GroupRef[] => [
  ...new Map(groups.map((group) => [JSON.stringify(Object.values(group)).toLowerCase(), group])).values(),
];

/** Which access windows are open after their time, told from nothing but what Azure shows. Pure. */
import type { WindowScope } from './blueprint/window';
import type { AddressMark, RuleMark } from './windowMark';

export interface GroupRef {
  readonly subscriptionId: string;
  readonly resourceGroup: string;
}
export interface WindowMarks {
  readonly rules: readonly RuleMark[];
  readonly addresses: readonly AddressMark[];
}

/**
 * What each window that is over has left in one resource group, as a scope to be closed. What is not over yet stays
 * out of it, even where another part of the same window is.
 */
export function overdueWindows({ rules, addresses }: WindowMarks, now: number): readonly WindowScope[] {
  const over = ({ expiresAt }: { readonly expiresAt: string }): boolean => Date.parse(expiresAt) <= now;
  const windows = Map.groupBy([...rules, ...addresses].filter(over), ({ deployment, n }) => `${deployment}-${n}`);
  return [...windows.values()].flatMap((marks) => {
    const [first] = marks;
    if (!first) return [];
    const address = marks.find((mark) => 'addressId' in mark);
    // One rule for each port: a second is left to the next sweep, for two may not have one key.
    const byPort = new Map(marks.flatMap((mark) => ('ruleId' in mark ? [[mark.port, mark.ruleId] as const] : [])));
    const { deployment, n, expiresAt } = first;
    return {
      deployment,
      n,
      // To be closed, a thing need not be described.
      location: '',
      tags: {},
      sources: [],
      rules: [...byPort].map(([port, id]) => ({ id, port })),
      expiresAt,
      ...(address ? { publicAddress: { id: address.addressId, networkInterfaceId: address.networkInterfaceId } } : {}),
    };
  });
}

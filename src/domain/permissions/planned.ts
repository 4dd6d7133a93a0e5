/** Which permissions a plan takes, where, and what for: all that is used, and all that preflight asks for. Pure. */
import type { Blueprint } from '../blueprint/blueprint';
import { scopesFor } from '../blueprint/grants';
import type { Plan, PlannedChange, PlanPart } from '../plan/plan';
import { hostUses } from './host';
import { lookUses } from './looks';
import { sweepUses, visitUses } from './stages';
import { hostScope, type Use, type Used, usesOf, verbsOf, watchedScope } from './uses';

interface Permission extends Omit<Use, 'why'> {
  readonly why: readonly string[];
}

/** Each permission once for each place, with all that it is used for. */
export function permissionsOf(blueprint: Blueprint, plan: Plan): readonly Permission[] {
  const parts: readonly PlanPart[] = [plan.shared, ...plan.sentries];
  const granted = scopesFor(blueprint, '').map(watchedScope);
  const group = plan.shared.resources.find(({ kind }) => kind === 'resourceGroup');
  const isThere = group?.change !== 'create';
  const visits = plan.sentries.some(({ visit }) => visit);
  const isToDo = visits || parts.some(({ resources }) => resources.some(({ change }) => change !== 'keep'));
  const uses = [
    ...lookUses(blueprint, granted),
    ...parts.flatMap(({ resources }) => resources.flatMap((one) => changeUses(blueprint, one, one.change))),
    ...parts.flatMap(({ grants }) =>
      grants.flatMap(({ role, change, scopes: [first = ''] }) => changeUses(blueprint, grantAt(first, role), change)),
    ),
    ...(visits ? visitUses(blueprint) : []),
    ...hostUses(blueprint, isThere, !isToDo),
    ...sweepUses(blueprint),
  ];
  // At a group that is to be made nobody holds a role: it must be the subscription's.
  const at = (scope: string): string => (!isThere && scope === group?.id ? hostScope(blueprint) : scope);
  const found = Map.groupBy(uses, ({ permission, scope }) => `${permission} ${at(scope)}`);
  return [...found.values()].flatMap(([first, ...rest]) =>
    first
      ? [
          {
            permission: first.permission,
            scope: at(first.scope),
            why: [...new Set([first, ...rest].map(({ why }) => why))],
          },
        ]
      : [],
  );
}

/** What one change takes: a read, and what it comes to. */
export const changeUses = (blueprint: Blueprint, one: Used, change: PlannedChange): readonly Use[] =>
  verbsOf(change).flatMap((verb) => usesOf(blueprint, one, verb));

/** Grants are told of together: one of them stands for all. */
export const grantAt = (scope: string, role: string): Used => ({
  kind: 'roleAssignment',
  key: `roleAssignment/${role}`,
  id: `${scope}/providers/Microsoft.Authorization/roleAssignments`,
});

import { z } from 'zod';
import { managementGroupId, managementGroupOf, scopesWithin, subscriptionOf } from '../http/paths';
import { type Database, remembered } from './database';

const subscription = z.object({
  id: z.string(),
  name: z.string(),
  managementGroup: z.string(),
  tags: z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(z.record(z.string(), z.string())),
  state: z.string(),
});
export type Subscription = z.infer<typeof subscription>;

const managementGroup = z.object({ name: z.string(), displayName: z.string(), parent: z.string().nullable() });
export type ManagementGroup = z.infer<typeof managementGroup>;

/** The tenant's management groups and subscriptions. */
export class Hierarchy {
  private readonly all: () => ReadonlyMap<string, Subscription>;
  private readonly groups: () => ReadonlyMap<string, ManagementGroup>;

  constructor(private readonly db: Database) {
    const byId = (one: Subscription): [string, Subscription] => [one.id.toLowerCase(), one];
    const byName = (one: ManagementGroup): [string, ManagementGroup] => [one.name.toLowerCase(), one];
    this.all = remembered(db, ['subscriptions'], () => {
      return new Map(db.rows(subscription, 'SELECT * FROM subscriptions ORDER BY id').map(byId));
    });
    this.groups = remembered(db, ['managementGroups'], () => {
      return new Map(db.rows(managementGroup, 'SELECT * FROM managementGroups ORDER BY name').map(byName));
    });
  }

  addManagementGroup(group: ManagementGroup): void {
    const sql = 'INSERT OR IGNORE INTO managementGroups VALUES (?, ?, ?)';
    this.db.run(sql, group.name, group.displayName, group.parent);
  }

  /** Returns whether it was new. */
  addSubscription({ id, name, managementGroup: group, tags, state }: Subscription): boolean {
    const sql = 'INSERT OR IGNORE INTO subscriptions VALUES (?, ?, ?, ?, ?)';
    return this.db.run(sql, id, name, group, JSON.stringify(tags), state) > 0;
  }

  subscription(id: string): Subscription | undefined {
    return this.all().get(id.toLowerCase());
  }

  subscriptions(): Subscription[] {
    return [...this.all().values()];
  }

  setTags(id: string, tags: Readonly<Record<string, string>>): void {
    this.db.run('UPDATE subscriptions SET tags = ? WHERE id = ?', JSON.stringify(tags), id);
  }

  moveSubscription(id: string, group: string): void {
    this.db.run('UPDATE subscriptions SET managementGroup = ? WHERE id = ?', group, id);
  }

  subscriptionsOf(group: string): Subscription[] {
    return this.db.rows(subscription, 'SELECT * FROM subscriptions WHERE managementGroup = ? ORDER BY id', group);
  }

  setManagementGroup({ name, displayName, parent }: ManagementGroup): void {
    this.db.run('UPDATE managementGroups SET displayName = ?, parent = ? WHERE name = ?', displayName, parent, name);
  }

  removeManagementGroup(name: string): void {
    this.db.run('DELETE FROM managementGroups WHERE name = ?', name);
  }

  /** Whether a scope is, or is within, a management group or subscription that exists; '/' is neither. */
  has(scope: string): boolean {
    const [subscriptionId, group] = [subscriptionOf(scope), managementGroupOf(scope)];
    if (subscriptionId !== undefined) return this.subscription(subscriptionId) !== undefined;
    return group !== undefined && this.managementGroup(group) !== undefined;
  }

  managementGroup(name: string): ManagementGroup | undefined {
    return this.groups().get(name.toLowerCase());
  }

  managementGroups(): ManagementGroup[] {
    return [...this.groups().values()];
  }

  /** From `name` up to the root. */
  chain(name: string): ManagementGroup[] {
    const group = this.managementGroup(name);
    if (group === undefined) return [];
    return [group, ...(group.parent === null ? [] : this.chain(group.parent))];
  }

  /** `scope` and every scope that what is granted there counts in, lowered: itself, …, management groups, '/'. */
  scopesAbove(scope: string): readonly string[] {
    const subscriptionId = subscriptionOf(scope);
    const group =
      subscriptionId === undefined ? managementGroupOf(scope) : this.subscription(subscriptionId)?.managementGroup;
    const above = group === undefined ? [] : this.chain(group).map(({ name }) => managementGroupId(name).toLowerCase());
    return [...(subscriptionId === undefined ? [] : scopesWithin(scope)), ...above, '/'];
  }
}

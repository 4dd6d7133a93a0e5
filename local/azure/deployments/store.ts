import { z } from 'zod';
import { type Database } from '../store/database';

const failure = z.looseObject({ code: z.string(), message: z.string() });

const step = z.object({
  id: z.string(),
  type: z.string(),
  name: z.string(),
  /** What Bicep called it, or ''. */
  symbol: z.string(),
  apiVersion: z.string(),
  operationId: z.string(),
  /** Keys of the steps before it. */
  after: z.array(z.string()),
  /** The resource as the template has it, with its expressions. */
  source: z.record(z.string(), z.unknown()),
  /** Where in which copy loop it is. */
  loops: z.record(z.string(), z.number()),
  /** Complete mode also deletes. */
  method: z.enum(['PUT', 'DELETE']).default('PUT'),
  state: z.enum(['Waiting', 'Running', 'Succeeded', 'Failed', 'Skipped']),
  startedAt: z.number(),
  endedAt: z.number(),
  /** While it runs: when to look again. While it waits: not before. */
  nextAt: z.number(),
  status: z.number(),
  error: failure.nullable(),
});
export type Step = z.infer<typeof step>;

const caller = z.object({ principalId: z.string(), clientId: z.string(), roles: z.array(z.string()) });

const document = z.object({
  id: z.string(),
  name: z.string(),
  scope: z.string(),
  location: z.string().nullable(),
  mode: z.enum(['Incremental', 'Complete']).default('Incremental'),
  apiVersion: z.string(),
  correlationId: z.string(),
  caller,
  template: z.record(z.string(), z.unknown()),
  /** Values of parameters as they were worked out; secure ones are dropped at the end. */
  parameters: z.record(z.string(), z.unknown()),
  tags: z.record(z.string(), z.string()).optional(),
  steps: z.array(step),
  state: z.enum(['Accepted', 'Running', 'Succeeded', 'Failed', 'Canceled']),
  createdAt: z.number(),
  endedAt: z.number(),
  outputs: z.record(z.string(), z.unknown()),
  error: failure.nullable(),
});
export type Deployment = z.infer<typeof document>;

const row = z.object({
  document: z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(document),
  nextAt: z.number().nullable(),
});

export const isOver = ({ state }: Deployment): boolean => ['Succeeded', 'Failed', 'Canceled'].includes(state);

/** Deployments and how far they are. */
export class DeploymentStore {
  constructor(private readonly db: Database) {}

  get(id: string): Deployment | undefined {
    return this.db.row(row, 'SELECT document, nextAt FROM deployments WHERE key = ?', id.toLowerCase())?.document;
  }

  /** When the deployment is to be looked at again; null when it is over. */
  nextAt(id: string): number | null {
    return this.db.row(row, 'SELECT document, nextAt FROM deployments WHERE key = ?', id.toLowerCase())?.nextAt ?? null;
  }

  at(scope: string): Deployment[] {
    const sql = 'SELECT document, nextAt FROM deployments WHERE scope = ? ORDER BY createdAt DESC';
    return this.db.rows(row, sql, scope.toLowerCase()).map(({ document: one }) => one);
  }

  put(one: Deployment, nextAt: number | null, depth: number): void {
    const sql = 'INSERT OR REPLACE INTO deployments VALUES (?, ?, ?, ?, ?, ?)';
    this.db.run(sql, one.id.toLowerCase(), one.scope.toLowerCase(), JSON.stringify(one), one.createdAt, nextAt, depth);
  }

  /** What is due first; of two at the same time the one made by the other. */
  due(now: number): { deployment: Deployment; nextAt: number; depth: number } | undefined {
    const sql =
      'SELECT document, nextAt, depth FROM deployments WHERE nextAt <= ? ORDER BY nextAt, depth DESC, createdAt LIMIT 1';
    const found = this.db.row(row.extend({ depth: z.number() }), sql, now);
    if (found?.nextAt === undefined || found.nextAt === null) return undefined;
    return { deployment: found.document, nextAt: found.nextAt, depth: found.depth };
  }

  isAnyDue(now: number): boolean {
    const sql = 'SELECT 1 AS one FROM deployments WHERE nextAt <= ? LIMIT 1';
    return this.db.row(z.object({ one: z.number() }), sql, now) !== undefined;
  }

  depthOf(id: string): number {
    const sql = 'SELECT depth FROM deployments WHERE key = ?';
    return this.db.row(z.object({ depth: z.number() }), sql, id.toLowerCase())?.depth ?? 0;
  }

  remove(id: string): void {
    this.db.run('DELETE FROM deployments WHERE key = ?', id.toLowerCase());
  }
}

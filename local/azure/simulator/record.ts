import { z } from 'zod';
import { type Database } from '../store/database';

const full = z.object({
  method: z.string(),
  path: z.string(),
  caller: z.string(),
  status: z.number(),
  time: z.number(),
});
export type Asked = z.infer<typeof full>;

/** Every request asked of this Azure, the simulator's own excepted. Never a body, a query, a token or a secret. */
export class RequestRecord {
  constructor(private readonly db: Database) {}

  add({ method, path, caller, status, time }: Asked): void {
    const sql = 'INSERT INTO requests (time, method, path, operation, caller, status) VALUES (?, ?, ?, ?, ?, ?)';
    this.db.run(sql, time, method, path, `${method} ${kindOf(path)}`, caller, status);
  }

  summary(): { total: number; throttled: number; byOperation: Record<string, number> } {
    const shape = z.object({ operation: z.string(), count: z.number(), throttled: z.number() });
    const sql = `SELECT operation, count(*) AS count, sum(status = 429) AS throttled FROM requests
      GROUP BY operation ORDER BY operation`;
    const rows = this.db.rows(shape, sql);
    return {
      total: rows.reduce((sum, { count }) => sum + count, 0),
      throttled: rows.reduce((sum, { throttled }) => sum + throttled, 0),
      byOperation: Object.fromEntries(rows.map(({ operation, count }) => [operation, count])),
    };
  }

  all(): Asked[] {
    return this.db.rows(full, 'SELECT method, path, caller, status, time FROM requests ORDER BY sequence');
  }
}

/** What a path is about: `networkSecurityGroups`, `securityRules`, `applications`, `secrets`, `token`. */
function kindOf(path: string): string {
  const provider = path.toLowerCase().lastIndexOf('/providers/');
  const parts = path
    .slice(Math.max(provider, 0))
    .split('/')
    .filter((part) => part !== '');
  if (provider >= 0) {
    const rest = parts.slice(2);
    return (rest.length % 2 === 0 ? rest.at(-2) : rest.at(-1)) ?? parts[1] ?? '';
  }
  if (parts[0]?.toLowerCase() === 'subscriptions') return [...parts].reverse()[parts.length % 2 === 0 ? 1 : 0] ?? '';
  if (parts[0] === 'v1.0') return (parts.length % 2 === 0 ? parts.at(-1) : parts.at(-2)) ?? '';
  return /^(deleted)?secrets$/i.test(parts[0] ?? '') ? (parts[0] ?? '') : (parts.at(-1) ?? '');
}

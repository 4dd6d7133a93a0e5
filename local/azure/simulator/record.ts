import { z } from 'zod';
import { type Database } from '../store/database';

const full = z.object({
  sequence: z.number(),
  method: z.string(),
  path: z.string(),
  /** Object id of the principal; '' where nobody signed in. */
  caller: z.string(),
  /** 0: the connection was cut, or never answered. */
  status: z.number(),
  time: z.number(),
  throttled: z.number().transform((value) => value !== 0),
  /** What fault struck, if one did. */
  fault: z.string().nullable(),
});
type Recorded = z.infer<typeof full>;
export type Asked = Omit<Recorded, 'sequence' | 'throttled'>;

export interface RecordFilter {
  readonly throttled?: boolean | undefined;
  readonly caller?: string | undefined;
  /** Only later ones. */
  readonly after?: number | undefined;
  readonly limit?: number | undefined;
}

const met = z.object({ fault: z.string(), status: z.number(), count: z.number() });
interface Summary {
  readonly total: number;
  readonly throttled: number;
  readonly byOperation: Readonly<Record<string, number>>;
  /** Which faults struck, and how often, among the requests that are kept. */
  readonly faults: readonly z.infer<typeof met>[];
}
const MET = `SELECT fault, status, count(*) AS count FROM asked WHERE fault IS NOT NULL
  GROUP BY fault, status ORDER BY fault, status`;

/** Of every request the newest this many are kept; the totals count all. */
const KEPT = 1_000_000;
const BATCH = 500;
const WRITE_MS = 100;

const INSERT =
  'INSERT INTO asked (time, method, path, operation, caller, status, throttled, fault) VALUES (?, ?, ?, ?, ?, ?, ?, ?)';
const COUNT = `INSERT INTO askedTotals VALUES (?, ?, ?)
  ON CONFLICT (operation) DO UPDATE SET count = count + excluded.count, throttled = throttled + excluded.throttled`;

/**
 * Every request asked of this Azure, the simulator's own excepted. Never a body, a query, a token or a secret.
 * Many are written as one transaction; what had an effect is written with it.
 */
export class RequestRecord {
  private waiting: Asked[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly db: Database) {}

  add(asked: Asked): void {
    this.waiting.push(asked);
    if (this.waiting.length >= BATCH) this.write();
    else this.timer ??= setTimeout(() => this.write(), WRITE_MS).unref();
  }

  /** Writes what waits. Inside a transaction it is part of that. */
  write(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.waiting.length === 0) return;
    const rows = this.waiting;
    this.waiting = [];
    const totals = new Map<string, { count: number; throttled: number }>();
    this.db.transaction(() => {
      for (const { time, method, path, caller, status, fault } of rows) {
        const operation = `${method} ${kindOf(path)}`;
        const throttled = status === 429 ? 1 : 0;
        this.db.run(INSERT, time, method, path, operation, caller, status, throttled, fault);
        const total = totals.get(operation) ?? { count: 0, throttled: 0 };
        totals.set(operation, { count: total.count + 1, throttled: total.throttled + throttled });
      }
      for (const [operation, { count, throttled }] of totals) this.db.run(COUNT, operation, count, throttled);
      this.db.run('DELETE FROM asked WHERE sequence <= (SELECT max(sequence) FROM asked) - ?', KEPT);
    });
  }

  summary(): Summary {
    this.write();
    const shape = z.object({ operation: z.string(), count: z.number(), throttled: z.number() });
    const rows = this.db.rows(shape, 'SELECT * FROM askedTotals ORDER BY operation');
    return {
      total: rows.reduce((sum, { count }) => sum + count, 0),
      throttled: rows.reduce((sum, { throttled }) => sum + throttled, 0),
      byOperation: Object.fromEntries(rows.map(({ operation, count }) => [operation, count])),
      faults: this.db.rows(met, MET),
    };
  }

  all({ throttled, caller, after = 0, limit = KEPT }: RecordFilter = {}): Recorded[] {
    this.write();
    const sql = `SELECT * FROM asked WHERE sequence > ? AND throttled >= ? AND (? = '' OR caller = ?)
      ORDER BY sequence LIMIT ?`;
    return this.db.rows(full, sql, after, throttled === true ? 1 : 0, caller ?? '', caller ?? '', limit);
  }
}

/** What a path is about: `networkSecurityGroups`, `securityRules`, `applications`, `secrets`, `token`. */
export function kindOf(path: string): string {
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

import { z } from 'zod';
import { chanceOf } from '../random';
import { type Database } from '../store/database';

const modes = [
  /** Answered with `status` instead of being done. */
  'before',
  /** Done, and then answered with `status`. */
  'afterEffect',
  /** The connection is cut, and nothing done. */
  'reset',
  /** Done, and then the connection is cut. */
  'resetAfterEffect',
  /** Nothing is done or answered. With `seconds` the connection is cut after them. */
  'hang',
  /** Done; half of the answer's body is sent, and the connection cut. */
  'truncate',
  /** The long-running operation that the call begins fails (with `error`), is cancelled, or never ends. */
  'operationFails',
  'operationCanceled',
  'operationNeverEnds',
  /** What the call makes in the directory, or grants, counts only after `seconds`; without them never. */
  'lostReplication',
  /** A GET answers what it would have answered before the last write to its path. */
  'staleRead',
  'expiredToken',
  /** Refused by a policy (PUT, PATCH) or a lock (all but GET), in Azure's words. */
  'policyDenied',
  'locked',
  /** After the call an outside hand merges `change` into the resource at `target`, or deletes it. */
  'changedByOther',
  'deletedByOther',
] as const;
export type Mode = (typeof modes)[number];

/** A fault to come, as `POST /_simulator/faults` takes it. */
export const fault = z.strictObject({
  /** What it aims at; all that is given must fit. */
  match: z
    .strictObject({
      method: z.string().optional(),
      /** A regular expression, in any case. */
      path: z.string().refine(isPattern, 'It must be a regular expression.').optional(),
      /** `Microsoft.Network/networkSecurityGroups/write` or `PUT networkSecurityGroups`; `*` stands for anything. */
      operation: z.string().optional(),
      /** Object id, client id, or the name of one of the tenant's principals. */
      caller: z.string().optional(),
    })
    .default({}),
  /** How often it strikes; null: without end. */
  count: z.number().int().positive().nullable().default(1),
  probability: z.number().gt(0).max(1).default(1),
  mode: z.enum(modes).default('before'),
  status: z.number().int().min(200).max(599).default(500),
  retryAfter: z.number().int().min(0).optional(),
  /** Instead of what Azure says with this status. */
  body: z.unknown().optional(),
  error: z.strictObject({ code: z.string(), message: z.string() }).optional(),
  seconds: z.number().min(0).optional(),
  /** An ARM id or another path; without it the call's own. */
  target: z.string().optional(),
  change: z.record(z.string(), z.unknown()).default({ tags: { changedBy: 'an outside hand' } }),
});
export type Fault = z.infer<typeof fault>;
export type FaultInput = z.input<typeof fault>;

function isPattern(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
}

/** A request, as far as faults are aimed. */
export interface Aimed {
  readonly method: string;
  readonly path: string;
  /** Names it goes by: the permission it needs, and `METHOD kind`. */
  readonly operations: readonly string[];
  /** Ids and name of who asks. */
  readonly callers: readonly string[];
  /** Whether there is something old to read. */
  readonly canBeStale: boolean;
}

/** A fault that strikes a request. */
export interface Strike {
  readonly fault: Fault;
  /** What the record calls it. */
  readonly name: string;
  /** It found nothing to strike: it will have another go. */
  readonly giveBack: () => void;
}

const isWrite = (method: string): boolean => method !== 'GET' && method !== 'HEAD';

/** What only some requests can suffer. */
const applies: Partial<Readonly<Record<Mode, (aimed: Aimed) => boolean>>> = {
  operationFails: ({ method }) => isWrite(method),
  operationCanceled: ({ method }) => isWrite(method),
  operationNeverEnds: ({ method }) => isWrite(method),
  lostReplication: ({ method }) => method === 'PUT' || method === 'POST' || method === 'PATCH',
  staleRead: ({ canBeStale }) => canBeStale,
  policyDenied: ({ method }) => method === 'PUT' || method === 'PATCH',
  locked: ({ method }) => isWrite(method),
};

export const canSuffer = (mode: Mode, aimed: Aimed): boolean => applies[mode]?.(aimed) ?? true;

const row = z.object({
  id: z.number(),
  fault: z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(fault),
  remaining: z.number().nullable(),
  seen: z.number(),
  struck: z.number(),
});

interface Pending extends z.infer<typeof row> {
  fits: (aimed: Aimed) => boolean;
}

/** Faults on demand: each strikes requests that match, first come first served. They survive a restart. */
export class Faults {
  private pending: Pending[];

  /** @param seed decides, with a fault's own number, which matching request a probability strikes */
  constructor(
    private readonly db: Database,
    private readonly seed: string,
  ) {
    this.pending = db
      .rows(row, 'SELECT * FROM faults ORDER BY id')
      .map((one) => ({ ...one, fits: matcher(one.fault) }));
  }

  add(one: Fault): void {
    const id = Math.max(0, ...this.pending.map((known) => known.id)) + 1;
    this.db.run('INSERT INTO faults VALUES (?, ?, ?, 0, 0)', id, JSON.stringify(one), one.count);
    this.pending.push({ id, fault: one, remaining: one.count, seen: 0, struck: 0, fits: matcher(one) });
  }

  clear(id?: number): void {
    this.pending = id === undefined ? [] : this.pending.filter((one) => one.id !== id);
    this.db.run('DELETE FROM faults WHERE ? IS NULL OR id = ?', id ?? null, id ?? null);
  }

  list(): { id: number; fault: Fault; left: number | null; struck: number }[] {
    return this.pending.map(({ id, fault: one, remaining, struck }) => ({ id, fault: one, left: remaining, struck }));
  }

  get any(): boolean {
    return this.pending.length > 0;
  }

  /** Whether a stale read is yet to come: then what is there before a write must be kept. */
  get wantsPast(): boolean {
    return this.pending.some((one) => one.fault.mode === 'staleRead');
  }

  /** The fault that strikes this request, if one does; it is used up by that. */
  take(aimed: Aimed): Strike | undefined {
    for (const one of this.pending) {
      if (!one.fits(aimed) || !canSuffer(one.fault.mode, aimed)) continue;
      one.seen += 1;
      const isHit = chanceOf(`${this.seed} fault ${one.id}`, String(one.seen)) < one.fault.probability;
      if (isHit) this.use(one, 1);
      else this.keep(one);
      if (isHit) return { fault: one.fault, name: one.fault.mode, giveBack: () => this.use(one, -1) };
    }
    return undefined;
  }

  private use(one: Pending, by: 1 | -1): void {
    one.struck += by;
    if (one.remaining !== null) one.remaining -= by;
    if (one.remaining === 0) this.clear(one.id);
    else if (this.pending.includes(one)) this.keep(one);
    else this.restore(one);
  }

  private restore(one: Pending): void {
    this.pending.push(one);
    this.pending.sort((a, b) => a.id - b.id);
    const sql = 'INSERT INTO faults VALUES (?, ?, ?, ?, ?)';
    this.db.run(sql, one.id, JSON.stringify(one.fault), one.remaining, one.seen, one.struck);
  }

  private keep({ id, remaining, seen, struck }: Pending): void {
    this.db.run('UPDATE faults SET remaining = ?, seen = ?, struck = ? WHERE id = ?', remaining, seen, struck, id);
  }
}

function matcher({ match: { method, path, operation, caller } }: Fault): Pending['fits'] {
  const pattern = path === undefined ? undefined : new RegExp(path, 'i');
  const wanted = operation === undefined ? undefined : wildcard(operation);
  return (aimed) =>
    (method === undefined || method.toUpperCase() === aimed.method) &&
    (pattern === undefined || pattern.test(aimed.path)) &&
    (wanted === undefined || aimed.operations.some((one) => wanted.test(one))) &&
    (caller === undefined || aimed.callers.some((one) => one.toLowerCase() === caller.toLowerCase()));
}

const wildcard = (text: string): RegExp =>
  new RegExp(
    `^${text
      .split('*')
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
      .join('.*')}$`,
    'i',
  );

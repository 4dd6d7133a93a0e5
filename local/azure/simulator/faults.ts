import { z } from 'zod';

/**
 * A fault to come, as `POST /_simulator/faults` takes it.
 * `before`: answered instead of being done. `afterEffect`: done, and then answered so. `reset`: the connection is cut and nothing done.
 */
export const fault = z.strictObject({
  match: z.strictObject({ method: z.string().optional(), path: z.string().optional() }).default({}),
  count: z.number().int().positive().default(1),
  status: z.number().int().min(200).max(599).default(500),
  retryAfter: z.number().int().min(0).optional(),
  body: z.unknown().optional(),
  mode: z.enum(['before', 'afterEffect', 'reset']).default('before'),
});
export type Fault = z.infer<typeof fault>;

/** Faults on demand: each strikes the next `count` requests that match, first come first served. */
export class Faults {
  private pending: { fault: Fault; path: RegExp; left: number }[] = [];

  add(one: Fault): void {
    this.pending.push({ fault: one, path: new RegExp(one.match.path ?? '', 'i'), left: one.count });
  }

  clear(): void {
    this.pending = [];
  }

  list(): { fault: Fault; left: number }[] {
    return this.pending.map(({ fault: one, left }) => ({ fault: one, left }));
  }

  /** The fault that strikes this request, if one does; it is used up by that. */
  take(method: string, path: string): Fault | undefined {
    const struck = this.pending.find(
      (one) => (one.fault.match.method ?? method).toUpperCase() === method && one.path.test(path),
    );
    if (struck === undefined) return undefined;
    struck.left -= 1;
    this.pending = this.pending.filter(({ left }) => left > 0);
    return struck.fault;
  }
}

import { z } from 'zod';
import { type Answer } from '../http/call';
import { AzureError } from '../http/errors';
import { randomUUID } from '../random';
import { type Database } from '../store/database';
import { type Failure } from '../store/resources';

const parsed = z.string().transform((text): unknown => JSON.parse(text));

const row = z.object({
  id: z.string(),
  startedAt: z.number(),
  endsAt: z.number(),
  failure: z.union([z.null(), parsed.pipe(z.object({ code: z.string(), message: z.string() }))]),
});

interface Start {
  readonly subscriptionId: string;
  readonly namespace: string;
  readonly location: string;
  readonly apiVersion: string;
  readonly endsAt: number;
  readonly failure: Failure | null;
  /** What a POST's operation ends with, or the resource that a PUT without a body makes. */
  readonly output?: unknown;
}

/** Long-running operations (azure-facts §5). How far one is, is read off the clock: nothing runs, so a kill changes nothing. */
export class Operations {
  constructor(
    private readonly db: Database,
    private readonly now: () => number,
    private readonly origin: string,
  ) {}

  /** Headers of an accepted PUT. Network sends no Retry-After and no Location, as recorded. */
  put(start: Start): Record<string, string> {
    const { polled } = this.begin(start);
    return { 'Azure-AsyncOperation': polled, 'Azure-AsyncNotification': 'Enabled', ...this.retryAfter(start) };
  }

  /** Headers of an accepted DELETE or POST, which also have a Location. */
  accepted(start: Start): Record<string, string> {
    const { polled, result } = this.begin(start);
    return { 'Azure-AsyncOperation': polled, Location: result, ...this.retryAfter(start) };
  }

  /** What `Azure-AsyncOperation` answers: always 200, the state in the body. */
  status(id: string): Answer {
    const { startedAt, endsAt, failure } = this.find(id);
    const startTime = new Date(startedAt).toISOString();
    if (this.now() < endsAt) return { status: 200, body: { name: id, status: 'InProgress', startTime } };
    const endTime = new Date(endsAt).toISOString();
    if (failure === null) {
      const output = this.output(id);
      const properties = output === undefined ? {} : { properties: { output } };
      return { status: 200, body: { name: id, status: 'Succeeded', startTime, endTime, ...properties } };
    }
    const status = failure.code === 'Canceled' ? 'Canceled' : 'Failed';
    return { status: 200, body: { name: id, status, startTime, endTime, error: failure } };
  }

  /** What `Location` answers: 202 while it runs, then 200 with what it made, or 204; Compute, resource groups and a vault's purge say 200 in any case, and the SDKs take nothing else. */
  result(id: string, location: string): Answer {
    const { endsAt, failure } = this.find(id);
    if (this.now() < endsAt) return { status: 202, headers: { Location: location } };
    if (failure !== null) throw new AzureError(409, failure.code, failure.message);
    const output = this.output(id);
    if (output !== undefined) return { status: 200, body: output };
    return { status: /\/providers\/microsoft\.(resources|compute|keyvault)\//i.test(location) ? 200 : 204 };
  }

  private output(id: string): unknown {
    const sql = 'SELECT output FROM operationOutputs WHERE id = ?';
    return this.db.row(z.object({ output: parsed }), sql, id)?.output;
  }

  private begin({ subscriptionId, namespace, location, apiVersion, endsAt, failure, output }: Start): {
    polled: string;
    result: string;
  } {
    const id = randomUUID();
    const stored = failure === null ? null : JSON.stringify(failure);
    this.db.run('INSERT INTO operations VALUES (?, ?, ?, ?)', id, this.now(), endsAt, stored);
    if (output !== undefined) this.db.run('INSERT INTO operationOutputs VALUES (?, ?)', id, JSON.stringify(output));
    const base = `${this.origin}/subscriptions/${subscriptionId}/providers/${namespace}/locations/${location}`;
    // As recorded of Microsoft.Compute: the same path, told apart by `monitor`.
    const result = namespace === 'Microsoft.Compute' ? `operations/${id}?monitor=true&` : `operationResults/${id}?`;
    return {
      polled: `${base}/operations/${id}?api-version=${apiVersion}`,
      result: `${base}/${result}api-version=${apiVersion}`,
    };
  }

  /** Microsoft.Compute asks for slow polling: its operation reads are throttled hard (azure-facts §1c). */
  private retryAfter({ namespace }: Start): Record<string, string> {
    return namespace === 'Microsoft.Compute' ? { 'Retry-After': '5' } : {};
  }

  private find(id: string): z.infer<typeof row> {
    const found = this.db.row(row, 'SELECT * FROM operations WHERE id = ?', id);
    if (found === undefined) throw new AzureError(404, 'NotFound', `The operation '${id}' was not found.`);
    return found;
  }
}

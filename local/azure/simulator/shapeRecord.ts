/**
 * Shapes of requests and answers of Azure Resource Manager, for the check of local/shapes against Azure's own types.
 * Only where SIMULATED_AZURE_SHAPES names a folder; a process writes one file of its own there, a line a shape.
 */
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type Answer, type Call } from '../http/call';

export const shapeOf = z.object({
  /** `PUT`, `PATCH`, `POST`: what was sent. `answer`: what came back. `listed`: one of a list that came back. */
  seen: z.enum(['PUT', 'PATCH', 'POST', 'answer', 'listed']),
  /** The resource's id; the path of an action. */
  id: z.string(),
  apiVersion: z.string(),
  body: z.record(z.string(), z.unknown()),
});
export type Shape = z.infer<typeof shapeOf>;

const resource = z.looseObject({ id: z.string(), name: z.string() });
const page = z.looseObject({ value: z.array(z.unknown()) });
const record = z.record(z.string(), z.unknown());
const writes = z.enum(['PUT', 'PATCH', 'POST']);

/** Members whose content nobody else may read, and what is below them. */
const SECRET = /^(adminPassword|customData|userData|protected\w+|password|secretText|accountKey|\w*sas\w*|value)$/i;

export class ShapeRecord {
  private readonly known = new Set<string>();

  private constructor(private readonly file: string) {}

  static of(folder: string | undefined): ShapeRecord | undefined {
    if (folder === undefined || folder === '') return undefined;
    mkdirSync(folder, { recursive: true });
    return new ShapeRecord(join(folder, `${process.pid}.jsonl`));
  }

  /** Keeps what was taken: a body that was refused has the shape that a test got wrong on purpose. */
  note({ method, path, query, body: sent }: Call, { status, body }: Answer): void {
    if (status >= 300 || !/^\/(subscriptions|providers)\//i.test(path)) return;
    const apiVersion = query('api-version') ?? '';
    const written = writes.safeParse(method);
    const request = record.safeParse(sent);
    if (written.success && request.success) this.keep({ seen: written.data, id: path, apiVersion, body: request.data });
    const answer = resource.safeParse(body);
    if (answer.success) this.keep({ seen: 'answer', id: answer.data.id, apiVersion, body: answer.data });
    for (const one of page.safeParse(body).data?.value ?? []) {
      const listed = resource.safeParse(one);
      if (listed.success) this.keep({ seen: 'listed', id: listed.data.id, apiVersion, body: listed.data });
    }
  }

  private keep(shape: Shape): void {
    const key = keyOf(shape);
    if (this.known.has(key)) return;
    this.known.add(key);
    appendFileSync(this.file, `${JSON.stringify({ ...shape, body: withoutSecrets(shape.body) })}\n`);
  }
}

function withoutSecrets(value: unknown, secret = false): unknown {
  if (Array.isArray(value)) return value.map((one) => withoutSecrets(one, secret));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [name, withoutSecrets(one, secret || SECRET.test(name))]),
    );
  return secret && typeof value === 'string' ? 'left-out' : value;
}

/** Two of the same key differ in names, numbers and ids alone: the words of both are the same at the same places. */
export const keyOf = ({ seen, id, apiVersion, body }: Shape): string =>
  [seen, typeOf(id), apiVersion, ...new Set(leaves(body, ''))].sort().join('\n');

const WORD = /^[A-Za-z][A-Za-z_]{1,40}$/;
/** Members that hold what somebody chose, not one of a set of words. */
const CHOSEN = /\.(name|tags|template|parameters|outputs|value|metadata|computerName|adminUsername|description)\b/;

function leaves(value: unknown, at: string): string[] {
  if (Array.isArray(value)) return value.length === 0 ? [`${at}[]`] : value.flatMap((one) => leaves(one, `${at}[]`));
  if (typeof value === 'object' && value !== null && !/\.(template|tags)$/.test(at))
    return Object.entries(value).flatMap(([name, one]) => leaves(one, `${at}.${name.includes('/') ? '*' : name}`));
  const word = typeof value === 'string' && WORD.test(value) && !CHOSEN.test(at) ? value : '';
  return [`${at}=${value === null ? 'null' : typeof value}:${word}`];
}

/** `Microsoft.Network/virtualNetworks/subnets` of a resource's id, or of the path of an action with the action. */
export function typeOf(id: string): string {
  const at = id.toLowerCase().lastIndexOf('/providers/');
  if (at < 0)
    return /^\/subscriptions\/[^/]+\/resourcegroups\/[^/]+$/i.test(id)
      ? 'Microsoft.Resources/resourceGroups'
      : id
          .split('/')
          .filter((_, index) => index % 2 === 1)
          .join('/');
  const [namespace = '', ...rest] = id.slice(at + '/providers/'.length).split('/');
  return [namespace, ...rest.filter((_, index) => index % 2 === 0)].join('/');
}

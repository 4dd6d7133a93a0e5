/** What an appliance asks of the simulated Azure: the fabric's own questions (`/_simulator`), and Azure's real APIs. */
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeJwt } from 'jose';
import { z } from 'zod';

export const armResource = 'https://management.azure.com/';
export const graphResource = 'https://graph.microsoft.com/';

const egressSchema = z.object({ allowed: z.boolean() });
const reachSchema = z.object({ vmId: z.string(), allowed: z.boolean() });

const vmSchema = z.object({
  id: z.string(),
  name: z.string(),
  /** Tells a VM from its successor of the same name. Where it is absent, the successor has its predecessor's disk. */
  uniqueId: z.string().optional(),
  adminUsername: z.string(),
  sshPublicKeys: z.array(z.string()),
  powerState: z.string(),
  startedAt: z.number(),
  tags: z.record(z.string(), z.string()).nullish(),
  privateIp: z.string().nullish(),
  publicIp: z.string().nullish(),
});
export type Vm = z.infer<typeof vmSchema>;

/** The name that an appliance is remembered by. */
export const keyOf = ({ id, uniqueId }: Vm): string => uniqueId ?? id.toLowerCase();

const tokenSchema = z.object({ access_token: z.string() });
const openIdSchema = z.object({ issuer: z.string() });
const subscriptionsSchema = z.object({
  value: z.array(z.object({ subscriptionId: z.string() })),
  nextLink: z.string().nullish(),
});

interface Call {
  readonly method?: 'GET' | 'PUT' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}
interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: string;
}

const attempts = 5;
/** What a collector sends each minute for one subscription. */
const bytesPerSubscription = 50_000;
const bearer = (token: string): Call => ({ headers: { authorization: `Bearer ${token}` } });

/** One request, whichever way it goes. */
type Send = (url: URL, call: Call) => Promise<Answer>;

export class Azure {
  readonly #origin: string;
  readonly #send: Send;

  /** `send`: by `overHttp` or `by` a fetch. */
  constructor(origin: string, send: Send) {
    this.#origin = origin;
    this.#send = send;
  }

  /** Which VM has the address, and whether its security rules let `source` in. Undefined: nobody has it. */
  async reach(address: string, port: number, source: string): Promise<z.infer<typeof reachSchema> | undefined> {
    const query = new URLSearchParams({ address, port: String(port), source });
    return this.#ask(`/_simulator/reach?${query.toString()}`, reachSchema);
  }

  async vm(id: string): Promise<Vm | undefined> {
    return this.#ask(`/_simulator/vms?id=${encodeURIComponent(id)}`, vmSchema);
  }

  /** The id of the tenant that has this name or id; undefined when there is none. */
  async tenantId(nameOrId: string): Promise<string | undefined> {
    const path = `/${encodeURIComponent(nameOrId)}/v2.0/.well-known/openid-configuration`;
    const found = await this.#ask(path, openIdSchema);
    return found === undefined ? undefined : new URL(found.issuer).pathname.split('/')[1];
  }

  /** Whether Azure's network lets the VM out to a host. */
  async letsOut(vmId: string, host: string, port: number): Promise<boolean> {
    const query = new URLSearchParams({ vmId, host, port: String(port) });
    return (await this.#ask(`/_simulator/egress?${query.toString()}`, egressSchema))?.allowed ?? false;
  }

  get origin(): URL {
    return new URL(this.#origin);
  }

  isAt(url: URL): boolean {
    return url.origin === this.origin.origin;
  }

  /** One GET as it comes, whatever the answer. Rejects where nothing answers. */
  get(
    url: URL,
    headers: Readonly<Record<string, string>>,
  ): Promise<{ readonly status: number; readonly body: string }> {
    return this.#send(url, { headers });
  }

  /** A token of the VM's managed identity, as its metadata endpoint gives it; undefined when it has no identity. */
  async vmToken(vmId: string, resource: string, clientId?: string): Promise<string | undefined> {
    const body = JSON.stringify({ vmId, resource, clientId });
    const headers = { 'content-type': 'application/json' };
    return (await this.#ask('/_simulator/vms/token', tokenSchema, { method: 'POST', headers, body }))?.access_token;
  }

  /** A token of an application; undefined when Azure does not accept its id or secret. */
  async clientToken(tenant: string, clientId: string, secret: string, resource: string): Promise<string | undefined> {
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: secret,
      scope: `${resource}.default`,
    }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const path = `/${encodeURIComponent(tenant)}/oauth2/v2.0/token`;
    return (await this.#ask(path, tokenSchema, { method: 'POST', headers, body }))?.access_token;
  }

  async canReadDirectory(graphToken: string): Promise<boolean> {
    return (await this.#ask('/v1.0/servicePrincipals?$top=1', z.unknown(), bearer(graphToken))) !== undefined;
  }

  /** Ids of the first `count` subscriptions that the token can read, in Azure's order. */
  async subscriptions(armToken: string, count: number): Promise<readonly string[]> {
    const ids: string[] = [];
    let next: string | null | undefined = '/subscriptions?api-version=2022-12-01';
    while (next && ids.length < count) {
      const page: z.infer<typeof subscriptionsSchema> | undefined = await this.#ask(
        next,
        subscriptionsSchema,
        bearer(armToken),
      );
      ids.push(...(page?.value ?? []).map(({ subscriptionId }) => subscriptionId));
      next = page?.nextLink;
    }
    return ids.slice(0, count);
  }

  /** Has the set-up script of run commands sent to `url`. */
  async executes(url: string, contains: readonly string[]): Promise<void> {
    const headers = { 'content-type': 'application/json' };
    await this.#ask('/_simulator/vms/executor', z.unknown(), {
      method: 'PUT',
      headers,
      body: JSON.stringify({ url, contains }),
    });
  }

  /** Lets Azure's metrics show what the collector sends from now on. */
  async collects(vmId: string, subscriptions: number): Promise<void> {
    const body = JSON.stringify({ vmId, bytesPerMinute: subscriptions * bytesPerSubscription });
    const headers = { 'content-type': 'application/json' };
    await this.#ask('/_simulator/vms/traffic', z.unknown(), { method: 'POST', headers, body });
  }

  /** Undefined for any 4xx: the caller knows what a refusal means. Throws when Azure stays out of order or reach. */
  async #ask<T>(path: string, schema: z.ZodType<T>, call: Call = {}): Promise<T | undefined> {
    for (let attempt = 1; ; attempt++) {
      const { status, retryAfter, body } = await this.#send(new URL(path, this.#origin), call).catch(unreachable);
      if (status >= 200 && status < 300) return schema.parse(body === '' ? undefined : JSON.parse(body));
      if (!mayHeal(status, call)) return undefined;
      if (attempt === attempts) throw new Error(status === 0 ? body : `Azure answered ${status}`);
      await sleep(1_000 * (Number(retryAfter) || 1));
    }
  }
}

/** `ca`: PEM of the authority that signed the simulated Azure's certificate, unless Node trusts it already. */
export const overHttp =
  (ca: string | undefined): Send =>
  (url, { method = 'GET', headers = {}, body }) => {
    const request = url.protocol === 'https:' ? requestHttps : requestHttp;
    const options = { method, headers, ...(ca === undefined ? {} : { ca }) };
    return new Promise((resolve, reject) => {
      const asked = request(url, options, (response) => {
        let text = '';
        response.setEncoding('utf8').on('error', reject);
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'], body: text });
        });
      });
      asked.on('error', reject).end(body);
    });
  };

export const by =
  (ask: typeof fetch): Send =>
  async (url, { method = 'GET', headers = {}, body }) => {
    const response = await ask(url, { method, headers, ...(body === undefined ? {} : { body }) });
    const retryAfter = response.headers.get('retry-after') ?? undefined;
    return { status: response.status, retryAfter, body: await response.text() };
  };

/** No answer at all has the status 0. */
const unreachable = (error: unknown): Answer => ({
  status: 0,
  retryAfter: undefined,
  body: `Azure was not reached: ${error instanceof Error ? error.message : String(error)}`,
});

/** A token that Azure refuses may have run out on the way: it is shown again. A secret that it refuses is wrong. */
const mayHeal = (status: number, { headers = {} }: Call): boolean =>
  status === 0 || status === 429 || status >= 500 || (status === 401 && 'authorization' in headers);

/** The tenant that a token was issued for, in lower case. */
export function tenantOf(token: string): string | undefined {
  const { tid } = decodeJwt(token);
  return typeof tid === 'string' ? tid.toLowerCase() : undefined;
}

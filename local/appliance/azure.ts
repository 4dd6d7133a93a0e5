/** What an appliance asks of the simulated Azure: the fabric's own questions (`/_simulator`), and Azure's real APIs. */
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeJwt } from 'jose';
import { z } from 'zod';

export const armResource = 'https://management.azure.com/';
export const graphResource = 'https://graph.microsoft.com/';

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

export class Azure {
  readonly #origin: string;
  readonly #ca: string | undefined;

  /** `ca`: PEM of the authority that signed the simulated Azure's certificate, unless Node trusts it already. */
  constructor(origin: string, ca?: string) {
    this.#origin = origin;
    this.#ca = ca;
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

  /** A token of the VM's managed identity, as its metadata endpoint gives it; undefined when it has no identity. */
  async vmToken(vmId: string, resource: string): Promise<string | undefined> {
    const body = JSON.stringify({ vmId, resource });
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
  async executes(url: string, contains: string): Promise<void> {
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

  /** Undefined for any 4xx: the caller knows what a refusal means. Throws when Azure stays out of order. */
  async #ask<T>(path: string, schema: z.ZodType<T>, call: Call = {}): Promise<T | undefined> {
    for (let attempt = 1; ; attempt++) {
      const { status, retryAfter, body } = await this.#send(new URL(path, this.#origin), call);
      if (status < 300) return schema.parse(body === '' ? undefined : JSON.parse(body));
      if (status < 500 && status !== 429) return undefined;
      if (attempt === attempts) throw new Error(`Azure answered ${status}`);
      await sleep(1_000 * (Number(retryAfter) || 1));
    }
  }

  #send(url: URL, { method = 'GET', headers = {}, body }: Call): Promise<Answer> {
    const request = url.protocol === 'https:' ? requestHttps : requestHttp;
    const options = { method, headers, ...(this.#ca === undefined ? {} : { ca: this.#ca }) };
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
  }
}

/** The tenant that a token was issued for, in lower case. */
export function tenantOf(token: string): string | undefined {
  const { tid } = decodeJwt(token);
  return typeof tid === 'string' ? tid.toLowerCase() : undefined;
}

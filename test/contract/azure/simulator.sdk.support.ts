/** Microsoft's own clients, retries off, with every answer that they got. */
import { ComputeManagementClient } from '@azure/arm-compute';
import { MonitorClient } from '@azure/arm-monitor';
import { ManagedServiceIdentityClient } from '@azure/arm-msi';
import { NetworkManagementClient } from '@azure/arm-network';
import { ResourceManagementClient } from '@azure/arm-resources';
import { StorageManagementClient } from '@azure/arm-storage';
import { type TokenCredential } from '@azure/core-auth';
import { type PipelinePolicy } from '@azure/core-rest-pipeline';
import { expect } from '@jest/globals';
import { z } from 'zod';
import { location, platform, type TestAzure } from './simulator.support';

export const group = 'rg';
export const within = (path: string): string => `/subscriptions/${platform}/resourceGroups/${group}/providers/${path}`;

interface Got {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  /** The header, or ''. */
  readonly header: (name: string) => string;
  readonly body: string;
}

interface Refused {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly header: Got['header'];
}

const wrapped = z.object({ error: z.looseObject({ code: z.string(), message: z.string() }) });
const bare = z.looseObject({ code: z.string(), message: z.string() });
/** Metrics are refused without an `error` around it. */
const errorIn = (body: string): z.infer<typeof bare> => {
  const parsed: unknown = JSON.parse(body);
  const found = wrapped.safeParse(parsed);
  return found.success ? found.data.error : bare.parse(parsed);
};

/** Every Azure Resource Manager client of one principal, on one subscription and the resource group `rg`. */
export class TestClients {
  readonly got: Got[] = [];
  readonly compute: ComputeManagementClient;
  readonly network: NetworkManagementClient;
  readonly resources: ResourceManagementClient;
  readonly identities: ManagedServiceIdentityClient;
  readonly storage: StorageManagementClient;
  readonly monitor: MonitorClient;

  constructor(azure: TestAzure, credential: TokenCredential) {
    const watch: PipelinePolicy = {
      name: 'watch',
      sendRequest: async (request, next) => {
        const response = await next(request);
        const { status, headers, bodyAsText } = response;
        const header = (name: string): string => headers.get(name) ?? '';
        this.got.push({ method: request.method, url: request.url, status, header, body: bodyAsText ?? '' });
        return response;
      },
    };
    const options = {
      endpoint: azure.url,
      retryOptions: { maxRetries: 0 },
      additionalPolicies: [{ policy: watch, position: 'perRetry' as const }],
    };
    this.compute = new ComputeManagementClient(credential, platform, options);
    this.network = new NetworkManagementClient(credential, platform, options);
    this.resources = new ResourceManagementClient(credential, platform, options);
    this.identities = new ManagedServiceIdentityClient(credential, platform, options);
    this.storage = new StorageManagementClient(credential, platform, options);
    this.monitor = new MonitorClient(credential, platform, options);
  }

  static async of(azure: TestAzure, principal = 'administrator'): Promise<TestClients> {
    // A token for each request, since tests move the clock by hours.
    const credential = { getToken: async () => ({ token: await azure.token(principal), expiresOnTimestamp: 0 }) };
    const clients = new TestClients(azure, credential);
    if (principal === 'administrator') await clients.resources.resourceGroups.createOrUpdate(group, { location });
    return clients;
  }

  /** The newest answer to such a request. */
  last(method = '', path = ''): Got {
    const found = this.got.findLast((one) => one.method.startsWith(method) && one.url.includes(path));
    if (found === undefined) throw new Error(`No answer to ${method} ${path}.`);
    return found;
  }

  /** The statuses of the answers to what a call asked, polling left out. */
  async statusOf(call: () => PromiseLike<unknown>): Promise<number> {
    const before = this.got.length;
    await call();
    const first = this.got[before];
    if (first === undefined) throw new Error('Nothing was asked.');
    return first.status;
  }

  /** What the SDK throws, which must be what came over the wire. */
  async refusal(call: () => PromiseLike<unknown>): Promise<Refused> {
    const before = this.got.length;
    const error: unknown = await Promise.resolve(call()).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    const { status, header, body } = this.got.slice(before).at(-1) ?? this.last();
    if (error === undefined || status < 300)
      throw new Error(`It was not refused: ${status} ${body}.`, { cause: error });
    const { code, message } = errorIn(body);
    expect(error).toMatchObject({ statusCode: status, code });
    expect(header('x-ms-error-code')).toBe(code);
    return { status, code, message, header };
  }

  /** A PUT of any resource by its id, as the SDK sends it. */
  put(path: string, body: Readonly<Record<string, unknown>>, version = '2024-05-01'): PromiseLike<unknown> {
    return this.resources.resources.createOrUpdateById(within(path), version, { location, ...body });
  }
}

/** The end of a list, or of none. */
export async function drained(items: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _ of items) count += 1;
  return count;
}

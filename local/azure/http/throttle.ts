import { type Limits } from '../tenant';
import { type Call } from './call';
import { AzureError } from './errors';
import { resourceGroupOf, subscriptionOf } from './paths';

interface Rate {
  readonly size: number;
  readonly perSecond: number;
}

type Kind = 'reads' | 'writes' | 'deletes';

const kindOf = (method: string): Kind =>
  method === 'GET' || method === 'HEAD' ? 'reads' : method === 'DELETE' ? 'deletes' : 'writes';

/** Microsoft.Compute's own buckets, by VM and minute (azure-facts §1c): refill, and 3 times that at most. */
const computePolicies: readonly {
  readonly policy: string;
  readonly method: RegExp;
  readonly path: RegExp;
  readonly perMinute: number;
}[] = [
  { policy: 'GetOperation', method: /GET/, path: /\/microsoft\.compute\/locations\/[^/]+\/operation/i, perMinute: 15 },
  { policy: 'PutVM', method: /PUT/, path: /\/virtualmachines\/[^/]+$/i, perMinute: 4 },
  { policy: 'DeleteVM', method: /DELETE/, path: /\/virtualmachines\/[^/]+$/i, perMinute: 4 },
  { policy: 'UpdateVM', method: /PATCH|POST/, path: /\/virtualmachines\/[^/]+(\/\w+)?$/i, perMinute: 4 },
  { policy: 'LowCostGet', method: /GET/, path: /\/virtualmachines\/[^/]+(\/instanceview)?$/i, perMinute: 12 },
];

/**
 * Every limit of this Azure on how often it may be asked (azure-facts §1).
 * The buckets live in memory: a restart fills them, as the front door's own restarts do.
 */
export class Throttle {
  private readonly buckets = new Map<string, { tokens: number; at: number }>();
  private readonly counted = new Map<string, { since: number; count: number }>();

  constructor(
    private readonly limits: Limits,
    private readonly now: () => number,
  ) {}

  /** Takes from every bucket that an ARM call draws on, or throws 429 and takes from none. Returns headers for the answer. */
  arm(call: Call): Record<string, string> {
    const { principalId } = call.caller;
    const subscription = subscriptionOf(call.path)?.toLowerCase();
    const kind = kindOf(call.method);
    const rate = this.limits[kind];
    const own = `${subscription ?? 'tenant'}|${principalId}|${kind}`;
    // Across all principals a subscription takes fifteen times as much.
    const shared =
      subscription === undefined
        ? []
        : [[`${subscription}|${kind}`, { size: rate.size * 15, perSecond: rate.perSecond * 15 }] as const];
    const drawn = [[own, rate] as const, ...shared];
    const wait = Math.max(...drawn.map(([key, one]) => this.wait(key, one)));
    if (wait > 0) throw subscriptionThrottled(kind, subscription ?? '', principalId, wait);
    this.provider(call, kind);
    for (const [key, one] of drawn) this.take(key, one);
    const left = String(Math.floor(this.level(own, rate)));
    return { [`x-ms-ratelimit-remaining-${subscription === undefined ? 'tenant' : 'subscription'}-${kind}`]: left };
  }

  graph(call: Call): void {
    if (kindOf(call.method) === 'reads') return;
    const wait = this.inWindow(`graph|${call.caller.clientId}`, this.limits.graphWritesPer150Seconds, 150);
    if (wait === 0) return;
    const headers = { 'Retry-After': String(wait), 'x-ms-throttle-information': 'WriteLimitExceeded' };
    throw new AzureError(429, 'TooManyRequests', 'Too many requests. Please try again later.', { headers });
  }

  vault(call: Call): void {
    if (call.method !== 'PUT') return;
    const wait = this.inWindow('vault', this.limits.secretCreationsPer10Seconds, 10);
    if (wait === 0) return;
    throw new AzureError(
      429,
      'Throttled',
      'Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached',
      {
        headers: { 'Retry-After': String(wait) },
      },
    );
  }

  private provider(call: Call, kind: Kind): void {
    const { principalId } = call.caller;
    if (/^\/providers\/microsoft\.resourcegraph\//i.test(call.path)) {
      const wait = this.inWindow(`resourceGraph|${principalId}`, this.limits.resourceGraphQueriesPer5Seconds, 5);
      if (wait > 0) throw resourceGraphThrottled(wait);
    }
    if (kind !== 'reads' && /\/providers\/microsoft\.authorization\//i.test(call.path)) {
      const limit = this.limits.authorizationWritesPerMinute;
      const wait = this.inWindow(`authorization|${principalId}`, limit, 60);
      if (wait > 0) throw resourcesThrottled('Microsoft.Authorization', limit, '00:01:00', wait);
    }
    if (kind !== 'reads' && /\/providers\/microsoft\.network\//i.test(call.path)) {
      const wait = this.inWindow(`network|${subscriptionOf(call.path) ?? ''}`, 1000, 300);
      if (wait > 0) throw resourcesThrottled('Microsoft.Network', 1000, '00:05:00', wait);
    }
    this.compute(call);
  }

  private compute(call: Call): void {
    const found = computePolicies.find(({ method, path }) => method.test(call.method) && path.test(call.path));
    if (found === undefined) return;
    const of =
      found.policy === 'GetOperation'
        ? call.path
        : `${subscriptionOf(call.path) ?? ''}|${resourceGroupOf(call.path) ?? ''}|${call.params['name'] ?? ''}`;
    const rate = { size: found.perMinute * 3, perSecond: found.perMinute / 60 };
    const key = `${found.policy}|${of}`.toLowerCase();
    const wait = this.wait(key, rate);
    if (wait > 0) throw computeThrottled(found.policy, rate.size, wait, this.now());
    this.take(key, rate);
  }

  private level(key: string, { size, perSecond }: Rate): number {
    const bucket = this.buckets.get(key);
    return bucket === undefined ? size : Math.min(size, bucket.tokens + ((this.now() - bucket.at) / 1000) * perSecond);
  }

  /** Whole seconds until a call fits; 0 when it fits now. */
  private wait(key: string, rate: Rate): number {
    const missing = 1 - this.level(key, rate);
    return missing <= 0 ? 0 : Math.max(1, Math.ceil(missing / rate.perSecond));
  }

  private take(key: string, rate: Rate): void {
    this.buckets.set(key, { tokens: this.level(key, rate) - 1, at: this.now() });
  }

  /** Counts a call in a fixed window; returns 0, or the seconds until the next window when this one is full. */
  private inWindow(key: string, limit: number, seconds: number): number {
    const now = this.now();
    const current = this.counted.get(key);
    const window = current === undefined || now - current.since >= seconds * 1000 ? { since: now, count: 0 } : current;
    if (window.count >= limit) return Math.max(1, Math.ceil((window.since + seconds * 1000 - now) / 1000));
    this.counted.set(key, { ...window, count: window.count + 1 });
    return 0;
  }
}

const retryAfter = (seconds: number): { readonly headers: Record<string, string> } => ({
  headers: { 'Retry-After': String(seconds) },
});

const subscriptionThrottled = (kind: Kind, subscription: string, actor: string, seconds: number): AzureError =>
  new AzureError(
    429,
    subscription === '' ? 'TenantRequestsThrottled' : 'SubscriptionRequestsThrottled',
    `Number of '${kind.slice(0, -1)}' requests for ${subscription === '' ? 'tenant' : `subscription '${subscription}'`} actor '${actor}' exceeded. Please try again after '${seconds}' seconds after additional tokens are available. Refer to https://aka.ms/arm-throttling for additional information.`,
    retryAfter(seconds),
  );

const resourcesThrottled = (provider: string, limit: number, interval: string, seconds: number): AzureError =>
  new AzureError(
    429,
    'ResourceRequestsThrottled',
    `Number of requests for ${provider} exceeded the limit of '${limit}' for time interval '${interval}'. Please try again after '${seconds}' seconds.`,
    retryAfter(seconds),
  );

const resourceGraphThrottled = (seconds: number): AzureError =>
  new AzureError(429, 'RateLimiting', 'Please provide below info when asking for support: timestamp, correlationId.', {
    headers: {
      'Retry-After': String(seconds),
      'x-ms-user-quota-remaining': '0',
      'x-ms-user-quota-resets-after': `00:00:0${seconds}`,
    },
  });

const computeThrottled = (policy: string, size: number, seconds: number, now: number): AzureError =>
  new AzureError(
    429,
    'OperationNotAllowed',
    'The server rejected the request because too many requests have been received for this subscription.',
    {
      headers: { 'Retry-After': String(seconds), 'x-ms-ratelimit-remaining-resource': `Microsoft.Compute/${policy};0` },
      bare: true,
      members: {
        details: [
          {
            code: 'TooManyRequests',
            target: policy,
            message: JSON.stringify({
              operationGroup: policy,
              startTime: new Date(now).toISOString(),
              allowedRequestCount: size,
              measuredRequestCount: size + 1,
            }),
          },
        ],
      },
    },
  );

/** Microsoft.Compute's buckets, by resource and by subscription (azure-facts §1c): refill a minute; a bucket holds three minutes. */
import { type Call } from '../call';
import { AzureError } from '../errors';
import { subscriptionOf } from '../paths';
import { type Draw } from './draw';

interface Policy {
  readonly policy: string;
  readonly method: RegExp;
  readonly path: RegExp;
  /** Undefined: no limit by resource. */
  readonly resource?: number;
  readonly subscription: number;
}

const VM = String.raw`\/virtualmachines\/[^/]+`;

/** The first that fits counts. */
const policies: readonly Policy[] = [
  {
    policy: 'GetOperation',
    method: /GET/,
    path: /\/microsoft\.compute\/locations\/[^/]+\/operation/i,
    resource: 15,
    subscription: 5000,
  },
  { policy: 'PutVM', method: /PUT/, path: new RegExp(`${VM}$`, 'i'), resource: 4, subscription: 500 },
  { policy: 'DeleteVM', method: /DELETE/, path: new RegExp(`${VM}$`, 'i'), resource: 4, subscription: 500 },
  { policy: 'DeleteVM', method: /POST/, path: new RegExp(`${VM}\\/deallocate$`, 'i'), resource: 4, subscription: 500 },
  {
    policy: 'UpdateVM',
    method: /PATCH|POST|PUT|DELETE/,
    path: new RegExp(`${VM}(\\/.+)?$`, 'i'),
    resource: 4,
    subscription: 500,
  },
  { policy: 'LowCostGet', method: /GET/, path: new RegExp(`${VM}(\\/.+)?$`, 'i'), resource: 12, subscription: 8000 },
  {
    policy: 'HighCostGet',
    method: /GET/,
    path: /\/microsoft\.compute\/virtualmachines$/i,
    subscription: 300,
  },
];

const MINUTES = 3;

export function computeDraws(call: Call, now: number): Draw[] {
  // What other providers say of a machine (its metrics, its role assignments) does not draw on Compute.
  if (!/\/microsoft\.compute\/(?!.*\/providers\/)/i.test(call.path)) return [];
  const found = policies.find(({ method, path }) => method.test(call.method) && path.test(call.path));
  if (found === undefined) return [];
  const { policy, resource, subscription } = found;
  const draw = (name: string, key: string, perMinute: number): Draw => ({
    key: `${name}|${key}`.toLowerCase(),
    limit: { size: perMinute * MINUTES, perSecond: perMinute / 60 },
    refuse: (seconds) => throttled(name, perMinute * MINUTES, seconds, now),
    header: (left) => ['x-ms-ratelimit-remaining-resource', `Microsoft.Compute/${name};${Math.floor(left)}`],
  });
  const all = draw(`${policy}Subscription`, subscriptionOf(call.path) ?? '', subscription);
  return resource === undefined ? [all] : [all, draw(`${policy}Resource`, targetOf(call, policy), resource)];
}

/** A VM's sub-resources and actions count for the VM; a poll for its operation. */
const targetOf = ({ path }: Call, policy: string): string =>
  policy === 'GetOperation' ? path : (/^.*\/virtualmachines\/[^/]+/i.exec(path)?.[0] ?? path);

const throttled = (policy: string, size: number, seconds: number, now: number): AzureError =>
  new AzureError(
    429,
    'OperationNotAllowed',
    'The server rejected the request because too many requests have been received for this subscription.',
    {
      headers: { 'Retry-After': String(seconds), 'x-ms-ratelimit-remaining-resource': `Microsoft.Compute/${policy};0` },
      bare: true,
      members: { details: [{ code: 'TooManyRequests', target: policy, message: detail(policy, size, now) }] },
    },
  );

const detail = (policy: string, size: number, now: number): string =>
  JSON.stringify({
    operationGroup: policy,
    startTime: new Date(now - MINUTES * 60_000).toISOString(),
    endTime: new Date(now).toISOString(),
    allowedRequestCount: size,
    measuredRequestCount: size + 1,
  });

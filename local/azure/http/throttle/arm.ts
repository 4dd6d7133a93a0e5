/** Azure Resource Manager's own buckets, and those that it keeps for Authorization and Network (azure-facts §1a, b, d, e). */
import { type Limits } from '../../tenant';
import { type Call } from '../call';
import { AzureError } from '../errors';
import { subscriptionOf } from '../paths';
import { type Draw, retryAfter, type Verb, verbOf } from './draw';

/** Across all principals a subscription takes fifteen times as much. */
const GLOBAL = 15;

export function armDraws(call: Call, limits: Limits): Draw[] {
  const { principalId } = call.caller;
  const subscription = subscriptionOf(call.path)?.toLowerCase();
  const verb = verbOf(call);
  const limit = limits[verb];
  const header = (scope: string) => (left: number) =>
    [`x-ms-ratelimit-remaining-${scope}-${verb}`, String(Math.floor(left))] as const;
  const refuse = (seconds: number): AzureError => bucketEmpty(verb, subscription, principalId, seconds);
  if (subscription === undefined)
    return [{ key: `tenant|${principalId}|${verb}`, limit, refuse, header: header('tenant') }];
  const shared = { size: limit.size * GLOBAL, perSecond: limit.perSecond * GLOBAL };
  return [
    { key: `${subscription}|${principalId}|${verb}`, limit, refuse, header: header('subscription') },
    { key: `${subscription}|${verb}`, limit: shared, refuse, header: header('subscription-global') },
  ];
}

export function authorizationDraws(call: Call, limits: Limits): Draw[] {
  if (verbOf(call) === 'reads' || !/\/providers\/microsoft\.authorization\//i.test(call.path)) return [];
  const size = limits.authorizationWritesPerMinute;
  return [
    {
      key: `authorization|${call.caller.principalId}`,
      limit: { size, seconds: 60 },
      refuse: (seconds) => provider('Microsoft.Authorization', size, '00:01:00', seconds),
    },
  ];
}

export function networkDraws(call: Call, limits: Limits): Draw[] {
  if (!/\/providers\/microsoft\.network\//i.test(call.path)) return [];
  const isRead = verbOf(call) === 'reads';
  const size = isRead ? limits.networkReadsPer5Minutes : limits.networkWritesPer5Minutes;
  return [
    {
      key: `network|${isRead ? 'reads' : 'writes'}|${subscriptionOf(call.path)?.toLowerCase() ?? ''}`,
      limit: { size, seconds: 300 },
      refuse: (seconds) => provider('Microsoft.Network', size, '00:05:00', seconds),
    },
  ];
}

const bucketEmpty = (verb: Verb, subscription: string | undefined, actor: string, seconds: number): AzureError =>
  new AzureError(
    429,
    subscription === undefined ? 'TenantRequestsThrottled' : 'SubscriptionRequestsThrottled',
    `Number of '${verb.slice(0, -1)}' requests for ${subscription === undefined ? 'tenant' : `subscription '${subscription}'`} actor '${actor}' exceeded. Please try again after '${seconds}' seconds after additional tokens are available. Refer to https://aka.ms/arm-throttling for additional information.`,
    retryAfter(seconds),
  );

const provider = (namespace: string, limit: number, interval: string, seconds: number): AzureError =>
  new AzureError(
    429,
    'ResourceRequestsThrottled',
    `Number of requests for ${namespace} exceeded the limit of '${limit}' for time interval '${interval}'. Please try again after '${seconds}' seconds.`,
    retryAfter(seconds),
  );

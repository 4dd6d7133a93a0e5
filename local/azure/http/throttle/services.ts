/** Resource Graph, Microsoft Graph and Key Vault: each counts, words and tells it in its own way (azure-facts §1f-h). */
import { type Limits } from '../../tenant';
import { randomUUID } from '../../random';
import { type Call } from '../call';
import { AzureError } from '../errors';
import { type Draw, verbOf } from './draw';

const QUOTA_SECONDS = 5;

/** The quota's rest and end stand on every answer, too. */
export function resourceGraphDraws(call: Call, limits: Limits, now: number): Draw[] {
  if (!/^\/providers\/microsoft\.resourcegraph\//i.test(call.path)) return [];
  const size = limits.resourceGraphQueriesPer5Seconds;
  const key = `resourceGraph|${call.caller.principalId}`;
  const limit = { size, seconds: QUOTA_SECONDS };
  return [
    {
      key,
      limit,
      refuse: (seconds) => rateLimited(seconds, now),
      header: (left) => ['x-ms-user-quota-remaining', String(left)],
    },
  ];
}

export const quotaResets = (seconds: number): string => `00:00:${String(seconds).padStart(2, '0')}`;

const rateLimited = (seconds: number, now: number): AzureError =>
  new AzureError(
    429,
    'RateLimiting',
    `Please provide below info when asking for support: timestamp = ${new Date(now).toISOString()}, correlationId = ${randomUUID()}.`,
    {
      headers: {
        'Retry-After': String(seconds),
        'x-ms-user-quota-remaining': '0',
        'x-ms-user-quota-resets-after': quotaResets(seconds),
      },
      members: {
        details: [
          {
            code: 'RateLimiting',
            message:
              'Client application has been throttled and should not attempt to repeat the request until an amount of time has elapsed. Please see https://aka.ms/resourcegraph-throttling for help.',
          },
        ],
      },
    },
  );

/** What a call of Microsoft Graph's identity service costs, in resource units. */
function unitsOf(call: Call): number {
  if (verbOf(call) !== 'reads') return 1;
  const dear = /^\/v1\.0\/(applications|servicePrincipals\/[^/]+\/appRoleAssignments)(\/|$)/i.test(call.path) ? 2 : 1;
  const top = call.query('$top');
  const less = (call.query('$select') === undefined ? 0 : 1) + (top !== undefined && Number(top) < 20 ? 1 : 0);
  return Math.max(1, dear + (call.query('$expand') === undefined ? 0 : 1) - less);
}

/** Above this share of its limit a caller is told how far it is. */
const TOLD_FROM = 0.8;

export function graphDraws(call: Call, limits: Limits, tenantId: string): Draw[] {
  const cost = unitsOf(call);
  const app = call.caller.clientId;
  const of = (what: string, scope: string, size: number, seconds: number): Draw => ({
    key: `graph|${what}|${scope}`,
    limit: { size, seconds },
    cost: what === 'ResourceUnitLimitExceeded' ? cost : 1,
    refuse: (wait) => graphThrottled(app, what, `${scope}/ReadWrite/${app}/${tenantId}`, wait),
  });
  const size = limits.graphResourceUnitsPer10Seconds;
  const units: Draw = {
    ...of('ResourceUnitLimitExceeded', 'Tenant_Application', size, 10),
    key: `graph|units|${app}`,
    header: (left) => {
      const share = (size - left) / size;
      return share > TOLD_FROM ? ['x-ms-throttle-limit-percentage', share.toFixed(2)] : undefined;
    },
  };
  const told: Draw = {
    ...units,
    key: `graph|told|${app}`,
    cost: 0,
    header: () => ['x-ms-resource-unit', String(cost)],
  };
  if (verbOf(call) === 'reads') return [units, told];
  const writes = of('WriteLimitExceeded', 'Tenant_Application', limits.graphWritesPer150Seconds, 150);
  const ofTenant = of('WriteLimitExceeded', 'Tenant', limits.graphTenantWritesPer5Minutes, 300);
  return [units, told, { ...writes, key: `graph|writes|${app}` }, { ...ofTenant, key: 'graph|writes' }];
}

/** The message as logged for a tenant of this size (github.com/jsa2/AADAppAudit/issues/9). */
const graphThrottled = (app: string, information: string, scope: string, seconds: number): AzureError =>
  new AzureError(
    429,
    'TooManyRequests',
    `Too many requests from Identifier:${app} under category:aadgraph.app.tenant_large. Please try again later.`,
    {
      headers: {
        'Retry-After': String(seconds),
        'x-ms-throttle-scope': scope,
        'x-ms-throttle-information': information,
      },
    },
  );

/** Making secrets counts apart from everything else. No Retry-After: the documentation tells clients to back off by themselves. */
export function vaultDraws(call: Call, limits: Limits): Draw[] {
  const makes = call.method === 'PUT' && /^\/secrets\//i.test(call.path);
  const size = makes ? limits.secretCreationsPer10Seconds : limits.vaultTransactionsPer10Seconds;
  return [{ key: makes ? 'vault|create' : 'vault', limit: { size, seconds: 10 }, refuse: vaultThrottled }];
}

const vaultThrottled = (): AzureError =>
  new AzureError(
    429,
    'Throttled',
    'Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached',
  );

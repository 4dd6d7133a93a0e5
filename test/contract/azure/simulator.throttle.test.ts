/** Each service throttles by its own rule, in simulated time, with its own body and headers. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { TenantInput } from '../../../local/azure/tenant';
import {
  type Answer,
  type Arm,
  armOf,
  errorOf,
  instant,
  location,
  network,
  platform,
  startTestAzure,
  type TestAzure,
  version,
} from './simulator.support';

let azure: TestAzure;
let arm: Arm;
afterEach(async () => azure.stop());

const start = async (limits: TenantInput['limits']): Promise<void> => {
  azure = await startTestAzure({ ...instant, limits: { ...instant.limits, ...limits } });
  arm = await armOf(azure);
};
const times = async (count: number, one: () => Promise<Answer>): Promise<Answer[]> => {
  const answers: Answer[] = [];
  for (let index = 0; index < count; index++) answers.push(await one());
  return answers;
};
const last = (answers: readonly Answer[]): Answer => {
  const found = answers.at(-1);
  if (found === undefined) throw new Error('There is no answer.');
  return found;
};
const rg = `/subscriptions/${platform}/resourceGroups/rg`;

describe('Resource Manager', () => {
  test('tells what is left, by verb, for the caller and for all callers of a subscription', async () => {
    await start({});
    const read = await arm('GET', rg);
    expect(read.header('x-ms-ratelimit-remaining-subscription-reads')).toBe('249');
    expect(read.header('x-ms-ratelimit-remaining-subscription-global-reads')).toBe('3749');
    const write = await arm('PUT', rg, { location });
    expect(write.header('x-ms-ratelimit-remaining-subscription-writes')).toBe('198');
    expect(write.header('x-ms-ratelimit-remaining-subscription-global-writes')).toBe('2998');
    expect((await arm('GET', '/subscriptions')).header('x-ms-ratelimit-remaining-tenant-reads')).toBe('249');
  });

  test('an empty bucket of one principal leaves the others theirs, and fills again', async () => {
    await start({ reads: { size: 3, perSecond: 0.5 } });
    const answers = await times(4, () => arm('GET', rg));
    const refused = last(answers);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    expect([errorOf(refused), refused.header('retry-after')]).toEqual(['SubscriptionRequestsThrottled', '2']);
    expect(refused.body).toMatchObject({
      error: { message: expect.stringContaining(`Number of 'read' requests for subscription '${platform}' actor`) },
    });
    const token = await azure.token('administrator');
    expect((await azure.ask('GET', `${rg}${version}`, { token })).status).toBe(200);
    expect((await arm('GET', '/subscriptions')).status).toBe(200);
    azure.advance(2);
    expect((await arm('GET', rg)).status).toBe(200);
    const throttled = await azure.ask('GET', '/_simulator/requests?full=true&throttled=true');
    expect(throttled.body).toMatchObject([{ path: rg, status: 429, throttled: true }]);
  });

  test('all principals together have fifteen times one’s share', async () => {
    await start({ reads: { size: 1, perSecond: 0.01 } });
    const principals = Array.from({ length: 16 }, (_, index) => ({
      name: `p${index}`,
      principalId: `5d000000-0000-4000-8000-0000000000${String(index + 10)}`,
      clientId: `5e000000-0000-4000-8000-0000000000${String(index + 10)}`,
      roles: [{ role: 'Reader', scope: '/' }],
      graphRoles: [],
    }));
    await azure.stop();
    azure = await startTestAzure({
      ...instant,
      principals: [...instant.principals, ...principals],
      limits: { ...instant.limits, reads: { size: 1, perSecond: 0.01 } },
    });
    const statuses: number[] = [];
    for (const { name } of principals) {
      const token = await azure.token(name);
      statuses.push((await azure.ask('GET', `/subscriptions/${platform}${version}`, { token })).status);
    }
    expect(statuses).toEqual([...Array.from({ length: 15 }, () => 200), 429]);
  });

  test('Network and Authorization have limits of their own', async () => {
    await start({ networkWritesPer5Minutes: 2, networkReadsPer5Minutes: 2, authorizationWritesPerMinute: 1 });
    const write = await times(3, () => arm('PUT', network('networkSecurityGroups/n'), { location }));
    expect([last(write).status, errorOf(last(write)), last(write).header('retry-after')]).toEqual([
      429,
      'ResourceRequestsThrottled',
      '300',
    ]);
    expect(last(await times(3, () => arm('GET', network('networkSecurityGroups/n')))).status).toBe(429);
    const remove = (): Promise<Answer> =>
      arm('DELETE', `/subscriptions/${platform}/providers/Microsoft.Authorization/roleAssignments/${randomUUID()}`);
    const refused = last(await times(2, remove));
    expect(refused.body).toMatchObject({
      error: {
        message:
          "Number of requests for Microsoft.Authorization exceeded the limit of '1' for time interval '00:01:00'. Please try again after '60' seconds.",
      },
    });
    azure.advance(60);
    expect((await remove()).status).not.toBe(429);
  });
});

test('Compute counts by machine and by subscription, and says so without an error member', async () => {
  await start({});
  const vm = `${rg}/providers/Microsoft.Compute/virtualMachines/vm`;
  const answers = await times(37, () => arm('GET', vm));
  const refused = last(answers);
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(1);
  expect(refused.body).toMatchObject({
    code: 'OperationNotAllowed',
    details: [{ code: 'TooManyRequests', target: 'LowCostGetResource' }],
  });
  expect(refused.header('retry-after')).toBe('5');
  const list = await arm('GET', `${rg}/providers/Microsoft.Compute/virtualMachines`);
  expect(list.header('x-ms-ratelimit-remaining-resource')).toBe('Microsoft.Compute/HighCostGetSubscription;899');
  const other = await arm('GET', `${vm}2`);
  expect(other.status).toBe(404);
});

test('Resource Graph tells its quota on every answer', async () => {
  await start({});
  const ask = (): Promise<Answer> =>
    arm('POST', '/providers/Microsoft.ResourceGraph/resources', {
      query: "resourcecontainers | where type =~ 'microsoft.resources/subscriptions'",
    });
  const first = await ask();
  expect([first.header('x-ms-user-quota-remaining'), first.header('x-ms-user-quota-resets-after')]).toEqual([
    '14',
    '00:00:05',
  ]);
  const refused = last(await times(15, ask));
  expect([refused.status, errorOf(refused), refused.header('x-ms-user-quota-remaining')]).toEqual([
    429,
    'RateLimiting',
    '0',
  ]);
  expect(refused.body).toMatchObject({ error: { details: [{ code: 'RateLimiting' }] } });
  azure.advance(5);
  expect((await ask()).status).toBe(200);
});

test('Graph counts resource units, and writes apart', async () => {
  await start({ graphResourceUnitsPer10Seconds: 10, graphWritesPer150Seconds: 2 });
  const token = await azure.token('administrator', 'https://graph.microsoft.com');
  const read = (query = ''): Promise<Answer> => azure.ask('GET', `/v1.0/applications${query}`, { token });
  expect((await read()).header('x-ms-resource-unit')).toBe('2');
  expect((await read('?$select=id&$top=5')).header('x-ms-resource-unit')).toBe('1');
  expect((await read()).header('x-ms-throttle-limit-percentage')).toBe('');
  await read();
  expect((await read()).header('x-ms-throttle-limit-percentage')).toBe('0.90');
  const refused = await read();
  expect([refused.status, errorOf(refused), refused.header('x-ms-throttle-information')]).toEqual([
    429,
    'TooManyRequests',
    'ResourceUnitLimitExceeded',
  ]);
  expect(refused.header('x-ms-throttle-scope')).toBe(
    `Tenant_Application/ReadWrite/a0000000-0000-4000-8000-0000000000c2/${instant.tenantId}`,
  );
  expect(refused.header('retry-after')).toBe('10');
  azure.advance(10);
  const write = (): Promise<Answer> =>
    azure.ask('POST', '/v1.0/applications', { token, body: { displayName: randomUUID() } });
  const writes = await times(3, write);
  expect(last(writes).header('x-ms-throttle-information')).toBe('WriteLimitExceeded');
  azure.advance(150);
  expect((await write()).status).toBe(201);
});

test('Key Vault counts the making of secrets apart, and names no time', async () => {
  await start({ secretCreationsPer10Seconds: 1, vaultTransactionsPer10Seconds: 2 });
  const token = await azure.token('sentry-orchestrator', 'https://vault.azure.net');
  const ask = (method: string): Promise<Answer> =>
    azure.ask(method, '/secrets/s?api-version=7.4', { token, ...(method === 'PUT' ? { body: { value: 'v' } } : {}) });
  const made = last(await times(2, () => ask('PUT')));
  expect([made.status, errorOf(made), made.header('retry-after')]).toEqual([429, 'Throttled', '']);
  expect((await times(3, () => ask('GET'))).map(({ status }) => status)).toEqual([200, 200, 429]);
  azure.advance(10);
  expect((await ask('PUT')).status).toBe(200);
  const summary = z.object({ throttled: z.number() }).parse((await azure.ask('GET', '/_simulator/requests')).body);
  expect(summary.throttled).toBe(2);
});

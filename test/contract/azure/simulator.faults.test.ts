/** Faults on demand: each of them over HTTPS, aimed, counted, kept over a restart. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { NetworkManagementClient } from '@azure/arm-network';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { FaultInput } from '../../../local/azure/simulator/faults';
import {
  type Answer,
  type Arm,
  armOf,
  errorOf,
  instant,
  location,
  network,
  pathOf,
  platform,
  startTestAzure,
  type TestAzure,
  watched,
} from './simulator.support';

const timings = { ...instant.timings, networkSecurityGroup: 3, networkDelete: 4 };
const app = 'a0000000-0000-4000-8000-000000000001';
const rg = `/subscriptions/${platform}/resourceGroups/rg`;

let azure: TestAzure;
let arm: Arm;

beforeAll(async () => {
  azure = await startTestAzure({ ...instant, timings }, { seed: 'faults' });
  arm = await armOf(azure);
});
afterAll(async () => azure.stop());
afterEach(async () => {
  await azure.ask('DELETE', '/_simulator/faults');
  azure.advance(60);
});

const fault = async (body: FaultInput): Promise<void> => {
  expect((await azure.ask('POST', '/_simulator/faults', { body })).status).toBe(201);
};
const statusOf = async (header: string): Promise<unknown> => (await arm('GET', pathOf(header))).body;
let made = 0;
const fresh = (): string => network(`networkSecurityGroups/nsg-${made++}`);
const put = async (path = fresh()): Promise<Answer> => arm('PUT', path, { location });

describe('answers', () => {
  test.each([
    [429, 'TooManyRequests'],
    [500, 'InternalServerError'],
    [502, 'BadGatewayConnection'],
    [503, 'ServerTimeout'],
    [504, 'GatewayTimeout'],
  ])('%i in the words of Resource Manager, with Retry-After only where asked', async (status, code) => {
    await fault({ status });
    const without = await arm('GET', rg);
    expect([without.status, errorOf(without), without.header('retry-after')]).toEqual([status, code, '']);
    await fault({ status, retryAfter: 7 });
    expect((await arm('GET', rg)).header('retry-after')).toBe('7');
  });

  test('Graph, Key Vault and the token endpoint fail in words of their own', async () => {
    const graph = await azure.token('sentry-orchestrator', 'https://graph.microsoft.com');
    const vault = await azure.token('sentry-orchestrator', 'https://vault.azure.net');
    await fault({ status: 429, count: 3 });
    expect((await azure.ask('GET', '/v1.0/applications', { token: graph })).body).toMatchObject({
      error: { code: 'TooManyRequests', innerError: { 'request-id': expect.any(String) } },
    });
    expect((await azure.ask('GET', '/secrets?api-version=7.4', { token: vault })).body).toMatchObject({
      error: { code: 'Throttled' },
    });
    const signIn = await azure.ask('POST', `/${instant.tenantId}/oauth2/v2.0/token`, { body: {} });
    expect(signIn.body).toMatchObject({ error: 'temporarily_unavailable', error_codes: [90055] });
  });

  test('an expired token, a denied policy and a lock', async () => {
    await fault({ mode: 'expiredToken' });
    const expired = await arm('GET', rg);
    expect([expired.status, errorOf(expired)]).toEqual([401, 'ExpiredAuthenticationToken']);
    expect(expired.header('www-authenticate')).toContain('error="invalid_token"');
    await fault({ mode: 'policyDenied' });
    const path = fresh();
    const denied = await put(path);
    expect([denied.status, errorOf(denied)]).toEqual([403, 'RequestDisallowedByPolicy']);
    expect(denied.body).toMatchObject({ error: { additionalInfo: [{ type: 'PolicyViolation' }] } });
    await put(path);
    azure.advance(5);
    await fault({ mode: 'locked' });
    const locked = await arm('DELETE', path);
    expect([locked.status, errorOf(locked)]).toEqual([409, 'ScopeLocked']);
    expect((await arm('GET', path)).status).toBe(200);
  });
});

describe('connections', () => {
  test('reset before the effect and after it', async () => {
    const [before, after] = [fresh(), fresh()];
    await fault({ mode: 'reset' });
    await expect(put(before)).rejects.toThrow();
    expect((await arm('GET', before)).status).toBe(404);
    await fault({ mode: 'resetAfterEffect' });
    await expect(put(after)).rejects.toThrow();
    expect((await arm('GET', after)).status).toBe(200);
  });

  test('a truncated body, and a connection that hangs until it is cut', async () => {
    await fault({ mode: 'truncate' });
    await expect(arm('GET', rg)).rejects.toThrow(/aborted|hang up/);
    await fault({ mode: 'hang', seconds: 0.05 });
    await expect(arm('GET', rg)).rejects.toThrow(/hang up/);
  });
});

describe('long-running operations', () => {
  test('fail, and leave a failed resource; another PUT mends it', async () => {
    const path = fresh();
    await fault({ mode: 'operationFails', error: { code: 'Because', message: 'It was asked for.' } });
    const accepted = await put(path);
    expect(accepted.status).toBe(201);
    azure.advance(5);
    expect(await statusOf(accepted.header('azure-asyncoperation'))).toMatchObject({
      status: 'Failed',
      error: { code: 'Because' },
    });
    expect((await arm('GET', path)).body).toMatchObject({ properties: { provisioningState: 'Failed' } });
    await put(path);
    azure.advance(5);
    expect((await arm('GET', path)).body).toMatchObject({ properties: { provisioningState: 'Succeeded' } });
  });

  test('are cancelled', async () => {
    const path = fresh();
    await fault({ mode: 'operationCanceled' });
    const accepted = await put(path);
    azure.advance(5);
    expect(await statusOf(accepted.header('azure-asyncoperation'))).toMatchObject({ status: 'Canceled' });
    expect((await arm('GET', path)).body).toMatchObject({ properties: { provisioningState: 'Canceled' } });
  });

  test('never end', async () => {
    const path = fresh();
    await fault({ mode: 'operationNeverEnds' });
    const accepted = await put(path);
    azure.advance(30 * 24 * 3600);
    arm = await armOf(azure);
    expect(await statusOf(accepted.header('azure-asyncoperation'))).toMatchObject({ status: 'InProgress' });
    expect((await arm('GET', path)).body).toMatchObject({ properties: { provisioningState: 'Updating' } });
  });

  test('that fail to delete leave the resource, with its rules', async () => {
    const path = fresh();
    const properties = {
      protocol: 'Tcp',
      sourcePortRange: '*',
      destinationPortRange: '22',
      sourceAddressPrefix: '*',
      destinationAddressPrefix: '*',
      access: 'Allow',
      priority: 100,
      direction: 'Inbound',
    };
    await arm('PUT', path, { location, properties: { securityRules: [{ name: 'one', properties }] } });
    azure.advance(5);
    await fault({ mode: 'operationFails', match: { method: 'DELETE' } });
    const accepted = await arm('DELETE', path);
    expect(accepted.status).toBe(202);
    expect((await arm('GET', path)).body).toMatchObject({ properties: { provisioningState: 'Deleting' } });
    azure.advance(5);
    expect(await statusOf(accepted.header('azure-asyncoperation'))).toMatchObject({ status: 'Failed' });
    expect((await arm('GET', `${path}/securityRules/one`)).status).toBe(200);
    await arm('DELETE', path);
    azure.advance(5);
    expect((await arm('GET', path)).status).toBe(404);
  });

  test('a call that begins none does not use the fault up', async () => {
    await fault({ mode: 'operationFails' });
    await arm('PUT', `/subscriptions/${platform}/resourceGroups/sync`, { location });
    const { body } = await azure.ask('GET', '/_simulator/faults');
    expect(body).toMatchObject([{ left: 1 }]);
  });

  test('the SDK sees the failure', async () => {
    const credential = {
      getToken: async () => ({ token: await azure.token('administrator'), expiresOnTimestamp: Date.now() + 3_600_000 }),
    };
    const client = new NetworkManagementClient(credential, platform, {
      endpoint: azure.url,
      retryOptions: { maxRetries: 0 },
    });
    await fault({ mode: 'operationFails', match: { operation: 'Microsoft.Network/publicIPAddresses/write' } });
    await expect(
      client.publicIPAddresses.createOrUpdate('rg', 'ip', {
        location,
        sku: { name: 'Standard' },
        publicIPAllocationMethod: 'Static',
      }),
    ).rejects.toThrow(/failed/i);
  });
});

describe('what others see', () => {
  test('a lost replication and a lost grant, for a while and for ever', async () => {
    const token = await azure.token('administrator', 'https://graph.microsoft.com');
    const create = async (seconds?: number): Promise<() => Promise<number>> => {
      await fault({ mode: 'lostReplication', ...(seconds === undefined ? {} : { seconds }) });
      const answer = await azure.ask('POST', '/v1.0/applications', { token, body: { displayName: 'lost' } });
      const { id } = z.looseObject({ id: z.string() }).parse(answer.body);
      return async () => (await azure.ask('GET', `/v1.0/applications/${id}`, { token })).status;
    };
    const [late, never] = [await create(30), await create()];
    expect([await late(), await never()]).toEqual([404, 404]);
    azure.advance(31);
    expect([await late(), await never()]).toEqual([200, 404]);

    await fault({ mode: 'lostReplication' });
    const name = randomUUID();
    const scope = `/subscriptions/${watched(3)}`;
    const properties = {
      principalId: app,
      principalType: 'ServicePrincipal',
      roleDefinitionId: '/providers/Microsoft.Authorization/roleDefinitions/b24988ac-6180-42a0-ab88-20f7382dd24c',
    };
    await arm('PUT', `${scope}/providers/Microsoft.Authorization/roleAssignments/${name}`, { properties });
    const roles = await azure.ask('GET', `/_simulator/roles?principal=${app}&scope=${scope}`);
    expect(roles.body).toContainEqual(expect.objectContaining({ role: 'Contributor', isEffective: false }));
  });

  test('a stale read gives what was there before the last write', async () => {
    const path = fresh();
    await fault({ mode: 'staleRead', count: 3 });
    await put(path);
    expect((await arm('GET', path)).status).toBe(404);
    azure.advance(5);
    await arm('PATCH', path, { tags: { new: 'yes' } });
    expect((await arm('GET', path)).body).not.toHaveProperty('tags');
    expect((await arm('GET', path)).body).not.toHaveProperty('tags');
    expect((await arm('GET', path)).body).toMatchObject({ tags: { new: 'yes' } });
  });

  test('an outside hand changes and deletes, after a call or at once', async () => {
    const [changed, deleted] = [fresh(), fresh()];
    await put(changed);
    await put(deleted);
    azure.advance(5);
    await fault({ mode: 'changedByOther', change: { tags: { by: 'them' } }, match: { path: `${changed}$` } });
    expect((await arm('GET', changed)).body).not.toHaveProperty('tags');
    expect((await arm('GET', changed)).body).toMatchObject({ tags: { by: 'them' } });
    await fault({ mode: 'deletedByOther', target: deleted, match: { method: 'GET' } });
    await arm('GET', rg);
    azure.advance(5);
    expect((await arm('GET', deleted)).status).toBe(404);
    azure.advance(5);
    const act = await azure.ask('POST', '/_simulator/outside', { body: { method: 'DELETE', path: changed } });
    expect(act.status).toBe(202);
    azure.advance(5);
    expect((await arm('GET', changed)).status).toBe(404);
  });
});

describe('aim', () => {
  test('by operation, caller and path; what does not fit is left alone', async () => {
    await fault({ match: { operation: 'Microsoft.Network/networkSecurityGroups/*', caller: 'sentry-orchestrator' } });
    expect((await arm('GET', rg)).status).toBe(200);
    const token = await azure.token('administrator');
    const path = fresh();
    expect((await arm('PUT', path, { location }, { token, body: { location } })).status).toBe(201);
    expect((await arm('GET', path)).status).toBe(500);
    expect((await arm('GET', path)).status).toBe(200);
  });

  test('by probability, from the seed: twice the same', async () => {
    const struck = async (): Promise<number[]> => {
      const other = await startTestAzure(instant, { seed: 'luck' });
      const ask = await armOf(other);
      await other.ask('POST', '/_simulator/faults', { body: { probability: 0.3, count: null } });
      const statuses: number[] = [];
      for (let index = 0; index < 40; index++) statuses.push((await ask('GET', rg)).status);
      await other.stop();
      return statuses;
    };
    const [first, second] = [await struck(), await struck()];
    expect(second).toEqual(first);
    const failed = first.filter((status) => status === 500).length;
    expect(failed).toBeGreaterThan(4);
    expect(failed).toBeLessThan(24);
  });

  test('what is left of a fault survives a restart; one can be taken back', async () => {
    await fault({ count: 3, status: 503 });
    await fault({ count: 1, status: 504 });
    expect((await arm('GET', rg)).status).toBe(503);
    await azure.restart();
    const shape = z.array(z.object({ id: z.number(), left: z.number(), struck: z.number() }));
    const list = shape.parse((await azure.ask('GET', '/_simulator/faults')).body);
    expect(list.map(({ left, struck }) => [left, struck])).toEqual([
      [2, 1],
      [1, 0],
    ]);
    expect((await azure.ask('DELETE', `/_simulator/faults/${list[0]?.id ?? 0}`)).status).toBe(204);
    expect((await arm('GET', rg)).status).toBe(504);
  });

  test('a fault that is none is refused', async () => {
    const { status } = await azure.ask('POST', '/_simulator/faults', { body: { match: { path: '(' } } });
    expect(status).toBe(400);
  });
});

/** Stale lists: for a while a list lacks what is new, has what is gone, and shows what was changed as it was. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import {
  type Arm,
  armOf,
  instant,
  location,
  network,
  platform,
  startTestAzure,
  type TestAzure,
} from './simulator.support';

const app = 'a0000000-0000-4000-8000-000000000001';
const subscription = `/subscriptions/${platform}`;
const groups = network('networkSecurityGroups');

let azure: TestAzure;
let arm: Arm;

beforeAll(async () => {
  azure = await startTestAzure(instant, { seed: 'stale lists' });
  arm = await armOf(azure);
});
afterAll(async () => azure.stop());
afterEach(async () => {
  await azure.ask('DELETE', '/_simulator/faults');
});

const stale = async (path: string, count = 1): Promise<void> => {
  const body = { mode: 'staleRead', count, match: { method: 'GET', path } };
  expect((await azure.ask('POST', '/_simulator/faults', { body })).status).toBe(201);
};
const items = z.object({
  value: z.array(z.looseObject({ id: z.string(), tags: z.record(z.string(), z.string()).optional() })),
});
const listed = async (path: string): Promise<z.infer<typeof items>['value']> =>
  items.parse((await arm('GET', path)).body).value;
const names = async (path: string): Promise<string[]> =>
  (await listed(path)).map(({ id }) => id.slice(id.lastIndexOf('/') + 1));

test.each([
  ['of its type in the group', groups],
  ['of its type in the subscription', `${subscription}/providers/Microsoft.Network/networkSecurityGroups`],
  ['of all in the group', `${subscription}/resourceGroups/rg/resources`],
  ['of all in the subscription', `${subscription}/resources`],
])('the list %s lacks what is new, once', async (_, list) => {
  await stale(`${list}$`);
  const name = `new-${randomUUID()}`;
  await arm('PUT', `${groups}/${name}`, { location });
  expect(await names(list)).not.toContain(name);
  expect(await names(list)).toContain(name);
});

test('a list still has what was deleted, and shows what was changed as it was', async () => {
  await arm('PUT', `${groups}/gone`, { location });
  await arm('PUT', `${groups}/changed`, { location, tags: { state: 'old' } });
  await stale('networkSecurityGroups$', 2);
  await arm('DELETE', `${groups}/gone`);
  await arm('PATCH', `${groups}/changed`, { tags: { state: 'new' } });
  for (const [there, state] of [
    [true, 'old'],
    [true, 'old'],
    [false, 'new'],
  ] as const) {
    const all = await listed(groups);
    expect(all.some(({ id }) => id.endsWith('/gone'))).toBe(there);
    expect(all.find(({ id }) => id.endsWith('/changed'))?.tags).toEqual({ state });
  }
});

test('a list of groups, and one of role assignments under its filter', async () => {
  await stale('/resourceGroups$');
  await arm('PUT', `${subscription}/resourceGroups/fresh`, { location });
  expect(await names(`${subscription}/resourceGroups`)).not.toContain('fresh');
  expect(await names(`${subscription}/resourceGroups`)).toContain('fresh');

  const token = await azure.token('administrator');
  const assignments = `${subscription}/providers/Microsoft.Authorization/roleAssignments`;
  const list = async (principal: string): Promise<string[]> => {
    const filter = encodeURIComponent(`principalId eq '${principal}'`);
    const answer = await azure.ask('GET', `${assignments}?api-version=2022-04-01&$filter=${filter}`, { token });
    return items.parse(answer.body).value.map(({ id }) => id.slice(id.lastIndexOf('/') + 1));
  };
  const name = randomUUID();
  const properties = {
    principalId: app,
    principalType: 'ServicePrincipal',
    roleDefinitionId: '/providers/Microsoft.Authorization/roleDefinitions/18d7d88d-d35e-4fb5-a5c3-7773c20a72d9',
  };
  const one = `${assignments}/${name}?api-version=2022-04-01`;
  await stale('/roleAssignments$');
  expect((await azure.ask('PUT', one, { token, body: { properties } })).status).toBe(201);
  expect(await list(app)).not.toContain(name);
  expect(await list(app)).toContain(name);
  await stale('/roleAssignments$', 2);
  await azure.ask('DELETE', one, { token });
  expect(await list(randomUUID())).not.toContain(name);
  expect(await list(app)).toContain(name);
  expect(await list(app)).not.toContain(name);
});

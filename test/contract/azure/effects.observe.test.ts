/** What a plan sees of the simulated Azure, kind by kind: what a run would do, without a write. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readTenant } from '../../../local/azure/tenant';
import { outputsOf, type Progress } from '../../../src/domain/graph';
import type { Resource } from '../../../src/domain/resources';
import { deploy, startWorld, type World } from './adapters.support';
import { instant, location, platform, watched } from './simulator.support';

const download = 'https://download.example.com/sentry.vhd';
const storage = `/subscriptions/${platform}/resourceGroups/storage`;
const account = `${storage}/providers/Microsoft.Storage/storageAccounts/withkeys`;

let world: World;
beforeAll(async () => {
  const downloads = [{ url: download, bytes: 30 * 2 ** 30 + 512 }];
  world = await startWorld({ ...readTenant('samples/tenant.json'), ...instant, downloads });
  await world.demand('PUT', storage, { location });
  await world.demand('PUT', account, { location, kind: 'StorageV2', sku: { name: 'Standard_LRS' } });
  await world.demand('PUT', `${account}/blobServices/default/containers/vhds`, {});
});
afterAll(async () => world.azure.stop());

const vhd = { image: { kind: 'vhd', uri: download, storageAccountId: account, container: 'vhds' } };
const missing = `/subscriptions/${platform}/resourceGroups/no/providers/Microsoft.ManagedIdentity/userAssignedIdentities/no`;

/** What is said of each resource, where it is not said of all. */
const said = (resources: readonly Resource[], progress: Progress, usual: string) =>
  Object.fromEntries(
    resources.flatMap(({ key }) => {
      const state = progress[key];
      const what = state?.state === 'done' ? state.change : state?.state === 'refused' ? state.code : state?.state;
      return what === usual ? [] : [[key, what]];
    }),
  );

describe.each([
  ['a managed identity', deploy('observed-managed')],
  ['an app registration', deploy('observed-registered', 'appRegistration')],
  ['a copied VHD', deploy('observed-vhd', 'managedIdentity', vhd)],
])('with %s', (_what, { name, resources }) => {
  test('everything is to be made, then nothing is, and neither look writes', async () => {
    let fresh: Progress = {};
    let settled: Progress = {};
    const first = await world.written(async () => (fresh = await world.carryOut('observe', name, resources)));
    await world.carryOut('ensure', name, resources);
    const second = await world.written(async () => (settled = await world.carryOut('observe', name, resources)));
    // To be told a key is a POST in Azure, and changes nothing.
    expect([...first, ...second].filter((one) => !one.endsWith('/listKeys'))).toEqual([]);
    for (const change of Object.values(said(resources, fresh, 'created')))
      expect(['kept', 'changed']).toContain(change);
    expect(said(resources, fresh, 'created')).not.toHaveProperty('virtualMachine');
    expect(said(resources, settled, 'kept')).toEqual({});
  });
});

describe('another hand', () => {
  const { name, resources } = deploy('observed-moved');
  const idOf = (key: string): string => resources.find((one) => one.key === key)?.id ?? '';
  const look = async () => said(resources, await world.carryOut('observe', name, resources), 'kept');

  test('bug: that takes our key is told of that alone, as a run makes a key and keeps the VM', async () => {
    const made = outputsOf(await world.carryOut('ensure', name, resources));
    await world.demand('DELETE', `/secrets/${idOf('sshKey')}`);
    expect(await look()).toEqual({ sshKey: 'created' });
    expect(made).toHaveProperty('virtualMachine');
    const progress = await world.carryOut('ensure', name, resources);
    expect(progress['virtualMachine']).toMatchObject({ state: 'done', change: 'kept' });
  });

  test('that makes a thing under our name is not overwritten, and what needs it is blocked', async () => {
    const other = deploy('observed-theirs');
    await world.demand('PUT', `/subscriptions/${platform}/resourceGroups/${other.name}`, { location });
    const group = other.resources.find(({ kind }) => kind === 'networkSecurityGroup')?.id ?? '';
    await world.demand('PUT', group, { location, tags: { owner: 'they' } });
    const seen = said(other.resources, await world.carryOut('observe', other.name, other.resources), 'created');
    expect(seen).toMatchObject({
      networkSecurityGroup: 'NotOurs',
      networkInterface: 'blocked',
      virtualMachine: 'blocked',
    });
  });
});

test('an identity that the request names and nobody made is refused, as a run would', async () => {
  const identity = { identity: { kind: 'managedIdentity', resourceId: missing } };
  const { name, resources } = deploy('observed-missing', 'managedIdentity', identity);
  const progress = await world.carryOut('observe', name, resources);
  expect(progress['userAssignedIdentity']).toMatchObject({ state: 'refused', code: 'IdentityNotFound' });
});

test('a subscription that may not be read is refused at once: a plan waits for no right to come', async () => {
  const { name, resources } = deploy('observed-isolated');
  const isolated = '5b000000-0000-4000-9000-000000000001';
  const grant = resources.find(({ kind }) => kind === 'roleAssignment');
  if (!grant) throw new Error('There is no grant.');
  const key = grant.key.replace(watched(1), isolated);
  const elsewhere = {
    ...grant,
    key,
    wanted: (given: (key: string, output: string) => string) => ({
      ...(grant.wanted(given) as object),
      scope: `/subscriptions/${isolated}`,
    }),
  } as Resource;
  const given = { userAssignedIdentity: { principalId: 'a0000000-0000-4000-8000-0000000000d1' } };
  const progress = await world.carryOut('observe', name, [elsewhere], given);
  expect(progress[key]).toMatchObject({ state: 'refused', code: 'AuthorizationFailed' });
});

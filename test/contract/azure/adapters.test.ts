/** What the adapters read and how they write, above what the effects' tests go through: Resource Graph, If-Match, sign-in. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { readTenant } from '../../../local/azure/tenant';
import { makeListSubscriptions } from '../../../src/activities/listSubscriptions';
import { AzureError } from '../../../src/azure/ports';
import { type Given, outputsOf } from '../../../src/domain/graph';
import { deploy, type Deployment, startWorld, type World } from './adapters.support';
import { instant, platform, watched } from './simulator.support';

let world: World;
beforeAll(async () => {
  world = await startWorld(instant);
});
afterAll(async () => world.azure.stop());
afterEach(async () => {
  await world.azure.ask('DELETE', '/_simulator/faults');
});

describe('subscriptions', () => {
  const tenant = readTenant('samples/tenant.json').tenantId;
  const list = () => world.ports.subscriptions.list();

  test('each comes with its name, its tags and its management groups up to the root', async () => {
    const found = await list();
    expect(found.find(({ id }) => id === watched(1))).toEqual({
      id: watched(1),
      name: 'landing-zone-0001',
      tags: { environment: 'production', team: 'payments' },
      state: 'Enabled',
      managementGroups: ['landing-zones', tenant],
    });
    expect(found.find(({ id }) => id === platform)).toMatchObject({ managementGroups: ['platform', tenant] });
  });

  test('those that the app may not read are not there', async () => {
    const ids = (await list()).map(({ id }) => id);
    expect(ids.filter((id) => id.startsWith('5b000000-0000-4000-9000'))).toEqual([]);
    expect(ids).toEqual(expect.arrayContaining([platform, watched(5)]));
  });

  test('pages are followed to the last', async () => {
    const [one, ...rest] = (await list()).map(({ id, name }) => ({ subscriptionId: id, name }));
    const skipToken = Buffer.from(JSON.stringify({ offset: 1 })).toString('base64');
    const page = { totalRecords: 6, count: 1, resultTruncated: 'true', facets: [], data: [one], $skipToken: skipToken };
    await world.fault({ match: { path: 'ResourceGraph' }, status: 200, body: page });
    expect((await list()).map(({ id }) => id)).toEqual([one, ...rest].map((row) => row?.subscriptionId));
  });

  test('one that was made a moment ago is there; a disabled one says so', async () => {
    const id = '5b000000-0000-4000-8000-000000000777';
    const body = { id, name: 'new', managementGroup: 'landing-zones', tags: { team: 'new' } };
    await world.azure.ask('POST', '/_simulator/subscriptions', { body });
    expect((await list()).find((one) => one.id === id)).toMatchObject({ tags: { team: 'new' } });
    const row = { subscriptionId: id, name: 'new', tags: null, properties: { state: 'Disabled' } };
    const page = { totalRecords: 1, count: 1, resultTruncated: 'false', facets: [], data: [row] };
    await world.fault({ match: { path: 'ResourceGraph' }, status: 200, body: page });
    expect(await list()).toMatchObject([{ id, state: 'Disabled', tags: {} }]);
  });

  test('throttled, the activity answers with Retry-After', async () => {
    await world.fault({ match: { path: 'ResourceGraph' }, status: 429, retryAfter: 5 });
    expect(await makeListSubscriptions(world.ports)(null)).toMatchObject({ kind: 'later', seconds: 5 });
  });
});

describe('a network interface that others use too', () => {
  let one: Deployment;
  let given: Given;
  let id: string;
  const nic = z.looseObject({ tags: z.record(z.string(), z.string()), properties: z.looseObject({}) });

  beforeAll(async () => {
    one = deploy('shared-nic');
    given = outputsOf(await world.carryOut('ensure', one.name, one.resources));
    id = one.spec('networkInterface', given).id;
    const shown = nic.parse(await world.demand('GET', id));
    await world.demand('PUT', id, {
      ...shown,
      tags: { ...shown.tags, agent: 'theirs' },
      properties: { ...shown.properties, dnsSettings: { dnsServers: ['10.90.0.53'] }, enableIPForwarding: true },
    });
  });

  /** What another hand set stays, whatever is done. */
  const theirs = {
    tags: { agent: 'theirs', 'sentry-deployment': 'shared-nic' },
    properties: { dnsSettings: { dnsServers: ['10.90.0.53'] }, enableIPForwarding: true },
  };
  const publicAddresses = async () => {
    const shape = z.looseObject({
      properties: z.looseObject({
        ipConfigurations: z.array(
          z.looseObject({ properties: z.looseObject({ publicIPAddress: z.unknown().optional() }) }),
        ),
      }),
    });
    const { properties } = shape.parse(await world.demand('GET', id));
    return properties.ipConfigurations.filter((configuration) => configuration.properties.publicIPAddress).length;
  };

  test('its public address comes and goes, its other settings stay; a change between is met with If-Match', async () => {
    const window = one.window(given);
    for (const [verb, resources, addresses] of [
      ['ensure', window, 1],
      ['remove', one.removals(given), 0],
    ] as const) {
      const error = { code: 'PreconditionFailed', message: 'Etag provided in if-match header does not match.' };
      await world.fault({ match: { method: 'PUT', path: 'networkInterfaces' }, status: 412, body: { error } });
      const progress = await world.carryOut(verb, one.name, resources, given);
      expect(Object.values(progress).map(({ state }) => state)).toEqual(resources.map(() => 'done'));
      expect(await publicAddresses()).toBe(addresses);
      expect(await world.demand('GET', id)).toMatchObject(theirs);
    }
  });

  test('a stale If-Match is refused by Azure, and that heals', async () => {
    const { wanted } = one.spec('networkInterface', given);
    const stale = world.ports.arm.networkInterface.put(id, wanted, 'W/"stale"');
    await expect(stale).rejects.toBeInstanceOf(AzureError);
    await expect(stale).rejects.toMatchObject({ outcome: { kind: 'later', code: 'PreconditionFailed' }, status: 412 });
    expect(await world.demand('GET', id)).toMatchObject(theirs);
  });

  test('another hand’s public address is neither replaced nor taken away', async () => {
    const address = given['egressAddress']?.['id'] ?? '';
    const theirAddress = address.replace(/[^/]+$/, 'theirs');
    await world.demand('PUT', theirAddress, {
      location: 'westeurope',
      sku: { name: 'Standard' },
      properties: { publicIPAllocationMethod: 'Static' },
    });
    const spec = {
      kind: 'publicIPAssociation' as const,
      key: 'publicIPAssociation',
      id,
      deployment: one.name,
      wanted: { networkInterfaceId: id, publicIPAddressId: theirAddress },
    };
    await world.drive('ensure', spec);
    const ours = { ...spec, wanted: { ...spec.wanted, publicIPAddressId: address } };
    expect(await world.drive('ensure', ours)).toMatchObject([{ kind: 'refused', code: 'OtherAddressAttached' }]);
    expect(await world.drive('remove', ours)).toMatchObject([{ kind: 'done', change: 'kept', ours: false }]);
    expect(await publicAddresses()).toBe(1);
    await world.drive('remove', spec);
    expect(await publicAddresses()).toBe(0);
  });
});

test('Graph: pages are followed to the last', async () => {
  const { spec } = deploy('paged', 'appRegistration');
  const application = (await world.drive('ensure', spec('application'))).at(-1);
  const { appId = '' } = application?.kind === 'done' ? application.outputs : {};
  await world.drive('ensure', spec('servicePrincipal', { application: { appId } }));
  const next = `${world.azure.url}/v1.0/servicePrincipals?$filter=appId%20eq%20'${appId}'`;
  await world.fault({
    match: { method: 'GET', path: 'servicePrincipals' },
    status: 200,
    body: { value: [], '@odata.nextLink': next },
  });
  expect(await world.ports.directory.findServicePrincipal(appId)).toMatchObject({ appId });
});

describe('long-running operations', () => {
  const operation = () =>
    `${world.azure.url}/subscriptions/${platform}/providers/Microsoft.Network/locations/westeurope/operations/none?api-version=2024-05-01`;

  test.each([
    ['InProgress', { status: 'InProgress' }, { status: 'running', seconds: 9 }],
    ['Succeeded', { status: 'Succeeded' }, { status: 'succeeded' }],
    [
      'Failed',
      { status: 'Failed', error: { code: 'OSProvisioningClientError', message: 'No room.' } },
      { status: 'failed', outcome: { kind: 'refused', code: 'OSProvisioningClientError', reason: 'No room.' } },
    ],
    [
      'Failed for now',
      { status: 'Failed', error: { code: 'RetryableError', message: 'Ask again.' } },
      { status: 'failed', outcome: { kind: 'later', code: 'RetryableError' } },
    ],
    ['Canceled', { status: 'Canceled' }, { status: 'failed', outcome: { code: 'Canceled' } }],
  ])('%s', async (_, body, state) => {
    await world.fault({ match: { path: '/operations/' }, status: 200, retryAfter: 9, body });
    expect(await world.ports.operations.poll(operation())).toMatchObject(state);
  });

  test('one that Azure has forgotten counts as ended', async () => {
    expect(await world.ports.operations.poll(operation())).toEqual({ status: 'succeeded' });
  });

  test('throttled: later, by just the seconds of Retry-After', async () => {
    await world.fault({ match: { path: '/operations/' }, status: 429, retryAfter: 41 });
    await expect(world.ports.operations.poll(operation())).rejects.toMatchObject({
      outcome: { kind: 'later', seconds: 41 },
      status: 429,
    });
  });
});

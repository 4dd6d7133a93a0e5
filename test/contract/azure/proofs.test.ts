/** What a Sentry's own principal reads and what its machine reaches: the app's adapters and the simulated network. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import type { Appliance, Ran } from '../../../src/appliance/port';
import type { ProofJob } from '../../../src/activities/contracts';
import { makeProveAppliance } from '../../../src/activities/proveAppliance';
import { makeProveApplication } from '../../../src/activities/proveApplication';
import { type Given, outputsOf } from '../../../src/domain/graph';
import { deploy, startWorld, type World } from './adapters.support';
import { instant, watched } from './simulator.support';

let world: World;
let app: Given;
let vm: Given;
beforeAll(async () => {
  world = await startWorld(instant);
  const [one, other] = [deploy('proof-app', 'appRegistration'), deploy('proof-vm')];
  app = outputsOf(await world.carryOut('ensure', one.name, one.resources));
  vm = outputsOf(await world.carryOut('ensure', other.name, other.resources));
});
afterAll(async () => world.azure.stop());
afterEach(async () => {
  await world.azure.ask('DELETE', '/_simulator/faults');
});

describe('an application, with its own secret', () => {
  const job = () => ({
    tenantId: process.env['AZURE_TENANT_ID'] ?? '',
    clientId: app['servicePrincipal']?.['clientId'] ?? '',
    clientSecretUri: app['clientSecret']?.['secretUri'] ?? '',
    subscriptions: [watched(1), watched(2)],
  });
  const prove = (changes: object = {}) => makeProveApplication(world.ports)({ ...job(), ...changes });

  test('lists what it was granted, and nothing else', async () => {
    expect(await prove()).toEqual({ kind: 'listed', readable: [watched(1)] });
  });

  test('pages are followed to the last', async () => {
    const nextLink = `${world.azure.url}/subscriptions?api-version=2022-12-01`;
    await world.fault({ match: { path: '^/subscriptions$' }, status: 200, body: { value: [], nextLink } });
    expect(await prove()).toEqual({ kind: 'listed', readable: [watched(1)] });
  });

  test('a secret that Entra does not know is refused, and not repeated', async () => {
    const { value } = (await world.ports.secrets.get(job().clientSecretUri)) ?? { value: '' };
    const wrong = await world.ports.secrets.set('wrong-secret', `${value}x`, { tags: {}, contentType: 'test' });
    const refused = await prove({ clientSecretUri: wrong });
    expect(refused).toMatchObject({ kind: 'refused', code: 'AADSTS7000215', reason: 'Invalid client secret provided' });
    expect(JSON.stringify(refused)).not.toContain(value);
    expect(await prove({ clientSecretUri: `${world.azure.url}/secrets/none/1` })).toMatchObject({ code: 'NoSecret' });
  });

  test('a throttled listing is worth another question', async () => {
    await world.fault({ match: { path: '^/subscriptions$' }, status: 429, retryAfter: 5 });
    expect(await prove()).toMatchObject({ kind: 'later' });
  });
});

test('whoever was met with the first page is asked for the next', async () => {
  const identity = { clientId: 'c', armEndpoint: 'https://arm.example', armAudience: 'https://arm.example' };
  const wanted: (string | undefined)[] = [];
  const pages = ['"nextLink": "https://arm.example/subscriptions?page=2"\n', '"subscriptionId": "b"\n'];
  const appliance: Appliance = {
    configure: async () => ({ kind: 'unreachable', reason: '' }),
    run: async ({ hostKey }) => {
      const output = `identity 9\n${pages[wanted.length] ?? ''}status 200\n`;
      wanted.push(hostKey);
      return { kind: 'ran', output, status: 0, key: 0, hostKey: 'SHA256:k' };
    },
  };
  const found = await makeProveAppliance(
    world.ports,
    appliance,
  )({
    address: '20.50.0.4',
    port: 22,
    username: 'cloudknox',
    sshKeyName: 'sentry-proof-vm-1-ssh',
    questions: { origins: [], identity },
    subscriptions: ['b'],
  });
  expect(found).toMatchObject({ kind: 'answered', readable: ['b'], hostKey: 'SHA256:k' });
  expect(wanted).toEqual([undefined, 'SHA256:k']);
});

describe('a machine’s way out', () => {
  const group = () => vm['networkSecurityGroup']?.['id'] ?? '';
  const subnet = () => vm['subnet']?.['id'] ?? '';
  const way = async (host = 'app.cloudknox.io', port = 443) => {
    const query = new URLSearchParams({ vmId: vm['virtualMachine']?.['id'] ?? '', host, port: String(port) });
    const { body } = await world.azure.ask('GET', `/_simulator/egress?${query.toString()}`);
    return z.object({ allowed: z.boolean(), why: z.string() }).parse(body);
  };
  const rule = (name: string, priority: number, access: string, destinationAddressPrefix: string) =>
    world.demand('PUT', `${group()}/securityRules/${name}`, {
      properties: {
        protocol: 'Tcp',
        sourcePortRange: '*',
        sourceAddressPrefix: '*',
        destinationPortRange: '443',
        destinationAddressPrefix,
        access,
        priority,
        direction: 'Outbound',
      },
    });

  test('leads through the NAT gateway; rules may keep the internet back, and let Azure through', async () => {
    expect(await way()).toEqual({ allowed: true, why: 'nothing is in its way' });
    await rule('NoInternet', 200, 'Deny', 'Internet');
    await rule('Azure', 150, 'Allow', 'AzureCloud');
    expect(await way()).toEqual({ allowed: false, why: 'NoInternet' });
    expect(await way('app.cloudknox.io', 80)).toMatchObject({ allowed: true });
    expect(await way(new URL(world.azure.url).hostname)).toMatchObject({ allowed: true });
    await world.outside('DELETE', `${group()}/securityRules/NoInternet`);
  });

  test('leads where the route table says: to a firewall, or nowhere', async () => {
    const { properties } = z.looseObject({ properties: z.looseObject({}) }).parse(await world.demand('GET', subnet()));
    const id = subnet().replace(/virtualNetworks\/.*$/, 'routeTables/theirs');
    const leads = async (nextHopType: string) => {
      const out = { name: 'out', properties: { addressPrefix: '0.0.0.0/0', nextHopType } };
      await world.demand('PUT', id, { location: 'westeurope', properties: { routes: [out] } });
      return way();
    };
    await world.demand('PUT', id, { location: 'westeurope' });
    await world.demand('PUT', subnet(), { properties: { ...properties, routeTable: { id } } });
    expect(await leads('None')).toEqual({ allowed: false, why: 'the route to 0.0.0.0/0 leads nowhere' });
    expect(await leads('VirtualAppliance')).toMatchObject({ allowed: true });
    expect((await world.outside('DELETE', id)).status).toBe(400);
    await world.demand('PUT', subnet(), { properties });
    await world.demand('DELETE', id);
  });

  test('a private subnet without a NAT gateway has none, and the window’s public address does not count', async () => {
    const { properties } = z
      .looseObject({ properties: z.looseObject({ natGateway: z.unknown() }) })
      .parse(await world.demand('GET', subnet()));
    const { natGateway: _, ...rest } = properties;
    await world.demand('PUT', subnet(), { properties: { ...rest, defaultOutboundAccess: false } });
    expect(await way()).toEqual({ allowed: false, why: 'the subnet is private and has no NAT gateway' });

    const job: ProofJob = {
      address: '20.50.0.4',
      port: 22,
      username: 'cloudknox',
      sshKeyName: 'sentry-proof-vm-1-ssh',
      questions: { origins: ['https://app.cloudknox.io'] },
      subscriptions: [],
    };
    const answering = (run: Ran): Appliance => ({
      configure: async () => ({ kind: 'unreachable', reason: '' }),
      run: async () => run,
    });
    const output = 'reach 0 0 200\n';
    const prove = makeProveAppliance(
      world.ports,
      answering({ kind: 'ran', output, status: 0, key: 0, hostKey: 'SHA256:k' }),
    );
    const reached = { reached: ['https://app.cloudknox.io'], unreached: [], hostKey: 'SHA256:k' };
    expect(await prove(job)).toMatchObject(reached);
    expect(await prove({ ...job, subnetId: subnet() })).toMatchObject({
      reached: [],
      unreached: [{ origin: 'https://app.cloudknox.io', why: expect.stringContaining('does not stay') }],
    });

    await world.demand('PUT', subnet(), { properties });
    expect(await prove({ ...job, subnetId: subnet() })).toMatchObject({ unreached: [] });
    const cut = makeProveAppliance(world.ports, answering({ kind: 'unreachable', reason: 'gone' }));
    expect(await cut(job)).toEqual({ kind: 'unanswered', reason: 'gone' });
    await world.fault({ match: { path: '^/secrets/' }, status: 503 });
    expect(await prove(job)).toMatchObject({ kind: 'unanswered' });
  });
});

/**
 * What a Sentry proves before it counts as completed, over the API: its way out on 443, and what its principal reads.
 * Azure is at its slowest here: a role works ten minutes after it was given, and a directory's object is known in five.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { nextLook, type TestWorld, testWorld } from '../support/e2e';
import { requestBody, subscriptionId } from '../support/requests';

let world: TestWorld;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sentry-tenant-'));
  const sample = JSON.parse(readFileSync(join(__dirname, '..', '..', 'samples', 'tenant.json'), 'utf8')) as object;
  const tenant = join(folder, 'tenant.json');
  const timings = { roleAssignmentPropagation: 600, directoryReplication: 300 };
  writeFileSync(tenant, JSON.stringify({ ...sample, timings }));
  world = await testWorld({ tenant });
});
afterAll(async () => {
  await world.stop();
  rmSync(folder, { recursive: true, force: true });
});

const named = (name: string, changes: object = {}) => {
  const body = requestBody({ name, names: { application: `${name}-app` } });
  const include = [{ kind: 'ids', ids: [subscriptionId(1), subscriptionId(2)] }];
  const placement = { ...(body['placement'] as object), resourceGroup: name };
  return { ...body, tenantId: world.environment['AZURE_TENANT_ID'], placement, subscriptions: { include }, ...changes };
};
const deploy = async (name: string, changes: object = {}) => {
  await world.administrator.start(named(name, changes));
  return world.administrator.seeThrough(name, () => undefined);
};
const outside = (path: string, body: object) => world.askAzure('/_simulator/outside', { method: 'PUT', path, body });
const windows = z.array(z.looseObject({ networkSecurityGroupId: z.string(), closedAt: z.number().nullable() }));
const windowsOf = async (name: string) =>
  windows
    .parse(await world.askAzure('/_simulator/windows'))
    .filter((row) => row.networkSecurityGroupId.includes(`/${name}/`));

test('a firewall that keeps the profile’s host back: not completed, the host is named, and the window is closed', async () => {
  const shown = await deploy('blocked', { tags: { 'simulator-blocked-hosts': 'app.cloudknox.io' } });
  expect(shown).toMatchObject({ state: 'failed', problems: [{ code: 'OutboundBlocked' }] });
  expect(shown.sentries[0]).toMatchObject({ stage: 'stopped', receipts: [{ why: 'closed', provenClosed: true }] });
  expect(shown.sentries[0]?.stopped?.reason).toMatch(/ https:\/\/app\.cloudknox\.io \(nothing answers within 15 s\)$/);
  expect((await windowsOf('blocked')).map(({ closedAt }) => closedAt !== null)).toEqual([true]);
});

test('a subnet that became private meanwhile: the way out through the window’s address is not one that stays', async () => {
  const group = '/subscriptions/5b000000-0000-4000-8000-000000000000/resourceGroups/hub';
  const network = `${group}/providers/Microsoft.Network/virtualNetworks/hub`;
  const subnetId = `${network}/subnets/apps`;
  const { location } = z.looseObject({ location: z.string() }).parse(requestBody()['placement']);
  const properties = { addressPrefix: '10.80.0.0/26' };
  await outside(`${group}?api-version=2021-04-01`, { location });
  await outside(`${network}?api-version=2024-05-01`, {
    location,
    properties: { addressSpace: { addressPrefixes: ['10.80.0.0/24'] }, subnets: [{ name: 'apps', properties }] },
  });
  await world.administrator.start(named('private-subnet', { network: { kind: 'existing', subnetId } }));
  // Preflight has passed once somebody is asked for; nobody has answered yet.
  const asked = async () => (await world.administrator.read('private-subnet')).sentries.some(({ handoff }) => handoff);
  while (!(await asked())) await nextLook();
  const body = { properties: { ...properties, defaultOutboundAccess: false } };
  await outside(`${subnetId}?api-version=2024-05-01`, body);
  const shown = await world.administrator.seeThrough('private-subnet', () => undefined);
  expect(shown.problems).toMatchObject([{ code: 'OutboundBlocked', reason: expect.stringContaining('does not stay') }]);
});

const collector = z.object({ applianceAddress: z.string(), subscriptions: z.number() });

test.each(['managedIdentity', 'appRegistration'])(
  '%s: each grant is proven and collected however late it works, and what was reached is recorded',
  async (kind) => {
    const name = `proven-${kind.toLowerCase()}`;
    await world.administrator.start(named(name, { identity: { kind } }));
    const addresses = new Set<string>();
    const shown = await world.administrator.seeThrough(name, ({ sentries }) => {
      for (const { handoff } of sentries) if (handoff?.kind === 'registration') addresses.add(handoff.address ?? '');
    });
    expect(shown).toMatchObject({ state: 'completed', subscriptions: { granted: 2, proven: 2 } });
    const hosts = shown.sentries[0]?.configured?.proof?.outbound.map((url) => new URL(url).hostname);
    expect(hosts).toEqual(['127.0.0.1', 'app.cloudknox.io']);
    const console = await (await fetch(`${world.consoleUrl}/console/azure/data-collectors`)).json();
    expect(z.array(collector).parse(console)).toContainEqual({ applianceAddress: [...addresses][0], subscriptions: 2 });
    const page = z.looseObject({ value: z.array(z.looseObject({ proven: z.boolean() })) });
    const { value } = page.parse(await (await world.api(`deployments/${name}/subscriptions`)).json());
    expect(value.map(({ proven }) => proven)).toEqual([true, true]);
  },
);

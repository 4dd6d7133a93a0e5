/** The sweep against the simulated Azure, over the real SDKs: what is over is found by its marks alone, and nothing else. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import type { WindowOrder } from '../../../src/activities/contracts';
import type { Instances } from '../../../src/activities/instances';
import { sweepWindows } from '../../../src/activities/sweepWindows';
import { windowRemovals } from '../../../src/domain/blueprint/window';
import { type Given, outputsOf } from '../../../src/domain/graph';
import { deploy, startWorld, type World } from './adapters.support';
import { instant, platform } from './simulator.support';

const NAME = 'swept';
/** What `deploy` opens its windows until. */
const EXPIRY = Date.parse('2026-11-23T12:00:00Z');
const MINUTE_MS = 60_000;

let world: World;
let given: Given;
let nsg: string;
beforeAll(async () => {
  world = await startWorld(instant);
  const access = { kind: 'temporaryPublicIp', sourceAddresses: ['203.0.113.7/32'], ports: [22, 9000] };
  const { resources, window } = deploy(NAME, 'managedIdentity', { access });
  const base = outputsOf(await world.carryOut('ensure', NAME, resources));
  nsg = base['networkSecurityGroup']?.['id'] ?? '';
  given = { ...base, ...outputsOf(await world.carryOut('ensure', NAME, window(base), base)) };
  // What another hand opened, and what looks like ours and is not over, or not ours to the letter.
  await foreignRule('Theirs', 300, 'opened by hand');
  await foreignRule('Later', 301, `sentry-deployment:${NAME} sentry 2 until 2027-01-01T00:00:00.000Z`);
  await foreignRule('Almost', 302, `see sentry-deployment:${NAME} sentry 1 until 2020-01-01T00:00:00.000Z`);
});
afterAll(async () => world.azure.stop());
afterEach(async () => {
  await world.azure.ask('DELETE', '/_simulator/faults');
});

const foreignRule = (name: string, priority: number, description: string) =>
  world.demand('PUT', `${nsg}/securityRules/${name}`, {
    properties: {
      priority,
      description,
      direction: 'Inbound',
      access: 'Allow',
      protocol: 'Tcp',
      sourcePortRange: '*',
      sourceAddressPrefix: '198.51.100.9/32',
      destinationAddressPrefix: '*',
      destinationPortRange: '22',
    },
  });
const rules = async () => {
  const shown = z.looseObject({
    properties: z.looseObject({
      securityRules: z.array(z.looseObject({ name: z.string(), properties: z.looseObject({ priority: z.number() }) })),
    }),
  });
  const { properties } = shown.parse(await world.demand('GET', nsg));
  // What keeps neighbours out is no part of a window.
  const others = properties.securityRules.filter(({ name }) => name !== 'Closed_Inbound');
  return others.map((rule) => `${rule.properties.priority} ${rule.name}`).sort();
};

/** Instances that tell what was asked of them. */
function instances(answer: 'started' | 'running' = 'started') {
  const orders: (readonly [string, WindowOrder])[] = [];
  const resumed: string[] = [];
  const fake: Instances = {
    start: (_orchestrator, id, input) => {
      orders.push([id, input as WindowOrder]);
      return Promise.resolve(answer);
    },
    raiseEvent: () => Promise.resolve(),
    forget: () => Promise.resolve(),
    resume: (id) => Promise.resolve(void resumed.push(id)),
  };
  return { orders, resumed, fake };
}
const here = { subscriptionId: platform, resourceGroup: NAME };

test('its group is found by its tags', async () => {
  expect(await world.ports.windows.groups()).toEqual([{ subscriptionId: platform, resourceGroup: NAME }]);
});

test('both rules and the address bear all that is needed to close them', async () => {
  const window = { deployment: NAME, n: 1, expiresAt: '2026-11-23T12:00:00Z' };
  const marks = await world.ports.windows.marks(here);
  expect(marks.rules).toEqual([
    { ...window, n: 2, expiresAt: '2027-01-01T00:00:00.000Z', port: 22, ruleId: `${nsg}/securityRules/Later` },
    { ...window, port: 22, ruleId: `${nsg}/securityRules/Port_22` },
    { ...window, port: 9000, ruleId: `${nsg}/securityRules/Port_9000` },
  ]);
  expect(marks.addresses).toEqual([
    {
      ...window,
      addressId: given['publicIPAddress']?.['id'],
      networkInterfaceId: given['networkInterface']?.['id'],
    },
  ]);
});

test('before its time nothing is touched', async () => {
  const { orders, fake } = instances();
  expect(await sweepWindows(world.ports, fake, [here], EXPIRY - 1)).toEqual({ closing: [], problems: [] });
  expect(orders).toEqual([]);
});

test('one that is at work closes by itself; one that was suspended goes on', async () => {
  const { resumed, fake } = instances('running');
  expect(await sweepWindows(world.ports, fake, [here], EXPIRY)).toEqual({ closing: [], problems: [] });
  expect(resumed).toEqual([`w-${NAME}-1`]);
});

test('where Resource Graph or a group does not answer, the rest is looked into all the same', async () => {
  await world.fault({ match: { path: 'ResourceGraph' }, status: 429, retryAfter: 5 });
  await world.fault({ match: { path: 'resourceGroups/busy/' }, status: 429, retryAfter: 5 });
  const { orders, fake } = instances();
  const known = [{ ...here, resourceGroup: 'busy' }, { ...here, resourceGroup: 'gone' }, here];
  const { closing, problems } = await sweepWindows(world.ports, fake, known, EXPIRY);
  expect(problems).toEqual([expect.stringMatching(/^Resource Graph: /), expect.stringMatching(/^busy: /)]);
  expect(closing).toHaveLength(1);
  expect(orders).toHaveLength(1);
});

test('what is over is closed by the same removals, and what is not ours or not over stays', async () => {
  expect(await rules()).toEqual(['100 Port_22', '101 Port_9000', '300 Theirs', '301 Later', '302 Almost']);
  const { orders, fake } = instances();
  await sweepWindows(world.ports, fake, [], EXPIRY + MINUTE_MS);
  expect(orders.map(([id]) => id)).toEqual([`w-${NAME}-1`]);
  const order = orders[0]?.[1];
  expect(order).toMatchObject({ closing: { why: 'swept' } });
  if (!order) return;
  const progress = await world.carryOut('remove', NAME, windowRemovals(order.scope));
  expect(Object.values(progress)).toEqual(Array(4).fill(expect.objectContaining({ state: 'done', change: 'removed' })));
  expect(await rules()).toEqual(['300 Theirs', '301 Later', '302 Almost']);
  expect((await world.outside('GET', given['publicIPAddress']?.['id'] ?? '')).status).toBe(404);
  const again = instances();
  await sweepWindows(world.ports, again.fake, [here], EXPIRY + MINUTE_MS);
  expect(again.orders).toEqual([]);
});

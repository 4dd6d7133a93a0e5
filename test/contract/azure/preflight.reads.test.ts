/** What preflight costs, and that it writes nothing: by the simulated Azure's own record. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startWorld, type World } from './adapters.support';
import { askedWhile, findingsOf, inputFor, listed } from './preflight.support';
import { instant, platform, watched } from './simulator.support';

let world: World;
beforeAll(async () => {
  world = await startWorld(instant, 500);
});
afterAll(async () => world.azure.stop());

/** With all that makes preflight read more. */
async function makeNetwork(): Promise<void> {
  await world.demand('PUT', group, { location: 'westeurope' });
  const networkSecurityGroup = { id: ofNetwork('networkSecurityGroups/theirs') };
  await world.demand('PUT', networkSecurityGroup.id, { location: 'westeurope' });
  const subnets = [{ name: 'sentries', properties: { addressPrefix: '10.1.0.0/24', networkSecurityGroup } }];
  const properties = { addressSpace: { addressPrefixes: ['10.1.0.0/16'] }, subnets };
  await world.demand('PUT', ofNetwork('virtualNetworks/hub'), { location: 'westeurope', properties });
  await world.demand('PUT', `${group}/providers/Microsoft.Authorization/policyAssignments/rule`, {
    properties: {
      policyDefinitionId: '/providers/Microsoft.Authorization/policyDefinitions/e56962a6-4747-49cd-b67b-bf8b01975c4c',
      parameters: { listOfAllowedLocations: { value: ['westeurope'] } },
    },
  });
}

const fiveHundred = Array.from({ length: 500 }, (_, index) => watched(index + 1));

const group = `/subscriptions/${platform}/resourceGroups/five-hundred`;
const ofNetwork = (path: string): string => `${group}/providers/Microsoft.Network/${path}`;
const subnetId = ofNetwork('virtualNetworks/hub/subnets/sentries');

test.each([
  ['a managed identity and a network of our own', {}],
  [
    'an app registration, a subnet with a security group and a policy',
    { identity: { kind: 'appRegistration' }, network: { kind: 'existing', subnetId } },
  ],
])('500 subscriptions with %s: one read for each and at most 20 more, and not one write', async (_what, changes) => {
  await makeNetwork();
  const input = inputFor('five-hundred', { ...listed(...fiveHundred), ...changes });
  const asked = await askedWhile(world, () => findingsOf(world, input));
  const ofEach = asked.filter(({ path }) => fiveHundred.some((id) => path.startsWith(`/subscriptions/${id}/`)));
  expect(ofEach).toHaveLength(500);
  expect(asked.length - 500).toBeLessThanOrEqual(20);
  // A query of Resource Graph is a POST that reads.
  const others = asked.filter(({ method, path }) => method !== 'GET' && !path.endsWith('ResourceGraph/resources'));
  expect(others).toEqual([]);
});

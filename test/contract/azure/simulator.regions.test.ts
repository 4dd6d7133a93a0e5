/** Regions: which there are, and what Azure says of others. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { group, TestClients, within } from './simulator.sdk.support';
import { all, location, platform, startTestAzure, type TestAzure } from './simulator.support';

let azure: TestAzure;
let of: TestClients;

beforeAll(async () => {
  azure = await startTestAzure();
  of = await TestClients.of(azure);
});
afterAll(async () => azure.stop());

test('a subscription has its regions', async () => {
  const token = await azure.token('administrator');
  const { status, body } = await azure.ask('GET', `/subscriptions/${platform}/locations?api-version=2022-12-01`, {
    token,
  });
  expect(status).toBe(200);
  expect(body).toMatchObject({
    value: expect.arrayContaining([
      expect.objectContaining({
        id: `/subscriptions/${platform}/locations/westeurope`,
        name: 'westeurope',
        displayName: 'West Europe',
      }),
    ]),
  });
});

test.each<[string, () => PromiseLike<unknown>, string, RegExp]>([
  [
    'a group',
    () => of.resources.resourceGroups.createOrUpdate('other', { location: 'atlantis' }),
    'LocationNotAvailableForResourceGroup',
    /^The provided location 'atlantis' is not available for resource group\. List of available regions is 'westeurope,northeurope,/,
  ],
  [
    'a resource',
    () => of.network.networkSecurityGroups.createOrUpdate(group, 'n', { location: 'atlantis' }),
    'LocationNotAvailableForResourceType',
    /^The provided location 'atlantis' is not available for resource type 'Microsoft\.Network\/networkSecurityGroups'\. List of available regions for the resource type is 'westeurope,/,
  ],
  [
    'the usages of compute',
    () => all(of.compute.usage.list('atlantis')),
    'NoRegisteredProviderFound',
    /^No registered resource provider found for location 'atlantis' and API version '.+' for type 'locations\/usages'\. .+ The supported locations are 'westeurope, /,
  ],
  ['the usages of the network', () => all(of.network.usages.list('atlantis')), 'NoRegisteredProviderFound', /usages/],
  ['the sizes', () => all(of.compute.virtualMachineSizes.list('atlantis')), 'NoRegisteredProviderFound', /vmSizes/],
])('%s in an unknown region is refused', async (_what, call, code, words) => {
  const { status, code: got, message } = await of.refusal(call);
  expect([status, got]).toEqual([400, code]);
  expect(message).toMatch(words);
});

test('an unknown region has no sizes, and one that exists is known by both of its names', async () => {
  expect(await all(of.compute.resourceSkus.list({ filter: "location eq 'atlantis'" }))).toEqual([]);
  expect((await all(of.compute.resourceSkus.list({ filter: `location eq '${location}'` }))).length).toBeGreaterThan(0);
  await of.network.networkSecurityGroups.createOrUpdate(group, 'n', { location: 'West Europe' });
  expect((await of.network.networkSecurityGroups.get(group, 'n')).id).toBe(within('Microsoft.Network/networkSecurityGroups/n')); // prettier-ignore
});

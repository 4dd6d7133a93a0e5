/** Management groups, marketplace agreements and Resource Graph through their SDKs: every operation and refusal. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { ComputeManagementClient } from '@azure/arm-compute';
import { ManagementGroupsAPI } from '@azure/arm-managementgroups';
import { MarketplaceOrderingAgreements } from '@azure/arm-marketplaceordering';
import { ResourceGraphClient } from '@azure/arm-resourcegraph';
import { randomUUID } from 'node:crypto';
import { expectRefusal, holding, optionsOf, type RefusalCase } from './simulator.clients.support';
import { all, instant, location, platform, startTestAzure, type TestAzure, watched } from './simulator.support';

const delegate = { name: 'delegate', principalId: randomUUID(), clientId: randomUUID(), graphRoles: [] };
const id = (name: string): string => `/providers/Microsoft.Management/managementGroups/${name}`;
const root = instant.tenantId;

let azure: TestAzure;
let groups: ManagementGroupsAPI;
let theirs: ManagementGroupsAPI;
let terms: MarketplaceOrderingAgreements;
let images: ComputeManagementClient['virtualMachineImages'];
let graph: ResourceGraphClient;

beforeAll(async () => {
  const roles = [{ role: 'Reader', scope: id('platform') }];
  azure = await startTestAzure({ ...instant, principals: [...instant.principals, { ...delegate, roles }] });
  const credential = holding(await azure.token('administrator'));
  groups = new ManagementGroupsAPI(credential, optionsOf(azure));
  theirs = new ManagementGroupsAPI(holding(await azure.token('delegate')), optionsOf(azure));
  terms = new MarketplaceOrderingAgreements(credential, platform, optionsOf(azure));
  images = new ComputeManagementClient(credential, platform, optionsOf(azure)).virtualMachineImages;
  graph = new ResourceGraphClient(credential, optionsOf(azure));
});
afterAll(async () => azure.stop());

const check = async (cases: readonly RefusalCase[]): Promise<void> => {
  for (const one of cases) await expectRefusal('arm', one);
};
const put =
  (name: string, parent?: string, by = (): ManagementGroupsAPI => groups) =>
  (): Promise<unknown> =>
    by().managementGroups.beginCreateOrUpdateAndWait(name, {
      displayName: name.toUpperCase(),
      ...(parent === undefined ? {} : { details: { parent: { id: id(parent) } } }),
    });
const denied = (action: string, scope: string): string =>
  `The client '${delegate.clientId}' with object id '${delegate.principalId}' does not have authorization to perform action 'Microsoft.Management/managementGroups/${action}' over scope '${scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.`;

describe('management groups', () => {
  test('are made, read, moved, listed and deleted, and subscriptions with them', async () => {
    const { managementGroups, managementGroupSubscriptions } = groups;
    expect(await put('one')()).toMatchObject({
      id: id('one'),
      type: 'Microsoft.Management/managementGroups',
      name: 'one',
      tenantId: root,
      displayName: 'ONE',
      details: { parent: { id: id(root), name: root } },
    });
    await put('two', 'one')();
    expect(await managementGroups.get('one', { expand: 'children', recurse: true })).toMatchObject({ children: [{ name: 'two' }] }); // prettier-ignore
    expect((await all(managementGroups.list())).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['one', 'two']),
    );
    await managementGroupSubscriptions.create('two', watched(2));
    expect(await managementGroupSubscriptions.getSubscription('two', watched(2))).toMatchObject({
      id: `${id('two')}/subscriptions/${watched(2)}`,
      parent: { id: id('two') },
      state: 'Active',
    });
    expect(await all(managementGroupSubscriptions.listSubscriptionsUnderManagementGroup('two'))).toHaveLength(1);
    expect((await all(managementGroups.listDescendants('one'))).map(({ name }) => name)).toEqual(['two', watched(2)]);
    expect((await all(groups.entities.list())).map(({ name }) => name)).toEqual(expect.arrayContaining(['one', platform])); // prettier-ignore
    expect(await managementGroups.update('two', { displayName: 'Second', parentGroupId: id('platform') })).toMatchObject({ displayName: 'Second', details: { parent: { name: 'platform' } } }); // prettier-ignore
    await managementGroupSubscriptions.delete('two', watched(2));
    await managementGroupSubscriptions.delete('two', watched(2));
    expect(await managementGroupSubscriptions.getSubscription(root, watched(2))).toMatchObject({ name: watched(2) });
    for (const name of ['two', 'one']) await managementGroups.beginDeleteAndWait(name);
  });

  test('are refused', async () => {
    const { managementGroups, managementGroupSubscriptions: subscriptions } = groups;
    const levels = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (const [at, name] of levels.entries()) await put(name, levels[at - 1])();
    const none = "The management group 'none' cannot be found.";
    await check([
      ['NotFound', 404, none, () => managementGroups.get('none')],
      ['NotFound', 404, none, () => managementGroups.update('none', {})],
      ['NotFound', 404, none, () => subscriptions.create('none', platform)],
      ['NotFound', 404, none, () => all(managementGroups.listDescendants('none'))],
      ['NotFound', 404, `The subscription '${platform}' is not under the management group 'a'.`, () => subscriptions.getSubscription('a', platform)], // prettier-ignore
      ['ParentNotFound', 404, `The parent management group '${id('none')}' cannot be found.`, put('x', 'none')],
      ['BadRequest', 400, /^The management group ID 'a b' is not valid/, put('a b')],
      ['BadRequest', 400, 'The management group hierarchy cannot be deeper than 6 levels below the root.', put('g', 'f')], // prettier-ignore
      ['BadRequest', 400, /which is a descendant of it\.$/, put('a', 'c')],
      ['BadRequest', 400, 'The root management group cannot be moved.', put(root, 'a')],
      ['BadRequest', 400, 'The root management group cannot be deleted.', () => managementGroups.beginDeleteAndWait(root)], // prettier-ignore
      ['BadRequest', 400, /^The management group 'a' cannot be deleted: it has child management groups or subscriptions/, () => managementGroups.beginDeleteAndWait('a')], // prettier-ignore
      ['SubscriptionNotFound', 404, "The subscription 'none' could not be found.", () => subscriptions.create('a', 'none')], // prettier-ignore
      ['InvalidRequestContent', 400, /'displayName'/, () => managementGroups.update('a', { displayName: 'x'.repeat(91) })], // prettier-ignore
      ['AuthorizationFailed', 403, denied('write', id('platform')), put('mine', 'platform', () => theirs)],
      ['AuthorizationFailed', 403, denied('write', id('platform')), put('platform', undefined, () => theirs)],
      ['AuthorizationFailed', 403, denied('delete', id('platform')), () => theirs.managementGroups.beginDeleteAndWait('platform')], // prettier-ignore
      ['AuthorizationFailed', 403, denied('read', id('isolated')), () => theirs.managementGroups.get('isolated')],
      ['AuthorizationFailed', 403, denied('subscriptions/write', `${id('platform')}/subscriptions/${watched(1)}`), () => theirs.managementGroupSubscriptions.create('platform', watched(1))], // prettier-ignore
    ]);
  });
});

describe('marketplace agreements', () => {
  const offer = ['cloudknox', 'cloudknox_sentry_image', 'sentry_v1_byol0'] as const;
  const type = 'virtualmachine';

  test('are read, accepted, listed and cancelled; before that there is none', async () => {
    const { marketplaceAgreements: agreements } = terms;
    await check([
      ['NotFound', 404, /^Unable to find legal terms for this offer\. Agreement has never been signed for this offer\. offer = 'cloudknox_sentry_image', sku = 'sentry_v1_byol0', {2}Correlation Id: '[0-9a-f-]{36}'\.$/, () => agreements.getAgreement(...offer)], // prettier-ignore
    ]);
    expect(await agreements.list()).toEqual([]);
    const current = await agreements.get(type, ...offer);
    expect(current).toMatchObject({ publisher: 'cloudknox', product: offer[1], plan: offer[2], accepted: false });
    expect(current.signature).toMatch(/^[0-9A-F]{64}$/);
    expect(await agreements.create(type, ...offer, { ...current, accepted: true })).toMatchObject({ accepted: true });
    expect(await agreements.getAgreement(...offer)).toMatchObject({ accepted: true });
    expect(await agreements.cancel(...offer)).toMatchObject({ accepted: false });
    expect(await agreements.getAgreement(...offer)).toMatchObject({ accepted: false });
    expect(await agreements.sign(...offer)).toMatchObject({ accepted: true });
    expect(await agreements.list()).toMatchObject([{ plan: offer[2], accepted: true }]);
  });

  test('are refused', async () => {
    const { marketplaceAgreements: agreements } = terms;
    const [publisher, product] = offer;
    const unknown = /^Unable to find legal terms for this offer/;
    const current = await agreements.get(type, ...offer);
    await check([
      ['BadRequest', 400, unknown, () => agreements.get(type, publisher, product, 'none')],
      ['BadRequest', 400, unknown, () => agreements.getAgreement(publisher, product, 'none')],
      ['BadRequest', 400, unknown, () => agreements.sign(publisher, product, 'none')],
      ['BadRequest', 400, unknown, () => agreements.cancel(publisher, product, 'none')],
      ['BadRequest', 400, unknown, () => agreements.create(type, publisher, product, 'none', { ...current, accepted: true })], // prettier-ignore
      ['BadRequest', 400, /^The signature of the terms is not the one of the current terms/, () => agreements.create(type, ...offer, { ...current, signature: 'X' })], // prettier-ignore
      ['InvalidRequestContent', 400, /'properties.accepted'/, () => agreements.create(type, ...offer, { signature: 'X' })], // prettier-ignore
    ]);
  });
});

test('the marketplace names its publishers, their offers and the SKUs of each', async () => {
  const [publisher, offer, sku] = ['cloudknox', 'cloudknox_sentry_image', 'sentry_v1_byol0'] as const;
  const named = (of: readonly { readonly name?: string }[]) => of.map(({ name }) => name);
  expect(named(await images.listPublishers(location))).toContain(publisher);
  expect(named(await images.listOffers(location, publisher))).toEqual([offer]);
  expect(named(await images.listSkus(location, publisher, offer))).toEqual([sku]);
  await check([
    ['NotFound', 404, 'Artifact: Publisher was not found.', () => images.listOffers(location, 'none')],
    ['NotFound', 404, 'Artifact: Offer was not found.', () => images.listSkus(location, publisher, 'none')],
  ]);
  const skus = `/subscriptions/${platform}/providers/Microsoft.Compute/locations/${location}/publishers/${publisher}/artifacttypes/vmimage/offers/${offer}/skus`;
  const token = await azure.token('administrator');
  const one = (name: string) => azure.ask('GET', `${skus}/${name}?api-version=2024-11-01`, { token });
  expect(await one(sku)).toMatchObject({ status: 200, body: { name: sku } });
  expect(await one('none')).toMatchObject({
    status: 404,
    body: { error: { message: 'Artifact: Sku was not found.' } },
  });
});

describe('Resource Graph', () => {
  const subscriptions = "resourcecontainers | where type =~ 'microsoft.resources/subscriptions'";
  const support = /^Please provide below info when asking for support: timestamp = \S+Z, correlationId = [0-9a-f-]{36}\.$/; // prettier-ignore

  // It takes fifteen queries in five seconds.
  beforeEach(() => azure.advance(5));

  test('answers with rows, a table, pages and a count', async () => {
    const query = `${subscriptions} | project subscriptionId | order by subscriptionId`;
    const first = await graph.resources({ query, options: { top: 2 } });
    expect(first).toMatchObject({ count: 2, resultTruncated: 'true', skipToken: expect.any(String), facets: [] });
    const second = await graph.resources({ query, options: { top: 2, skipToken: first.skipToken ?? '' } });
    expect(second.data).not.toEqual(first.data);
    expect(await graph.resources({ query: `${subscriptions} | count` })).toMatchObject({ data: [{ Count: first.totalRecords }] }); // prettier-ignore
    const table = await graph.resources({ query, options: { resultFormat: 'table', top: 1 } });
    expect(table.data).toMatchObject({ columns: [{ name: 'subscriptionId' }], rows: [[expect.any(String)]] });
    expect(await graph.resources({ query, subscriptions: [watched(1)] })).toMatchObject({ data: [{ subscriptionId: watched(1) }] }); // prettier-ignore
  });

  const cases: readonly (readonly [string, RegExp])[] = [
    ['securityresources', /the table 'securityresources' is not simulated, only resourcecontainers, resources,/],
    [`${subscriptions} | mv-expand tags`, /the operator 'mv-expand tags' is not simulated/],
    [`${subscriptions} | summarize avg(name)`, /'avg\(name\)' is not simulated/],
    [`${subscriptions} | summarize count() by name by id`, /'summarize count\(\) by name by id'/],
    [`${subscriptions} | where name`, /the condition 'name' is not simulated/],
    [`${subscriptions} | where spendingLimit == 'x'`, /'spendingLimit' is not simulated/],
    [`${subscriptions} | where properties.state != 'x'`, /'!=' on what may be absent is not simulated: use tostring/],
    [`${subscriptions} | where name matches regex 'x'`, /name matches regex/],
    [`${subscriptions} | where name in 'x'`, /the expression 'name in 'x'' is not simulated/],
    [`${subscriptions} | where strlen(name) == 1`, /the function 'strlen' is not simulated/],
    [`${subscriptions} | order name`, /'order name' is not simulated/],
    [`${subscriptions} | top name`, /'top name' is not simulated/],
    [`${subscriptions} | limit all`, /'limit all' is not simulated/],
    [`${subscriptions} | count 1`, /'count 1' is not simulated/],
    [`${subscriptions} | project tolower(name)`, /'tolower\(name\)' needs a name/],
    [`${subscriptions} | project-away none`, /'none' is not simulated/],
    [`${subscriptions} | join kind=rightouter (resources) on name`, /'join kind=rightouter/],
    [`${subscriptions} | join kind=inner (resources) on properties`, /a join on 'properties', which is no text,/],
  ];
  test.each(cases)('refuses %s in the envelope of a query that is wrong, and says why', async (query, why) => {
    const { body } = await expectRefusal('arm', ['BadRequest', 400, support, () => graph.resources({ query })]);
    const message = expect.stringMatching(why);
    expect(body).toMatchObject({ error: { details: [{ code: 'InvalidQuery' }, { code: 'NotSimulated', message }] } });
  });

  test('refuses what is no request', async () => {
    await check([
      ['InvalidSkipToken', 400, 'The skip token is not valid.', () => graph.resources({ query: subscriptions, options: { skipToken: 'x' } })], // prettier-ignore
      ['InvalidRequestContent', 400, /'options.\$top'/, () => graph.resources({ query: subscriptions, options: { top: 1001 } })], // prettier-ignore
    ]);
  });
});

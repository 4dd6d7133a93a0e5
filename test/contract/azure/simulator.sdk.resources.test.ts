/** Groups, providers and anything by its id, by the client of Microsoft.Resources; and what no client of Microsoft's asks. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { drained, group, TestClients, within } from './simulator.sdk.support';
import { type Answer, all, errorOf, instant, location, platform, startTestAzure, type TestAzure } from './simulator.support'; // prettier-ignore

let azure: TestAzure;
let of: TestClients;
let plain: (method: string, path: string, body?: unknown) => Promise<Answer>;
const scope = `/subscriptions/${platform}`;

beforeAll(async () => {
  azure = await startTestAzure({ ...instant, timings: { ...instant.timings, networkSecurityGroup: 60, networkDelete: 60, deploymentStart: 2 } }); // prettier-ignore
  of = await TestClients.of(azure);
  plain = async (method, path, body) =>
    azure.ask(method, `${path}${path.includes('?') ? '&' : '?'}api-version=2022-12-01`, {
      token: await azure.token('administrator'),
      ...(body === undefined ? {} : { body }),
    });
});
afterAll(async () => azure.stop());

type Row = readonly [what: string, call: () => PromiseLike<unknown>, status: number, code: string, message: string | RegExp]; // prettier-ignore

describe('by the client', () => {
  test('groups are tagged, listed and known to exist', async () => {
    const { resourceGroups, resources } = of.resources;
    expect(await resourceGroups.update(group, { tags: { a: 'b' } })).toMatchObject({ name: group, tags: { a: 'b' } });
    expect((await all(resourceGroups.list())).map(({ name }) => name)).toContain(group);
    await resourceGroups.checkExistence(group);
    expect(of.last('HEAD').status).toBe(204);
    await resourceGroups.checkExistence('none');
    expect(of.last('HEAD').status).toBe(404);
    await of.identities.userAssignedIdentities.createOrUpdate(group, 'one', { location });
    const type = 'Microsoft.ManagedIdentity/userAssignedIdentities';
    const found = await all(resources.list({ filter: `resourceType eq '${type}'` }));
    expect(found).toMatchObject([{ name: 'one', type, location }]);
    expect(await drained(resources.listByResourceGroup(group, { top: 1 }))).toBe(1);
  });

  test('providers are told, registered and unregistered', async () => {
    const { providers } = of.resources;
    expect(await providers.get('Microsoft.Compute')).toMatchObject({ namespace: 'Microsoft.Compute', registrationState: 'Registered', registrationPolicy: 'RegistrationRequired' });
    expect(await drained(providers.list())).toBeGreaterThan(5);
    expect(await drained(providers.listAtTenantScope())).toBeGreaterThan(5);
    expect(await providers.getAtTenantScope('Microsoft.Network')).toMatchObject({ namespace: 'Microsoft.Network' });
    expect(await providers.unregister('Microsoft.Storage')).toBeDefined();
    expect(await providers.register('Microsoft.Storage')).toMatchObject({ registrationState: 'Registered' });
  }); // prettier-ignore

  const invalid = "The resource namespace 'Nothing' is invalid.";
  const rows: readonly Row[] = [
    ['a provider that is none', () => of.resources.providers.get('Nothing'), 404, 'InvalidResourceNamespace', invalid],
    ['one of the tenant', () => of.resources.providers.getAtTenantScope('Nothing'), 404, 'InvalidResourceNamespace', invalid],
    ['its registration', () => of.resources.providers.register('Nothing'), 404, 'InvalidResourceNamespace', invalid],
    ['its end', () => of.resources.providers.unregister('Nothing'), 404, 'InvalidResourceNamespace', invalid],
    ['the end of one that needs no registration', () => of.resources.providers.unregister('Microsoft.Authorization'), 409, 'Conflict', /which needs no registration\.$/],
    ['the end of one that is used', () => of.resources.providers.unregister('Microsoft.ManagedIdentity'), 409, 'Conflict', /which has resources in it\.$/],
    ['tags of a group that is not there', () => of.resources.resourceGroups.update('none', {}), 404, 'ResourceGroupNotFound', "Resource group 'none' could not be found."],
    ['the export of a group', () => of.resources.resourceGroups.exportTemplate(group, {}), 400, 'NotSimulated', 'The export of a resource group is not simulated.'],
    ['a move', () => of.resources.resources.moveResources(group, {}), 400, 'NotSimulated', 'The move of resources is not simulated.'],
    ['the trial of a move', () => of.resources.resources.validateMoveResources(group, {}), 400, 'NotSimulated', 'The move of resources is not simulated.'],
    ['a type that is not simulated', () => of.put('Microsoft.Web/sites/s', {}), 404, 'InvalidResourceType', "The resource type 'sites' could not be found in the namespace 'Microsoft.Web' for this operation."],
    ['a list by what it has not', () => drained(of.resources.resources.list({ filter: "kind eq 'x'" })), 400, 'InvalidFilterInQueryString', /^Invalid \$filter 'kind eq 'x'' specified in the query string\./],
  ]; // prettier-ignore
  test.each(rows)('%s is refused', async (_, call, status, code, message) => {
    const told = await of.refusal(call);
    expect(told).toMatchObject({ status, code });
    expect(told.message).toMatch(message);
  });

  test('another subscription is not found, and no token is refused with where to get one', async () => {
    const { resources } = of.resources;
    const other = '/subscriptions/00000000-0000-4000-8000-000000000000/resourceGroups/rg';
    expect(await of.refusal(() => resources.getById(other, '2022-12-01'))).toMatchObject({ status: 404, code: 'SubscriptionNotFound' });
    const nobody = new TestClients(azure, { getToken: async () => ({ token: 'none', expiresOnTimestamp: 0 }) });
    const refused = await nobody.refusal(() => nobody.resources.resourceGroups.get(group)).catch((error: unknown) => error);
    expect(refused).toBeDefined();
    expect([nobody.last().status, nobody.last().header('www-authenticate')]).toEqual([401, expect.stringContaining('authorization_uri=')]);
  }); // prettier-ignore

  test('what is used must be ready', async () => {
    const { network } = of;
    await network.networkSecurityGroups.beginCreateOrUpdate(group, 'slow', { location });
    await network.virtualNetworks.createOrUpdate(group, 'v', { location, addressSpace: { addressPrefixes: ['10.0.0.0/16'] } });
    const networkSecurityGroup = { id: within('Microsoft.Network/networkSecurityGroups/slow') };
    const put = () => network.subnets.createOrUpdate(group, 'v', 's', { addressPrefix: '10.0.0.0/24', networkSecurityGroup });
    const told = await of.refusal(put);
    expect(told).toMatchObject({ status: 409, code: 'ReferencedResourceNotProvisioned' });
    expect(told.message).toMatch(/is not in Succeeded state\. Resource is in Updating state and the last operation that updated\/is updating the resource is PutNetworkSecurityGroupOperation\.$/);
    const rule = await of.refusal(() => of.put('Microsoft.Network/networkSecurityGroups/slow/securityRules/r', { properties: { protocol: '*', sourcePortRange: '*', destinationPortRange: '*', sourceAddressPrefix: '*', destinationAddressPrefix: '*', access: 'Deny', priority: 200, direction: 'Inbound' } }));
    expect([rule.status, rule.code, rule.header('retry-after')]).toEqual([429, 'RetryableErrorDueToAnotherOperation', '60']);
    azure.advance(60);
    await put();
    await network.networkSecurityGroups.beginCreateOrUpdate(group, 'going', { location });
    azure.advance(60);
    await network.networkSecurityGroups.beginDelete(group, 'going');
    networkSecurityGroup.id = within('Microsoft.Network/networkSecurityGroups/going');
    expect((await of.refusal(put)).message).toMatch(/Resource is in Deleting state and .+ is DeleteNetworkSecurityGroupOperation\.$/);
  }); // prettier-ignore

  test('a deployment is made again, read, known to exist, and forgotten', async () => {
    const id = within('Microsoft.Resources/deployments/d');
    const template = { $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#', contentVersion: '1.0.0.0', resources: [] };
    const { resources } = of.resources;
    const deploy = async (): Promise<void> => {
      const poller = await resources.beginCreateOrUpdateById(id, '2022-09-01', { properties: { mode: 'Incremental', template } });
      azure.advance(2);
      await poller.pollUntilDone();
    };
    await deploy();
    const made = of.last('PUT', '/deployments/d');
    expect([made.status, made.header('azure-asyncoperation')]).toEqual([201, expect.stringContaining(`${id}/operationStatuses/`)]);
    await deploy();
    expect(of.last('PUT', '/deployments/d').status).toBe(200);
    expect(await resources.getById(id, '2022-09-01')).toMatchObject({ properties: { provisioningState: 'Succeeded', mode: 'Incremental' } });
    expect(await of.refusal(() => resources.getById(`${id}x`, '2022-09-01'))).toMatchObject({ status: 404, code: 'DeploymentNotFound', message: "Deployment 'dx' could not be found." });
    await resources.checkExistenceById(id, '2022-09-01');
    expect(of.last('HEAD').status).toBe(204);
    await resources.checkExistenceById(`${id}x`, '2022-09-01');
    expect(of.last('HEAD').status).toBe(404);
    expect(await of.statusOf(() => resources.deleteById(id, '2022-09-01'))).toBe(202);
    expect(await of.statusOf(() => resources.deleteById(id, '2022-09-01'))).toBe(204);
  }); // prettier-ignore
});

/** What only clients ask that are not among the packages, or that no client can be brought to ask. */
describe('in plain requests', () => {
  const locations = `${scope}/providers/Microsoft.Network/locations/${location}`;
  const rows: readonly (readonly [method: string, path: string, body: unknown, status: number, code: string])[] = [
    ['GET', '/subscriptions/00000000-0000-4000-8000-000000000000', undefined, 404, 'SubscriptionNotFound'],
    ['GET', `${locations}/operations/none`, undefined, 404, 'NotFound'],
    ['GET', `${locations}/operationResults/none`, undefined, 404, 'NotFound'],
    ['PUT', '/providers/Microsoft.Subscription/aliases/a', {}, 400, 'NotSimulated'],
    ['GET', '/providers/Microsoft.Subscription/aliases/a', undefined, 400, 'NotSimulated'],
    ['POST', `${scope}/providers/Microsoft.Subscription/cancel`, {}, 400, 'NotSimulated'],
    ['GET', '/subscriptions?$skiptoken=YQ', undefined, 400, 'InvalidSkipToken'],
    ['PUT', `${scope}/resourceGroups/other`, undefined, 400, 'InvalidRequestContent'],
    ['PUT', `${scope}/resourceGroups/other`, '{ no JSON', 400, 'InvalidRequestContent'],
    ['PUT', `${scope}/resourceGroups/other`, JSON.stringify({ location, tags: { a: 'x'.repeat(4_300_000) } }), 413, 'RequestContentTooLarge'],
    ['PUT', '/subscriptions', {}, 404, 'NotFound'],
  ]; // prettier-ignore
  test.each(rows)('%s %s is refused', async (method, path, body, status, code) => {
    const answer = await plain(method, path, body);
    expect([answer.status, errorOf(answer)]).toEqual([status, code]);
    expect(answer.header('x-ms-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('without an api-version nothing is answered', async () => {
    const answer = await azure.ask('GET', scope, { token: await azure.token('administrator') });
    expect([answer.status, errorOf(answer), answer.header('x-ms-error-code')]).toEqual([400, 'MissingApiVersionParameter', 'MissingApiVersionParameter']); // prettier-ignore
  });

  test('subscriptions and the tenant are told', async () => {
    const listed = await plain('GET', '/subscriptions');
    expect(listed).toMatchObject({ status: 200, body: { count: { type: 'Total' } } });
    expect((await plain('GET', scope)).body).toMatchObject({ subscriptionId: platform, state: 'Enabled', authorizationSource: 'RoleBased' }); // prettier-ignore
    expect((await plain('GET', '/tenants')).body).toMatchObject({ value: [{ tenantId: instant.tenantId }] });
    // What the caller has left of the tenant's reads, and of the subscription's.
    expect(Number(listed.header('x-ms-ratelimit-remaining-tenant-reads'))).toBeGreaterThan(0);
  });

  test('an operation is polled by either of its addresses until it has ended', async () => {
    const path = within('Microsoft.Network/networkSecurityGroups/polled');
    await plain('PUT', path, { location });
    azure.advance(60);
    const gone = await plain('DELETE', path);
    azure.advance(60);
    const asked = async (name: string): Promise<Answer> => {
      const { pathname, search } = new URL(gone.header(name));
      return azure.ask('GET', `${pathname}${search}`, { token: await azure.token('administrator') });
    };
    expect(await asked('azure-asyncoperation')).toMatchObject({ status: 200, body: { status: 'Succeeded' } });
    expect(await asked('location')).toMatchObject({ status: 204, body: undefined });
  });
});

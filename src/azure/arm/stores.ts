/** One row for each type of ARM resource: how the SDK reads, puts and deletes it. */
import { AuthorizationManagementClient } from '@azure/arm-authorization';
import { ComputeManagementClient } from '@azure/arm-compute';
import { MarketplaceOrderingAgreements } from '@azure/arm-marketplaceordering';
import { ManagedServiceIdentityClient } from '@azure/arm-msi';
import { NetworkManagementClient } from '@azure/arm-network';
import { ResourceManagementClient } from '@azure/arm-resources';
import { armOptions, type Connection } from '../client';
import type { Azure, ArmBody, ArmStore } from '../ports';
import { parseArmId } from './armId';
import { orUndefined } from '../errors';
import { type Observing, submit } from './operations';

type Begun = { submitted(): Promise<void> } | PromiseLike<unknown>;
interface Options extends Observing {
  readonly requestOptions?: { readonly headers: Record<string, string> };
}
/** The SDK's methods on one type. `path` are the names along the resource's id, below its resource group. */
interface Methods<W> {
  get(path: Path): Promise<ArmBody>;
  put(path: Path, body: W, options: Options): Begun;
  delete(path: Path, options: Options): Begun;
}
interface Path {
  readonly subscriptionId: string;
  readonly group: string;
  readonly name: string;
  readonly child: string;
}

function store<W>(methods: Methods<W>): ArmStore<W> {
  const pathOf = (id: string): Path => {
    const { subscriptionId, resourceGroup: group, names } = parseArmId(id);
    return { subscriptionId, group, name: names[0], child: names[1] };
  };
  return {
    get: (id) => orUndefined(methods.get(pathOf(id))),
    put: (id, body, ifMatch) => {
      const conditions = ifMatch === undefined ? {} : { requestOptions: { headers: { 'If-Match': ifMatch } } };
      return submit((options) => methods.put(pathOf(id), body, { ...options, ...conditions }));
    },
    delete: (id) => submit((options) => methods.delete(pathOf(id), options)),
  };
}

/** One client for each subscription, made when it is first needed. */
function perSubscription<C>(make: (subscriptionId: string) => C): (path: Path) => C {
  const made = new Map<string, C>();
  return ({ subscriptionId }) => {
    const client = made.get(subscriptionId) ?? make(subscriptionId);
    made.set(subscriptionId, client);
    return client;
  };
}

export function armStores(connection: Connection): Azure['arm'] {
  const { credential } = connection;
  const options = armOptions(connection);
  const network = perSubscription((id) => new NetworkManagementClient(credential, id, options));
  const compute = perSubscription((id) => new ComputeManagementClient(credential, id, options));
  const resources = perSubscription((id) => new ResourceManagementClient(credential, id, options));
  const identities = perSubscription((id) => new ManagedServiceIdentityClient(credential, id, options));
  return {
    resourceGroup: store({
      get: (at) => resources(at).resourceGroups.get(at.group),
      put: (at, body, how) => resources(at).resourceGroups.createOrUpdate(at.group, body, how),
      delete: (at, how) => resources(at).resourceGroups.delete(at.group, how),
    }),
    virtualNetwork: store({
      get: (at) => network(at).virtualNetworks.get(at.group, at.name),
      put: (at, body, how) => network(at).virtualNetworks.createOrUpdate(at.group, at.name, body, how),
      delete: (at, how) => network(at).virtualNetworks.delete(at.group, at.name, how),
    }),
    subnet: store({
      get: (at) => network(at).subnets.get(at.group, at.name, at.child),
      put: (at, body, how) => network(at).subnets.createOrUpdate(at.group, at.name, at.child, body, how),
      delete: (at, how) => network(at).subnets.delete(at.group, at.name, at.child, how),
    }),
    natGateway: store({
      get: (at) => network(at).natGateways.get(at.group, at.name),
      put: (at, body, how) => network(at).natGateways.createOrUpdate(at.group, at.name, body, how),
      delete: (at, how) => network(at).natGateways.delete(at.group, at.name, how),
    }),
    publicIPAddress: store({
      get: (at) => network(at).publicIPAddresses.get(at.group, at.name),
      put: (at, body, how) => network(at).publicIPAddresses.createOrUpdate(at.group, at.name, body, how),
      delete: (at, how) => network(at).publicIPAddresses.delete(at.group, at.name, how),
    }),
    networkSecurityGroup: store({
      get: (at) => network(at).networkSecurityGroups.get(at.group, at.name),
      put: (at, body, how) => network(at).networkSecurityGroups.createOrUpdate(at.group, at.name, body, how),
      delete: (at, how) => network(at).networkSecurityGroups.delete(at.group, at.name, how),
    }),
    securityRule: store({
      get: (at) => network(at).securityRules.get(at.group, at.name, at.child),
      put: (at, body, how) => network(at).securityRules.createOrUpdate(at.group, at.name, at.child, body, how),
      delete: (at, how) => network(at).securityRules.delete(at.group, at.name, at.child, how),
    }),
    networkInterface: store({
      get: (at) => network(at).networkInterfaces.get(at.group, at.name),
      put: (at, body, how) => network(at).networkInterfaces.createOrUpdate(at.group, at.name, body, how),
      delete: (at, how) => network(at).networkInterfaces.delete(at.group, at.name, how),
    }),
    virtualMachine: store({
      get: (at) => compute(at).virtualMachines.get(at.group, at.name),
      put: (at, body, how) => compute(at).virtualMachines.createOrUpdate(at.group, at.name, body, how),
      delete: (at, how) => compute(at).virtualMachines.delete(at.group, at.name, how),
    }),
    image: store({
      get: (at) => compute(at).images.get(at.group, at.name),
      put: (at, body, how) => compute(at).images.createOrUpdate(at.group, at.name, body, how),
      delete: (at, how) => compute(at).images.delete(at.group, at.name, how),
    }),
    providerRegistration: providerRegistrations(resources),
    userAssignedIdentity: store({
      get: (at) => identities(at).userAssignedIdentities.get(at.group, at.name),
      put: (at, body, { onResponse }) =>
        identities(at).userAssignedIdentities.createOrUpdate(at.group, at.name, body, { onResponse }),
      delete: (at, { onResponse }) => identities(at).userAssignedIdentities.delete(at.group, at.name, { onResponse }),
    }),
    identityFederatedCredential: store({
      get: (at) => identities(at).federatedIdentityCredentials.get(at.group, at.name, at.child),
      put: (at, body, { onResponse }) =>
        identities(at).federatedIdentityCredentials.createOrUpdate(at.group, at.name, at.child, body, { onResponse }),
      delete: (at, { onResponse }) =>
        identities(at).federatedIdentityCredentials.delete(at.group, at.name, at.child, { onResponse }),
    }),
    roleAssignment: roleAssignments(new AuthorizationManagementClient(credential, NO_SUBSCRIPTION, options)),
    marketplaceAgreement: marketplaceAgreements(
      perSubscription((id) => new MarketplaceOrderingAgreements(credential, id, options)),
    ),
  };
}

/** `/subscriptions/{id}/providers/{namespace}`: registering is a POST of its own, and nothing unregisters. */
function providerRegistrations(
  clientOf: (path: Path) => ResourceManagementClient,
): Azure['arm']['providerRegistration'] {
  const parts = (id: string): [client: ResourceManagementClient, namespace: string] => {
    const [, , subscriptionId = '', , namespace = ''] = id.split('/');
    return [clientOf({ subscriptionId, group: '', name: '', child: '' }), namespace];
  };
  return {
    get: async (id) => {
      const [client, namespace] = parts(id);
      const { registrationState } = await client.providers.get(namespace);
      return { id, registrationState };
    },
    put: async (id) => {
      const [client, namespace] = parts(id);
      await client.providers.register(namespace);
      return {};
    },
    delete: async () => ({}),
  };
}

/** Role assignments are addressed by scope; the client wants a subscription that it never uses. */
const NO_SUBSCRIPTION = '00000000-0000-0000-0000-000000000000';

function roleAssignments({ roleAssignments: client }: AuthorizationManagementClient): Azure['arm']['roleAssignment'] {
  const parts = (id: string): [scope: string, name: string] => {
    const [scope = '', name = ''] = id.split('/providers/Microsoft.Authorization/roleAssignments/');
    // The client puts a slash of its own before the scope.
    return [scope.replace(/^\//, ''), name];
  };
  return {
    get: (id) => orUndefined(client.get(...parts(id))),
    put: async (id, { condition, ...body }) => {
      const limited = condition === '' ? {} : { condition, conditionVersion: '2.0' };
      await client.create(...parts(id), { ...body, ...limited });
      return {};
    },
    delete: async (id) => {
      await client.delete(...parts(id));
      return {};
    },
  };
}

function marketplaceAgreements(
  clientOf: (path: Path) => MarketplaceOrderingAgreements,
): Azure['arm']['marketplaceAgreement'] {
  const parts = (id: string): [publisher: string, offer: string, plan: string] => {
    const [, publisher = '', offer = '', plan = ''] =
      /publishers\/([^/]+)\/offers\/([^/]+)\/plans\/([^/]+)/.exec(id) ?? [];
    return [publisher, offer, plan];
  };
  const client = (id: string) =>
    clientOf({ subscriptionId: parseArmId(id).subscriptionId, group: '', name: '', child: '' }).marketplaceAgreements;
  return {
    get: (id) =>
      orUndefined(
        client(id)
          .get('virtualmachine', ...parts(id))
          .then(({ id: own, ...body }) => ({ ...body, ...(own ? { id: own } : {}) })),
      ),
    put: async (id, body) => {
      await client(id).create('virtualmachine', ...parts(id), body);
      return {};
    },
    delete: async () => ({}),
  };
}

/**
 * A deployment's resources, step by step of the guide: what all Sentries share, what each Sentry has, and what an
 * access window adds for a while. Pure functions of request, profile and fleet.
 */
import type { Profile } from './profile';
import type { DeploymentRequest } from './request';
import { type Given, OWNER_TAG, ownerMark, type Resource, type ResourceOf, type Tags } from './resources';

const GRAPH_APP_ID = '00000003-0000-0000-c000-000000000000';

export interface Plan {
  readonly request: DeploymentRequest;
  readonly profile: Profile;
}

/** Sentry 1 has the guide's plain names, Sentry n > 1 has them with `-n`, so one never touches another's rules. */
const numbered = (name: string, n: number): string => (n === 1 ? name : `${name}-${n}`);

const groupId = ({ placement }: DeploymentRequest): string =>
  `/subscriptions/${placement.subscriptionId}/resourceGroups/${placement.resourceGroup}`;
const armId = (request: DeploymentRequest, type: string, name: string): string =>
  `${groupId(request)}/providers/${type}/${name}`;
const tagsOf = (request: DeploymentRequest): Tags => ({ ...request.tags, [OWNER_TAG]: request.name });
const tracked = (request: DeploymentRequest) => ({ location: request.placement.location, tags: tagsOf(request) });

/** Names in the vault: one vault may serve several deployments. */
export const secretName = (deployment: string, n: number, what: 'ssh' | 'client' | 'registration'): string =>
  `sentry-${deployment}-${n}-${what}`;

/** Guide, "Create a Resource group", and what the Sentries stand on: a network with a way out on 443, and the terms. */
export function sharedResources({ request, profile }: Plan): readonly Resource[] {
  const { publisher, offer: product, plan } = profile.image;
  const agreement: ResourceOf<'marketplaceAgreement'> = {
    kind: 'marketplaceAgreement',
    key: 'marketplaceAgreement',
    id: `/subscriptions/${request.placement.subscriptionId}/providers/Microsoft.MarketplaceOrdering/offerTypes/virtualmachine/publishers/${publisher}/offers/${product}/plans/${plan}/agreements/current`,
    needs: [],
    wanted: () => ({ publisher, product, plan, accepted: true }),
  };
  const group: ResourceOf<'resourceGroup'> = {
    kind: 'resourceGroup',
    key: 'resourceGroup',
    id: groupId(request),
    needs: [],
    wanted: () => tracked(request),
  };
  return [group, agreement, ...(request.network.kind === 'managed' ? managedNetwork(request, request.network) : [])];
}

/** Subnets are private by default now: without the NAT gateway the Sentry could not report. */
function managedNetwork(
  request: DeploymentRequest,
  { addressPrefix }: { readonly addressPrefix: string },
): readonly Resource[] {
  const network = armId(request, 'Microsoft.Network/virtualNetworks', `${request.name}-vnet`);
  return [
    {
      kind: 'virtualNetwork',
      key: 'virtualNetwork',
      id: network,
      needs: ['resourceGroup'],
      wanted: () => ({ ...tracked(request), addressSpace: { addressPrefixes: [addressPrefix] } }),
    },
    {
      kind: 'publicIPAddress',
      key: 'egressAddress',
      id: armId(request, 'Microsoft.Network/publicIPAddresses', `${request.name}-egress-ip`),
      needs: ['resourceGroup'],
      wanted: () => staticAddress(request),
    },
    {
      kind: 'natGateway',
      key: 'natGateway',
      id: armId(request, 'Microsoft.Network/natGateways', `${request.name}-egress`),
      needs: ['egressAddress'],
      wanted: (given) => ({
        ...tracked(request),
        sku: { name: 'Standard' },
        publicIpAddresses: [{ id: given('egressAddress', 'id') }],
      }),
    },
    {
      kind: 'subnet',
      key: 'subnet',
      id: `${network}/subnets/sentry`,
      needs: ['virtualNetwork', 'natGateway'],
      wanted: (given) => ({
        addressPrefix,
        natGateway: { id: given('natGateway', 'id') },
        defaultOutboundAccess: false,
      }),
    },
  ];
}

const staticAddress = (request: DeploymentRequest) =>
  ({ ...tracked(request), sku: { name: 'Standard' }, publicIPAllocationMethod: 'Static' }) as const;

/** One Sentry: security group, identity with its permissions, NIC and VM, and a grant in each subscription. */
export function sentryResources(plan: Plan, n: number, subscriptions: readonly string[]): readonly Resource[] {
  return [...identity(plan, n), ...appliance(plan, n), ...grants(plan, n, subscriptions)];
}

const principal = (request: DeploymentRequest): { readonly key: string; readonly id: (given: Given) => string } => {
  const key = request.identity.kind === 'managedIdentity' ? 'userAssignedIdentity' : 'servicePrincipal';
  return { key, id: (given) => given(key, 'principalId') };
};

/** Guide, "Create the Service Principal": option 1 or option 2, and the Graph permissions that both need. */
function identity(plan: Plan, n: number): readonly Resource[] {
  const { request, profile } = plan;
  const { key: principalKey, id: principalId } = principal(request);
  const permissions = profile.graphPermissions.map(({ value, id }): ResourceOf<'graphPermission'> => ({
    kind: 'graphPermission',
    key: `graphPermission/${value}`,
    id: value,
    needs: [principalKey],
    wanted: (given) => ({ principalId: principalId(given), permission: value, appRoleId: id }),
  }));
  return [
    ...(request.identity.kind === 'managedIdentity' ? [managedIdentity(plan, n)] : appRegistration(plan, n)),
    ...permissions,
  ];
}

const managedIdentity = ({ request, profile }: Plan, n: number): ResourceOf<'userAssignedIdentity'> => ({
  kind: 'userAssignedIdentity',
  key: 'userAssignedIdentity',
  id: armId(
    request,
    'Microsoft.ManagedIdentity/userAssignedIdentities',
    numbered(request.names.userAssignedIdentity ?? profile.names.userAssignedIdentity, n),
  ),
  needs: ['resourceGroup'],
  wanted: () => tracked(request),
});

function appRegistration({ request, profile }: Plan, n: number): readonly Resource[] {
  const { identity } = request;
  if (identity.kind !== 'appRegistration') return [];
  const displayName = numbered(request.names.application ?? profile.names.application, n);
  const tags = [ownerMark(request.name)];
  const application: ResourceOf<'application'> = {
    kind: 'application',
    key: 'application',
    id: displayName,
    needs: [],
    wanted: () => ({
      displayName,
      signInAudience: 'AzureADMyOrg',
      tags,
      requiredResourceAccess: [
        {
          resourceAppId: GRAPH_APP_ID,
          resourceAccess: profile.graphPermissions.map(({ id }) => ({ id, type: 'Role' as const })),
        },
      ],
    }),
  };
  const servicePrincipal: ResourceOf<'servicePrincipal'> = {
    kind: 'servicePrincipal',
    key: 'servicePrincipal',
    id: displayName,
    needs: ['application'],
    wanted: (given) => ({ appId: given('application', 'appId'), tags }),
  };
  const secret: ResourceOf<'clientSecret'> = {
    kind: 'clientSecret',
    key: 'clientSecret',
    id: secretName(request.name, n, 'client'),
    needs: ['application'],
    wanted: (given) => ({
      applicationId: given('application', 'objectId'),
      secretName: secretName(request.name, n, 'client'),
      displayName: `${identity.secret.description} (${ownerMark(request.name)})`,
      expiresInDays: identity.secret.expiresInDays,
      tags: tagsOf(request),
    }),
  };
  return [application, servicePrincipal, secret];
}

/** Guide, "Create a network security group" and "Creating the CloudKnox Sentry from the image". */
function appliance(plan: Plan, n: number): readonly Resource[] {
  const { request, profile } = plan;
  const name = numbered(request.names.virtualMachine ?? profile.names.virtualMachine, n);
  const { network } = request;
  return [
    {
      kind: 'networkSecurityGroup',
      key: 'networkSecurityGroup',
      id: armId(
        request,
        'Microsoft.Network/networkSecurityGroups',
        numbered(request.names.networkSecurityGroup ?? profile.names.networkSecurityGroup, n),
      ),
      needs: ['resourceGroup'],
      wanted: () => tracked(request),
    },
    {
      kind: 'sshKey',
      key: 'sshKey',
      id: secretName(request.name, n, 'ssh'),
      needs: [],
      wanted: () => ({ secretName: secretName(request.name, n, 'ssh'), tags: tagsOf(request) }),
    },
    {
      kind: 'networkInterface',
      key: 'networkInterface',
      id: armId(request, 'Microsoft.Network/networkInterfaces', `${name}-nic`),
      needs: ['networkSecurityGroup', ...(network.kind === 'managed' ? ['subnet'] : [])],
      wanted: (given) => ({
        ...tracked(request),
        networkSecurityGroup: { id: given('networkSecurityGroup', 'id') },
        ipConfigurations: [
          {
            name: 'primary',
            subnet: { id: network.kind === 'managed' ? given('subnet', 'id') : network.subnetId },
            privateIPAllocationMethod: 'Dynamic',
          },
        ],
      }),
    },
    virtualMachine(plan, name),
  ];
}

/**
 * The identity's Graph permissions come before the first boot: a managed identity's token is cached for up to a
 * day (azure-docs#85676). Our own public key goes in with the first PUT, because Azure takes no key afterwards.
 */
function virtualMachine({ request, profile }: Plan, name: string): ResourceOf<'virtualMachine'> {
  const { publisher, offer, plan, version } = profile.image;
  const username = request.vm.adminUsername ?? profile.vm.adminUsername;
  const managed = request.identity.kind === 'managedIdentity';
  return {
    kind: 'virtualMachine',
    key: 'virtualMachine',
    id: armId(request, 'Microsoft.Compute/virtualMachines', name),
    needs: [
      'networkInterface',
      'sshKey',
      'marketplaceAgreement',
      ...profile.graphPermissions.map(({ value }) => `graphPermission/${value}`),
      ...(managed ? ['userAssignedIdentity'] : []),
    ],
    wanted: (given) => ({
      ...tracked(request),
      plan: { name: plan, publisher, product: offer },
      ...(managed
        ? {
            identity: {
              type: 'UserAssigned' as const,
              userAssignedIdentities: { [given('userAssignedIdentity', 'id')]: {} },
            },
          }
        : {}),
      hardwareProfile: { vmSize: request.vm.size ?? profile.vm.size },
      storageProfile: {
        imageReference: { publisher, offer, sku: plan, version },
        osDisk: {
          createOption: 'FromImage',
          deleteOption: 'Delete',
          managedDisk: { storageAccountType: 'Premium_LRS' },
        },
      },
      osProfile: {
        computerName: name,
        adminUsername: username,
        linuxConfiguration: {
          disablePasswordAuthentication: true,
          ssh: {
            publicKeys: [...request.vm.sshPublicKeys, given('sshKey', 'publicKey')].map((keyData) => ({
              path: `/home/${username}/.ssh/authorized_keys`,
              keyData,
            })),
          },
        },
      },
      networkProfile: { networkInterfaces: [{ id: given('networkInterface', 'id'), primary: true }] },
    }),
  };
}

const grantKey = (subscriptionId: string, roleName: string): string => `roleAssignment/${subscriptionId}/${roleName}`;

/** The roles that each subscription is granted: User Access Administrator too when the controller is enabled. */
export const rolesOf = ({ request, profile }: Plan) => [
  ...profile.roles.always,
  ...(request.controller.enabled ? profile.roles.controller : []),
];

/** Guide, "Granting the 'Reader' role", repeated for each subscription and, unlike the guide's text, for each role. */
export function grants(
  plan: Plan,
  n: number,
  subscriptions: readonly string[],
): readonly ResourceOf<'roleAssignment'>[] {
  const { request } = plan;
  const { key: principalKey, id: principalId } = principal(request);
  return subscriptions.flatMap((subscriptionId) =>
    rolesOf(plan).map((role): ResourceOf<'roleAssignment'> => {
      const scope = `/subscriptions/${subscriptionId}`;
      return {
        kind: 'roleAssignment',
        key: grantKey(subscriptionId, role.name),
        id: `${scope}/providers/Microsoft.Authorization/roleAssignments (${role.name})`,
        needs: [principalKey],
        wanted: (given) => ({
          scope,
          roleDefinitionId: `${scope}/providers/Microsoft.Authorization/roleDefinitions/${role.id}`,
          roleName: role.name,
          principalId: principalId(given),
          principalType: 'ServicePrincipal',
          description: `${ownerMark(request.name)} (Sentry ${n})`,
        }),
      };
    }),
  );
}

/** What an access window opens, and to whom. Ids are of resources that the Sentry has. */
export interface WindowScope {
  readonly deployment: string;
  readonly n: number;
  readonly location: string;
  readonly tags: Tags;
  readonly resourceGroupId: string;
  readonly networkSecurityGroupId: string;
  readonly networkInterfaceId: string;
  readonly ruleName: string;
  readonly sources: readonly string[];
  readonly ports: readonly number[];
  /** ISO 8601. The rule's description carries it, so that it can be closed with no state at all. */
  readonly expiresAt: string;
}

export function windowScope(
  { request, profile }: Plan,
  n: number,
  egress: readonly string[],
  ids: WindowIds,
): WindowScope {
  return {
    deployment: request.name,
    n,
    ...tracked(request),
    resourceGroupId: groupId(request),
    ruleName: profile.names.inboundRule,
    sources: [...new Set([...request.access.sourceAddresses, ...egress])],
    ports: request.access.ports ?? profile.ports.slice(0, 1),
    ...ids,
  };
}
type WindowIds = Pick<WindowScope, 'networkSecurityGroupId' | 'networkInterfaceId' | 'expiresAt'>;

/** Guide, "Add the following rule" and "assign a new public IP temporarily for configuration". */
export function windowResources(scope: WindowScope): readonly Resource[] {
  const { location, tags } = scope;
  const address: ResourceOf<'publicIPAddress'> = {
    kind: 'publicIPAddress',
    key: 'publicIPAddress',
    id: `${scope.resourceGroupId}/providers/Microsoft.Network/publicIPAddresses/${scope.deployment}-${scope.n}-window`,
    needs: [],
    wanted: () => ({ location, tags, sku: { name: 'Standard' }, publicIPAllocationMethod: 'Static' }),
  };
  const association: ResourceOf<'publicIPAssociation'> = {
    kind: 'publicIPAssociation',
    key: 'publicIPAssociation',
    id: scope.networkInterfaceId,
    needs: ['publicIPAddress'],
    wanted: () => ({ networkInterfaceId: scope.networkInterfaceId, publicIPAddressId: address.id }),
  };
  const rules = scope.ports.map((port, index): ResourceOf<'securityRule'> => ({
    kind: 'securityRule',
    key: `securityRule/${port}`,
    id: `${scope.networkSecurityGroupId}/securityRules/${scope.ruleName.replace('{port}', String(port))}`,
    needs: [],
    wanted: () => ({
      priority: 100 + index,
      direction: 'Inbound',
      access: 'Allow',
      protocol: 'Tcp',
      sourcePortRange: '*',
      sourceAddressPrefixes: [...scope.sources],
      destinationAddressPrefix: '*',
      destinationPortRange: String(port),
      description: `${ownerMark(scope.deployment)} until ${scope.expiresAt}`,
    }),
  }));
  return [address, association, ...rules];
}

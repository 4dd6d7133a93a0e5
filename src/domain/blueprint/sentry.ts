/** One Sentry: identity, appliance, and a grant in each subscription. Pure. */
import type { Resource, ResourceOf } from '../resources';
import { grants } from './grants';
import { identity } from './identity';
import { armId, numbered, type Plan, secretName, tagsOf, tracked } from './plan';

/** One Sentry: security group, identity with its permissions, NIC and VM, and a grant in each subscription. */
export function sentryResources(plan: Plan, n: number, subscriptions: readonly string[]): readonly Resource[] {
  return [...identity(plan, n), ...appliance(plan, n), ...grants(plan, n, subscriptions)];
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
      // Whatever the set-up script will be asked has to be there before anyone is called to the console.
      ...(managed ? ['userAssignedIdentity'] : ['servicePrincipal', 'clientSecret']),
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

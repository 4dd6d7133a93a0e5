/** Guide, "Creating the CloudKnox Sentry from the image". Pure. */
import type { ResourceOf } from '../resources';
import { type ApplianceChoice, armId, type Blueprint, tracked } from './blueprint';
import { nameOf } from './naming';

/**
 * The identity's Graph permissions come before the first boot: a managed identity's token is cached for up to a
 * day (azure-docs#85676). Our own public key goes in with the first PUT, because Azure takes no key afterwards.
 */
export function virtualMachine(
  blueprint: Blueprint,
  n: number,
  { vm, offer: { publisher, offer, plan, version } }: ApplianceChoice,
): ResourceOf<'virtualMachine'> {
  const { request, profile } = blueprint;
  const name = nameOf(blueprint, 'virtualMachine', n);
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
      hardwareProfile: { vmSize: vm.size },
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
        adminUsername: vm.adminUsername,
        linuxConfiguration: {
          disablePasswordAuthentication: true,
          ssh: {
            publicKeys: [...vm.sshPublicKeys, given('sshKey', 'publicKey')].map((keyData) => ({
              path: `/home/${vm.adminUsername}/.ssh/authorized_keys`,
              keyData,
            })),
          },
        },
      },
      networkProfile: { networkInterfaces: [{ id: given('networkInterface', 'id'), primary: true }] },
    }),
  };
}

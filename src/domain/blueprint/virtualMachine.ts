/** Guide, "Creating the CloudKnox Sentry from the image". Pure. */
import type { Given, ResourceOf, Wanted } from '../resources';
import { type ApplianceChoice, armId, type Blueprint, clientSecretOf, tracked } from './blueprint';
import { nameOf } from './naming';

type Machine = Wanted['virtualMachine'];

/**
 * The identity's Graph permissions come before the first boot: a managed identity's token is cached for up to a
 * day (azure-docs#85676). Our own public key goes in with the first PUT, because Azure takes no key afterwards.
 */
export function virtualMachine(blueprint: Blueprint, n: number, choice: ApplianceChoice): ResourceOf<'virtualMachine'> {
  const { request, profile } = blueprint;
  const name = nameOf(blueprint, 'virtualMachine', n);
  const { zone } = request.placement;
  return {
    kind: 'virtualMachine',
    key: 'virtualMachine',
    id: armId(request, 'Microsoft.Compute/virtualMachines', name),
    needs: [
      'networkInterface',
      'sshKey',
      ...imageNeeds(choice),
      ...profile.graphPermissions.map(({ value }) => `graphPermission/${value}`),
      // Whatever the set-up script will be asked has to be there before anyone is called to the console.
      ...(request.identity.kind === 'managedIdentity' ? ['userAssignedIdentity'] : ['servicePrincipal']),
      ...(clientSecretOf(request) ? ['clientSecret'] : []),
    ],
    wanted: (given) => ({
      ...tracked(request),
      ...(zone ? { zones: [zone] } : {}),
      ...identityOf(blueprint, given),
      hardwareProfile: { vmSize: choice.vm.size },
      ...securityOf(choice),
      ...imageOf(choice, given),
      osProfile: osProfile(name, choice, given),
      networkProfile: { networkInterfaces: [{ id: given('networkInterface', 'id'), primary: true }] },
    }),
  };
}

const imageNeeds = ({ image }: ApplianceChoice): readonly string[] =>
  image.kind === 'marketplace' ? ['marketplaceAgreement'] : image.kind === 'vhd' ? ['image'] : [];

/**
 * Guide, option 1, steps 9 and 10: "click the user managed identity you created earlier". One that was removed and made
 * again has its id and is another principal: the VM has to be given it anew.
 */
function identityOf({ request }: Blueprint, given: Given): Pick<Machine, 'identity'> {
  if (request.identity.kind !== 'managedIdentity') return {};
  const [id, principalId] = [given('userAssignedIdentity', 'id'), given('userAssignedIdentity', 'principalId')];
  return { identity: { type: 'UserAssigned', userAssignedIdentities: { [id]: { principalId } } } };
}

/**
 * Nothing where nothing was asked: then Azure's own default stands, which it changes from time to time. `Standard` is
 * taken without the feature UseStandardSecurityType, and always shown, since API version 2025-11-01 (azure-cli#33280).
 */
function securityOf({ vm: { securityType, encryptionAtHost } }: ApplianceChoice): Pick<Machine, 'securityProfile'> {
  if (securityType === undefined && encryptionAtHost === undefined) return {};
  return {
    securityProfile: {
      ...(encryptionAtHost === undefined ? {} : { encryptionAtHost }),
      ...(securityType === undefined ? {} : { securityType }),
      ...(securityType === 'TrustedLaunch' ? { uefiSettings: { secureBootEnabled: true, vTpmEnabled: true } } : {}),
    },
  };
}

function imageOf({ image, offer, vm }: ApplianceChoice, given: Given): Pick<Machine, 'plan' | 'storageProfile'> {
  const encryptedBy = vm.osDisk?.diskEncryptionSetId;
  const osDisk = {
    createOption: 'FromImage',
    deleteOption: 'Delete',
    managedDisk: {
      storageAccountType: 'Premium_LRS',
      ...(encryptedBy ? { diskEncryptionSet: { id: encryptedBy } } : {}),
    },
  } as const;
  if (image.kind !== 'marketplace') {
    const id = image.kind === 'image' ? image.id : given('image', 'id');
    return { storageProfile: { imageReference: { id }, osDisk } };
  }
  const { publisher, offer: product, plan, version } = offer;
  return {
    plan: { name: plan, publisher, product },
    storageProfile: { imageReference: { publisher, offer: product, sku: plan, version }, osDisk },
  };
}

/** Guide: "Authentication type … SSH public key". Passwords are off. */
const osProfile = (computerName: string, { vm }: ApplianceChoice, given: Given): Machine['osProfile'] => ({
  computerName,
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
});

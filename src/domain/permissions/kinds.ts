/** Which permissions each kind of resource takes, and what it is for. One table, for plans and for preflight. Pure. */
import type { Kind } from '../resources';

interface KindRights {
  readonly read: readonly string[];
  /** To make it or to change it; what it uses of others is in `links`. */
  readonly write: readonly string[];
  readonly remove: readonly string[];
  /** What it is for. */
  readonly why: string;
  /** The step of the install guide that asks for it: of an appliance alone, which is what the guide is about. */
  readonly guide?: string;
}

export const NETWORK = 'Microsoft.Network';
export const COMPUTE = 'Microsoft.Compute';
export const IDENTITY = 'Microsoft.ManagedIdentity/userAssignedIdentities';
export const PROVIDERS = 'Microsoft.Resources/subscriptions/providers';
export const AGREEMENTS = 'Microsoft.MarketplaceOrdering/offertypes/publishers/offers/plans/agreements';
export const RUN_COMMANDS = `${COMPUTE}/virtualMachines/runCommands`;

const arm = (type: string, why: string, guide?: string): KindRights => ({
  read: [`${type}/read`],
  write: [`${type}/write`],
  remove: [`${type}/delete`],
  why,
  ...(guide === undefined ? {} : { guide }),
});

/** Found in Microsoft Graph, then written there. */
const graph = (write: string, why: string, guide?: string): KindRights => ({
  read: ['Application.Read.All'],
  write: [write],
  remove: [write],
  why,
  ...(guide === undefined ? {} : { guide }),
});
const OWNED = 'Application.ReadWrite.OwnedBy';
const CONSENTING = 'AppRoleAssignment.ReadWrite.All';

const SECRETS = 'Microsoft.KeyVault/vaults/secrets';
export const VAULT = {
  read: [`${SECRETS}/getSecret/action`],
  write: [`${SECRETS}/setSecret/action`],
  // The client then looks until it is gone.
  remove: [`${SECRETS}/delete`, `${SECRETS}/readMetadata/action`],
} as const;

export const ACCOUNT = 'Microsoft.Storage/storageAccounts';
export const KEYS = `${ACCOUNT}/listKeys/action`;
/** Signs a SAS in the app's own name, where the account takes no keys. */
export const DELEGATION = `${ACCOUNT}/blobServices/generateUserDelegationKey/action`;
/** Then what the signature allows is the app's own to do. */
export const BLOBS = `${ACCOUNT}/blobServices/containers/blobs`;
/** The account's key is read for one call; where keys are refused, the signature is. */
const COPY = [`${ACCOUNT}/read`, KEYS, DELEGATION];

const OUTBOUND = '"Port requirements"';
const NETWORKING = '"Networking"';
const IMAGE = '"Creating the CloudKnox Sentry from the image"';
const PRINCIPAL = '"Create the Service Principal"';

/** Complete by type: a kind without its row does not compile. */
export const kindRights: Readonly<Record<Kind, KindRights>> = {
  providerRegistration: {
    ...arm(PROVIDERS, 'Azure makes nothing of a provider that the subscription is not registered for'),
    // `{namespace}/register/action`, by the provider.
    write: [],
    remove: [],
  },
  resourceGroup: arm(
    'Microsoft.Resources/subscriptions/resourceGroups',
    'the group that all of it lies in',
    '"After you create a Resource group"',
  ),
  virtualNetwork: arm(
    `${NETWORK}/virtualNetworks`,
    'a network for the appliance, which the portal makes unasked',
    NETWORKING,
  ),
  subnet: arm(
    `${NETWORK}/virtualNetworks/subnets`,
    'a network for the appliance, which the portal makes unasked',
    NETWORKING,
  ),
  publicIPAddress: arm(`${NETWORK}/publicIPAddresses`, 'TCP outbound 443 needs a way out of the subnet', OUTBOUND),
  natGateway: arm(`${NETWORK}/natGateways`, 'TCP outbound 443 needs a way out of the subnet', OUTBOUND),
  marketplaceAgreement: {
    ...arm(AGREEMENTS, 'Azure makes no VM before the image’s terms are accepted', `${IMAGE}, step 1`),
    remove: [],
  },
  vhdCopy: {
    read: COPY,
    write: COPY,
    remove: COPY,
    why: 'the VHD is copied into a storage account and container of yours, with the account’s key or, where it takes none, a signature of the app’s own',
    guide: 'prerequisite 4',
  },
  image: arm(`${COMPUTE}/images`, 'the image of the copied VHD, which the VMs are made from', 'prerequisite 4'),
  networkSecurityGroup: arm(
    `${NETWORK}/networkSecurityGroups`,
    'what keeps the appliance closed',
    '"Create a network security group", steps 1 and 2',
  ),
  securityRule: arm(
    `${NETWORK}/networkSecurityGroups/securityRules`,
    'what may come in, and what may not',
    '"Create a network security group", steps 3 to 6',
  ),
  userAssignedIdentity: {
    ...arm(IDENTITY, 'who the Sentry is to Azure', `${PRINCIPAL}, option 1, steps 1 to 3`),
    // Who else could sign in as it.
    read: [`${IDENTITY}/read`, `${IDENTITY}/federatedIdentityCredentials/read`],
  },
  existingIdentity: {
    ...arm(IDENTITY, 'who the Sentry is to Azure: an identity of yours, which is only read', `${PRINCIPAL}, option 1`),
    write: [],
    remove: [],
  },
  application: graph(OWNED, 'who the Sentry is to Azure', `${PRINCIPAL}, option 2, steps 1 to 7`),
  servicePrincipal: graph(
    OWNED,
    'the application’s principal, which roles and permissions are given to',
    `${PRINCIPAL}, option 2`,
  ),
  clientSecret: {
    read: ['Application.Read.All', ...VAULT.read],
    write: [OWNED, ...VAULT.write],
    remove: [OWNED, ...VAULT.remove],
    why: 'a new client secret, kept in Key Vault alone',
    guide: `${PRINCIPAL}, option 2, step 9`,
  },
  applicationFederatedCredential: graph(OWNED, 'an outside issuer’s tokens sign in as the application'),
  identityFederatedCredential: arm(
    `${IDENTITY}/federatedIdentityCredentials`,
    'an outside issuer’s tokens sign in as the identity',
  ),
  graphPermission: graph(
    CONSENTING,
    'the permission of Microsoft Graph and its admin consent',
    `${PRINCIPAL}, option 1, step 11, and option 2, steps 7 and 8`,
  ),
  roleAssignment: arm('Microsoft.Authorization/roleAssignments', 'what the Sentry may do in what it watches'),
  sshKey: {
    ...VAULT,
    why: 'our own way in over SSH, its private half kept in Key Vault alone',
    guide: '"Configure the Sentry", step 1',
  },
  networkInterface: arm(`${NETWORK}/networkInterfaces`, 'the VM’s network interface', `${IMAGE}, step 3`),
  virtualMachine: arm(`${COMPUTE}/virtualMachines`, 'the appliance', `${IMAGE}, steps 1 to 5`),
  publicIPAssociation: {
    ...arm(`${NETWORK}/networkInterfaces`, 'a public IP, temporarily', `${IMAGE}, step 3`),
    remove: [`${NETWORK}/networkInterfaces/write`],
  },
};

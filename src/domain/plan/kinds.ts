/** What a plan tells of each kind: the permissions that it takes and why, what it is addressed by, what it costs. Pure. */
import { type Kind, type Spec, UNKNOWN } from '../resources';
import type { Limit } from './limits';

/** Where a permission is needed. */
export type Scope =
  | 'the resource group'
  | 'the host subscription'
  | 'the storage account'
  | 'the disk encryption set'
  | 'each watched scope'
  | 'the directory'
  | 'the key vault';

interface PlanRow {
  readonly read: readonly string[];
  /** To make it or to change it; the kind's own comes first. */
  readonly write: readonly string[];
  readonly remove: readonly string[];
  readonly scope: Scope;
  /** The guide's step that asks for it, or what else does. */
  readonly why: string;
  /** Properties of `wanted` without which it cannot be looked up: it is not there while they are unknown. */
  readonly addressedBy: readonly string[];
  /** What its writes draw on. */
  readonly limits: readonly Limit[];
  /** Until Azure has made it: what is usual, nobody promises it. */
  readonly seconds: number;
}

const arm = (
  type: string,
  limits: readonly Limit[],
  seconds: number,
  why: string,
  { joins = [], ...rest }: Partial<PlanRow> & { readonly joins?: readonly string[] } = {},
): PlanRow => ({
  read: [`${type}/read`],
  write: [`${type}/write`, ...joins],
  remove: [`${type}/delete`],
  scope: 'the resource group',
  why,
  addressedBy: [],
  limits: ['armWrites', ...limits],
  seconds,
  ...rest,
});

const graph = (write: string, seconds: number, why: string, addressedBy: readonly string[] = []): PlanRow => ({
  read: ['Application.Read.All'],
  write: [write],
  remove: [write],
  scope: 'the directory',
  why,
  addressedBy,
  limits: ['graphWrites'],
  seconds,
});

const SECRETS = 'Microsoft.KeyVault/vaults/secrets';
const VAULT = {
  read: [`${SECRETS}/getSecret/action`],
  write: [`${SECRETS}/setSecret/action`, `${SECRETS}/getSecret/action`],
  remove: [`${SECRETS}/delete`],
  scope: 'the key vault',
} as const;

/** The account's key is read for one call; where keys are refused, a SAS is signed by our own identity. */
const ACCOUNT = [
  'Microsoft.Storage/storageAccounts/read',
  'Microsoft.Storage/storageAccounts/listKeys/action',
  'Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action',
];
const STORAGE = { read: ACCOUNT, write: ACCOUNT, remove: ACCOUNT } as const;

const OWNED = 'Application.ReadWrite.OwnedBy';
const NETWORK = 'Microsoft.Network';
const IDENTITY = 'Microsoft.ManagedIdentity/userAssignedIdentities';
/** Until an identity that is new is known everywhere in the directory, which Entra gives no number for. */
const REPLICATION_SECONDS = 30;

/** Complete by type: a kind without its row does not compile. */
export const planKinds: Readonly<Record<Kind, PlanRow>> = {
  providerRegistration: arm(
    'Microsoft.Resources/subscriptions/providers',
    [],
    60,
    'Azure makes nothing of a provider that the subscription is not registered for; the portal registers it unasked',
    { scope: 'the host subscription', write: ['*/register/action'], remove: [] },
  ),
  resourceGroup: arm(
    'Microsoft.Resources/subscriptions/resourceGroups',
    [],
    1,
    'Guide, "After you create a Resource group"',
    { scope: 'the host subscription' },
  ),
  virtualNetwork: arm(
    `${NETWORK}/virtualNetworks`,
    ['networkWrites'],
    5,
    'A network for the appliance to be in, which the portal makes unasked (guide, "Networking")',
  ),
  publicIPAddress: arm(
    `${NETWORK}/publicIPAddresses`,
    ['networkWrites'],
    5,
    'Guide, "Port requirements": TCP outbound 443 needs a way out, and a subnet has none by itself',
  ),
  natGateway: arm(
    `${NETWORK}/natGateways`,
    ['networkWrites'],
    10,
    'Guide, "Port requirements": TCP outbound 443 needs a way out, and a subnet has none by itself',
    { joins: [`${NETWORK}/publicIPAddresses/join/action`] },
  ),
  subnet: arm(
    `${NETWORK}/virtualNetworks/subnets`,
    ['networkWrites'],
    5,
    'A network for the appliance to be in, which the portal makes unasked (guide, "Networking")',
    { joins: [`${NETWORK}/natGateways/join/action`] },
  ),
  marketplaceAgreement: arm(
    'Microsoft.MarketplaceOrdering/offerTypes/publishers/offers/plans/agreements',
    [],
    1,
    'Guide, "Creating the CloudKnox Sentry from the image", step 1: Azure makes no VM before the image’s terms are accepted',
    { scope: 'the host subscription' },
  ),
  vhdCopy: {
    ...STORAGE,
    scope: 'the storage account',
    why: 'Guide, prerequisite 4: the VHD is copied into a storage account and container of yours',
    addressedBy: [],
    limits: [],
    seconds: 900,
  },
  image: arm(
    'Microsoft.Compute/images',
    [],
    60,
    'Guide, prerequisite 4: the image of the copied VHD, which the VMs are made from',
  ),
  networkSecurityGroup: arm(
    `${NETWORK}/networkSecurityGroups`,
    ['networkWrites'],
    5,
    'Guide, "Create a network security group", steps 1 and 2',
  ),
  userAssignedIdentity: arm(
    IDENTITY,
    [],
    REPLICATION_SECONDS,
    'Guide, "Create the Service Principal", option 1, steps 1 to 3',
  ),
  existingIdentity: arm(
    IDENTITY,
    [],
    0,
    'Guide, "Create the Service Principal", option 1, with an identity of yours: it is only read',
    { write: [], remove: [] },
  ),
  application: graph(OWNED, 1, 'Guide, "Create the Service Principal", option 2, steps 1 to 7'),
  servicePrincipal: graph(
    OWNED,
    REPLICATION_SECONDS,
    'Guide, option 2: the application’s principal, which roles and permissions are given to',
    ['appId'],
  ),
  clientSecret: {
    ...VAULT,
    read: ['Application.Read.All', ...VAULT.read],
    write: [OWNED, ...VAULT.write],
    remove: [OWNED, ...VAULT.remove],
    why: 'Guide, option 2, step 9: a new client secret, kept in Key Vault alone',
    addressedBy: ['applicationId'],
    limits: ['graphWrites', 'vaultWrites'],
    seconds: 1,
  },
  applicationFederatedCredential: graph(
    OWNED,
    1,
    'A profile without an appliance: an outside issuer’s tokens in place of the guide’s client secret (option 2, step 9)',
    ['applicationId'],
  ),
  identityFederatedCredential: arm(
    `${IDENTITY}/federatedIdentityCredentials`,
    [],
    1,
    'A profile without an appliance: an outside issuer’s tokens sign in as the identity',
  ),
  graphPermission: graph(
    'AppRoleAssignment.ReadWrite.All',
    1,
    'Guide, option 1, step 11, and option 2, steps 7 and 8: the permission of Microsoft Graph and its admin consent',
    ['principalId'],
  ),
  roleAssignment: arm(
    'Microsoft.Authorization/roleAssignments',
    ['authorizationWrites'],
    1,
    'Guide, "Granting the \'Reader\' role", for each subscription',
    { scope: 'each watched scope', addressedBy: ['principalId'], limits: ['authorizationWrites'] },
  ),
  sshKey: {
    ...VAULT,
    why: 'Guide, "Configure the Sentry", step 1: our own way in over SSH, its private half kept in Key Vault alone',
    addressedBy: [],
    limits: ['vaultWrites'],
    seconds: 1,
  },
  networkInterface: arm(
    `${NETWORK}/networkInterfaces`,
    ['networkWrites'],
    5,
    'Guide, "Creating the CloudKnox Sentry from the image", step 3',
    { joins: [`${NETWORK}/networkSecurityGroups/join/action`, `${NETWORK}/virtualNetworks/subnets/join/action`] },
  ),
  virtualMachine: arm(
    'Microsoft.Compute/virtualMachines',
    ['vmWrites'],
    120,
    'Guide, "Creating the CloudKnox Sentry from the image", steps 1 to 5',
    {
      joins: [`${NETWORK}/networkInterfaces/join/action`, `${IDENTITY}/assign/action`],
    },
  ),
  publicIPAssociation: arm(
    `${NETWORK}/networkInterfaces`,
    ['networkWrites'],
    5,
    'Guide, "Creating the CloudKnox Sentry from the image", step 3: a public IP, temporarily',
    { joins: [`${NETWORK}/publicIPAddresses/join/action`], remove: [`${NETWORK}/networkInterfaces/write`] },
  ),
  securityRule: arm(
    `${NETWORK}/networkSecurityGroups/securityRules`,
    ['networkWrites'],
    5,
    'Guide, "Create a network security group", steps 3 to 6',
  ),
};

/** Of a machine whose disk is to be encrypted with a set: Azure asks it of whoever makes the disk. */
export const ENCRYPTION = {
  permission: 'Microsoft.Compute/diskEncryptionSets/read',
  scope: 'the disk encryption set',
  why: ['vm.osDisk of the request: a disk is encrypted with the key of a set of yours'],
} as const;

/** Can it be looked up? Not while something is unknown that it is addressed by: then it is not there yet. */
export const isAddressed = ({ kind, wanted }: Spec): boolean =>
  planKinds[kind].addressedBy.every((property) => Reflect.get(wanted, property) !== UNKNOWN);

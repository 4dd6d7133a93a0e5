/**
 * The kinds of resource: one row each. `wanted` is in the shape that Azure's own clients take and give, and names
 * only what we care for: what a policy or another hand added (tags, agents, diagnostics) is never drift. Pure.
 */
import type { Outputs } from './outcome';

export type Tags = Record<string, string>;
interface Id {
  id: string;
}
interface Tracked {
  location: string;
  tags: Tags;
}

/** What each kind of resource should be, as its `put` takes it. */
export interface Wanted {
  resourceGroup: Tracked;
  virtualNetwork: Tracked & { addressSpace: { addressPrefixes: string[] } };
  publicIPAddress: Tracked & { sku: { name: 'Standard' }; publicIPAllocationMethod: 'Static' };
  natGateway: Tracked & { sku: { name: 'Standard' }; publicIpAddresses: Id[] };
  subnet: { addressPrefix: string; natGateway: Id; defaultOutboundAccess: false };
  /** The copy of the profile's VHD as a page blob. Once the image is made of it, nobody needs it any more. */
  vhdCopy: { source: string; storageAccountId: string; container: string; blob: string; imageId: string };
  image: Tracked & {
    hyperVGeneration: 'V1' | 'V2';
    storageProfile: {
      osDisk: { osType: 'Linux'; osState: 'Generalized'; blobUri: string; storageAccountType: 'Premium_LRS' };
    };
  };
  marketplaceAgreement: { publisher: string; product: string; plan: string; accepted: true };
  networkSecurityGroup: Tracked;
  userAssignedIdentity: Tracked;
  application: {
    /** Graph's own key of our choosing: to make the same one twice makes one. */
    uniqueName: string;
    displayName: string;
    signInAudience: 'AzureADMyOrg';
    tags: string[];
    /** None of any platform: nobody signs in through it in a browser. */
    web: { redirectUris: [] };
    spa: { redirectUris: [] };
    publicClient: { redirectUris: [] };
    requiredResourceAccess: { resourceAppId: string; resourceAccess: { id: string; type: 'Role' }[] }[];
  };
  servicePrincipal: { appId: string; tags: string[] };
  clientSecret: { applicationId: string; secretName: string; displayName: string; expiresInDays: number; tags: Tags };
  /** In place of a secret: whose tokens an application takes as its own sign-in. Entra compares all three to the letter. */
  applicationFederatedCredential: {
    applicationId: string;
    name: string;
    description: string;
    issuer: string;
    subject: string;
    audiences: [string];
  };
  /** The same of a user-assigned identity, where it is an ARM resource below the identity. */
  identityFederatedCredential: { issuer: string; subject: string; audiences: [string] };
  graphPermission: { principalId: string; permission: string; appRoleId: string };
  /** An identity that somebody made and the request names: used as it is, never changed, never removed. */
  existingIdentity: Record<string, never>;
  roleAssignment: {
    scope: string;
    roleDefinitionId: string;
    principalId: string;
    principalType: 'ServicePrincipal';
    description: string;
    /** ABAC, version 2.0; empty where there is none. */
    condition: string;
  };
  sshKey: { secretName: string; tags: Tags };
  networkInterface: Tracked & {
    networkSecurityGroup: Id;
    ipConfigurations: { name: string; subnet: Id; privateIPAllocationMethod: 'Dynamic' | 'Static' }[];
  };
  /** Of the subscription: without it the first PUT of a type is refused. */
  providerRegistration: { registrationState: 'Registered' };
  virtualMachine: Tracked & {
    zones?: string[];
    /** The marketplace's own image is bought under its plan. */
    plan?: { name: string; publisher: string; product: string };
    identity?: { type: 'UserAssigned'; userAssignedIdentities: Record<string, { principalId?: string }> };
    hardwareProfile: { vmSize: string };
    securityProfile?: {
      encryptionAtHost?: boolean;
      securityType?: 'Standard' | 'TrustedLaunch';
      uefiSettings?: { secureBootEnabled: true; vTpmEnabled: true };
    };
    storageProfile: {
      imageReference: { publisher: string; offer: string; sku: string; version: string } | Id;
      osDisk: {
        createOption: 'FromImage';
        deleteOption: 'Delete';
        managedDisk: { storageAccountType: 'Premium_LRS'; diskEncryptionSet?: Id };
      };
    };
    osProfile: {
      computerName: string;
      adminUsername: string;
      linuxConfiguration: {
        disablePasswordAuthentication: true;
        ssh: { publicKeys: { path: string; keyData: string }[] };
      };
    };
    networkProfile: { networkInterfaces: (Id & { primary: true })[] };
  };
  /** The temporary public IP on a NIC that has other owners' settings too: read, merged, put with If-Match. */
  publicIPAssociation: { networkInterfaceId: string; publicIPAddressId: string };
  securityRule: {
    priority: number;
    direction: 'Inbound';
    sourcePortRange: '*';
    destinationAddressPrefix: '*';
    destinationPortRange: string;
    description: string;
  } &
    /** `Deny`: a window's that is over and that something (a lock) keeps. */
    (
      | { access: 'Allow' | 'Deny'; protocol: 'Tcp'; sourceAddressPrefixes: string[] }
      | { access: 'Deny'; protocol: '*'; sourceAddressPrefix: '*' }
    );
}
export type Kind = keyof Wanted;

interface Row {
  /** How many of this kind one activity may take: ARM's own time for a grant is short, a round trip of ours is not. */
  readonly batch: number;
  /** Paths that Azure lets nobody change after creation: a difference there is refused, never put. */
  readonly immutable: readonly string[];
  /**
   * May one that another hand made be used as it is? Never where it is an identity or guards one: whoever made it
   * could hold its secret, or be let in by our rule.
   */
  readonly adopt: boolean;
  /** Paths at and under which case and spaces count. */
  readonly exact: readonly string[];
}

const row = (immutable: readonly string[] = [], { adopt = false, batch = 1, exact = [] }: Partial<Row> = {}): Row => ({
  adopt,
  immutable,
  batch,
  // A tag's name knows no case in Azure, its value does (azure-docs, "use tags to organize your resources").
  exact: ['tags', ...exact],
});

/** Entra compares these with regard to case (azure-docs, "breaking changes", August 2024), unlike Azure's ids. */
const TRUST = { exact: ['issuer', 'subject', 'audiences'] };

export const kinds: Readonly<Record<Kind, Row>> = {
  providerRegistration: row([], { adopt: true }),
  resourceGroup: row([], { adopt: true }),
  virtualNetwork: row(['location']),
  publicIPAddress: row(['location', 'sku']),
  natGateway: row(['location']),
  subnet: row(),
  // The path of a URL, which the way to a vault's secret is too.
  vhdCopy: row(['source'], { exact: ['source'] }),
  image: row(['location', 'hyperVGeneration', 'storageProfile']),
  marketplaceAgreement: row(),
  networkSecurityGroup: row(['location']),
  userAssignedIdentity: row(['location']),
  existingIdentity: row([], { adopt: true }),
  application: row([], { exact: ['displayName'] }),
  servicePrincipal: row(),
  clientSecret: row(),
  applicationFederatedCredential: row([], TRUST),
  identityFederatedCredential: row([], TRUST),
  graphPermission: row(),
  roleAssignment: row([], { adopt: true, batch: 10 }),
  sshKey: row(),
  networkInterface: row(['location']),
  virtualMachine: row(['location', 'zones', 'storageProfile', 'osProfile', 'plan', 'securityProfile']),
  publicIPAssociation: row(),
  securityRule: row(),
};

/** One resource of a deployment, and what it needs of others before it can be put. */
export type Resource = { [K in Kind]: ResourceOf<K> }[Kind];
export interface ResourceOf<K extends Kind> {
  readonly kind: K;
  /** Unique in its graph, readable: `networkInterface`, `roleAssignment/Reader/{subscription}`. */
  readonly key: string;
  /** An ARM id, or the name that the thing has in Graph or in the vault. */
  readonly id: string;
  readonly needs: readonly string[];
  readonly wanted: (given: Given) => Wanted[K];
}

/** Reads an output of a resource that this one needs. */
export type Given = (key: string, output: string) => string;

/** What an activity is asked to see to: all values resolved, nothing left to decide. */
export type Spec = { [K in Kind]: SpecOf<K> }[Kind];
export interface SpecOf<K extends Kind> {
  readonly kind: K;
  readonly key: string;
  readonly id: string;
  /** The deployment's name: our mark on what we make. */
  readonly deployment: string;
  readonly wanted: Wanted[K];
}

/** The tag (on ARM resources and vault secrets) that says whose a thing is. Teardown trusts nothing else. */
export const OWNER_TAG = 'sentry-deployment';
/** The same mark where there are only texts: Graph objects' tags, a role assignment's description. */
export const ownerMark = (deployment: string): string => `${OWNER_TAG}:${deployment}`;

/** Stands in a plan for what is told only once something is made. */
export const UNKNOWN = '(known after deployment)';

/**
 * Resolves a resource's wanted state against the outputs of what it needs. One that is absent is `otherwise`; without
 * that it throws: a bug in `needs`.
 */
export function specify(
  resource: Resource,
  deployment: string,
  outputs: Readonly<Record<string, Outputs>>,
  otherwise?: string,
): Spec {
  const given: Given = (key, output) => {
    const value = outputs[key]?.[output] ?? otherwise;
    if (value === undefined) throw new Error(`'${resource.key}' needs '${output}' of '${key}', which gave none.`);
    return value;
  };
  const { kind, key, id } = resource;
  return { kind, key, id, deployment, wanted: resource.wanted(given) } as Spec;
}

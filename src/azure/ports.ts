/** The ports: what the activities need of Azure. The folders beside this file implement them with Azure's SDKs. */
import type { Later, Refused } from '../domain/outcome';
import type { Machine, Registrations, Sizes, Usage } from '../domain/preflight/capacity';
import type { EncryptionSet } from '../domain/preflight/encryption';
import type { Image } from '../domain/preflight/image';
import type { Existing, Lock, Trusted } from '../domain/preflight/existing';
import type { AppIdentity, SecretRules } from '../domain/preflight/graphRights';
import type { AddressSpace, Network, Routes } from '../domain/preflight/network';
import type { Policies } from '../domain/preflight/policies';
import type { Permission } from '../domain/preflight/rights';
import type { SecurityRule } from '../domain/preflight/securityRules';
import type { TenantFacts } from '../domain/preflight/subscriptions';
import type { ContainerAnswer, SourceAnswer, StorageAccount } from '../domain/preflight/vhd';
import type { Tags, Wanted } from '../domain/resources';
import type { KnownSubscription } from '../domain/subscriptions';
import type { GroupRef, WindowMarks } from '../domain/windowSweep';

/** Any call on a port may throw this and nothing else on purpose: Azure's answer, sorted by `errors.ts`. */
export class AzureError extends Error {
  override readonly name = 'AzureError';
  constructor(
    readonly outcome: Later | Refused,
    readonly status: number | undefined,
    options?: ErrorOptions,
  ) {
    super(outcome.reason, options);
  }
}

/** A resource as Azure shows it, in the shape of Azure's clients. */
export interface ArmBody {
  readonly id?: string | undefined;
  readonly etag?: string | undefined;
  readonly tags?: Tags | undefined;
  readonly provisioningState?: string | undefined;
}

/** A write that Azure took. With `operation` it is still running there; poll that URL. */
export interface Accepted {
  readonly operation?: string | undefined;
  /** Retry-After of the answer. */
  readonly seconds?: number | undefined;
}

/** One type of ARM resource, addressed by its id. `get` answers `undefined` for what does not exist. */
export interface ArmStore<W> {
  get(id: string): Promise<ArmBody | undefined>;
  /** With `ifMatch`, only while the resource still has that etag. */
  put(id: string, body: W, ifMatch?: string): Promise<Accepted>;
  delete(id: string): Promise<Accepted>;
}

/** The kinds that are ARM resources with nothing special about them. */
type ArmKind =
  | 'resourceGroup'
  | 'virtualNetwork'
  | 'publicIPAddress'
  | 'natGateway'
  | 'subnet'
  | 'marketplaceAgreement'
  | 'networkSecurityGroup'
  | 'userAssignedIdentity'
  | 'identityFederatedCredential'
  | 'roleAssignment'
  | 'networkInterface'
  | 'virtualMachine'
  | 'image'
  | 'providerRegistration'
  | 'securityRule';

export type OperationState =
  | { readonly status: 'running'; readonly seconds?: number | undefined }
  | { readonly status: 'succeeded' }
  | { readonly status: 'failed'; readonly outcome: Later | Refused };

/** What can act as a principal, or let itself do so: its credentials and its owners, both read with it. */
interface Held {
  readonly id: string;
  readonly appId: string;
  readonly tags: readonly string[];
  readonly passwordCredentials: readonly { readonly keyId: string; readonly displayName: string | null }[];
  readonly keyCredentials: readonly { readonly keyId: string }[];
  /** Object ids; the app's own is not among them. */
  readonly otherOwners: readonly string[];
}
export interface Application extends Held {
  readonly displayName: string;
}
export interface ServicePrincipal extends Held {
  /** False where somebody keeps it from signing in. */
  readonly accountEnabled: boolean;
}

interface Federation {
  readonly name: string;
  readonly description: string | null;
  readonly issuer: string;
  readonly subject: string;
  readonly audiences: readonly string[];
}

/** Microsoft Graph. */
export interface Directory {
  /** By the object id, or by the unique name: display names are not unique, and any user may register one. */
  getApplication(by: { readonly id: string } | { readonly uniqueName: string }): Promise<Application | undefined>;
  /** Makes it, or brings the one that has its `uniqueName` already to that state: a lost answer leaves no second one. */
  createApplication(body: Wanted['application']): Promise<Pick<Application, 'id' | 'appId'>>;
  updateApplication(objectId: string, body: Wanted['application']): Promise<void>;
  deleteApplication(objectId: string): Promise<void>;
  findServicePrincipal(appId: string): Promise<ServicePrincipal | undefined>;
  createServicePrincipal(body: Wanted['servicePrincipal']): Promise<Pick<ServicePrincipal, 'id' | 'appId'>>;
  deleteServicePrincipal(objectId: string): Promise<void>;
  /** Makes a client secret. Graph shows its text this once. */
  addPassword(
    applicationId: string,
    displayName: string,
    endDateTime: string,
  ): Promise<{ readonly keyId: string; readonly secretText: string }>;
  removePassword(applicationId: string, keyId: string): Promise<void>;
  federatedCredentials(applicationId: string): Promise<readonly Federation[]>;
  getFederatedCredential(applicationId: string, name: string): Promise<Federation | undefined>;
  createFederatedCredential(applicationId: string, body: Federation): Promise<void>;
  /** All but its name, which Graph lets nobody change. */
  updateFederatedCredential(applicationId: string, body: Federation): Promise<void>;
  deleteFederatedCredential(applicationId: string, name: string): Promise<void>;
  appRoleAssignments(
    principalId: string,
  ): Promise<readonly { readonly id: string; readonly resourceId: string; readonly appRoleId: string }[]>;
  assignAppRole(principalId: string, resourceId: string, appRoleId: string): Promise<void>;
  removeAppRoleAssignment(principalId: string, assignmentId: string): Promise<void>;
}

export interface Secret {
  readonly value: string;
  /** With the version: it names this value for ever. */
  readonly uri: string;
  readonly tags: Tags;
  readonly expiresOn?: Date | undefined;
}

/** Key Vault: the only place where a secret rests. */
export interface Secrets {
  /** Where the app's own vault is, the only one that is read: `https://{vault}.vault.azure.net`. */
  readonly vaultUri: string;
  /** By name (its newest version) or by URI. A URI of another vault is refused. */
  get(nameOrUri: string): Promise<Secret | undefined>;
  /** Answers the new version's URI. */
  set(
    name: string,
    value: string,
    about: { readonly tags: Tags; readonly contentType: string; readonly expiresOn?: Date | undefined },
  ): Promise<string>;
  delete(name: string): Promise<void>;
}

export interface BlobAddress {
  readonly storageAccountId: string;
  readonly container: string;
  readonly blob: string;
}

/** A page blob that is being copied, or was. */
export interface BlobCopy {
  readonly status: 'pending' | 'success' | 'failed';
  /** Bytes. */
  readonly copied: number;
  readonly total: number;
  /** Why it failed, in Azure's words. */
  readonly problem?: string | undefined;
  readonly blobUri: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Azure Storage. The account's key is read for each call, or a SAS is made where keys are disabled; neither is kept. */
export interface PageBlobs {
  get(at: BlobAddress): Promise<BlobCopy | undefined>;
  /** Begins a copy in Azure: no byte of it passes through here. `source` may hold a SAS. */
  copy(at: BlobAddress, source: string, metadata: Readonly<Record<string, string>>): Promise<void>;
  delete(at: BlobAddress): Promise<void>;
}

/** A script that Azure's agent in a VM runs (run command, version 2). */
interface RunCommandBody {
  readonly location: string;
  readonly tags: Tags;
  readonly script: string;
  /** Environment variables of the script. Azure shows them to nobody. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
}
export interface RunCommandShown {
  readonly tags: Tags;
  /** `Pending`, `Running`, `Succeeded`, `Failed`, `TimedOut`, `Canceled` or `Unknown`. */
  readonly state: string;
  readonly exitCode: number;
  /** The last 4,096 bytes of each. */
  readonly output: string;
  readonly error: string;
}

/** What a PUT takes. A NIC that another hand took the security group off is put back as it was read. */
type Body<K extends ArmKind> = K extends 'networkInterface'
  ? Omit<Wanted[K], 'networkSecurityGroup'> & Partial<Pick<Wanted['networkInterface'], 'networkSecurityGroup'>>
  : Wanted[K];

interface SurroundingIds {
  readonly networkId?: string | undefined;
  /** Security groups and route tables on it are shown too. */
  readonly subnetId?: string | undefined;
  readonly accountId?: string | undefined;
  readonly encryptionSetId?: string | undefined;
  /** A managed image, or a version in a gallery. */
  readonly imageId?: string | undefined;
  readonly identityId?: string | undefined;
}
interface Surrounding {
  readonly network: Network | undefined;
  readonly account: StorageAccount | undefined;
  readonly encryptionSet: EncryptionSet | undefined;
  readonly image: Image | undefined;
  /** Whether the identity is shown. */
  readonly identity: boolean;
  /** Each with its own rules and Azure's defaults. */
  readonly securityGroups: readonly { readonly id: string; readonly rules: readonly SecurityRule[] }[];
  readonly routeTables: readonly { readonly id: string; readonly routes: Routes }[];
}

/** What preflight reads and nothing else does. Each method but `identity` and `policies` is one call of Azure. */
export interface Inspection {
  /** Out of the app's own token of Graph: no call but the one for a token. */
  identity(): Promise<AppIdentity>;
  /**
   * One query of Resource Graph. `atLeast`: role assignments from which on a subscription counts as crowded; `roleIds`:
   * GUIDs of the role definitions that are told of too.
   */
  tenant(appId: string, atLeast: number, roleIds: readonly string[]): Promise<TenantFacts>;
  /** The app's own permissions at any scope; undefined where there is no such scope. */
  permissions(scope: string): Promise<readonly Permission[] | undefined>;
  registrations(subscriptionId: string): Promise<Registrations>;
  /** Short names of the regions that a subscription has. */
  regions(subscriptionId: string): Promise<readonly string[]>;
  computeUsages(subscriptionId: string, location: string): Promise<readonly Usage[]>;
  networkUsages(subscriptionId: string, location: string): Promise<readonly Usage[]>;
  /** By their names as given; without those that the region does not list. */
  sizes(subscriptionId: string, location: string, names: readonly string[]): Promise<Sizes>;
  /** The VMs of a resource group. */
  machines(groupId: string): Promise<readonly Machine[]>;
  /** How a feature of a provider stands in a subscription; undefined where Azure knows none of that name. */
  feature(subscriptionId: string, namespace: string, name: string): Promise<string | undefined>;
  encryptionSet(id: string): Promise<EncryptionSet>;
  /** One read, or two of a version: what is in it stands in its definition. */
  image(id: string): Promise<Image>;
  /** What a resource group holds; undefined where there is no such group. */
  resources(groupId: string): Promise<readonly Existing[] | undefined>;
  /** Those at a scope and above it. */
  locks(scope: string): Promise<readonly Lock[]>;
  /** The assignments at these scopes with their exemptions and definitions: one query of Resource Graph, or two. */
  policies(scopes: readonly string[]): Promise<Policies>;
  network(id: string): Promise<Network | undefined>;
  /** What lies around the Sentry as far as Resource Graph shows it, all in one query. */
  surroundings(of: SurroundingIds): Promise<Surrounding>;
  /** The address spaces of all networks that the app may read: one query of Resource Graph. */
  networks(): Promise<readonly AddressSpace[]>;
  /** What a VHD's URL answers to HEAD; it may hold a SAS, which no answer repeats. */
  vhdSource(url: string): Promise<SourceAnswer>;
  container(accountId: string, name: string): Promise<ContainerAnswer>;
  /** Of a user-assigned identity; none where there is no such identity. */
  federations(identityId: string): Promise<readonly Trusted[]>;
  secretRules(): Promise<SecretRules>;
}

export interface Azure {
  readonly inspection: Inspection;
  readonly arm: { readonly [K in ArmKind]: ArmStore<Body<K>> };
  readonly operations: { poll(operation: string): Promise<OperationState> };
  readonly directory: Directory;
  readonly secrets: Secrets;
  /** What a principal is granted at a scope and around it. */
  readonly grants: {
    of(
      scope: string,
      principalId: string,
    ): Promise<readonly { readonly scope: string; readonly roleDefinitionId: string }[]>;
  };
  readonly pageBlobs: PageBlobs;
  readonly runCommands: {
    /** What Azure hears of the agent in a VM. */
    agent(vmId: string): Promise<{ readonly ready: boolean; readonly says: string }>;
    get(id: string): Promise<RunCommandShown | undefined>;
    put(id: string, body: RunCommandBody): Promise<Accepted>;
    delete(id: string): Promise<Accepted>;
  };
  readonly metrics: {
    /** Bytes that a VM sent, minute by minute: `at` is the minute's beginning. Times are epoch ms. */
    networkOut(
      vmId: string,
      from: number,
      to: number,
    ): Promise<readonly { readonly at: number; readonly bytes: number }[]>;
  };
  /** All subscriptions that the app may read, from Resource Graph. */
  readonly subscriptions: { list(): Promise<readonly KnownSubscription[]> };
  /** What an application may read, asked with its own client secret, which is used and kept nowhere. */
  readonly application: {
    subscriptions(tenantId: string, clientId: string, clientSecret: string): Promise<readonly string[]>;
  };
  /** What access windows left: found by what it bears, with no memory of them. */
  readonly windows: {
    /** Groups that hold anything of ours, from Resource Graph: it shows a new thing after a minute or more. */
    groups(): Promise<readonly GroupRef[]>;
    /** All that bears a window's mark in a group, from Azure Resource Manager: that is how it is now. */
    marks(group: GroupRef): Promise<WindowMarks>;
  };
}

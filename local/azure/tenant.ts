import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { UserError } from './userError';

const seconds = z.number().min(0);

/** How long things take, in seconds. The defaults are what engineers see, rounded; Microsoft promises no numbers. */
const timings = z.strictObject({
  networkSecurityGroup: seconds.default(3),
  securityRule: seconds.default(3),
  virtualNetwork: seconds.default(4),
  subnet: seconds.default(3),
  natGateway: seconds.default(8),
  publicIpAddress: seconds.default(4),
  networkInterface: seconds.default(3),
  networkDelete: seconds.default(4),
  virtualMachine: seconds.default(45),
  virtualMachineUpdate: seconds.default(10),
  virtualMachineAction: seconds.default(15),
  virtualMachineDelete: seconds.default(30),
  disk: seconds.default(5),
  image: seconds.default(20),
  storageAccount: seconds.default(20),
  containerDelete: seconds.default(30),
  /** A copy between accounts or from outside takes this long, whatever its size. */
  blobCopy: seconds.default(60),
  /** Run command: the extension alone takes about 20 seconds (azure-facts §6). */
  runCommand: seconds.default(20),
  resourceGroupDelete: seconds.default(15),
  providerRegistration: seconds.default(15),
  /** A quarter of an hour in Azure, as its documentation has it. */
  featureRegistration: seconds.default(900),
  /** From the acceptance of a deployment until it puts its first resource. */
  deploymentStart: seconds.default(2),
  /** Until a new application, service principal or identity is found everywhere in the directory. */
  directoryReplication: seconds.default(20),
  /** How long the write of a managed identity's federated credential keeps others of the same identity out. */
  federatedCredentialWrite: seconds.default(1),
  /** Until a role assignment counts. Up to ten minutes in Azure (azure-facts §2). */
  roleAssignmentPropagation: seconds.default(20),
  /** Until a policy assignment is held against writes: minutes in Azure, which promises no number. */
  policyAssignmentPropagation: seconds.default(30),
  /** Until a deleted vault secret appears among the deleted ones. */
  secretDelete: seconds.default(3),
  /** How long the platform hands out the same token of a managed identity. */
  managedIdentityTokenCache: seconds.default(24 * 3600),
});
export type Timings = z.infer<typeof timings>;

const generation = z.enum(['V1', 'V2']);

const plan = z.strictObject({ name: z.string(), publisher: z.string(), product: z.string() });
const tags = z.record(z.string(), z.string());

const principal = z.strictObject({
  name: z.string(),
  principalId: z.guid(),
  clientId: z.guid(),
  /** `scope` is an ARM id; `{tenantId}` and `{platform}` stand for the tenant and the platform subscription. */
  roles: z.array(z.strictObject({ role: z.string(), scope: z.string() })),
  graphRoles: z.array(z.string()),
});

/** People and groups that the directory has from the start. They are read only; nobody signs in as a user. */
const user = z.strictObject({ id: z.guid(), displayName: z.string(), userPrincipalName: z.string() });
const group = z.strictObject({ id: z.guid(), displayName: z.string(), members: z.array(z.guid()).default([]) });

/** A token bucket: how many calls at once, and how many more each second. */
const bucket = z.strictObject({ size: z.number().positive(), perSecond: z.number().positive() });

const limits = z.strictObject({
  reads: bucket.default({ size: 250, perSecond: 25 }),
  writes: bucket.default({ size: 200, perSecond: 10 }),
  deletes: bucket.default({ size: 200, perSecond: 10 }),
  /** Writes of Microsoft.Authorization, by principal: observed by others, not documented (azure-facts §1e). */
  authorizationWritesPerMinute: z.number().int().positive().default(120),
  resourceGraphQueriesPer5Seconds: z.number().int().positive().default(15),
  networkWritesPer5Minutes: z.number().int().positive().default(1000),
  networkReadsPer5Minutes: z.number().int().positive().default(10_000),
  /** Of one app in a tenant of more than 500 users. */
  graphResourceUnitsPer10Seconds: z.number().int().positive().default(8000),
  graphWritesPer150Seconds: z.number().int().positive().default(3000),
  /** Azure's own are fixed; smaller here makes the limit cheap to meet. */
  roleAssignmentsPerSubscription: z.number().int().positive().default(4000),
  roleAssignmentsPerManagementGroup: z.number().int().positive().default(500),
  graphTenantWritesPer5Minutes: z.number().int().positive().default(18_000),
  secretCreationsPer10Seconds: z.number().int().positive().default(300),
  /** How many a page of a list holds: what ARM's own lists are observed to give. */
  listPage: z.number().int().positive().default(1000),
  vaultTransactionsPer10Seconds: z.number().int().positive().default(4000),
});

const schema = z.strictObject({
  tenantId: z.guid(),
  displayName: z.string(),
  domain: z.string(),
  location: z.string(),
  platformSubscription: z.strictObject({ name: z.string(), tags: tags.default({}) }),
  /** The n-th watched subscription has the n-th of `tags`, round and round. */
  watchedSubscriptions: z.strictObject({
    count: z.number().int().min(0).max(100_000),
    name: z.string(),
    tags: z.array(tags),
  }),
  /** Management groups below `landing-zones`, up to Azure's six levels, among which a seed spreads the watched ones. */
  generate: z.strictObject({ seed: z.string(), managementGroups: z.number().int().min(1).max(10_000) }).optional(),
  isolatedSubscriptions: z.strictObject({ count: z.number().int().min(0).max(100_000), name: z.string() }),
  principals: z.array(principal).min(1),
  users: z.array(user).default([]),
  groups: z.array(group).default([]),
  vault: z.strictObject({ name: z.string(), resourceGroup: z.string() }),
  images: z.array(
    z.strictObject({
      publisher: z.string(),
      offer: z.string(),
      sku: z.string(),
      versions: z.array(z.string()).min(1),
      plan: plan.nullable(),
      sizeGb: z.number().int().positive().default(30),
      generation: generation.default('V2'),
    }),
  ),
  vmSizes: z.record(
    z.string(),
    z.strictObject({
      cores: z.number().int(),
      family: z.string(),
      memoryGb: z.number(),
      /** Regions that have no capacity for it. */
      unavailableIn: z.array(z.string()).default([]),
      /** Zones of any region that have no capacity for it: '1', '2', '3'. */
      unavailableZones: z.array(z.string()).default([]),
      generations: z.array(generation).default(['V1', 'V2']),
      maxDataDisks: z.number().int().default(8),
      encryptionAtHost: z.boolean().default(true),
      trustedLaunch: z.boolean().default(true),
    }),
  ),
  /** Cores by VM family and region; `regional` is all families together. */
  quotas: z.strictObject({
    default: z.number().int(),
    families: z.record(z.string(), z.number().int()).default({}),
    regional: z.number().int().default(10_000),
    virtualMachines: z.number().int().default(25_000),
  }),
  /** Page blobs outside of this Azure that `Copy Blob` can read: the vendor's VHD. */
  downloads: z
    .array(z.strictObject({ url: z.url(), bytes: z.number().int().multipleOf(512), isVhd: z.boolean().default(true) }))
    .default([]),
  unregisteredProviders: z.array(z.string()).default([]),
  /** Features of providers that no subscription has until it registers them: `Microsoft.Compute/EncryptionAtHost`. */
  unregisteredFeatures: z.array(z.string()).default([]),
  timings: timings.prefault({}),
  limits: limits.prefault({}),
});
export type Tenant = z.infer<typeof schema>;
export type Limits = Tenant['limits'];
/** A tenant as a file has it: everything with a default may be left out. */
export type TenantInput = z.input<typeof schema>;

/**
 * Reads and checks a tenant file.
 * @throws UserError that names each member that is wrong by its JSON pointer
 */
export function readTenant(source: string | TenantInput): Tenant {
  const result = schema.safeParse(typeof source === 'string' ? readJson(source) : source);
  if (result.success) return result.data;
  const name = typeof source === 'string' ? source : 'the tenant';
  const faults = result.error.issues.map(
    ({ path, message }) =>
      `${path.map((one) => `/${String(one).replace(/~/g, '~0').replace(/\//g, '~1')}`).join('')}: ${message}`,
  );
  throw new UserError(`${name} is not a tenant: ${faults.join('; ')}.`);
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new UserError(
      `${file} cannot be read as a tenant: ${error instanceof Error ? error.message : String(error)}.`,
    );
  }
}

/** The tenant with another number of watched subscriptions. */
export const withCount = (tenant: Tenant, count: number | undefined): Tenant =>
  count === undefined ? tenant : { ...tenant, watchedSubscriptions: { ...tenant.watchedSubscriptions, count } };

const numbered = (block: string, index: number): string =>
  `5b000000-0000-4000-${block}-${String(index).padStart(12, '0')}`;

export const platformSubscriptionId = numbered('8000', 0);
/** @param index from 1 */
export const watchedSubscriptionId = (index: number): string => numbered('8000', index);
/** @param index from 1 */
export const isolatedSubscriptionId = (index: number): string => numbered('9000', index);

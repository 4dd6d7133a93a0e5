import { z } from 'zod';
import { type Kind, type Put } from '../arm/kind';
import { doneAt, type Azure } from '../azure';
import { type Answer, type Call, ok, type Route } from '../http/call';
import { AzureError, badRequest } from '../http/errors';
import { paged } from '../http/paging';
import { nameOf } from '../http/paths';
import { find } from '../arm/resourceRoutes';
import { randomUUID } from '../random';
import { type Document, type Failure, type Resource } from '../store/resources';
import { mayUseKey } from './encryptionKeys';
import { assignedIdentities } from './identities';
import { vmIdentity } from './shapes';

const SETS = 'Microsoft.Compute/diskEncryptionSets';
const DISKS = 'Microsoft.Compute/disks';
const CUSTOMER_KEY = 'EncryptionAtRestWithCustomerKey';
const CONFIDENTIAL = 'ConfidentialVmEncryptedWithCustomerKey';

/** "Version segment of the Url is required regardless of rotationToLatestKeyVersionEnabled value." */
const KEY_URL = /^https:\/\/[^/]+\/keys\/[^/]+\/[^/]+$/i;

const properties = z.looseObject({
  encryptionType: z.enum([CUSTOMER_KEY, 'EncryptionAtRestWithPlatformAndCustomerKeys', CONFIDENTIAL]).optional(),
  activeKey: z.looseObject({ keyUrl: z.string(), sourceVault: z.looseObject({ id: z.string() }).optional() }),
  rotationToLatestKeyVersionEnabled: z.boolean().optional(),
});
type SetProperties = z.infer<typeof properties>;

const own = z.looseObject({ principalId: z.string().optional() });

/** Disk encryption sets: a key of a vault, and the identity with which Azure's disks use it. */
export const diskEncryptionSets: Kind = {
  type: SETS,
  timing: { put: 'disk', remove: 'disk' },
  phases: ['Creating', 'Updating'],
  accepted: 'resource',
  merges: true,
  schema: z.looseObject({
    location: z.string(),
    tags: z.record(z.string(), z.string()).optional(),
    identity: vmIdentity.optional(),
    properties,
  }),
  readOnly: ['previousKeys', 'lastKeyRotationTimestamp', 'autoKeyRotationError'],
  prepare,
  stored(azure, { id, document }, { existing }) {
    const was = own.parse(existing?.document['identity'] ?? {}).principalId;
    const { principalId } = own.parse(document['identity'] ?? {});
    if (principalId === was) return;
    if (was !== undefined) azure.directory.remove(was);
    if (principalId !== undefined) azure.directory.add(systemIdentity(azure, id, principalId));
  },
  removed(azure, { document }) {
    const { principalId } = own.parse(document['identity'] ?? {});
    if (principalId !== undefined) azure.directory.remove(principalId);
  },
  demandUnused(azure, { id }) {
    const [user] = usersOf(azure, id);
    if (user !== undefined)
      throw new AzureError(
        409,
        'OperationNotAllowed',
        `Disk encryption set '${nameOf(id)}' cannot be deleted because it is used by resource '${user}'.`,
      );
  },
};

/** What is encrypted with a set, as a client asks it. */
export const encryptionSetRoutes = (azure: Azure): readonly Route[] => [
  {
    method: 'GET',
    path: `/subscriptions/:subscriptionId/resourceGroups/:resourceGroup/providers/${SETS}/:name/associatedResources`,
    api: 'arm',
    handle: (call) => associated(azure, call),
  },
];

const associated = (azure: Azure, call: Call): Answer =>
  ok(paged(azure, call, usersOf(azure, find(azure, diskEncryptionSets, call).id)));

const usersOf = (azure: Azure, id: string): string[] =>
  azure.resources
    .users(id)
    .map(({ source }) => azure.resources.get(source))
    .flatMap((one) => (one?.type === DISKS ? [one.id] : []));

function prepare(azure: Azure, put: Put): ReturnType<Kind['prepare']> {
  const asked = properties.parse(put.body.properties);
  const was = put.existing === undefined ? undefined : properties.parse(put.existing.document.properties);
  const { keyUrl } = asked.activeKey;
  if (!KEY_URL.test(keyUrl))
    throw badRequest(
      'InvalidParameter',
      `The value '${keyUrl}' of parameter 'activeKey.keyUrl' is invalid: a key's url with its version is expected.`,
      'activeKey.keyUrl',
    );
  const encryptionType = asked.encryptionType ?? was?.encryptionType ?? CUSTOMER_KEY;
  if (was !== undefined && was.encryptionType !== encryptionType)
    throw new AzureError(409, 'PropertyChangeNotAllowed', "Changing property 'encryptionType' is not allowed.", {
      members: { target: 'encryptionType' },
    });
  const identity = identityOf(azure, put);
  const isSame = was === undefined || was.activeKey.keyUrl === keyUrl;
  const rotatedAt = isSame ? put.existing?.document.properties['lastKeyRotationTimestamp'] : new Date(azure.now()).toISOString(); // prettier-ignore
  const document: Document = {
    ...put.body,
    ...(identity === undefined ? {} : { identity: identity.shown }),
    properties: {
      rotationToLatestKeyVersionEnabled: false,
      ...put.body.properties,
      encryptionType,
      previousKeys: [],
      ...(rotatedAt === undefined ? {} : { lastKeyRotationTimestamp: rotatedAt }),
    },
  };
  const failure = userFailure(azure, asked, identity?.ids ?? []);
  return {
    document,
    links: (identity?.ids ?? []).map((target) => ({ target, via: put.id })),
    ...(failure === undefined ? {} : { failure }),
  };
}

/** With an identity of its own, known only now, or with those that are named, which must exist. */
function identityOf(azure: Azure, put: Put): { shown: Record<string, unknown>; ids: string[] } | undefined {
  if (put.body['identity'] === undefined) return undefined;
  const { shown, ids } = assignedIdentities(azure, put, vmIdentity.parse(put.body['identity']));
  if (!/SystemAssigned/i.test(String(shown['type']))) return { shown, ids };
  const known = own.parse(put.existing?.document['identity'] ?? {});
  const principalId = known.principalId ?? randomUUID();
  return { shown: { ...shown, principalId, tenantId: azure.tenant.tenantId }, ids };
}

const systemIdentity = (azure: Azure, id: string, principalId: string): Parameters<Azure['directory']['add']>[0] => {
  const clientId = randomUUID();
  return {
    id: principalId,
    kind: 'servicePrincipal',
    appId: clientId,
    document: {
      displayName: nameOf(id),
      servicePrincipalType: 'ManagedIdentity',
      alternativeNames: ['isExplicit=False', id],
      servicePrincipalNames: [clientId],
      accountEnabled: true,
    },
    owner: null,
    createdAt: azure.now(),
    visibleAt: doneAt(azure, 'directoryReplication'),
    deletedAt: null,
  };
};

const HELP = 'Please visit https://aka.ms/keyvaultaccessssecmk for more information.';

/** An identity that is assigned could have been let in before, so the set itself fails without it. */
function userFailure(azure: Azure, { activeKey }: SetProperties, ids: readonly string[]): Failure | undefined {
  const barred = ids.find((id) => !mayUseKey(azure, principalOf(azure.resources.get(id)), activeKey.keyUrl));
  if (barred === undefined) return undefined;
  return {
    code: 'KeyVaultAccessForbidden',
    message: `Unable to access key vault resource '${activeKey.keyUrl}' to enable encryption at rest. Please grant get, wrap and unwrap key permissions to user-assigned identity '${barred}'. ${HELP}`,
  };
}

const principalOf = (identity: Resource | undefined): string =>
  own.parse(identity?.document.properties ?? {}).principalId ?? '';

/** A disk's `encryption`: by the set of that id, or by a key of the platform. */
export function encryptionBy(azure: Azure, id: string | undefined): { type: string; diskEncryptionSetId?: string } {
  const set = id === undefined ? undefined : azure.resources.get(id);
  if (set === undefined) return { type: 'EncryptionAtRestWithPlatformKey' };
  const { encryptionType = CUSTOMER_KEY } = properties.parse(set.document.properties);
  return { type: encryptionType, diskEncryptionSetId: set.id };
}

/**
 * The set that a disk is to be encrypted with: readable to the caller, there, in the disk's subscription and region, of
 * the kind that the disk takes.
 * @param isConfidential for the state and the disk of a confidential machine
 * @returns what comes out while the operation runs: the key's vault lets the set not in
 */
export function demandEncryptionSet(azure: Azure, put: Put, id: string, isConfidential: boolean): Failure | undefined {
  azure.rbac.demandLinked(put.call.caller, `${SETS}/read`, put.id, id);
  const set = azure.resources.get(id);
  if (set?.type !== SETS) throw new AzureError(400, 'BadRequest', `DiskEncryptionSet '${id}' was not found.`);
  if (set.id.split('/')[2]?.toLowerCase() !== put.subscriptionId.toLowerCase())
    throw badRequest(
      'InvalidParameter',
      `DiskEncryptionSet '${set.id}' is in another subscription than resource '${put.id}'. Both must be in the same subscription.`,
      'diskEncryptionSet.id',
    );
  if (simple(set.document.location) !== simple(put.body.location))
    throw badRequest(
      'InvalidParameter',
      `DiskEncryptionSet '${set.id}' is in location '${simple(set.document.location)}', and resource '${put.id}' is in location '${simple(put.body.location)}'. Both must be in the same location.`,
      'diskEncryptionSet.id',
    );
  const { encryptionType = CUSTOMER_KEY, activeKey } = properties.parse(set.document.properties);
  if ((encryptionType === CONFIDENTIAL) !== isConfidential)
    throw badRequest(
      'InvalidParameter',
      `DiskEncryptionSet '${set.id}' has encryption type '${encryptionType}', which ${isConfidential ? `is not '${CONFIDENTIAL}'` : 'is for confidential virtual machines only'}.`,
      'diskEncryptionSet.id',
    );
  const { principalId } = own.parse(set.document['identity'] ?? {});
  if (principalId === undefined || mayUseKey(azure, principalId, activeKey.keyUrl)) return undefined;
  return {
    code: 'KeyVaultAccessForbidden',
    message: `Unable to access key vault resource '${activeKey.keyUrl}' to enable encryption at rest. Please grant get, wrap and unwrap key permissions to disk encryption set '${nameOf(set.id)}'. ${HELP}`,
  };
}

const simple = (location: string | undefined): string => (location ?? '').toLowerCase().replaceAll(' ', '');

import { z } from 'zod';
import { type Kind, type Put, stateOf } from '../arm/kind';
import { type Azure } from '../azure';
import { AzureError, badRequest } from '../http/errors';
import { nameOf } from '../http/paths';
import { type Failure, type Resource } from '../store/resources';
import { demandEncryptionSet, encryptionBy } from './encryptionSets';
import { powerOf } from './instanceView';
import { type Plan, plan } from './shapes';
import { readVhd } from './vhds';

const DISKS = 'Microsoft.Compute/disks';
const GIB = 2 ** 30;

const properties = z.looseObject({
  osType: z.enum(['Linux', 'Windows']).optional(),
  hyperVGeneration: z.enum(['V1', 'V2']).optional(),
  purchasePlan: plan.optional(),
  diskSizeGB: z.number().int().optional(),
  encryption: z.looseObject({ type: z.string().optional(), diskEncryptionSetId: z.string().optional() }).optional(),
  creationData: z.looseObject({
    createOption: z.string(),
    sourceUri: z.string().optional(),
    storageAccountId: z.string().optional(),
    sourceResourceId: z.string().optional(),
    imageReference: z.looseObject({ id: z.string().optional() }).optional(),
  }),
});
type DiskProperties = z.infer<typeof properties>;

const shape = z.looseObject({
  location: z.string(),
  tags: z.record(z.string(), z.string()).optional(),
  sku: z.looseObject({ name: z.string() }).default({ name: 'Standard_LRS' }),
  zones: z.array(z.string()).optional(),
  properties,
});

export const disks: Kind = {
  type: DISKS,
  timing: { put: 'disk', remove: 'disk' },
  phases: ['Updating', 'Updating'],
  accepted: 'resource',
  merges: true,
  schema: shape,
  readOnly: ['diskState', 'timeCreated', 'uniqueId', 'diskSizeBytes'],
  prepare(azure, put) {
    const asked = properties.parse(put.body.properties);
    const { sku } = shape.parse(put.body);
    demandSku(sku.name);
    const was = put.existing === undefined ? undefined : properties.parse(put.existing.document.properties);
    const made = was === undefined ? create(azure, put, asked) : change(azure, put, was, asked);
    const set = asked.encryption?.diskEncryptionSetId;
    const isOther = set?.toLowerCase() !== was?.encryption?.diskEncryptionSetId?.toLowerCase();
    const barred = set === undefined || !isOther ? undefined : demandEncryptionSet(azure, put, set, false);
    const failure = made.failure ?? barred;
    const { managedBy: _, ...body } = put.body;
    return {
      document: {
        ...body,
        sku: { ...sku, tier: sku.name.split('_', 1)[0] },
        properties: {
          ...(put.existing?.document.properties ?? {}),
          ...put.body.properties,
          ...made.shown,
          encryption: encryptionBy(azure, set),
          timeCreated: put.existing?.document.properties['timeCreated'] ?? new Date(azure.now()).toISOString(),
        },
      },
      links: set === undefined ? [] : [{ target: set, via: put.id }],
      ...(failure === undefined ? {} : { failure }),
    };
  },
  beside(azure, { id }) {
    const user = userOf(azure, id);
    return user === undefined ? {} : { managedBy: user.id };
  },
  computed(azure, { id, document }) {
    const { diskSizeGB = 0 } = properties.parse(document.properties);
    return { diskSizeBytes: diskSizeGB * GIB, diskState: diskState(azure, id) };
  },
  demandUnused(azure, { id }) {
    const user = userOf(azure, id);
    if (user !== undefined)
      throw new AzureError(409, 'OperationNotAllowed', `Disk ${nameOf(id)} is attached to VM ${user.id}.`);
  },
};

const userOf = (azure: Azure, id: string): Resource | undefined =>
  azure.resources
    .users(id)
    .map(({ source }) => azure.resources.get(source))
    .find((one) => one?.type === 'Microsoft.Compute/virtualMachines');

function diskState(azure: Azure, id: string): string {
  const user = userOf(azure, id);
  if (user === undefined) return 'Unattached';
  return powerOf(azure, user).power === 'deallocated' ? 'Reserved' : 'Attached';
}

function demandSku(name: string): void {
  const known = ['Standard_LRS', 'Premium_LRS', 'StandardSSD_LRS', 'StandardSSD_ZRS', 'Premium_ZRS'];
  if (known.includes(name)) return;
  throw badRequest('InvalidParameter', `The value of parameter disk.sku.name is invalid.`, 'disk.sku.name');
}

interface Made {
  readonly shown: Record<string, unknown>;
  readonly failure?: Failure;
}

const missing = (name: string): AzureError =>
  badRequest('InvalidParameter', `Required parameter '${name}' is missing (null).`, name);

/** Where a new disk's content and size come from. */
function create(azure: Azure, put: Put, asked: DiskProperties): Made {
  const { creationData: data, diskSizeGB } = asked;
  if (diskSizeGB !== undefined && (diskSizeGB < 1 || diskSizeGB > 32_767)) {
    throw badRequest(
      'InvalidParameter',
      `The value '${diskSizeGB}' of parameter 'disk.diskSizeGB' is out of range. The value must be between '1' and '32767', inclusive.`,
      'disk.diskSizeGB',
    );
  }
  switch (data.createOption) {
    case 'Empty':
      if (diskSizeGB === undefined) throw missing('disk.diskSizeGB');
      return { shown: {} };
    case 'Import': {
      if (data.sourceUri === undefined) throw missing('disk.creationData.sourceUri');
      const vhd = readVhd(azure, put, data.sourceUri, data.storageAccountId);
      return vhd.failure === undefined
        ? { shown: { diskSizeGB: sizeOf(asked, vhd.sizeGb), hyperVGeneration: asked.hyperVGeneration ?? 'V1' } }
        : { shown: {}, failure: vhd.failure };
    }
    case 'Copy':
    case 'FromImage': {
      const isCopy = data.createOption === 'Copy';
      const id = isCopy ? data.sourceResourceId : data.imageReference?.id;
      if (id === undefined)
        throw missing(isCopy ? 'disk.creationData.sourceResourceId' : 'disk.creationData.imageReference');
      return copyOf(azure, asked, id, isCopy ? DISKS : 'Microsoft.Compute/images');
    }
    default:
      throw new AzureError(
        400,
        'NotSimulated',
        `Disks with createOption '${data.createOption}' are not simulated. Simulated are Empty, Import, Copy of a disk, and FromImage.`,
      );
  }
}

function copyOf(azure: Azure, asked: DiskProperties, id: string, type: string): Made {
  const source = azure.resources.get(id);
  if (source?.type !== type) throw new AzureError(404, 'NotFound', `The resource ${id} was not found.`);
  if (stateOf(azure, source) !== 'Succeeded')
    throw new AzureError(409, 'OperationNotAllowed', `The source ${id} is not in the Succeeded state.`);
  const from = contentOf(source);
  const { sizeGb, ...rest } = from;
  return { shown: { ...rest, diskSizeGB: sizeOf(asked, sizeGb) } };
}

const imageShape = z.looseObject({
  hyperVGeneration: z.enum(['V1', 'V2']).optional(),
  storageProfile: z.looseObject({
    osDisk: z.looseObject({ osType: z.enum(['Linux', 'Windows']), diskSizeGB: z.number().optional() }),
  }),
});

export interface Content {
  readonly sizeGb: number;
  readonly osType?: 'Linux' | 'Windows';
  readonly hyperVGeneration: 'V1' | 'V2';
  readonly purchasePlan?: Plan;
}

/** What a disk or an image holds. */
export function contentOf({ type, document, hidden }: Resource): Content {
  if (type !== DISKS) {
    const { storageProfile, hyperVGeneration = 'V1' } = imageShape.parse(document.properties);
    const { osType, diskSizeGB = 30 } = storageProfile.osDisk;
    const bought = plan.optional().parse(hidden['purchasePlan']);
    return { osType, hyperVGeneration, sizeGb: diskSizeGB, ...(bought === undefined ? {} : { purchasePlan: bought }) };
  }
  const { osType, hyperVGeneration = 'V1', diskSizeGB = 30, purchasePlan } = properties.parse(document.properties);
  return {
    hyperVGeneration,
    sizeGb: diskSizeGB,
    ...(osType === undefined ? {} : { osType }),
    ...(purchasePlan === undefined ? {} : { purchasePlan }),
  };
}

function sizeOf({ diskSizeGB }: DiskProperties, least: number): number {
  if (diskSizeGB === undefined || diskSizeGB >= least) return diskSizeGB ?? least;
  throw badRequest(
    'OperationNotAllowed',
    `Disk with size ${diskSizeGB}GB, which is smaller than the size ${least}GB of corresponding disk in Image, is not allowed.`,
    'disk.diskSizeGB',
  );
}

/** A disk may grow, detached or on a deallocated machine; where it came from stays. */
function change(azure: Azure, { id }: Put, was: DiskProperties, asked: DiskProperties): Made {
  for (const name of ['createOption', 'sourceUri', 'sourceResourceId'] as const) {
    if (asked.creationData[name] !== undefined && asked.creationData[name] !== was.creationData[name])
      throw new AzureError(
        409,
        'PropertyChangeNotAllowed',
        `Changing property 'creationData.${name}' is not allowed.`,
        {
          members: { target: `creationData.${name}` },
        },
      );
  }
  const { diskSizeGB = was.diskSizeGB } = asked;
  if ((diskSizeGB ?? 0) < (was.diskSizeGB ?? 0))
    throw new AzureError(
      409,
      'OperationNotAllowed',
      `Shrinking disk ${nameOf(id)} from ${was.diskSizeGB ?? 0} GB to ${diskSizeGB ?? 0} GB is not allowed.`,
    );
  if (diskSizeGB !== was.diskSizeGB && diskState(azure, id) === 'Attached')
    throw new AzureError(
      409,
      'OperationNotAllowed',
      'Disk resizing is allowed only when creating a VM or when the VM is deallocated.',
    );
  return { shown: { diskSizeGB } };
}

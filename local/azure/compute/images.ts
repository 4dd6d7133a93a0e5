import { z } from 'zod';
import { tracked, type Kind, type Put, stateOf } from '../arm/kind';
import { type Azure } from '../azure';
import { AzureError, badRequest } from '../http/errors';
import { nameOf } from '../http/paths';
import { reference } from '../network/references';
import { type Failure, type Resource } from '../store/resources';
import { type Content, contentOf } from './disks';
import { type Plan, vmHidden, vmProperties } from './shapes';
import { readVhd } from './vhds';

const generation = z.enum(['V1', 'V2']);

const properties = z.looseObject({
  sourceVirtualMachine: reference.optional(),
  hyperVGeneration: generation.optional(),
  storageProfile: z
    .looseObject({
      osDisk: z
        .looseObject({
          osType: z.enum(['Linux', 'Windows']),
          osState: z.enum(['Generalized', 'Specialized']),
          blobUri: z.string().optional(),
          managedDisk: reference.optional(),
          diskSizeGB: z.number().int().optional(),
          caching: z.enum(['None', 'ReadOnly', 'ReadWrite']).optional(),
          storageAccountType: z.string().optional(),
        })
        .optional(),
      zoneResilient: z.boolean().optional(),
    })
    .optional(),
});
type ImageProperties = z.infer<typeof properties>;

/** Managed images: of a VHD, of a disk, or of a generalized machine. */
export const images: Kind = {
  type: 'Microsoft.Compute/images',
  timing: { put: 'image', remove: 'image' },
  phases: ['Creating', 'Updating'],
  schema: tracked(properties.prefault({})),
  prepare(azure, put) {
    const asked = properties.parse(put.body.properties);
    if (put.existing !== undefined && put.existing.failure === null) {
      demandUnchanged(properties.parse(put.existing.document.properties), asked);
      return { document: { ...put.existing.document, ...tagsOf(put) }, hidden: put.existing.hidden };
    }
    const made = asked.sourceVirtualMachine === undefined ? ofDisk(azure, put, asked) : ofMachine(azure, asked);
    return {
      document: { ...put.body, properties: { ...put.body.properties, ...made.shown } },
      ...(made.purchasePlan === undefined ? {} : { hidden: { purchasePlan: made.purchasePlan } }),
      ...(made.failure === undefined ? {} : { failure: made.failure }),
    };
  },
  demandUnused(azure, { id }) {
    const user = azure.resources
      .users(id)
      .map(({ source }) => azure.resources.get(source))
      .find((vm) => vm !== undefined && stateOf(azure, vm) === 'Creating');
    if (user === undefined) return;
    throw new AzureError(
      409,
      'OperationNotAllowed',
      `Operation 'delete' is not allowed since the Virtual Machines '${nameOf(user.id)}' are being provisioned using the Image '${nameOf(id)}'.`,
    );
  },
};

const tagsOf = ({ body: { tags } }: Put): Record<string, unknown> => (tags === undefined ? {} : { tags });

interface Made {
  readonly shown: Record<string, unknown>;
  readonly purchasePlan?: Plan | undefined;
  readonly failure?: Failure;
}

const missing = (name: string): AzureError =>
  badRequest('InvalidParameter', `Required parameter '${name}' is missing (null).`, name);

function ofDisk(azure: Azure, put: Put, { storageProfile, hyperVGeneration = 'V1' }: ImageProperties): Made {
  const osDisk = storageProfile?.osDisk;
  if (osDisk === undefined) throw missing('osDisk');
  const { blobUri, managedDisk, diskSizeGB } = osDisk;
  if (blobUri !== undefined) {
    const vhd = readVhd(azure, put, blobUri);
    const sizeGb = vhd.failure === undefined ? Math.max(diskSizeGB ?? 0, vhd.sizeGb) : diskSizeGB;
    const shown = shownDisk(storageProfile, { ...osDisk, diskSizeGB: sizeGb }, hyperVGeneration);
    return vhd.failure === undefined ? { shown } : { shown, failure: vhd.failure };
  }
  if (managedDisk === undefined) throw missing('osDisk.managedDisk');
  const disk = azure.resources.get(managedDisk.id);
  if (disk?.type !== 'Microsoft.Compute/disks')
    throw new AzureError(404, 'NotFound', `The resource ${managedDisk.id} was not found.`);
  const content: Content = contentOf(disk);
  const shown = shownDisk(
    storageProfile,
    { ...osDisk, diskSizeGB: Math.max(diskSizeGB ?? 0, content.sizeGb) },
    content.hyperVGeneration,
  );
  return { shown, purchasePlan: content.purchasePlan };
}

const shownDisk = (
  storageProfile: ImageProperties['storageProfile'],
  osDisk: Record<string, unknown>,
  hyperVGeneration: string,
): Record<string, unknown> => ({
  hyperVGeneration,
  storageProfile: {
    dataDisks: [],
    zoneResilient: false,
    ...storageProfile,
    osDisk: { caching: 'None', storageAccountType: 'Standard_LRS', ...osDisk },
  },
});

function ofMachine(azure: Azure, { sourceVirtualMachine, hyperVGeneration }: ImageProperties): Made {
  const id = sourceVirtualMachine?.id ?? '';
  const vm = azure.resources.get(id);
  if (vm?.type !== 'Microsoft.Compute/virtualMachines')
    throw new AzureError(
      404,
      'NotFound',
      `Source Virtual Machine '${id}' specified in the request does not exist in this Azure location.`,
    );
  if (!vmHidden.parse(vm.hidden).generalized)
    throw new AzureError(
      409,
      'OperationNotAllowed',
      `The operation 'Create Image' requires the Virtual Machine '${nameOf(id)}' to be Generalized.`,
    );
  const disk = osDiskOf(azure, vm);
  const content: Content = disk === undefined ? { sizeGb: 30, hyperVGeneration: 'V1' } : contentOf(disk);
  const managedDisk = disk === undefined ? {} : { managedDisk: { id: disk.id } };
  const osDisk = { osType: 'Linux', osState: 'Generalized', ...managedDisk, diskSizeGB: content.sizeGb };
  const shown = shownDisk(undefined, osDisk, hyperVGeneration ?? content.hyperVGeneration);
  return { shown, purchasePlan: content.purchasePlan };
}

const osDiskOf = (azure: Azure, vm: Resource): Resource | undefined =>
  azure.resources.get(vmProperties.parse(vm.document.properties).storageProfile.osDisk.managedDisk?.id ?? '');

/** An image never changes; only its tags do. */
function demandUnchanged(was: ImageProperties, asked: ImageProperties): void {
  const [before, now] = [was.storageProfile?.osDisk, asked.storageProfile?.osDisk];
  const pairs = [
    ['hyperVGeneration', was.hyperVGeneration, asked.hyperVGeneration],
    ['sourceVirtualMachine.id', was.sourceVirtualMachine?.id, asked.sourceVirtualMachine?.id],
    ['osDisk.osType', before?.osType, now?.osType],
    ['osDisk.osState', before?.osState, now?.osState],
    ['osDisk.blobUri', before?.blobUri, now?.blobUri],
    ['osDisk.managedDisk.id', before?.managedDisk?.id, now?.managedDisk?.id],
    ['osDisk.diskSizeGB', before?.diskSizeGB, now?.diskSizeGB],
  ] as const;
  const changed = pairs.find(([, a, b]) => b !== undefined && String(a).toLowerCase() !== String(b).toLowerCase());
  if (changed === undefined) return;
  const [name] = changed;
  throw new AzureError(409, 'PropertyChangeNotAllowed', `Changing property '${name}' is not allowed.`, {
    members: { target: name },
  });
}

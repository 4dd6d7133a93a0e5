import { z } from 'zod';
import { type Kind, type Put, stateOf } from '../arm/kind';
import { doneAt, type Azure } from '../azure';
import { AzureError, badRequest } from '../http/errors';
import { randomUUID } from '../random';
import { type Link, type Resource } from '../store/resources';
import { demandImage, demandSize } from './placement';
import { instanceView } from './instanceView';
import { plan, vmIdentity, vmProperties, type VmProperties } from './shapes';

export const disks: Kind = {
  type: 'Microsoft.Compute/disks',
  timing: { put: 'disk', remove: 'disk' },
  phases: ['Creating', 'Updating'],
  schema: z.looseObject({
    location: z.string(),
    properties: z.looseObject({ creationData: z.looseObject({ createOption: z.string() }) }),
  }),
  prepare: (azure, { body }) => ({
    document: { ...body, properties: { diskState: 'Unattached', timeCreated: isoAt(azure.now()), ...body.properties } },
  }),
  computed: (azure, { id }) => {
    const user = azure.resources.users(id)[0];
    return user === undefined ? {} : { diskState: 'Attached' };
  },
  demandUnused(azure, { id }) {
    const user = azure.resources.users(id)[0];
    if (user === undefined) return;
    throw new AzureError(409, 'OperationNotAllowed', `Disk ${id} is attached to VM ${user.source}.`);
  },
};

const isoAt = (time: number): string => new Date(time).toISOString();

export const virtualMachines: Kind = {
  type: 'Microsoft.Compute/virtualMachines',
  timing: { put: 'virtualMachine', update: 'virtualMachineUpdate', remove: 'virtualMachineDelete' },
  phases: ['Creating', 'Updating'],
  schema: z.looseObject({
    location: z.string(),
    tags: z.record(z.string(), z.string()).optional(),
    plan: plan.optional(),
    identity: vmIdentity.optional(),
    properties: vmProperties,
  }),
  readOnly: ['instanceView'],
  prepare,
  stored: attachDisk,
  computed(azure, vm, call) {
    const asked = /instanceView/i.test(call?.query('$expand') ?? '');
    return asked ? { instanceView: instanceView(azure, vm) } : {};
  },
  removed: removeAttached,
};

function prepare(azure: Azure, put: Put): ReturnType<Kind['prepare']> {
  const properties = vmProperties.parse(put.body.properties);
  const existing = put.existing === undefined ? undefined : vmProperties.parse(put.existing.document.properties);
  if (existing !== undefined) demandUnchanged(existing, properties);
  if (existing?.hardwareProfile.vmSize !== properties.hardwareProfile.vmSize) demandSize(azure, put, properties);
  const failure = demandImage(azure, put, properties);
  const nics = properties.networkProfile.networkInterfaces.map(({ id }) => demandNic(azure, put, id));
  const identity = identityOf(azure, put);
  const diskId = osDiskId(put, properties, existing);
  const startedAt = doneAt(azure, 'virtualMachine');
  return {
    document: {
      ...put.body,
      ...(identity === undefined ? {} : { identity: identity.shown }),
      properties: stored(azure, put, properties, existing, diskId),
    },
    // One that failed to be made begins again.
    hidden: put.existing === undefined || put.existing.failure !== null ? { power: 'running', startedAt } : {},
    links: [...nics, ...(identity?.ids ?? []), diskId].map((target): Link => ({ target, via: put.id })),
    ...(failure === undefined ? {} : { failure }),
  };
}

/** What a GET shows: identity of the machine, its disk's id, no password. */
function stored(
  azure: Azure,
  put: Put,
  asked: VmProperties,
  existing: VmProperties | undefined,
  diskId: string,
): Record<string, unknown> {
  const { osProfile = existing?.osProfile, storageProfile, ...rest } = asked;
  const image = storageProfile.imageReference;
  const known = azure.tenant.images.find(
    ({ publisher, offer, sku }) => publisher === image?.publisher && offer === image.offer && sku === image.sku,
  );
  const { adminPassword: _, ...profile } = osProfile ?? { adminUsername: '' };
  const { osDisk } = storageProfile;
  const was = put.existing?.document.properties;
  return {
    ...rest,
    vmId: was?.['vmId'] ?? randomUUID(),
    timeCreated: was?.['timeCreated'] ?? isoAt(azure.now()),
    storageProfile: {
      dataDisks: [],
      ...storageProfile,
      ...(image === undefined ? {} : { imageReference: { ...image, exactVersion: known?.versions.at(-1) } }),
      osDisk: {
        osType: 'Linux',
        caching: 'ReadWrite',
        deleteOption: 'Detach',
        diskSizeGB: 30,
        ...osDisk,
        name: diskId.slice(diskId.lastIndexOf('/') + 1),
        managedDisk: { storageAccountType: 'Premium_LRS', ...osDisk.managedDisk, id: diskId },
      },
    },
    ...(osProfile === undefined ? {} : { osProfile: { secrets: [], allowExtensionOperations: true, ...profile } }),
  };
}

function osDiskId({ id, name }: Put, asked: VmProperties, existing: VmProperties | undefined): string {
  const { osDisk } = asked.storageProfile;
  const known = existing?.storageProfile.osDisk.managedDisk?.id ?? osDisk.managedDisk?.id;
  if (known !== undefined) return known;
  const group = id.split('/').slice(0, 5).join('/');
  return `${group}/providers/Microsoft.Compute/disks/${osDisk.name ?? `${name}_OsDisk_1_${randomUUID().replaceAll('-', '')}`}`;
}

/** The properties of a machine that cannot be changed once it exists. */
function demandUnchanged(was: VmProperties, is: VmProperties): void {
  const refuse = (property: string): AzureError =>
    new AzureError(409, 'PropertyChangeNotAllowed', `Changing property '${property}' is not allowed.`, {
      members: { target: property },
    });
  const keys = ({ osProfile }: VmProperties): string =>
    JSON.stringify(osProfile?.linuxConfiguration?.ssh?.publicKeys.map(({ keyData }) => keyData.trim()) ?? []);
  if (is.osProfile !== undefined) {
    if (is.osProfile.adminUsername !== was.osProfile?.adminUsername) throw refuse('osProfile.adminUsername');
    if (keys(is) !== keys(was)) throw refuse('linuxConfiguration.ssh.publicKeys');
    const computer = is.osProfile.computerName;
    if (computer !== undefined && computer !== was.osProfile.computerName) throw refuse('osProfile.computerName');
  }
  const image = ({ storageProfile: { imageReference: one } }: VmProperties): string =>
    [one?.id, one?.publisher, one?.offer, one?.sku, one?.version].join('|').toLowerCase();
  if (is.storageProfile.imageReference !== undefined && image(is) !== image(was)) throw refuse('imageReference');
}

function demandNic(azure: Azure, put: Put, id: string): string {
  azure.rbac.demandLinked(put.call.caller, 'Microsoft.Network/networkInterfaces/join/action', put.id, id);
  const nic = azure.resources.get(id);
  if (nic === undefined)
    throw new AzureError(404, 'NotFound', `Resource ${id} not found.`, { members: { details: [] } });
  const other = azure.resources.users(id).find(({ source }) => source.toLowerCase() !== put.id.toLowerCase());
  if (other !== undefined)
    throw badRequest(
      'NicInUse',
      `Network Interface ${id} is used by existing resource ${other.source}. In order to delete the network interface, it must be dissociated from the resource. To learn more, see aka.ms/deletenic.`,
    );
  const state = stateOf(azure, nic);
  if (state !== 'Succeeded')
    throw new AzureError(
      409,
      'ReferencedResourceNotProvisioned',
      `Cannot proceed with operation because resource ${id} used by resource ${put.id} is not in Succeeded state. Resource is in ${state} state.`,
    );
  return id;
}

const identityIds = z.looseObject({ principalId: z.string(), clientId: z.string() });

/** The user-assigned identities that the PUT names, which must exist, with their ids filled in. */
function identityOf(azure: Azure, put: Put): { shown: Record<string, unknown>; ids: string[] } | undefined {
  if (put.body['identity'] === undefined) return undefined;
  const identity = vmIdentity.parse(put.body['identity']);
  const assigned = Object.keys(identity.userAssignedIdentities).map((id) => {
    azure.rbac.demandLinked(
      put.call.caller,
      'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action',
      put.id,
      id,
    );
    const found = azure.resources.get(id);
    if (found === undefined) {
      throw badRequest(
        'FailedIdentityOperation',
        `Identity operation for resource '${put.id}' failed with error 'Failed to perform resource identity operation. Status: 'BadRequest'. Response: '{"error":{"code":"BadRequest","message":"Resource '${id}' was not found."}}'.'.`,
      );
    }
    const { principalId, clientId } = identityIds.parse(found.document.properties);
    return [id, { principalId, clientId }] as const;
  });
  const { userAssignedIdentities: _, ...rest } = identity;
  return {
    shown: { ...rest, ...(assigned.length > 0 ? { userAssignedIdentities: Object.fromEntries(assigned) } : {}) },
    ids: assigned.map(([id]) => id),
  };
}

/** A VM from an image brings its OS disk into being. */
function attachDisk(azure: Azure, vm: Resource): void {
  const { osDisk } = vmProperties.parse(vm.document.properties).storageProfile;
  const id = osDisk.managedDisk?.id;
  if (id === undefined || azure.resources.get(id) !== undefined) return;
  const { location, tags } = vm.document;
  const document = {
    location,
    ...(tags === undefined ? {} : { tags }),
    sku: { name: osDisk.managedDisk?.storageAccountType ?? 'Premium_LRS' },
    managedBy: vm.id,
    properties: {
      osType: 'Linux',
      creationData: { createOption: 'FromImage' },
      diskSizeGB: 30,
      timeCreated: isoAt(azure.now()),
    },
  };
  const { createdAt, readyAt } = vm;
  azure.resources.put(
    { id, type: disks.type, document, hidden: {}, createdAt, readyAt, phase: 'Creating', failure: null },
    [],
  );
}

/** With deleteOption `Delete` the disk and NICs go with the VM; the default leaves them behind, as in Azure. */
function removeAttached(azure: Azure, vm: Resource, goneAt: number): void {
  const { storageProfile, networkProfile } = vmProperties.parse(vm.document.properties);
  const { osDisk } = storageProfile;
  const nics = networkProfile.networkInterfaces.filter(({ properties }) => properties?.deleteOption === 'Delete');
  for (const { id } of nics) azure.resources.remove(id, goneAt);
  if (osDisk.deleteOption === 'Delete' && osDisk.managedDisk?.id !== undefined)
    azure.resources.remove(osDisk.managedDisk.id, goneAt);
}

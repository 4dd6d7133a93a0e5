import { z } from 'zod';
import { type Kind, type Put, stateOf } from '../arm/kind';
import { doneAt, type Azure } from '../azure';
import { AzureError, badRequest } from '../http/errors';
import { randomUUID } from '../random';
import { type Link, type Resource } from '../store/resources';
import { IDLE_BYTES_PER_MINUTE, setTraffic } from '../metrics/traffic';
import { nicProperties } from '../network/networkInterfaces';
import { disks } from './disks';
import { demandEncryptionAtHost } from './encryptionAtHost';
import { assignedIdentities } from './identities';
import { instanceView } from './instanceView';
import { encryptionFailure, makeDisk } from './machineDisks';
import { demandOsProfile } from './osProfile';
import { demandCapacity, demandDisksFit } from './placement';
import { demandDisk, demandSource, type Source } from './sources';
import { demandSecurityType } from './trustedLaunch';
import { plan, type VmDisk, vmIdentity, vmProperties, type VmProperties } from './shapes';

const zones = z.array(z.enum(['1', '2', '3'])).max(1);

export const virtualMachines: Kind = {
  type: 'Microsoft.Compute/virtualMachines',
  timing: { put: 'virtualMachine', update: 'virtualMachineUpdate', remove: 'virtualMachineDelete' },
  phases: ['Creating', 'Updating'],
  schema: z.looseObject({
    location: z.string(),
    tags: z.record(z.string(), z.string()).optional(),
    plan: plan.optional(),
    zones: zones.optional(),
    identity: vmIdentity.optional(),
    properties: vmProperties,
  }),
  readOnly: ['instanceView', 'vmId', 'timeCreated'],
  merges: true,
  prepare,
  stored: follow,
  computed(azure, vm, call) {
    const asked = /instanceView/i.test(call?.query('$expand') ?? '');
    return asked ? { instanceView: instanceView(azure, vm) } : {};
  },
  removed: removeAttached,
};

function prepare(azure: Azure, put: Put): ReturnType<Kind['prepare']> {
  const asked = vmProperties.parse(put.body.properties);
  // One that failed to be made begins again.
  const isNew = put.existing === undefined || put.existing.failure !== null;
  const existing = put.existing === undefined ? undefined : vmProperties.parse(put.existing.document.properties);
  if (existing !== undefined) demandUnchanged(existing, asked);
  const { vmSize } = asked.hardwareProfile;
  if (existing?.hardwareProfile.vmSize !== vmSize)
    demandCapacity(azure, put, vmSize, zones.parse(put.body['zones'] ?? []));
  demandEncryptionAtHost(azure, put, asked);
  const source = isNew ? demandSource(azure, put, asked) : undefined;
  const isSpecialized =
    source?.gallery?.osState === 'Specialized' || asked.storageProfile.osDisk.createOption === 'Attach';
  if (isNew && !isSpecialized) demandOsProfile(asked.osProfile, put.name);
  if (source !== undefined) {
    demandDisksFit(azure, asked, source.content);
    demandSecurityType(azure, asked, source);
  }
  const nics = asked.networkProfile.networkInterfaces.map(({ id }) => demandNic(azure, put, id));
  const given = put.body['identity'];
  const identity = given === undefined ? undefined : assignedIdentities(azure, put, vmIdentity.parse(given));
  const systemDisk = named(put, asked.storageProfile.osDisk, existing?.storageProfile.osDisk, 'OsDisk_1');
  const osDisk = { osType: 'Linux' as const, ...systemDisk };
  const dataDisks = asked.storageProfile.dataDisks.map((one) => ({
    ...named(
      put,
      one,
      existing?.storageProfile.dataDisks.find(({ lun }) => lun === one.lun),
      `DataDisk_${one.lun}`,
    ),
    lun: one.lun,
  }));
  for (const { createOption, managedDisk } of dataDisks)
    if (createOption === 'Attach') demandDisk(azure, put, managedDisk.id);
  const encrypted = encryptionFailure(azure, put, [osDisk, ...dataDisks], isNew);
  const failure = source?.failure ?? encrypted;
  const diskIds = [osDisk, ...dataDisks].map(({ managedDisk }) => managedDisk.id);
  const startedAt = doneAt(azure, 'virtualMachine');
  const uses = [...nics, ...(identity?.ids ?? []), ...diskIds, ...(source?.uses ?? [])];
  return {
    document: {
      ...put.body,
      ...(identity === undefined ? {} : { identity: identity.shown }),
      properties: stored(azure, put, asked, existing, { osDisk: withSize(osDisk, source), dataDisks }),
    },
    hidden:
      source === undefined
        ? {}
        : { power: 'running', startedAt, generalized: false, hyperVGeneration: source.content.hyperVGeneration },
    links: [...new Set(uses)].map((target): Link => ({ target, via: put.id })),
    ...(failure === undefined ? {} : { failure }),
  };
}

type Named = VmDisk & { readonly name: string; readonly managedDisk: { readonly id: string } };

/** A disk of the machine with the name and id that it has or gets. */
function named({ id, name }: Put, asked: VmDisk, existing: VmDisk | undefined, suffix: string): Named {
  const known = existing?.managedDisk?.id ?? asked.managedDisk?.id;
  const group = id.split('/').slice(0, 5).join('/');
  const fresh = asked.name ?? `${name}_${suffix}_${randomUUID().replaceAll('-', '')}`;
  const diskId = known ?? `${group}/providers/${disks.type}/${fresh}`;
  return {
    caching: 'ReadWrite',
    deleteOption: 'Detach',
    ...existing,
    ...asked,
    name: diskId.slice(diskId.lastIndexOf('/') + 1),
    managedDisk: { storageAccountType: 'Premium_LRS', ...existing?.managedDisk, ...asked.managedDisk, id: diskId },
  };
}

const withSize = (disk: Named, source: Source | undefined): Named =>
  source === undefined ? disk : { ...disk, diskSizeGB: disk.diskSizeGB ?? source.content.sizeGb };

/** What a GET shows: identity of the machine, its disks' ids, no password and no custom data. */
function stored(
  azure: Azure,
  put: Put,
  asked: VmProperties,
  existing: VmProperties | undefined,
  attached: { readonly osDisk: Named; readonly dataDisks: readonly Named[] },
): Record<string, unknown> {
  const { osProfile = existing?.osProfile, storageProfile, ...rest } = asked;
  const image = storageProfile.imageReference;
  const known = azure.tenant.images.find(
    ({ publisher, offer, sku }) => publisher === image?.publisher && offer === image.offer && sku === image.sku,
  );
  const { adminPassword: _, customData: __, ...profile } = osProfile ?? {};
  const was = put.existing?.document.properties;
  const exact = known === undefined ? {} : { exactVersion: known.versions.at(-1) };
  return {
    ...rest,
    vmId: was?.['vmId'] ?? randomUUID(),
    timeCreated: was?.['timeCreated'] ?? new Date(azure.now()).toISOString(),
    storageProfile: {
      ...storageProfile,
      ...(image === undefined ? {} : { imageReference: { ...image, ...exact } }),
      ...attached,
    },
    ...(osProfile === undefined ? {} : { osProfile: { secrets: [], allowExtensionOperations: true, ...profile } }),
  };
}

/** The properties of a machine that cannot be changed once it exists. */
function demandUnchanged(was: VmProperties, is: VmProperties): void {
  const refuse = (property: string): AzureError =>
    new AzureError(409, 'PropertyChangeNotAllowed', `Changing property '${property}' is not allowed.`, {
      members: { target: property },
    });
  const keys = ({ osProfile }: VmProperties): string =>
    JSON.stringify(osProfile?.linuxConfiguration?.ssh?.publicKeys.map(({ keyData }) => keyData?.trim()) ?? []);
  if (is.osProfile !== undefined) {
    if (is.osProfile.adminUsername !== was.osProfile?.adminUsername) throw refuse('osProfile.adminUsername');
    if (keys(is) !== keys(was)) throw refuse('linuxConfiguration.ssh.publicKeys');
    const computer = is.osProfile.computerName;
    if (computer !== undefined && computer !== was.osProfile?.computerName) throw refuse('osProfile.computerName');
  }
  const [before, now] = [was.storageProfile.osDisk, is.storageProfile.osDisk];
  if (now.name !== undefined && now.name !== before.name) throw refuse('osDisk.name');
  const diskId = now.managedDisk?.id?.toLowerCase();
  if (diskId !== undefined && diskId !== before.managedDisk?.id?.toLowerCase()) throw refuse('osDisk.managedDisk.id');
  const setId = now.managedDisk?.diskEncryptionSet?.id.toLowerCase();
  if (setId !== undefined && setId !== before.managedDisk?.diskEncryptionSet?.id.toLowerCase())
    throw refuse('osDisk.managedDisk.diskEncryptionSet');
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

/** A machine brings into being the disks that it names and that are not there. */
function follow(azure: Azure, vm: Resource, { existing }: Put): void {
  if (vm.failure === null && (existing === undefined || existing.failure !== null))
    setTraffic(azure, vm, vm.readyAt, IDLE_BYTES_PER_MINUTE);
  const { osDisk, dataDisks } = vmProperties.parse(vm.document.properties).storageProfile;
  makeDisk(azure, vm, osDisk, true);
  for (const one of dataDisks) makeDisk(azure, vm, one, false);
}

/** With deleteOption `Delete` disks, NICs and their public addresses go with the VM; the default leaves them behind. */
function removeAttached(azure: Azure, vm: Resource, goneAt: number): void {
  const { storageProfile, networkProfile } = vmProperties.parse(vm.document.properties);
  const nics = networkProfile.networkInterfaces.filter(({ properties }) => properties?.deleteOption === 'Delete');
  const addresses = nics.flatMap(({ id }) => addressesToDelete(azure, id));
  const attached = [storageProfile.osDisk, ...storageProfile.dataDisks]
    .filter(({ deleteOption }) => deleteOption === 'Delete')
    .flatMap(({ managedDisk }) => managedDisk?.id ?? []);
  for (const id of [...nics.map((nic) => nic.id), ...addresses, ...attached]) azure.resources.remove(id, goneAt);
}

const deletable = z.looseObject({
  id: z.string(),
  properties: z.looseObject({ deleteOption: z.string().optional() }).optional(),
});

function addressesToDelete(azure: Azure, nicId: string): string[] {
  const nic = azure.resources.get(nicId);
  if (nic === undefined) return [];
  const addresses = nicProperties
    .parse(nic.document.properties)
    .ipConfigurations.flatMap(({ properties }) => properties.publicIPAddress ?? []);
  return addresses
    .map((one) => deletable.parse(one))
    .filter(({ properties }) => properties?.deleteOption === 'Delete')
    .map(({ id }) => id);
}

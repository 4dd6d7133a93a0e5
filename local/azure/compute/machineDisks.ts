import { type Put } from '../arm/kind';
import { type Azure } from '../azure';
import { type Failure, type Resource } from '../store/resources';
import { disks } from './disks';
import { demandEncryptionSet, encryptionBy } from './encryptionSets';
import { type VmDisk } from './shapes';

type SetOf = readonly [id: string | undefined, isConfidential: boolean];

/** The sets that a disk names: its own, and the one for what is a confidential machine's. */
const setsOf = ({ managedDisk }: VmDisk): readonly [SetOf, SetOf] => [
  [managedDisk?.diskEncryptionSet?.id, false],
  [managedDisk?.securityProfile?.diskEncryptionSet?.id, true],
];

/** Refuses a set with which a disk that is to be made cannot be encrypted; a key that is barred fails the operation. */
export function encryptionFailure(azure: Azure, put: Put, all: readonly VmDisk[], isNew: boolean): Failure | undefined {
  const toMake = all.filter(({ managedDisk }) => isNew || azure.resources.get(managedDisk?.id ?? '') === undefined);
  return toMake
    .flatMap(setsOf)
    .map(([id, isConfidential]) => (id === undefined ? undefined : demandEncryptionSet(azure, put, id, isConfidential)))
    .find((failure) => failure !== undefined);
}

/** A disk that a machine names and that is not there, made with it. */
export function makeDisk(azure: Azure, vm: Resource, disk: VmDisk, isSystem: boolean): void {
  const id = disk.managedDisk?.id;
  if (id === undefined || azure.resources.get(id) !== undefined) return;
  const { location, tags } = vm.document;
  const bought = vm.document['plan'];
  const system = {
    osType: disk.osType ?? 'Linux',
    hyperVGeneration: vm.hidden['hyperVGeneration'],
    creationData: { createOption: 'FromImage' },
    ...(bought === undefined ? {} : { purchasePlan: bought }),
  };
  const [[own], [confidential]] = setsOf(disk);
  const document = {
    location,
    ...(tags === undefined ? {} : { tags }),
    sku: { name: disk.managedDisk?.storageAccountType ?? 'Premium_LRS' },
    properties: {
      ...(isSystem ? system : { creationData: { createOption: 'Empty' } }),
      diskSizeGB: disk.diskSizeGB ?? 30,
      encryption: encryptionBy(azure, own),
      ...(confidential === undefined ? {} : { securityProfile: secured(confidential) }),
      timeCreated: new Date(azure.now()).toISOString(),
    },
  };
  const { createdAt, readyAt } = vm;
  azure.resources.put(
    { id, type: disks.type, document, hidden: {}, createdAt, readyAt, phase: 'Creating', failure: null },
    [own, confidential].flatMap((target) => (target === undefined ? [] : [{ target, via: id }])),
  );
}

const secured = (secureVMDiskEncryptionSetId: string): Record<string, unknown> => ({
  securityType: 'ConfidentialVM_DiskEncryptedWithCustomerKey',
  secureVMDiskEncryptionSetId,
});

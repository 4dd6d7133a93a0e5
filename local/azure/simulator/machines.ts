import { z } from 'zod';
import { type Azure } from '../azure';
import { powerOf } from '../compute/instanceView';
import { vmIdentity, vmProperties } from '../compute/shapes';
import { virtualMachines } from '../compute/virtualMachines';
import { identityToken, type IssuedToken } from '../entra/principals';
import { nicProperties } from '../network/networkInterfaces';
import { nameOf } from '../http/paths';
import { type Resource } from '../store/resources';
import { publicAddressOf } from './reach';

const identities = z.record(z.string(), z.looseObject({ principalId: z.string(), clientId: z.string() }));

export interface Machine {
  readonly id: string;
  /** Tells it from its successor of the same name: each has a disk of its own. */
  readonly uniqueId: string;
  readonly name: string;
  readonly adminUsername: string;
  readonly sshPublicKeys: readonly string[];
  readonly powerState: string;
  /** Epoch milliseconds since when it runs, or will. */
  readonly startedAt: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly identities: readonly { readonly id: string; readonly principalId: string; readonly clientId: string }[];
  readonly privateIp: string;
  readonly publicIp: string | null;
}

export const machines = (azure: Azure): Machine[] =>
  azure.resources.list(virtualMachines.type).map((vm) => machine(azure, vm));

/** The VM of an ARM id; undefined if there is none, or it is something else. */
export function findMachine(azure: Azure, id: string): Resource | undefined {
  const found = azure.resources.get(id);
  return found?.type === virtualMachines.type ? found : undefined;
}

/** A VM as the simulated appliance sees it from inside and out. */
export function machine(azure: Azure, vm: Resource): Machine {
  const { osProfile, networkProfile } = vmProperties.parse(vm.document.properties);
  const nic = azure.resources.get(networkProfile.networkInterfaces[0]?.id ?? '');
  const configuration =
    nic === undefined ? undefined : nicProperties.parse(nic.document.properties).ipConfigurations[0];
  const { power, startedAt } = powerOf(azure, vm);
  return {
    id: vm.id,
    uniqueId: String(vm.document.properties['vmId']),
    name: nameOf(vm.id),
    adminUsername: osProfile?.adminUsername ?? '',
    sshPublicKeys: osProfile?.linuxConfiguration?.ssh?.publicKeys.flatMap(({ keyData }) => keyData ?? []) ?? [],
    powerState: vm.failure === null ? power : 'failed',
    startedAt,
    tags: vm.document.tags ?? {},
    identities: identitiesOf(vm),
    privateIp: configuration?.properties.privateIPAddress ?? '',
    publicIp: publicAddressOf(azure, configuration?.properties.publicIPAddress?.id) ?? null,
  };
}

function identitiesOf(vm: Resource): Machine['identities'] {
  if (vm.document['identity'] === undefined) return [];
  const assigned = identities.parse(vmIdentity.parse(vm.document['identity']).userAssignedIdentities);
  return Object.entries(assigned).map(([id, { principalId, clientId }]) => ({ id, principalId, clientId }));
}

/** A token of an identity of the VM, its first unless one is named, as its metadata service would give; undefined where it has none that works. */
export async function machineToken(
  azure: Azure,
  vm: Resource,
  audience: string,
  named?: string,
): Promise<IssuedToken | undefined> {
  const known = identitiesOf(vm);
  const clientId = (named === undefined ? known[0] : known.find((one) => one.clientId === named.toLowerCase()))
    ?.clientId;
  const principal = clientId === undefined ? undefined : azure.directory.byAppId('servicePrincipal', clientId);
  return principal === undefined ? undefined : await identityToken(azure, principal, audience);
}

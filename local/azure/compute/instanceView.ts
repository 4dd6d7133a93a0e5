import { stateOf } from '../arm/kind';
import { type Azure } from '../azure';
import { nameOf } from '../http/paths';
import { type Resource } from '../store/resources';
import { vmHidden, vmProperties } from './shapes';

type Power = 'starting' | 'running' | 'stopping' | 'stopped' | 'deallocating' | 'deallocated';

export function powerOf(azure: Azure, vm: Resource): { readonly power: Power; readonly startedAt: number } {
  const { power, startedAt, settledAt } = vmHidden.parse(vm.hidden);
  const now = azure.now();
  if (power === 'running') return { power: now < startedAt ? 'starting' : power, startedAt };
  if (now >= settledAt) return { power, startedAt };
  return { power: power === 'stopped' ? 'stopping' : 'deallocating', startedAt };
}

const status = (code: string, displayStatus: string, time?: string, level = 'Info'): Record<string, string> => ({
  code,
  level,
  displayStatus,
  ...(time === undefined ? {} : { time }),
});

/** Statuses, agent, disks and boot diagnostics of a VM. */
export function instanceView(azure: Azure, vm: Resource): Record<string, unknown> {
  const state = stateOf(azure, vm).toLowerCase();
  const { power, startedAt } = powerOf(azure, vm);
  const { generalized } = vmHidden.parse(vm.hidden);
  const { osProfile, storageProfile, diagnosticsProfile } = vmProperties.parse(vm.document.properties);
  const time = new Date(Math.min(azure.now(), Math.max(vm.readyAt, startedAt))).toISOString();
  const ready = power === 'running' && vm.failure === null;
  const agent = ready
    ? status('ProvisioningState/succeeded', 'Ready', time)
    : status('ProvisioningState/Unavailable', 'Not Ready', time, 'Warning');
  const isDiagnosed = diagnosticsProfile?.bootDiagnostics?.enabled === true;
  return {
    computerName: osProfile?.computerName ?? nameOf(vm.id),
    ...(ready ? { osName: 'linux', osVersion: '5.0' } : {}),
    hyperVGeneration: vm.hidden['hyperVGeneration'] ?? 'V1',
    vmAgent: {
      vmAgentVersion: ready ? '2.11.1.4' : 'Unknown',
      statuses: [ready ? { ...agent, message: 'Guest Agent is running' } : agent],
    },
    disks: [storageProfile.osDisk, ...storageProfile.dataDisks].map(({ name }) => ({
      name,
      statuses: [status(`ProvisioningState/${state}`, `Provisioning ${state}`, time)],
    })),
    ...(isDiagnosed
      ? { bootDiagnostics: bootDiagnostics(azure, vm, diagnosticsProfile.bootDiagnostics?.storageUri) }
      : {}),
    statuses: [
      status(`ProvisioningState/${state}`, `Provisioning ${state}`, time),
      ...(generalized ? [status('OSState/generalized', 'VM generalized')] : []),
      ...(vm.failure === null ? [status(`PowerState/${power}`, `VM ${power}`)] : []),
    ],
  };
}

/** With an account of one's own the view names the blobs; with Azure's own one asks for them. */
function bootDiagnostics({ now }: Azure, vm: Resource, storageUri: string | undefined): Record<string, unknown> {
  if (storageUri === undefined) return {};
  const id = String(vm.document.properties['vmId']);
  const name = nameOf(vm.id);
  const folder = `${storageUri.replace(/\/+$/, '')}/bootdiagnostics-${name
    .replace(/[^a-z0-9]/gi, '')
    .slice(0, 9)
    .toLowerCase()}-${id}/${name}.${id}`;
  return now() < vm.readyAt
    ? {}
    : { consoleScreenshotBlobUri: `${folder}.screenshot.bmp`, serialConsoleLogBlobUri: `${folder}.serialconsole.log` };
}

import { stateOf } from '../arm/kind';
import { type Azure } from '../azure';
import { type Resource } from '../store/resources';
import { vmHidden } from './shapes';

type Power = 'starting' | 'running' | 'stopped' | 'deallocated';

export function powerOf(azure: Azure, vm: Resource): { readonly power: Power; readonly startedAt: number } {
  const { power, startedAt } = vmHidden.parse(vm.hidden);
  return { power: power === 'running' && azure.now() < startedAt ? 'starting' : power, startedAt };
}

const titled = (word: string): string => `${word.charAt(0).toUpperCase()}${word.slice(1)}`;

/** Statuses and agent of a VM. */
export function instanceView(azure: Azure, vm: Resource): Record<string, unknown> {
  const state = stateOf(azure, vm).toLowerCase();
  const { power, startedAt } = powerOf(azure, vm);
  const time = new Date(Math.min(azure.now(), Math.max(vm.readyAt, startedAt))).toISOString();
  const statuses = [
    { code: `ProvisioningState/${state}`, level: 'Info', displayStatus: `Provisioning ${state}`, time },
    ...(vm.failure === null ? [{ code: `PowerState/${power}`, level: 'Info', displayStatus: `VM ${power}` }] : []),
  ];
  const ready = power === 'running';
  return {
    computerName: vm.id.slice(vm.id.lastIndexOf('/') + 1),
    hyperVGeneration: 'V2',
    vmAgent: {
      vmAgentVersion: ready ? '2.11.1.4' : 'Unknown',
      statuses: [
        {
          code: ready ? 'ProvisioningState/succeeded' : 'ProvisioningState/Unavailable',
          level: ready ? 'Info' : 'Warning',
          displayStatus: titled(ready ? 'ready' : 'not ready'),
          time,
        },
      ],
    },
    disks: [],
    statuses,
  };
}

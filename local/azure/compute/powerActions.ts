import { stateOf } from '../arm/kind';
import { doneAt, type Azure } from '../azure';
import { find } from '../arm/resourceRoutes';
import { type Answer, type Call, ok, param, type Route } from '../http/call';
import { AzureError } from '../http/errors';
import { setTraffic, lastRate } from '../metrics/traffic';
import { nameOf } from '../http/paths';
import { type Resource } from '../store/resources';
import { instanceView } from './instanceView';
import { vmHidden } from './shapes';
import { virtualMachines } from './virtualMachines';

const VM =
  '/subscriptions/:subscriptionId/resourceGroups/:resourceGroup/providers/Microsoft.Compute/virtualMachines/:name';

const actions = ['start', 'restart', 'powerOff', 'deallocate'] as const;
type Action = (typeof actions)[number];
const powerAfter = { start: 'running', restart: 'running', powerOff: 'stopped', deallocate: 'deallocated' } as const;

/** Power, generalization and instance view of a machine. A public address stays with its machine: all are static (Standard). */
export const powerRoutes = (azure: Azure): readonly Route[] => [
  {
    method: 'GET',
    path: `${VM}/instanceView`,
    api: 'arm',
    handle: (call) => ok(instanceView(azure, find(azure, virtualMachines, call))),
  },
  ...actions.map((action): Route => ({
    method: 'POST',
    path: `${VM}/${action}`,
    api: 'arm',
    handle: (call) => powerAction(azure, call, action),
  })),
  { method: 'POST', path: `${VM}/generalize`, api: 'arm', handle: (call) => generalize(azure, call) },
  {
    method: 'POST',
    path: `${VM}/retrieveBootDiagnosticsData`,
    api: 'arm',
    handle: (call) => bootDiagnostics(azure, call),
  },
];

const refused = (action: string, vm: Resource, why: string): AzureError =>
  new AzureError(
    409,
    'OperationNotAllowed',
    `Operation '${action}' is not allowed on VM '${nameOf(vm.id)}' since ${why}.`,
  );

/** A machine that is not being made or deleted, or 409. */
function demandIdle(azure: Azure, action: string, vm: Resource): void {
  const state = stateOf(azure, vm);
  if (state === 'Deleting')
    throw refused(
      action,
      vm,
      'the VM is marked for deletion. You can only retry the Delete operation (or wait for an ongoing one to complete)',
    );
  if (state === 'Creating') throw refused(action, vm, 'another operation is in progress');
}

function powerAction(azure: Azure, call: Call, action: Action): Answer {
  const vm = find(azure, virtualMachines, call);
  demandIdle(azure, action, vm);
  const was = vmHidden.parse(vm.hidden);
  if (action === 'restart' && was.power === 'deallocated')
    throw refused(action, vm, 'the VM is either deallocated or marked to be deallocated');
  if (action === 'start' && was.generalized) throw refused(action, vm, 'the VM is generalized');
  const endsAt = doneAt(azure, 'virtualMachineAction');
  // Stopping what is deallocated leaves it so; starting what runs does nothing.
  const power = action === 'powerOff' && was.power === 'deallocated' ? 'deallocated' : powerAfter[action];
  const begins = action === 'restart' || (action === 'start' && was.power !== 'running');
  const hidden = {
    ...vm.hidden,
    power,
    startedAt: begins ? endsAt : was.startedAt,
    settledAt: power === was.power ? was.settledAt : endsAt,
  };
  azure.resources.setHidden(vm.id, hidden);
  if (power !== 'running') setTraffic(azure, vm, azure.now(), 0);
  else if (was.power !== 'running') setTraffic(azure, vm, endsAt, lastRate(azure, vm));
  return { status: 202, headers: azure.operations.accepted({ ...operation(azure, vm, call), endsAt, failure: null }) };
}

/** Where an operation on a machine is polled. */
export const operation = (
  azure: Azure,
  vm: Resource,
  call: Call,
): { subscriptionId: string; namespace: string; location: string; apiVersion: string } => ({
  subscriptionId: param(call, 'subscriptionId'),
  namespace: 'Microsoft.Compute',
  location: (vm.document.location ?? azure.tenant.location).toLowerCase().replaceAll(' ', ''),
  apiVersion: call.query('api-version') ?? '',
});

function generalize(azure: Azure, call: Call): Answer {
  const vm = find(azure, virtualMachines, call);
  demandIdle(azure, 'generalize', vm);
  if (vmHidden.parse(vm.hidden).power === 'running')
    throw refused(
      'generalize',
      vm,
      'the VM is running. Please power off explicitly in case you shut down the VM from inside the guest operating system',
    );
  azure.resources.setHidden(vm.id, { ...vm.hidden, generalized: true });
  return { status: 200 };
}

function bootDiagnostics(azure: Azure, call: Call): Answer {
  const vm = find(azure, virtualMachines, call);
  const view = instanceView(azure, vm);
  if (view['bootDiagnostics'] === undefined)
    throw new AzureError(409, 'OperationNotAllowed', `Boot diagnostics is not enabled for VM '${nameOf(vm.id)}'.`);
  throw new AzureError(
    400,
    'NotSimulated',
    'The content of boot diagnostics is not simulated. Simulated are the URIs in the instance view of a machine with a storage account of its own.',
  );
}

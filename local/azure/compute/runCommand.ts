import { z } from 'zod';
import { find } from '../arm/resourceRoutes';
import { stateOf } from '../arm/kind';
import { doneAt, type Azure } from '../azure';
import { type Answer, type Call, parseBody, type Route } from '../http/call';
import { AzureError, badRequest } from '../http/errors';
import { parentOf } from '../http/paths';
import { type Resource } from '../store/resources';
import { operation } from './powerActions';
import { powerOf } from './instanceView';
import { type Outcome, runScript } from './scripts';
import { builtInScript } from './scriptSources';
import { vmHidden } from './shapes';
import { virtualMachines } from './virtualMachines';

const KEPT_BYTES = 4096;
const MOST_SECONDS = 90 * 60;

const input = z.looseObject({
  commandId: z.string(),
  script: z.array(z.string()).optional(),
  parameters: z.array(z.looseObject({ name: z.string(), value: z.string() })).optional(),
});

/** Run command, the action (v1): one script at a time, 90 minutes at most, the last 4,096 bytes of its output. */
export const runCommandRoutes = (azure: Azure): readonly Route[] => [
  {
    method: 'POST',
    path: '/subscriptions/:subscriptionId/resourceGroups/:resourceGroup/providers/Microsoft.Compute/virtualMachines/:name/runCommand',
    api: 'arm',
    handle: (call) => run(azure, call),
  },
];

/** The VM that a child resource belongs to; that it is there was demanded before. */
export function machineOf(azure: Azure, id: string): Resource {
  const vm = azure.resources.get(parentOf(id));
  if (vm === undefined) throw new Error(`The VM of ${id} is not there.`);
  return vm;
}

/** A machine that can run a script, or 409 in Azure's words. */
export function demandRunning(azure: Azure, vm: Resource): void {
  if (stateOf(azure, vm) === 'Succeeded' && powerOf(azure, vm).power === 'running') return;
  throw new AzureError(409, 'OperationNotAllowed', 'Cannot modify extensions in the VM when the VM is not running.');
}

function run(azure: Azure, call: Call): Answer {
  const vm = find(azure, virtualMachines, call);
  const { commandId, script, parameters = [] } = parseBody(input, call);
  const lines = commandId === 'RunShellScript' ? script?.join('\n') : builtInScript(commandId);
  if (commandId === 'RunShellScript' && lines === undefined)
    throw badRequest('InvalidParameter', "Required parameter 'script' is missing (null).", 'script');
  if (lines === undefined)
    throw new AzureError(
      404,
      'NotFound',
      `The entity was not found in this Azure location. Run command '${commandId}' does not exist.`,
    );
  demandRunning(azure, vm);
  const { commandEndsAt } = vmHidden.parse(vm.hidden);
  if (commandEndsAt > azure.now())
    throw new AzureError(
      409,
      'Conflict',
      'Run command extension execution is in progress. Please wait for completion before invoking a run command.',
    );
  const outcome = runScript(azure, vm, lines, Object.fromEntries(parameters.map(({ name, value }) => [name, value])));
  const tooLong = outcome.seconds > MOST_SECONDS;
  const endsAt = doneAt(azure, 'runCommand') + Math.min(outcome.seconds, MOST_SECONDS) * 1000;
  azure.resources.setHidden(vm.id, { ...vm.hidden, commandEndsAt: endsAt });
  const failure = tooLong
    ? {
        code: 'VMExtensionProvisioningTimeout',
        message: `Provisioning of VM extension RunCommandLinux has timed out. Extension provisioning has taken too long to complete.`,
      }
    : null;
  const start = { ...operation(azure, vm, call), endsAt, failure, output: { value: [shown(outcome)] } };
  return { status: 202, headers: azure.operations.accepted(start) };
}

/** As recorded: one status for both streams, `succeeded` whatever the script's own exit status (azure-facts §6). */
const shown = ({ stdout, stderr }: Outcome): Record<string, string> => ({
  code: 'ProvisioningState/succeeded',
  level: 'Info',
  displayStatus: 'Provisioning succeeded',
  message: `Enable succeeded: \n[stdout]\n${lastBytes(stdout)}\n[stderr]\n${lastBytes(stderr)}`,
});

export const lastBytes = (text: string): string => Buffer.from(text).subarray(-KEPT_BYTES).toString();

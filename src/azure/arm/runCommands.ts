/** Run commands as resources (version 2), and the agent that carries them out. */
import { ComputeManagementClient } from '@azure/arm-compute';
import { armOptions, type Connection } from '../client';
import { orUndefined } from '../errors';
import type { Azure } from '../ports';
import { parseArmId } from './armId';
import { submit } from './operations';

export function runCommands(connection: Connection): Azure['runCommands'] {
  const at = (id: string) => {
    const { subscriptionId, resourceGroup, names } = parseArmId(id);
    const client = new ComputeManagementClient(connection.credential, subscriptionId, armOptions(connection));
    return { client, path: [resourceGroup, ...names] as const };
  };
  return {
    agent: async (vmId) => {
      const { client, path } = at(vmId);
      const { vmAgent } = await client.virtualMachines.instanceView(path[0], path[1]);
      const status = vmAgent?.statuses?.[0];
      return {
        // `Ready` or `Not Ready`, as the portal shows it.
        ready: status?.displayStatus === 'Ready',
        says: status?.message ?? status?.displayStatus ?? 'nothing',
      };
    },
    get: async (id) => {
      const { client, path } = at(id);
      const found = await orUndefined(
        client.virtualMachineRunCommands.getByVirtualMachine(...path, { expand: 'instanceView' }),
      );
      const view = found?.instanceView;
      return (
        found && {
          tags: found.tags ?? {},
          state: view?.executionState ?? 'Pending',
          exitCode: view?.exitCode ?? 0,
          output: view?.output ?? '',
          error: view?.error ?? '',
        }
      );
    },
    put: (id, { location, tags, script, secrets, timeoutSeconds }) => {
      const { client, path } = at(id);
      const body = {
        location,
        tags,
        source: { script },
        protectedParameters: Object.entries(secrets).map(([name, value]) => ({ name, value })),
        timeoutInSeconds: timeoutSeconds,
        // The operation then ends when the script has begun; the instance view tells of its end.
        asyncExecution: true,
      };
      return submit((options) => client.virtualMachineRunCommands.createOrUpdate(...path, body, options));
    },
    delete: (id) => {
      const { client, path } = at(id);
      return submit((options) => client.virtualMachineRunCommands.delete(...path, options));
    },
  };
}

/** `npm start`: the same processes on fixed ports, left running. State in `.local/` survives a kill and a restart. */
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { keepUpToDate } from './watch';
import { startWorld } from './world';

const root = join(__dirname, '..', '..');
const number = (text: string): number => {
  if (!(Number(text) > 0)) throw new InvalidArgumentError('It must be a positive number.');
  return Number(text);
};

interface Options {
  readonly speed: number;
  readonly state: string;
  readonly port: number;
  readonly azurePort: number;
  readonly appliancePort: number;
  readonly watch: boolean;
}

async function start({ speed, state, port, azurePort, appliancePort, watch }: Options): Promise<void> {
  const ports = { host: port, azure: azurePort, appliance: appliancePort };
  const world = await startWorld({ state, speed, ports });
  let ending: Promise<void> | undefined;
  const stopWatching = watch ? keepUpToDate(root, world, (line) => console.log(line)) : () => Promise.resolve();
  const end = (): Promise<void> => (ending ??= stopWatching().then(() => world.stop()));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end());
  console.log(`
Sentry Orchestrator runs on this machine. No Azure is touched.

  API              ${world.hostUrl}/api/deployments
  operator's key   ${world.keys.operator}   (header x-functions-key)
  simulated Azure  ${world.azureUrl}
  console          ${world.consoleUrl}/console/azure/data-collectors
  state and logs   ${state}

Try, with KEY=${world.keys.operator}

  start      curl -H "x-functions-key: $KEY" -d @samples/deployment.json ${world.hostUrl}/api/deployments
  watch      curl -H "x-functions-key: $KEY" ${world.hostUrl}/api/deployments/prod-sentry
  be there   curl -H "x-functions-key: $KEY" -d '{"done":true}' ${world.hostUrl}/api/deployments/prod-sentry/handoffs/presence-1
  console    curl -d '{"applianceAddress":"ADDRESS FROM THE HANDOFF"}' ${world.consoleUrl}/console/azure/data-collectors
  register   curl -H "x-functions-key: $KEY" -d '{"email":"…","pin":"…"}' ${world.hostUrl}/api/deployments/prod-sentry/sentries/1/registration
  announce   curl -H 'aeg-event-type: Notification' -d @samples/subscription-created.eventgrid.json '${world.hostUrl}/runtime/webhooks/eventgrid?functionName=subscriptionCreated&code=${world.keys.eventGrid}'

Ctrl-C ends it; the next start goes on where it was.`);
  const why = await Promise.race([
    world.broken,
    new Promise<undefined>((resolve) => process.on('exit', () => resolve(undefined))),
  ]);
  if (why === undefined || ending) return;
  console.error(`${why}\nStart again: nothing is lost.`);
  await end();
  process.exitCode = 1;
}

new Command('start')
  .description('Starts the local host, the simulated Azure and the simulated appliances, and leaves them running.')
  .option('--speed <X>', 'simulated seconds in a real one', number, 1)
  .option('--state <folder>', 'where all state lives', join(root, '.local', 'start'))
  .option('--port <number>', 'of the API', number, 7071)
  .option('--azure-port <number>', 'of the simulated Azure', number, 8443)
  .option('--appliance-port <number>', 'of the console and the proxy to the appliances', number, 8422)
  .option('--watch', 'compile and start the host again when a source or a setting changes', false)
  .action(start)
  .parseAsync()
  .catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });

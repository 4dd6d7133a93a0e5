/** `npm run azure`: the simulated Azure alone. */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { liveBy, nextClock, writeClock } from '../clock';
import { type AzureOptions, startAzure } from './start';
import { UserError } from './userError';

const whole = (text: string): number => {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
};
const port = (text: string): number => {
  if (whole(text) > 65_535) throw new InvalidArgumentError('A port is a number from 0 to 65535.');
  return whole(text);
};
const speed = (text: string): number => {
  if (!(Number(text) > 0 && Number.isFinite(Number(text))))
    throw new InvalidArgumentError('It must be a positive number.');
  return Number(text);
};

interface Options {
  readonly state: string;
  readonly port: number;
  readonly speed: number;
  readonly tenant: string;
  readonly subscriptions?: number;
  readonly chaos?: string | true;
  readonly seed?: string;
}

const command = new Command('azure')
  .description('A simulated Azure, on this machine only: Entra ID, Resource Manager, Microsoft Graph and Key Vault.')
  .option('--state <folder>', 'where it keeps certificates, keys and its database', '.local/azure')
  .option('--port <number>', 'port on 127.0.0.1; 0 takes any free one', port, 8443)
  .option('--speed <X>', 'simulated seconds in a real one', speed, 1)
  .option('--tenant <file>', 'the tenant that it begins with', 'samples/tenant.json')
  .option('--subscriptions <number>', 'how many watched subscriptions, instead of the tenant’s number', whole)
  .option('--chaos [seed]', 'fail now and then as Azure does; the same seed fails in the same way')
  .option('--seed <text>', 'make up the same ids in every run that asks the same')
  .addHelpText(
    'after',
    `
Its settings for a client are written to environment.json in the state folder, and the certificate authority that a
client must trust is ca.pem there. What it was asked, what it opened, and faults: https://127.0.0.1:<port>/_simulator
(docs/simulated-azure.md).`,
  );

async function main(): Promise<void> {
  const { chaos, seed, speed: wanted, ...rest } = command.parse().opts<Options>();
  const keepTime = simulateTime(join(resolve(rest.state), 'clock.json'), wanted);
  const options: AzureOptions = { ...rest, seed, chaos: chaos === true ? '1' : chaos };
  const azure = await startAzure(options);
  keepTime();
  console.log(
    `The simulated Azure serves at ${azure.url}; its settings are in ${join(rest.state, 'environment.json')}.`,
  );
  if (options.chaos !== undefined) console.log(`Chaos is on, with the seed '${options.chaos}'.`);
  console.log('Press Ctrl+C to stop.');
  let isStopping = false;
  const stop = (): void => {
    // The second signal does not wait.
    if (isStopping) process.exit(1);
    isStopping = true;
    void azure.close().then(() => process.exit(0));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

/**
 * Simulated time, from before anything reads a clock. A state folder that has lived in it goes on in it; a launcher
 * that has set the time for all its programs is not contradicted.
 * @returns what writes the clock down: for when all is well, because bad input leaves nothing behind
 */
function simulateTime(file: string, wanted: number): () => void {
  if ((process.env['SIMULATED_CLOCK'] ?? '') !== '' || (wanted === 1 && !existsSync(file))) return () => undefined;
  try {
    const clock = nextClock(file, wanted);
    liveBy(clock);
    return () => {
      mkdirSync(dirname(file), { recursive: true });
      writeClock(file, clock);
    };
  } catch (error) {
    throw new UserError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof UserError ? error.message : error);
  process.exit(1);
});

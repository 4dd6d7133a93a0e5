import { InvalidArgumentError, program } from 'commander';
import { startAzure } from './start';

const whole = (text: string): number => {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
};

interface Options {
  readonly state: string;
  readonly port: number;
  readonly tenant: string;
  readonly subscriptions?: number;
}

const options = program
  .name('azure')
  .description('The simulated Azure, on this machine only.')
  .option('--state <folder>', 'where it keeps certificates, keys and its database', '.local/azure')
  .option('--port <number>', 'port on 127.0.0.1; 0 takes any free one', whole, 8443)
  .option('--tenant <file>', 'the tenant that it begins with', 'samples/tenant.json')
  .option('--subscriptions <number>', 'how many watched subscriptions, instead of the tenant’s number', whole)
  .parse()
  .opts<Options>();

async function main(): Promise<void> {
  const azure = await startAzure(options);
  console.log(`The simulated Azure serves at ${azure.url}; its settings are in ${options.state}/environment.json.`);
  const stop = (): void => void azure.close().then(() => process.exit(0));
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});

/** `node dist/local/appliance/main.js --azure https://127.0.0.1:8443`: the simulated appliances as a process. */
import { Command } from 'commander';
import { z } from 'zod';
import { startAppliances } from './start';

const optionsSchema = z.object({
  azure: z.url(),
  state: z.string(),
  port: z.coerce.number().int().min(0).max(65_535),
  appAddress: z.union([z.ipv4(), z.ipv6()]),
  appPrivateAddress: z.ipv4().optional(),
  askExtra: z.string().optional(),
});

async function main(): Promise<void> {
  const command = new Command('appliance')
    .description('The simulated Sentry appliances of a tenant, their console, and the proxy that leads to them.')
    .requiredOption('--azure <url>', 'the simulated Azure')
    .option('--state <folder>', 'where to remember things', '.local/appliance')
    .option('--port <number>', 'the port of console and proxy', '8422')
    .option('--app-address <ip>', "the address that the app's connections come from", '203.0.113.10')
    .option('--app-private-address <ip>', "the app's address in a network that reaches the appliances' own")
    .option('--ask-extra <text>', 'one more question of the set-up script, which no guide tells of')
    .parse();
  const options = optionsSchema.safeParse(command.opts());
  if (!options.success) return command.error(z.prettifyError(options.error));
  const { url } = await startAppliances(options.data);
  console.log(`Appliances and console: ${url}`);
}

void main();

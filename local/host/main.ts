/** The host's command line: `node dist/local/host/main.js [app folder]`. */
import { Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { AppError } from './app/loadApp';
import { messageOf } from './log';
import { type RunningHost, startHost } from './startHost';

const port = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65_535)
    throw new InvalidArgumentError('A port is a number from 0 to 65535.');
  return value;
};

const command = new Command('host')
  .description(
    'Runs an Azure Functions app (Node, v4 model) with Durable Functions on this machine, without the .NET host.',
  )
  .argument('[folder]', "the app's folder, with host.json and package.json", '.')
  .option('--port <number>', 'port on 127.0.0.1; 0 for any that is free', port, 7071)
  .option('--state <folder>', 'where keys and durable state are kept', '.local/host')
  .option('--memory', 'keep durable state in memory only', false)
  .option('--strict', "keep Azure's oddities, too: what never ends there never ends here", false);

const optionsSchema = z.object({ port: z.number(), state: z.string(), memory: z.boolean(), strict: z.boolean() });

async function main(): Promise<void> {
  command.parse();
  const { port: chosen, state, memory, strict } = optionsSchema.parse(command.opts());
  const folder = z.string().parse(command.processedArgs[0]);
  const host = await startHost({ folder, port: chosen, stateFolder: state, memory, strict });
  let closing = false;
  const stop = (): void => {
    // The second signal does not wait.
    if (closing) process.exit(1);
    closing = true;
    void host.close().then(() => process.exit(0));
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  print(host);
}

function print({ url, routes, others }: RunningHost): void {
  const lines = [
    '',
    'Functions:',
    '',
    ...routes.map(({ name, methods, path }) => `\t${name}: [${methods.join(',')}] ${url}${path}`),
    ...others.map(({ name, trigger }) => `\t${name}: ${trigger}`),
    '',
    `Host is running on ${url}. Press Ctrl+C to stop.`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

main().catch((error: unknown) => {
  const text =
    error instanceof AppError
      ? error.message
      : error instanceof Error
        ? (error.stack ?? error.message)
        : messageOf(error);
  process.stderr.write(`${text}\n`);
  process.exit(1);
});

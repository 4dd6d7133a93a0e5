/** The host's command line: `node dist/local/host/main.js [app folder]`. */
import { existsSync, statSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { liveBy, nextClock, writeClock } from '../clock';
import { AppError } from './appError';
import { messageOf, stackOf } from './log';
import { GRACE_MS, type RunningHost, startHost } from './startHost';
import { supervise } from './supervise';

const port = (text: string): number => {
  if (!/^\d+$/.test(text) || Number(text) > 65_535)
    throw new InvalidArgumentError('A port is a number from 0 to 65535.');
  return Number(text);
};
const speed = (text: string): number => {
  if (!(Number(text) > 0 && Number.isFinite(Number(text))))
    throw new InvalidArgumentError('It must be a positive number.');
  return Number(text);
};

const command = new Command('host')
  .description(
    'Runs an Azure Functions app (Node, v4 model) with Durable Functions on this machine, without the .NET host.',
  )
  .argument('[folder]', "the app's folder, with host.json and package.json", '.')
  .option('--port <number>', 'port on 127.0.0.1; 0 for any that is free', port, 7071)
  .option('--state <folder>', "where keys and durable state are kept (default: .local/host in the app's folder)")
  .option('--memory', 'keep durable state in memory only', false)
  .option('--strict', "reproduce Azure's oddities that are mended otherwise", false)
  .option('--speed <X>', 'simulated seconds in a real one', speed, 1)
  .option('--watch', 'start again when the app changes', false);

const optionsSchema = z.object({
  port: z.number(),
  state: z.string().optional(),
  memory: z.boolean(),
  strict: z.boolean(),
  speed: z.number(),
  watch: z.boolean(),
});
type Options = z.infer<typeof optionsSchema>;

async function main(): Promise<void> {
  command.parse();
  const options = optionsSchema.parse(command.opts());
  const folder = resolve(z.string().parse(command.processedArgs[0]));
  if (options.watch && existsSync(folder)) {
    const parameters = process.argv.slice(2).filter((one) => one !== '--watch');
    process.exit(await supervise(__filename, folder, parameters));
  }
  await run(folder, options);
}

async function run(folder: string, { state, memory, strict, speed, port }: Options): Promise<void> {
  const stateFolder = resolve(state ?? join(folder, '.local', 'host'));
  // Node keeps what it compiles from the second start on: a fifth of the start of an app with many packages.
  if (existsSync(stateFolder)) enableCompileCache(join(stateFolder, 'compiled'));
  const keepTime = simulateTime(join(stateFolder, 'clock.json'), speed);
  // Where the worker runs, too: apps read files by paths that start there.
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) process.chdir(folder);
  const host = await startHost({ folder, port, stateFolder, memory, strict });
  if (!memory) keepTime();
  let closing = false;
  const stop = (): void => {
    // The second signal does not wait.
    if (closing) process.exit(1);
    closing = true;
    process.stdout.write(
      `Stopping. Activities have ${GRACE_MS / 1000} seconds to end; a second Ctrl+C does not wait.\n`,
    );
    void host.close().then(() => process.exit(0));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  // Under a supervisor the channel closes when it is gone, however it went.
  if (process.send) {
    process.on('disconnect', stop);
    process.send({ port: host.port });
  }
  print(host, join(stateFolder, 'keys.json'));
}

/**
 * Simulated time, from before the app loads. A state folder that has lived in it goes on in it.
 * @returns what writes the clock down: for when all is well, because bad input leaves nothing behind
 */
function simulateTime(file: string, speed: number): () => void {
  if (speed === 1 && !existsSync(file)) return () => undefined;
  try {
    const clock = nextClock(file, speed);
    liveBy(clock);
    return () => writeClock(file, clock);
  } catch (error) {
    throw new AppError(`${file} cannot be read: ${messageOf(error)}`);
  }
}

function print({ url, routes, others }: RunningHost, keysFile: string): void {
  const lines = [
    '',
    'Functions:',
    '',
    ...routes.map(({ name, methods, path }) => `\t${name}: [${methods?.join(',') ?? 'any method'}] ${url}${path}`),
    ...others.map(({ name, trigger }) => `\t${name}: ${trigger}`),
    '',
    `Keys of functions, admin and webhooks: ${keysFile}`,
    `Host is running on ${url}. Press Ctrl+C to stop.`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof AppError ? error.message : stackOf(error)}\n`);
  process.exit(1);
});

/** `npm run demo`: the main job from the first request to the receipts, on this machine. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { Administrator } from './administrator';
import { readClock, simulatedNow } from './clock';
import { type Display, liveDisplay, plainDisplay } from './display';
import { planLine, report, summary } from './report';
import { freePorts } from './ports';
import { startWorld, type World } from './world';

interface Options {
  readonly subscriptions?: number;
  readonly identity?: string;
  readonly speed: number;
  readonly json: boolean;
  readonly keep: boolean;
  readonly chaos?: string | true;
}

/** `--chaos` alone names no seed. */
const FIRST_SEED = '1';
const seedOf = ({ chaos }: Options): string | undefined => (chaos === true ? FIRST_SEED : chaos);

/** What the simulated tenant holds at most, and what one request of 1 MiB can list. */
const MOST_SUBSCRIPTIONS = 10_000;
const wholeNumber =
  (least: number, most: number) =>
  (text: string): number => {
    if (!/^\d+$/.test(text) || Number(text) < least || Number(text) > most) {
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    }
    return Number(text);
  };
const root = join(__dirname, '..', '..');
const sample = z.looseObject({ name: z.string(), tenantId: z.string(), subscriptions: z.looseObject({}) });

/** The sample's request, changed as the options say. Watched subscriptions have running numbers in the simulated tenant. */
function requestOf({ subscriptions, identity }: Options, tenantId: string): z.infer<typeof sample> {
  const request = sample.parse(JSON.parse(readFileSync(join(root, 'samples', 'deployment.json'), 'utf8')));
  const ids = Array.from(
    { length: subscriptions ?? 0 },
    (_, index) => `5b000000-0000-4000-8000-${String(index + 1).padStart(12, '0')}`,
  );
  return {
    ...request,
    tenantId,
    ...(identity === undefined ? {} : { identity: { kind: identity } }),
    ...(subscriptions === undefined
      ? {}
      : { subscriptions: { ...request.subscriptions, include: [{ kind: 'ids', ids }] } }),
  };
}

const signals = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const;

async function demo(options: Options): Promise<boolean> {
  mkdirSync(join(root, '.local'), { recursive: true });
  const state = mkdtempSync(join(root, '.local', 'demo-'));
  // With --json standard output belongs to the document alone.
  const write = (line: string): void => void (options.json ? process.stderr : process.stdout).write(`${line}\n`);
  write('Starting the simulated Azure, the simulated appliances and the local host …');
  const chaos = seedOf(options);
  const remove = (): void => rmSync(state, { recursive: true, force: true });
  const world = await startWorld({
    state,
    speed: options.speed,
    ports: await freePorts(),
    ...(options.subscriptions === undefined ? {} : { subscriptions: options.subscriptions }),
    ...(chaos === undefined ? {} : { chaos }),
  }).catch((error: unknown) => {
    if (!options.keep) remove();
    throw error;
  });
  let tidying: Promise<void> | undefined;
  const tidy = (): Promise<void> =>
    (tidying ??= world.stop().then(() => (options.keep ? write(`State and logs are kept in ${state}`) : remove())));
  // `on`, not `once`: the live display restores the cursor on a signal and ends the process when nobody else listens.
  for (const [signal, code] of signals) process.on(signal, () => void tidy().then(() => process.exit(code)));
  try {
    const failed = world.broken.then((why) => Promise.reject(new Error(why)));
    return await Promise.race([play(world, options, write), failed]);
  } finally {
    await tidy();
  }
}

async function play(world: World, options: Options, write: (line: string) => void): Promise<boolean> {
  const request = requestOf(options, world.environment['AZURE_TENANT_ID'] ?? '');
  const administrator = new Administrator(world);
  const display: Display = process.stdout.isTTY && !options.json ? liveDisplay() : plainDisplay(write);
  const clock = readClock(world.clockFile);
  write(planLine(await administrator.plan(request)));
  await administrator.start(request);
  const shown = await administrator.seeThrough(request.name, (state) =>
    display.show(state, new Date(simulatedNow(clock)).toISOString().slice(11, 19)),
  );
  display.end();
  const told = report(shown, await world.askAzure('/_simulator/requests'), seedOf(options));
  if (options.json) process.stdout.write(`${JSON.stringify(told, null, 2)}\n`);
  else write(summary(shown, told));
  return told.state === 'completed' && told.windows.every(({ provenClosed }) => provenClosed);
}

new Command('demo')
  .description('Deploys Sentries for 60 subscriptions to a simulated Azure on this machine, and shows how.')
  .option(
    '--subscriptions <N>',
    `how many to watch, 50 to a Sentry, at most ${MOST_SUBSCRIPTIONS} (default: the sample's 60)`,
    wholeNumber(1, MOST_SUBSCRIPTIONS),
  )
  .addOption(
    new Option('--identity <kind>', "the guide's option 1 or 2 (default: managedIdentity)").choices([
      'managedIdentity',
      'appRegistration',
    ]),
  )
  .option('--speed <X>', 'simulated seconds in a real one', wholeNumber(1, 3_600), 20)
  .option('--chaos [seed]', 'Azure fails now and then, as it does; the summary says how (default seed: 1)')
  .option('--json', 'one JSON document on standard output and nothing else there', false)
  .option('--keep', 'keep the state and the logs afterwards', false)
  .action(async (options: Options) => {
    process.exitCode = (await demo(options)) ? 0 : 1;
  })
  .parseAsync()
  .catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });

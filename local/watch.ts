/** `npm start -- --watch`: sources are compiled as they change, and the host starts again with what came of it. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { isAppFile, watchTree } from './host/watchTree';
import { type World } from './world';

/** What it compiles tells of itself once, when all of it is written. */
const isSettings = (path: string): boolean =>
  (isAppFile(path) && path.endsWith('.json')) || /^profiles\/.+\.json$/.test(path.replaceAll('\\', '/'));
const isSource = (path: string): boolean => /^(src|local|types)\/.+\.ts$/.test(path.replaceAll('\\', '/'));

/**
 * A build that fails writes nothing: the host goes on with what it has. A host that does not start is started at the
 * next change.
 * @param folder of the sources, the compiler and the app
 * @returns what ends it, when no build and no restart is in hand any more
 */
export function keepUpToDate(
  folder: string,
  world: Pick<World, 'restartHost'>,
  say: (line: string) => void,
): () => Promise<void> {
  const restart = once(async () => {
    say('The app changed: the host starts again …');
    await world.restartHost().then(
      () => say('The host runs.'),
      (error: unknown) =>
        say(`${error instanceof Error ? error.message : String(error)}\nIt is tried again at the next change.`),
    );
  });
  const build = once(async () => {
    const { succeeded, output } = await compile(folder);
    if (succeeded) restart.due();
    else say(`${output.trimEnd()}\nThat does not compile: the host goes on with what it has.`);
  });
  const stops = [watchTree(folder, isSource, build.due), watchTree(folder, isSettings, restart.due)];
  return async () => {
    stops.forEach((stop) => stop());
    await Promise.all([build.end(), restart.end()]);
  };
}

/** Does a thing each time that it is due: never twice at once, and once more when it became due meanwhile. */
function once(act: () => Promise<void>): { due: () => void; end: () => Promise<void> } {
  let acting: Promise<void> | undefined;
  let isDue = false;
  const work = async (): Promise<void> => {
    while (isDue) {
      isDue = false;
      await act();
    }
    acting = undefined;
  };
  return {
    due: () => {
      isDue = true;
      acting ??= work();
    },
    end: async () => {
      isDue = false;
      await acting;
    },
  };
}

function compile(folder: string): Promise<{ succeeded: boolean; output: string }> {
  const compiler = join(folder, 'node_modules', '@typescript', 'native', 'bin', 'tsc');
  const parameters = ['-p', 'tsconfig.build.json', '--noEmitOnError', '--pretty', 'false'];
  // A group of its own: Ctrl-C is for the launcher, which waits for it.
  const child = spawn(process.execPath, [compiler, ...parameters], { cwd: folder, detached: true });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve) => child.once('close', (code) => resolve({ succeeded: code === 0, output })));
}

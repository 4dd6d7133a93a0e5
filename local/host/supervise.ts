/** `--watch`: the host as a child, started again whenever the app changes. Its state is on disk and goes on. */
import { type ChildProcess, fork } from 'node:child_process';
import { z } from 'zod';
import { isAppFile, watchTree } from './watchTree';

/** What the child says once it answers. */
const runningSchema = z.object({ port: z.number() });

/** Longer than the host takes to end in order. */
const PATIENCE_MS = 10_000;

/**
 * @param program the host's own file
 * @param parameters its command line, without `--watch`
 * @returns the exit code, after a signal or when the first host never ran
 */
export function supervise(program: string, folder: string, parameters: readonly string[]): Promise<number> {
  return new Promise((resolve) => {
    let child: ChildProcess | undefined;
    let port: number | undefined;
    let isStopping = false;
    let isDue = false;

    const start = (): void => {
      isDue = false;
      // Whoever uses the app goes on at the same address.
      const samePort = port === undefined ? [] : ['--port', String(port)];
      child = fork(program, [...parameters, ...samePort], {
        // A group of its own: Ctrl-C reaches the supervisor alone, which then ends the host in order.
        detached: true,
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      });
      child.once('message', (message) => (port = runningSchema.parse(message).port));
      child.once('exit', (code) => {
        child = undefined;
        if (isStopping || (port === undefined && !isDue)) finish(code ?? 1);
        else if (isDue) start();
        else say('The host ended. It starts again when the app changes.');
      });
    };
    const end = (one: ChildProcess): void => {
      const impatience = setTimeout(() => one.kill('SIGKILL'), PATIENCE_MS);
      one.once('exit', () => clearTimeout(impatience));
      one.kill('SIGTERM');
    };
    const stopWatching = watchTree(folder, isAppFile, () => {
      if (isStopping || isDue) return;
      say('The app changed: the host starts again.');
      if (!child) return start();
      isDue = true;
      end(child);
    });
    const finish = (code: number): void => {
      stopWatching();
      resolve(code);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => {
        // The host hears the second one too, and does not wait.
        if (isStopping) return void child?.kill('SIGTERM');
        isStopping = true;
        if (child) end(child);
        else finish(0);
      });
    start();
  });
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

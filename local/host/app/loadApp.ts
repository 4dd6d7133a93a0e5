/** Loads an app as the worker does: package.json, `main` as a glob, each file, then the appStart hooks (contract 2.2). */
import { existsSync, globSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Server } from 'node:net';
import { extname, join, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { AppError } from '../appError';
import { readJsonFile } from '../jsonFile';
import { type Log, messageOf, oneLine } from '../log';
import { appHookData, installCore, lockRegistration, type RegisteredFunction, runHooks } from './core';
import { type ProgrammingModel } from './coreTypes';

const packageSchema = z.looseObject({ main: z.string().min(1).optional(), type: z.string().optional() });

export interface LoadedApp {
  readonly functions: readonly RegisteredFunction[];
  readonly model: ProgrammingModel;
  /** The port of the library's own server, when the app asked for HTTP streams. */
  readonly streamPort: number | undefined;
}

/** @throws AppError when the folder holds no app, or the app does not load */
export async function loadApp(folder: string, log: Log): Promise<LoadedApp> {
  const { main, isModule } = readPackage(folder);
  const files = globSync(main, { cwd: folder })
    .filter((file) => statSync(join(folder, file)).isFile())
    .sort();
  if (files.length === 0)
    throw new AppError(`No file matches "main": "${main}" of ${join(folder, 'package.json')}. Build the app first?`);
  warnOfOldLibrary(folder, log);
  installCore(log);
  forgetFiles(folder);
  for (const file of files) await loadFile(join(folder, file), isModule, folder);
  await startApp(folder);
  const { functions, model } = lockRegistration();
  if (!model || functions.length === 0) throw new AppError(`The app in ${folder} registers no functions.`);
  const { HttpUri } = await onLoopback(
    () => model.getCapabilities?.({}) ?? Promise.resolve<Record<string, string>>({}),
  );
  return {
    functions: functions.filter(({ metadata }) => !isDisabled(metadata.name)),
    model,
    streamPort: HttpUri === undefined ? undefined : Number(new URL(HttpUri).port),
  };
}

function readPackage(folder: string): { main: string; isModule: boolean } {
  if (!existsSync(folder)) throw new AppError(`There is no folder ${folder}.`);
  const path = join(folder, 'package.json');
  if (!existsSync(path)) throw new AppError(`There is no package.json in ${folder}.`);
  const { main, type } = readJsonFile(path, packageSchema);
  if (main === undefined) {
    const old = globSync('*/function.json', { cwd: folder }).length > 0;
    const more = old ? ' Apps of the older model, with a function.json for each function, are not run.' : '';
    throw new AppError(`${path} has no "main": it names the files that register the functions.${more}`);
  }
  return { main, isModule: type === 'module' };
}

/** Timers of durable-functions before 3.4 call what Node 23 took away: the error they end in says nothing of that. */
function warnOfOldLibrary(folder: string, log: Log): void {
  const [path] = (createRequire(join(folder, 'package.json')).resolve.paths('durable-functions') ?? [])
    .map((packages) => join(packages, 'durable-functions', 'package.json'))
    .filter((file) => existsSync(file));
  if (path === undefined) return;
  const { version } = readJsonFile(path, z.looseObject({ version: z.string() }));
  if (/^3\.[0-3]\./.test(version))
    log(
      'warning',
      'host',
      `durable-functions ${version} cannot make timers on Node ${process.version}: update it to 3.4`,
    );
}

/** A second load in one process must run the app's own files again; its libraries stay (contract 11). */
function forgetFiles(folder: string): void {
  const { cache } = createRequire(__filename);
  for (const file of Object.keys(cache)) {
    if (file.startsWith(folder + sep) && !file.includes(`${sep}node_modules${sep}`))
      Reflect.deleteProperty(cache, file);
  }
}

/** @throws AppError: an entry point that does not load is fatal, as with the worker since Node 20 */
async function loadFile(path: string, isModule: boolean, folder: string): Promise<void> {
  const extension = extname(path);
  try {
    if (extension === '.mjs' || (isModule && extension !== '.cjs')) await import(pathToFileURL(path).href);
    else createRequire(path)(path);
  } catch (error) {
    throw new AppError(`${path} failed to load: ${withPlace(error, folder)}`);
  }
}

async function startApp(folder: string): Promise<void> {
  try {
    await runHooks('appStart', { hookData: appHookData(), appHookData: appHookData(), functionAppDirectory: folder });
  } catch (error) {
    throw new AppError(`The app in ${folder} did not start: ${withPlace(error, folder)}`);
  }
}

/** What was thrown, and the first place in the app's own files that its stack names. */
function withPlace(error: unknown, folder: string): string {
  if (!(error instanceof Error)) return oneLine(messageOf(error));
  const isOwn = (line: string): boolean => line.includes(folder + sep) && !line.includes(`node_modules${sep}`);
  const lines = (error.stack ?? '').split('\n').filter(isOwn);
  const place = lines.flatMap((line) => /[^\s(]+:\d+(?=\)?$)/.exec(line)?.[0] ?? [])[0];
  const message = whatIsMissing(error) ?? error.message;
  return oneLine(`${error.name}: ${message}${place === undefined ? '' : ` (${place})`}`);
}

/** A package that is not there, and the file that asks for it: not the list of all files that led to that one. */
function whatIsMissing({ message }: Error): string | undefined {
  const [, found, file] =
    /^(Cannot find (?:module|package) '(?![./])[^']+')(?:.*\nRequire stack:\n- | imported from )(.+)/.exec(message) ??
    [];
  return found === undefined ? undefined : `${found}, asked for in ${file}. Install the app's packages: npm install`;
}

/** The library's server for streams would listen on every address of this machine. It calls `listen` before it first waits. */
function onLoopback<T>(start: () => Promise<T>): Promise<T> {
  const listen: unknown = Reflect.get(Server.prototype, 'listen');
  if (typeof listen !== 'function') return start();
  Reflect.set(Server.prototype, 'listen', function (this: Server, ...given: unknown[]): unknown {
    const server: unknown = Reflect.apply(listen, this, [0, '127.0.0.1', ...given]);
    return server;
  });
  try {
    return start();
  } finally {
    Reflect.set(Server.prototype, 'listen', listen);
  }
}

/** A setting switches a function off, as on Azure. */
const isDisabled = (name: string): boolean => /^(true|1)$/i.test(process.env[`AzureWebJobs.${name}.Disabled`] ?? '');

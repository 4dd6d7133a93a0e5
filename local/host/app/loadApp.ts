/** Loads an app as the worker does: package.json, `main` as a glob, each file, then the appStart hooks (contract 2.2). */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname, join, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { type Log, messageOf } from '../log';
import { appHookData, installCore, lockRegistration, type RegisteredFunction, runHooks } from './core';
import { type ProgrammingModel } from './coreTypes';

const packageSchema = z.looseObject({ main: z.string().min(1).optional(), type: z.string().optional() });

/** What is wrong with the app or its folder: shown to the user in one line, without a stack. */
export class AppError extends Error {
  override readonly name = 'AppError';
}

export interface LoadedApp {
  readonly functions: readonly RegisteredFunction[];
  readonly model: ProgrammingModel;
}

/** @throws AppError when the folder holds no app, or the app does not load */
export async function loadApp(folder: string, log: Log): Promise<LoadedApp> {
  const { main, isModule } = readPackage(folder);
  const files = globSync(main, { cwd: folder }).sort();
  if (files.length === 0)
    throw new AppError(`No file matches "main": "${main}" of ${join(folder, 'package.json')}. Build the app first?`);
  installCore(log);
  forgetFiles(folder);
  for (const file of files) await loadFile(join(folder, file), isModule);
  await runHooks('appStart', { hookData: appHookData(), appHookData: appHookData(), functionAppDirectory: folder });
  const { functions, model } = lockRegistration();
  if (!model || functions.length === 0) throw new AppError(`The app in ${folder} registers no functions.`);
  const capabilities = await model.getCapabilities({});
  if (capabilities.HttpUri !== undefined)
    throw new AppError('app.setup({ enableHttpStream: true }) is not supported yet by the local host.');
  return { functions, model };
}

function readPackage(folder: string): { main: string; isModule: boolean } {
  if (!existsSync(folder)) throw new AppError(`There is no folder ${folder}.`);
  const path = join(folder, 'package.json');
  if (!existsSync(path)) throw new AppError(`There is no package.json in ${folder}.`);
  const found = packageSchema.safeParse(parseJson(path));
  if (!found.success) throw new AppError(`${path} cannot be read: ${z.prettifyError(found.error)}`);
  const { main, type } = found.data;
  if (main === undefined) throw new AppError(`${path} has no "main": it names the files that register the functions.`);
  return { main, isModule: type === 'module' };
}

function parseJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new AppError(`${path} cannot be read: ${messageOf(error)}`);
  }
}

/** A second load in one process must run the app's own files again; its libraries stay (contract 11). */
function forgetFiles(folder: string): void {
  const { cache } = createRequire(__filename);
  for (const file of Object.keys(cache)) {
    if (file.startsWith(folder + sep) && !file.includes(`${sep}node_modules${sep}`))
      Reflect.deleteProperty(cache, file);
  }
}

async function loadFile(path: string, isModule: boolean): Promise<void> {
  const extension = extname(path);
  try {
    if (extension === '.mjs' || (isModule && extension !== '.cjs')) await import(pathToFileURL(path).href);
    else createRequire(path)(path);
  } catch (error) {
    // An entry point that does not load is fatal, as with the worker since Node 20.
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    throw new AppError(`${path} failed to load: ${stack}`);
  }
}

/**
 * The `@azure/functions-core` that the worker gives to the libraries. They keep the first one they see, for good,
 * so there is one object for the life of the process, and a new app only empties its tables (contract 11).
 */
import Module, { registerHooks } from 'node:module';
import { type Log, logToStderr } from '../log';
import {
  type CoreLogLevel,
  type FunctionCallback,
  type FunctionMetadata,
  type HookCallback,
  type ProgrammingModel,
} from './coreTypes';

const HOOKS = ['appStart', 'appTerminate', 'preInvocation', 'postInvocation', 'log'] as const;
type HookName = (typeof HOOKS)[number];

export interface RegisteredFunction {
  readonly metadata: FunctionMetadata;
  readonly callback: FunctionCallback;
}

class CoreTables {
  readonly functions = new Map<string, RegisteredFunction>();
  readonly hooks = new Map<HookName, HookCallback[]>();
  readonly appHookData: Record<string, unknown> = {};
  locked = false;
  log: Log = logToStderr;
}
/** Outlives an app: the library sets it once, at the first function of the first app. */
let model: ProgrammingModel | undefined;
let tables = new CoreTables();

class Disposable {
  constructor(private readonly undo: () => void) {}
  dispose(): void {
    this.undo();
  }
}

const isHookName = (name: string): name is HookName => HOOKS.some((known) => known === name);

function registerHook(name: string, callback: HookCallback): Disposable {
  if (!isHookName(name)) {
    // The library knows an old host by exactly this.
    throw Object.assign(new RangeError(`Unrecognized hook "${name}"`), { isAzureFunctionsSystemError: true });
  }
  const { hooks } = tables;
  hooks.set(name, [...(hooks.get(name) ?? []), callback]);
  return new Disposable(() =>
    hooks.set(
      name,
      (hooks.get(name) ?? []).filter((other) => other !== callback),
    ),
  );
}

function registerFunction(metadata: FunctionMetadata, callback: FunctionCallback): Disposable {
  if (tables.locked) throw new Error('A function can only be registered during app startup.');
  const id = metadata.functionId ?? metadata.name;
  const { functions } = tables;
  if (functions.has(id)) throw new Error(`A function with id "${id}" has already been registered.`);
  functions.set(id, { metadata, callback });
  return new Disposable(() => functions.delete(id));
}

const facade = {
  version: '3.9.1',
  hostVersion: '4.1037.0',
  registerHook,
  registerFunction,
  setProgrammingModel: (given: ProgrammingModel): void => void (model = given),
  getProgrammingModel: (): ProgrammingModel | undefined => model,
  /** Its presence is how the library knows a host of 4.28 or later. */
  log: (level: CoreLogLevel, category: string, message: string): void => runLogHooks(level, category, message),
  Disposable,
};

/** `invocationContext` is the app's own context, where the line belongs to an invocation. */
export function runLogHooks(
  level: CoreLogLevel,
  category: string,
  message: string,
  source = category,
  invocationContext?: unknown,
): void {
  const context = { level, category, message, hookData: {}, appHookData: tables.appHookData, invocationContext };
  for (const hook of tables.hooks.get('log') ?? []) hook(context);
  tables.log(context.level, source, context.message);
}

/** Runs the hooks of a name one after the other on the same context. */
export async function runHooks(name: HookName, context: Record<string, unknown>): Promise<void> {
  for (const hook of tables.hooks.get(name) ?? []) await hook(context);
}

export const appHookData = (): Record<string, unknown> => tables.appHookData;

interface Loader {
  _load(request: string, parent: unknown, isMain: boolean): unknown;
}
const NAME = '@azure/functions-core';
/** Where an ES module finds the facade: it can be given source text only. */
const GLOBAL = 'azureFunctionsCore';
const MODULE_URL = 'functions-core:facade';
let installed = false;
/** Must come before the first file of the app: a library that finds no core falls silent for good (contract 2.1). */
export function installCore(log: Log): void {
  tables = new CoreTables();
  tables.log = log;
  if (installed) return;
  installed = true;
  const loader = Module as unknown as Loader; // `_load` is not in Node's types; the worker hooks the same place
  const load = loader._load.bind(Module);
  loader._load = (request, parent, isMain) => (request === NAME ? facade : load(request, parent, isMain));
  installForModules();
}

function installForModules(): void {
  Object.defineProperty(globalThis, Symbol.for(GLOBAL), { value: facade });
  const source = `const core = globalThis[Symbol.for('${GLOBAL}')];
    export default core;
    export const { ${Object.keys(facade).join(', ')} } = core;`;
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === NAME ? { url: MODULE_URL, format: 'module', shortCircuit: true } : next(specifier, context),
    load: (url, context, next) =>
      url === MODULE_URL ? { source, format: 'module', shortCircuit: true } : next(url, context),
  });
}

/** No function may be registered from here on. @returns those that were, and the model that runs them */
export function lockRegistration(): { functions: readonly RegisteredFunction[]; model: ProgrammingModel | undefined } {
  tables.locked = true;
  return { functions: [...tables.functions.values()], model };
}

/** One invocation of a function, as the worker does it (contract 2.3). */
import { randomUUID } from 'node:crypto';
import { appHookData, type RegisteredFunction, runHooks, runLogHooks } from './core';
import { type CoreInvocationContext, type ProgrammingModel, type TypedData } from './coreTypes';

export interface TriggerValue {
  readonly data: TypedData;
  /** What the function gets in place of `data`, as it is. */
  readonly object?: unknown;
  /** As a function where it costs much to make and is seldom read. */
  readonly metadata?: Metadata | (() => Metadata);
  /** A streamed request is known by it on both its ways to the function. */
  readonly invocationId?: string;
}
type Metadata = Readonly<Record<string, TypedData>>;
interface Failed {
  readonly ok: false;
  readonly error: unknown;
}
export type Invoked =
  | {
      readonly ok: true;
      readonly value: TypedData | null | undefined;
      /** The function itself returned nothing. A streamed answer leaves `value` empty too. */
      readonly isNothing: boolean;
    }
  | Failed;

/** Runs a function of the app. `durableClient` is the value of each durable client binding. Never rejects. */
export async function invokeFunction(
  model: ProgrammingModel,
  registered: RegisteredFunction,
  trigger: TriggerValue,
  durableClient: string,
): Promise<Invoked> {
  try {
    const { invocation, appContext, result, error } = await run(model, registered, trigger, durableClient);
    // `throw undefined` and `throw null` count as success, as with the worker.
    if (error !== undefined && error !== null) return { ok: false, error };
    const { returnValue } = await invocation.getResponse(appContext, result);
    return { ok: true, value: returnValue, isNothing: result === undefined || result === null };
  } catch (error) {
    return { ok: false, error };
  }
}

/** The same for a function whose answer is read as the object it is, and not sent anywhere. */
export async function invokeForObject(
  model: ProgrammingModel,
  registered: RegisteredFunction,
  trigger: TriggerValue,
): Promise<{ readonly ok: true; readonly value: unknown } | (Failed & { readonly appContext?: unknown })> {
  try {
    const { appContext, result, error } = await run(model, registered, trigger, '');
    return error !== undefined && error !== null ? { ok: false, error, appContext } : { ok: true, value: result };
  } catch (error) {
    return { ok: false, error };
  }
}

async function run(
  model: ProgrammingModel,
  { metadata, callback }: RegisteredFunction,
  trigger: TriggerValue,
  durableClient: string,
) {
  const invocationId = trigger.invocationId ?? randomUUID();
  /** What log hooks see: there is none until the arguments are read. */
  const seen: { invocationContext?: unknown } = {};
  const context: CoreInvocationContext = {
    invocationId,
    request: {
      invocationId,
      functionId: metadata.functionId ?? metadata.name,
      inputData: inputData(metadata.bindings, trigger.data, durableClient),
      triggerMetadata: typeof trigger.metadata === 'function' ? {} : (trigger.metadata ?? {}),
    },
    metadata,
    log: (level, category, message) => runLogHooks(level, category, message, metadata.name, seen.invocationContext),
  };
  const invocation = model.getInvocationModel(context);
  const { context: appContext, inputs } = await invocation.getArguments();
  if (trigger.object !== undefined) inputs[0] = trigger.object;
  if (typeof trigger.metadata === 'function') defineMetadata(appContext, trigger.metadata);
  seen.invocationContext = appContext;
  const base = { hookData: {}, appHookData: appHookData(), ...seen };
  const before = { ...base, inputs, functionCallback: callback };
  context.state = 'preInvocationHooks';
  await runHooks('preInvocation', before);
  context.state = 'invocation';
  const outcome = await invocation.invokeFunction(appContext, before.inputs, before.functionCallback).then(
    (result: unknown) => ({ result, error: null }),
    (error: unknown) => ({ result: null, error }),
  );
  const after = { ...base, inputs: before.inputs, ...outcome };
  context.state = 'postInvocationHooks';
  // The hooks may replace `result` and `error` in place.
  await runHooks('postInvocation', after);
  return { invocation, appContext, result: after.result, error: after.error };
}

/** As the library would make it of the request's, whose keys it writes with a small first letter. */
function defineMetadata(appContext: unknown, make: () => Metadata): void {
  if (typeof appContext !== 'object' || appContext === null) return;
  const get = (): unknown => {
    const values = Object.entries(make()).map(([name, { string, json }]) => [name, parseJson(string ?? json)]);
    return camelCased(Object.fromEntries(values));
  };
  Object.defineProperty(appContext, 'triggerMetadata', { get, enumerable: true, configurable: true });
}

const lowerFirst = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1);
function camelCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelCased);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [lowerFirst(name), camelCased(one)]));
}

/** What is no JSON stays the text that it is. */
export function parseJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return text;
  }
}

function inputData(bindings: RegisteredFunction['metadata']['bindings'], data: TypedData, durableClient: string) {
  return Object.entries(bindings).flatMap(([name, { type, direction }]) => {
    if (/trigger$/i.test(type)) return [{ name, data }];
    const isClient = /^(durableClient|orchestrationClient)$/i.test(type);
    return direction === 'in' && isClient ? [{ name, data: { string: durableClient } }] : [];
  });
}

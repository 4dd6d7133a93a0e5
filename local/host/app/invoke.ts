/** One invocation of a function, as the worker does it (contract 2.3). */
import { randomUUID } from 'node:crypto';
import { appHookData, type RegisteredFunction, runHooks, runLogHooks } from './core';
import { type CoreInvocationContext, type ProgrammingModel, type TypedData } from './coreTypes';

export interface TriggerValue {
  readonly data: TypedData;
  readonly metadata?: Readonly<Record<string, TypedData>>;
  /** A streamed request is known by it on both its ways to the function. */
  readonly invocationId?: string;
}
export type Invoked =
  | {
      readonly ok: true;
      readonly value: TypedData | null | undefined;
      /** The function itself returned nothing. A streamed answer leaves `value` empty too. */
      readonly isNothing: boolean;
    }
  | { readonly ok: false; readonly error: unknown };

/** Runs a function of the app. `durableClient` is the value of each durable client binding. Never rejects. */
export async function invokeFunction(
  model: ProgrammingModel,
  { metadata, callback }: RegisteredFunction,
  trigger: TriggerValue,
  durableClient: string,
): Promise<Invoked> {
  const invocationId = trigger.invocationId ?? randomUUID();
  let invocationContext: unknown;
  const context: CoreInvocationContext = {
    invocationId,
    request: {
      invocationId,
      functionId: metadata.functionId ?? metadata.name,
      inputData: inputData(metadata.bindings, trigger.data, durableClient),
      triggerMetadata: trigger.metadata ?? {},
    },
    metadata,
    log: (level, category, message) => runLogHooks(level, category, message, metadata.name, invocationContext),
  };
  try {
    const invocation = model.getInvocationModel(context);
    const { context: appContext, inputs } = await invocation.getArguments();
    invocationContext = appContext;
    const hookData = {};
    const base = { hookData, appHookData: appHookData(), invocationContext };
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
    return await answer(invocation, appContext, after);
  } catch (error) {
    return { ok: false, error };
  }
}

/** `throw undefined` and `throw null` count as success, as with the worker. */
async function answer(
  invocation: ReturnType<ProgrammingModel['getInvocationModel']>,
  appContext: unknown,
  { result, error }: { result: unknown; error: unknown },
): Promise<Invoked> {
  if (error !== undefined && error !== null) return { ok: false, error };
  const { returnValue } = await invocation.getResponse(appContext, result);
  return { ok: true, value: returnValue, isNothing: result === undefined || result === null };
}

function inputData(bindings: RegisteredFunction['metadata']['bindings'], data: TypedData, durableClient: string) {
  return Object.entries(bindings).flatMap(([name, { type, direction }]) => {
    if (/trigger$/i.test(type)) return [{ name, data }];
    const isClient = /^(durableClient|orchestrationClient)$/i.test(type);
    return direction === 'in' && isClient ? [{ name, data: { string: durableClient } }] : [];
  });
}

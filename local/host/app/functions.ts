/** The app's functions, sorted by trigger, and how each trigger's value is made of what the host has. */
import { z } from 'zod';
import {
  type OrchestratorAnswer,
  type OrchestratorInvocation,
  type TextAnswer,
  type TextInvocation,
} from '../engine/core';
import { type FunctionKind } from '../engine/texts';
import { unservedBindings, withTriggers } from './bindings';
import { type RegisteredFunction } from './core';
import { type Binding, type TypedData } from './coreTypes';
import { invokeForObject, invokeFunction, parseJson, type Invoked, type TriggerValue } from './invoke';
import { type LoadedApp } from './loadApp';

export interface AppFunction {
  readonly name: string;
  readonly trigger: Binding;
  /** Types of the bindings that nothing here serves. */
  readonly unserved: readonly string[];
  readonly invoke: (value: TriggerValue) => Promise<Invoked>;
}

const TRIGGER: Readonly<Record<FunctionKind, string>> = {
  orchestrator: 'orchestrationTrigger',
  activity: 'activityTrigger',
  entity: 'entityTrigger',
};

export class AppFunctions {
  readonly all: readonly AppFunction[];
  private readonly byName: ReadonlyMap<string, AppFunction & { readonly registered: RegisteredFunction }>;
  private readonly names: Readonly<Record<FunctionKind, readonly string[]>>;

  /**
   * `durableClient` makes the value of durable client bindings; it is asked at each invocation.
   * @throws AppError for a trigger that the host does not know
   */
  constructor(
    private readonly app: LoadedApp,
    durableClient: () => string,
  ) {
    const all = withTriggers(app.functions).map(({ registered, trigger }) => {
      const invoke = (value: TriggerValue) => invokeFunction(app.model, registered, value, durableClient());
      const { metadata } = registered;
      return { name: metadata.name, trigger, unserved: unservedBindings(metadata), invoke, registered };
    });
    this.all = all;
    this.byName = new Map(all.map((one) => [one.name, one]));
    const of = (kind: FunctionKind) => this.withTrigger(TRIGGER[kind]).map(({ name }) => name);
    this.names = { orchestrator: of('orchestrator'), activity: of('activity'), entity: of('entity') };
  }

  withTrigger(type: string): AppFunction[] {
    return this.all.filter(({ trigger }) => trigger.type.toLowerCase() === type.toLowerCase());
  }

  namesOf(kind: FunctionKind): readonly string[] {
    return this.names[kind];
  }

  /** The engine's port for activities and entities. */
  async invokeDurable({ kind, name, instanceId, input }: TextInvocation): Promise<TextAnswer> {
    const found = this.byName.get(name);
    if (!found) return { ok: false, error: new Error(`There is no function '${name}'.`) };
    const data: TypedData = input === null ? {} : { string: input };
    const binding = bindingName(found);
    const metadata = () =>
      kind === 'activity'
        ? activityMetadata(binding, instanceId, data)
        : { [binding]: data, ...topLevel(input, { nullsAndArrays: false }) };
    const answer = await found.invoke({ data, metadata });
    return answer.ok ? { ok: true, result: toJson(answer.value) } : answer;
  }

  /** The engine's port for orchestrators. */
  async invokeOrchestrator({ name, input }: OrchestratorInvocation): Promise<OrchestratorAnswer> {
    const found = this.byName.get(name);
    if (!found) return { ok: false, error: new Error(`There is no function '${name}'.`) };
    const metadata = () => {
      const text = JSON.stringify(input);
      return { [bindingName(found)]: { string: text }, ...topLevel(text, { nullsAndArrays: false }) };
    };
    const answer = await invokeForObject(this.app.model, found.registered, { data: {}, object: input, metadata });
    if (answer.ok) return { ok: true, result: answer.value };
    return { ok: false, error: answer.error, actions: actionsOf(answer.appContext) };
  }
}

const contextSchema = z.object({
  df: z.object({ taskOrchestratorExecutor: z.object({ actions: z.array(z.unknown()) }) }),
});
/** What an orchestrator had asked for when it failed, as the library keeps it; its error has it as text only. */
export const actionsOf = (appContext: unknown): readonly unknown[] | undefined =>
  contextSchema.safeParse(appContext).data?.df.taskOrchestratorExecutor.actions;

const bindingName = ({ trigger }: AppFunction): string => (typeof trigger.name === 'string' ? trigger.name : 'trigger');

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** .NET writes booleans with a capital. */
const asText = (value: unknown): string =>
  typeof value === 'boolean' ? (value ? 'True' : 'False') : typeof value === 'string' ? value : JSON.stringify(value);

/** Trigger metadata holds the value's own properties, each by itself (contract 3). */
function topLevel(json: string | null, { nullsAndArrays }: { nullsAndArrays: boolean }): Record<string, TypedData> {
  const value = parse(json);
  if (!isRecord(value)) return {};
  const shown = Object.entries(value).filter(([, one]) => nullsAndArrays || (one !== null && !Array.isArray(one)));
  return Object.fromEntries(
    shown.map(([key, one]) => [key, isRecord(one) ? { json: JSON.stringify(one) } : { string: asText(one) }]),
  );
}

/** Known by the instance first, by the input's own properties last; a text counts as JSON text once more. */
function activityMetadata(binding: string, instanceId: string, data: TypedData): Record<string, TypedData> {
  const input = data.string ?? null;
  const properties = Object.entries(topLevel(input, { nullsAndArrays: true }));
  const strings = properties.map(([key, { string, json }]) => [key, { string: string ?? json ?? '' }] as const);
  const value = parse(input);
  return {
    instanceId: { string: instanceId },
    [binding]: data,
    data: { json: JSON.stringify(typeof value === 'string' ? input : value) },
    ...Object.fromEntries(strings),
  };
}

const parse = (json: string | null): unknown => parseJson(json ?? 'null');

/** The JSON text of what a function returned, or null for nothing. */
function toJson(value: TypedData | null | undefined): string | null {
  if (!value) return null;
  if (value.json !== undefined) return value.json;
  if (value.bytes !== undefined) return JSON.stringify(Buffer.from(value.bytes).toString('base64'));
  const plain = value.string ?? value.int ?? value.double;
  return plain === undefined ? null : JSON.stringify(plain);
}

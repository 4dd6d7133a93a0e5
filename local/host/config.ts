/** The app's own settings: host.json and local.settings.json. Only what the host reads; the rest is left alone. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from './appError';
import { FAILURE_STRATEGIES, MATCH_STRATEGIES, type Versioning } from './engine/versions';
import { readJsonFile } from './jsonFile';
import { messageOf } from './log';

/** Azure's default: ten for each core (contract 8). */
const tenPerCore = (): number => 10 * availableParallelism();
const atOnce = z.int().positive().optional();

/** .NET reads the names of an enumeration in any case. */
const anyCase = <const T extends readonly string[]>(names: T) =>
  z.preprocess(
    (value) => names.find((name) => typeof value === 'string' && name.toLowerCase() === value.toLowerCase()) ?? value,
    z.enum(names),
  );

const hostSchema = z.looseObject({
  extensions: z
    .looseObject({
      durableTask: z
        .looseObject({
          hubName: z.string().optional(),
          defaultVersion: z.string().nullish(),
          versionMatchStrategy: anyCase(MATCH_STRATEGIES).default('CurrentOrOlder'),
          versionFailureStrategy: anyCase(FAILURE_STRATEGIES).default('Reject'),
          maxConcurrentActivityFunctions: atOnce,
          maxConcurrentOrchestratorFunctions: atOnce,
          maxConcurrentEntityFunctions: atOnce,
          maxEntityOperationBatchSize: atOnce,
          httpSettings: z
            .looseObject({ defaultAsyncRequestSleepTimeMilliseconds: z.int().positive().default(30_000) })
            .prefault({}),
        })
        .prefault({}),
      http: z
        .looseObject({
          routePrefix: z.string().default('api'),
          customHeaders: z.record(z.string(), z.string()).default({}),
        })
        .prefault({}),
    })
    .prefault({}),
});
const settingsSchema = z.looseObject({
  IsEncrypted: z.literal(false, 'encrypted settings can be read by the Azure tools only').default(false),
  Values: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()], 'a setting is one text').transform(String))
    .default({}),
});

export interface HostConfig {
  readonly hubName: string;
  readonly versioning: Versioning;
  readonly httpPollMs: number;
  /** Without slashes at its ends; may be empty. */
  readonly routePrefix: string;
  /** Go with every answer of an HTTP function. */
  readonly customHeaders: Readonly<Record<string, string>>;
  readonly limits: {
    readonly activities: number;
    readonly orchestrators: number;
    readonly entities: number;
    readonly entityBatch: number;
    readonly messagesPerTurn: number;
    readonly coalesceFrom: number;
  };
}

/** Reads host.json; without one the defaults hold. @throws AppError when it cannot be read */
export function readHostConfig(folder: string): HostConfig {
  const { durableTask, http } = readJsonFile(join(folder, 'host.json'), hostSchema).extensions;
  return {
    hubName: resolveHubName(folder, durableTask.hubName ?? 'TestHubName'),
    versioning: {
      defaultVersion: durableTask.defaultVersion ?? undefined,
      match: durableTask.versionMatchStrategy,
      failure: durableTask.versionFailureStrategy,
    },
    routePrefix: http.routePrefix.replaceAll(/^\/+|\/+$/g, ''),
    httpPollMs: durableTask.httpSettings.defaultAsyncRequestSleepTimeMilliseconds,
    customHeaders: http.customHeaders,
    limits: {
      activities: durableTask.maxConcurrentActivityFunctions ?? tenPerCore(),
      orchestrators: durableTask.maxConcurrentOrchestratorFunctions ?? tenPerCore(),
      entities: durableTask.maxConcurrentEntityFunctions ?? tenPerCore(),
      entityBatch: durableTask.maxEntityOperationBatchSize ?? 5000,
      messagesPerTurn: Infinity,
      coalesceFrom: 200,
    },
  };
}

function resolveHubName(folder: string, name: string): string {
  try {
    return resolveSettings(name);
  } catch (error) {
    throw new AppError(`${join(folder, 'host.json')}: extensions.durableTask.hubName: ${messageOf(error)}`);
  }
}

/** Puts the values of local.settings.json into the environment, where nothing is set yet. */
export function applyLocalSettings(folder: string): void {
  const { Values } = readJsonFile(join(folder, 'local.settings.json'), settingsSchema);
  for (const [name, value] of Object.entries(Values)) process.env[name] ??= value;
  process.env.AZURE_FUNCTIONS_ENVIRONMENT ??= 'Development';
}

/** `%Name%` in a binding or in host.json stands for a setting. @throws AppError when it is not set */
export function resolveSettings(text: string): string {
  return text.replaceAll(/%([^%]+)%/g, (whole, name: string) => {
    const value = process.env[name];
    if (value === undefined)
      throw new AppError(
        `'${whole}' names a setting that is not set: ${name}. Set it in "Values" of local.settings.json or in the environment.`,
      );
    return value;
  });
}

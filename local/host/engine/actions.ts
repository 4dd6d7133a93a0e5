/** What an orchestrator answers: the whole list of actions since its execution began (contract 5.1, 5.2). */
import { z } from 'zod';
import { entityIdSchema } from './entityMessages';
import { type FailureDetails, failureDetailsSchema } from './failures';
import { httpRequestSchema } from './httpCall';

const retryOptions = z.object({
  firstRetryIntervalInMilliseconds: z.number(),
  maxNumberOfAttempts: z.number(),
  backoffCoefficient: z.number().nullish(),
  maxRetryIntervalInMilliseconds: z.number().nullish(),
  retryTimeoutInMilliseconds: z.number().nullish(),
});
const activity = z.object({ functionName: z.string(), input: z.unknown().optional() });
const subOrchestration = activity.extend({ instanceId: z.string().nullish(), version: z.string().nullish() });
const entity = z.object({ instanceId: z.string(), operation: z.string(), input: z.unknown().optional() });
const lock = z.object({ lockSet: z.array(entityIdSchema), lockRequestId: z.string() });

const leafSchema = z.discriminatedUnion('actionType', [
  activity.extend({ actionType: z.literal(0) }),
  activity.extend({ actionType: z.literal(1), retryOptions }),
  subOrchestration.extend({ actionType: z.literal(2) }),
  subOrchestration.extend({ actionType: z.literal(3), retryOptions }),
  z.object({ actionType: z.literal(4), input: z.unknown().optional() }),
  z.object({ actionType: z.literal(5), fireAt: z.string(), isCanceled: z.boolean() }),
  z.object({ actionType: z.literal(6), externalEventName: z.string() }),
  entity.extend({ actionType: z.literal(7) }),
  z.object({ actionType: z.literal(8), httpRequest: httpRequestSchema }),
  entity.extend({ actionType: z.literal(9) }),
  entity.extend({ actionType: z.literal(10), fireAt: z.string() }),
  lock.extend({ actionType: z.literal(13) }),
  // Comes without them. An orchestration holds one set at a time, so it is the one asked for last.
  lock.partial().extend({ actionType: z.literal(14) }),
]);
export type LeafAction = z.infer<typeof leafSchema>;

export const ACTION = {
  continueAsNew: 4,
  createTimer: 5,
  waitForExternalEvent: 6,
  callEntity: 7,
  callHttp: 8,
  signalEntity: 9,
  scheduledSignal: 10,
  /** Task.all; 11 is Task.any. Both hold others in `compoundActions`. */
  whenAll: 12,
  lockEntities: 13,
  releaseEntities: 14,
} as const;

/** Reads an action as it would come over the wire. @throws if it is not one */
export const parseAction = (action: unknown): LeafAction => leafSchema.parse(JSON.parse(JSON.stringify(action)));

const stateSchema = z.object({
  isDone: z.boolean(),
  /** Schema V2 and later: one inner array, whatever the number of yields. */
  actions: z.tuple([z.array(z.unknown())]),
  output: z.unknown().optional(),
  error: z.string().optional(),
  failureDetails: failureDetailsSchema.nullish(),
  customStatus: z.unknown().optional(),
});

/** What one invocation of an orchestrator came to. */
export interface OrchestratorState {
  readonly isDone: boolean;
  /** Not yet read: most of them are the same as the turn before. */
  readonly actions: readonly unknown[];
  /** JSON text, or null for nothing; the custom status, too. */
  readonly output: string | null;
  readonly customStatus: string | null;
  /** Why it failed, if it did. */
  readonly error: string | undefined;
  /** Of the structured failure that it did not catch. */
  readonly failureDetails: FailureDetails | null;
  /** It failed in a way that lost the list of actions: `actions` is empty and says nothing. */
  readonly lost: boolean;
}

/** `throw ''`, `throw 'text'`, `throw undefined`: Azure then runs for ever; here the instance fails (contract 12). */
export const NO_MESSAGE = 'The orchestrator threw a value that has no message.';
const LABEL = '$OutOfProcData$:';

/** As it would go over the wire: what JSON leaves out, a function for one, counts as nothing. @throws for what it cannot hold */
const toJson = (value: unknown): string | null => (value === null ? null : (JSON.stringify(value) ?? null));

/** Reads a returned state. @throws if it is not one. */
export function readState(state: unknown): OrchestratorState {
  const { isDone, actions, output, error, customStatus, failureDetails = null } = stateSchema.parse(state);
  const texts = { output: toJson(output), customStatus: toJson(customStatus) };
  return { isDone, actions: actions[0], ...texts, error, failureDetails, lost: false };
}

/** A failing orchestrator hands its state over in the text of an error, behind a label (contract 5.1).
 * @param actions its list, where it is known as the objects that it is made of */
export function readFailure(message: string, strict = false, actions?: readonly unknown[]): OrchestratorState {
  const start = message.indexOf(LABEL);
  if (start < 0) {
    const nothing = { actions: [], output: null, customStatus: null, failureDetails: null };
    return { ...nothing, isDone: true, error: message, lost: true };
  }
  const state = readState(JSON.parse(message.slice(start + LABEL.length)));
  return { ...state, actions: actions ?? state.actions, error: state.error ?? (strict ? undefined : NO_MESSAGE) };
}

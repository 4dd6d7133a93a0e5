/** What an orchestrator answers: the whole list of actions since its execution began (contract 5.1, 5.2). */
import { z } from 'zod';
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
]);
export type LeafAction = z.infer<typeof leafSchema>;

/** 11 is Task.any, 12 is Task.all. */
interface CompoundAction {
  readonly actionType: 11 | 12;
  readonly compoundActions: readonly Action[];
}
export type Action = LeafAction | CompoundAction;

export const ACTION = {
  continueAsNew: 4,
  createTimer: 5,
  waitForExternalEvent: 6,
  callEntity: 7,
  callHttp: 8,
  signalEntity: 9,
  whenAny: 11,
  whenAll: 12,
} as const;

const compoundSchema = z.object({
  actionType: z.union([z.literal(11), z.literal(12)]),
  get compoundActions(): z.ZodArray<z.ZodType<Action>> {
    return z.array(actionSchema);
  },
});
const actionSchema: z.ZodType<Action> = z.union([leafSchema, compoundSchema]);

const stateSchema = z.object({
  isDone: z.boolean(),
  /** Schema V2 and later: one inner array, whatever the number of yields. */
  actions: z.tuple([z.array(actionSchema)]),
  output: z.unknown().optional(),
  error: z.string().optional(),
  failureDetails: failureDetailsSchema.nullish(),
  customStatus: z.unknown().optional(),
});

/** What one invocation of an orchestrator came to. */
export interface OrchestratorState {
  readonly isDone: boolean;
  readonly actions: readonly Action[];
  readonly output: unknown;
  readonly customStatus: unknown;
  /** Why it failed, if it did. */
  readonly error: string | undefined;
  /** Of the structured failure that it did not catch. */
  readonly failureDetails: FailureDetails | null;
  /** It failed in a way that lost the list of actions: `actions` is empty and says nothing. */
  readonly lost: boolean;
}

const LABEL = '$OutOfProcData$:';

/** Reads a returned state. @throws if it is not one. */
export function readState(text: string | null): OrchestratorState {
  const state = stateSchema.parse(JSON.parse(text ?? 'null'));
  const { isDone, actions, output, error, customStatus, failureDetails = null } = state;
  return { isDone, actions: actions[0], output, error, customStatus, failureDetails, lost: false };
}

/** A failing orchestrator hands its state over in the text of an error, behind a label (contract 5.1). */
export function readFailure(message: string): OrchestratorState {
  const start = message.indexOf(LABEL);
  if (start < 0) {
    const nothing = { actions: [], output: null, customStatus: null, failureDetails: null };
    return { ...nothing, isDone: true, error: message, lost: true };
  }
  const state = readState(message.slice(start + LABEL.length));
  // `throw ''` and `throw 'text'` leave no message. Azure then runs for ever; here the instance fails (contract 12).
  return { ...state, error: state.error ?? 'The orchestrator threw a value that has no message.' };
}

/** Where we answer otherwise than was recorded, on purpose: what instead of it, and why. */
import { z } from 'zod';
import { type RecordedFile } from './script';
import { type Shown, sorted } from './replayHost';

interface Difference {
  readonly why: string;
  /** Our answer, made of the recorded one. */
  readonly instead: (recorded: Shown) => Shown;
}
type Differences = Readonly<Partial<Record<RecordedFile, Readonly<Record<string, Difference>>>>>;

/** A record, because an object's schema would move its own keys to the front, and their order is compared. */
const fieldsSchema = z.record(z.string(), z.unknown());
type Fields = z.infer<typeof fieldsSchema>;
const itemsSchema = z.array(fieldsSchema);
const eventsOf = (fields: Fields): Fields[] => itemsSchema.parse(fields.historyEvents);

const body =
  (change: (fields: Fields) => Fields) =>
  (answer: Shown): Shown => ({ ...answer, body: change(fieldsSchema.parse(answer.body)) });
const list =
  (change: (items: Fields[]) => Fields[]) =>
  (answer: Shown): Shown => ({ ...answer, body: sorted(change(itemsSchema.parse(answer.body))) });
/** A running instance that ends here: its status has no Location. */
const ended =
  (change: (fields: Fields) => Fields) =>
  (answer: Shown): Shown => {
    const { 'content-type': type = '' } = answer.headers;
    return body(change)({ ...answer, status: 200, headers: { 'content-type': type } });
  };
const more = (fields: Fields, changes: Fields, ...events: readonly unknown[]): Fields => ({
  ...fields,
  ...changes,
  historyEvents: [...eventsOf(fields), ...events],
});
const completed = (OrchestrationStatus: string, Result: unknown) => ({
  EventType: 'ExecutionCompleted',
  OrchestrationStatus,
  Result,
  FailureDetails: null,
  Timestamp: '<time>Z',
});
const raised = (Name: string, Input: string) => ({
  EventType: 'EventRaised',
  Name,
  Input,
  ParentTraceContext: null,
  Timestamp: '<time>Z',
});

const UNKNOWN = 'unknown activity: the task fails';
const REFUSAL =
  "The function 'doesNotExist' doesn't exist, is disabled, or is not an activity function. Additional info: The following are the known activity functions: <names>.";
const NO_ACTIVITY = {
  runtimeStatus: 'Failed',
  output: `Orchestrator function 'noActivity' failed: ${REFUSAL} \n `,
};
const isIt = ({ instanceId }: Fields): boolean => instanceId === 'na-051103';
const itFails: Difference = {
  why: UNKNOWN,
  instead: list((items) => items.map((item) => (isIt(item) ? { ...item, ...NO_ACTIVITY } : item))),
};

const EMPTY = 'empty raiseEvent body: null, 202';
const CANCEL =
  'timer.cancel() after Task.any: applied at the end of the turn, so continueAsNew does not bring the event back';
const withoutEvent = (fields: Fields): Fields => ({
  ...fields,
  historyEvents: eventsOf(fields).filter(({ EventType }) => EventType !== 'EventRaised'),
});

/** Contract 12: Azure's oddities. With --strict the answer is the recorded one. */
export const ODDITIES: Differences = {
  '02-status.txt': {
    'GET Failed noActivity (unknown activity name)': {
      why: UNKNOWN,
      instead: ended((fields) =>
        more(
          fields,
          NO_ACTIVITY,
          {
            EventType: 'TaskFailed',
            Reason: REFUSAL,
            Details: '',
            FailureDetails: null,
            Timestamp: '<time>Z',
            ScheduledTime: '<time>+00:00',
            FunctionName: 'doesNotExist',
            Input: null,
          },
          completed('Failed', NO_ACTIVITY.output),
        ),
      ),
    },
  },
  '03-list.txt': {
    'list all': itFails,
    'list all with trailing slash': itFails,
    'list runtimeStatus=Running': { why: UNKNOWN, instead: list((items) => items.filter((item) => !isIt(item))) },
    'list runtimeStatus=Running,Failed': itFails,
    'list bogus runtimeStatus': itFails,
    'list bad createdTimeFrom': itFails,
    'list via RPC': {
      why: UNKNOWN,
      instead: list((items) => {
        const times = { createdTime: '<seconds>Z', lastUpdatedTime: '<seconds>Z' };
        const { runtimeStatus, output } = NO_ACTIVITY;
        const name = { name: 'noActivity', instanceId: 'na-051103' };
        return [...items, { ...name, runtimeStatus, input: null, customStatus: null, output, ...times }];
      }),
    },
  },
  '04-ops.txt': {
    'raiseEvent empty body': { why: EMPTY, instead: () => ({ status: 202, headers: {}, body: '' }) },
    'status after empty body event': {
      why: EMPTY,
      instead: ended((fields) => {
        const output = { got: null, input: null };
        return more(
          fields,
          { runtimeStatus: 'Completed', output },
          raised('Go', 'null'),
          completed('Completed', output),
        );
      }),
    },
  },
  '06-everything.txt': {
    'after continueAsNew': { why: CANCEL, instead: body(withoutEvent) },
    'event round 2': { why: CANCEL, instead: (recorded) => ({ ...recorded, status: 202 }) },
    completed: {
      why: CANCEL,
      instead: body((fields) => {
        // The last turn is the event's, and so no replay.
        const output = { ...fieldsSchema.parse(fields.output), data: { go: 2 }, isReplaying: false };
        const before = eventsOf(withoutEvent(fields)).slice(0, -1);
        return {
          ...fields,
          output,
          historyEvents: [...before, raised('Go', '{"go":2}'), completed('Completed', output)],
        };
      }),
    },
  },
  '09-client-in-worker.txt': {
    'client.getStatusBy (filter)': {
      why: `${UNKNOWN}; ${EMPTY}: two of the instances do not run for ever`,
      instead: body((fields) => {
        const others = itemsSchema
          .parse(fields.result)
          .filter((item) => !isIt(item) && item.instanceId !== 'ev2-051310');
        return { ...fields, result: others };
      }),
    },
  },
  '15-input-encoding.txt': {
    in: {
      why: 'boolean activity input: real boolean',
      instead: body((fields) => {
        const output = { ...fieldsSchema.parse(fields.output), actBool: { t: 'boolean', v: false } };
        return { ...fields, output };
      }),
    },
  },
};

/** In both modes. */
export const DEVIATIONS: Differences = {
  '04-ops.txt': {
    'status Completed after resume': {
      why: 'contract 7.4, the simplest equivalent: while suspended, events wait; so they stand after the resumption',
      instead: body((fields) => {
        const events = eventsOf(fields);
        const resumed = events.filter(({ EventType }) => EventType === 'ExecutionResumed');
        const others = events.filter(({ EventType }) => EventType !== 'ExecutionResumed');
        return { ...fields, historyEvents: [...others.slice(0, 2), ...resumed, ...others.slice(2)] };
      }),
    },
  },
};

/** What the recordings do not show: the steps between the recorded requests, found from what the answers tell. */
import { z } from 'zod';
import { type ReplayHost } from './replayHost';

type Step = (host: ReplayHost) => Promise<void>;

const start =
  (name: string, id: string, input?: string): Step =>
  (host) =>
    host.post(`orchestrators/${name}/${id}`, input);
const event =
  (id: string, name: string, json: string): Step =>
  (host) =>
    host.post(`instances/${id}/raiseEvent/${name}`, json);
const reached =
  (id: string, status: string): Step =>
  (host) =>
    host.reached(id, z.object({ runtimeStatus: z.literal(status) }));
const operation =
  (id: string, name: string): Step =>
  (host) =>
    host.post(`instances/${id}/${name}`);

const secondWait = z.object({ customStatus: z.object({ stage: z.literal('waiting'), round: z.literal(2) }) });
const completed = z.object({ runtimeStatus: z.literal('Completed') });

const withEvent = z.object({
  historyEvents: z.tuple([z.unknown(), z.object({ EventType: z.literal('EventRaised') })]),
});

/** In the order of the recording: they share one task hub, and the later lists show what the earlier files left. */
export const FILES = [
  '01-start.txt',
  '02-status.txt',
  '03-list.txt',
  '04-ops.txt',
  '05-entities.txt',
  '06-everything.txt',
  '08-continueAsNew-and-misc.txt',
  '09-client-in-worker.txt',
  '15-input-encoding.txt',
] as const;
export type RecordedFile = (typeof FILES)[number];

/** Before the request with a title. */
export const BEFORE: Readonly<Record<RecordedFile, Readonly<Record<string, readonly Step[]>>>> = {
  '01-start.txt': {
    'start again with the id of a Completed instance (client.startNew)': [reached('hc-051103', 'Completed')],
    'start again with the id of a Running instance (client.startNew -> worker error)': [
      start('waiter', 'w1-051103', '{"q":1}'),
      reached('w1-051103', 'Running'),
    ],
  },
  '02-status.txt': {
    'GET Running longTimer showHistory': [start('longTimer', 'lt-051103')],
    'GET Failed (activity exception)': [start('failer', 'fl-051103')],
    'GET Failed (orchestrator threw)': [start('thrower', 'th-051103')],
    'GET Completed catcher (error object as seen by orchestrator)': [start('catcher', 'ca-051103')],
    'GET Failed retryExhaust': [start('retryExhaust', 're-051103')],
    'GET Failed subRetry': [start('subRetry', 'sr-051103')],
    'GET Failed noActivity (unknown activity name)': [start('noActivity', 'na-051103')],
    'GET Completed with undefined output': [start('nullOut', 'no-051103')],
    'GET Completed allFail': [start('allFail', 'af-051103')],
  },
  '03-list.txt': {},
  '04-ops.txt': {
    'raiseEvent to waiting instance (JSON object)': [
      start('waiter', 'ev1-051310', '{"q":1}'),
      reached('ev1-051310', 'Running'),
    ],
    'raiseEvent bad JSON': [start('waiter', 'ev2-051310')],
    'raiseEvent case-insensitive name go': [start('waiter', 'ev3-051310')],
    'raiseEvent null': [start('waiter', 'ev4-051310')],
    'two events: B first': [start('caughtWait', 'ev5-051310')],
    'terminate running': [start('waiter', 'te1-051310'), reached('te1-051310', 'Running')],
    'terminate without reason': [start('waiter', 'te2-051310')],
    suspend: [start('waiter', 'su1-051310'), reached('su1-051310', 'Running')],
    'resume not suspended': [start('waiter', 'su2-051310'), reached('su2-051310', 'Running')],
    'before rewind': [start('rewindable', 'rw1-051310')],
    'purge completed': [reached('te2-051310', 'Terminated')],
  },
  '05-entities.txt': {
    // An operation without a name, in a batch of its own.
    'signal reset, empty body': [(host) => host.told(String.raw`\"name\":\"\"`)],
    'orchestration that calls entities': [start('entityUser', 'eu-051310', '"eu"')],
  },
  '06-everything.txt': {
    // With Azure's oddity the second round needs no event of its own.
    'event round 2': [(host) => host.reached('all-051357', z.union([secondWait, completed]))],
    'callHttp orchestration': [
      (host) =>
        host.post('orchestrators/httpCall/http-051357', `{"url":"${host.place.origin}/api/echohttp","body":{"z":1}}`),
    ],
  },
  '08-continueAsNew-and-misc.txt': {
    'can1: raise Other (unconsumed) first': [start('can1', 'cn1-051919'), reached('cn1-051919', 'Running')],
    'can1: raise Go (consumed) -> continueAsNew': [(host) => host.reached('cn1-051919', withEvent)],
    'can2: Go only': [start('can1', 'cn2-051919'), reached('cn2-051919', 'Running')],
    // Both events in one turn, which "at nearly the same time" only makes likely: they wait out a suspension together.
    'can3 result (two Go events at nearly the same time)': [
      start('can1', 'cn3-051919'),
      reached('cn3-051919', 'Running'),
      operation('cn3-051919', 'suspend'),
      reached('cn3-051919', 'Suspended'),
      event('cn3-051919', 'Go', '"go a"'),
      event('cn3-051919', 'Go', '"go b"'),
      operation('cn3-051919', 'resume'),
    ],
    '10 day timer (long timers split by worker, 3-day chunks)': [start('veryLong', 'vl-051919')],
    'Task.any activity vs timer, cancelled': [start('anyLoser', 'al-051919')],
    'newGuid/currentUtcDateTime': [start('guidTime', 'gt-051919')],
  },
  '09-client-in-worker.txt': {
    'client.getStatus (running)': [start('waiter', 'cw-051919'), reached('cw-051919', 'Running')],
    'client.resume (ok)': [reached('cw-051919', 'Suspended')],
    'client.terminate (ok)': [reached('cw-051919', 'Running')],
    'client.terminate (already)': [reached('cw-051919', 'Terminated')],
  },
  '15-input-encoding.txt': {
    in: [start('inputs', 'in-052439')],
    rt: [start('rets', 'rt-052439')],
    cs: [start('canStr', 'cs-052439', '"first"')],
    ie: [start('inEcho', 'ie-052439', '{"d":"2020-01-01T00:00:00.000+02:00","e":"2020-01-01T00:00:00Z"}')],
    is: [start('inEcho', 'is-052439', '"2020-01-01T00:00:00.000+02:00"')],
    wd: [
      start('waiter', 'wd-052439'),
      event('wd-052439', 'Go', '{"d":"2020-01-01T00:00:00.000+02:00","n":1.0,"big":12345678901234567890}'),
    ],
  },
};

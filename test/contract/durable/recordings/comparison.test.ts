/** The comparison itself: what it takes for a difference, and what it does not. A suite that cannot fail shows nothing. */
import { expect, test } from '@jest/globals';
import { DEVIATIONS, ODDITIES } from './oddities';
import { parseRecordings, type RecordedAnswer, readRecorded } from './recording';
import { asText, showRecorded } from './replayHost';
import { BEFORE, FILES } from './script';

const recorded = FILES.flatMap((file) => parseRecordings(readRecorded(file)));
const answerOf = (title: string): RecordedAnswer => {
  const found = recorded.find((one) => one.title === title);
  if (!found) throw new Error(`There is no recording '${title}'.`);
  return found.answer;
};
const shown = (answer: RecordedAnswer): string => asText(showRecorded(answer));
const inBody = (from: string, to: string) => (answer: RecordedAnswer) => {
  expect(answer.body).toContain(from);
  return { ...answer, body: answer.body.replace(from, to) };
};
const without = (name: string) => (answer: RecordedAnswer) => {
  expect(answer.headers.has(name)).toBe(true);
  return { ...answer, headers: new Map([...answer.headers].filter(([other]) => other !== name)) };
};
const withHeader = (name: string, value: string) => (answer: RecordedAnswer) => ({
  ...answer,
  headers: new Map([...answer.headers, [name, value]]),
});

const RUNNING = 'GET Running (waiter)';
const HISTORY = 'GET Completed showHistory=true&showHistoryOutput=true';
const RETRIES = 'GET Failed retryExhaust';
const STARTED = 'direct management API: POST orchestrators/{name}';
const PAGE = 'list top=2';
type Change = (answer: RecordedAnswer) => RecordedAnswer;

test.each<[string, string, Change]>([
  ['a status', RUNNING, (answer) => ({ ...answer, status: 200 })],
  ['a header that is gone', RUNNING, without('retry-after')],
  ['a header that is new', 'GET Completed (default)', withHeader('retry-after', '5')],
  ['the value of a header', RUNNING, withHeader('retry-after', '6')],
  ['a type', RUNNING, withHeader('content-type', 'application/json')],
  ['where a Location leads', RUNNING, inHeader('location', 'instances/w1', 'instances/w2')],
  ['a challenge', 'direct without code', without('www-authenticate')],
  ['a token that is gone', PAGE, without('x-ms-continuation-token')],
  ['a token that is empty', PAGE, withHeader('x-ms-continuation-token', '')],
  ['the name of a key', RUNNING, inBody('"customStatus"', '"customstatus"')],
  ['a key that is gone', RUNNING, inBody('"customStatus":null,', '')],
  ['the order of keys', RUNNING, inBody('"customStatus":null,"output":null', '"output":null,"customStatus":null')],
  ['a value', RUNNING, inBody('"q":1', '"q":2')],
  ['null in place of nothing', 'terminate running', (answer) => ({ ...answer, body: 'null' })],
  ['the precision of a time', RUNNING, inBody('05:11:04Z', '05:11:04.123Z')],
  ['the zone of a time', HISTORY, inBody('+00:00', 'Z')],
  [
    'an event that is gone',
    HISTORY,
    (answer) => ({ ...answer, body: answer.body.replace(/\{"EventType":"TaskC.*?\},/, '') }),
  ],
  ['when a timer fires', 'GET Running longTimer showHistory', inBody('T06:11:12.245Z', 'T06:11:13.245Z')],
  ['a text', 'GET Failed (orchestrator threw)', inBody("function 'thrower' failed: ", "function 'thrower' failed:  ")],
  ['a text within a text', RETRIES, inBody(String.raw`\"RemoteTypeName\":null`, String.raw`\"RemoteTypeName\":\"\"`)],
  ['an id in one of two places', STARTED, inBody('/raiseEvent/', 'f/raiseEvent/')],
  ['an item of a list', 'list all', inBody('"instanceId":"w2-051103"', '"instanceId":"w3-051103"')],
  ['the origin', STARTED, inBody('http://localhost:7071', 'http://127.0.0.1:17071')],
])('%s is a difference', (_, title, change) => {
  const answer = answerOf(title);
  expect(shown(change(answer))).not.toBe(shown(answer));
});

function inHeader(name: string, from: string, to: string): Change {
  return (answer) => withHeader(name, answer.headers.get(name)?.replace(from, to) ?? '')(answer);
}

test.each<[string, string, Change]>([
  ['when it was', RUNNING, (answer) => ({ ...answer, body: answer.body.replaceAll('05:11:04Z', '06:00:00Z') })],
  ['which ids were made up', STARTED, replaceId],
  ['a stack', 'direct management API: POST with running id', inBody('at DurableTask.AzureStorage', 'at home')],
  ['who answers', RUNNING, withHeader('server', 'another')],
])('%s is none', (_, title, change) => {
  const answer = answerOf(title);
  const changed = change(answer);
  expect(changed).not.toEqual(answer);
  expect(shown(changed)).toBe(shown(answer));
});

function replaceId(answer: RecordedAnswer): RecordedAnswer {
  const id = /[0-9a-f]{32}/.exec(answer.body)?.[0] ?? '';
  const other = id.split('').reverse().join('');
  const headers = [...answer.headers].map(([name, value]): [string, string] => [name, value.replaceAll(id, other)]);
  return { ...answer, headers: new Map(headers), body: answer.body.replaceAll(id, other) };
}

test('every recorded request is read', () => {
  const headings = FILES.map((file) => readRecorded(file).match(/^### /gm)?.length);
  expect(FILES.map((file) => parseRecordings(readRecorded(file)).length)).toEqual(headings);
  expect(recorded).toHaveLength(203);
});

test('each listed difference belongs to a recording', () => {
  for (const table of [ODDITIES, DEVIATIONS]) {
    for (const file of FILES) {
      const titles = parseRecordings(readRecorded(file)).map(({ title }) => title);
      expect(titles).toEqual(expect.arrayContaining(Object.keys(table[file] ?? {})));
    }
  }
  for (const file of FILES) {
    const titles = parseRecordings(readRecorded(file)).map(({ title }) => title);
    expect(titles).toEqual(expect.arrayContaining(Object.keys(BEFORE[file])));
  }
});

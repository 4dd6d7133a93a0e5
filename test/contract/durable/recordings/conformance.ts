/** The recorded app on our host: every recorded request is answered as the real Durable extension answered it. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { until } from '../hostProcess';
import { recordedTrace, traceClient } from './clientTrace';
import { RECORDED_PLACE, showJson } from './normalise';
import { DEVIATIONS, ODDITIES } from './oddities';
import { overRpc, pageOf } from './otherViews';
import { asSample, recordedEverything, recordedFunctions, recordedSamples } from './recordedWorker';
import { parseRecordings, readRecorded, type Recording } from './recording';
import { asText, type ReplayHost, type Shown, showRecorded, startReplayHost } from './replayHost';
import { BEFORE, FILES, type RecordedFile } from './script';
import { executionsOf, type Message, readMessages, registeredFunction } from './worker';

export type Mode = 'default' | 'strict';

/** Makes the tests of one mode: all recordings after one another, in one task hub. */
export function conformance(mode: Mode): void {
  let started: ReplayHost;
  const host = (): ReplayHost => started;
  beforeAll(async () => {
    started = await startReplayHost(mode === 'strict' ? ['--strict'] : []);
  });
  afterAll(() => started.stop());

  requests(mode, host);
  test('lists are ordered by id, and their pages make up the whole', () => pagesMakeTheWhole(host()));
  test('who asks for an unknown function is told the known ones', () => knownNames(host()));
  describe('14-client-http.txt', () => clientRequests(host));
  describe('what the worker got and answered', () => workerMessages(mode, host));
}

function requests(mode: Mode, host: () => ReplayHost): void {
  const compare = comparer(host);
  describe.each(FILES)('%s', (file) => {
    test.each(parseRecordings(readRecorded(file)))('$title', async (recording) => {
      for (const step of BEFORE[file][recording.title] ?? []) await step(host());
      const wanted = wantedAnswer(mode, file, recording);
      await compare(recording.request, wanted);
      const other = overRpc(recording.request, wanted);
      if (other) await compare(other.request, other.wanted);
    });
  });
}

function wantedAnswer(mode: Mode, file: RecordedFile, { title, answer }: Recording): Shown {
  const recorded = showRecorded(answer);
  const known = DEVIATIONS[file]?.[title] ?? (mode === 'default' ? ODDITIES[file]?.[title] : undefined);
  if (!known) return recorded;
  const wanted = known.instead(recorded);
  // Otherwise the table would hold what is no difference.
  expect(asText(wanted)).not.toBe(asText(recorded));
  return wanted;
}

function comparer(host: () => ReplayHost): (request: Recording['request'], wanted: Shown) => Promise<void> {
  let token: string | undefined;
  return async (request, wanted) => {
    const view = pageOf(request);
    const ask = async (): Promise<string> => {
      const answer = await host().replay(request, token);
      token = answer.headers.get('x-ms-continuation-token') || token;
      return asText(view(host().show(answer)));
    };
    const text = asText(view(wanted));
    let last = '';
    // Only what reads may be asked again, until the state is reached in which it was recorded.
    if (request.method !== 'GET') last = await ask();
    else {
      const isThere = (answer: string): boolean => answer === text;
      await until(async () => (last = await ask()), isThere).catch(() => undefined);
    }
    expect(last).toBe(text);
  };
}

async function pagesMakeTheWhole(host: ReplayHost): Promise<void> {
  const all = await host.ids('');
  expect(all.length).toBeGreaterThan(40);
  expect(all).toEqual(all.toSorted((a, b) => (a < b ? -1 : 1)));
  const pages: string[] = [];
  let next: string | undefined;
  do {
    const page = await host.page(7, next);
    pages.push(...page.ids);
    next = page.token;
  } while (next !== undefined);
  expect(pages).toEqual(all);
}

/** The app had fewer functions when that was recorded, and .NET lists them in an order of its own. */
async function knownNames(host: ReplayHost): Promise<void> {
  const recorded = parseRecordings(readRecorded('01-start.txt')).find(
    ({ title }) => title === 'RPC start unknown name',
  );
  const namesIn = (text = ''): string[] =>
    [...(/known orchestrator functions: (.*)\./.exec(text)?.[1]?.matchAll(/'(\w+)'/g) ?? [])].map(
      ([, name = '']) => name,
    );
  const wanted = namesIn(recorded?.answer.body);
  expect(wanted).toHaveLength(18);
  const { text } = await host.replay({
    method: 'POST',
    url: `${RECORDED_PLACE.rpcOrigin}/durabletask/orchestrators/x`,
    headers: {},
  });
  expect(namesIn(text)).toEqual(expect.arrayContaining(wanted));
}

function clientRequests(host: () => ReplayHost): void {
  const recorded = recordedTrace();
  let ours: string[];
  beforeAll(async () => {
    ours = await traceClient(host());
  });
  test('as many requests', () => expect(ours).toHaveLength(recorded.length));
  const titled = recorded.map((text, index) => ({ text, index, title: /"request": "(.*)"/.exec(text)?.[1] }));
  test.each(titled)('$index: $title', ({ text, index }) => expect(ours[index]).toBe(text));
}

function workerMessages(mode: Mode, host: () => ReplayHost): void {
  let ours: Message[];
  beforeAll(() => {
    ours = readMessages(host().workerTrace(), host().place);
  });

  const executions = executionsOf(recordedEverything(), 'all-051357').map((turns, index) => ({ turns, index }));
  describe.each(executions)('07-orchestrationTrigger-everything.jsonl, execution $index', ({ turns, index }) => {
    // The second one begins with the event that continueAsNew brings back on Azure.
    const compared = index === 0 || mode === 'strict' ? test : test.skip;
    const own = (): string[] => executionsOf(ours, 'all-051357')[index] ?? [];
    compared('as many turns', () => expect(own()).toHaveLength(turns.length));
    const numbered = turns.map((text, turn) => ({ text, turn }));
    compared.each(numbered)('turn $turn', ({ text, turn }) => expect(own()[turn]).toBe(text));
  });

  const samples = recordedSamples().map((one, index) => ({ ...one, title: `${index + 1}: ${one.fn} ${one.dir}` }));
  const compareSample = ({ fn, dir, body }: Message): void => {
    const wanted = showJson(body);
    const sameKind = ours.filter((one) => one.fn === fn && one.dir === dir);
    expect(
      nearest(
        sameKind.map((one) => showJson(asSample(one, body))),
        wanted,
      ),
    ).toBe(wanted);
  };
  describe('10-worker-contract-samples.txt', () => {
    test.each(samples)('$title', compareSample);
  });

  test.each(recordedFunctions())('11-functionMetadataResponse.json: $name', (recorded) =>
    expect(JSON.stringify(registeredFunction(ours, recorded.name))).toBe(JSON.stringify(recorded)),
  );
}

/** The text that is longest the same. */
function nearest(texts: readonly string[], wanted: string): string {
  const common = (text: string): number => {
    let length = 0;
    while (length < text.length && text[length] === wanted[length]) length++;
    return text === wanted ? Infinity : length;
  };
  return texts.toSorted((a, b) => common(b) - common(a))[0] ?? '';
}

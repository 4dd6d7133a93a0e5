/** The recorded app on our host: every recorded request is answered as the real Durable extension answered it. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { until } from '../hostProcess';
import { parseRecordings, readRecorded, type Recording } from './recording';
import { asText, type ReplayHost, showRecorded, startReplayHost } from './replayHost';
import { BEFORE, FILES } from './script';

let host: ReplayHost;
beforeAll(async () => {
  host = await startReplayHost([]);
});
afterAll(() => host.stop());

let token: string | undefined;

async function answerTo({ request }: Recording, wanted: string) {
  const ask = async () => {
    const answer = await host.replay(request, token);
    token = answer.headers.get('x-ms-continuation-token') ?? undefined;
    return asText(host.show(answer));
  };
  // What only reads may be asked again, until the state is reached in which it was recorded.
  if (request.method !== 'GET') return ask();
  let last = '';
  await until(async () => (last = await ask()), (answer) => answer === wanted).catch(() => undefined);
  return last;
}

describe.each(FILES)('%s', (file) => {
  test.each(parseRecordings(readRecorded(file)))('$title', async (recording) => {
    for (const step of BEFORE[file][recording.title] ?? []) await step(host);
    const wanted = asText(showRecorded(recording.answer));
    expect(await answerTo(recording, wanted)).toBe(wanted);
  });
});

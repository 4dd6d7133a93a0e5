/** The recorded app on our host: every recorded request is answered as the real Durable extension answered it. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { until } from '../hostProcess';
import { DEVIATIONS, ODDITIES } from './oddities';
import { overRpc, pageOf } from './otherViews';
import { parseRecordings, readRecorded, type Recording } from './recording';
import { asText, type ReplayHost, type Shown, showRecorded, startReplayHost } from './replayHost';
import { showJson } from './normalise';
import { asSample, readMessages, recordedSamples } from './worker';
import { BEFORE, FILES, type RecordedFile } from './script';

/** A mode that is false is skipped. */
const MODES = { default: true, strict: false } as const;
type Mode = keyof typeof MODES;

function wantedAnswer(mode: Mode, file: RecordedFile, { title, answer }: Recording): Shown {
  const recorded = showRecorded(answer);
  const known = DEVIATIONS[file]?.[title] ?? (mode === 'default' ? ODDITIES[file]?.[title] : undefined);
  if (!known) return recorded;
  const wanted = known.instead(recorded);
  // Otherwise the table would hold what is no difference.
  expect(asText(wanted)).not.toBe(asText(recorded));
  return wanted;
}

for (const mode of ['default', 'strict'] as const) {
  (MODES[mode] ? describe : describe.skip)(mode, () => {
    let host: ReplayHost;
    let token: string | undefined;
    beforeAll(async () => {
      host = await startReplayHost(mode === 'strict' ? ['--strict'] : []);
    });
    afterAll(() => host.stop());

    const compare = async (request: Recording['request'], wanted: Shown): Promise<void> => {
      const view = pageOf(request);
      const ask = async (): Promise<string> => {
        const answer = await host.replay(request, token);
        token = answer.headers.get('x-ms-continuation-token') || token;
        return asText(view(host.show(answer)));
      };
      const text = asText(view(wanted));
      let last = '';
      // Only what reads may be asked again, until the state is reached in which it was recorded.
      if (request.method !== 'GET') last = await ask();
      else
        await until(
          async () => (last = await ask()),
          (answer) => answer === text,
        ).catch(() => undefined);
      expect(last).toBe(text);
    };

    describe.each(FILES)('%s', (file) => {
      test.each(parseRecordings(readRecorded(file)))('$title', async (recording) => {
        for (const step of BEFORE[file][recording.title] ?? []) await step(host);
        const wanted = wantedAnswer(mode, file, recording);
        await compare(recording.request, wanted);
        const other = overRpc(recording.request, wanted);
        if (other) await compare(other.request, other.wanted);
      });
    });

    describe('10-worker-contract-samples.txt', () => {
      test.each(
        recordedSamples().map((sample, index) => ({ ...sample, title: `${index + 1}: ${sample.fn} ${sample.dir}` })),
      )('$title', ({ fn, dir, body }) => {
        const ours = readMessages(host.workerTrace(), host.place).filter((one) => one.fn === fn && one.dir === dir);
        const wanted = showJson(body);
        const texts = ours.map((one) => showJson(asSample(one)));
        expect(nearest(texts, wanted)).toBe(wanted);
      });
    });

    test('lists are ordered by id, and their pages make up the whole', async () => {
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
    });
  });
}

test('each difference belongs to a recording', () => {
  for (const table of [ODDITIES, DEVIATIONS]) {
    for (const file of FILES) {
      const titles = parseRecordings(readRecorded(file)).map(({ title }) => title);
      expect(titles).toEqual(expect.arrayContaining(Object.keys(table[file] ?? {})));
    }
  }
});

/** The text that is longest the same. */
function nearest(texts: readonly string[], wanted: string): string {
  const common = (text: string): number => {
    let length = 0;
    while (length < text.length && text[length] === wanted[length]) length++;
    return text === wanted ? Infinity : length;
  };
  return texts.toSorted((a, b) => common(b) - common(a))[0] ?? '';
}

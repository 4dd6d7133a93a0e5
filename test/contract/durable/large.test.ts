/** Payloads of five megabytes, wherever there may be one. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Features, startFeatures } from './features.support';
import { send } from './hostProcess';

const LENGTH = 5 * 1024 * 1024;
let features: Features;
beforeAll(async () => {
  features = await startFeatures();
});
afterAll(() => features.stop());

const all = (length: number) => ({ input: length, activity: 2 * length, child: length, entity: length, event: length });

test('over HTTP: input, output, events, children, entities, continueAsNew', async () => {
  const text = 'x'.repeat(LENGTH);
  const waits = 'timeout=60&pollingInterval=0.2';
  const ended = features.ask('orchestrators/large/large', waits, 'POST', { text, round: 0 });
  await features.reaches('large', 'Running', 'showInput=false');
  expect((await features.ask('instances/large/raiseEvent/Go', '', 'POST', text)).status).toBe(202);
  expect((await ended).status).toBe(200);
  const { output, input } = await features.reaches('large', 'Completed');
  expect((output as { sizes: unknown }).sizes).toEqual(all(LENGTH));
  expect((output as { text: string }).text === text).toBe(true);
  expect((input as { text: string }).text === text).toBe(true);
  const state = await features.ask('entities/keeper/large');
  expect(state.json === text).toBe(true);
});

test("through the app's own client", async () => {
  const length = LENGTH / 2; // two bytes each
  const { json } = await send(`${features.host.url}/api/largeByClient`, 'POST', { id: 'client', length });
  expect(json).toEqual({ sizes: all(length), output: length, input: length });
});

test('the custom status has its limit: 16 KB of UTF-16, quotes included', async () => {
  expect(await features.run('largeStatus', 8190, 'fits')).toBeNull();
  expect((await features.reaches('fits', 'Completed'))['customStatus']).toHaveLength(8190);
  expect(await features.run('largeStatus', 8191)).toMatchObject({
    runtimeStatus: 'Failed',
    output:
      "Orchestrator function 'largeStatus' failed: The UTF-16 size of the JSON-serialized payload must not exceed 16 KB. The current payload size is 16 KB.",
  });
});

/** An api-version that nothing here has is refused as Azure refuses one, and says what is simulated. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { location, platform, startTestAzure, type TestAzure } from './simulator.support';

let azure: TestAzure;
beforeAll(async () => {
  azure = await startTestAzure();
});
afterAll(async () => azure.stop());

const group = `/subscriptions/${platform}/resourceGroups/versions`;

test.each(['2099-01-01', '2024-05-02', 'latest'])('%s is refused, and nothing is made', async (version) => {
  const token = await azure.token('administrator');
  const made = await azure.ask('PUT', `${group}?api-version=${version}`, { token, body: { location } });
  expect([made.status, made.body]).toMatchObject([
    400,
    {
      error: {
        code: 'InvalidApiVersionParameter',
        message: expect.stringContaining(`The api-version '${version}' is invalid. The supported versions are '2026-`),
        details: [{ code: 'NotSimulated', message: expect.stringContaining(version) }],
      },
    },
  ]);
  expect((await azure.ask('GET', `${group}?api-version=2024-03-01`, { token })).status).toBe(404);
});

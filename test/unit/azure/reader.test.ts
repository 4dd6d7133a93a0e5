import { expect, test } from '@jest/globals';
import { createHttpHeaders, type HttpClient } from '@azure/core-rest-pipeline';
import { z } from 'zod';
import { armReader } from '../../../src/azure/arm/reader';
import { ANSWER_MS, type Connection } from '../../../src/azure/client';

test('a read that hangs does not hold its activity for good', async () => {
  const limits: number[] = [];
  const httpClient: HttpClient = {
    sendRequest: async (request) => {
      limits.push(request.timeout);
      return { request, status: 200, headers: createHttpHeaders(), bodyAsText: '{"value":[]}' };
    },
  };
  const connection = {
    config: { cloud: { armEndpoint: 'https://arm.test', armAudience: 'https://arm.test' } },
    credential: { getToken: async () => ({ token: 't', expiresOnTimestamp: Date.now() + 3_600_000 }) },
    transport: { httpClient },
  } as unknown as Connection;
  await armReader(connection)('/subscriptions/x', 'api-version=1', z.unknown());
  expect(limits).toEqual([ANSWER_MS]);
});

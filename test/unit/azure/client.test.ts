import { createHttpHeaders, createPipelineRequest } from '@azure/core-rest-pipeline';
import { expect, test } from '@jest/globals';
import { httpClientOf } from '../../../src/azure/client';

test('a connection that hangs does not hold its activity for good: every request has a time limit', async () => {
  const limits: number[] = [];
  const { httpClient } = httpClientOf({
    httpClient: {
      sendRequest: (request) => {
        limits.push(request.timeout);
        return Promise.resolve({ request, status: 200, headers: createHttpHeaders() });
      },
    },
  });
  await httpClient.sendRequest(createPipelineRequest({ url: 'https://azure.example' }));
  await httpClient.sendRequest(createPipelineRequest({ url: 'https://azure.example', timeout: 5 }));
  expect(limits).toEqual([100_000, 5]);
});

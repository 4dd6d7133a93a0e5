/** Azure Monitor's metrics of a VM. One call of one API, for which its own client would be another package. */
import {
  bearerTokenAuthenticationPolicy,
  createDefaultHttpClient,
  createPipelineFromOptions,
  createPipelineRequest,
} from '@azure/core-rest-pipeline';
import { z } from 'zod';
import type { Connection } from '../client';
import { sortFailure } from '../errors';
import type { Azure } from '../ports';

const METRIC = 'Network Out Total';
const body = z.looseObject({
  value: z.array(
    z.looseObject({
      timeseries: z.array(
        z.looseObject({ data: z.array(z.looseObject({ timeStamp: z.string(), total: z.number().optional() })) }),
      ),
    }),
  ),
});

export function metrics({ config, credential, transport }: Connection): Azure['metrics'] {
  const pipeline = createPipelineFromOptions({ retryOptions: { maxRetries: 0 } });
  pipeline.addPolicy(bearerTokenAuthenticationPolicy({ credential, scopes: `${config.cloud.armAudience}/.default` }));
  const httpClient = transport.httpClient ?? createDefaultHttpClient();
  return {
    networkOut: async (vmId, from, to) => {
      const query = new URLSearchParams({
        'api-version': '2024-02-01',
        metricnames: METRIC,
        aggregation: 'Total',
        interval: 'PT1M',
        timespan: `${new Date(from).toISOString()}/${new Date(to).toISOString()}`,
      });
      const url = `${config.cloud.armEndpoint}${vmId}/providers/Microsoft.Insights/metrics?${query.toString()}`;
      const answer = await pipeline.sendRequest(httpClient, createPipelineRequest({ url }));
      if (answer.status !== 200) {
        const failure = new Error(`Azure Monitor answered ${answer.status}`);
        throw sortFailure(Object.assign(failure, { statusCode: answer.status, response: answer }));
      }
      // A minute that Azure Monitor has no value for yet has no `total`.
      return body
        .parse(JSON.parse(answer.bodyAsText ?? '{}'))
        .value.flatMap(({ timeseries }) => timeseries.flatMap(({ data }) => data))
        .flatMap(({ timeStamp, total }) => (total === undefined ? [] : [{ at: Date.parse(timeStamp), bytes: total }]));
    },
  };
}

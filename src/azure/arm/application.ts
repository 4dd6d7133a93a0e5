/** What another application may read: asked in its own name, with its own secret. */
import { ClientSecretCredential } from '@azure/identity';
import {
  bearerTokenAuthenticationPolicy,
  createDefaultHttpClient,
  createPipelineFromOptions,
  createPipelineRequest,
} from '@azure/core-rest-pipeline';
import { z } from 'zod';
import { type Connection, httpClientOf } from '../client';
import { sortFailure } from '../errors';
import { AzureError, type Azure } from '../ports';

const page = z.looseObject({
  value: z.array(z.looseObject({ subscriptionId: z.guid().toLowerCase() })),
  nextLink: z.string().nullish(),
});

/** Entra's refusals of the application or its secret (reference-error-codes): no id, wrong secret, expired secret. */
const REFUSED = /AADSTS(700016|7000215|7000222): ([^.]*)/;

/** The sign-in library says in its message alone what Entra answered. */
function refusedSignIn(error: unknown): never {
  const [, number, reason] = REFUSED.exec(error instanceof Error ? error.message : '') ?? [];
  if (number === undefined || reason === undefined) throw error;
  const remedy = 'See the application’s credentials in Entra, then send the same request again.';
  throw new AzureError({ kind: 'refused', code: `AADSTS${number}`, reason, remedy }, 401, { cause: error });
}

/** A new credential for each call: neither the secret nor a token outlives it. */
export function application({ config, transport }: Connection): Azure['application'] {
  const { cloud, customAuthority } = config;
  return {
    subscriptions: async (tenantId, clientId, clientSecret) => {
      const credential = new ClientSecretCredential(tenantId, clientId, clientSecret, {
        authorityHost: cloud.authorityHost,
        disableInstanceDiscovery: customAuthority,
        retryOptions: { maxRetries: 0 },
        ...httpClientOf(transport),
      });
      const pipeline = createPipelineFromOptions({ retryOptions: { maxRetries: 0 } });
      pipeline.addPolicy(bearerTokenAuthenticationPolicy({ credential, scopes: `${cloud.armAudience}/.default` }));
      const httpClient = transport.httpClient ?? createDefaultHttpClient();
      const found: string[] = [];
      let url: string | null | undefined = `${cloud.armEndpoint}/subscriptions?api-version=2022-12-01`;
      while (url) {
        const asked = createPipelineRequest({ url });
        const answer = await pipeline.sendRequest(httpClient, asked).catch(refusedSignIn);
        if (answer.status !== 200) {
          const message = `The listing answered ${answer.status}`;
          throw sortFailure(Object.assign(new Error(message), { statusCode: answer.status, response: answer }));
        }
        const { value, nextLink }: z.infer<typeof page> = page.parse(JSON.parse(answer.bodyAsText ?? ''));
        found.push(...value.map(({ subscriptionId }) => subscriptionId));
        url = nextLink;
      }
      return found;
    },
  };
}

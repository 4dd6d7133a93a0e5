/** The real SDKs against the simulated Azure, retries off, and what they make of a refusal. */
import { expect } from '@jest/globals';
import { type TokenCredential } from '@azure/core-auth';
import { isRestError, type PipelinePolicy } from '@azure/core-rest-pipeline';
import { AuthenticationHandler, Client, GraphError, HTTPMessageHandler } from '@microsoft/microsoft-graph-client';
import { z } from 'zod';
import { type TestAzure } from './simulator.support';

const GRAPH = 'https://graph.microsoft.com';
export const retryOptions = { maxRetries: 0 };

/** A credential that always has this token. */
export const holding = (token: string): TokenCredential => ({
  getToken: async () => Promise.resolve({ token, expiresOnTimestamp: Date.now() + 3_600_000 }),
});

/** Bodies of answers by request: the newer SDKs keep of an error's body only what they have a model for. */
const bodies = new WeakMap<object, string>();
const keepBody: PipelinePolicy = {
  name: 'keepBody',
  sendRequest: async (request, next) => {
    const response = await next(request);
    bodies.set(request, response.bodyAsText ?? '');
    return response;
  },
};
export const additionalPolicies: { policy: PipelinePolicy; position: 'perCall' }[] = [
  { policy: keepBody, position: 'perCall' },
];

/** Options of a management client. */
export const optionsOf = (
  azure: TestAzure,
): { endpoint: string; retryOptions: typeof retryOptions; additionalPolicies: typeof additionalPolicies } => ({
  endpoint: azure.url,
  retryOptions,
  additionalPolicies,
});

/** Microsoft Graph's own client, as one of the tenant's principals, without the link that retries. */
export async function graphOf(azure: TestAzure, principal: string): Promise<Client> {
  const token = await azure.token(principal, GRAPH);
  const middleware = new AuthenticationHandler({ getAccessToken: () => Promise.resolve(token) });
  middleware.setNext(new HTTPMessageHandler());
  return Client.initWithMiddleware({
    baseUrl: azure.url,
    defaultVersion: 'v1.0',
    customHosts: new Set(['127.0.0.1']),
    middleware,
  });
}

/** A refusal as it came over the wire. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly header: (name: string) => string;
  readonly body: unknown;
}

const envelope = z.union([
  z.looseObject({ error: z.looseObject({ code: z.string(), message: z.string() }) }).transform(({ error }) => error),
  z.looseObject({ code: z.string(), message: z.string() }),
]);

/** What the SDK throws, which it must: read off its own error, with the code and message that it shows its user. */
async function refusalOf(doing: () => Promise<unknown>): Promise<Refusal> {
  const error: unknown = await doing().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (isRestError(error) && error.response !== undefined) {
    const { status, headers, request, bodyAsText } = error.response;
    const body: unknown = JSON.parse(bodyAsText ?? bodies.get(request) ?? 'null');
    const { code, message } = envelope.parse(body);
    expect([error.statusCode, error.code]).toEqual([status, code]);
    return { status, code, message, body, header: (name) => headers.get(name) ?? '' };
  }
  if (error instanceof GraphError) {
    const { statusCode, headers } = error;
    const body = { error: JSON.parse(z.string().parse(error.body)) as unknown };
    const { code, message } = envelope.parse(body);
    expect(error).toMatchObject({ code, message });
    return { status: statusCode, code, message, body, header: (name) => headers?.get(name) ?? '' };
  }
  throw error instanceof Error ? error : new Error('It was not refused.');
}

/** A row of a table of refusals: what is done, and how Azure refuses it. A text is the whole message. */
export type RefusalCase = readonly [
  code: string,
  status: number,
  message: string | RegExp,
  doing: () => Promise<unknown>,
];

/** Status, code, message, and the envelope and headers of the service. */
export async function expectRefusal(
  service: 'arm' | 'insights' | 'graph' | 'vault',
  [code, status, message, doing]: RefusalCase,
): Promise<Refusal> {
  const refusal = await refusalOf(doing);
  expect([refusal.status, refusal.code]).toEqual([status, code]);
  if (typeof message === 'string') expect(refusal.message).toBe(message);
  else expect(refusal.message).toMatch(message);
  const innerError = { date: expect.any(String), 'request-id': expect.any(String), 'client-request-id': expect.any(String) }; // prettier-ignore
  const said = { code, message: refusal.message };
  expect(refusal.body).toMatchObject(
    service === 'insights' ? said : { error: service === 'graph' ? { ...said, innerError } : said },
  );
  expect(refusal.header('content-type')).toBe('application/json; charset=utf-8');
  expect(refusal.header('x-ms-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  return refusal;
}

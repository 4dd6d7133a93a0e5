import { z } from 'zod';
import { type Azure } from '../azure';
import { EXCHANGE_AUDIENCE } from '../entra/tokens';
import { type Answer, type Call, ok, param, parseBody, type Route } from '../http/call';

const ONE = '/_simulator/issuers/:name';

/** Identity providers of the simulated internet: what they publish, and the assertions that a test has them make. */
export const issuerRoutes = (azure: Azure): readonly Route[] => [
  {
    method: 'GET',
    path: `${ONE}/.well-known/openid-configuration`,
    api: 'open',
    handle: (call) => ok(discovery(azure, call)),
  },
  { method: 'GET', path: `${ONE}/keys`, api: 'open', handle: async () => ok(await azure.issuers.publicKeys()) },
  { method: 'POST', path: `${ONE}/assertions`, api: 'open', handle: (call) => mint(azure, call) },
];

function discovery({ issuers }: Azure, call: Call): Record<string, unknown> {
  const issuer = issuers.issuerOf(param(call, 'name'));
  return {
    issuer,
    jwks_uri: `${issuer}/keys`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
  };
}

const asked = z.strictObject({
  subject: z.string().min(1),
  audience: z.string().default(EXCHANGE_AUDIENCE),
  lifetimeSeconds: z.number().int().min(1).max(86_400).default(300),
});

async function mint({ issuers }: Azure, call: Call): Promise<Answer> {
  const name = param(call, 'name');
  const body = parseBody(asked, call);
  return {
    status: 201,
    body: { issuer: issuers.issuerOf(name), ...body, assertion: await issuers.assertion(name, body) },
  };
}

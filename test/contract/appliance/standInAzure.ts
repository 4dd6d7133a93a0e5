/** As much of Azure as one appliance asks for, with every answer in the test's hands. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { UnsecuredJWT } from 'jose';

export const tenantId = '11111111-1111-4111-8111-111111111111';
export const tenantName = 'contoso.example';
const vmId = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/cloudknox-sentry';
export const application = { clientId: '22222222-2222-4222-8222-222222222222', secret: 'app~secret+/=1' };

/** What the test may change at any time. */
export interface World {
  readonly url: string;
  reachable: boolean;
  /** Whether its network lets the VM out to a host. */
  letsOut: (host: string) => boolean;
  vm: Record<string, unknown>;
  hasIdentity: boolean;
  /** Whether the identity's tokens carry Directory.Read.All. */
  readsDirectory: boolean;
  readonly subscriptions: string[];
  /** Answers the next call to any route with 429. */
  throttleOnce: boolean;
  /** Runs before each answer: a test may cut the session here. */
  onRequest: (path: string) => void;
  close(): Promise<void>;
}

type Answer = readonly [status: number, body: unknown];

const jwt = (): string => new UnsecuredJWT({ tid: tenantId }).encode();
const pageSize = 2;

function answer(world: World, url: URL, body: string, authorization = ''): Answer {
  const { pathname, searchParams } = url;
  const refused: Answer = [400, { error: 'invalid_request' }];
  switch (pathname) {
    case '/_simulator/reach':
      if (searchParams.get('address') !== '20.50.0.4') return [404, {}];
      return [200, { vmId, allowed: world.reachable, rule: 'Port_22' }];
    case '/_simulator/egress':
      return [200, { allowed: world.letsOut(searchParams.get('host') ?? '') }];
    case '/_simulator/vms':
      return searchParams.get('id') === vmId ? [200, world.vm] : [404, {}];
    case '/_simulator/vms/token':
      return world.hasIdentity && body.includes(vmId) ? [200, { access_token: jwt() }] : refused;
    case '/subscriptions': {
      if (!/^Bearer \S+$/.test(authorization)) return [401, { error: { code: 'AuthenticationFailed', message: '' } }];
      const start = Number(searchParams.get('start'));
      const value = world.subscriptions.slice(start, start + pageSize).map((id) => ({ subscriptionId: id }));
      const more = start + pageSize < world.subscriptions.length;
      return [200, { value, ...(more ? { nextLink: `${world.url}/subscriptions?start=${start + pageSize}` } : {}) }];
    }
    case '/v1.0/servicePrincipals':
      return world.readsDirectory ? [200, { value: [] }] : [403, {}];
    case `/${tenantId}/oauth2/v2.0/token`: {
      const form = new URLSearchParams(body);
      const known = form.get('client_id') === application.clientId && form.get('client_secret') === application.secret;
      return known ? [200, { access_token: jwt() }] : refused;
    }
    case `/${tenantName}/v2.0/.well-known/openid-configuration`:
    case `/${tenantId}/v2.0/.well-known/openid-configuration`:
      return [200, { issuer: `${world.url}/${tenantId}/v2.0` }];
    default:
      return refused;
  }
}

async function serve(world: World, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += String(chunk);
  const url = new URL(request.url ?? '/', world.url);
  world.onRequest(url.pathname);
  const throttled = world.throttleOnce;
  world.throttleOnce = false;
  const [status, json] = throttled ? [429, {}] : answer(world, url, body, request.headers.authorization);
  const headers = { 'content-type': 'application/json', ...(throttled ? { 'retry-after': '0.001' } : {}) };
  response.writeHead(status, headers).end(JSON.stringify(json));
}

export async function startStandInAzure(sshPublicKey: string): Promise<World> {
  const server = createServer((request, response) => void serve(world, request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const world: World = {
    url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    reachable: true,
    letsOut: () => true,
    vm: {
      id: vmId,
      name: 'cloudknox-sentry',
      adminUsername: 'cloudknox',
      sshPublicKeys: ['ssh-ed25519 AAAA', sshPublicKey],
      powerState: 'running',
      startedAt: 0,
      tags: {},
      identities: [],
      privateIp: '10.90.0.4',
      publicIp: '20.50.0.4',
    },
    hasIdentity: true,
    readsDirectory: true,
    subscriptions: ['a', 'b', 'c', 'd', 'e'],
    throttleOnce: false,
    onRequest: () => undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return world;
}

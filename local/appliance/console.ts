/** The console's page "Data Collectors", as an API: it registers an appliance and shows the email and PIN for it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { z } from 'zod';
import { runForAzure } from './agent';
import type { Azure } from './azure';
import type { Collector, Store } from './store';

const hostName = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/i;
const registrationSchema = z.object({
  applianceAddress: z.string().refine((text) => isIP(text) !== 0 || hostName.test(text), {
    message: 'is neither an IP address nor a host name',
  }),
});

interface Page {
  readonly status: number;
  readonly body: unknown;
}
type Handler = (body: string) => Page;

/** Where the agents of the machines take scripts. */
export const agentPath = '/agent/scripts';

/** Answers one request to the console: a method, a path without its query, and a body. */
export function askConsole(store: Store, method: string, path: string, body: string): Page {
  const routes: Readonly<Record<string, Handler>> = {
    'GET /health': () => ({ status: 200, body: { status: 'ok' } }),
    'GET /console/azure/data-collectors': () => ({ status: 200, body: store.collectors.map(shown) }),
    'POST /console/azure/data-collectors': (body) => register(store, body),
  };
  return routes[`${method} ${path}`]?.(body) ?? { status: 404, body: { error: 'There is nothing here.' } };
}

/** The same over HTTP, and beside it what is not the console's: Azure's fabric speaks to the agents in the machines. */
export async function serveConsole(
  store: Store,
  azure: Azure,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += String(chunk);
  const path = request.url?.split('?')[0] ?? '';
  const { status, body } =
    request.method === 'POST' && path === agentPath
      ? { status: 200, body: await runForAzure(azure, store, parseJson(text)) }
      : askConsole(store, request.method ?? 'GET', path, text);
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

const shown = ({ applianceAddress, email, subscriptions }: Collector) => ({
  applianceAddress,
  email,
  state: subscriptions === undefined ? 'pending' : 'collecting',
  subscriptions: subscriptions ?? 0,
});

function register(store: Store, body: string): Page {
  const parsed = registrationSchema.safeParse(parseJson(body));
  if (!parsed.success) return { status: 400, body: { error: z.prettifyError(parsed.error) } };
  return { status: 201, body: store.register(parsed.data.applianceAddress) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

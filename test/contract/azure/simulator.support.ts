/** Starts the simulated Azure for a test file, and the means to ask it: the real SDKs' options, and plain requests. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { text as textOf } from 'node:stream/consumers';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { z } from 'zod';
import { startAzure, type RunningAzure } from '../../../local/azure/start';
import { readTenant, type TenantInput } from '../../../local/azure/tenant';
import { recordAnswers } from './ledger/record';

export const platform = '5b000000-0000-4000-8000-000000000000';
export const watched = (index: number): string => `5b000000-0000-4000-8000-${String(index).padStart(12, '0')}`;

const sample = readTenant('samples/tenant.json');

/** The sample tenant with nothing taking time, so that tests need none. */
export const instant: TenantInput = {
  ...sample,
  timings: Object.fromEntries(Object.keys(sample.timings).map((name) => [name, 0])),
};

export interface Answer {
  readonly status: number;
  /** The header, or ''. */
  readonly header: (name: string) => string;
  readonly body: unknown;
}

export interface Ask {
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

/** Asks Azure Resource Manager as the app, with an api-version. */
export type Arm = (method: string, path: string, body?: unknown, rest?: Ask) => Promise<Answer>;

export interface TestAzure {
  readonly url: string;
  readonly environment: RunningAzure['environment'];
  readonly state: string;
  /** Moves the simulator's clock on; by itself it stands still. */
  advance(seconds: number): void;
  /** What it shows, epoch ms. */
  now(): number;
  ask(method: string, path: string, ask?: Ask): Promise<Answer>;
  /** A token of one of the tenant's principals. */
  token(principal: string, resource?: string): Promise<string>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startTestAzure(
  tenant: TenantInput = instant,
  rest: {
    readonly seed?: string;
    readonly chaos?: string;
    readonly startAt?: number;
    readonly subscriptions?: number;
  } = {},
): Promise<TestAzure> {
  const stopRecording = recordAnswers();
  const state = mkdtempSync(join(tmpdir(), 'azure-'));
  let time = rest.startAt ?? Date.now();
  const { seed, chaos, subscriptions = 5 } = rest;
  const options = { state, tenant, subscriptions, now: () => time, seed, chaos };
  let azure = await startAzure({ ...options, port: 0 });
  setDefaultCACertificates([...getCACertificates('default'), readFileSync(join(state, 'ca.pem'), 'utf8')]);
  const { url } = azure;

  let agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const ask: TestAzure['ask'] = async (method, path, { token, body, headers = {} } = {}) => {
    const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
    const sent = request(`${url}${path}`, {
      method,
      agent,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(text === '' ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
        ...headers,
      },
    });
    sent.end(text);
    const [response] = z.tuple([z.instanceof(IncomingMessage)]).parse(await once(sent, 'response'));
    const answer = await textOf(response);
    const parsed: unknown = answer === '' ? undefined : JSON.parse(answer);
    const header = (name: string): string => response.headersDistinct[name]?.[0] ?? '';
    return { status: response.statusCode ?? 0, header, body: parsed };
  };

  return {
    url,
    environment: azure.environment,
    state,
    advance: (seconds) => {
      time += seconds * 1000;
    },
    now: () => time,
    ask,
    token: async (principal, resource = 'https://management.azure.com') => {
      const { body } = await ask('POST', '/_simulator/token', { body: { principal, resource } });
      return z.object({ access_token: z.string() }).parse(body).access_token;
    },
    restart: async () => {
      agent.destroy();
      await azure.close();
      agent = new Agent({ keepAlive: true, maxSockets: 8 });
      azure = await startAzure({ ...options, port: Number(new URL(url).port) });
    },
    stop: async () => {
      agent.destroy();
      stopRecording();
      await azure.close();
      rmSync(state, { recursive: true });
    },
  };
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

export const location = 'westeurope';
export const version = '?api-version=2024-05-01';

/** Signs in as the app, and makes the resource group `rg`. */
export async function armOf(azure: TestAzure): Promise<Arm> {
  const token = await azure.token('sentry-orchestrator');
  const arm: Arm = (method, path, body, rest = {}) =>
    azure.ask(method, `${path}${version}`, { token, ...(body === undefined ? {} : { body }), ...rest });
  await arm('PUT', `/subscriptions/${platform}/resourceGroups/rg`, { location });
  return arm;
}

/** The id of a Microsoft.Network resource in `rg`. */
export const network = (path: string): string =>
  `/subscriptions/${platform}/resourceGroups/rg/providers/Microsoft.Network/${path}`;

export const errorOf = ({ body }: Answer): string =>
  z.object({ error: z.looseObject({ code: z.string() }) }).parse(body).error.code;

/** The path of a URL that an answer gave. */
export const pathOf = (url: string): string => new URL(url).pathname;

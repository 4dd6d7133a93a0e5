/**
 * `npm run bench:azure`: how fast the simulated Azure is, over HTTPS with its state on disk and in this process with its
 * state in memory. The figures of one run compare with each other; those of two runs, or of two machines, do not.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { Command } from 'commander';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { z } from 'zod';
import { azureInProcess } from '../local/azure/inProcess';
import { readTenant, type TenantInput } from '../local/azure/tenant';
import { median, progress, rate } from './measure';
import { report, type Row, runToEnd } from './report';

const PLATFORM = '5b000000-0000-4000-8000-000000000000';
const VERSION = '?api-version=2024-05-01';
const GOAL = 1000;
const CONCURRENT = 32;
const SUBSCRIPTIONS = 10_000;

type Ask = (method: string, path: string, body?: unknown) => Promise<unknown>;

interface Way {
  readonly arm: Ask;
  readonly graph: Ask;
  readonly vault: Ask;
  /** Megabytes that the whole process holds. */
  readonly memory: () => number;
  readonly startMs: number;
  readonly end: () => Promise<void>;
}

/** The sample tenant, with limits that nobody reaches and nothing taking time. */
function tenantOf(): TenantInput {
  const sample = readTenant('samples/tenant.json');
  const wide = (limits: Record<string, unknown>): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(limits).map(([name, one]) => [
        name,
        typeof one === 'number' ? 1e9 : { size: 1e9, perSecond: 1e9 },
      ]),
    );
  const timings = Object.fromEntries(Object.keys(sample.timings).map((name) => [name, 0]));
  return { ...sample, timings, limits: wide(sample.limits), generate: { seed: 'bench', managementGroups: 200 } };
}

const tokenShape = z.object({ access_token: z.string() });
type Send = (method: string, path: string, body: unknown, token: string | undefined) => Promise<unknown>;

/** Signs in as the administrator at each service. */
async function waysIn(send: Send): Promise<Pick<Way, 'arm' | 'graph' | 'vault'>> {
  const asker = async (resource: string): Promise<Ask> => {
    const answer = await send('POST', '/_simulator/token', { principal: 'administrator', resource }, undefined);
    const { access_token: token } = tokenShape.parse(answer);
    return (method, path, body) => send(method, path, body, token);
  };
  return {
    arm: await asker('https://management.azure.com'),
    graph: await asker('https://graph.microsoft.com'),
    vault: await asker('https://vault.azure.net'),
  };
}

const parsed = (method: string, path: string, status: number, text: string): unknown => {
  if (status >= 400) throw new Error(`${method} ${path}: ${status} ${text.slice(0, 300)}`);
  return text === '' ? undefined : JSON.parse(text);
};

/** A process of its own, as `npm run azure` starts it. */
async function overHttps(scratch: string, subscriptions: number): Promise<Way> {
  const state = mkdtempSync(join(scratch, 'state-'));
  const file = join(scratch, 'tenant.json');
  writeFileSync(file, JSON.stringify(tenantOf()));
  const parameters = ['--state', state, '--port', '0', '--tenant', file, '--subscriptions', String(subscriptions)];
  const main = join(__dirname, '..', 'local', 'azure', 'main.js');
  const began = performance.now();
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...parameters], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // Also when a row fails.
  process.once('exit', () => child.kill());
  const url = await urlOf(child);
  const startMs = performance.now() - began;
  const agent = new Agent({ keepAlive: true, maxSockets: CONCURRENT, ca: readFileSync(join(state, 'ca.pem')) });
  const send: Send = (method, path, body, token) =>
    new Promise((resolve, reject) => {
      const text = body === undefined ? '' : JSON.stringify(body);
      const headers = {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(text === '' ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
      };
      const sent = request(`${url}${path}`, { method, agent, headers }, (response) => {
        let answer = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
        response.on('end', () => {
          try {
            resolve(parsed(method, path, response.statusCode ?? 0, answer));
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
          }
        });
      });
      // Between rows the server lets go of idle connections, now and then just as one is taken up again.
      sent.on('error', (error) => {
        if (sent.reusedSocket) void send(method, path, body, token).then(resolve, reject);
        else reject(error);
      });
      sent.end(text);
    });
  return {
    ...(await waysIn(send)),
    memory: () => residentOf(child),
    startMs,
    end: async () => {
      agent.destroy();
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function urlOf(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('The simulated Azure has no output.');
  let text = '';
  for await (const chunk of child.stdout) {
    text += String(chunk);
    const url = /serves at (https:\S+);/.exec(text)?.[1];
    if (url !== undefined) {
      child.stdout.resume();
      return url;
    }
  }
  throw new Error(`The simulated Azure did not start: ${text}`);
}

function residentOf({ pid }: ChildProcess): number {
  try {
    const found = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1];
    return Number(found) / 1024;
  } catch {
    return Number.NaN;
  }
}

async function inProcess(subscriptions: number): Promise<Way> {
  const before = process.memoryUsage().rss;
  const began = performance.now();
  const azure = azureInProcess({ tenant: tenantOf(), subscriptions });
  const startMs = performance.now() - began;
  const send: Send = async (method, path, body, token) => {
    const headers = {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
    const text = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = await azure.fetch(`${azure.url}${path}`, { method, headers, ...text });
    return parsed(method, path, answer.status, await answer.text());
  };
  return {
    ...(await waysIn(send)),
    memory: () => (process.memoryUsage().rss - before) / 2 ** 20,
    startMs,
    end: () => Promise.resolve(azure.close()),
  };
}

const rg = `/subscriptions/${PLATFORM}/resourceGroups/bench`;
const nsg = `${rg}/providers/Microsoft.Network/networkSecurityGroups/nsg`;
const subscription = (index: number): string =>
  `/subscriptions/5b000000-0000-4000-8000-${String((index % SUBSCRIPTIONS) + 1).padStart(12, '0')}`;
const guid = (index: number): string => `6e000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
const assignment = (index: number): unknown => ({
  properties: {
    roleDefinitionId: '/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7',
    principalId: guid(index),
    principalType: 'ServicePrincipal',
  },
});

type Kind = readonly [what: string, one: (way: Way, index: number) => Promise<unknown>];

const kinds: readonly Kind[] = [
  ['GET a resource', ({ arm }) => arm('GET', `${nsg}${VERSION}`)],
  ['GET a subscription', ({ arm }, index) => arm('GET', `${subscription(index)}${VERSION}`)],
  [
    'PUT a resource group',
    ({ arm }, index) => arm('PUT', `${rg}-${index % 500}${VERSION}`, { location: 'westeurope' }),
  ],
  [
    'PUT a security group',
    ({ arm }, index) => arm('PUT', `${nsg}-${index % 500}${VERSION}`, { location: 'westeurope' }),
  ],
  [
    'PUT a role assignment',
    ({ arm }, index) =>
      arm(
        'PUT',
        `${subscription(index)}/providers/Microsoft.Authorization/roleAssignments/${guid(index)}${VERSION}`,
        assignment(index),
      ),
  ],
  [
    'Graph: a service principal by appId',
    ({ graph }) =>
      graph(
        'GET',
        "/v1.0/servicePrincipals?$filter=appId eq '00000003-0000-0000-c000-000000000000'".replaceAll(' ', '%20'),
      ),
  ],
  [
    'Key Vault: set a secret',
    ({ vault }, index) => vault('PUT', `/secrets/s${index % 100}?api-version=7.4`, { value: 'x' }),
  ],
];
const mixed: Kind = [
  'mixed, in turn',
  (way, index) => kinds[index % kinds.length]?.[1](way, index) ?? Promise.resolve(),
];

async function main(): Promise<void> {
  const command = new Command('bench:azure')
    .description('Measures the simulated Azure over HTTPS and in this process.')
    .option('--json', 'write the figures as JSON', false)
    .option('--quick', 'shorter rounds, and fewer', false)
    .parse();
  const { json, quick } = z.object({ json: z.boolean(), quick: z.boolean() }).parse(command.opts());
  const [rounds, ms] = quick ? [1, 1000] : [3, 2000];
  const scratch = mkdtempSync(join(tmpdir(), 'bench-azure-'));
  const rows: Row[] = [];
  try {
    const ways = [await overHttps(scratch, SUBSCRIPTIONS), await inProcess(SUBSCRIPTIONS)] as const;
    rows.push({
      what: `start with ${SUBSCRIPTIONS} subscriptions`,
      unit: 'ms',
      ours: ways[0].startMs,
      inMemory: ways[1].startMs,
    });
    rows.push({ what: 'memory then', unit: 'MB', ours: ways[0].memory(), inMemory: ways[1].memory() });
    for (const way of ways) {
      await way.arm('PUT', `${rg}${VERSION}`, { location: 'westeurope' });
      await way.arm('PUT', `${nsg}${VERSION}`, { location: 'westeurope' });
    }
    let index = 0;
    for (const [what, one] of [mixed, ...kinds]) {
      progress(what);
      const found: number[] = [];
      for (const way of ways) {
        const seen: number[] = [];
        for (let round = 0; round < rounds; round++) {
          seen.push(
            await rate(ms, async () => {
              const batch = Array.from({ length: CONCURRENT * 4 }, () => one(way, index++));
              return (await Promise.all(batch)).length;
            }),
          );
        }
        found.push(median(seen));
      }
      rows.push({
        what,
        unit: 'requests/s',
        ours: found[0] ?? NaN,
        inMemory: found[1],
        goal: what === mixed[0] ? `≥ ${GOAL}` : undefined,
      });
    }
    progress('the list of all subscriptions');
    const lists = await Promise.all(ways.map((way) => listed(way)));
    rows.push({
      what: `list ${SUBSCRIPTIONS} subscriptions, all pages`,
      unit: 'ms',
      ours: lists[0] ?? NaN,
      inMemory: lists[1],
    });
    rows.push({ what: 'memory at the end', unit: 'MB', ours: ways[0].memory(), inMemory: ways[1].memory() });
    for (const way of ways) await way.end();
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  report(rows, { json, quick });
}

const page = z.object({ value: z.array(z.unknown()), nextLink: z.string().optional() });

async function listed({ arm }: Way): Promise<number> {
  const began = performance.now();
  let count = 0;
  for (let next: string | undefined = `/subscriptions${VERSION}`; next !== undefined;) {
    const { value, nextLink } = page.parse(await arm('GET', next));
    count += value.length;
    next = nextLink === undefined ? undefined : nextLink.replace(/^https:\/\/[^/]+/, '');
  }
  if (count < SUBSCRIPTIONS) throw new Error(`The list has ${count} subscriptions.`);
  return performance.now() - began;
}

runToEnd(main);

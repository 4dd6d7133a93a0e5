/** The program `npm run azure`: what it says, what it refuses, and that bad input leaves nothing behind. */
import { afterAll, describe, expect, test } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text as textOf } from 'node:stream/consumers';
import { z } from 'zod';

const main = join('dist', 'local', 'azure', 'main.js');
const scratch = mkdtempSync(join(tmpdir(), 'azure-program-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
let folders = 0;
const fresh = (): string => join(scratch, `state-${folders++}`);

const run = (parameters: readonly string[]): ChildProcess =>
  spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...parameters], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '', SIMULATED_CLOCK: '' },
  });

interface Ended {
  readonly code: unknown;
  readonly output: string;
  readonly errors: string;
}

async function ended(child: ChildProcess): Promise<Ended> {
  if (child.stdout === null || child.stderr === null) throw new Error('The program has no output.');
  const exit: Promise<unknown[]> = once(child, 'exit');
  const [output, errors, [code]] = await Promise.all([textOf(child.stdout), textOf(child.stderr), exit]);
  return { code, output, errors };
}

async function started(parameters: readonly string[]): Promise<{ child: ChildProcess; url: string }> {
  const child = run(['--port', '0', ...parameters]);
  let text = '';
  const url = await new Promise<string>((resolve, reject) => {
    const read = (chunk: unknown): void => {
      text += String(chunk);
      const found = /serves at (https:\S+);/.exec(text)?.[1];
      if (found !== undefined && text.includes('Ctrl+C')) resolve(found);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('exit', () => reject(new Error(`It did not start: ${text}`)));
  });
  return { child, url };
}

async function get(state: string, url: string): Promise<{ status: number | undefined; body: unknown }> {
  const agent = new Agent({ ca: readFileSync(join(state, 'ca.pem')) });
  const sent = request(url, { agent }).end();
  const [response] = z.tuple([z.instanceof(IncomingMessage)]).parse(await once(sent, 'response'));
  const body: unknown = JSON.parse(await textOf(response));
  agent.destroy();
  return { status: response.statusCode, body };
}

async function stopped(child: ChildProcess, signal: NodeJS.Signals = 'SIGINT'): Promise<unknown> {
  const exit: Promise<unknown[]> = once(child, 'exit');
  child.kill(signal);
  return (await exit)[0];
}

/** One line on the error output, exit code 1. */
async function refuses(parameters: readonly string[], line: RegExp): Promise<void> {
  const { code, output, errors } = await ended(run(parameters));
  expect(errors.trimEnd().split('\n')).toEqual([expect.stringMatching(line)]);
  expect([code, output]).toEqual([1, '']);
}

test('it tells its options', async () => {
  const { code, output } = await ended(run(['--help']));
  expect(code).toBe(0);
  for (const option of ['--state', '--port', '--speed', '--tenant', '--subscriptions', '--chaos', '--seed'])
    expect(output).toContain(option);
});

test('it serves, ends in order on Ctrl-C, and goes on where it was', async () => {
  const state = fresh();
  const first = await started(['--state', state, '--chaos', 'x']);
  expect((await get(state, `${first.url}/_simulator/health`)).body).toEqual({ status: 'ready' });
  expect((await get(state, `${first.url}/common/discovery/instance`)).status).toBe(200);
  expect(await stopped(first.child)).toBe(0);
  const second = await started(['--state', state]);
  const { body } = await get(state, `${second.url}/_simulator/requests`);
  expect(body).toMatchObject({ total: 1 });
  expect(await stopped(second.child, 'SIGTERM')).toBe(0);
});

test('what had an effect is recorded with it, even when the process is killed at once', async () => {
  const state = fresh();
  const { child, url } = await started(['--state', state]);
  const post = request(`${url}/_simulator/outside`, {
    method: 'POST',
    ca: readFileSync(join(state, 'ca.pem')),
    headers: { 'content-type': 'application/json' },
  });
  const path = '/subscriptions/5b000000-0000-4000-8000-000000000000/resourceGroups/killed';
  post.end(JSON.stringify({ method: 'PUT', path, body: { location: 'westeurope' } }));
  await once(post, 'response');
  await stopped(child, 'SIGKILL');
  const again = await started(['--state', state]);
  expect((await get(state, `${again.url}/_simulator/left`)).body).toMatchObject([{ id: path }]);
  await stopped(again.child);
});

test('a second one on the same state is refused', async () => {
  const state = fresh();
  const { child } = await started(['--state', state]);
  await refuses(
    ['--state', state, '--port', '0'],
    /^Another simulated Azure is running on the state folder .+--state\.$/,
  );
  await stopped(child);
});

test('simulated time runs as fast as it is told to, and goes on from where it was', async () => {
  const state = fresh();
  const { child } = await started(['--state', state, '--speed', '1000']);
  await stopped(child);
  const clock = z.object({ epoch: z.number(), wallStart: z.number(), speed: z.number() });
  const read = (): z.infer<typeof clock> => clock.parse(JSON.parse(readFileSync(join(state, 'clock.json'), 'utf8')));
  const before = read();
  expect(before.speed).toBe(1000);
  const again = await started(['--state', state, '--speed', '2']);
  await stopped(again.child);
  const after = read();
  expect(after.speed).toBe(2);
  expect(after.epoch - before.epoch).toBeGreaterThan((after.wallStart - before.wallStart) * 900);
});

describe('one line, exit code 1, nothing written', () => {
  test('a tenant file that is none, by JSON pointer', async () => {
    const file = join(scratch, 'tenant.json');
    const sample: unknown = JSON.parse(readFileSync('samples/tenant.json', 'utf8'));
    const wrong = { ...z.looseObject({}).parse(sample), location: 7, timings: { subnet: -1 }, extra: true };
    writeFileSync(file, JSON.stringify(wrong));
    const state = fresh();
    await refuses(
      ['--state', state, '--port', '0', '--tenant', file],
      /is not a tenant: \/location: .+; \/timings\/subnet: .+; .*extra/,
    );
    writeFileSync(file, '{');
    await refuses(['--state', state, '--port', '0', '--tenant', file], /cannot be read as a tenant/);
    await refuses(['--state', state, '--port', '0', '--tenant', 'none.json'], /none\.json cannot be read as a tenant/);
    expect(existsSync(state)).toBe(false);
  });

  test('a port that is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = z.object({ port: z.number() }).parse(server.address());
    const state = fresh();
    await refuses(['--state', state, '--port', String(port)], /^Port \d+ is in use\./);
    expect(existsSync(state)).toBe(false);
    server.close();
  });

  test.each([
    ['of a newer program', /was written by a newer version of this program/],
    ['that is no database', /cannot be read: /],
  ])('a state %s', async (what, line) => {
    const state = fresh();
    mkdirSync(state);
    const file = join(state, 'azure.sqlite');
    if (what === 'of a newer program') {
      const db = new DatabaseSync(file);
      db.exec('CREATE TABLE x (y); PRAGMA user_version = 99');
      db.close();
    } else writeFileSync(file, 'not a database, but long enough to be taken for one'.repeat(100));
    const before = readFileSync(file);
    await refuses(['--state', state, '--port', '0'], line);
    expect(readdirSync(state)).toEqual(['azure.sqlite']);
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  test.each([['--speed', '0'], ['--port', '70000'], ['--subscriptions', 'many'], ['--made-up']])(
    'an option that is wrong: %s %s',
    async (...option) => {
      const state = fresh();
      const { code, errors } = await ended(run(['--state', state, ...option]));
      expect([code, errors.trimEnd().split('\n').length]).toEqual([1, 1]);
      expect(existsSync(state)).toBe(false);
    },
  );
});

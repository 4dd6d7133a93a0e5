/** The command line: what it loads, what it refuses and how, and how it ends, starts again and tells the time. */
import { afterAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { APP, type HostProcess, newFolder, runToEnd, send, startHostProcess, until, writeApp } from './hostProcess';

const folders: string[] = [];
const running: HostProcess[] = [];
const stateFolder = (): string => join(remember(newFolder()), 'state');
const remember = (folder: string): string => {
  folders.push(folder);
  return folder;
};
const app = (files: Readonly<Record<string, string>>): string => remember(writeApp(files));
const start = async (...given: Parameters<typeof startHostProcess>): Promise<HostProcess> => {
  const host = await startHostProcess(...given);
  running.push(host);
  return host;
};
afterAll(async () => {
  await Promise.all(running.map((host) => host.stop('SIGKILL')));
  folders.forEach((folder) => rmSync(folder, { recursive: true }));
});

const main = '{"main":"app.js"}';
/** An app of one function. */
const answering = (text: string): string =>
  `require('@azure/functions').app.http('f', { authLevel: 'anonymous', handler: () => ({ body: ${JSON.stringify(text)} }) });`;
const with_ = (statement: string): Record<string, string> => ({
  'package.json': main,
  'app.js': `const { app, trigger } = require('@azure/functions');\nconst handler = () => undefined;\n${statement}`,
});

describe('refused with one line, exit code 1 and nothing written', () => {
  test.each<[string, Record<string, string>, RegExp]>([
    ['no package.json', {}, /^There is no package\.json in .+\.\n$/],
    ['a broken package.json', { 'package.json': '{"main":' }, /package\.json cannot be read: .*JSON/],
    ['no main', { 'package.json': '{}' }, /has no "main"/],
    ['main of another type', { 'package.json': '{"main":["a.js"]}' }, /package\.json cannot be read: main: .*string/],
    ['no file', { 'package.json': '{"main":"dist/*.js"}' }, /^No file matches "main": "dist\/\*\.js" of .+\n$/],
    ['no function', { 'package.json': main, 'app.js': '' }, /^The app in .+ registers no functions\.\n$/],
    [
      'a file that does not load',
      { 'package.json': main, 'app.js': '\nthrow new Error("broken\\nin two lines")' },
      /app\.js failed to load: Error: broken \| in two lines \(.+app\.js:2:7\)\n$/,
    ],
    [
      'a file that is no JavaScript',
      { 'package.json': main, 'app.js': 'const' },
      /app\.js failed to load: SyntaxError: .+app\.js:1/,
    ],
    [
      'a function registered twice',
      with_("app.http('one', { handler });\napp.timer('one', { schedule: '* * * * *', handler });"),
      /app\.js failed to load: Error: A function with id "one" has already been registered\. \(.+app\.js:4:5\)\n$/,
    ],
    [
      'an unknown trigger',
      with_("app.storageQueue('q', { queueName: 'x', connection: 'y', handler });"),
      /^Function 'q' has the trigger 'queueTrigger', which this host does not know\. It knows: httpTrigger, .+\.\n$/,
    ],
    [
      'an appStart hook that fails',
      with_("app.hook.appStart(() => { throw new Error('no settings'); });\napp.http('f', { handler });"),
      /^The app in .+ did not start: Error: no settings \(.+app\.js:3:33\)\n$/,
    ],
    [
      'a route constraint that is none',
      with_("app.http('f', { route: 'a/{id:even}', handler });"),
      /^Function 'f': The route 'api\/a\/\{id:even\}' cannot be read: 'even' is no route constraint\.\n$/,
    ],
    [
      "a route of the host's own",
      with_("app.http('f', { route: '/runtime/x', handler });\n"),
      /^Function 'f': The route 'runtime\/x' belongs to the host itself\.\n$/,
    ],
    [
      'a schedule that is none',
      with_("app.timer('t', { schedule: 'daily', handler });"),
      /^Function 't': 'daily' is not/,
    ],
    [
      'a schedule that never comes',
      with_("app.timer('t', { schedule: '0 0 30 2 *', handler });"),
      /^Function 't': .+never comes/,
    ],
    [
      'a setting that is not set',
      with_("app.timer('t', { schedule: '%WHEN%', handler });"),
      /^Function 't': '%WHEN%' names a setting that is not set: WHEN\. Set it in "Values" .+\.\n$/,
    ],
    [
      'a host.json that is no JSON',
      { 'package.json': main, 'host.json': '{"a":}' },
      /host\.json cannot be read: .*JSON/,
    ],
    [
      'a host.json with a wrong type',
      { 'package.json': main, 'host.json': '{"extensions":{"durableTask":{"maxConcurrentActivityFunctions":"many"}}}' },
      /host\.json cannot be read: extensions\.durableTask\.maxConcurrentActivityFunctions: .*number.*\n$/,
    ],
    [
      'encrypted settings',
      { 'package.json': main, 'local.settings.json': '{"IsEncrypted":true,"Values":{}}' },
      /local\.settings\.json cannot be read: IsEncrypted: encrypted settings/,
    ],
  ])('%s', async (_, files, message) => {
    const state = stateFolder();
    const prefix = { 'host.json': '{"extensions":{"http":{"routePrefix":""}}}' };
    const folder = app(message.source.includes('runtime') ? { ...prefix, ...files } : files);
    const { code, output } = await runToEnd([folder, '--port', '0', '--state', state]);
    expect({ code, output }).toEqual({ code: 1, output: expect.stringMatching(message) });
    expect(output.trimEnd()).not.toContain('\n');
    expect([existsSync(state), existsSync(join(folder, '.local'))]).toEqual([false, false]);
  });

  test.each([
    [['nowhere'], /^There is no folder .+nowhere\.\n$/],
    [
      [APP, '--port', 'x'],
      /^error: option '--port <number>' argument 'x' is invalid\. A port is a number from 0 to 65535\.\n$/,
    ],
    [[APP, '--speed', '0'], /^error: option '--speed <X>' argument '0' is invalid\. It must be a positive number\.\n$/],
    [[APP, '--sped', '2'], /^error: unknown option '--sped'\n/],
    [[APP, APP], /^error: too many arguments/],
  ])('%j', async (parameters, message) => {
    const state = stateFolder();
    const { code, output } = await runToEnd([...parameters, '--state', state]);
    expect({ code, output }).toEqual({ code: 1, output: expect.stringMatching(message) });
    expect(existsSync(state)).toBe(false);
  });

  test('a port that is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo; // a TCP server that listens has one
    const state = stateFolder();
    const { code, output } = await runToEnd([APP, '--port', String(port), '--state', state]);
    other.close();
    expect(code).toBe(1);
    expect(output).toMatch(new RegExp(`^The host cannot listen on port ${port}: .+Choose another with --port\\.\n$`));
    expect(existsSync(state)).toBe(false);
  });

  test('state of a newer version, broken keys, and a folder that is a file', async () => {
    const folder = app({ 'package.json': main, 'app.js': answering('one') });
    const state = stateFolder();
    mkdirSync(state);
    const store = new DatabaseSync(join(state, 'durable.db'));
    store.exec('PRAGMA user_version = 999');
    store.close();
    const run = () => runToEnd([folder, '--port', '0', '--state', state]);
    expect(await run()).toEqual({ code: 1, output: expect.stringMatching(/^The state cannot be opened: .+999.+\n$/) });
    expect(existsSync(join(state, 'keys.json'))).toBe(false);
    rmSync(join(state, 'durable.db'));
    writeFileSync(join(state, 'keys.json'), '{"masterKey":5}');
    expect(await run()).toEqual({
      code: 1,
      output: expect.stringMatching(/keys\.json cannot be read: masterKey: .+\n$/),
    });
    expect(readFileSync(join(state, 'keys.json'), 'utf8')).toBe('{"masterKey":5}');
    rmSync(state, { recursive: true });
    writeFileSync(state, '');
    expect(await run()).toEqual({
      code: 1,
      output: expect.stringMatching(/^Nothing can be kept in the state folder .+\n$/),
    });
  });
});

test('a second host on the same state is refused before the app runs; the first goes on', async () => {
  const state = stateFolder();
  const first = await start(state, app({ 'package.json': main, 'app.js': answering('first') }));
  const second = app({ 'package.json': main, 'app.js': `console.log('loaded');${answering('second')}` });
  const { code, output } = await runToEnd([second, '--port', '0', '--state', state]);
  expect(code).toBe(1);
  expect(output).toMatch(
    /^Another host is running on the state folder .+\. Stop it, or choose another with --state\.\n$/,
  );
  expect((await send(`${first.url}/api/f`)).text).toBe('first');
});

describe('apps of all kinds', () => {
  test('an ES module app prints its URLs, and ends in order on SIGTERM', async () => {
    const one = await start(stateFolder(), join(APP, '../esmApp'));
    expect(one.output()).toContain(`greet: [GET] ${one.url}/v2/greet/{name}`);
    expect((await send(`${one.url}/v2/greet/you`)).text).toBe('Hello, you');
    expect(await one.stop('SIGTERM')).toBe(0);
  });

  test('files of both kinds by a glob, in order; the core by import and by require', async () => {
    const register = (name: string): string =>
      `app.http('${name}', { authLevel: 'anonymous', handler: () => ({ jsonBody: { order: globalThis.order, version: core.hostVersion } }) });
       (globalThis.order ??= []).push('${name}');`;
    const host = await start(
      stateFolder(),
      app({
        'package.json': '{"type":"module","main":"src/{index,functions/**/*}.{js,cjs,mjs}"}',
        'src/index.js': `import { app } from '@azure/functions'; import core, { registerHook } from '@azure/functions-core';
          registerHook('appStart', () => globalThis.order.push('started')); ${register('index')}`,
        'src/functions/b.cjs': `const { app } = require('@azure/functions'); const core = require('@azure/functions-core'); ${register('b')}`,
        'src/functions/deep/a.mjs': `import { app } from '@azure/functions'; import * as core from '@azure/functions-core'; ${register('a')}`,
        'src/functions/notes.txt': 'no code',
      }),
    );
    expect((await send(`${host.url}/api/a`)).json).toEqual({
      order: ['b', 'a', 'index', 'started'],
      version: expect.any(String),
    });
    expect((await send(`${host.url}/api/b`)).status).toBe(200);
  });

  test('the core refuses a hook that it does not know, and a function that comes late', async () => {
    const host = await start(
      stateFolder(),
      app({
        'package.json': main,
        'app.js': `const { app } = require('@azure/functions'); const core = require('@azure/functions-core');
          const refusal = (act) => { try { act(); } catch (e) { return [e.name, e.message, e.isAzureFunctionsSystemError]; } };
          const hook = refusal(() => core.registerHook('preLoad', () => {}));
          app.http('f', { authLevel: 'anonymous', handler: () => ({
            jsonBody: { hook, late: refusal(() => app.http('late', { handler: () => ({}) })) } }) });`,
      }),
    );
    expect((await send(`${host.url}/api/f`)).json).toEqual({
      hook: ['RangeError', 'Unrecognized hook "preLoad"', true],
      late: ['Error', 'A function can only be registered during app startup.', null],
    });
  });
});

test('simulated time: from the start of the app, kept over a restart, and only by a start that succeeds', async () => {
  const now = async (host: HostProcess) => (await send(`${host.url}/api/now`)).json as { loaded: number; now: number };
  const clock = `const loaded = Date.now();
    require('@azure/functions').app.http('now', { authLevel: 'anonymous', handler: () => ({ jsonBody: { loaded, now: Date.now() } }) });`;
  const folder = app({ 'package.json': main, 'app.js': clock });
  const state = stateFolder();
  const began = Date.now();
  const fast = await start(state, folder, {}, ['--speed', '100000']);
  const first = await until(
    () => now(fast),
    (told) => told.now - told.loaded > 600_000,
  );
  expect(first.loaded).toBeGreaterThanOrEqual(began);
  expect(await fast.stop('SIGTERM')).toBe(0);
  const slow = await start(state, folder);
  expect((await now(slow)).loaded).toBeGreaterThan(first.now);
});

test('--memory leaves nothing but the keys', async () => {
  const state = stateFolder();
  const host = await start(state, app({ 'package.json': main, 'app.js': answering('one') }), {}, [
    '--memory',
    '--strict',
  ]);
  expect((await send(`${host.url}/api/f`)).text).toBe('one');
  expect(['lock.db', 'durable.db', 'timers.json', 'keys.json'].filter((file) => existsSync(join(state, file)))).toEqual(
    ['keys.json'],
  );
});

describe('--watch', () => {
  const isAlive = (pid: number): boolean => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  /** As an editor does: whole or not at all. */
  const write = (file: string, text: string): void => {
    writeFileSync(`${file}.tmp`, text);
    renameSync(`${file}.tmp`, file);
  };
  const watched = (text: string): string =>
    `const { app } = require('@azure/functions');
     app.http('f', { authLevel: 'anonymous', handler: () => ({ jsonBody: { text: '${text}', pid: process.pid } }) });`;
  const ask = async (host: HostProcess) =>
    send(`${host.url}/api/f`).then(
      ({ json }) => json as { text: string; pid: number } | undefined,
      () => undefined,
    );

  test.each(['SIGTERM', 'SIGKILL'] as const)(
    'a change starts the host again at its address; %s leaves nobody',
    async (signal) => {
      const folder = app({ 'package.json': '{"main":"dist/*.js"}', 'dist/app.js': watched('one') });
      const host = await start(stateFolder(), folder, {}, ['--watch']);
      expect(await ask(host)).toMatchObject({ text: 'one' });
      write(join(folder, 'dist/app.js'), watched('two'));
      await until(
        () => ask(host),
        (answer) => answer?.text === 'two',
      );
      // One that does not start waits for the next change.
      write(join(folder, 'dist/app.js'), 'throw new Error("half a change")');
      await until(
        async () => host.output(),
        // Two processes, two pipes: either may be read first.
        (output) => output.includes('half a change') && output.includes('It starts again when the app changes'),
      );
      write(join(folder, 'host.json'), '{}');
      write(join(folder, 'dist/app.js'), watched('three'));
      const last = await until(
        () => ask(host),
        (answer) => answer?.text === 'three',
      );
      expect(await host.stop(signal)).toBe(signal === 'SIGTERM' ? 0 : 'SIGKILL');
      await until(
        async () => isAlive(last?.pid ?? 0),
        (alive) => !alive,
      );
    },
  );

  test('an app that is wrong from the start ends it', async () => {
    const { code, output } = await runToEnd([app({ 'package.json': '{}' }), '--watch', '--port', '0']);
    expect({ code, output }).toEqual({ code: 1, output: expect.stringMatching(/^.+ has no "main".+\n$/) });
  });
});

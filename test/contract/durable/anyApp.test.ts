/** Apps that were not written for this host: what they take for granted, and what they are told when it is not there. */
import { afterAll, describe, expect, test } from '@jest/globals';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type HostProcess, newFolder, runToEnd, send, startHostProcess, until, writeApp } from './hostProcess';

const folders: string[] = [];
const running: HostProcess[] = [];
const remember = (folder: string): string => {
  folders.push(folder);
  return folder;
};
const stateFolder = (): string => join(remember(newFolder()), 'state');
const app = (code: string, files: Readonly<Record<string, string>> = {}): string =>
  remember(
    writeApp({
      'package.json': '{"main":"app.js"}',
      'app.js': `const { app } = require('@azure/functions');\nconst handler = () => undefined;\n${code}`,
      ...files,
    }),
  );
const start = async (folder: string, state = stateFolder()): Promise<HostProcess> => {
  const host = await startHostProcess(state, folder);
  running.push(host);
  return host;
};
const refusal = async (folder: string, state = stateFolder()): Promise<string> => {
  const { code, output } = await runToEnd([folder, '--port', '0', '--state', state]);
  expect(code).toBe(1);
  expect(output.trimEnd()).not.toContain('\n');
  return output;
};
afterAll(async () => {
  await Promise.all(running.map((host) => host.stop('SIGKILL')));
  folders.forEach((folder) => rmSync(folder, { recursive: true }));
});

test('it runs in its own folder, wherever the host was started', async () => {
  const read = `const text = require('node:fs').readFileSync('text.txt', 'utf8');
    app.get('f', { handler: () => ({ jsonBody: [text, process.cwd()] }) });`;
  const folder = app(read, { 'text.txt': 'here' });
  expect((await send(`${(await start(folder)).url}/api/f`)).json).toEqual(['here', folder]);
});

test('it is told its own address while it loads', async () => {
  const host = await start(
    app(`const { WEBSITE_HOSTNAME } = process.env;
    app.get('f', { handler: () => ({ body: WEBSITE_HOSTNAME }) });`),
  );
  expect(`http://${(await send(`${host.url}/api/f`)).text}`).toBe(host.url);
});

test('its settings may have comments and a comma too many, as .NET reads them', async () => {
  const folder = app(`app.get('f', { handler: () => ({ jsonBody: process.env.ADDRESS }) });`, {
    'host.json': '// of the host\n{ "extensions": { /* none */ "http": { "routePrefix": "v1", }, }, }',
    'local.settings.json': String.raw`{ "Values": { "ADDRESS": "http://a//b/* \" ,} */", } }`,
  });
  expect((await send(`${(await start(folder)).url}/v1/f`)).json).toBe('http://a//b/* " ,} */');
});

test('a function with a trigger that the host does not know can be switched off', async () => {
  const queue = `app.storageQueue('q', { queueName: 'x', connection: 'y', handler }); app.get('f', { handler });`;
  const settings = '{"Values":{"AzureWebJobs.q.Disabled":true}}';
  const host = await start(app(queue, { 'local.settings.json': settings }));
  expect((await send(`${host.url}/api/f`)).status).toBe(204);
  expect(host.output()).not.toContain('q: queueTrigger');
});

test('its keys come into no repository, and it is told where they are', async () => {
  const folder = app(`app.get('f', { handler });`);
  const state = join(folder, '.local', 'host');
  const host = await start(folder, state);
  expect(readFileSync(join(state, '.gitignore'), 'utf8')).toBe('*\n');
  expect(host.output()).toContain(`: ${join(state, 'keys.json')}\n`);
});

test('the end is announced while activities are waited for', async () => {
  const host = await start(app(`app.get('f', { handler });`));
  expect(await host.stop('SIGTERM')).toBe(0);
  expect(host.output()).toMatch(/Stopping\. Activities have 5 seconds to end; a second Ctrl\+C does not wait\.\n$/);
});

test('a status of a timer that cannot be kept does not end the host', async () => {
  const state = stateFolder();
  const folder = app(`app.timer('t', { schedule: '0 0 0 1 1 *', handler: () => console.log('tick') });`);
  const host = await start(folder, state);
  // Where the new file is written first.
  mkdirSync(join(state, 'timers.json.new'));
  await send(`${host.url}/admin/functions/t`, 'POST', {}, { 'x-functions-key': host.keys.masterKey });
  await until(
    async () => host.output(),
    (output) => output.includes('tick'),
  );
  expect((await send(`${host.url}/admin/host/status`)).status).toBe(200);
});

test('an app without durable-functions, whose library names no capabilities as early ones did', async () => {
  const folder = remember(newFolder());
  writeFileSync(join(folder, 'package.json'), '{"main":"app.js"}');
  writeFileSync(
    join(folder, 'app.js'),
    `const core = require('@azure/functions-core');
    core.setProgrammingModel({ getInvocationModel: () => undefined });
    core.registerFunction({ name: 'warm', bindings: { trigger: { type: 'warmupTrigger' } } }, () => undefined);`,
  );
  expect((await start(folder)).output()).toContain('warm: warmupTrigger');
});

test('a library whose timers fail on this Node is named at the start', async () => {
  const folder = app('', {
    'app/package.json': '{"main":"app.js"}',
    'app/app.js': `require('@azure/functions').app.get('f', { handler: () => ({}) });`,
    'app/node_modules/durable-functions/package.json': '{"name":"durable-functions","version":"3.1.0"}',
  });
  expect((await start(join(folder, 'app'))).output()).toMatch(
    /durable-functions 3\.1\.0 cannot make timers on Node v.+3\.4\n/,
  );
});

describe('told in one line', () => {
  test.each([
    ['require', 'commonjs', `require('no-such-package');`],
    ['import', 'module', `import 'no-such-package';`],
  ])('a package that is not installed, by %s', async (_, type, asks) => {
    const folder = app('', {
      'package.json': `{"main":"app.js","type":"${type}"}`,
      'app.js': type === 'module' ? `import './other.js';` : `require('./other');`,
      'other.js': asks,
    });
    expect(await refusal(folder)).toMatch(
      /app\.js failed to load: Error: Cannot find (module|package) 'no-such-package', asked for in .+other\.js\. Install the app's packages: npm install\n$/,
    );
  });

  test('all the functions whose triggers the host does not know, and how to go without them', async () => {
    const two = `app.storageQueue('q', { queueName: 'x', connection: 'y', handler });
      app.storageBlob('b', { path: 'x', connection: 'y', handler });`;
    expect(await refusal(app(two))).toMatch(
      /^Function 'q' has .+ Function 'b' has .+ It knows: .+local\.settings\.json: AzureWebJobs\.q\.Disabled, AzureWebJobs\.b\.Disabled\.\n$/,
    );
  });

  test('two functions of one route and method', async () => {
    const routed = (name: string, method: string): string =>
      `app.http('${name}', { route: '${name === 'a' ? 'x/{id}' : 'X/{id}'}', methods: ['${method}'], handler });`;
    expect((await start(app(routed('a', 'GET') + routed('b', 'POST')))).output()).toContain('b: [POST]');
    expect(await refusal(app(routed('a', 'GET') + routed('b', 'GET')))).toMatch(
      /^Function 'b': The route '\/api\/X\/\{id\}' belongs to function 'a'\.\n$/,
    );
  });

  test('an app of the older model', async () => {
    const folder = app('', { 'package.json': '{}', 'hello/function.json': '{}' });
    expect(await refusal(folder)).toMatch(/has no "main": .+older model, with a function\.json .+ are not run\.\n$/);
  });

  test('a hub name of a setting that is not set', async () => {
    const folder = app('', { 'host.json': '{"extensions":{"durableTask":{"hubName":"%NO_SUCH_HUB%"}}}' });
    expect(await refusal(folder)).toMatch(
      /host\.json: extensions\.durableTask\.hubName: '%NO_SUCH_HUB%' names a setting that is not set: NO_SUCH_HUB\. Set it in .+\.\n$/,
    );
  });

  test('settings that are no JSON, over several lines', async () => {
    expect(await refusal(app('', { 'local.settings.json': '{\n"Values"\n: x\n}' }))).toMatch(/cannot be read: .+\n$/);
  });

  test('state that cannot be opened, locked or written', async () => {
    const folder = app(`app.get('f', { handler });`);
    const state = stateFolder();
    mkdirSync(state);
    writeFileSync(join(state, 'durable.db'), 'no database at all '.repeat(100));
    expect(await refusal(folder, state)).toMatch(
      /^The state cannot be opened: .+durable\.db: file is not a database\n$/,
    );
    rmSync(join(state, 'durable.db'));
    mkdirSync(join(state, 'keys.json.new'));
    expect(await refusal(folder, state)).toMatch(/keys\.json cannot be written: .+\n$/);
    // A lock that cannot be taken is not another host's.
    writeFileSync(join(state, 'lock.db'), 'no database at all '.repeat(100));
    expect(await refusal(folder, state)).toMatch(
      /^Nothing can be kept in the state folder .+: file is not a database\.\n$/,
    );
    expect(existsSync(join(state, 'keys.json'))).toBe(false);
  });
});

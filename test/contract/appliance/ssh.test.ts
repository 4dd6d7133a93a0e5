/** The adapter against the simulated appliance, over real sockets. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { utils } from 'ssh2';
import { readableKeyPair } from '../../../local/appliance/keyPair';
import { startAppliances, type ApplianceOptions } from '../../../local/appliance/start';
import type { Answers, Dialogue, Session } from '../../../src/appliance/port';
import { createSshAppliance } from '../../../src/appliance/ssh';
import { connectThrough } from '../../../src/appliance/tunnel';
import type { Script } from '../../../src/domain/profile';
import { script } from '../../support/requests';
import { application, startStandInAzure, tenantId, tenantName, type World } from './standInAzure';

const { private: privateKey, public: publicKey } = readableKeyPair();
const session: Session = { address: '20.50.0.4', port: 22, username: 'cloudknox', privateKeys: [privateKey] };

let azure: World;
let state: string;
let url: string;
let close: () => Promise<void>;
const transcripts: string[] = [];
const quick = { settleSeconds: 0.002, quietSeconds: 0.1 };

async function start(options: Partial<ApplianceOptions> = {}): Promise<void> {
  ({ url, close } = await startAppliances({ azure: azure.url, state, port: 0, dropSeconds: 0, ...options }));
}
async function restart(options: Partial<ApplianceOptions> = {}): Promise<void> {
  await close();
  await start(options);
}

beforeEach(async () => {
  azure = await startStandInAzure(publicKey);
  state = join(mkdtempSync(join(tmpdir(), 'appliance-')), 'state');
  await start();
});
afterEach(async () => {
  jest.restoreAllMocks();
  await close();
  await azure.close();
  rmSync(join(state, '..'), { recursive: true });
});

async function configure(answers: Answers, other: Partial<Session> = {}, using: Script = script): Promise<Dialogue> {
  const appliance = createSshAppliance({ proxy: url, ...quick });
  const dialogue = await appliance.configure({ ...session, ...other }, using, answers);
  if ('transcript' in dialogue) transcripts.push(dialogue.transcript);
  return dialogue;
}

async function register(applianceAddress = '20.50.0.4'): Promise<{ email: string; pin: string }> {
  const response = await fetch(`${url}/console/azure/data-collectors`, {
    method: 'POST',
    body: JSON.stringify({ applianceAddress }),
  });
  expect(response.status).toBe(201);
  return JSON.parse(await response.text()) as { email: string; pin: string };
}
const collectors = async (): Promise<unknown> => (await fetch(`${url}/console/azure/data-collectors`)).json();

const asIdentity = { tenantId, usesClientId: 'N', subscriptionCount: '3' };
const asApplication = {
  tenantId: tenantName,
  usesClientId: 'Y',
  clientId: application.clientId,
  clientSecret: application.secret,
  subscriptionCount: '50',
};

test('a managed identity: the script is answered to its end, and the console then sees it collecting', async () => {
  const registered = await register();
  expect(await collectors()).toEqual([
    { applianceAddress: '20.50.0.4', email: registered.email, state: 'pending', subscriptions: 0 },
  ]);

  const dialogue = await configure({ ...registered, ...asIdentity });

  expect(dialogue).toEqual({
    kind: 'configured',
    hostKey: expect.stringMatching(/^SHA256:[\w+/]{43}$/),
    transcript: [
      `Email address shown by the CloudKnox console: ${registered.email}`,
      'PIN: ',
      `Azure AD tenant name or tenantID: ${tenantId}`,
      'Configure ClientID and Secret (Y/N): N',
      'Verifying access to Microsoft Graph ... ok',
      'Enter number of subs to add (0-50): 3',
      'Added 3 of 3 subscriptions.',
      'Configuration complete.',
      '',
    ].join('\n'),
  });
  expect(await collectors()).toMatchObject([{ state: 'collecting', subscriptions: 3 }]);
});

test('an application: signs in with its id and secret, and adds what it can read', async () => {
  azure.hasIdentity = false;
  const dialogue = await configure({ ...(await register()), ...asApplication });
  expect(dialogue).toMatchObject({
    kind: 'configured',
    transcript: expect.stringContaining('Added 5 of 50 subscriptions.'),
  });
});

test('configured before: the script asks whether to do it again, needs a fresh PIN, and remembers after a restart', async () => {
  const first = await register();
  await configure({ ...first, ...asIdentity });
  await restart();

  expect(await configure({ ...first, ...asIdentity })).toMatchObject({ kind: 'wrongPin' });
  const again = await configure({ ...(await register()), ...asIdentity, subscriptionCount: '5' });
  expect(again).toMatchObject({
    kind: 'configured',
    transcript: expect.stringContaining('Configure it again? (Y/N): Y'),
  });
  expect(await collectors()).toMatchObject([{ state: 'collecting', subscriptions: 5 }]);
});

test('configured before, and the answer is no: nothing changes', async () => {
  await configure({ ...(await register()), ...asIdentity });
  const declining = {
    ...script,
    prompts: script.prompts.map((prompt) => (prompt.answer === 'yes' ? { ...prompt, answer: 'no' as const } : prompt)),
  };
  const dialogue = await configure({}, {}, declining);
  expect(dialogue).toMatchObject({ kind: 'configured', transcript: expect.stringContaining('Nothing was changed.') });
});

test('a wrong PIN is told apart, and the right one still works', async () => {
  const { email, pin } = await register();
  const wrong = pin === '000000' ? '000001' : '000000';
  expect(await configure({ email, pin: wrong, ...asIdentity })).toMatchObject({ kind: 'wrongPin' });
  expect(await configure({ email, pin, ...asIdentity })).toMatchObject({ kind: 'configured' });
});

test('a PIN is good for its own appliance only, and for an hour', async () => {
  const elsewhere = await register('20.50.0.99');
  expect(await configure({ ...elsewhere, ...asIdentity })).toMatchObject({ kind: 'wrongPin' });
  const here = await register();
  const expired = Date.now() + 60 * 60_000;
  jest.spyOn(Date, 'now').mockReturnValue(expired);
  expect(await configure({ ...here, ...asIdentity })).toMatchObject({ kind: 'wrongPin' });
});

test.each([
  ['a tenant that is not there', { tenantId: 'nobody.example' }, 'the tenant nobody.example was not found.'],
  ['a wrong client secret', { ...asApplication, clientSecret: 'stale' }, 'refused the client ID or the password.'],
])('%s fails with the words of the script', async (_name, changed, words) => {
  const dialogue = await configure({ ...(await register()), ...asIdentity, ...changed });
  expect(dialogue).toMatchObject({ kind: 'failed', reason: expect.stringContaining(words) });
});

test('an identity without directory permissions fails, its PIN stays good, and with them it goes through', async () => {
  const registered = await register();
  azure.readsDirectory = false;
  const failed = await configure({ ...registered, ...asIdentity });
  expect(failed).toMatchObject({ kind: 'failed', transcript: expect.stringContaining('Graph ... failed') });
  azure.readsDirectory = true;
  expect(await configure({ ...registered, ...asIdentity })).toMatchObject({ kind: 'configured' });
});

test('a VM without an identity fails when it is asked to use one', async () => {
  azure.hasIdentity = false;
  const dialogue = await configure({ ...(await register()), ...asIdentity });
  expect(dialogue).toMatchObject({ kind: 'failed', reason: expect.stringContaining('no managed identity') });
});

test('the appliance rides out throttling', async () => {
  const registered = await register();
  azure.throttleOnce = true;
  expect(await configure({ ...registered, ...asIdentity })).toMatchObject({ kind: 'configured' });
});

test('a count that the script rejects again and again fails instead of going round for ever', async () => {
  const dialogue = await configure({ ...(await register()), ...asIdentity, subscriptionCount: '51' });
  expect(dialogue).toMatchObject({ kind: 'failed', reason: expect.stringContaining('again and again') });
});

test.each([
  ['the option', { askExtra: 'Proxy server: ' }, {}],
  ['the tag', {}, { 'simulator-extra-prompt': 'Proxy server: ' }],
])('a prompt that nobody knows, asked by %s, is handed over word for word', async (_name, options, tags) => {
  await restart(options);
  azure.vm = { ...azure.vm, tags };
  const dialogue = await configure({ ...(await register()), ...asIdentity });
  expect(dialogue).toMatchObject({ kind: 'unknownPrompt', prompt: 'Proxy server:' });
});

test('a known prompt without an answer is a prompt that nobody can answer', async () => {
  const { email, pin } = await register();
  const dialogue = await configure({ email, pin, usesClientId: 'N', subscriptionCount: '1' });
  expect(dialogue).toMatchObject({ kind: 'unknownPrompt', prompt: 'Azure AD tenant name or tenantID:' });
});

test('a session that is cut before the end is unreachable, and does not spend the PIN', async () => {
  const registered = await register();
  azure.onRequest = (path) => {
    if (path === '/v1.0/servicePrincipals') cut.destroy();
  };
  const cut = await connectThrough(url)('20.50.0.4', 22);
  const appliance = createSshAppliance({ connect: async () => cut, ...quick });
  const dialogue = await appliance.configure(session, script, { ...registered, ...asIdentity });
  expect(dialogue).toEqual({ kind: 'unreachable', reason: 'the session was cut off while the script ran' });
  expect(await collectors()).toMatchObject([{ state: 'pending' }]);

  azure.onRequest = () => undefined;
  expect(await configure({ ...registered, ...asIdentity })).toMatchObject({ kind: 'configured' });
});

test('closed by the security rules, unknown, stopped, or still booting: unreachable, each as Azure shows it', async () => {
  azure.reachable = false;
  expect(await configure({})).toEqual({ kind: 'unreachable', reason: 'the proxy answered 504' });
  azure.reachable = true;
  expect(await configure({}, { address: '20.50.0.5' })).toEqual({
    kind: 'unreachable',
    reason: 'the proxy answered 504',
  });
  expect(await configure({}, { port: 9000 })).toEqual({ kind: 'unreachable', reason: 'the proxy answered 502' });
  azure.vm = { ...azure.vm, powerState: 'deallocated' };
  expect(await configure({})).toEqual({ kind: 'unreachable', reason: 'the proxy answered 502' });
  azure.vm = { ...azure.vm, powerState: 'running', startedAt: Date.now() };
  expect(await configure({})).toEqual({ kind: 'unreachable', reason: 'the proxy answered 502' });
});

test('a session that is open stays open when the rules close', async () => {
  const registered = await register();
  azure.onRequest = (path) => {
    if (path === '/v1.0/servicePrincipals') azure.reachable = false;
  };
  expect(await configure({ ...registered, ...asIdentity })).toMatchObject({ kind: 'configured' });
});

test('the host key stays the same after a restart; another one is refused before anything is said', async () => {
  const registered = await register();
  const first = await configure({ ...registered, ...asIdentity });
  const hostKey = 'hostKey' in first ? first.hostKey : undefined;
  await restart();
  expect(await configure({}, { hostKey })).toMatchObject({ kind: 'unknownPrompt', hostKey });

  rmSync(join(state, 'host-keys'), { recursive: true });
  await restart();
  const changed = await configure({}, { hostKey });
  expect(changed).toEqual({
    kind: 'refused',
    why: 'hostKey',
    reason: expect.stringMatching(/^the host key is SHA256:.* at first contact$/),
  });
});

test('another key, another user or something that is no key is refused', async () => {
  const refused = { kind: 'refused', why: 'key', reason: 'our key was refused' };
  expect(await configure({}, { privateKeys: [readableKeyPair().private] })).toEqual(refused);
  expect(await configure({}, { username: 'root' })).toEqual(refused);
  expect(await configure({}, { privateKeys: ['no key'] })).toMatchObject({ kind: 'refused' });
});

test('an RSA key works as well', async () => {
  const rsa = utils.generateKeyPairSync('rsa', { bits: 2048 });
  azure.vm = { ...azure.vm, sshPublicKeys: [rsa.public] };
  const dialogue = await configure({ ...(await register()), ...asIdentity }, { privateKeys: [rsa.private] });
  expect(dialogue).toMatchObject({ kind: 'configured' });
});

test('any other command is not found', async () => {
  const dialogue = await configure({}, {}, { ...script, command: 'sudo reboot' });
  expect(dialogue).toMatchObject({
    kind: 'failed',
    reason: 'the script ended with 127 and did not say how it went',
    transcript: '-bash: sudo: command not found\n',
  });
});

test('without a proxy the adapter connects by itself, and a port that nobody listens on is unreachable', async () => {
  const listener = createServer((socket) => socket.resume().end('HTTP/1.1 this is no SSH server\r\n'));
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as AddressInfo;
  const appliance = createSshAppliance();
  const direct = { ...session, address: '127.0.0.1', port };
  expect(await appliance.configure(direct, script, {})).toMatchObject({ kind: 'unreachable' });
  await new Promise((resolve) => listener.close(resolve));
  expect(await appliance.configure(direct, script, {})).toMatchObject({
    kind: 'unreachable',
    reason: expect.stringContaining('ECONNREFUSED'),
  });
});

test('a script that is not done in time fails', async () => {
  const registered = await register();
  const hurried = createSshAppliance({ proxy: url, ...quick, timeLimitSeconds: 1 });
  await restart({ askExtra: 'Working ... ' });
  const inTime = createSshAppliance({ proxy: url, ...quick, timeLimitSeconds: 1 });
  expect(await hurried.configure(session, script, registered)).toMatchObject({ kind: 'unreachable' });
  expect(await inTime.configure(session, script, registered)).toMatchObject({
    kind: 'failed',
    reason: 'the script was not done within 1 s',
  });
});

test.each(['', '300.1.1.1', 'a b', '20.50.0.4:22'])('the console refuses the address "%s"', async (address) => {
  const body = JSON.stringify({ applianceAddress: address });
  const response = await fetch(`${url}/console/azure/data-collectors`, { method: 'POST', body });
  expect(response.status).toBe(400);
});

test('health answers, other paths do not', async () => {
  expect((await fetch(`${url}/health`)).status).toBe(200);
  expect((await fetch(`${url}/admin`)).status).toBe(404);
});

test('no secret is in a transcript or in the state folder, and the folder is its owner’s alone', async () => {
  const { email, pin } = await register();
  await configure({ email, pin, ...asApplication });
  const echoing = { ...script, command: `echo-${application.secret}-${pin}` };
  await configure({ email, pin, ...asApplication }, {}, echoing);

  const files = readdirSync(state, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name));
  expect(paths).toHaveLength(2);
  const texts = [...transcripts, ...paths.map((path) => readFileSync(path, 'utf8'))];
  for (const secret of [pin, application.secret, privateKey]) {
    expect(texts.filter((text) => text.includes(secret))).toEqual([]);
  }
  expect(transcripts.at(-1)).toBe('-bash: echo-•••-•••: command not found\n');
  expect(paths.map((path) => statSync(path).mode & 0o777)).toEqual([0o600, 0o600]);
});

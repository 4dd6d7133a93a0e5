/** The simulated appliance as a person meets it, with a terminal. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Client, type ClientChannel } from 'ssh2';
import { readableKeyPair } from '../../../local/appliance/keyPair';
import { startAppliances } from '../../../local/appliance/start';
import { connectThrough } from '../../../src/appliance/tunnel';
import { startStandInAzure, type World } from './standInAzure';

const { private: privateKey, public: publicKey } = readableKeyPair();
const script = 'sudo /opt/cloudknox/sentrysoftwareservice/bin/runAzureConfigCLI.sh';
let azure: World;
let state: string;
let appliances: Awaited<ReturnType<typeof startAppliances>>;
let client: Client;

beforeEach(async () => {
  azure = await startStandInAzure(publicKey);
  state = mkdtempSync(join(tmpdir(), 'appliance-'));
  appliances = await startAppliances({ azure: azure.url, state, port: 0 });
  const sock = await connectThrough(appliances.url)('20.50.0.4', 22);
  client = new Client();
  await new Promise((resolve, reject) => {
    client.once('ready', () => resolve(undefined)).once('error', reject);
    client.connect({ sock, username: 'cloudknox', privateKey });
  });
});
afterEach(async () => {
  client.end();
  await appliances.close();
  await azure.close();
  rmSync(state, { recursive: true });
});

type Opened = (error: Error | undefined, channel: ClientChannel) => void;

/** Types `input`, and `then` after it once the terminal shows `seen`; gives all that it showed, and the exit status. */
function type(
  open: (opened: Opened) => void,
  input: string,
  seen = '',
  then = '',
): Promise<readonly [string, unknown]> {
  return new Promise((resolve, reject) => {
    open((error, channel) => {
      if (error) return reject(error);
      let output = '';
      let status: unknown;
      let rest = then;
      channel.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        if (rest === '' || !output.includes(seen)) return;
        channel.write(rest);
        rest = '';
      });
      channel.on('exit', (code: unknown) => (status = code)).on('close', () => resolve([output, status]));
      channel.write(input);
    });
  });
}
const shell = (opened: Opened): unknown => client.shell(opened);

test('a shell takes commands until exit, with erase', async () => {
  const [output, status] = await type(shell, 'lsx\u007f /\rexit\r');
  expect(output).toContain('[cloudknox@cloudknox-sentry ~]$ ');
  expect(output).toContain('-bash: ls: command not found\r\n');
  expect(status).toBe(127);
});

test('Ctrl-C ends the set-up script', async () => {
  const [, status] = await type(shell, `${script}\r`, 'Email address', 'me@contoso.example\u0003');
  expect(status).toBe(130);
});

test('sudo wants a terminal', async () => {
  const exec = (opened: Opened): unknown => client.exec(script, opened);
  expect(await type(exec, '')).toEqual(['sudo: sorry, you must have a tty to run sudo\n', 1]);
});

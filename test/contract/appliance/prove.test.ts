/** What an appliance proves: the script in a real shell, and the adapter against the simulated appliance. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readableKeyPair } from '../../../local/appliance/keyPair';
import { startAppliances } from '../../../local/appliance/start';
import { prove, type RunScript } from '../../../src/activities/prove';
import type { Session } from '../../../src/appliance/port';
import { createSshAppliance } from '../../../src/appliance/ssh';
import { proofScript, type Questions, readAnswers } from '../../../src/domain/proofScript';
import { startStandInAzure, type World } from './standInAzure';

const clientId = '33333333-3333-4333-8333-333333333333';
const origins = ['https://management.azure.com', 'https://app.cloudknox.io'];
const cloud: Questions = {
  origins,
  identity: { clientId, armEndpoint: 'https://management.azure.com', armAudience: 'https://management.azure.com' },
};

describe('the script, in a real shell', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'curl-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Runs it with a `curl` that answers by its URL, and notes its parameters and its standard input. */
  function runWith(questions: Questions, answers: string): { output: string; asked: string; input: string } {
    const curl = `#!/bin/sh
echo "$@" >> ${folder}/asked
case "$*" in *"-K -"*) cat >> ${folder}/input;; esac
for url; do :; done
case "$url" in
${answers}
esac
`;
    writeFileSync(join(folder, 'curl'), curl);
    chmodSync(join(folder, 'curl'), 0o755);
    const { stdout, stderr } = spawnSync('/bin/sh', ['-c', proofScript(questions, ['a1', 'b2'])], {
      env: { PATH: `${folder}:/usr/bin:/bin` },
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
    return { output: stdout, asked: read('asked'), input: questions.identity ? read('input') : '' };
  }
  const token = `*169.254.169.254*) printf '{"access_token":"ey.se-cret.token","token_type":"Bearer"}';;`;

  test('says what is reached, with which exit code what is not, and which subscriptions are read', () => {
    const { output, asked, input } = runWith(
      cloud,
      `${token}
*/subscriptions*) printf '{"value":[{"id":"/subscriptions/A1","subscriptionId":"A1"},\\n{"subscriptionId": "b2"},{"subscriptionId":"c3"}],"nextLink":"https://management.azure.com/subscriptions?x=1"}\\nstatus 200\\n';;
*cloudknox*) printf 000; exit 6;;
*) printf 400;;`,
    );
    expect(readAnswers(output, cloud)).toEqual({
      reached: ['https://management.azure.com'],
      unreached: [{ origin: 'https://app.cloudknox.io', why: 'its name is not resolved' }],
      readable: ['a1', 'b2'],
      nextLink: 'https://management.azure.com/subscriptions?x=1',
    });
    // The token is nowhere but on the standard input of curl.
    expect(input).toBe('header = "Authorization: Bearer ey.se-cret.token"\n');
    expect(output + asked).not.toContain('se-cret');
    expect(asked).toContain(`client_id=${clientId}&resource=https%3A%2F%2Fmanagement.azure.com`);
  });

  test.each([
    ['no token', `*) printf 000;;`, 'the metadata service gave no token of its managed identity'],
    [
      'a refusal',
      `${token}
*) printf '{"error":{"code":"AuthorizationFailed","message":"x"}}\\nstatus 403\\n';;`,
      'Azure Resource Manager answered 403 (AuthorizationFailed)',
    ],
    [
      'silence',
      `${token}
*) printf '\\nstatus 000\\n'; exit 28;;`,
      'Azure Resource Manager did not answer',
    ],
  ])('%s instead of a listing is told apart', (_what, answers, problem) => {
    const { output } = runWith({ ...cloud, origins: [] }, answers);
    expect(readAnswers(output, { ...cloud, origins: [] })).toMatchObject({ readable: [], problem });
  });

  test('without an identity to ask with it asks for no token', () => {
    const { output, asked } = runWith({ origins }, '*) printf 200;;');
    expect(readAnswers(output, { origins })).toEqual({ reached: origins, unreached: [], readable: [] });
    expect(asked.trim().split('\n')).toHaveLength(2);
  });
});

describe('the simulated appliance, over SSH', () => {
  const { private: privateKey, public: publicKey } = readableKeyPair();
  const session: Session = { address: '20.50.0.4', port: 22, username: 'cloudknox', privateKeys: [privateKey] };
  let azure: World;
  let state: string;
  let url: string;
  let close: () => Promise<void>;

  beforeEach(async () => {
    azure = await startStandInAzure(publicKey);
    state = mkdtempSync(join(tmpdir(), 'appliance-'));
    ({ url, close } = await startAppliances({ azure: azure.url, state, port: 0, dropSeconds: 0 }));
  });
  afterEach(async () => {
    await close();
    await azure.close();
    rmSync(state, { recursive: true });
  });

  const outputs: string[] = [];
  const overSsh: RunScript = async (script) => {
    const ran = await createSshAppliance({ proxy: url }).run(session, script);
    if (ran.kind !== 'ran') return { kind: 'unanswered', reason: ran.reason };
    outputs.push(ran.output);
    return ran;
  };
  const questions = (): Questions => ({
    origins: [azure.url, 'https://app.cloudknox.io'],
    identity: { clientId, armEndpoint: azure.url, armAudience: azure.url },
  });

  test('reaches all, and pages through the listing until it has seen what was granted', async () => {
    const wanted = azure.subscriptions.slice(0, 3);
    expect(await prove(overSsh, questions(), [...wanted, 'no-such'])).toEqual({
      kind: 'answered',
      reached: [azure.url, 'https://app.cloudknox.io'],
      unreached: [],
      readable: wanted,
    });
    expect(outputs.join('')).not.toMatch(/ey[\w-]+\.ey/);
  });

  test('what Azure’s network or a firewall on the way keeps back is named', async () => {
    azure.vm = { ...azure.vm, tags: { 'simulator-blocked-hosts': 'app.cloudknox.io' } };
    expect(await prove(overSsh, questions(), [])).toMatchObject({
      reached: [azure.url],
      unreached: [{ origin: 'https://app.cloudknox.io', why: 'nothing answers within 15 s' }],
    });
    azure.letsOut = () => false;
    const found = await prove(overSsh, questions(), []);
    expect(found).toMatchObject({ reached: [], problem: 'Azure Resource Manager did not answer' });
  });

  test('a VM without an identity reads nothing, and says so', async () => {
    azure.hasIdentity = false;
    expect(await prove(overSsh, questions(), azure.subscriptions)).toMatchObject({
      unreached: [],
      problem: 'the metadata service gave no token of its managed identity',
    });
  });

  test('a listing that goes on at another host is not followed', async () => {
    const elsewhere: RunScript = async () => ({
      kind: 'ran',
      output: 'identity 9\n"nextLink": "https://elsewhere.example/x"\nstatus 200\n',
    });
    expect(await prove(elsewhere, { ...questions(), origins: [] }, ['a'])).toMatchObject({
      problem: 'the listing goes on at another host',
    });
  });

  test('another host key, another key of ours, and nobody there', async () => {
    const appliance = createSshAppliance({ proxy: url });
    const run = (other: Partial<Session>) => appliance.run({ ...session, ...other }, 'echo here');
    const hostKey = expect.stringMatching(/^SHA256:/);
    expect(await run({})).toEqual({ kind: 'ran', status: 0, output: 'here\n', key: 0, hostKey });
    expect(await run({ hostKey: 'SHA256:other' })).toMatchObject({ kind: 'refused' });
    expect(await run({ privateKeys: [readableKeyPair().private] })).toMatchObject({ kind: 'refused' });
    expect(await run({ address: '20.50.0.9' })).toMatchObject({ kind: 'unreachable' });
  });

  test('a script that it does not understand ends with the shell’s status', async () => {
    const run = (script: string) => createSshAppliance({ proxy: url }).run(session, script);
    expect(await run("echo 'open")).toMatchObject({ kind: 'ran', status: 2 });
    expect(await run('curl --unknown https://app.cloudknox.io/')).toMatchObject({ kind: 'ran', status: 2 });
    expect(await run('curl -s no-url')).toMatchObject({ kind: 'ran', status: 3 });
  });
});

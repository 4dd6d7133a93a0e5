/** The appliances without a socket: the same script over the same SSH, through the same rules of the network. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { appliancesInProcess } from '../../../local/appliance/inProcess';
import { readableKeyPair } from '../../../local/appliance/keyPair';
import { streamPair } from '../../../local/appliance/streamPair';
import { createSshAppliance } from '../../../src/appliance/ssh';
import { script } from '../../support/requests';
import { startStandInAzure, tenantId, type World } from './standInAzure';

const { private: privateKey, public: publicKey } = readableKeyPair();
const session = { address: '20.50.0.4', port: 22, username: 'cloudknox', privateKeys: [privateKey] };
const answers = { tenantId, usesClientId: 'N', subscriptionCount: '3' };

let azure: World;
beforeEach(async () => {
  azure = await startStandInAzure(publicKey);
});
afterEach(() => azure.close());

const appliances = (seed = 'a seed') => {
  const { connect, console } = appliancesInProcess({ azure: azure.url, fetch, seed, dropSeconds: 0 });
  const register = async (): Promise<{ email: string; pin: string }> => {
    const body = JSON.stringify({ applianceAddress: session.address });
    const answer = await console('http://console/console/azure/data-collectors', { method: 'POST', body });
    return (await answer.json()) as { email: string; pin: string };
  };
  return { console, register, appliance: createSshAppliance({ connect, settleSeconds: 0.002, quietSeconds: 0.1 }) };
};

describe('in this process', () => {
  test('the script is answered to its end, and the console then sees it collecting', async () => {
    const { console, register, appliance } = appliances();
    const dialogue = await appliance.configure(session, script, { ...(await register()), ...answers });
    expect(dialogue).toMatchObject({ kind: 'configured', hostKey: expect.stringMatching(/^SHA256:/) });
    const shown = await console('http://console/console/azure/data-collectors');
    expect(await shown.json()).toMatchObject([{ applianceAddress: session.address, state: 'collecting' }]);
  });

  test('the host key is the same at each visit', async () => {
    const { register, appliance } = appliances();
    const visit = async () => appliance.configure(session, script, { ...(await register()), ...answers });
    const [first, second] = [await visit(), await visit()];
    expect('hostKey' in first && 'hostKey' in second && first.hostKey === second.hostKey).toBe(true);
  });

  test('what the network drops or refuses is an appliance out of reach', async () => {
    const { register, appliance } = appliances();
    const registered = await register();
    const reason = async (changes: object) => {
      const dialogue = await appliance.configure({ ...session, ...changes }, script, { ...registered, ...answers });
      return dialogue.kind === 'unreachable' ? dialogue.reason : dialogue;
    };
    expect(await reason({ port: 9000 })).toBe('the connection was refused');
    azure.reachable = false;
    expect(await reason({})).toBe('no answer within 0 s');
  });

  test('the same seed hands out the same PINs, and another one others', async () => {
    const pins = async (seed: string): Promise<string[]> => {
      const { register } = appliances(seed);
      return [(await register()).pin, (await register()).pin];
    };
    expect(await pins('one')).toEqual(await pins('one'));
    expect(await pins('two')).not.toEqual(await pins('one'));
  });
});

describe('a stream pair', () => {
  test('delivers all that is written, in its order, later than it was written', async () => {
    const [near, far] = streamPair();
    const heard: string[] = [];
    far.setEncoding('utf8').on('data', (text: string) => heard.push(text));
    // More than fits into the buffers of both ends.
    const parts = Array.from({ length: 100 }, (_, index) => String(index % 10).repeat(5_000));
    for (const part of parts) near.write(part);
    expect(heard).toEqual([]);
    near.end();
    await new Promise((resolve) => far.once('end', resolve));
    expect(heard.join('')).toBe(parts.join(''));
  });

  test('ends for both when one end is cut', async () => {
    const [near, far] = streamPair();
    const closed = new Promise((resolve) => near.once('close', resolve));
    far.destroy();
    await closed;
    expect(near.destroyed).toBe(true);
  });
});

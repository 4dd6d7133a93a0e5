/** Chaos: a client that does what robust clients do gets through, whatever the seed, and everything strikes somewhere. */
import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { azureInProcess } from '../../../local/azure/inProcess';
import { instant, location, network, platform, version } from './simulator.support';

const timings = { ...instant.timings, networkSecurityGroup: 3, networkDelete: 4 };
const record = z.array(z.object({ fault: z.string().nullable() }));
const shown = z.looseObject({ properties: z.looseObject({ provisioningState: z.string() }) });
const token = z.object({ access_token: z.string() });

const ATTEMPTS = 12;

/** Makes thirty security groups and takes them away, asking again after every answer that is not final. */
async function run(chaos: string): Promise<(string | null)[]> {
  let time = Date.UTC(2026, 0, 1);
  const wait = (ms: number): Promise<void> => {
    time += ms;
    return Promise.resolve();
  };
  const azure = azureInProcess({
    tenant: { ...instant, timings },
    subscriptions: 5,
    seed: 'x',
    now: () => time,
    chaos,
    wait,
  });
  const json = { 'content-type': 'application/json' };
  const signIn = JSON.stringify({ principal: 'administrator', resource: 'https://management.azure.com' });
  const signedIn = async (): Promise<string> => {
    const answer = await azure.fetch(`${azure.url}/_simulator/token`, { method: 'POST', headers: json, body: signIn });
    return token.parse(await answer.json()).access_token;
  };
  let bearer = await signedIn();
  const ask = async (method: string, path: string, body?: object): Promise<{ status: number; body: unknown }> => {
    const headers = { ...json, authorization: `Bearer ${bearer}` };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    try {
      const answer = await azure.fetch(`${azure.url}${path}${version}`, { method, headers, ...sent });
      if (answer.status === 401) bearer = await signedIn();
      const text = await answer.text();
      await wait(Number(answer.headers.get('retry-after') ?? 1) * 1000);
      return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) };
    } catch {
      await wait(1000);
      return { status: 0, body: undefined };
    }
  };
  /** Looks until the state is right, and acts where it will not become right by waiting. */
  const ensure = async (path: string, isThere: boolean, act: () => Promise<unknown>): Promise<void> => {
    await act();
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      await wait(5000);
      const { status, body } = await ask('GET', path);
      const state = status === 200 ? shown.parse(body).properties.provisioningState : status;
      if (state === (isThere ? 'Succeeded' : 404)) {
        // One read may be stale; two that agree are believed.
        const again = await ask('GET', path);
        if (again.status === (isThere ? 200 : 404)) return;
      } else if (!['Updating', 'Deleting'].includes(String(state))) await act();
    }
    throw new Error(`${path} did not come right with the seed ${chaos}.`);
  };
  const group = `/subscriptions/${platform}/resourceGroups/rg`;
  await ensure(group, true, () => ask('PUT', group, { location }));
  const names = Array.from({ length: 30 }, (_, index) => network(`networkSecurityGroups/nsg-${index}`));
  for (const name of names) await ensure(name, true, () => ask('PUT', name, { location }));
  for (const name of names) await ensure(name, false, () => ask('DELETE', name));
  const answer = await azure.fetch(`${azure.url}/_simulator/requests?full=true`);
  const faults = record.parse(await answer.json()).map(({ fault }) => fault);
  azure.close();
  return faults;
}

test('a robust client gets through twenty seeds', async () => {
  const all: (string | null)[] = [];
  for (let seed = 1; seed <= 20; seed++) all.push(...(await run(String(seed))));
  const struck = all.filter((fault) => fault !== null);
  expect(struck.length / all.length).toBeGreaterThan(0.02);
  expect(struck.length / all.length).toBeLessThan(0.1);
  const modes = [
    'before',
    'afterEffect',
    'reset',
    'resetAfterEffect',
    'hang',
    'truncate',
    'operationFails',
    'operationCanceled',
    'staleRead',
    'expiredToken',
  ];
  expect([...new Set(struck)].sort()).toEqual(modes.map((mode) => `chaos: ${mode}`).sort());
});

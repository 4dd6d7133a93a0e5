/** What counts as seen collecting, read off the traffic that the simulated Azure Monitor shows. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { makeCheckCollecting } from '../../../src/activities/checkCollecting';
import type { Outcome } from '../../../src/domain/outcome';
import { outputsOf } from '../../../src/domain/graph';
import { deploy, startWorld, type World } from './adapters.support';
import { instant } from './simulator.support';

const HOUR = 3_600;
/** On top of what a machine sends by itself. */
const COLLECTING = 5_000_000;

const TIMERS = [
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'setImmediate',
  'clearImmediate',
] as const;

let world: World;
let collector: string;
let idler: string;
beforeAll(async () => {
  jest.useFakeTimers({ doNotFake: [...TIMERS, 'nextTick', 'queueMicrotask', 'hrtime', 'performance'] });
  world = await startWorld(instant);
  collector = await virtualMachine('collector', '10.121.0.0/24');
  idler = await virtualMachine('idler', '10.122.0.0/24');
});
afterAll(async () => {
  jest.useRealTimers();
  await world.azure.stop();
});

async function virtualMachine(name: string, addressPrefix: string): Promise<string> {
  const { resources } = deploy(name, 'managedIdentity', { network: { kind: 'managed', addressPrefix } });
  const given = outputsOf(await world.carryOut('ensure', name, resources));
  return given['virtualMachine']?.['id'] ?? '';
}

describe('set up by hand, and confirmed a day later', () => {
  /** Whether it is seen collecting `minutes` after a person says so, in Azure's time. */
  async function seen(vmId: string, minutes: number): Promise<Outcome> {
    const since = world.azure.now();
    world.azure.advance(minutes * 60);
    // The app's own clock goes along, or it would come with a token that Azure no longer takes.
    jest.setSystemTime(world.azure.now());
    return makeCheckCollecting(world.ports)({ vmId, since: new Date(since).toISOString() });
  }
  const send = (vmId: string, bytesPerMinute: number) =>
    world.azure.ask('POST', '/_simulator/vms/traffic', { body: { vmId, bytesPerMinute } });

  test('bug: one that had collected for more than a day could never be confirmed', async () => {
    world.azure.advance(600);
    await send(collector, COLLECTING);
    world.azure.advance(28 * HOUR);
    expect(await seen(collector, 5)).toMatchObject({ kind: 'done' });
  });

  test('one that has idled all the while is not seen collecting, nor is one that stopped', async () => {
    world.azure.advance(28 * HOUR);
    expect(await seen(idler, 5)).toMatchObject({ kind: 'later', code: 'NotSeenCollecting' });
    await send(idler, COLLECTING);
    world.azure.advance(28 * HOUR);
    await send(idler, 0);
    expect(await seen(idler, 5)).toMatchObject({ kind: 'later', code: 'NotSeenCollecting' });
  });
});

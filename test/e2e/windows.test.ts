/** Access windows over the API: extended, closed, opened again, led to a private address, and swept up with all state lost. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { DeploymentShown, SentryShown } from '../../local/administrator';
import { readClock, simulatedNow } from '../../local/clock';
import { getJson } from '../../local/world';
import { nextLook, type TestWorld, testWorld } from '../support/e2e';
import { requestBody, subscriptionId } from '../support/requests';

let world: TestWorld;
beforeAll(async () => {
  world = await testWorld({ privateNetwork: true });
});
afterAll(() => world.stop());

const MINUTE_MS = 60_000;
const SOURCES = ['203.0.113.7/32'];
const named = (name: string, access: object, addressPrefix = '10.90.0.0/24') => {
  const network = { kind: 'managed', addressPrefix };
  const body = requestBody({ name, access, network, names: { application: `${name}-app` } });
  const include = [{ kind: 'ids', ids: [subscriptionId(1)] }];
  const placement = { ...(body['placement'] as object), resourceGroup: name };
  return { ...body, tenantId: world.environment['AZURE_TENANT_ID'], placement, subscriptions: { include } };
};
const problem = z.looseObject({
  code: z.string(),
  errors: z.array(z.looseObject({ pointer: z.string() })).default([]),
});
const refusal = async (answer: Response) => [answer.status, problem.parse(await answer.json()).code];
const windowRow = z.looseObject({
  networkSecurityGroupId: z.string(),
  rule: z.string(),
  ports: z.array(z.string()),
  sources: z.array(z.string()),
  openedAt: z.number(),
  closedAt: z.number().nullable(),
});
/** What Azure itself saw of the rules in a group. */
const windowsOf = async (group: string) =>
  z
    .array(windowRow)
    .parse(await world.askAzure('/_simulator/windows'))
    .filter(({ networkSecurityGroupId }) => networkSecurityGroupId.includes(`/${group}/`));

/** What was open to the internet, and until when. */
const exposuresOf = async (group: string) =>
  z
    .array(z.looseObject({ networkInterfaceId: z.string(), closedAt: z.number().nullable() }))
    .parse(await world.askAzure('/_simulator/exposures'))
    .filter(({ networkInterfaceId }) => networkInterfaceId.includes(`/${group}/`));

const durable = () => `${world.hostUrl}/runtime/webhooks/durabletask/instances`;
const systemKey = (): string =>
  z
    .looseObject({ systemKeys: z.looseObject({ durabletask_extension: z.string() }) })
    .parse(JSON.parse(readFileSync(join(world.state, 'host', 'keys.json'), 'utf8'))).systemKeys.durabletask_extension;

/** Says to be there and nothing else, until the Sentry is as it should be. */
async function until(name: string, reached: (sentry: SentryShown) => boolean): Promise<SentryShown> {
  for (;;) {
    const shown: DeploymentShown = await world.administrator.read(name);
    const [sentry] = shown.sentries;
    if (sentry && reached(sentry)) return sentry;
    if (sentry?.handoff?.kind === 'presence')
      await world.post(`deployments/${name}/handoffs/${sentry.handoff.id}`, { done: true });
    await nextLook();
  }
}
const waitsForPin = ({ handoff }: SentryShown): boolean => handoff?.kind === 'registration';
const extend = (name: string, body: object) => world.post(`deployments/${name}/windows`, body);
const close = (name: string, sentry = 1) => world.api(`deployments/${name}/windows/${sentry}`, { method: 'DELETE' });

/** The first of these tests leaves a deployment at rest, with which the others go on in whatever order they are run. */
let resting: Promise<void> | undefined;
const atRest = (): Promise<void> => (resting ??= movedAbout());

test('on both ports: shown counting down, extended, closed on request, opened again at rest', () => atRest());

async function movedAbout(): Promise<void> {
  const access = { kind: 'temporaryPublicIp', sourceAddresses: SOURCES, ports: [22, 9000], windowMinutes: 30 };
  await world.administrator.start(named('moved', access));
  const presence = await until('moved', ({ handoff }) => handoff?.kind === 'presence');
  expect(presence.handoff?.text).toContain('TCP 22 and 9000 for 30 minutes to 203.0.113.7/32');
  expect(await windowsOf('moved')).toEqual([]);
  expect(await refusal(await extend('moved', { sentry: 1, minutes: 60 }))).toEqual([409, 'SentryAtWork']);
  expect(await refusal(await close('moved'))).toEqual([409, 'NoWindow']);

  const { window } = await until('moved', waitsForPin);
  expect(window).toMatchObject({ ports: [22, 9000], sources: [...SOURCES, '203.0.113.10/32', '10.200.0.4/32'] });
  expect(window?.secondsLeft).toBeLessThanOrEqual(30 * 60);
  // Both rules are put at the same time: Azure may take either first.
  const opened = (await windowsOf('moved')).map(({ ports, closedAt }) => [...ports, closedAt]);
  expect(opened.sort()).toEqual([
    ['22', null],
    ['9000', null],
  ]);

  const extended = await extend('moved', { sentry: 1, minutes: 200 });
  expect(extended.status).toBe(202);
  const { expiresAt } = z.looseObject({ expiresAt: z.string() }).parse(await extended.json());
  const moved = await until('moved', (sentry) => sentry.window?.expiresAt === expiresAt);
  expect(moved.window?.secondsLeft).toBeGreaterThan(30 * 60);

  expect((await close('moved')).status).toBe(202);
  const closed = await until('moved', ({ receipts }) => receipts.length === 1);
  expect(closed).toMatchObject({ window: null, receipts: [{ why: 'closed', provenClosed: true }] });
  const rested = await world.administrator.seeThrough('moved', () => undefined);
  expect(rested.sentries[0]).toMatchObject({ stage: 'stopped', stopped: { code: 'WindowClosed' } });

  expect((await extend('moved', { sentry: 1, minutes: 5 })).status).toBe(202);
  const again = await until('moved', ({ receipts }) => receipts.length === 2);
  expect(again.receipts[1]).toMatchObject({ openedAt: expect.any(String), why: 'expired', provenClosed: true });
  const windows = await windowsOf('moved');
  expect(windows.map(({ closedAt }) => closedAt !== null)).toEqual([true, true, true, true]);
}

test.each([
  [{ sentry: 7, minutes: 60 }, ['/sentry']],
  [{ sentry: 0, minutes: 4 }, ['/sentry', '/minutes']],
  [{ sentry: 1, minutes: 241 }, ['/minutes']],
  [{ sentry: 1, minutes: 60, ports: [80] }, ['/ports']],
])('%j is refused at its pointers', async (body, pointers) => {
  await atRest();
  const answer = await extend('moved', body);
  expect(answer.status).toBe(400);
  expect(problem.parse(await answer.json()).errors.map(({ pointer }) => pointer)).toEqual(pointers);
});

test('a window of nobody is not found', async () => {
  await atRest();
  expect(await refusal(await extend('unheard-of', { sentry: 1, minutes: 60 }))).toEqual([404, 'NoSuchName']);
  expect(await refusal(await close('moved', 7))).toEqual([404, 'NoSuchName']);
});

test.each([
  ['terminated', 'POST', '/terminate', 'swept'],
  ['suspended', 'POST', '/suspend', 'expired'],
  ['deleted', 'DELETE', '', 'swept'],
])('its own instance is %s: the port is closed with its time, with a receipt', async (_, method, what, why) => {
  await atRest();
  const { receipts } = await until('moved', ({ window }) => !window);
  // Five real seconds, in which it is seen open and its instance is told: a busy machine lets nothing run for a while.
  expect((await extend('moved', { sentry: 1, minutes: 10 })).status).toBe(202);
  await until('moved', ({ window }) => Boolean(window));
  const url = `${durable()}/w-moved-1${what}?reason=test&code=${systemKey()}`;
  expect((await fetch(url, { method })).ok).toBe(true);
  const closed = await until('moved', (sentry) => sentry.receipts.length > receipts.length);
  expect(closed).toMatchObject({ window: null, address: null });
  expect(closed.receipts.at(-1)).toMatchObject({ why, provenClosed: true, problems: [] });
  expect((await windowsOf('moved')).every(({ closedAt }) => closedAt !== null)).toBe(true);
});

test('bug: a window whose run was terminated told that it stays open, and closed as abandoned minutes later', async () => {
  const access = { kind: 'temporaryPublicIp', sourceAddresses: SOURCES, windowMinutes: 60 };
  await world.administrator.start(named('orphan', access, '10.92.0.0/24'));
  await until('orphan', waitsForPin);
  const told = (id: string, what: string) =>
    fetch(`${durable()}/${id}/${what}?reason=test&code=${systemKey()}`, { method: 'POST' });
  // So that it cannot close before it is asked, however busy the machine.
  await told('w-orphan-1', 'suspend');
  await told('d-orphan', 'terminate');
  while ((await world.administrator.read('orphan')).state === 'running') await nextLook();
  expect(await refusal(await extend('orphan', { sentry: 1, minutes: 200 }))).toEqual([409, 'RunEnded']);
  await told('w-orphan-1', 'resume');
  const { receipts } = await until('orphan', (sentry) => sentry.receipts.length > 0);
  expect(receipts).toMatchObject([{ why: 'abandoned', provenClosed: true }]);
});

test('private: set up through the network, without a public address', async () => {
  const access = { kind: 'private', sourceAddresses: ['10.210.0.0/24'] };
  await world.administrator.start(named('private', access, '10.91.0.0/24'));
  const addresses = new Set<string>();
  const shown = await world.administrator.seeThrough('private', ({ sentries }) => {
    for (const { window } of sentries) if (window) addresses.add(window.address);
  });
  expect(shown.state).toBe('completed');
  expect([...addresses]).toEqual(['10.91.0.4']);
  expect(shown.sentries[0]?.receipts).toMatchObject([{ why: 'closed', provenClosed: true }]);
  expect(shown.sentries[0]).toMatchObject({
    hostKey: expect.stringMatching(/^SHA256:/),
    keyReplacement: { at: expect.any(String) },
  });
  expect(shown.sentries[0]).not.toHaveProperty('keyReplacement.problem');
  expect(await exposuresOf('private')).toEqual([]);
  // Azure's own rules would let in the whole of the network, and all that is peered with it, at any time.
  const neighbour = '/_simulator/reach?address=10.91.0.4&port=22&source=10.91.0.9';
  expect(await world.askAzure(neighbour)).toMatchObject({ allowed: false, rule: 'Closed_Inbound' });
});

/**
 * In a world of its own, whose keys are lost too, and half as fast: the sweep is a matter of minutes, and for each
 * second in which a busy machine lets nothing run a minute goes by.
 */
test('all state is lost while it is open: five minutes after its time it is closed and proven so', async () => {
  const access = { kind: 'temporaryPublicIp', sourceAddresses: SOURCES, ports: [22, 9000], windowMinutes: 10 };
  const stallMinutes = 3;
  const shared = world;
  world = await testWorld({ speed: 60 });
  try {
    await world.administrator.start(named('lost', access));
    await until('lost', waitsForPin);
    await world.kill('host');
    rmSync(join(world.state, 'host'), { recursive: true });
    await world.startHost();
    const running = simulatedNow(readClock(world.clockFile));

    const instance = z.looseObject({ runtimeStatus: z.string(), output: z.unknown().optional() });
    const url = `${durable()}/w-lost-1?code=${systemKey()}`;
    const ended = async () =>
      instance.parse(await getJson(url).catch(() => ({ runtimeStatus: 'None' }))).runtimeStatus === 'Completed';
    while (!(await ended())) await nextLook();

    expect(instance.parse(await getJson(url)).output).toMatchObject({ why: 'swept', provenClosed: true, problems: [] });
    const windows = await windowsOf('lost');
    expect(windows).toHaveLength(2);
    for (const { openedAt, closedAt } of windows) {
      const due = Math.max(openedAt + 10 * MINUTE_MS, running);
      expect((closedAt ?? Infinity) - due).toBeLessThanOrEqual((5 + stallMinutes) * MINUTE_MS);
    }
    const exposures = await exposuresOf('lost');
    expect(exposures.length).toBeGreaterThan(0);
    expect(exposures.every(({ closedAt }) => closedAt !== null)).toBe(true);
  } finally {
    await world.stop();
    world = shared;
  }
});

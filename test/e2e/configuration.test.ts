/** The other ways to set an appliance up, over the API: by run command through no port, and by hand with proof. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import { readableKeyPair } from '../../local/appliance/keyPair';
import type { SentryShown } from '../../local/administrator';
import { createSshAppliance } from '../../src/appliance/ssh';
import { nextLook, type TestWorld, testWorld } from '../support/e2e';
import { request, requestBody, script, subscriptionId } from '../support/requests';

let world: TestWorld;
beforeAll(async () => {
  world = await testWorld();
});
afterAll(() => world.stop());

const person = readableKeyPair();
const named = (name: string, kind: string, addressPrefix: string, changes: object = {}) => ({
  ...requestBody({ name, configuration: { kind }, network: { kind: 'managed', addressPrefix }, ...changes }),
  tenantId: world.environment['AZURE_TENANT_ID'],
  names: { application: `${name}-app` },
  placement: { ...request().placement, resourceGroup: name },
  vm: { sshPublicKeys: [person.public] },
  subscriptions: { include: [{ kind: 'ids', ids: [subscriptionId(1), subscriptionId(2)] }] },
});
const collectors = async () =>
  z
    .array(z.looseObject({ applianceAddress: z.string(), state: z.string(), subscriptions: z.number() }))
    .parse(await (await fetch(`${world.consoleUrl}/console/azure/data-collectors`)).json());
const opened = async (what: 'windows' | 'exposures', group: string) =>
  JSON.stringify(await world.askAzure(`/_simulator/${what}`)).includes(`/${group}/`);

test('run command: with a client secret, set up without a port or a public address, and nobody asked to be there', async () => {
  await world.administrator.start(
    named('unattended', 'runCommand', '10.91.0.0/24', { identity: { kind: 'appRegistration' } }),
  );
  const handoffs = new Set<string>();
  const shown = await world.administrator.seeThrough('unattended', ({ sentries }) => {
    for (const { handoff } of sentries) if (handoff) handoffs.add(`${handoff.kind} ${handoff.address}`);
  });
  expect(shown).toMatchObject({ state: 'completed', sentries: [{ stage: 'completed', receipts: [] }] });
  expect([...handoffs]).toEqual(['registration 10.91.0.4']);
  expect(await collectors()).toContainEqual({
    applianceAddress: '10.91.0.4',
    email: expect.any(String),
    state: 'collecting',
    subscriptions: 2,
  });
  expect(await opened('windows', 'unattended')).toBe(false);
  expect(await opened('exposures', 'unattended')).toBe(false);
});

test('run command: the appliance proves its way out and what its managed identity reads, through no port either', async () => {
  await world.administrator.start(named('unattended-proof', 'runCommand', '10.93.0.0/24'));
  const shown = await world.administrator.seeThrough('unattended-proof', () => undefined);
  expect(shown).toMatchObject({ state: 'completed', subscriptions: { granted: 2, proven: 2 } });
  const hosts = shown.sentries[0]?.configured?.proof?.outbound.map((url) => new URL(url).hostname);
  expect(hosts).toEqual(['127.0.0.1', 'app.cloudknox.io']);
  expect(await collectors()).toContainEqual(
    expect.objectContaining({ applianceAddress: '10.93.0.4', subscriptions: 2 }),
  );
  expect(await opened('exposures', 'unattended-proof')).toBe(false);
});

test('run command: a firewall that keeps the profile’s host back is named, and nothing is completed', async () => {
  const tags = { 'simulator-blocked-hosts': 'app.cloudknox.io' };
  await world.administrator.start(named('unattended-blocked', 'runCommand', '10.94.0.0/24', { tags }));
  const shown = await world.administrator.seeThrough('unattended-blocked', () => undefined);
  expect(shown).toMatchObject({ state: 'failed', problems: [{ code: 'OutboundBlocked' }] });
  expect(shown.sentries[0]?.stopped?.reason).toMatch(/ https:\/\/app\.cloudknox\.io \(nothing answers within 15 s\)$/);
});

test('by hand: the status says what to run and where each answer is, proves it over our own key, and believes the traffic', async () => {
  await world.administrator.start(named('byhand', 'manual', '10.92.0.0/24'));
  const asked = await untilAsked('byhand', IDLE_SECONDS);
  const { command, answers = [] } = z
    .looseObject({
      command: z.string().optional(),
      answers: z.array(z.object({ prompt: z.string(), from: z.string() })).optional(),
    })
    .parse(asked.handoff);
  expect(command).toBe(script.command);
  expect(answers.map(({ prompt }) => prompt)).toEqual(expect.arrayContaining(['Email address', 'PIN', 'Tenant ID']));
  expect(answers.map(({ from }) => from)).toEqual(
    expect.arrayContaining([world.environment['AZURE_TENANT_ID'], 'N', '2', 'the console shows it']),
  );

  const address = asked.handoff?.address ?? '';
  const console = await fetch(`${world.consoleUrl}/console/azure/data-collectors`, {
    method: 'POST',
    body: JSON.stringify({ applianceAddress: address }),
  });
  const { email, pin } = z.looseObject({ email: z.string(), pin: z.string() }).parse(await console.json());
  const tenantId = world.environment['AZURE_TENANT_ID'] ?? '';
  const terminal = createSshAppliance({ proxy: world.consoleUrl, settleSeconds: 0.05 });
  const session = {
    address,
    port: 22,
    username: request().vm?.adminUsername ?? 'cloudknox',
    privateKeys: [person.private],
  };
  for (;;) {
    const typed = { tenantId, usesClientId: 'N', subscriptionCount: '2', email, pin };
    const { kind } = await terminal.configure(session, script, typed);
    if (kind === 'configured') break;
    expect(kind).toBe('unreachable');
  }

  expect((await world.post(`deployments/byhand/handoffs/${asked.handoff?.id}`, { done: true })).status).toBe(202);
  const shown = await world.administrator.seeThrough('byhand', () => undefined);
  expect(shown.problems).toEqual([]);
  expect(shown).toMatchObject({ state: 'completed', subscriptions: { granted: 2, proven: 2 } });
  expect(shown.sentries[0]).toMatchObject({
    stage: 'completed',
    receipts: [{ why: 'closed', provenClosed: true }],
    hostKey: expect.stringMatching(/^SHA256:/),
    keyReplacement: { at: expect.any(String) },
  });
  expect(shown.sentries[0]).not.toHaveProperty('keyReplacement.problem');
});

test('by hand: a firewall that keeps the profile’s host back is named whatever a person says, and the window closes', async () => {
  const tags = { 'simulator-blocked-hosts': 'app.cloudknox.io' };
  await world.administrator.start(named('byhand-blocked', 'manual', '10.95.0.0/24', { tags }));
  const { handoff } = await untilAsked('byhand-blocked');
  expect((await world.post(`deployments/byhand-blocked/handoffs/${handoff?.id}`, { done: true })).status).toBe(202);
  const shown = await world.administrator.seeThrough('byhand-blocked', () => undefined);
  expect(shown).toMatchObject({ state: 'failed', problems: [{ code: 'OutboundBlocked' }] });
  expect(shown.sentries[0]?.stopped?.reason).toMatch(/ https:\/\/app\.cloudknox\.io \(nothing answers within 15 s\)$/);
  expect(shown.sentries[0]?.receipts).toMatchObject([{ why: 'closed', provenClosed: true }]);
});

const IDLE_SECONDS = 240;

/** Says to be there, and waits to be asked to run the script; then a few minutes more, as a person would take. */
async function untilAsked(name: string, idleSeconds = 0): Promise<SentryShown> {
  let asked: number | undefined;
  for (;;) {
    const [sentry] = (await world.administrator.read(name)).sentries;
    const left = sentry?.window?.secondsLeft;
    if (sentry?.handoff?.kind === 'configuration' && left !== undefined) {
      asked ??= left;
      if (asked - left >= idleSeconds) return sentry;
    }
    if (sentry?.handoff?.kind === 'presence')
      await world.post(`deployments/${name}/handoffs/${sentry.handoff.id}`, { done: true });
    await nextLook();
  }
}

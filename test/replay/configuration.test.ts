/** Each kind of configuration as its story runs: what is asked, waited for and remembered, and each way that it fails. */
import { describe, expect, test } from '@jest/globals';
import type { ApplianceResult, UnattendedResult } from '../../src/activities/contracts';
import type { Outcome } from '../../src/domain/outcome';
import type { DeploymentResult, SentryState } from '../../src/domain/states';
import { type Behaviour, fakeWorld, inputFor } from '../support/fakeWorld';
import { runOrchestrator } from '../support/runOrchestrator';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** `app` is what of the app's own settings is otherwise. */
async function deployOne(behaviour: Behaviour, changes: object = {}, app: object = {}) {
  const world = fakeWorld(behaviour);
  const result = await runOrchestrator<DeploymentResult>('runDeployment', {
    ...world.options,
    input: { ...inputFor(3, changes), ...app },
    instanceId: 'd-prod-sentry',
    strict: true,
  });
  return { ...result, world, state: result.entities['@sentry@prod-sentry-1'] as SentryState };
}
const later = (code: string, patienceSeconds: number): Outcome => ({
  kind: 'later',
  code,
  reason: 'not yet',
  remedy: 'wait',
  seconds: 30,
  patienceSeconds,
});
const configured: ApplianceResult = { kind: 'configured', hostKey: 'SHA256:k' };

describe('ssh', () => {
  test('whoever was met is pinned, and our key is replaced before the window closes', async () => {
    const { state, world } = await deployOne({ appliance: () => configured });
    expect(world.jobs).toMatchObject([{ sshKeyName: 'sentry-prod-sentry-1-ssh' }]);
    expect(world.jobs[0]?.hostKey).toBeUndefined();
    expect(world.entries).toMatchObject([{ hostKey: 'SHA256:k', sshKeyName: 'sentry-prod-sentry-1-ssh' }]);
    expect(state).toMatchObject({
      stage: 'completed',
      hostKey: 'SHA256:k',
      keyReplacement: { at: expect.any(String) },
    });
    expect(state.keyReplacement).not.toHaveProperty('problem');
  });

  test('pinned and replaced even where the script did not come to its end', async () => {
    const asked = { kind: 'stopped', code: 'UnknownPrompt', reason: 'asked', remedy: 'add', transcript: '' } as const;
    const { state, world } = await deployOne({ appliance: () => ({ ...asked, hostKey: 'SHA256:k' }) });
    expect(state).toMatchObject({ stage: 'stopped', hostKey: 'SHA256:k' });
    expect(world.entries).toHaveLength(1);
  });

  test('of whoever shows another host key nothing is remembered, and no key is given', async () => {
    const refused = { kind: 'stopped', code: 'HostKeyChanged', reason: 'another', remedy: '', transcript: '' } as const;
    const { state, world } = await deployOne({ appliance: () => refused });
    expect(state).toMatchObject({ stage: 'stopped', stopped: { code: 'HostKeyChanged' } });
    expect(state.hostKey ?? null).toBeNull();
    expect(world.entries).toEqual([]);
  });

  test('a key that could not be replaced is told of and stops nothing', async () => {
    const { state } = await deployOne({ replaceKey: () => ({ kind: 'kept', reason: 'cut off' }) });
    expect(state).toMatchObject({ stage: 'completed', keyReplacement: { problem: 'cut off' } });
  });

  test('a wrong PIN: the second session goes to the one that was met in the first', async () => {
    const { world } = await deployOne({
      appliance: (_, session) => (session === 1 ? { kind: 'wrongPin', hostKey: 'SHA256:k' } : configured),
    });
    expect(world.jobs.map(({ hostKey }) => hostKey)).toEqual([undefined, 'SHA256:k']);
    expect(world.entries).toHaveLength(1);
  });
});

describe('a Sentry that is known from before', () => {
  const before: SentryState = {
    n: 1,
    instanceId: 'earlier',
    stage: 'stopped',
    resources: {},
    subscriptions: {},
    receipts: [],
    hostKey: 'SHA256:old',
  };
  const kept: Outcome = {
    kind: 'done',
    change: 'kept',
    ours: true,
    outputs: {
      id: '/id',
      secretUri: 'https://vault/secrets/x/1',
      publicKey: 'ssh-ed25519 AAAA',
      privateIPAddress: '10.90.0.4',
    },
  };
  const keptVm: Behaviour['ensure'] = ({ spec }) => (spec.kind === 'virtualMachine' ? kept : undefined);

  test('its pinned host key holds in every later session', async () => {
    const { world, state } = await deployOne({ before, ensure: keptVm, appliance: () => configured });
    expect(world.jobs.map(({ hostKey }) => hostKey)).toEqual(['SHA256:old']);
    expect(state.hostKey).toBe('SHA256:old');
  });

  test('a VM that this run made is another machine: pinned anew, and set up though its predecessor was', async () => {
    const { world, state } = await deployOne({
      before: { ...before, configured: { subscriptions: 3 } },
      appliance: () => configured,
    });
    expect(world.jobs.map(({ hostKey }) => hostKey)).toEqual([undefined]);
    expect(state).toMatchObject({ hostKey: 'SHA256:k', configured: { subscriptions: 3 } });
  });

  test('made anew and nobody came: the next run knows nothing of its predecessor', async () => {
    const { state } = await deployOne({ before: { ...before, configured: { subscriptions: 3 } }, presence: null });
    expect(state).toMatchObject({ stage: 'stopped', hostKey: null, configured: null });
  });
});

describe('run command', () => {
  const choice = { configuration: { kind: 'runCommand' } };
  const ended = (kind: 'configured' | 'wrongPin'): UnattendedResult => ({ kind: 'ended', result: { kind } });

  test('no one has to be there, no port opens, no address is made; and nothing of it is left', async () => {
    const { state, world, calls } = await deployOne({ presence: null }, choice);
    expect(state).toMatchObject({ stage: 'completed', configured: { subscriptions: 3 }, receipts: [], handoff: null });
    expect(calls).not.toContain('openWindow');
    expect(calls).not.toContain('configureAppliance');
    expect(world.steps.filter((step) => /securityRule|publicIPA|remove/.test(step))).toEqual([
      'remove sentry-proof',
      'remove sentry-setup',
    ]);
    expect(world.unattended).toMatchObject([
      {
        id: '/id/runCommands/sentry-setup',
        location: 'westeurope',
        again: false,
        registrationUri: 'https://vault/secrets/registration/1',
        answers: { usesClientId: 'N', subscriptionCount: '3' },
      },
    ]);
  });

  test('the operation and the script are waited for by durable timers, and begun once', async () => {
    const running: UnattendedResult = { kind: 'running', operation: 'https://azure/op', seconds: 5, change: 'created' };
    const answers: UnattendedResult[] = [running, running, later('ScriptNotDone', 1_800) as UnattendedResult];
    const { state, world, elapsedMs } = await deployOne(
      { unattended: (_, look) => answers[look - 1] ?? ended('configured') },
      choice,
    );
    expect(world.unattended.map(({ operation }) => operation)).toEqual([
      undefined,
      'https://azure/op',
      'https://azure/op',
      undefined,
    ]);
    expect(new Set(world.unattended.map(({ attempt }) => attempt)).size).toBe(1);
    expect(elapsedMs).toBe(5_000 + 5_000 + 30_000);
    expect(state.stage).toBe('completed');
  });

  test('an agent that is not there yet is waited for; one that never comes is a refusal before anyone is called', async () => {
    const slow = await deployOne(
      {
        agent: (asked) =>
          asked < 4 ? later('NoAgent', 900) : { kind: 'done', change: 'kept', ours: true, outputs: {} },
      },
      choice,
    );
    expect(slow.elapsedMs).toBe(90_000);
    expect(slow.state.stage).toBe('completed');

    const { state, elapsedMs, world } = await deployOne({ agent: () => later('NoAgent', 900) }, choice);
    expect(elapsedMs).toBe(900_000);
    expect(state).toMatchObject({ stage: 'stopped', stopped: { code: 'NoAgent', remedy: 'wait' } });
    expect(world.unattended).toEqual([]);
  });

  test('a wrong PIN is asked for again', async () => {
    const { state, world } = await deployOne(
      { unattended: (_, look) => ended(look === 1 ? 'wrongPin' : 'configured') },
      choice,
    );
    expect(state.stage).toBe('completed');
    expect(new Set(world.unattended.map(({ attempt }) => attempt)).size).toBe(2);
  });

  test('one that was set up before asks that first: once more, with an answer to it', async () => {
    const { state, world } = await deployOne(
      { unattended: ({ again }) => (again ? ended('configured') : { kind: 'otherwise', again: true }) },
      choice,
    );
    expect(world.unattended.map(({ again }) => again)).toEqual([false, true]);
    expect(state.stage).toBe('completed');

    const never = await deployOne({ unattended: ({ again }) => ({ kind: 'otherwise', again: !again }) }, choice);
    expect(never.state).toMatchObject({ stage: 'stopped', stopped: { code: 'UnattendedMismatch' } });
    expect(never.world.unattended).toHaveLength(2);
  });

  test('what Azure refuses, and what the script objects to, stop it with their words', async () => {
    const refused = { kind: 'refused', code: 'AuthorizationFailed', reason: 'no right', remedy: 'ask' } as const;
    const { state } = await deployOne({ unattended: () => refused }, choice);
    expect(state.stopped).toMatchObject({ code: 'AuthorizationFailed', remedy: 'ask', transcript: '' });

    const result = {
      kind: 'stopped',
      code: 'ScriptFailed',
      reason: 'no',
      remedy: 'mend',
      transcript: 'said no',
    } as const;
    const failed = await deployOne({ unattended: () => ({ kind: 'ended', result }) }, choice);
    expect(failed.state.stopped).toEqual({ code: 'ScriptFailed', reason: 'no', remedy: 'mend', transcript: 'said no' });
    expect(failed.world.steps).toContain('remove sentry-setup');
  });

  test('nobody brings email and PIN: a day later it says so', async () => {
    const { state, elapsedMs } = await deployOne({ registers: false }, choice);
    expect(elapsedMs).toBe(24 * HOUR);
    expect(state).toMatchObject({ stage: 'stopped', stopped: { code: 'NobodyRegistered' } });
  });
});

describe('by hand', () => {
  const choice = { configuration: { kind: 'manual' } };

  test('done: over a session of ours it proves what it reaches and reads, and leaves it with a new key', async () => {
    const { state, world, calls } = await deployOne({}, choice);
    expect(world.proofs).toMatchObject([
      { address: '20.50.0.4', port: 22, sshKeyName: 'sentry-prod-sentry-1-ssh', subscriptions: { length: 3 } },
    ]);
    expect(world.proofs[0]?.hostKey).toBeUndefined();
    expect(world.entries).toMatchObject([{ hostKey: 'SHA256:x' }]);
    expect(state).toMatchObject({
      stage: 'completed',
      hostKey: 'SHA256:x',
      keyReplacement: { at: expect.any(String) },
      configured: { subscriptions: 3, proof: { outbound: world.proofs[0]?.questions.origins } },
    });
    expect(Object.values(state.subscriptions)).toEqual(
      Array(3).fill({ state: 'granted', collected: true, proven: true }),
    );
    const inWindow = calls.slice(calls.indexOf('proveAppliance'), calls.indexOf('removeResources'));
    expect(inWindow).toContain('replaceSshKey');
  });

  test('what it cannot reach stops it before its traffic is looked at, and whoever was met stays pinned', async () => {
    const unreached = [{ origin: 'https://app.cloudknox.io', why: 'nothing answers within 15 s' }];
    const { state, calls, world, elapsedMs } = await deployOne(
      { proof: () => ({ kind: 'answered', reached: [], unreached, hostKey: 'SHA256:x' }) },
      choice,
    );
    expect(state).toMatchObject({ stage: 'stopped', stopped: { code: 'OutboundBlocked' }, hostKey: 'SHA256:x' });
    expect(state.configured ?? null).toBeNull();
    expect(state.receipts).toMatchObject([{ why: 'closed', provenClosed: true }]);
    expect(elapsedMs).toBe(5 * MINUTE);
    expect(world.proofs.map(({ hostKey }) => hostKey).slice(0, 2)).toEqual([undefined, 'SHA256:x']);
    expect(calls).not.toContain('checkCollecting');
  });

  test('nobody answers where the app is let in: it is not called set up, and no key is given', async () => {
    const { state, world } = await deployOne({ proof: () => ({ kind: 'unanswered', reason: 'refused' }) }, choice);
    expect(state).toMatchObject({ stage: 'stopped', stopped: { code: 'OutboundUnproven' } });
    expect(world.entries).toEqual([]);
  });

  test.each([
    ['no address of the app’s is let in', {}, { egressAddresses: [] }],
    ['the app is in no network', { access: { kind: 'private', sourceAddresses: ['10.1.0.0/24'] } }, {}],
  ])('where %s the traffic is all there is, and its grants say why they are not proven', async (_what, access, app) => {
    const { state, output, calls } = await deployOne({}, { ...choice, ...access }, app);
    expect(output?.state).toBe('completed');
    expect(state.configured).toEqual({ subscriptions: 3 });
    expect(Object.values(state.subscriptions)).toEqual(
      Array(3).fill({
        state: 'granted',
        collected: true,
        proven: false,
        why: expect.stringContaining('does not reach it'),
      }),
    );
    for (const name of ['proveAppliance', 'replaceSshKey']) expect(calls).not.toContain(name);
    expect(calls).toContain('checkCollecting');
  });

  test('in the network of a private one, it is asked at its private address', async () => {
    const access = { kind: 'private', sourceAddresses: ['10.1.0.0/24'] };
    const { world } = await deployOne({}, { ...choice, access }, { privateNetwork: true });
    expect(world.proofs).toMatchObject([{ address: '10.90.0.4' }]);
  });

  test('done and seen in the traffic: the window closes before, and no script of ours was run', async () => {
    const { state, calls, elapsedMs } = await deployOne(
      {
        collecting: (look) =>
          look < 4 ? later('NotSeenCollecting', 1_200) : { kind: 'done', change: 'kept', ours: true, outputs: {} },
      },
      choice,
    );
    expect(elapsedMs).toBe(90_000);
    expect(state).toMatchObject({ stage: 'completed', configured: { subscriptions: 3 }, handoff: null });
    // With the person's word, not with what Azure Monitor shows a while later.
    expect(state.receipts).toMatchObject([{ why: 'closed', provenClosed: true, closedAt: '2026-01-01T00:00:00.000Z' }]);
    for (const name of ['configureAppliance', 'runUnattended']) expect(calls).not.toContain(name);
  });

  test('said to be done and not seen: it is not called set up', async () => {
    const { state, elapsedMs } = await deployOne({ collecting: () => later('NotSeenCollecting', 1_200) }, choice);
    expect(elapsedMs).toBe(1_200_000);
    expect(state).toMatchObject({ stage: 'stopped', stopped: { code: 'NotSeenCollecting' } });
    expect(state.configured ?? null).toBeNull();
    expect(state.receipts).toMatchObject([{ provenClosed: true }]);
  });

  test('declined: the window closes and nothing is looked at', async () => {
    const { state, calls } = await deployOne({ byHand: { declined: 'not today' } }, choice);
    expect(state).toMatchObject({ stage: 'stopped', stopped: { code: 'HandoffDeclined' } });
    expect(calls).not.toContain('checkCollecting');
    expect(state.receipts).toMatchObject([{ provenClosed: true }]);
  });
});

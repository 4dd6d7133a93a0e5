import { describe, expect, test } from '@jest/globals';
import type { ProofCommandJob, ProofCommandResult, ProofJob, ProofResult } from '../../src/activities/contracts';
import type { DeploymentResult, SentryState } from '../../src/domain/states';
import { type Behaviour, fakeWorld, inputFor } from '../support/fakeWorld';
import { subscriptionId } from '../support/requests';
import { runOrchestrator } from '../support/runOrchestrator';

const MINUTE_MS = 60_000;

async function run(behaviour: Behaviour, input = inputFor(2)) {
  const world = fakeWorld(behaviour);
  const options = { ...world.options, input, instanceId: 'd-prod-sentry' };
  const { output, entities, elapsedMs } = await runOrchestrator<DeploymentResult>('runDeployment', options);
  const sentry = entities['@sentry@prod-sentry-1'] as SentryState;
  return { world, output, entities, sentry, elapsedMs };
}
const answered = ({ questions }: ProofJob, readable: readonly string[] | undefined): ProofResult => ({
  kind: 'answered',
  reached: questions.origins,
  unreached: [],
  readable,
});
const [first, second] = [subscriptionId(1), subscriptionId(2)];
const app = { identity: { kind: 'appRegistration' } };

describe('over the session of its window', () => {
  test('asks for Azure, Entra, Graph, the profile’s hosts, and what its identity reads', async () => {
    const { world, sentry, output } = await run({});
    expect(output).toMatchObject({ state: 'completed', subscriptions: { granted: 2, proven: 2 } });
    const origins = [
      'https://management.azure.com',
      'https://login.microsoftonline.com',
      'https://graph.microsoft.com',
      'https://app.cloudknox.io',
    ];
    expect(world.proofs).toMatchObject([
      { hostKey: 'SHA256:x', subscriptions: [first, second], questions: { origins, identity: { clientId: 'client' } } },
    ]);
    expect(sentry.configured?.proof).toMatchObject({ outbound: origins, readable: [first, second] });
    expect(sentry.subscriptions[first]).toEqual({ state: 'granted', collected: true, proven: true });
  });

  test('a role that works late is waited for, in new sessions', async () => {
    const { world, output, elapsedMs } = await run({
      proof: (job, asked) => answered(job, asked < 4 ? [first] : [first, second]),
    });
    expect(output).toMatchObject({ state: 'completed', subscriptions: { proven: 2 } });
    expect(world.proofs).toHaveLength(4);
    expect(elapsedMs).toBe(3 * MINUTE_MS);
  });

  test('a role that works late is waited for before the script, which picks among what its identity reads', async () => {
    const unread = { kind: 'unread', missing: [second] } as const;
    const { world, output, elapsedMs } = await run({
      appliance: (_, session) => (session < 4 ? unread : { kind: 'configured', hostKey: 'SHA256:x' }),
    });
    expect(output).toMatchObject({ state: 'completed', subscriptions: { proven: 2 } });
    const asked = { questions: { origins: [], identity: { clientId: 'client' } }, subscriptions: [first, second] };
    expect(world.jobs.map((job) => job.first)).toMatchObject([asked, asked, asked, asked]);
    expect(elapsedMs).toBe(3 * MINUTE_MS);
  });

  test('one that does not work in half of the window is waited for no longer: the other half is the script’s', async () => {
    const access = { kind: 'temporaryPublicIp', sourceAddresses: ['203.0.113.7/32'], windowMinutes: 8 };
    const { world, output } = await run(
      {
        appliance: ({ first: wanted }) =>
          wanted ? { kind: 'unread', missing: [second] } : { kind: 'configured', hostKey: 'SHA256:x' },
        proof: (job) => answered(job, [first]),
      },
      inputFor(2, { access }),
    );
    expect(world.jobs.map((job) => job.first !== undefined)).toEqual([true, true, true, true, false]);
    expect(output).toMatchObject({ state: 'completedWithExceptions', problems: [{ code: 'AccessUnproven' }] });
  });

  test('one that never works is granted, unproven, and the run completes with an exception', async () => {
    const { output, sentry, elapsedMs } = await run({ proof: (job) => answered(job, [first]) });
    expect(output).toMatchObject({
      state: 'completedWithExceptions',
      subscriptions: { granted: 2, proven: 1, setAside: 0 },
      problems: [{ code: 'AccessUnproven', reason: expect.stringContaining(second) }],
    });
    expect(elapsedMs).toBe(30 * MINUTE_MS);
    expect(sentry).toMatchObject({ stage: 'completed', receipts: [{ why: 'closed', provenClosed: true }] });
    expect(sentry.subscriptions[second]).toMatchObject({
      state: 'granted',
      proven: false,
      why: expect.stringContaining('does not read it'),
    });
  });

  test('nothing is asked once the window is over, and nothing is extended for it', async () => {
    const access = { kind: 'temporaryPublicIp', sourceAddresses: ['203.0.113.7/32'], windowMinutes: 5 };
    const { output, world, sentry } = await run({ proof: (job) => answered(job, [first]) }, inputFor(2, { access }));
    expect(output?.state).toBe('completedWithExceptions');
    expect(world.proofs).toHaveLength(5);
    expect(sentry.receipts).toMatchObject([{ why: 'expired', provenClosed: true }]);
  });

  test('an identity that gives no token is told of', async () => {
    const { output, sentry } = await run({
      proof: (job) => ({ ...answered(job, undefined), problem: 'the metadata service gave no token' }),
    });
    expect(output?.state).toBe('completedWithExceptions');
    expect(sentry.subscriptions[first]).toMatchObject({ proven: false, why: expect.stringContaining('gave no token') });
  });

  test('a Sentry that cannot report is not completed: the hosts are named, and the window closes', async () => {
    const unreached = [{ origin: 'https://app.cloudknox.io', why: 'nothing answers within 15 s' }];
    const { output, sentry, elapsedMs } = await run({
      proof: () => ({ kind: 'answered', reached: [], unreached, readable: [first, second] }),
    });
    expect(output).toMatchObject({ state: 'failed', problems: [{ code: 'OutboundBlocked' }] });
    expect(sentry.stopped?.reason).toContain('https://app.cloudknox.io (nothing answers within 15 s)');
    expect(sentry).toMatchObject({ stage: 'stopped', receipts: [{ why: 'closed', provenClosed: true }] });
    expect(sentry.configured ?? null).toBeNull();
    expect(elapsedMs).toBe(5 * MINUTE_MS);
  });

  test('a script that failed for want of a way out is explained by it, and any other is not', async () => {
    const failed = { kind: 'stopped', code: 'ScriptFailed', reason: 'no', remedy: 'mend', transcript: 'said' } as const;
    const unreached = [{ origin: 'https://login.microsoftonline.com', why: 'its name is not resolved' }];
    const blocked = await run({
      appliance: () => failed,
      proof: () => ({ kind: 'answered', reached: [], unreached }),
    });
    expect(blocked.sentry.stopped).toMatchObject({ code: 'OutboundBlocked', transcript: 'said' });
    expect((await run({ appliance: () => failed })).sentry.stopped).toMatchObject({ code: 'ScriptFailed' });
  });

  test('a session that breaks off is tried again; where none comes about, nothing is proven', async () => {
    const cut = { kind: 'unanswered', reason: 'the session was cut off' } as const;
    const again = await run({ proof: (_, asked) => (asked < 3 ? cut : undefined) });
    expect(again.output?.state).toBe('completed');
    const unreached = [{ origin: 'https://app.cloudknox.io', why: 'nothing answers within 15 s' }];
    const blocked = { kind: 'answered', reached: [], unreached } as const;
    const atLast = await run({ proof: (_, asked) => (asked === 1 ? blocked : cut) });
    expect(atLast.sentry.stopped).toMatchObject({ code: 'OutboundBlocked' });
    const never = await run({ proof: () => cut });
    expect(never.sentry).toMatchObject({ stage: 'stopped', stopped: { code: 'OutboundUnproven' } });
  });

  test('in a network of somebody else’s, a public address that goes with the window is no way out', async () => {
    const subnetId = `/subscriptions/${first}/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub/subnets/apps`;
    const { world } = await run({}, inputFor(2, { network: { kind: 'existing', subnetId } }));
    expect(world.proofs).toMatchObject([{ subnetId }]);
  });
});

describe('by run command, where no session leads to it', () => {
  const unattended = { configuration: { kind: 'runCommand' } };
  const runUnattended = (behaviour: Behaviour, changes: object = {}) =>
    run(behaviour, inputFor(2, { ...unattended, ...changes }));
  const ended = (
    { questions, subscriptions }: ProofCommandJob,
    changes: Partial<Extract<ProofCommandResult, { kind: 'ended' }>['answered']> = {},
  ): ProofCommandResult => ({
    kind: 'ended',
    answered: { reached: questions.origins, unreached: [], readable: subscriptions, ...changes },
  });
  const later = { kind: 'later', code: 'ScriptNotDone', reason: '', remedy: '', seconds: 10 } as const;

  test('is a run command of its own, polled by durable timers and taken away', async () => {
    const running = { kind: 'running', operation: 'https://azure/op', seconds: 5, change: 'created' } as const;
    const pending: ProofCommandResult[] = [running, { ...later, patienceSeconds: 1_800 }];
    const { world, sentry, output, elapsedMs } = await runUnattended({ proofCommand: (_, look) => pending[look - 1] });
    expect(output).toMatchObject({ state: 'completed', subscriptions: { granted: 2, proven: 2 } });
    expect(sentry.configured?.proof).toMatchObject({ readable: [first, second] });
    expect(sentry.subscriptions[first]).toEqual({ state: 'granted', collected: true, proven: true });
    expect(world.proofs).toEqual([]);
    expect(world.proofCommands).toHaveLength(3);
    expect(world.proofCommands[1]).toMatchObject({
      id: '/id/runCommands/sentry-proof',
      location: 'westeurope',
      deployment: 'prod-sentry',
      subscriptions: [first, second],
      questions: { identity: { clientId: 'client' } },
      operation: 'https://azure/op',
    });
    expect(new Set(world.proofCommands.map(({ attempt }) => attempt)).size).toBe(1);
    expect(world.steps.slice(-2)).toEqual(['remove sentry-proof', 'remove sentry-setup']);
    expect(elapsedMs).toBe(15_000);
  });

  test('a role that works late is waited for before the script, each time by a new attempt; one that never works is an exception', async () => {
    const late = await runUnattended({
      proofCommand: (job, look) => (look < 4 ? ended(job, { readable: [first] }) : undefined),
    });
    const order = late.world.steps.filter((step) => step.startsWith('remove sentry'));
    expect(order).toEqual([...Array<string>(4).fill('remove sentry-proof'), 'remove sentry-setup']);
    expect(late.output).toMatchObject({ state: 'completed', subscriptions: { proven: 2 } });
    expect(new Set(late.world.proofCommands.map(({ attempt }) => attempt)).size).toBe(4);
    expect(late.elapsedMs).toBe(3 * MINUTE_MS);

    const never = await runUnattended({ proofCommand: (job) => ended(job, { readable: [first] }) });
    expect(never.output).toMatchObject({
      state: 'completedWithExceptions',
      subscriptions: { granted: 2, proven: 1 },
      problems: [{ code: 'AccessUnproven', reason: expect.stringContaining(second) }],
    });
    expect(never.elapsedMs).toBe(30 * MINUTE_MS);
  });

  const unreached = [{ origin: 'https://app.cloudknox.io', why: 'nothing answers within 15 s' }];

  test('a Sentry that cannot report is not completed, and a script that failed for it says so', async () => {
    const blocked = await runUnattended({ proofCommand: (job) => ended(job, { reached: [], unreached }) });
    expect(blocked.output).toMatchObject({ state: 'failed', problems: [{ code: 'OutboundBlocked' }] });
    expect(blocked.sentry.stopped?.reason).toContain('https://app.cloudknox.io (nothing answers within 15 s)');
    expect(blocked.sentry.configured ?? null).toBeNull();
    expect(blocked.elapsedMs).toBe(5 * MINUTE_MS);

    const result = { kind: 'stopped', code: 'ScriptFailed', reason: 'no', remedy: '', transcript: 'said' } as const;
    const failed = await runUnattended({
      unattended: () => ({ kind: 'ended', result }),
      proofCommand: (job, look) => ended(job, look === 1 ? {} : { unreached }),
    });
    expect(failed.sentry.stopped).toMatchObject({ code: 'OutboundBlocked', transcript: 'said' });
  });

  test('what Azure refuses to run is tried again, and at last nothing is proven', async () => {
    const refused = { kind: 'refused', code: 'Conflict', reason: 'busy', remedy: '' } as const;
    const again = await runUnattended({ proofCommand: (_, look) => (look < 3 ? refused : undefined) });
    expect(again.output?.state).toBe('completed');
    const { sentry, world } = await runUnattended({ proofCommand: () => refused });
    expect(sentry).toMatchObject({ stage: 'stopped', stopped: { code: 'OutboundUnproven' } });
    expect(sentry.stopped?.reason).toContain('Conflict: busy');
    expect(world.steps.at(-1)).toBe('remove sentry-proof');
  });

  test('the next page of a listing is asked for by the next attempt', async () => {
    const nextLink = 'https://management.azure.com/subscriptions?x=1';
    const { output, world } = await runUnattended({
      proofCommand: (job) =>
        job.page === undefined ? ended(job, { readable: [first], nextLink }) : ended(job, { readable: [second] }),
    });
    expect(output).toMatchObject({ state: 'completed', subscriptions: { proven: 2 } });
    expect(world.proofCommands.map(({ page }) => page)).toEqual([undefined, nextLink]);
  });

  test('with an application’s secret it is asked for the way out alone', async () => {
    const { output, world } = await runUnattended({ proofCommand: (job) => ended(job, { readable: [] }) }, app);
    expect(output).toMatchObject({ state: 'completed', subscriptions: { proven: 2 } });
    expect(world.proofCommands.map(({ questions }) => questions.identity)).toEqual([undefined]);
  });
});

describe('with the application’s own secret', () => {
  test('the appliance is asked for the way out alone, the application for what it reads', async () => {
    const { world, output, sentry } = await run({}, inputFor(2, app));
    expect(output).toMatchObject({ state: 'completed', subscriptions: { proven: 2 } });
    expect(world.proofs[0]?.questions.identity).toBeUndefined();
    expect(sentry.configured?.proof?.readable).toBeUndefined();
  });

  test('is asked again while the role does not work yet, before the script picks among what it reads', async () => {
    const setUpAt: number[] = [];
    let listings = 0;
    const { output, world, elapsedMs } = await run(
      {
        appliance: () => (setUpAt.push(listings), { kind: 'configured', hostKey: 'SHA256:x' }),
        listing: (_, asked) => ((listings = asked) < 3 ? { kind: 'listed', readable: [first] } : undefined),
      },
      inputFor(2, app),
    );
    expect(output?.state).toBe('completed');
    expect(elapsedMs).toBe(2 * MINUTE_MS);
    expect([setUpAt, listings]).toEqual([[3], 3]);
    expect(world.jobs[0]?.first).toBeUndefined();
  });

  test.each([
    ['not found', { kind: 'listed', readable: [first] } as const, 1, 30, 'does not read it'],
    ['throttled', { kind: 'later', code: 'TooManyRequests', reason: 'slow' } as const, 0, 30, 'TooManyRequests: slow'],
    ['a secret that Entra refuses', { kind: 'refused', code: 'invalid_client', reason: 'no' } as const, 0, 5, 'no'],
  ])('%s to the end: granted, unproven', async (_what, listing, proven, minutes, why) => {
    const { output, sentry, elapsedMs } = await run({ listing: () => listing }, inputFor(2, app));
    expect(output).toMatchObject({ state: 'completedWithExceptions', subscriptions: { granted: 2, proven } });
    expect(output?.problems).toMatchObject([{ code: 'AccessUnproven' }]);
    expect(elapsedMs).toBe(minutes * MINUTE_MS);
    expect(sentry.subscriptions[second]).toMatchObject({ proven: false, why: expect.stringContaining(why) });
  });

  test('what joins later is proven without a window', async () => {
    const subscriptions = { include: [{ kind: 'ids', ids: [first] }], onboardNew: true };
    const world = fakeWorld();
    const input = inputFor(1, { ...app, subscriptions });
    const { configureAppliance } = world.options.activities;
    const { entities, output } = await runOrchestrator<DeploymentResult>('runDeployment', {
      ...world.options,
      activities: {
        ...world.options.activities,
        configureAppliance: (...given: Parameters<typeof configureAppliance>) => {
          const onboard = { subscriptionId: second, deployment: 'prod-sentry' };
          given[1].startNew('onboardSubscription', { instanceId: `onboard-${second}`, input: onboard });
          return configureAppliance(...given);
        },
      },
      input,
      instanceId: 'd-prod-sentry',
    });
    expect(output).toMatchObject({ state: 'completed', subscriptions: { granted: 2, proven: 2 } });
    const { subscriptions: states, receipts } = entities['@sentry@prod-sentry-1'] as SentryState;
    expect(states[second]).toEqual({ state: 'granted', collected: false, proven: true });
    expect(receipts).toHaveLength(1);
  });
});

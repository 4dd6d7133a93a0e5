/** What announced itself, or came into a rule: who is taken in, and what becomes of the others. */
import { describe, expect, test } from '@jest/globals';
import type { OrchestrationContext, Task } from 'durable-functions';
import type { HostInspection, ScopesInspection } from '../../src/activities/contracts';
import { finding } from '../../src/domain/preflight/codes';
import type { Drift } from '../../src/domain/plan/drift';
import type { DeploymentResult, DeploymentState } from '../../src/domain/states';
import { fakeWorld, inputFor } from '../support/fakeWorld';
import { inTurn, type Turn } from '../support/inTurn';
import { subscriptionId, subscriptionIds } from '../support/requests';
import { type FakeClient, runOrchestrator } from '../support/runOrchestrator';

const resourceId =
  '/subscriptions/5b000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i';
const oneIdentity = { identity: { kind: 'managedIdentity', resourceId } };
const listed = (count: number, more: object = {}) => ({
  subscriptions: { include: [{ kind: 'ids', ids: subscriptionIds(count) }], onboardNew: true },
  ...more,
});
const MIDNIGHT = '2026-01-01T00:00:00.000Z';

interface Given {
  /** What Resource Graph shows from now on. */
  readonly shown?: readonly number[];
  /** Subnet, quota and all that only Azure knows have room for so many Sentries; every size of fleet is noted. */
  readonly room?: number;
  /** The app may not grant there. */
  readonly forbidden?: number;
}

/** As long as any run that was announced to may take here. */
function* rest(context: OrchestrationContext): Generator<Task, void, never> {
  yield context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + 600_000));
}

/** Runs in one world. An announcement starts a run of its own, with the input of the newest. */
function deploymentOf(given: Given = {}) {
  let { shown = [], room = Infinity, forbidden } = given;
  const fleets: number[] = [];
  const world = fakeWorld();
  const turns: Turn[] = [];
  let input = inputFor(1);
  const full = finding('SubnetFull', '/network/addressPrefix', 'It has 0 free addresses', 'Ask for a larger one.');
  const activities = {
    ...world.options.activities,
    inspectHost: ({ areas, sentries }: HostInspection) => {
      fleets.push(sentries);
      return areas.map((area) => ({
        kind: 'inspected',
        findings: area === 'network' && sentries > room ? [full] : [],
      }));
    },
    inspectScopes: ({ scopes }: ScopesInspection) =>
      scopes.map(({ scope }) => {
        const isForbidden = forbidden !== undefined && scope.endsWith(subscriptionId(forbidden));
        const findings = isForbidden ? [finding('SubscriptionNotGrantable', scope, 'no right', 'give it')] : [];
        return { kind: 'inspected', findings };
      }),
    listSubscriptions: () => ({
      kind: 'listed',
      subscriptions: shown.map((n) => ({
        id: subscriptionId(n),
        name: `s${n}`,
        tags: {},
        state: 'Enabled',
        managementGroups: ['corp'],
      })),
    }),
    startDeployment: (_: unknown, client: FakeClient) => {
      client.startNew('runDeployment', { instanceId: `d-prod-sentry-${fleets.length}`, input });
      return 'started';
    },
    set: (next: Given) => {
      ({ shown = shown, room = room, forbidden } = next);
      return null;
    },
  };
  const script = {
    run: (changes: object, how: object = {}) => {
      input = inputFor(1, changes);
      turns.push({ orchestrator: 'runDeployment', input: { ...input, ...how }, instanceId: `d-${turns.length}` });
      return script;
    },
    announce: (...numbers: readonly number[]) => {
      turns.push(
        ...numbers.map((n): Turn => {
          const id = subscriptionId(n);
          const job = { subscriptionId: id, deployment: 'prod-sentry' };
          return { orchestrator: 'onboardSubscription', input: job, instanceId: `onboard-${id}` };
        }),
      );
      return script.rest();
    },
    rest: () => {
      turns.push({ orchestrator: 'rest', input: null, instanceId: `rest-${turns.length}` });
      return script;
    },
    meanwhile: (next: Given) => {
      turns.push({ activity: 'set', input: next });
      return script;
    },
    look: () => {
      const job = { input, startedAt: MIDNIGHT, repair: true, asked: true };
      turns.push({ orchestrator: 'reconcile', input: job, instanceId: `c-${turns.length}` });
      return script;
    },
    end: async () => {
      const { output, entities } = await runOrchestrator<readonly unknown[]>(inTurn, {
        ...world.options,
        activities,
        orchestrators: { ...world.options.orchestrators, rest },
        input: turns,
      });
      const state = entities['@deployment@prod-sentry'] as DeploymentState;
      return { state, answers: output ?? [], fleets, sizes: state.placement.map(({ length }) => length) };
    },
  };
  return script;
}

describe('bug: a subscription for which the fleet has no room', () => {
  test('is set aside with reason and way out, and the deployment stays as it was', async () => {
    const { state, sizes } = await deploymentOf().run(listed(50, oneIdentity)).announce(99).end();
    expect(sizes).toEqual([50]);
    expect(state.unplaced).toEqual({
      ids: [subscriptionId(99)],
      code: 'NotTakenIn',
      reason: expect.stringMatching(/^It needs a Sentry more.*OneSentryOnly.*It is one identity/),
      remedy: expect.stringMatching(/keeps the identity that it was made with.*joins by itself.*exclude/),
    });
    expect(state).toMatchObject({
      carriedOut: true,
      settled: true,
      result: {
        state: 'completedWithExceptions',
        subscriptions: { total: 51, granted: 50, setAside: 1 },
        problems: [],
      },
    });
    expect(state.findings).toMatchObject([
      { severity: 'warning', code: 'NotTakenIn', where: `/subscriptions/${subscriptionId(99)}` },
      { severity: 'warning', code: 'FleetCannotGrow', where: '/identity/resourceId' },
    ]);
  });

  test('holds up no repair and no other run, which come to the same', async () => {
    const changes = listed(50, oneIdentity);
    const { state, answers } = await deploymentOf()
      .run(changes)
      .announce(99)
      .run(changes, { repair: true })
      .run(changes)
      .end();
    const [, , , repair, again] = answers as DeploymentResult[];
    expect([repair?.state, again?.state]).toEqual(['completedWithExceptions', 'completedWithExceptions']);
    expect(state).toMatchObject({ carriedOut: true, unplaced: { ids: [subscriptionId(99)] } });
  });

  test('joins by itself when a request makes room for it', async () => {
    const { state, sizes } = await deploymentOf({ room: 1 })
      .run(listed(50))
      .announce(99)
      .meanwhile({ room: 2 })
      .run(listed(50))
      .end();
    expect(sizes).toEqual([50, 1]);
    expect(state).toMatchObject({ unplaced: null, result: { state: 'completed', subscriptions: { total: 51 } } });
  });

  test('joins by the repair that the look for drift starts once there is room', async () => {
    const { answers, sizes, state } = await deploymentOf({ room: 1 })
      .run(listed(50))
      .announce(99)
      .meanwhile({ room: 2 })
      .look()
      .rest()
      .end();
    expect((answers.at(-2) as Drift).repair).toMatchObject({ state: 'started' });
    expect(sizes).toEqual([50, 1]);
    expect(state).toMatchObject({ unplaced: null, result: { state: 'completed' } });
  });

  test('leaves to those that were announced before it the room that there is', async () => {
    const late = Array.from({ length: 6 }, (_, at) => 90 + at);
    const { state, sizes } = await deploymentOf({ room: 1 })
      .run(listed(45))
      .announce(...late)
      .end();
    expect(sizes).toEqual([50]);
    expect(state.unplaced?.ids).toEqual([subscriptionId(95)]);
  });

  test('is none that a person asks for by its id: that is refused before anything is written', async () => {
    const { answers, state } = await deploymentOf({ room: 1 }).run(listed(50)).run(listed(51)).end();
    expect(answers.at(-1)).toMatchObject({ state: 'failed', problems: [{ code: 'SubnetFull' }] });
    expect(state.placement.flat()).toHaveLength(50);
  });

  test('may be the first of all: the fleet stays empty', async () => {
    const none = { subscriptions: { include: [], onboardNew: true } };
    const { state } = await deploymentOf({ room: 0 }).run(none).announce(99).end();
    expect(state).toMatchObject({ placement: [], unplaced: { ids: [subscriptionId(99)] } });
    expect(state.result?.state).toBe('completedWithExceptions');
  });

  test('nor does the first of all end the run where nothing can be granted in it', async () => {
    const none = { subscriptions: { include: [], onboardNew: true } };
    const { state } = await deploymentOf({ forbidden: 99 }).run(none).announce(99).end();
    expect(state.findings).toMatchObject([
      { code: 'NotTakenIn', reason: expect.stringContaining('NoSubscriptionLeft') },
      { code: 'SubscriptionNotGrantable', remedy: 'give it' },
    ]);
    expect(state.result).toMatchObject({ state: 'completedWithExceptions', subscriptions: { setAside: 1 } });
  });
});

describe('bug: what came into a rule, more than fits', () => {
  const rules = (onboardNew = true) => ({
    subscriptions: { include: [{ kind: 'managementGroup', id: 'corp' }], onboardNew },
  });
  const numbers = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

  test('is named by the look for drift, and holds up no repair', async () => {
    const { state, answers } = await deploymentOf({ room: 1, shown: numbers(50) })
      .run(rules())
      .meanwhile({ shown: numbers(60) })
      .look()
      .end();
    expect((answers.at(-1) as Drift).problem).toBeUndefined();
    expect(state.drift).toMatchObject({ count: 0 });
    expect(state.unplaced?.ids).toEqual(numbers(60).slice(50).map(subscriptionId));
  });

  test('gets as many Sentries as there is room for, found in few looks', async () => {
    const { sizes, state, fleets } = await deploymentOf({ room: 4, shown: numbers(50) })
      .run(rules())
      .meanwhile({ shown: numbers(450) })
      .run(rules())
      .end();
    expect(sizes).toEqual([50, 50, 50, 50]);
    expect(state.unplaced?.ids).toHaveLength(250);
    expect(fleets).toEqual([1, 9, 1, 5, 3, 4]);
  });

  test('is an error where it is the first request, or nobody wants new ones by themselves', async () => {
    const first = await deploymentOf({ room: 1, shown: numbers(60) })
      .run(rules())
      .end();
    const unwanted = await deploymentOf({ room: 1, shown: numbers(50) })
      .run(rules(false))
      .meanwhile({ shown: numbers(60) })
      .run(rules(false))
      .end();
    for (const { answers } of [first, unwanted])
      expect(answers.at(-1)).toMatchObject({ state: 'failed', problems: [{ code: 'SubnetFull' }] });
  });
});

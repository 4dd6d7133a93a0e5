import { describe, expect, test } from '@jest/globals';
import type { Step } from '../../src/activities/contracts';
import type { Outcome } from '../../src/domain/outcome';
import type { Plan } from '../../src/domain/plan/plan';
import { planIdOf } from '../../src/functions/planId';
import type { Approved } from '../../src/orchestrations/approved';
import { fakeWorld, inputFor } from '../support/fakeWorld';
import { inTurn, type Turn } from '../support/inTurn';
import { subscriptionId } from '../support/requests';
import { type FakeClient, runOrchestrator } from '../support/runOrchestrator';

type World = ReturnType<typeof fakeWorld>;
const planOf = async (world: World, input = inputFor(60)): Promise<Plan> => {
  const { output } = await runOrchestrator<Plan>('runPlan', { ...world.options, input });
  if (!output) throw new Error('The plan failed.');
  return output;
};
const changesOf = ({ shared, sentries }: Plan) =>
  [shared, ...sentries].flatMap(({ resources }) => resources.map(({ change }) => change));
const grantsOf = ({ sentries }: Plan) =>
  sentries.flatMap(({ n, grants }) => grants.map(({ role, change, scopes }) => [n, role, change, scopes.length]));

const runInTurn = async (world: World, runs: readonly (readonly [name: string, input: unknown])[]) => {
  const input = runs.map(([orchestrator, given], at): Turn => ({
    orchestrator,
    input: given,
    instanceId: `turn-${at}`,
  }));
  const { output } = await runOrchestrator<readonly unknown[]>(inTurn, { ...world.options, input });
  return { plans: (output ?? []) as readonly Plan[] };
};

describe('a plan', () => {
  test('of a new deployment makes everything, asks nobody about grants that cannot be, and writes nothing', async () => {
    const world = fakeWorld();
    const { output, calls, entities } = await runOrchestrator<Plan>('runPlan', {
      ...world.options,
      input: inputFor(60),
    });
    if (!output) throw new Error('The plan failed.');
    expect(new Set(changesOf(output))).toEqual(new Set(['create']));
    expect(grantsOf(output)).toEqual([
      [1, 'Reader', 'create', 50],
      [2, 'Reader', 'create', 10],
    ]);
    expect(output.sentries.map(({ visit }) => visit)).toEqual([true, true]);
    expect(new Set(calls)).toEqual(new Set(['inspectHost', 'inspectScopes', 'observeResources']));
    expect(world.steps.some((step) => step.includes('roleAssignment'))).toBe(false);
    expect(Object.values(entities).filter((state) => state !== null && state !== undefined)).toEqual([]);
  });

  test('right after a deployment is empty, and opens no window', async () => {
    const { plans } = await runInTurn(fakeWorld(), [
      ['runDeployment', inputFor(60)],
      ['runPlan', inputFor(60)],
    ]);
    const after = plans[1];
    if (!after) throw new Error('The plan failed.');
    expect(new Set(changesOf(after))).toEqual(new Set(['keep']));
    expect(grantsOf(after)).toEqual([
      [1, 'Reader', 'keep', 50],
      [2, 'Reader', 'keep', 10],
    ]);
    expect(after.sentries.map(({ visit }) => visit)).toEqual([false, false]);
  });

  test('takes back what the request no longer wants, and moves nothing else', async () => {
    const smaller = inputFor(60, { subscriptions: { include: [{ kind: 'ids', ids: [subscriptionId(2)] }] } });
    const { plans } = await runInTurn(fakeWorld(), [
      ['runDeployment', inputFor(3, { controller: { enabled: true } })],
      ['runPlan', smaller],
    ]);
    const after = plans[1];
    if (!after) throw new Error('The plan failed.');
    expect(grantsOf(after).sort()).toEqual(
      [
        [1, 'Reader', 'keep', 1],
        [1, 'Reader', 'remove', 2],
        [1, 'User Access Administrator', 'remove', 3],
      ].sort(),
    );
  });

  test('shows what a run would refuse, and what that blocks', async () => {
    const refusal = { kind: 'refused', code: 'NotOurs', reason: 'it is another’s', remedy: 'rename it' } as const;
    const world = fakeWorld({ observe: ({ spec }) => (spec.kind === 'userAssignedIdentity' ? refusal : undefined) });
    const { sentries } = await planOf(world, inputFor(2));
    const all = sentries[0]?.resources ?? [];
    const one = (kind: string) => all.filter((resource) => resource.kind === kind);
    expect(one('userAssignedIdentity')).toMatchObject([{ change: 'refused', code: 'NotOurs', remedy: 'rename it' }]);
    expect(one('virtualMachine')).toMatchObject([{ change: 'blocked' }]);
    expect(one('roleAssignment')).toMatchObject([{ change: 'blocked' }, { change: 'blocked' }]);
    expect(sentries[0]?.visit).toBe(false);
  });

  test('of what is shared and refused plans no Sentry, as a run begins none', async () => {
    const refusal = { kind: 'refused', code: 'Immutable', reason: 'no', remedy: 'ask for what it is' } as const;
    const world = fakeWorld({ observe: ({ spec }) => (spec.kind === 'virtualNetwork' ? refusal : undefined) });
    const found = await planOf(world);
    expect(found.sentries).toEqual([]);
    expect(found.shared.resources.find(({ kind }) => kind === 'virtualNetwork')).toMatchObject({ change: 'refused' });
  });

  test('waits as long as Azure asks and no longer', async () => {
    const later: Outcome = { kind: 'later', code: 'Busy', reason: '', remedy: '', seconds: 17, patienceSeconds: 3_600 };
    const world = fakeWorld({
      observe: ({ spec }, asked) => (spec.kind === 'subnet' && asked === 1 ? later : undefined),
    });
    const { elapsedMs } = await runOrchestrator('runPlan', { ...world.options, input: inputFor(500) });
    expect(elapsedMs).toBe(17_000);
  });

  test('that cannot list the subscriptions says why', async () => {
    const world = fakeWorld();
    const listSubscriptions = () => ({ kind: 'refused', code: 'AuthorizationFailed', reason: 'no', remedy: 'ask' });
    const { output } = await runOrchestrator<Plan>('runPlan', {
      ...world.options,
      activities: { ...world.options.activities, listSubscriptions },
      input: inputFor(1, { subscriptions: { include: [{ kind: 'managementGroup', id: 'landing-zones' }] } }),
    });
    expect(output).toMatchObject({ sentries: [], stopped: { code: 'AuthorizationFailed', remedy: 'ask' } });
  });
});

describe('an approved plan', () => {
  const approve = (world: World, planId: string, input = inputFor(3)) => {
    const started: unknown[] = [];
    return runOrchestrator<Approved>('runApproved', {
      ...world.options,
      activities: {
        ...world.options.activities,
        startApproved: (approval: Parameters<typeof world.options.activities.startApproved>[0], client: FakeClient) =>
          world.options.activities.startApproved(approval, {
            ...client,
            startNew: (name, options) => {
              started.push([name, options?.instanceId]);
              return options?.instanceId ?? '';
            },
          }),
      },
      input: { planId, input },
    }).then(({ output }) => ({ answer: output?.answer, started }));
  };

  test('has the same id each time while the world stands still, and is carried out', async () => {
    const world = fakeWorld();
    const [first, second] = [await planOf(world, inputFor(3)), await planOf(world, inputFor(3))];
    const planId = planIdOf(inputFor(3), first);
    expect(planIdOf(inputFor(3), second)).toBe(planId);
    expect(await approve(world, planId)).toEqual({ answer: 'started', started: [['runDeployment', 'd-prod-sentry']] });
  });

  test('starts nothing once the world has moved', async () => {
    const planId = planIdOf(inputFor(3), await planOf(fakeWorld(), inputFor(3)));
    const kept = { kind: 'done', change: 'kept', ours: true, outputs: { id: '/id' } } as const;
    const observe = ({ spec }: Step) => (spec.kind === 'resourceGroup' ? kept : undefined);
    expect(await approve(fakeWorld({ observe }), planId)).toEqual({ answer: 'outdated', started: [] });
  });
});

/** Our mark on what we made is lost: a policy or a hand in the portal took the tag away. */
import { describe, expect, test } from '@jest/globals';
import type { Step } from '../../src/activities/contracts';
import { markLost } from '../../src/domain/mark';
import type { Outcome } from '../../src/domain/outcome';
import type { Plan } from '../../src/domain/plan/plan';
import { finding } from '../../src/domain/preflight/codes';
import { sentryResources } from '../../src/domain/blueprint/sentry';
import { sharedResources } from '../../src/domain/blueprint/shared';
import type { DeploymentResult, DeploymentState, SentryState } from '../../src/domain/states';
import { fakeWorld, inputFor } from '../support/fakeWorld';
import { inTurn, type Turn } from '../support/inTurn';
import { runOrchestrator } from '../support/runOrchestrator';

const idOf = (key: string): string =>
  [...sharedResources(inputFor(1)), ...sentryResources(inputFor(1), 1, [])].find((one) => one.key === key)?.id ?? '';

/** A deployment of two subscriptions; then the mark of one resource is lost, and these runs follow. */
async function afterLoss(key: string, runs: readonly Turn[], first = true) {
  const id = idOf(key);
  let lost = !first;
  /** As the activities answer where the mark is not there. */
  const unmarked = ({ spec, made }: Step): Outcome | undefined => {
    if (!lost || spec.id !== id) return undefined;
    const stranger = { code: 'NotOurs', reason: 'no mark', remedy: 'rename it' };
    return { kind: 'refused', ...(made ? markLost(id, spec.deployment) : stranger) };
  };
  const taken = finding('NameTaken', id.toUpperCase(), 'It bears no mark', 'Give another name');
  const world = fakeWorld({
    ensure: unmarked,
    observe: unmarked,
    inspect: (what) =>
      lost && what === 'names' ? { kind: 'inspected', findings: [taken], unmarked: [taken.where] } : undefined,
  });
  const begin: readonly Turn[] = first
    ? [{ orchestrator: 'runDeployment', input: inputFor(2), instanceId: 'd-1' }, { activity: 'lose' }]
    : [];
  const lose = () => {
    lost = true;
    return null;
  };
  const { output, entities } = await runOrchestrator<readonly unknown[]>(inTurn, {
    ...world.options,
    activities: { ...world.options.activities, lose },
    input: [...begin, ...runs],
  });
  return {
    answers: output?.slice(begin.length) ?? [],
    state: entities['@deployment@prod-sentry'] as DeploymentState,
    sentry: entities['@sentry@prod-sentry-1'] as SentryState | undefined,
    steps: world.steps,
    id,
  };
}
const run = (count: number, n: number): Turn => ({
  orchestrator: 'runDeployment',
  input: inputFor(count),
  instanceId: `d-${n}`,
});

describe.each(['networkSecurityGroup', 'virtualMachine', 'virtualNetwork'])(
  'bug: the mark of our %s is lost',
  (key) => {
    test('a run leaves that one, says how it is put back, and grants all the same', async () => {
      const { answers, state, sentry, id } = await afterLoss(key, [run(3, 2), run(3, 3)]);
      for (const answer of answers as readonly DeploymentResult[])
        expect(answer).toMatchObject({
          state: 'completedWithExceptions',
          stopped: 0,
          subscriptions: { granted: 3 },
          problems: [
            {
              code: 'MarkLost',
              remedy: expect.stringContaining(
                `\`az tag update --resource-id ${id} --operation Merge --tags sentry-deployment=prod-sentry\``,
              ),
            },
          ],
        });
      expect(answers).toHaveLength(2);
      expect(state).toMatchObject({
        carriedOut: true,
        settled: true,
        findings: [{ severity: 'warning', code: 'MarkLost', where: id.toUpperCase() }],
      });
      expect({ ...state.resources, ...sentry?.resources }[key]).toMatchObject({ state: 'refused', ours: true });
      expect(sentry).toMatchObject({ stage: 'completed', stopped: null, configured: { subscriptions: 2 } });
    });

    test('a plan shows that one refused, what needs it blocked, and the grant', async () => {
      const { answers } = await afterLoss(key, [{ orchestrator: 'runPlan', input: inputFor(3), instanceId: 'p' }]);
      const { shared, sentries, findings } = answers[0] as Plan;
      const all = [shared, ...sentries].flatMap(({ resources }) => resources);
      expect(all.find((one) => one.key === key)).toMatchObject({ change: 'refused', code: 'MarkLost' });
      expect(all.find((one) => one.key === 'virtualMachine')?.change).toMatch(/blocked|refused/);
      expect(sentries[0]?.grants.map(({ change, scopes }) => [change, scopes.length])).toEqual([
        ['keep', 2],
        ['create', 1],
      ]);
      expect(findings.map(({ severity, code }) => [severity, code])).toEqual([['warning', 'MarkLost']]);
    });
  },
);

test('what our own state does not know stays another’s, and ends the run before any write', async () => {
  const { answers, steps } = await afterLoss('networkSecurityGroup', [run(1, 1)], false);
  expect(answers).toMatchObject([{ state: 'failed', problems: [{ code: 'NameTaken' }] }]);
  expect(steps).toEqual([]);
});

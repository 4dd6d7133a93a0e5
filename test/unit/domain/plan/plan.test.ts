import { describe, expect, test } from '@jest/globals';
import { formerGrants, grantKey, scopesOf } from '../../../../src/domain/blueprint/grants';
import { sentryResources } from '../../../../src/domain/blueprint/sentry';
import { sharedResources } from '../../../../src/domain/blueprint/shared';
import type { Progress, State } from '../../../../src/domain/graph';
import { deedsOf, partings } from '../../../../src/domain/plan/approval';
import { driftOf } from '../../../../src/domain/plan/drift';
import { estimate } from '../../../../src/domain/plan/estimate';
import { isAddressed } from '../../../../src/domain/plan/kinds';
import { limits, type Limit, secondsFor } from '../../../../src/domain/plan/limits';
import { type Plan, planPart, type SentryPlan, stoppedPlan } from '../../../../src/domain/plan/plan';
import { checkOffer } from '../../../../src/domain/preflight/capacity';
import { finding } from '../../../../src/domain/preflight/codes';
import { type Resource, specify, UNKNOWN } from '../../../../src/domain/resources';
import { planIdOf } from '../../../../src/functions/planId';
import { planView } from '../../../../src/status/planView';
import { inputFor } from '../../../support/fakeWorld';
import { agentless, subscriptionIds } from '../../../support/requests';

const created: State = { state: 'done', change: 'created', ours: true, outputs: {} };
const kept: State = { state: 'done', change: 'kept', ours: true, outputs: {} };
const all = (resources: readonly Resource[], state: State): Progress =>
  Object.fromEntries(resources.map(({ key }) => [key, state]));

/** What is seen where everything is in one state. */
function planFor(count: number, state: State, input = inputFor(count)): Plan {
  const shared = sharedResources(input);
  const fleet = Array.from({ length: Math.ceil(count / 50) }, (_, at) =>
    subscriptionIds(count).slice(at * 50, at * 50 + 50),
  );
  const sentries = fleet.map((ids, at): SentryPlan => {
    const resources = sentryResources(input, at + 1, ids);
    const part = planPart(resources, all(resources, state));
    return { ...part, n: at + 1, subscriptions: ids.length, visit: state === created };
  });
  return { shared: planPart(shared, all(shared, state)), sentries, findings: [] };
}

test('what would be refused is among the findings, once', () => {
  const plan = planFor(1, kept);
  const [first, second] = plan.shared.resources;
  const [grant] = sentryResources(inputFor(1), 1, subscriptionIds(1)).filter(({ kind }) => kind === 'roleAssignment');
  if (!first || !second || !grant) throw new Error('There is too little in the plan.');
  const refusal = { change: 'refused', code: 'Immutable', reason: 'it is another', remedy: 'ask for it' } as const;
  const told = {
    severity: 'error',
    code: 'NameTaken',
    where: second.id.toUpperCase(),
    reason: 'r',
    remedy: 'm',
  } as const;
  const { key, kind, id } = grant;
  const resources = [
    { ...first, ...refusal },
    { ...second, ...refusal },
    { key, kind, id, ...refusal },
  ];
  const refused: Plan = { ...plan, shared: { ...plan.shared, resources }, findings: [told] };
  expect(planView(inputFor(1), refused, 'id', 'now').findings).toEqual([
    told,
    { severity: 'error', code: 'Immutable', where: first.id, reason: 'it is another', remedy: 'ask for it' },
    { severity: 'warning', code: 'Immutable', where: id, reason: 'it is another', remedy: 'ask for it' },
  ]);
});

test('bug: a profile’s image that is sold without a purchase plan was told of twice, and not what it is', () => {
  const input = inputFor(1);
  const shared = sharedResources(input);
  const refused: State = {
    state: 'refused',
    code: 'BadRequest',
    reason: 'Unable to find legal terms for this offer.',
    remedy: 'Mend what Azure says.',
  };
  const seen = { ...all(shared, created), marketplaceAgreement: refused };
  const plan: Plan = { shared: planPart(shared, seen), sentries: [], findings: checkOffer(input, undefined) };
  const { findings } = planView(input, plan, 'id', 'now');
  expect(findings.map(({ code }) => code)).toEqual(['OfferNotFound']);
  expect(findings[0]?.remedy).toContain('purchase plan');
});

describe('a part', () => {
  const grants = sentryResources(inputFor(3), 1, subscriptionIds(3)).filter(({ kind }) => kind === 'roleAssignment');
  const seen = (states: readonly State[]): Progress =>
    Object.fromEntries(grants.map(({ key }, at) => [key, states[at] ?? kept]));

  test('groups grants that share their fate, and tells of the others one by one', () => {
    const changes = [{ path: 'description', from: 'x', to: 'y' }];
    const refused: State = { state: 'refused', code: 'AuthorizationFailed', reason: 'no right', remedy: 'ask' };
    const part = planPart(grants, seen([created, { ...kept, change: 'changed', changes }, refused]));
    expect(part.grants).toEqual([
      { role: 'Reader', change: 'create', scopes: [`/subscriptions/${subscriptionIds(1)[0]}`] },
    ]);
    expect(part.resources).toMatchObject([
      { change: 'change', changes },
      { change: 'refused', code: 'AuthorizationFailed', remedy: 'ask' },
    ]);
  });

  test('takes back only what is there and is ours', () => {
    const part = planPart([], seen([kept, created, { ...kept, ours: false }]), grants);
    expect(part.grants.map(({ change, scopes }) => [change, scopes.length])).toEqual([['remove', 1]]);
  });

  test('bug: a grant that is made and one of the former principal that is taken back are two deeds', () => {
    const input = inputFor(2);
    const scopes = scopesOf(input, subscriptionIds(2));
    const former = formerGrants(input, 1, undefined, { scopes, hadController: false, principalId: 'before' });
    const made = grants.filter(({ key }) => scopes.some((scope) => key === grantKey(scope, 'Reader')));
    const part = planPart(made, { ...all(made, created), ...all(former, kept) }, former);
    const plan: Plan = {
      shared: planPart([], {}),
      sentries: [{ ...part, n: 1, subscriptions: 2, visit: false }],
      findings: [],
    };
    const [first, second] = scopes;
    expect(deedsOf(plan)).toEqual({
      [`Sentry 1: Reader at ${first}`]: { change: 'create' },
      [`Sentry 1: Reader at ${second}`]: { change: 'create' },
      [`Sentry 1: Reader of its former principal at ${first}`]: { change: 'remove' },
      [`Sentry 1: Reader of its former principal at ${second}`]: { change: 'remove' },
    });
    expect(driftOf(plan, 'now').count).toBe(4);
  });

  test('that was not looked at to the end is a bug, not a plan', () => {
    expect(() => planPart(grants, {})).toThrow('was not looked at');
  });
});

/** Preflight's calls of a network of our own and the marketplace's image, those for each subscription apart. */
const PREFLIGHT = 11;

describe('kinds', () => {
  test('what is addressed by something unknown is not looked up', () => {
    const input = inputFor(1, { identity: { kind: 'appRegistration' } });
    const unaddressed = sentryResources(input, 1, subscriptionIds(1))
      .filter((one) => !isAddressed(specify(one, 'x', {}, UNKNOWN)))
      .map(({ kind }) => kind);
    expect(new Set(unaddressed)).toEqual(
      new Set(['servicePrincipal', 'clientSecret', 'graphPermission', 'roleAssignment']),
    );
  });
});

describe('the id of a plan', () => {
  const input = inputFor(60);

  test('is the same for the same input and deeds, whatever else it says', () => {
    const plan = planFor(60, created);
    const warned: Plan = {
      ...plan,
      findings: [{ severity: 'warning', code: 'X', where: '', reason: 'now', remedy: '' }],
    };
    expect(planIdOf(input, warned)).toBe(planIdOf(JSON.parse(JSON.stringify(input)), plan));
    expect(planIdOf(input, plan)).toMatch(/^[0-9a-f]{16}-[0-9a-f]{16}$/);
  });

  test('is another for another request, another deed and another reason to do none', () => {
    const ids = [
      planIdOf(input, planFor(60, created)),
      planIdOf(inputFor(60, { tags: { a: '1' } }), planFor(60, created)),
      planIdOf(input, planFor(60, kept)),
      planIdOf(input, stoppedPlan({ code: 'A', reason: '', remedy: '' })),
      planIdOf(input, stoppedPlan({ code: 'B', reason: '', remedy: '' })),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('two plans part where one does what the other does not, or does otherwise', () => {
    const before = { a: { change: 'create' }, b: { change: 'create' } };
    const now = { b: { change: 'refused', code: 'NotOurs' }, c: { change: 'remove' } };
    expect(partings(before, now)).toEqual([
      { what: 'a', approved: { change: 'create' }, now: null },
      { what: 'b', approved: { change: 'create' }, now: { change: 'refused', code: 'NotOurs' } },
      { what: 'c', approved: null, now: { change: 'remove' } },
    ]);
    expect(partings(now, now)).toEqual([]);
  });
});

describe('the estimate', () => {
  test.each<[Limit, number, number]>([
    ['armWrites', 200, 0],
    ['armWrites', 300, 10],
    ['authorizationWrites', 120, 0],
    ['authorizationWrites', 121, 60],
    ['authorizationWrites', 500, 240],
    ['vaultWrites', 301, 10],
  ])('%s lets %i through in %i s', (limit, calls, seconds) => {
    expect(secondsFor(limit, calls)).toBe(seconds);
  });

  test('of a world that is as wanted is a read of each thing, and no time', () => {
    const plan = planFor(60, kept);
    expect(deedsOf(plan)).toEqual({});
    expect(estimate(plan, inputFor(60))).toEqual({
      azureCalls: PREFLIGHT + 60 + 9 + 2 * 8 + 60,
      seconds: 0,
      reasoning: [],
      limits: [],
    });
  });

  test('of few subscriptions is the longest way through what is made', () => {
    const { seconds, limits: drawn } = estimate(planFor(3, created), inputFor(3));
    // Provider, address, gateway, subnet; identity, permission, VM; window and script.
    expect(seconds).toBe(60 + 5 + 10 + 5 + (30 + 1 + 120) + 180);
    expect(drawn.every((limit) => limit.seconds === 0)).toBe(true);
  });

  test('of many is what the limit on role assignments makes it', () => {
    const { limits: drawn, reasoning } = estimate(planFor(500, created), inputFor(500));
    expect(drawn).toContainEqual({
      what: limits.authorizationWrites.what,
      calls: 500,
      atOnce: 120,
      seconds: 240,
      source: limits.authorizationWrites.source,
    });
    expect(reasoning.map(({ seconds }) => seconds)).toEqual([80, 240, 180]);
  });
});

const SCRIPT = '/opt/cloudknox/sentrysoftwareservice/bin/runAzureConfigCLI.sh';

describe('the document', () => {
  const view = (plan: Plan, changes: object = {}) =>
    planView(inputFor(60, changes), plan, 'id', '2026-11-23T00:00:00Z');

  test('tells of each thing what, with which permissions, and why', () => {
    const { resources, grants, summary, empty, permissions } = view(planFor(60, created));
    expect(resources.find(({ kind }) => kind === 'networkInterface')).toMatchObject({
      sentry: 1,
      change: 'create',
      permissions: expect.arrayContaining(['Microsoft.Network/networkInterfaces/write']),
      why: expect.stringContaining('Guide'),
    });
    expect(grants.map(({ sentry, role, change, count }) => [sentry, role, change, count])).toEqual([
      [1, 'Reader', 'create', 50],
      [2, 'Reader', 'create', 10],
    ]);
    expect([summary.create, summary.keep, summary.appliances, empty]).toEqual([9 + 2 * 8 + 60, 0, 2, false]);
    expect(permissions.find(({ permission }) => permission === 'AppRoleAssignment.ReadWrite.All')).toMatchObject({
      scope: 'Microsoft Graph',
    });
  });

  test('tells of the window, of what people do, and of the script, where an appliance is set up', () => {
    const { stages } = view(planFor(60, created));
    expect(stages.filter(({ sentry }) => sentry === 1)).toMatchObject([
      { stage: 'accessWindow', ports: [22], minutes: 60, sources: expect.arrayContaining(['198.51.100.1/32']) },
      { stage: 'handoff', kind: 'presence' },
      { stage: 'handoff', kind: 'registration' },
      { stage: 'configuration', kind: 'ssh', command: `sudo ${SCRIPT}` },
    ]);
    const changes = { configuration: { kind: 'runCommand' } };
    expect(view(planFor(1, created, inputFor(1, changes)), changes).stages.at(-1)).toMatchObject({
      stage: 'configuration',
      command: SCRIPT,
    });
  });

  test('bug: tells of the consent that a person gives, where the app may not', () => {
    const missing = finding('ConsentNeeded', 'https://graph.microsoft.com', 'The app has no permission', 'give it');
    const told = (state: State, profile = inputFor(60).profile) => {
      const input = { ...inputFor(60), profile };
      const plan = { ...planFor(60, state, input), findings: [missing] };
      return planView(input, plan, 'id', 'now').stages.map(({ sentry, ...one }) => [sentry, 'kind' in one && one.kind]);
    };
    expect(told(created).slice(0, 3)).toEqual([
      [1, 'consent'],
      [1, 'temporaryPublicIp'],
      [1, 'presence'],
    ]);
    expect(told(created).filter(([, kind]) => kind === 'consent')).toEqual([
      [1, 'consent'],
      [2, 'consent'],
    ]);
    expect(told(kept)).toEqual([]);
    // Without an appliance it is all that a person does.
    const graphPermissions = inputFor(1).profile.graphPermissions;
    expect(told(created, { ...agentless, graphPermissions })).toEqual([
      [1, 'consent'],
      [2, 'consent'],
    ]);
  });

  test('of a world that is as wanted is empty, and asks for rights to read alone', () => {
    const { empty, stages, permissions, summary } = view(planFor(60, kept));
    expect([empty, stages, summary.toDo]).toEqual([true, [], 0]);
    const change = /\/(write|delete|action)$|ReadWrite/;
    expect(permissions.map(({ permission }) => permission).filter((name) => change.test(name))).toEqual([
      'Microsoft.KeyVault/vaults/secrets/getSecret/action',
    ]);
  });

  test('that could not be made is not empty, and says why', () => {
    const { empty, problems } = view(stoppedPlan({ code: 'AuthorizationFailed', reason: 'no', remedy: 'ask' }));
    expect([empty, problems]).toEqual([false, [{ code: 'AuthorizationFailed', reason: 'no', remedy: 'ask' }]]);
  });
});

import { expect, test } from '@jest/globals';
import { sentryResources } from '../../../src/domain/blueprint/sentry';
import { sharedResources } from '../../../src/domain/blueprint/shared';
import { windowRemovals, windowResources, windowScope } from '../../../src/domain/blueprint/window';
import { inBatches, next, type Progress, settle } from '../../../src/domain/graph';
import type { Later, Outcome } from '../../../src/domain/outcome';
import { type Resource, specify } from '../../../src/domain/resources';
import { applianceIn, profile, requestFor, subscriptionIds } from '../../support/requests';

const plan = { request: requestFor(12), profile };
const done = (outputs: Record<string, string> = {}): Outcome => ({
  kind: 'done',
  change: 'created',
  ours: true,
  outputs,
});
const later = (more: Partial<Later> = {}): Later => ({
  kind: 'later',
  code: 'X',
  reason: 'not yet',
  remedy: 'wait',
  patienceSeconds: 100,
  ...more,
});
const keys = (resources: readonly Resource[]) => resources.map(({ key }) => key);

/** Runs a graph in which every put succeeds at once; answers the keys of each round. */
function rounds(resources: readonly Resource[]): string[][] {
  let progress: Progress = {};
  const seen: string[][] = [];
  for (;;) {
    const step = next(resources, progress, 0);
    if (step.due.length === 0) return seen;
    seen.push(keys(step.due));
    progress = { ...progress, ...Object.fromEntries(step.due.map(({ key }) => [key, settle(undefined, done(), 0)])) };
  }
}

test('everything independent is due at the same time', () => {
  expect(rounds(sharedResources(plan))).toEqual([
    [
      'provider/Microsoft.Network',
      'provider/Microsoft.ManagedIdentity',
      'provider/Microsoft.Compute',
      'resourceGroup',
      'marketplaceAgreement',
    ],
    ['virtualNetwork', 'egressAddress'],
    ['natGateway'],
    ['subnet'],
  ]);
});

test('Graph permissions come before the first boot, grants need the identity alone, and no port is up before it is shut', () => {
  const [first = [], second = [], third = [], fourth = []] = rounds(sentryResources(plan, 1, subscriptionIds(2)));
  expect(first).toEqual(['userAssignedIdentity', 'networkSecurityGroup', 'sshKey']);
  expect(second.filter((key) => key.startsWith('roleAssignment'))).toHaveLength(2);
  expect(second).toEqual(expect.arrayContaining(['graphPermission/Directory.Read.All', 'closedInbound']));
  expect(third).toEqual(['networkInterface']);
  expect(fourth).toEqual(['virtualMachine']);
});

test('the controller adds User Access Administrator for each subscription', () => {
  const enabled = { ...plan, request: requestFor(3, { controller: { enabled: true } }) };
  const grants = sentryResources(enabled, 1, subscriptionIds(3)).filter(({ kind }) => kind === 'roleAssignment');
  expect(keys(grants).filter((key) => key.endsWith('User Access Administrator'))).toHaveLength(3);
  expect(grants).toHaveLength(6);
});

test('Sentry 2 has the names of the guide with -2', () => {
  const names = (n: number) => sentryResources(plan, n, []).map(({ id }) => id.split('/').at(-1));
  expect(names(1)).toEqual(expect.arrayContaining(['CloudKnox', 'cloudknox-nsg']));
  expect(names(2)).toEqual(expect.arrayContaining(['CloudKnox-2', 'cloudknox-nsg-2']));
});

test('subscriptions go ten to an activity, everything else one', () => {
  const { due } = next(
    sentryResources(plan, 1, subscriptionIds(12)),
    { userAssignedIdentity: settle(undefined, done(), 0) },
    0,
  );
  expect(
    inBatches(due)
      .map((batch) => batch.length)
      .sort(),
  ).toEqual([1, 1, 1, 1, 10, 2].sort());
});

test('what needs a refused resource is blocked, however far up, and nothing waits for it', () => {
  const refused = settle(undefined, { kind: 'refused', code: 'No', reason: 'no', remedy: '' }, 0);
  const { due, progress, wakeAt } = next(
    sharedResources(plan),
    { resourceGroup: refused, marketplaceAgreement: settle(undefined, done(), 0) },
    0,
  );
  expect(due.map(({ kind }) => kind)).not.toContain('networkInterface');
  expect(due.every(({ kind }) => kind === 'providerRegistration')).toBe(true);
  expect(wakeAt).toBeUndefined();
  expect(progress['subnet']).toEqual({ state: 'blocked', by: 'virtualNetwork' });
});

test('Retry-After is honoured to the second, and without one the pauses double', () => {
  const first = settle(undefined, later({ seconds: 17 }), 1_000);
  expect(first).toMatchObject({ state: 'later', dueAt: 18_000 });
  const second = settle(first, later(), 18_000);
  expect(second).toMatchObject({ dueAt: 28_000, tries: 2 });
  expect(settle(second, later(), 28_000)).toMatchObject({ dueAt: 48_000, tries: 3 });
});

test('patience ends: what stays "not yet" is refused with its own reason', () => {
  const first = settle(undefined, later(), 0);
  expect(settle(first, later(), 100_000)).toEqual({ state: 'refused', code: 'X', reason: 'not yet', remedy: 'wait' });
});

test('an operation that was begun is remembered as a creation while Azure does not show it yet', () => {
  const running = settle(undefined, { kind: 'running', operation: 'https://azure/op', change: 'created' }, 0);
  expect(settle(running, later(), 5_000)).toMatchObject({ state: 'later', change: 'created' });
});

test('a window closes its port and detaches its address at once; the address itself goes last', () => {
  const scope = windowScope(plan, 1, applianceIn(plan), ['198.51.100.1/32'], {
    networkSecurityGroupId: '/nsg',
    networkInterfaceId: '/nic',
    expiresAt: '2026-01-01T01:00:00.000Z',
  });
  expect(scope.sources).toEqual(['203.0.113.7/32', '198.51.100.1/32']);
  expect(rounds(windowRemovals(scope))).toEqual([['securityRule/22', 'publicIPAssociation'], ['publicIPAddress']]);
});

test("a window's rule is the guide's Port_22 and carries its expiry", () => {
  const scope = windowScope(plan, 1, applianceIn(plan), [], {
    networkSecurityGroupId: '/nsg',
    networkInterfaceId: '/nic',
    expiresAt: '2026-01-01T01:00:00.000Z',
  });
  const rule = windowResources(scope).find(({ kind }) => kind === 'securityRule');
  expect(rule?.id).toBe('/nsg/securityRules/Port_22');
  expect(rule && specify(rule, 'prod-sentry', {}).wanted).toMatchObject({
    protocol: 'Tcp',
    destinationPortRange: '22',
    sourceAddressPrefixes: ['203.0.113.7/32'],
    description: 'sentry-deployment:prod-sentry sentry 1 until 2026-01-01T01:00:00.000Z',
  });
});

test('what alternates between running and later ends, and so does an operation that never does', () => {
  const running = { kind: 'running', operation: 'https://azure/op', change: 'changed' } as const;
  let state = settle(undefined, running, 0);
  for (let at = 10_000; state.state !== 'refused' && at < 10_000_000; at += 10_000) {
    state = settle(state, at % 20_000 === 0 ? later() : running, at);
  }
  expect(state).toMatchObject({ state: 'refused', code: 'X' });
  expect(settle(settle(undefined, running, 0), running, 7_200_000)).toMatchObject({ code: 'OperationNeverEnds' });
});

test('a Retry-After of 0 still lets time pass', () => {
  expect(settle(undefined, later({ seconds: 0 }), 0)).toMatchObject({ dueAt: 1_000 });
});

test('bug: a fraction of a millisecond made a retry due after its timer, and time stood still', () => {
  const state = settle(undefined, { ...later(), seconds: 1.00001 }, 0);
  expect(state.state === 'later' && Number.isInteger(state.dueAt)).toBe(true);
});

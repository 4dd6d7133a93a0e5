import { describe, expect, test } from '@jest/globals';
import { areasOf } from '../../../../src/domain/preflight/areas';
import { bounded, finding, findingCodes } from '../../../../src/domain/preflight/codes';
import { checkFleet } from '../../../../src/domain/preflight/existing';
import { toRefusal } from '../../../../src/domain/preflight/finding';
import { checkGraph, checkSecret, daysOf } from '../../../../src/domain/preflight/graphRights';
import { checkAnyLeft, checkHost, checkWatched, setAside } from '../../../../src/domain/preflight/subscriptions';
import { checkVault } from '../../../../src/domain/preflight/vault';
import { profile, requestFor, subscriptionId } from '../../../support/requests';

const codesOf = (found: readonly { readonly code: string }[]): string[] => found.map(({ code }) => code);
const home = '7e000000-0000-4000-8000-000000000001';
const id = subscriptionId(1);
const roles = [{ name: 'Reader', id: 'r' }];
const facts = (over: object = {}, crowded: Record<string, number> = {}) => ({
  subscriptions: [{ id, tenantId: home, state: 'Enabled', managementGroups: [], ...over }],
  own: [],
  roles: [],
  crowded,
});

describe('subscriptions', () => {
  test.each([
    ['enabled', {}, []],
    ['past due, which can still be written', { state: 'PastDue' }, []],
    ['disabled', { state: 'Disabled' }, ['Disabled']],
    ['warned', { state: 'Warned' }, ['Disabled']],
    ['in another tenant', { tenantId: 'other', state: 'Disabled' }, ['Elsewhere']],
    ['not listed, as one made a moment ago', { id: 'other' }, []],
  ])('%s', (_what, over, kinds) => {
    expect(codesOf(checkWatched([id], home, roles, facts(over)))).toEqual(kinds.map((kind) => `Subscription${kind}`));
    expect(codesOf(checkHost(id, home, facts(over)))).toEqual(kinds.map((kind) => `HostSubscription${kind}`));
  });

  test.each([
    [3_999, []],
    [4_000, ['RoleAssignmentLimit']],
  ])('%d role assignments', (used, codes) => {
    expect(codesOf(checkWatched([id], home, roles, facts({}, { [id]: used })))).toEqual(codes);
  });

  const aside = [finding('SubscriptionUnknown', '/subscriptions/a', '', '')];
  test.each([
    ['none is wanted', [], [], []],
    ['one is left', ['/subscriptions/a', '/subscriptions/b'], [], []],
    ['none is left', ['/subscriptions/a'], [], ['NoSubscriptionLeft']],
    ['one was granted by an earlier run', ['/subscriptions/a'], ['/subscriptions/a'], []],
  ])('%s', (_what, scopes, granted, codes) => {
    expect(codesOf(checkAnyLeft(scopes, granted, aside))).toEqual(codes);
    expect([...setAside(aside)]).toEqual(['/subscriptions/a']);
  });
});

describe('several Sentries', () => {
  const group = { include: [{ kind: 'managementGroup', id: 'mg' }], grantAt: 'managementGroup' };
  const resourceId =
    '/subscriptions/5b000000-0000-4000-8000-000000000000/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i';
  test.each([
    ['each with its own', {}, 2, []],
    ['a grant at a management group', { subscriptions: group }, 2, ['/subscriptions/grantAt']],
    ['a grant at a management group, for one', { subscriptions: group }, 1, []],
    ['one identity', { identity: { kind: 'managedIdentity', resourceId } }, 2, ['/identity/resourceId']],
  ])('%s', (_what, changes, sentries, where) => {
    const found = checkFleet({ request: requestFor(1, changes), profile }, sentries);
    expect(found.map((one) => one.where)).toEqual(where);
  });

  test.each([
    ['each with its own', {}, {}, []],
    ['one identity', { identity: { kind: 'managedIdentity', resourceId } }, {}, ['/identity/resourceId']],
    ['a grant at a management group', {}, group, ['/subscriptions/grantAt']],
  ])('to come: %s', (_what, changes, rules, where) => {
    const subscriptions = { include: [], onboardNew: true, ...rules };
    const found = checkFleet({ request: requestFor(1, { ...changes, subscriptions }), profile }, 1);
    expect(found.map((one) => one.where)).toEqual(where);
    expect(codesOf(found).every((code) => code === 'FleetCannotGrow')).toBe(true);
  });
});

describe('Graph', () => {
  const app = (...graphRoles: readonly string[]) => ({
    objectId: 'app',
    graphEndpoint: 'https://graph.microsoft.com',
    graphRoles,
    isPerson: false,
  });
  const registration = { identity: { kind: 'appRegistration', secret: { expiresInDays: 180 } } };
  const consent = ['AppRoleAssignment.ReadWrite.All', 'Application.Read.All'];
  test.each([
    ['a managed identity with all', {}, app(...consent), []],
    ['a managed identity without consent', {}, app('Application.Read.All'), ['ConsentNeeded']],
    ['an app registration with all', registration, app(...consent, 'Application.ReadWrite.OwnedBy'), []],
    ['an app registration without its own', registration, app(...consent), ['MissingGraphPermission']],
    ['an app registration with nothing', registration, app(), ['MissingGraphPermission', 'ConsentNeeded']],
    ['a person', registration, { ...app(), isPerson: true }, []],
  ])('%s', (_what, changes, identity, codes) => {
    expect(codesOf(checkGraph({ request: requestFor(1, changes), profile }, identity))).toEqual(codes);
  });

  test.each([
    ['no rules', registration, { forbidden: false }, []],
    ['long enough', registration, { forbidden: false, mostDays: 180 }, []],
    ['too long', registration, { forbidden: false, mostDays: 90 }, ['SecretLivesTooLong']],
    ['forbidden', registration, { forbidden: true }, ['SecretsForbidden']],
    ['forbidden, and none is asked for', {}, { forbidden: true }, []],
  ])('secrets: %s', (_what, changes, rules, codes) => {
    expect(codesOf(checkSecret({ request: requestFor(1, changes), profile }, rules))).toEqual(codes);
  });

  test.each([
    ['P90D', 90],
    ['P1Y', 365],
    ['P1Y6M', 545],
    ['P2W', 14],
    ['PT36H', 1],
    ['ninety days', undefined],
  ])('%s is %s days', (duration, days) => {
    expect(daysOf(duration)).toBe(days);
  });
});

test.each([
  ['open', { kind: 'open' } as const, undefined],
  ['its role', { kind: 'forbidden', reason: 'Caller is not permitted' } as const, 'Key Vault Secrets Officer'],
  ['its firewall', { kind: 'forbidden', reason: 'Client address is not authorized' } as const, 'network-rule'],
])('the vault: %s', (_what, answer, remedy) => {
  const [found] = checkVault(answer, 'app');
  if (remedy === undefined) expect(found).toBeUndefined();
  else expect(found?.remedy).toContain(remedy);
});

test('less is looked at where less is asked for', () => {
  const without = (request = requestFor(1)) => areasOf({ request, profile });
  expect(without()).not.toContain('secretRules');
  expect(without(requestFor(1, { identity: { kind: 'appRegistration' } }))).toContain('secretRules');
  const { appliance: _none, ...rolesOnly } = profile;
  expect(areasOf({ request: requestFor(1), profile: rolesOnly })).not.toContain('quota');
});

test('errors come first, and of one code no more than a hundred', () => {
  const many = Array.from({ length: 250 }, (_, at) =>
    finding('SubscriptionUnknown', `/subscriptions/${at}`, 'Unknown', ''),
  );
  const found = bounded([...many, finding('NameTaken', 'x', '', '')]);
  expect(found).toHaveLength(101);
  expect(found[0]?.code).toBe('NameTaken');
  expect(found.at(-1)?.reason).toBe('Unknown (and 150 more)');
});

test('an error is told among the problems with where it is', () => {
  expect(toRefusal(finding('NameTaken', 'x', 'taken', 'rename'))).toEqual({
    code: 'NameTaken',
    reason: 'x: taken',
    remedy: 'rename',
  });
});

test('each code has a cause and a way out', () => {
  for (const [code, { cause, wayOut }] of Object.entries(findingCodes)) {
    expect({ code, told: cause.length > 10 && wayOut.length > 10 }).toEqual({ code, told: true });
  }
});

import { describe, expect, test } from '@jest/globals';
import { allows, isLimiting, limitsAt, missingActions, type Permission } from '../../../../src/domain/preflight/rights';
import { checkScope, type Look } from '../../../../src/domain/preflight/subscriptions';

const WRITE = 'Microsoft.Authorization/roleAssignments/write';
const READER = 'acdd72a7-3385-48ef-bd42-f606fba81ae7';
const UAA = '18d7d88d-d35e-4fb5-a5c3-7773c20a72d9';
const RBAC = 'f58310d9-a9f6-439a-9e8d-f62e7b41a168';
const role = (actions: readonly string[], notActions: readonly string[] = []): Permission => ({ actions, notActions });
const contributor = role(['*'], ['Microsoft.Authorization/*/Write', 'Microsoft.Authorization/*/Delete']);
const administrator = role([WRITE, 'Microsoft.Authorization/roleAssignments/delete', '*/read']);

describe('permissions', () => {
  test.each([
    [[role(['*'])], 'Microsoft.Compute/virtualMachines/write', true],
    [[role(['*/read'])], 'Microsoft.Compute/virtualMachines/read', true],
    [[role(['*/read'])], 'Microsoft.Compute/virtualMachines/write', false],
    [[role(['Microsoft.Compute/*'])], 'microsoft.compute/virtualmachines/runCommands/write', true],
    [[contributor], WRITE, false],
    // What one role takes back another may give.
    [[contributor, administrator], WRITE, true],
    [[role(['Microsoft.Network/virtualNetworks/*'])], 'Microsoft.Network/virtualNetworksX/read', false],
    [[], 'Microsoft.Compute/virtualMachines/read', false],
  ])('%j and %s: %s', (held, action, expected) => {
    expect(allows(held, action)).toBe(expected);
    expect(missingActions(held, [action])).toEqual(expected ? [] : [action]);
  });
});

describe('conditions', () => {
  const subscription = '/subscriptions/s';
  const scopes = [subscription, '/providers/Microsoft.Management/managementGroups/landing-zones', '/'];
  const condition = (ids: string, more = ''): string =>
    `((!(ActionMatches{'${WRITE}'})) OR (@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {${ids}}${more}))`;
  const except = `(@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAllValues:GuidNotEquals {${UAA}})`;
  const type =
    " AND @Request[Microsoft.Authorization/roleAssignments:PrincipalType] StringEqualsIgnoreCase 'ServicePrincipal'";
  const principals =
    ' AND @Request[Microsoft.Authorization/roleAssignments:PrincipalId] ForAnyOfAnyValues:GuidEquals {x}';
  const own = (text: string, scope = scopes[1] ?? '') => ({ scope, roleId: RBAC, condition: text });
  const roles = [READER, UAA];

  test.each([
    ['none', [{ scope: subscription, roleId: RBAC }], undefined],
    ['both roles', [own(condition(`${READER}, ${UAA}`, type))], undefined],
    ['Reader alone', [own(condition(READER))], { conditions: 1, refused: [UAA], depends: false }],
    ['all but one', [own(except)], { conditions: 1, refused: [UAA], depends: false }],
    [
      'principals named',
      [own(condition(`${READER},${UAA}`, principals))],
      { conditions: 1, refused: [], depends: true },
    ],
    ['at another scope', [own(condition(READER), '/subscriptions/other')], undefined],
    ['two that complement each other', [own(condition(READER)), own(condition(UAA))], undefined],
    ['a role that cannot grant', [{ ...own(condition(READER)), roleId: READER }], undefined],
  ])('%s', (_what, assignments, expected) => {
    expect(limitsAt(assignments, scopes, roles)).toEqual(expected);
  });

  test('limit nothing where another role grants without one', () => {
    const limits = { conditions: 1, refused: [UAA], depends: false };
    expect(isLimiting(limits, [administrator])).toBe(true);
    expect(isLimiting(limits, [administrator, role(['*'])])).toBe(false);
  });

  const wanted = [
    { name: 'Reader', id: READER },
    { name: 'User Access Administrator', id: UAA },
  ];
  const seen = (...permissions: readonly Permission[]): Look => ({ kind: 'seen', permissions });
  test.each([
    ['nothing wrong', seen(administrator), undefined, []],
    ['no right', seen(contributor), undefined, ['SubscriptionNotGrantable']],
    ['forbidden', { kind: 'forbidden', reason: 'no' } as const, undefined, ['SubscriptionNotGrantable']],
    ['absent', { kind: 'absent' } as const, undefined, ['SubscriptionUnknown']],
    ['no way back', seen(role([WRITE, '*/read'])), undefined, ['GrantsStay']],
    [
      'another role',
      seen(administrator),
      { conditions: 1, refused: [UAA], depends: true },
      ['GrantNotAllowed', 'GrantConditional'],
    ],
  ])('a scope: %s', (_what, look, limits, codes) => {
    const found = checkScope({ scope: subscription, limits }, look, wanted, 'app');
    expect(found.map(({ code }) => code)).toEqual(codes);
  });
});

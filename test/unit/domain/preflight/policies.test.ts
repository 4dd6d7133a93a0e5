import { describe, expect, test } from '@jest/globals';
import { checkGrantPolicies } from '../../../../src/domain/preflight/grantPolicies';
import { checkPolicies, type Policies, type PolicyAssignment } from '../../../../src/domain/preflight/policies';
import { meets, resolve } from '../../../../src/domain/preflight/policyRule';
import { profile, requestFor } from '../../../support/requests';

const subject = {
  id: '/x',
  name: 'vm-1',
  type: 'Microsoft.Compute/virtualMachines',
  body: {
    location: 'westeurope',
    tags: { Owner: 'secops' },
    hardwareProfile: { vmSize: 'Standard_D4s_v3' },
    zones: ['1'],
    storageProfile: { imageReference: { publisher: 'cloudknox' }, disks: [{ lun: 0 }, { lun: 1 }] },
  },
};
const TAG = "[concat('tags[', parameters('tagName'), ']')]";
const SIZE = 'Microsoft.Compute/virtualMachines/sku.name';

describe('a rule', () => {
  test.each<[unknown, boolean | undefined]>([
    [{ field: 'location', equals: 'WestEurope' }, true],
    [{ field: 'location', notIn: ['westeurope', 'northeurope'] }, false],
    [{ field: 'type', like: 'Microsoft.Compute/*' }, true],
    [{ field: 'type', notLike: 'Microsoft.Network/*' }, true],
    [{ field: TAG, exists: 'false' }, true],
    [{ field: "tags['owner']", exists: true }, true],
    [{ field: 'tags.owner', notEquals: 'secops' }, false],
    [{ field: SIZE, in: "[parameters('sizes')]" }, true],
    [{ field: 'Microsoft.Compute/imagePublisher', equals: 'cloudknox' }, true],
    [{ field: 'Microsoft.Compute/virtualMachines/storageProfile.disks[*].lun', equals: 0 }, false],
    [{ field: 'Microsoft.Network/networkInterfaces/x', exists: 'false' }, true],
    // What we do not set, functions, and operators that are not known here.
    [{ field: 'Microsoft.Compute/virtualMachines/securityProfile.encryptionAtHost', equals: true }, undefined],
    [{ value: '[utcNow()]', equals: 'x' }, undefined],
    [{ field: 'name', match: 'vm-#' }, undefined],
    [{ field: 'name', equals: "[parameters('absent')]" }, undefined],
    [{ count: { field: 'x' }, greater: 1 }, undefined],
    [{ not: { field: 'name', equals: 'vm-1' } }, false],
    [
      {
        allOf: [
          { field: 'name', equals: 'vm-1' },
          { value: '[x()]', equals: 1 },
        ],
      },
      undefined,
    ],
    [
      {
        allOf: [
          { field: 'name', equals: 'other' },
          { value: '[x()]', equals: 1 },
        ],
      },
      false,
    ],
    [
      {
        anyOf: [
          { field: 'name', equals: 'vm-1' },
          { value: '[x()]', equals: 1 },
        ],
      },
      true,
    ],
    [
      {
        anyOf: [
          { field: 'name', equals: 'other' },
          { value: '[x()]', equals: 1 },
        ],
      },
      undefined,
    ],
    ['nonsense', undefined],
  ])('%j: %s', (rule, expected) => {
    expect(meets(rule, subject, { tagName: 'costCenter', sizes: ['standard_d4s_v3'] })).toBe(expected);
  });

  test('a parameter may be another’s', () => {
    expect(resolve("[parameters('outer')]", { outer: ['a'] })).toEqual(['a']);
    expect(resolve('[[literal', {})).toBe('[[literal');
  });
});

describe('what would be denied', () => {
  const blueprint = (changes: object = {}) => ({ request: requestFor(1, changes), profile });
  const group = '/subscriptions/5b000000-0000-4000-8000-000000000000/resourceGroups/cloudknox';
  const host = '/subscriptions/5b000000-0000-4000-8000-000000000000';
  const root = '/providers/Microsoft.Management/managementGroups/root';
  const place = { scope: group, above: [host, root] };
  const exempt = (assignmentId: string, over: object = {}) => ({
    exemptions: [{ scope: host, assignmentId, members: [], ...over }],
  });
  const assignment: PolicyAssignment = {
    id: '/assignment',
    scope: group,
    name: 'Rule',
    definitionId: '/Definition',
    parameters: {},
    enforced: true,
    notScopes: [],
    selective: false,
  };
  const definition = {
    id: '/definition',
    name: 'Policy',
    mode: 'All',
    rule: { field: 'type', equals: 'Microsoft.Compute/virtualMachines' },
    effect: 'Deny',
    defaults: {},
  };
  const policies = (over: Partial<PolicyAssignment> = {}, of: object = {}, more: Partial<Policies> = {}): Policies => ({
    assignments: [{ ...assignment, ...over }],
    definitions: [{ ...definition, ...of }],
    initiatives: [],
    exemptions: [],
    ...more,
  });
  const noAddress = {
    allOf: [
      { field: 'type', equals: 'Microsoft.Network/networkInterfaces' },
      { not: { field: 'Microsoft.Network/networkInterfaces/ipconfigurations[*].publicIpAddress.id', notLike: '*' } },
    ],
  };
  const tagless = { field: 'tags.costCenter', exists: 'false' };
  const odd = { value: '[x()]', equals: 1 };

  test.each<[string, Policies, string[]]>([
    ['a deny', policies(), ['PolicyDenies']],
    ['an audit', policies({}, { effect: 'audit' }), []],
    [
      'an effect by parameter',
      policies({ parameters: { effect: 'Deny' } }, { effect: "[parameters('effect')]" }),
      ['PolicyDenies'],
    ],
    ['an effect by default', policies({}, { effect: "[parameters('effect')]", defaults: { effect: 'Audit' } }), []],
    ['an effect that cannot be known', policies({}, { effect: '[if(true(), 1, 2)]' }), ['PolicyMayDeny']],
    ['not enforced', policies({ enforced: false }), []],
    ['our group left out', policies({ notScopes: [group.toUpperCase()] }), []],
    ['another group left out', policies({ notScopes: [`${group}-2`] }), ['PolicyDenies']],
    ['an exemption', policies({}, {}, exempt('/Assignment')), []],
    ['an exemption from another', policies({}, {}, exempt('/x')), ['PolicyDenies']],
    [
      'an exemption from a part of it',
      policies({}, {}, exempt('/assignment', { members: ['one'] })),
      ['PolicyMayDeny'],
    ],
    [
      'an exemption elsewhere',
      policies({}, {}, exempt('/assignment', { scope: '/subscriptions/x' })),
      ['PolicyDenies'],
    ],
    ['above', policies({ scope: root.toUpperCase() }), ['PolicyDenies']],
    ['elsewhere', policies({ scope: '/subscriptions/x' }), []],
    ['selectors or overrides', policies({ selective: true }), ['PolicyMayDeny']],
    ['a rule that cannot be known', policies({}, { rule: odd }), ['PolicyMayDeny']],
    ['another type', policies({}, { rule: { field: 'type', equals: 'Microsoft.Storage/storageAccounts' } }), []],
    ['a definition that was not found', policies({ definitionId: '/other' }), []],
    ['a tag that we have not', policies({}, { rule: tagless, mode: 'Indexed' }), ['PolicyDenies']],
    [
      'a tag that another policy may add',
      policies(
        {},
        {},
        {
          assignments: [assignment, { ...assignment, definitionId: '/adds' }],
          definitions: [
            { ...definition, rule: tagless },
            { ...definition, id: '/adds', effect: 'modify' },
          ],
        },
      ),
      ['PolicyMayDeny'],
    ],
    ['no public addresses', policies({}, { rule: noAddress }), ['PolicyDenies']],
    [
      'an initiative',
      policies(
        { definitionId: '/set', parameters: { outer: 'deny' } },
        { effect: "[parameters('effect')]" },
        {
          initiatives: [
            {
              id: '/SET',
              defaults: {},
              members: [{ definitionId: '/definition', parameters: { effect: "[parameters('outer')]" } }],
            },
          ],
        },
      ),
      ['PolicyDenies'],
    ],
  ])('%s', (_what, given, codes) => {
    expect(checkPolicies(blueprint(), given, place).map(({ code }) => code)).toEqual(codes);
  });

  test('a group that exists is not held against what is wanted of new ones', () => {
    const type = { field: 'type', equals: 'Microsoft.Resources/subscriptions/resourceGroups' };
    const given = policies({}, { rule: { allOf: [type, tagless] } });
    expect(checkPolicies(blueprint(), given, place).map(({ code }) => code)).toEqual(['PolicyDenies']);
    expect(checkPolicies(blueprint(), given, place, true)).toEqual([]);
  });

  test('no public address is made where access is private', () => {
    const access = { ...requestFor(1).access, kind: 'private' };
    expect(checkPolicies(blueprint({ access }), policies({}, { rule: noAddress }), place)).toEqual([]);
  });

  describe('a second identity', () => {
    const isMachine = { field: 'type', equals: 'Microsoft.Compute/virtualMachines' };
    const typed = (test: object) => ({ allOf: [isMachine, { field: 'identity.type', ...test }] });
    const system = { details: { operations: [{ operation: 'addOrReplace', field: 'identity.type', value: '[x()]' }] } };
    const template = { resources: [{ identity: { type: 'UserAssigned', userAssignedIdentities: {} } }] };
    const adds = (rule: object, effect: string, then: object) => policies({}, { rule, effect, then });
    const find = (given: Policies, changes: object = {}): string[] =>
      checkPolicies(blueprint(changes), given, place).map(({ code }) => code);

    test.each<[string, Policies, string[]]>([
      ['beside a user-assigned one', adds(typed({ contains: 'UserAssigned' }), 'modify', system), ['SecondIdentity']],
      ['where there is none', adds(typed({ exists: 'false' }), 'modify', system), []],
      [
        'of a template',
        adds(isMachine, 'deployIfNotExists', { details: { deployment: { properties: { template } } } }),
        ['SecondIdentity'],
      ],
      ['perhaps', adds({ allOf: [isMachine, odd] }, 'modify', system), ['SecondIdentity']],
      ['audited alone', adds(isMachine, 'auditIfNotExists', template), []],
      ['of another type', adds({ field: 'type', equals: 'Microsoft.Web/sites' }, 'modify', system), []],
      ['no identity but a tag', adds(isMachine, 'modify', { details: { operations: [{ field: 'tags.a' }] } }), []],
    ])('%s', (_what, given, codes) => {
      expect(find(given)).toEqual(codes);
    });

    test('does no harm where the Sentry signs in with a client secret', () => {
      const given = adds(isMachine, 'modify', system);
      expect(find(given, { identity: { kind: 'appRegistration' } })).toEqual([]);
    });
  });

  describe('of a grant', () => {
    const id = '5b000000-0000-4000-8000-000000000001';
    const watched = { scope: `/subscriptions/${id}`, above: [root] };
    const isGrant = { field: 'type', equals: 'Microsoft.Authorization/roleAssignments' };
    const field = (name: string) => `Microsoft.Authorization/roleAssignments/${name}`;
    const reader = 'acdd72a7-3385-48ef-bd42-f606fba81ae7';
    const find = (rule: object, over: Partial<PolicyAssignment> = {}, of: object = {}) =>
      checkGrantPolicies(blueprint(), [watched], policies({ scope: root, ...over }, { rule, ...of }));

    test.each<[string, object, string[]]>([
      ['every one', isGrant, ['GrantDenied']],
      ['by its role', { allOf: [isGrant, { field: field('roleDefinitionId'), contains: reader }] }, ['GrantDenied']],
      ['of another role', { allOf: [isGrant, { field: field('roleDefinitionId'), contains: 'owner' }] }, []],
      ['by its kind', { allOf: [isGrant, { field: field('principalType'), notEquals: 'Group' }] }, ['GrantDenied']],
      ['of people', { allOf: [isGrant, { field: field('principalType'), equals: 'User' }] }, []],
      ['by its principal', { allOf: [isGrant, { field: field('principalId'), notIn: ['x'] }] }, ['GrantMayBeDenied']],
      ['that cannot be known', { allOf: [isGrant, odd] }, ['GrantMayBeDenied']],
      ['that is none', { field: 'type', equals: 'Microsoft.Compute/virtualMachines' }, []],
    ])('%s', (_what, rule, codes) => {
      expect(find(rule).map(({ code }) => code)).toEqual(codes);
    });

    test('is told at the subscription, unless it is assigned elsewhere or looks at indexed types alone', () => {
      expect(find(isGrant)).toMatchObject([{ severity: 'warning', where: watched.scope }]);
      expect(find(isGrant, { scope: host })).toEqual([]);
      expect(find(isGrant, {}, { mode: 'Indexed' })).toEqual([]);
    });
  });
});

/** What a plan says that is needed: of each choice what it takes, at the real scope, and never less than preflight asks for. */
import { describe, expect, test } from '@jest/globals';
import { sentryResources } from '../../../../src/domain/blueprint/sentry';
import { sharedResources } from '../../../../src/domain/blueprint/shared';
import { hostNeeds, hostUses } from '../../../../src/domain/permissions/host';
import { kindRights } from '../../../../src/domain/permissions/kinds';
import { permissionsOf } from '../../../../src/domain/permissions/planned';
import type { State } from '../../../../src/domain/graph';
import { type Plan, planPart } from '../../../../src/domain/plan/plan';
import { kinds } from '../../../../src/domain/resources';
import { agentless, profile, request, requestFor, subscriptionId, subscriptionIds } from '../../../support/requests';

const created: State = { state: 'done', change: 'created', ours: true, outputs: {} };
const kept: State = { state: 'done', change: 'kept', ours: true, outputs: {} };
type Blueprint = Parameters<typeof hostUses>[0];

const host = `/subscriptions/${subscriptionId(0)}`;
const group = `${host}/resourceGroups/cloudknox`;
const id = (type: string, name: string): string => `${host}/resourceGroups/elsewhere/providers/${type}/${name}`;

/** As if everything were in one state, the group apart. */
function planned(blueprint: Blueprint, state: State, groupState = kept): Plan {
  const shared = sharedResources(blueprint);
  const own = sentryResources(blueprint, 1, subscriptionIds(2));
  const seen = Object.fromEntries([...shared, ...own].map(({ key }) => [key, state]));
  seen['resourceGroup'] = groupState;
  const visit = state === created && blueprint.profile.appliance !== undefined;
  return {
    shared: planPart(shared, seen),
    sentries: [{ ...planPart(own, seen), n: 1, subscriptions: 2, visit }],
    findings: [],
  };
}
const withChanges = (changes: object): Blueprint => ({ request: requestFor(2, changes), profile });
const scopesOf = (blueprint: Blueprint, permission: string, state = created): readonly string[] =>
  permissionsOf(blueprint, planned(blueprint, state))
    .filter((one) => one.permission === permission)
    .map(({ scope }) => scope);

const subnetId = id('Microsoft.Network', 'virtualNetworks/v/subnets/s');
const resourceId = id('Microsoft.ManagedIdentity', 'userAssignedIdentities/i');
const imageId = id('Microsoft.Compute', 'images/i');
const version = id('Microsoft.Compute', 'galleries/g/images/i/versions/1.0.0');
const account = id('Microsoft.Storage', 'storageAccounts/a');
const set = id('Microsoft.Compute', 'diskEncryptionSets/d');
const vhd = { kind: 'vhd', uri: 'https://example.com/sentry.vhd', storageAccountId: account, container: 'vhds' };
const { vm } = requestFor(1);

describe('each choice', () => {
  test.each([
    ['a window opens', {}, 'Microsoft.Network/networkSecurityGroups/securityRules/write', [group]],
    ['… and closes', {}, 'Microsoft.Network/networkSecurityGroups/securityRules/delete', [group]],
    ['… with an address', {}, 'Microsoft.Network/publicIPAddresses/delete', [group]],
    ['… and none of it by run command', { configuration: { kind: 'runCommand' }, network: { kind: 'existing', subnetId } }, 'Microsoft.Network/publicIPAddresses/write', []], // prettier-ignore
    ['neighbours are kept out all the same', { configuration: { kind: 'runCommand' } }, 'Microsoft.Network/networkSecurityGroups/securityRules/write', [group]], // prettier-ignore
    ['run command', { configuration: { kind: 'runCommand' } }, 'Microsoft.Compute/virtualMachines/runCommands/write', [group]], // prettier-ignore
    ['its agent', { configuration: { kind: 'runCommand' } }, 'Microsoft.Compute/virtualMachines/instanceView/read', [group]], // prettier-ignore
    ['by hand', { configuration: { kind: 'manual' } }, 'Microsoft.Insights/metrics/read', [group]],
    ['a network of our own', {}, 'Microsoft.Network/virtualNetworks/subnets/join/action', [group]],
    ['a subnet of yours', { network: { kind: 'existing', subnetId } }, 'Microsoft.Network/virtualNetworks/subnets/join/action', [subnetId]], // prettier-ignore
    ['an identity of our own', {}, 'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action', [group]],
    ['an identity of yours', { identity: { kind: 'managedIdentity', resourceId } }, 'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action', [resourceId]], // prettier-ignore
    ['an app registration', { identity: { kind: 'appRegistration' } }, 'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action', []], // prettier-ignore
    ['an image of yours', { image: { kind: 'image', id: imageId } }, 'Microsoft.Compute/images/read', [imageId]],
    ['a gallery’s', { image: { kind: 'image', id: version } }, 'Microsoft.Compute/galleries/images/versions/read', [version]], // prettier-ignore
    ['a VHD', { image: vhd }, 'Microsoft.Storage/storageAccounts/listKeys/action', [account]],
    ['its image', { image: vhd }, 'Microsoft.Compute/images/write', [group]],
    ['the marketplace', {}, 'Microsoft.MarketplaceOrdering/offertypes/publishers/offers/plans/agreements/write', [host]], // prettier-ignore
    ['a key of yours', { vm: { ...vm, osDisk: { diskEncryptionSetId: set } } }, 'Microsoft.Compute/diskEncryptionSets/read', [set]], // prettier-ignore
    ['grants', {}, 'Microsoft.Authorization/roleAssignments/write', ['each watched subscription']],
    [
      'one grant for a management group',
      { subscriptions: { include: [{ kind: 'managementGroup', id: 'all' }], grantAt: 'managementGroup' } },
      'Microsoft.Authorization/roleAssignments/write',
      ['/providers/Microsoft.Management/managementGroups/all'],
    ],
    ['providers', {}, 'Microsoft.Compute/register/action', [host]],
  ])('%s', (_what, changes, permission, scopes) => {
    expect(scopesOf(withChanges(changes), permission)).toEqual(scopes);
  });

  test('an existing identity’s federated credential is written where the identity is', () => {
    const federatedCredential = { issuer: 'https://issuer.example', subject: 'x' };
    const without = { profile: 'agentless-reader', vm: undefined, image: undefined, network: undefined, access: undefined }; // prettier-ignore
    const identity = { kind: 'managedIdentity', resourceId, federatedCredential };
    const blueprint = { request: request({ ...without, identity }), profile: agentless };
    const write = 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write';
    expect(scopesOf(blueprint, write)).toEqual([resourceId]);
  });

  test('in a group that is still to be made, everything is asked of its subscription', () => {
    const blueprint = withChanges({});
    const all = permissionsOf(blueprint, planned(blueprint, created, created));
    expect(all.filter(({ scope }) => scope === group)).toEqual([]);
    expect(all).toContainEqual(
      expect.objectContaining({ permission: 'Microsoft.Resources/subscriptions/resourceGroups/write', scope: host }),
    );
  });
});

describe('why', () => {
  const whyOf = (blueprint: Blueprint, permission: string): string =>
    permissionsOf(blueprint, planned(blueprint, created))
      .filter((one) => one.permission === permission)
      .flatMap((one) => one.why)
      .join('\n');

  test('a role is the profile’s own; the guide is named only where it is about that', () => {
    const write = 'Microsoft.Authorization/roleAssignments/write';
    const guided = whyOf(withChanges({ controller: { enabled: true } }), write);
    expect(guided).toContain(`Guide, "Granting the 'Reader' role", step 3: the role 'Reader'`);
    expect(guided).toContain(`for the controller: the role 'User Access Administrator'`);
    const changes = { profile: 'agentless-reader', vm: undefined, image: undefined, network: undefined, access: undefined }; // prettier-ignore
    const without = { request: request(changes), profile: agentless };
    expect(whyOf(without, write)).toContain(
      "The role 'Security Reader', which the profile 'agentless-reader' gives each Sentry (roles.always)",
    );
    const all = permissionsOf(without, planned(without, created)).flatMap(({ why }) => why);
    expect(all.filter((text) => /guide/i.test(text))).toEqual([]);
  });

  test('each kind has one, and permissions in the shape of Azure’s', () => {
    expect(Object.keys(kindRights).sort()).toEqual(Object.keys(kinds).sort());
    for (const { read, write, remove, why } of Object.values(kindRights)) {
      for (const permission of [...read, ...write, ...remove])
        expect(permission).toMatch(/^Microsoft\.[A-Za-z]+\/[A-Za-z/]+\/[A-Za-z]+$|^[A-Za-z]+\.[A-Za-z]+\.[A-Za-z]+$/);
      expect(why.length).toBeGreaterThan(10);
    }
  });
});

describe('plan and preflight cannot part', () => {
  const choices: readonly (readonly [string, object])[] = [
    ['the sample', {}],
    ['run command', { configuration: { kind: 'runCommand' } }],
    ['by hand', { configuration: { kind: 'manual' } }],
    ['privately', { access: { ...requestFor(1).access, kind: 'private' } }],
    ['a VHD', { image: vhd }],
    ['what is there', { network: { kind: 'existing', subnetId }, image: { kind: 'image', id: version }, identity: { kind: 'managedIdentity', resourceId } }], // prettier-ignore
    ['an app registration', { identity: { kind: 'appRegistration' } }],
  ];
  test.each(choices)('%s: what preflight asks for is in the plan, at the same scope', (_what, changes) => {
    const blueprint = withChanges(changes);
    for (const [state, groupExists, standing] of [
      [created, true, false],
      [created, false, false],
      [kept, true, true],
    ] as const) {
      const all = permissionsOf(blueprint, planned(blueprint, state, groupExists ? kept : created));
      const named = new Set(all.map(({ permission, scope }) => `${permission} ${scope}`));
      const needed = hostNeeds(blueprint, groupExists, standing).flatMap(({ scope, actions, oneOf = [] }) =>
        [...actions, ...oneOf].map((action) => `${action} ${scope}`),
      );
      expect(needed.length).toBeGreaterThan(5);
      expect(needed.filter((one) => !named.has(one))).toEqual([]);
    }
  });

  test.each(choices)(
    '%s: nothing that the host takes falls between the scopes that preflight asks at',
    (_what, changes) => {
      const blueprint = withChanges(changes);
      const asked = new Set(hostNeeds(blueprint, true).map(({ scope }) => scope));
      expect(hostUses(blueprint, true).filter(({ scope }) => !asked.has(scope))).toEqual([]);
    },
  );
});

import { describe, expect, test } from '@jest/globals';
import {
  checkOffer,
  checkProviders,
  checkQuota,
  checkSize,
  namespacesOf,
  type Size,
} from '../../../../src/domain/preflight/capacity';
import { checkLocks, checkNames, demandOf } from '../../../../src/domain/preflight/existing';
import { hostNeeds } from '../../../../src/domain/permissions/host';
import { checkHostScope, checkNeeds, checkTerms } from '../../../../src/domain/preflight/permissions';
import { agentless, profile, request, requestFor } from '../../../support/requests';

const codesOf = (found: readonly { readonly code: string }[]): string[] => found.map(({ code }) => code);
const blueprint = (changes: object = {}) => ({ request: requestFor(1, changes), profile });
const withoutAppliance = {
  profile: 'agentless-reader',
  vm: undefined,
  image: undefined,
  network: undefined,
  access: undefined,
};
const vm = (over: object) => ({ vm: { ...requestFor(1).vm, ...over } });
const host = '/subscriptions/5b000000-0000-4000-8000-000000000000';
const group = `${host}/resourceGroups/cloudknox`;
const id = (type: string, name: string): string => `${group}/providers/${type}/${name}`;
const everything = [{ actions: ['*'], notActions: [] }];

describe('permissions', () => {
  const scopes = (changes: object, exists = true): string[] =>
    hostNeeds(blueprint(changes), exists).map(({ scope }) => scope);
  const subnetId = id('Microsoft.Network', 'virtualNetworks/v/subnets/s');
  const resourceId = id('Microsoft.ManagedIdentity', 'userAssignedIdentities/i');

  test('each thing that the request only uses is a scope of its own', () => {
    expect(scopes({})).toEqual([group, host]);
    expect(scopes({}, false)).toEqual([host, host]);
    const changes = { network: { kind: 'existing', subnetId }, identity: { kind: 'managedIdentity', resourceId } };
    expect(scopes(changes)).toEqual([group, host, subnetId, resourceId]);
  });

  test('a federated credential is written where its identity is', () => {
    const federatedCredential = { issuer: 'https://issuer.example', subject: 'x' };
    const of = (identity: object) =>
      hostNeeds({ request: request({ ...withoutAppliance, identity }), profile: agentless }, true).filter(
        ({ actions }) => actions.join().includes('federatedIdentityCredentials/write'),
      );
    const own = of({ kind: 'managedIdentity', federatedCredential });
    expect(own).toMatchObject([{ scope: group, role: 'Contributor' }]);
    const existing = of({ kind: 'managedIdentity', resourceId, federatedCredential });
    expect(existing).toMatchObject([{ scope: resourceId, role: 'Managed Identity Contributor' }]);
    expect(of({ kind: 'appRegistration', federatedCredential })).toEqual([]);
  });

  test('where everything stands, the right to read is enough', () => {
    const actions = hostNeeds(blueprint(), true, true).flatMap((one) => one.actions);
    expect(actions.length).toBeGreaterThan(5);
    expect(actions.filter((action) => !action.endsWith('/read'))).toEqual([]);
  });

  test('where everything stands, an image that is gone since stops no run', () => {
    const image = { kind: 'image', id: id('Microsoft.Compute', 'galleries/g/images/i/versions/1.0.0') };
    const changes = { image, network: { kind: 'existing', subnetId } };
    expect(scopes(changes)).toEqual([group, host, subnetId, image.id]);
    expect(hostNeeds(blueprint(changes), true, true).map(({ scope }) => scope)).toEqual([group, host]);
  });

  test('what is asked for is what the request needs', () => {
    const actions = (changes: object): readonly string[] => hostNeeds(blueprint(changes), true)[0]?.actions ?? [];
    expect(actions({})).toContain('Microsoft.Network/natGateways/write');
    expect(actions({ network: { kind: 'existing', subnetId } })).not.toContain('Microsoft.Network/natGateways/write');
    expect(actions({ configuration: { kind: 'runCommand' } })).toContain(
      'Microsoft.Compute/virtualMachines/runCommands/write',
    );
    expect(actions({ identity: { kind: 'appRegistration' } }).join()).not.toContain('ManagedIdentity');
  });

  test('a VHD is copied by the account’s key or by a SAS of our own', () => {
    const storageAccountId = id('Microsoft.Storage', 'storageAccounts/vhds');
    const image = { kind: 'vhd', uri: 'https://example.com/sentry.vhd', storageAccountId, container: 'vhds' };
    const needs = hostNeeds(blueprint({ image }), true).find(({ scope }) => scope === storageAccountId);
    const account = 'Microsoft.Storage/storageAccounts';
    const held = (...actions: readonly string[]) => [{ actions: [`${account}/read`, ...actions], notActions: [] }];
    const find = (permissions: ReturnType<typeof held>) =>
      needs ? codesOf(checkNeeds(needs, permissions, 'app')) : [];
    expect(find(held(`${account}/listKeys/action`))).toEqual([]);
    expect(find(held(`${account}/blobServices/generateUserDelegationKey/action`))).toEqual([]);
    expect(find(held())).toEqual(['MissingPermission']);
  });

  test.each([
    ['all', everything, []],
    ['none', [], ['MissingPermission']],
    ['no such thing', undefined, ['NoSuchResource']],
  ])('%s', (_what, held, codes) => {
    const needs = { scope: group, actions: ['Microsoft.Compute/virtualMachines/write'], role: 'Contributor' };
    expect(codesOf(checkNeeds(needs, held, 'app'))).toEqual(codes);
  });

  test.each([
    ['accepted already', { accepted: true }, [], []],
    ['may be accepted', { accepted: false }, everything, []],
    ['may not be accepted', { accepted: false }, [], ['MissingPermission']],
    ['none to accept', undefined, [], []],
  ])('terms: %s', (_what, terms, held, codes) => {
    expect(codesOf(checkTerms(blueprint(), terms, held, 'app'))).toEqual(codes);
  });

  test('a host that is not there', () => {
    expect(codesOf(checkHostScope(blueprint()))).toEqual(['HostSubscriptionUnknown']);
  });
});

describe('providers', () => {
  const registered = Object.fromEntries(namespacesOf(blueprint()).map((name) => [name, 'Registered']));
  test.each([
    ['all registered', registered, [], []],
    ['one on its way', { ...registered, 'Microsoft.Network': 'Registering' }, [], []],
    ['one not, and we may not', { ...registered, 'Microsoft.Network': 'NotRegistered' }, [], ['ProviderNotRegistered']],
    ['one not, and we may', { ...registered, 'Microsoft.Network': 'Unregistered' }, everything, []],
    [
      'in another case',
      {
        'microsoft.network': 'Registered',
        'microsoft.compute': 'Registered',
        'microsoft.managedidentity': 'Registered',
      },
      [],
      [],
    ],
  ])('%s', (_what, states, held, codes) => {
    expect(codesOf(checkProviders(blueprint(), states, held))).toEqual(codes);
  });

  test('are those of what is made', () => {
    expect([...namespacesOf(blueprint())].sort()).toEqual([
      'Microsoft.Compute',
      'Microsoft.ManagedIdentity',
      'Microsoft.Network',
    ]);
  });
});

describe('quota and size', () => {
  const size: Size = {
    family: 'standardDSv3Family',
    cores: 4,
    zones: ['1', '2'],
    restrictedZones: ['2'],
    restricted: false,
    capabilities: { EncryptionAtHostSupported: 'False', HyperVGenerations: 'V1,V2' },
  };
  const demand = { machines: 2, interfaces: 2, addresses: 3 };
  test.each([
    ['room', 'cores', 10, 20, []],
    ['just room', 'standarddsv3family', 12, 20, []],
    ['no cores of the family', 'standardDSv3Family', 13, 20, ['QuotaExceeded']],
    ['no cores at all', 'cores', 19, 20, ['QuotaExceeded']],
    ['no machines', 'virtualMachines', 20, 20, ['QuotaExceeded']],
    ['no addresses', 'PublicIPAddresses', 18, 20, ['QuotaExceeded']],
    ['another family', 'standardBSFamily', 20, 20, []],
  ])('%s', (_what, name, used, limit, codes) => {
    expect(codesOf(checkQuota(blueprint(), [{ name, used, limit }], size, demand))).toEqual(codes);
  });

  test.each<[string, Size | undefined, string, number, string[]]>([
    ['a smaller one of the family gives back its own', { ...size, cores: 2 }, size.family, 18, []],
    ['and no more than that', { ...size, cores: 2 }, size.family, 19, ['QuotaExceeded']],
    ['one of another family gives back none of this', { ...size, family: 'other' }, size.family, 17, ['QuotaExceeded']],
    ['and all of the region', { ...size, family: 'other' }, 'cores', 20, []],
    ['one that is larger asks for nothing', { ...size, cores: 8 }, 'cores', 20, []],
    ['one that is not known gives back nothing', undefined, 'cores', 17, ['QuotaExceeded']],
  ])('resized: %s', (_what, former, name, used, codes) => {
    const resized = { machines: 0, interfaces: 0, addresses: 0, resized: [former] };
    expect(codesOf(checkQuota(blueprint(), [{ name, used, limit: 20 }], size, resized))).toEqual(codes);
  });

  const zone = (one: string) => ({ placement: { ...requestFor(1).placement, zone: one } });
  test.each([
    ['as it is', {}, size, []],
    ['absent', {}, undefined, ['/vm/size']],
    ['restricted', {}, { ...size, restricted: true }, ['/vm/size']],
    ['in its zone', zone('1'), size, []],
    ['in a restricted zone', zone('2'), size, ['/placement/zone']],
    ['in a zone that has it not', zone('3'), size, ['/placement/zone']],
    ['encryption that it has not', vm({ encryptionAtHost: true }), size, ['/vm/encryptionAtHost']],
    ['Trusted Launch', vm({ securityType: 'TrustedLaunch' }), size, []],
    [
      'Trusted Launch on generation 1',
      vm({ securityType: 'TrustedLaunch' }),
      { ...size, capabilities: { HyperVGenerations: 'V1' } },
      ['/vm/securityType'],
    ],
  ])('a size: %s', (_what, changes, one, where) => {
    expect(checkSize(blueprint(changes), one).map((found) => found.where)).toEqual(where);
  });

  test('the offer', () => {
    expect(checkOffer(blueprint(), { accepted: false })).toEqual([]);
    expect(codesOf(checkOffer(blueprint(), undefined))).toEqual(['OfferNotFound']);
  });
});

describe('what is there', () => {
  const nsg = id('Microsoft.Network/networkSecurityGroups', 'CLOUDKNOX-NSG');
  test.each([
    ['nothing', [], []],
    ['ours', [{ id: nsg, tags: { 'sentry-deployment': 'prod-sentry' } }], []],
    ['nobody’s', [{ id: nsg, tags: {} }], ['NameTaken']],
    ['another deployment’s', [{ id: nsg, tags: { 'sentry-deployment': 'other' } }], ['NameTaken']],
    [
      'the window’s address',
      [{ id: id('Microsoft.Network/publicIPAddresses', 'prod-sentry-1-window'), tags: {} }],
      ['NameTaken'],
    ],
    ['of another name', [{ id: `${nsg}-9`, tags: {} }], []],
  ])('names: %s', (_what, existing, codes) => {
    expect(codesOf(checkNames(blueprint(), 1, existing))).toEqual(codes);
  });

  test('what there is already needs no more quota', () => {
    expect(demandOf(blueprint(), 2, [])).toEqual({ machines: 2, interfaces: 2, addresses: 3 });
    const machine = id('Microsoft.Compute/virtualMachines', 'cloudknox-sentry');
    expect(demandOf(blueprint(), 2, [{ id: machine, tags: {} }])).toMatchObject({ machines: 1 });
  });

  test.each([
    ['a delete lock', 'CanNotDelete', {}, 'LockForbidsDeletion'],
    [
      'a delete lock where no port is opened',
      'CanNotDelete',
      { configuration: { kind: 'runCommand' } },
      'LockForbidsTeardown',
    ],
    ['a read-only lock', 'ReadOnly', {}, 'LockForbidsWrites'],
  ])('%s', (_what, level, changes, code) => {
    expect(checkLocks(blueprint(changes), [])).toEqual([]);
    expect(codesOf(checkLocks(blueprint(changes), [{ id: 'lock', level }]))).toEqual([code]);
    expect(codesOf(checkLocks(blueprint(changes), [{ id: 'lock', level }], true))).toEqual(['LockForbidsTeardown']);
  });
});

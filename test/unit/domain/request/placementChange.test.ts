import { expect, test } from '@jest/globals';
import { placementFaults } from '../../../../src/domain/request/placementChange';
import type { DeploymentState, ResourceState, SentryState } from '../../../../src/domain/states';
import { profile, request } from '../../../support/requests';

const before = request();
const { placement } = before;
const group = `/subscriptions/${placement.subscriptionId}/resourceGroups/${placement.resourceGroup}`;
const made = (key: string, more: Partial<ResourceState> = {}): Record<string, ResourceState> => ({
  [key]: { kind: key, id: `${group}/providers/x/${key}`, state: 'done', ours: true, ...more },
});
const deployment = (resources: Record<string, ResourceState>): DeploymentState => ({
  request: before,
  onboarded: [],
  pending: [],
  placement: [],
  resources,
  startedAt: '',
});
const sentry = (resources: Record<string, ResourceState>): SentryState => ({
  n: 1,
  instanceId: 'x',
  stage: 'completed',
  resources,
  subscriptions: {},
  receipts: [],
});
const pointers = (changes: object, shared: Record<string, ResourceState>, own: Record<string, ResourceState> = {}) =>
  placementFaults(deployment(shared), [sentry(own)], request(changes), profile).map(({ pointer }) => pointer);

const fleet = { ...made('networkInterface'), ...made('virtualMachine') };
const network = { kind: 'managed', addressPrefix: '10.123.0.0/24' };
const elsewhere = { placement: { ...placement, resourceGroup: 'another' } };

test.each<readonly [string, object, readonly string[]]>([
  ['the same', {}, []],
  [
    'the group in other letters',
    { placement: { ...placement, resourceGroup: placement.resourceGroup.toUpperCase() } },
    [],
  ],
  ['another group', elsewhere, ['/placement/resourceGroup']],
  [
    'another subscription',
    { placement: { ...placement, subscriptionId: profile.graphPermissions[0]?.id } },
    ['/placement/subscriptionId'],
  ],
  ['another region', { placement: { ...placement, location: 'northeurope1' } }, ['/placement/location']],
  ['another range', { network }, ['/network/addressPrefix']],
  ['another name of the VM', { names: { virtualMachine: 'other' } }, ['/names/virtualMachine']],
  ['the name that it has', { names: { virtualMachine: profile.names.virtualMachine } }, []],
  ['a name of what is not there', { names: { natGateway: 'other' } }, []],
])('a second fleet beside the first is refused: %s', (_what, changes, expected) => {
  expect(pointers(changes, made('resourceGroup'), fleet)).toEqual(expected);
});

test('another subnet of somebody else is another place, once an interface is in the first', () => {
  const subnets = `${group}/providers/Microsoft.Network/virtualNetworks/hub/subnets`;
  const inSubnet = (name: string) => ({ network: { kind: 'existing', subnetId: `${subnets}/${name}` } });
  const pointersTo = (name: string, own: Record<string, ResourceState>) =>
    placementFaults(
      { ...deployment({}), request: request(inSubnet('sentries')) },
      [sentry(own)],
      request(inSubnet(name)),
      profile,
    ).map(({ pointer }) => pointer);
  expect(pointersTo('others', fleet)).toEqual(['/network/subnetId']);
  expect(pointersTo('SENTRIES', fleet)).toEqual([]);
  expect(pointersTo('others', made('networkSecurityGroup'))).toEqual([]);
});

test('what was refused, or is another’s, binds nobody', () => {
  expect(pointers(elsewhere, made('resourceGroup', { ours: false }))).toEqual([]);
  expect(pointers(elsewhere, made('resourceGroup', { state: 'refused' }))).toEqual([]);
  expect(pointers({ network }, made('resourceGroup'))).toEqual([]);
  expect(pointers(elsewhere, {}, made('networkSecurityGroup', { state: 'running' }))).toEqual([
    '/placement/resourceGroup',
  ]);
});

test('bug: each Sentry’s names count, not the first one’s alone', () => {
  const kinds = ['userAssignedIdentity', 'virtualMachine', 'networkInterface'];
  const own = Object.assign({}, ...kinds.map((kind) => made(kind))) as Record<string, ResourceState>;
  const named = (virtualMachine: string) => request({ names: { virtualMachine, userAssignedIdentity: 'id' } });
  const faultsOf = (count: number) =>
    placementFaults(
      { ...deployment(made('resourceGroup')), request: named('vm-1') },
      Array.from({ length: count }, (_, index) => ({ ...sentry(own), n: index + 1 })),
      named('vm-{n}'),
      profile,
    );
  // The first is called the same, and a second one is not there yet.
  expect(faultsOf(1)).toEqual([]);
  expect(faultsOf(2)).toEqual([{ pointer: '/names/virtualMachine', detail: "named 'vm-1-2' when it was made" }]);
});

test('bug: a VHD that was copied stays in its account and container, and a VM with its kind of image', () => {
  const accountIn = (name: string) => `${group}/providers/Microsoft.Storage/storageAccounts/${name}`;
  const image = {
    kind: 'vhd',
    uri: 'https://example.com/a.vhd',
    storageAccountId: accountIn('vhds'),
    container: 'vhds',
  };
  const pointersTo = (
    changes: object,
    shared: Record<string, ResourceState>,
    own: Record<string, ResourceState> = {},
  ) =>
    placementFaults(
      { ...deployment(shared), request: request({ image }) },
      [sentry(own)],
      request({ image, ...changes }),
      profile,
    ).map(({ pointer }) => pointer);
  const copied = made('vhdCopy');
  expect(pointersTo({ image: { ...image, container: 'others' } }, copied)).toEqual(['/image/container']);
  expect(pointersTo({ image: { ...image, storageAccountId: accountIn('other') } }, made('image'))).toEqual([
    '/image/storageAccountId',
  ]);
  expect(pointersTo({ image: { ...image, storageAccountId: accountIn('VHDS') } }, copied)).toEqual([]);
  expect(pointersTo({ names: { image: 'other' } }, copied)).toEqual(['/names/image']);
  expect(pointersTo({ image: undefined }, copied)).toEqual(['/image/kind']);
  expect(pointersTo({ image: { ...image, container: 'others' } }, made('vhdCopy', { state: 'refused' }))).toEqual([]);
  expect(pointersTo({ image: undefined }, {}, fleet)).toEqual(['/image/kind']);
  expect(pointers({ image: { kind: 'marketplace' } }, {}, fleet)).toEqual([]);
});

test('bug: what Azure lets nobody change of a VM that stands was accepted, and stopped its Sentry', () => {
  const disk = (name: string) => ({ diskEncryptionSetId: `${group}/providers/Microsoft.Compute/diskEncryptionSets/${name}` }); // prettier-ignore
  const [key] = before.vm?.sshPublicKeys ?? [];
  const image = (id: string) => ({ kind: 'image', id: `${group}/providers/Microsoft.Compute/images/${id}` });
  const stood = { vm: { ...before.vm, securityType: 'Standard', encryptionAtHost: true, osDisk: disk('a') }, image: image('a') }; // prettier-ignore
  const pointersTo = (after: object, from: object = stood, own = fleet) =>
    placementFaults(
      { ...deployment({}), request: request(from) },
      [sentry(own)],
      request({ ...from, ...after }),
      profile,
    ).map(({ pointer }) => pointer);
  const vm = (changes: object) => ({ vm: { ...stood.vm, ...changes } });
  const another = `${key?.split(' ')[0]} AAAAC3NzaC1lZDI1NTE5AAAAIBZkYW5vdGhlcmtleWFub3RoZXJrZXlhbm90aGVyMTIz other`;
  for (const [changes, pointer] of [
    [vm({ sshPublicKeys: [another] }), '/vm/sshPublicKeys'],
    [vm({ adminUsername: 'other' }), '/vm/adminUsername'],
    [vm({ securityType: 'TrustedLaunch' }), '/vm/securityType'],
    [vm({ encryptionAtHost: undefined }), '/vm/encryptionAtHost'],
    [vm({ osDisk: disk('b') }), '/vm/osDisk/diskEncryptionSetId'],
    [{ image: image('b') }, '/image/id'],
    [{ placement: { ...placement, zone: '2' } }, '/placement/zone'],
  ] as const) {
    expect(pointersTo(changes)).toEqual([pointer]);
    // Where Azure refused it, or there is none yet, whatever is asked now can be made.
    expect(pointersTo(changes, stood, { ...fleet, ...made('virtualMachine', { state: 'refused' }) })).toEqual([]);
  }
  // The profile's own name, other letters, another size: the same machine.
  const same = vm({ adminUsername: profile.appliance?.vm.adminUsername, osDisk: disk('A'), size: 'Standard_D8s_v3' });
  expect(pointersTo({ ...same, image: image('A') })).toEqual([]);
  // What Azure chose where nothing was asked may be just that.
  expect(pointersTo({ vm: { ...before.vm, securityType: 'Standard' } }, {})).toEqual([]);
  const vhd = { kind: 'vhd', uri: 'https://example.com/a.vhd', storageAccountId: `${group}/providers/Microsoft.Storage/storageAccounts/vhds`, container: 'vhds' }; // prettier-ignore
  const uri = { image: { ...vhd, uri: 'https://example.com/A.vhd' } };
  expect(pointersTo(uri, { image: vhd }, made('vhdCopy'))).toEqual(['/image/uri']);
});

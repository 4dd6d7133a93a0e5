import { expect, test } from '@jest/globals';
import { parseRequest } from '../../../../src/domain/request/parseRequest';
import { profile, requestBody, subscriptionIds, tenantId } from '../../../support/requests';

const { appliance, ...bare } = profile;
const image = appliance && { ...appliance.image, agent: false };
const profiles = {
  'cloudknox-sentry': profile,
  agentless: { ...bare, id: 'agentless' },
  noAgent: { ...bare, id: 'noAgent', ...(appliance && image ? { appliance: { ...appliance, image } } : {}) },
  atTerminal: {
    ...bare,
    id: 'atTerminal',
    ...(appliance ? { appliance: { ...appliance, script: { ...appliance.script, unattended: undefined } } } : {}),
  },
  second: {
    ...bare,
    id: 'second',
    ...(appliance && image
      ? { appliance: { ...appliance, image: { ...image, hyperVGeneration: 'V2' as const } } }
      : {}),
  },
  readOnly: { ...profile, id: 'readOnly', roles: { ...profile.roles, controller: [] } },
};
const ofVm = (more: object) => ({ vm: { ...(requestBody()['vm'] as object), ...more } });
const trusted = ofVm({ securityType: 'TrustedLaunch' });
const imageOf = (path: string) => ({
  image: { kind: 'image', id: `/subscriptions/${subscriptionIds(1)[0] ?? ''}/resourceGroups/rg/providers/Microsoft.Compute/${path}` },
}); // prettier-ignore
const keyVaultUri = 'https://ours.vault.azure.net';
const egressAddresses = ['198.51.100.1/32'];
const now = Date.UTC(2027, 0, 1);
/** Single addresses of 203.0.0.0/16. */
const addresses = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `203.0.${index >> 8}.${index & 255}/32`);
const vhd = (uri: string) => ({
  image: {
    kind: 'vhd',
    uri,
    storageAccountId: `/subscriptions/${subscriptionIds(1)[0] ?? ''}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/vhds`,
    container: 'vhds',
  },
});
const faultsOf = (body: unknown, privateNetwork = false): readonly string[] => {
  const parsed = parseRequest(body, { tenantId, profiles, privateNetwork, egressAddresses, keyVaultUri, now });
  return parsed.kind === 'faults' ? parsed.faults.map(({ pointer, detail }) => `${pointer} ${detail}`) : [];
};
const federatedCredential = { issuer: 'https://issuer.example', subject: 'collector' };
const withoutAppliance = {
  vm: undefined,
  image: undefined,
  network: undefined,
  access: undefined,
  configuration: undefined,
};
const agentless = { profile: 'agentless', ...withoutAppliance };
const ids = (count: number) => ({ include: [{ kind: 'ids', ids: subscriptionIds(count) }] });
const access = { kind: 'private', sourceAddresses: ['10.1.0.0/24'] };
const existing = {
  kind: 'managedIdentity',
  resourceId: `/subscriptions/${subscriptionIds(1)[0] ?? ''}/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/known`,
};
const byGroup = (more: object = {}) => ({
  include: [{ kind: 'managementGroup', id: 'corp' }],
  grantAt: 'managementGroup',
  ...more,
});

test.each([
  [
    'an appliance of a profile that has none',
    { profile: 'agentless', identity: { kind: 'appRegistration', federatedCredential } },
    '/vm is of no use',
  ],
  ['no network for an appliance', { network: undefined }, '/network is missing'],
  [
    'a federated credential for an appliance',
    { identity: { kind: 'appRegistration', federatedCredential } },
    '/identity/federatedCredential is for a profile without',
  ],
  ['no federated credential without an appliance', agentless, '/identity/federatedCredential is missing'],
  [
    'neither a secret nor a federated credential without an appliance',
    { ...agentless, identity: { kind: 'appRegistration' } },
    '/identity/federatedCredential is missing: without an appliance it is how the collector signs in. Give it, or a secret',
  ],
  [
    'a window’s address that is called as the way out’s',
    { names: { windowAddress: '{name}-egress-ip' } },
    '/names/windowAddress makes ',
  ],
  [
    'a VM’s name that is too long with this deployment’s',
    { name: 'd'.repeat(33), names: { virtualMachine: '{name}-{name}' } },
    '/names/virtualMachine makes ',
  ],
  [
    'a shared name with a number',
    { names: { virtualNetwork: 'net-{n}' } },
    '/names/virtualNetwork is shared by all Sentries',
  ],
  [
    'a secret and a federated credential',
    { ...agentless, identity: { kind: 'appRegistration', secret: {}, federatedCredential } },
    '/identity/federatedCredential takes the place',
  ],
  [
    'run command without an agent',
    { profile: 'noAgent', configuration: { kind: 'runCommand' } },
    '/configuration/kind needs the Azure VM agent',
  ],
  [
    'run command for a script that wants a terminal',
    { profile: 'atTerminal', configuration: { kind: 'runCommand' } },
    '/configuration/kind needs script.unattended',
  ],
  ['private access of an app that is in no network', { access }, '/access/kind needs this app to reach'],
  [
    'a port that is not the profile’s',
    { access: { ...access, kind: 'temporaryPublicIp', ports: [3389] } },
    '/access/ports/0 is not a port of the profile (22, 9000)',
  ],
  ...(['ssh', 'manual'] as const).map(
    (kind) =>
      [
        `${kind} with a window on another port than the one that is signed in by`,
        { access: { ...access, kind: 'temporaryPublicIp', ports: [9000] }, configuration: { kind } },
        `/access/ports lacks 22, by which the appliance is signed in to with configuration ${kind}`,
      ] as const,
  ),
  ...['10.1.0.0/24', '172.31.0.0/24', '192.168.1.1/32', '100.64.7.0/24'].map(
    (range) =>
      [
        `a public address for ${range}`,
        { access: { kind: 'temporaryPublicIp', sourceAddresses: ['203.0.113.7/32', range] } },
        '/access/sourceAddresses/1 is a private range, and nothing arrives from there at a public address; give the public addresses that you come from, or ask for access private',
      ] as const,
  ),
  ...(['temporaryPublicIp', 'private'] as const).flatMap((kind) => [
    [
      `${kind} for IPv6`,
      { access: { kind, sourceAddresses: ['2001:db8::7/128'] } },
      '/access/sourceAddresses/0 is of IPv6, and the appliance has an address of IPv4 alone',
    ] as const,
    [
      `${kind} for both families`,
      { access: { kind, sourceAddresses: ['203.0.113.7/32', '2001:db8::7/128'] } },
      '/access/sourceAddresses/1 is of IPv6',
    ] as const,
    ...['127.0.0.1/32', '169.254.1.0/24', '239.1.0.0/16'].map(
      (range) =>
        [
          `${kind} for ${range}`,
          { access: { kind, sourceAddresses: [range] } },
          '/access/sourceAddresses/0 is a range from which nothing arrives',
        ] as const,
    ),
  ]),
  [
    'a disk encryption set of another subscription',
    {
      vm: {
        ...(requestBody()['vm'] as object),
        osDisk: {
          diskEncryptionSetId: `/subscriptions/${subscriptionIds(1)[0] ?? ''}/resourceGroups/rg/providers/Microsoft.Compute/diskEncryptionSets/d`,
        },
      },
    },
    '/vm/osDisk/diskEncryptionSetId lies in another subscription',
  ],
  [
    'a zone without an appliance',
    { ...agentless, placement: { ...(requestBody()['placement'] as object), zone: '1' } },
    '/placement/zone is of no use: the profile agentless has no appliance',
  ],
  ...[
    'virtualMachine',
    'networkSecurityGroup',
    'networkInterface',
    'virtualNetwork',
    'subnet',
    'natGateway',
    'egressAddress',
    'windowAddress',
    'image',
  ].map((key): [string, object, string] => [
    `names.${key} without an appliance`,
    { ...agentless, names: { [key]: 'own' } },
    `/names/${key} is of no use`,
  ]),
  [
    'a controller of a profile that gives it nothing more',
    { profile: 'readOnly', controller: { enabled: true } },
    '/controller/enabled would give no more than without it: the profile readOnly has no roles.controller',
  ],
  [
    'Trusted Launch of a marketplace image of generation 1',
    trusted,
    '/vm/securityType needs a machine of generation 2',
  ],
  [
    'Trusted Launch of a managed image',
    { ...trusted, ...imageOf('images/sentry') },
    '/vm/securityType cannot be had with a managed image',
  ],
  [
    'Trusted Launch of a VHD',
    { ...trusted, ...vhd('https://vhds.blob.core.windows.net/vhds/sentry.vhd') },
    '/vm/securityType cannot be had with a managed image',
  ],
  [
    'a network of one letter',
    { names: { virtualNetwork: 'v' } },
    "/names/virtualNetwork makes 'v', which Azure does not take",
  ],
  [
    'roles to assign without a controller',
    { controller: { enabled: false, assignableRoles: [tenantId] } },
    '/controller/assignableRoles limits a controller',
  ],
  [
    'a secret of another vault',
    vhd('https://theirs.vault.azure.net/secrets/vhd-url'),
    '/image/uri is of a vault, and not of a secret in the app’s own (https://ours.vault.azure.net)',
  ],
  ['a key of the vault', vhd('https://ours.vault.azure.net/keys/vhd-url'), '/image/uri is of a vault'],
  [
    'one identity for several Sentries',
    { identity: existing, subscriptions: ids(51) },
    '/identity/resourceId is one identity',
  ],
  [
    'a grant at a management group for listed ids',
    { subscriptions: { ...ids(1), grantAt: 'managementGroup' } },
    '/subscriptions/grantAt grants at management groups',
  ],
  [
    'an exclusion below a granted management group',
    { subscriptions: byGroup({ exclude: subscriptionIds(1) }) },
    '/subscriptions/exclude cannot be kept',
  ],
  [
    'more Sentries than addresses',
    { network: { kind: 'managed', addressPrefix: '10.0.0.0/29' }, subscriptions: ids(151) },
    '/network/addressPrefix has 3 addresses for 4 Sentries',
  ],
])('%s is refused with what to change', (_what, changes, fault) => {
  expect(faultsOf(requestBody(changes)).map((text) => text.slice(0, fault.length))).toContain(fault);
});

test.each([
  [
    'a profile without an appliance',
    { ...agentless, identity: { kind: 'appRegistration', federatedCredential } },
    false,
  ],
  [
    'an application’s secret without an appliance',
    { ...agentless, identity: { kind: 'appRegistration', secret: {} } },
    false,
  ],
  ['private access of an app that is in the network', { access }, true],
  ['private access where a person configures', { access, configuration: { kind: 'manual' } }, false],
  ['a secret of the vault', vhd('https://OURS.vault.azure.net/secrets/vhd-url/1f'), false],
  ['a blob in a container called secrets', vhd('https://vhds.blob.core.windows.net/secrets/sentry.vhd'), false],
  ['one identity for one Sentry', { identity: existing, subscriptions: ids(50) }, false],
  ['a grant at a management group', { subscriptions: byGroup() }, false],
  [
    'as many Sentries as addresses',
    { network: { kind: 'managed', addressPrefix: '10.0.0.0/29' }, subscriptions: ids(150) },
    false,
  ],
  ['Trusted Launch of a marketplace image of generation 2', { profile: 'second', ...trusted }, false],
  [
    'Trusted Launch of a version in a gallery',
    { ...trusted, ...imageOf('galleries/g/images/i/versions/1.0.0') },
    false,
  ],
  ['a controller of a profile that has roles for it', { controller: { enabled: true } }, false],
  ['a name that is the deployment’s', { names: { virtualNetwork: '{name}', userAssignedIdentity: '{name}' } }, false],
  ['a name that is the VM’s', { names: { networkInterface: '{vm}' } }, false],
  [
    'another port than the script’s where nobody signs in',
    {
      access: { kind: 'temporaryPublicIp', sourceAddresses: ['203.0.113.7/32'], ports: [9000] },
      configuration: { kind: 'runCommand' },
    },
    false,
  ],
  [
    'public addresses that come through a private network',
    { access: { kind: 'private', sourceAddresses: ['203.0.113.0/24', '100.64.7.0/24'] } },
    true,
  ],
  [
    'both ports of the profile',
    { access: { kind: 'temporaryPublicIp', sourceAddresses: ['203.0.113.7/32'], ports: [22, 9000] } },
    false,
  ],
])('%s is taken', (_what, changes, privateNetwork) => {
  expect(faultsOf(requestBody(changes), privateNetwork)).toEqual([]);
});

test.each([
  ['https://store.blob.core.windows.net/images/sentry.vhd?sv=2024&sig=abc', '/image/uri has more than a host'],
  ['http://store.blob.core.windows.net/images/sentry.vhd', '/image/uri is not an https URL'],
  ['not a URL?sig=abc', '/image/uri is not an https URL'],
])('a VHD at %s is refused', (uri, fault) => {
  const faults = faultsOf(requestBody(vhd(uri)));
  expect(faults.map((text) => text.slice(0, fault.length))).toContain(fault);
  expect(JSON.stringify(faults)).not.toContain('sig=abc');
});

test.each([
  'store.example/a.vhd?X-Amz-Signature=abc',
  'store.example/a.vhd?sv=2024&%73ig=abc',
  'user:abc@store.example/a.vhd',
  'store.example/a.vhd#abc',
])('bug: a secret in https://%s is refused like a SAS, and repeated nowhere', (rest) => {
  const faults = faultsOf(requestBody(vhd(`https://${rest}`)));
  expect(faults).toEqual([expect.stringMatching(/^\/image\/uri has more than a host and a path.*Key Vault/)]);
  expect(JSON.stringify(faults)).not.toContain('abc');
});

test('bug: a subnet of another subscription than the Sentries’ is refused, which Azure joins no interface to', () => {
  const inSubnet = (id: string) =>
    faultsOf(
      requestBody({
        network: { kind: 'existing', subnetId: `/subscriptions/${id}/resourceGroups/hub/providers/Microsoft.Network/virtualNetworks/hub/subnets/sentries` },
      }),
    ); // prettier-ignore
  const { subscriptionId } = requestBody()['placement'] as { subscriptionId: string };
  expect(inSubnet(subscriptionId.toUpperCase())).toEqual([]);
  expect(inSubnet(subscriptionIds(3)[2] ?? '')).toEqual([
    expect.stringMatching(/^\/network\/subnetId lies in another subscription than placement\.subscriptionId/),
  ]);
});

test('bug: more source addresses than a security group takes are refused, those of the app and each port counted', () => {
  const faultsOfAccess = (count: number, ports: readonly number[]) =>
    faultsOf(requestBody({ access: { kind: 'temporaryPublicIp', sourceAddresses: addresses(count), ports } }));
  expect(faultsOfAccess(3_999, [22])).toEqual([]);
  expect(faultsOfAccess(4_000, [22])).toEqual([
    expect.stringMatching(
      /^\/access\/sourceAddresses makes 4001 ranges, with EGRESS_ADDRESSES and in a rule for each port; Azure takes 4000/,
    ),
  ]);
  expect(faultsOfAccess(5_000, [22])).toEqual([
    expect.stringMatching(/^\/access\/sourceAddresses has 5000 ranges; Azure takes 4000 in all rules/),
  ]);
  expect(faultsOfAccess(1_999, [22, 9000])).toEqual([]);
  expect(faultsOfAccess(2_000, [22, 9000])).toEqual([expect.stringContaining('makes 4002 ranges')]);
});

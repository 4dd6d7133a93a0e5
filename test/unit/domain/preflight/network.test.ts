import { describe, expect, test } from '@jest/globals';
import { checkNetwork, type Network, type Subnet, type Surroundings } from '../../../../src/domain/preflight/network';
import { denying, type SecurityRule } from '../../../../src/domain/preflight/securityRules';
import { profile, requestFor } from '../../../support/requests';

const subnetId =
  '/subscriptions/5b000000-0000-4000-8000-000000000000/resourceGroups/hub/providers/Microsoft.Network/virtualNetworks/hub/subnets/Sentries';
const subnet: Subnet = { name: 'sentries', prefixes: ['10.1.0.0/29'], delegations: [], used: 0, natGateway: true };
const network = (over: Partial<Subnet> = {}): Network => ({
  location: 'West Europe',
  tags: {},
  prefixes: ['10.1.0.0/16'],
  subnets: [{ ...subnet, ...over }],
});
const existing = { network: { kind: 'existing', subnetId } };
const find = (changes: object, around: Partial<Surroundings>): string[] =>
  checkNetwork(
    { request: requestFor(1, changes), profile },
    { network: network(), toMake: 1, egress: [], ...around },
  ).map(({ code }) => code);

const rule = (over: Partial<SecurityRule>): SecurityRule => ({
  name: 'rule',
  priority: 100,
  direction: 'Inbound',
  access: 'Allow',
  protocol: 'Tcp',
  sources: ['*'],
  destinations: ['*'],
  ports: ['*'],
  ...over,
});
const denyIn = rule({ name: 'DenyAllInBound', priority: 65_500, access: 'Deny', protocol: '*' });
const vnetIn = rule({ priority: 65_000, protocol: '*', sources: ['VirtualNetwork'], destinations: ['VirtualNetwork'] });
const internetOut = rule({ priority: 65_001, direction: 'Outbound', protocol: '*', destinations: ['Internet'] });
const denyOut = rule({ priority: 65_500, direction: 'Outbound', access: 'Deny', protocol: '*' });

describe('an existing subnet', () => {
  test.each<[string, Partial<Surroundings>, string[]]>([
    ['as it should be', {}, []],
    ['absent', { network: undefined }, ['SubnetNotFound']],
    ['absent in its network', { network: network({ name: 'other' }) }, ['SubnetNotFound']],
    ['elsewhere', { network: { ...network(), location: 'northeurope' } }, ['SubnetInOtherRegion']],
    ['just room', { toMake: 3 }, []],
    ['no room', { toMake: 4 }, ['SubnetFull']],
    ['in use', { toMake: 1, network: network({ used: 3 }) }, ['SubnetFull']],
    ['delegated', { network: network({ delegations: ['Microsoft.Web/serverFarms'] }) }, ['SubnetDelegated']],
    ['of before private subnets', { network: network({ natGateway: false }) }, []],
    ['private', { network: network({ natGateway: false, defaultOutboundAccess: false }) }, ['NoWayOut']],
    [
      'private, with a firewall',
      {
        network: network({ natGateway: false, defaultOutboundAccess: false }),
        routes: { defaultHop: 'VirtualAppliance' },
      },
      [],
    ],
    [
      'private, routed to the Internet',
      { network: network({ natGateway: false, defaultOutboundAccess: false }), routes: { defaultHop: 'Internet' } },
      ['NoWayOut'],
    ],
    ['routed to nowhere', { routes: { defaultHop: 'None' } }, ['NoWayOut']],
    [
      'a group that is open enough',
      { rules: [rule({ ports: ['22'], sources: ['203.0.113.0/24'] }), denyIn, internetOut, denyOut] },
      [],
    ],
    ['a group that lets nothing in', { rules: [vnetIn, denyIn, internetOut, denyOut] }, ['WindowBlocked']],
    [
      'a group that lets the app not in',
      { egress: ['198.51.100.1/32'], rules: [rule({ ports: ['22'], sources: ['203.0.113.7'] }), denyIn, internetOut] },
      ['WindowBlocked'],
    ],
    [
      'private, with routes from a gateway that no table shows',
      { network: { ...network({ natGateway: false, defaultOutboundAccess: false }), gateway: true } },
      [],
    ],
    [
      'a group that lets out to some services before it denies the rest',
      {
        rules: [
          rule({}),
          rule({ direction: 'Outbound', priority: 200, destinations: ['AzureCloud'], ports: ['443'] }),
          rule({ direction: 'Outbound', priority: 300, access: 'Deny', destinations: ['Internet'] }),
        ],
      },
      [],
    ],
    [
      'a group that lets out to its own network alone',
      {
        rules: [
          rule({}),
          rule({ direction: 'Outbound', priority: 200, destinations: ['VirtualNetwork'] }),
          rule({ direction: 'Outbound', priority: 300, access: 'Deny', destinations: ['Internet'] }),
        ],
      },
      ['OutboundDenied'],
    ],
    ['a group that lets nothing out', { rules: [rule({}), denyOut] }, ['OutboundDenied']],
  ])('%s', (_what, around, codes) => {
    expect(find(existing, around)).toEqual(codes);
  });

  test('a group that lets nothing in is no matter where no port is opened', () => {
    expect(find({ ...existing, configuration: { kind: 'runCommand' } }, { rules: [denyIn, internetOut] })).toEqual([]);
  });
});

test.each([
  ['not there yet', undefined, []],
  [
    'with the same prefix',
    { ...network(), prefixes: ['10.90.0.0/24'], tags: { 'sentry-deployment': 'prod-sentry' } },
    [],
  ],
  ['with another prefix', { ...network(), tags: { 'sentry-deployment': 'prod-sentry' } }, ['AddressSpaceDiffers']],
  ['of another owner, whose name is taken', network(), []],
])('our own network: %s', (_what, one, codes) => {
  expect(find({}, { network: one })).toEqual(codes);
});

describe('rules of a security group', () => {
  const inbound = { direction: 'Inbound', port: 22, remote: '203.0.113.7/32' } as const;
  test.each<[string, SecurityRule[], boolean]>([
    ['none', [], false],
    ['the lower number first', [rule({ priority: 200 }), rule({ priority: 100, access: 'Deny' })], true],
    ['another port', [rule({ access: 'Deny', ports: ['80', '443-500'] })], false],
    ['a range of ports', [rule({ access: 'Deny', ports: ['20-30'] })], true],
    ['UDP', [rule({ access: 'Deny', protocol: 'Udp' })], false],
    ['another direction', [rule({ access: 'Deny', direction: 'Outbound' })], false],
    ['a part of the range', [rule({ access: 'Deny', sources: ['203.0.113.8/32'] })], false],
    ['the Internet', [rule({ access: 'Deny', sources: ['Internet'] })], true],
    ['the virtual network', [rule({ access: 'Deny', sources: ['VirtualNetwork'] })], false],
    ['another service', [rule({ access: 'Deny', sources: ['AzureLoadBalancer'] })], false],
  ])('%s', (_what, rules, denied) => {
    expect(denying(rules, inbound) !== undefined).toBe(denied);
  });

  test('a private source is of the virtual network, and not of the Internet', () => {
    const vpn = { ...inbound, remote: '10.8.0.0/24' };
    expect(denying([vnetIn, denyIn], vpn)).toBeUndefined();
    expect(denying([rule({ sources: ['Internet'] }), denyIn], vpn)?.name).toBe('DenyAllInBound');
  });
});

describe('a network of our own', () => {
  const others = (...prefixes: string[][]) => ({
    network: undefined,
    others: prefixes.map((each, at) => ({ id: `/vnet-${at}`, prefixes: each })),
  });

  test.each<[string, string[][], string[]]>([
    ['beside others', [['10.89.0.0/16'], ['10.90.1.0/24', 'fd00::/8']], []],
    ['within another', [['10.0.0.0/8']], ['AddressSpaceOverlaps']],
    ['around another', [['192.168.0.0/16'], ['10.90.0.128/25']], ['AddressSpaceOverlaps']],
  ])('%s', (_what, prefixes, codes) => {
    expect(find({}, others(...prefixes))).toEqual(codes);
  });

  const small = { network: { kind: 'managed', addressPrefix: '10.77.0.0/29' } };
  const ours = (used: number): Network => ({
    ...network(),
    tags: { 'sentry-deployment': 'prod-sentry' },
    prefixes: ['10.77.0.0/29'],
    subnets: [{ ...subnet, name: 'Sentry', prefixes: ['10.77.0.0/29'], used }],
  });
  const tooSmall = (network: Network | undefined, toMake: number) =>
    checkNetwork({ request: requestFor(1, small), profile }, { network, toMake, egress: [] });

  test.each<[string, Network | undefined, number, string[]]>([
    ['as many addresses as Sentries', undefined, 3, []],
    ['more Sentries than addresses', undefined, 4, ['SubnetFull']],
    ['made, with room for what is to come', ours(2), 1, []],
    ['made, and full', ours(3), 2, ['SubnetFull']],
    ['made, and its subnet not yet', { ...ours(0), subnets: [] }, 3, []],
  ])('%s', (_what, one, toMake, codes) => {
    expect(tooSmall(one, toMake).map(({ code }) => code)).toEqual(codes);
  });

  test('what to do depends on whether its range can still be another', () => {
    expect(tooSmall(undefined, 5)[0]).toMatchObject({
      where: '/network/addressPrefix',
      reason: '10.77.0.0/29 has 3 free addresses, and 5 Sentries are to be made',
      remedy: expect.stringMatching(/^Ask for a larger range/),
    });
    expect(tooSmall(ours(3), 2)[0]?.remedy).toMatch(/in a deployment of another name, which has a network of its own/);
  });

  test('names the networks that it meets, and counts the rest', () => {
    const many = Array.from({ length: 7 }, () => ['10.90.0.0/16']);
    const [found] = checkNetwork({ request: requestFor(1), profile }, { ...others(...many), toMake: 1, egress: [] });
    expect(found).toMatchObject({ severity: 'warning', where: '/network/addressPrefix' });
    expect(found?.reason).toMatch(/\/vnet-0 \(10\.90\.0\.0\/16\).*\/vnet-4.* and 2 more networks$/);
  });
});

test('a group and a route table that nothing shows are said not to have been looked at', () => {
  const over = network({ networkSecurityGroupId: '/group', routeTableId: '/table' });
  expect(find(existing, { network: over })).toEqual(['CouldNotBeChecked', 'CouldNotBeChecked']);
  expect(find(existing, { network: over, rules: [vnetIn, internetOut], routes: {} })).toEqual([]);
});

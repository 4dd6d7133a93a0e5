/** What another hand changes: put right where the request wants it so, refused where nobody may change it, else kept. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import { type Given, outputsOf } from '../../../src/domain/graph';
import type { Resource, Spec } from '../../../src/domain/resources';
import { specify } from '../../../src/domain/resources';
import { deploy, type Deployment, startWorld, type World } from './adapters.support';
import { instant } from './simulator.support';

interface Made {
  readonly name: string;
  readonly given: Given;
  readonly resources: readonly Resource[];
}
type Body = Record<string, unknown> & { readonly properties: Record<string, unknown> };

let world: World;
let managed: Made;
let registered: Made;

beforeAll(async () => {
  world = await startWorld(instant);
  managed = await make(deploy('drift-managed'));
  registered = await make(deploy('drift-registered', 'appRegistration'));
});
afterAll(async () => world.azure.stop());

async function make({ name, resources: base, window }: Deployment): Promise<Made> {
  const first = outputsOf(await world.carryOut('ensure', name, base));
  const extra = window(first);
  const given = { ...first, ...outputsOf(await world.carryOut('ensure', name, extra, first)) };
  return { name, given, resources: [...base, ...extra] };
}

/** By its key, or the first of its kind. */
const specOf = ({ name, given, resources }: Made, what: string) => {
  const found = resources.find(({ key }) => key === what) ?? resources.find(({ kind }) => kind === what);
  if (!found) throw new Error(`There is no ${what}.`);
  return specify(found, name, given);
};

/** Another hand reads a resource, changes it, and puts it back. */
async function rewrite(id: string, change: (body: Body) => object): Promise<void> {
  const body = (await world.demand('GET', id)) as Body;
  await world.demand('PUT', id, { ...body, ...change(body) });
}
const properties = (changes: object) => (body: Body) => ({ properties: { ...body.properties, ...changes } });
const tag = (tags: object) => (body: Body) => ({ tags: { ...(body['tags'] as object), ...tags } });

const TAGGED = [
  'resourceGroup',
  'virtualNetwork',
  'publicIPAddress',
  'natGateway',
  'networkSecurityGroup',
  'userAssignedIdentity',
  'networkInterface',
  'virtualMachine',
] as const;

test.each(TAGGED)('%s: a tag by another hand is no drift, and outlives putting ours right', async (kind) => {
  const spec = specOf(managed, kind);
  await rewrite(spec.id, tag({ costCenter: '4711' }));
  expect(await world.written(() => world.drive('ensure', spec))).toEqual([]);
  await rewrite(spec.id, tag({ owner: 'somebody-else' }));
  expect((await world.drive('ensure', spec)).at(-1)).toMatchObject({ kind: 'done', change: 'changed', ours: true });
  expect(await world.demand('GET', spec.id)).toMatchObject({ tags: { owner: 'secops', costCenter: '4711' } });
});

test.each([...TAGGED, 'sshKey', 'clientSecret'] as const)(
  'bug: %s: a tag that was to differ in case or spaces alone was never applied',
  async (kind) => {
    const spec = specOf(kind === 'clientSecret' ? registered : managed, kind);
    const others = { ...spec.wanted, tags: { 'sentry-deployment': spec.deployment, owner: 'Sec Ops' } };
    const asked = { ...spec, wanted: others } as Spec;
    expect((await world.drive('ensure', asked)).at(-1)).toMatchObject({ kind: 'done', change: 'changed' });
    expect(await world.drive('ensure', asked)).toMatchObject([{ change: 'kept' }]);
    const path = kind === 'sshKey' ? `/secrets/${spec.id}` : kind === 'clientSecret' ? vaultPath() : spec.id;
    expect(await world.demand('GET', path)).toMatchObject({ tags: { owner: 'Sec Ops' } });
    expect((await world.drive('ensure', spec)).at(-1)).toMatchObject({ kind: 'done', change: 'changed' });
  },
);
const vaultPath = (): string =>
  new URL(registered.given['clientSecret']?.['secretUri'] ?? '').pathname.replace(/\/[^/]+$/, '');

/** What another hand does to a thing of ours. */
const DRIFT: readonly (readonly [string, () => Promise<unknown>])[] = [
  [
    'virtualNetwork',
    () =>
      rewrite(
        specOf(managed, 'virtualNetwork').id,
        properties({ addressSpace: { addressPrefixes: ['10.90.0.0/24', '10.91.0.0/24'] } }),
      ),
  ],
  ['subnet', () => rewrite(specOf(managed, 'subnet').id, properties({ defaultOutboundAccess: true }))],
  ['natGateway', () => rewrite(specOf(managed, 'natGateway').id, properties({ publicIpAddresses: [] }))],
  [
    'networkInterface',
    () => rewrite(specOf(managed, 'networkInterface').id, properties({ networkSecurityGroup: undefined })),
  ],
  [
    'virtualMachine',
    () => rewrite(specOf(managed, 'virtualMachine').id, properties({ hardwareProfile: { vmSize: 'Standard_D8s_v3' } })),
  ],
  [
    'securityRule/22',
    () => rewrite(specOf(managed, 'securityRule/22').id, properties({ sourceAddressPrefixes: ['0.0.0.0/1'] })),
  ],
  ['closedInbound', () => rewrite(specOf(managed, 'closedInbound').id, properties({ access: 'Allow' }))],
  ['application', () => world.demand('PATCH', `/v1.0/applications/${objectId()}`, { requiredResourceAccess: [] })],
];
const objectId = (): string => registered.given['application']?.['objectId'] ?? '';

test.each(DRIFT)('%s: a change by another hand is put right', async (kind, change) => {
  const spec = specOf(kind === 'application' ? registered : managed, kind);
  await change();
  expect((await world.drive('ensure', spec)).at(-1)).toMatchObject({ kind: 'done', change: 'changed', ours: true });
  expect(await world.drive('ensure', spec)).toMatchObject([{ kind: 'done', change: 'kept' }]);
});

const idOf = (key: string, output = 'id', made = managed): string => made.given[key]?.[output] ?? '';
const principal = (): string => `/v1.0/servicePrincipals/${idOf('servicePrincipal', 'principalId', registered)}`;

/** What another hand takes away, and whose. */
const TAKEN: readonly (readonly [string, () => Promise<unknown>, ('registered' | 'managed')?])[] = [
  ['securityRule/22', () => world.demand('DELETE', idOf('securityRule/22'))],
  ['closedInbound', () => world.demand('DELETE', idOf('closedInbound'))],
  ['roleAssignment', () => world.demand('DELETE', idOf(specOf(managed, 'roleAssignment').key))],
  [
    'publicIPAssociation',
    () =>
      rewrite(
        idOf('networkInterface'),
        properties({
          ipConfigurations: [{ name: 'primary', properties: { subnet: { id: idOf('subnet') } } }],
        }),
      ),
  ],
  ['virtualMachine', () => world.demand('DELETE', idOf('virtualMachine'))],
  ['sshKey', () => world.demand('DELETE', `/secrets/${specOf(managed, 'sshKey').id}`)],
  [
    'graphPermission',
    async () => {
      const { value } = listed.parse(await world.demand('GET', `${principal()}/appRoleAssignments`));
      for (const { id } of value) await world.demand('DELETE', `${principal()}/appRoleAssignments/${id}`);
    },
    'registered',
  ],
  ['servicePrincipal', () => world.demand('DELETE', principal()), 'registered'],
];
const listed = z.object({ value: z.array(z.looseObject({ id: z.string() })) });

test.each(TAKEN)('%s: what another hand took away is there again', async (kind, take, whose = 'managed') => {
  const spec = specOf(whose === 'managed' ? managed : registered, kind);
  await take();
  expect((await world.drive('ensure', spec)).at(-1)).toMatchObject({ kind: 'done', ours: true });
  expect(await world.drive('ensure', spec)).toMatchObject([{ kind: 'done', change: 'kept', ours: true }]);
});

test('a subnet in use is not removed, and is when it has been let go of', async () => {
  const one = await make(deploy('drift-used'));
  const subnet = specOf(one, 'subnet');
  const id = one.given['networkInterface']?.['id'] ?? '';
  const theirs = id.replace(/[^/]+$/, 'theirs');
  const ipConfigurations = [{ name: 'ip', properties: { subnet: { id: subnet.id } } }];
  await world.demand('PUT', theirs, { location: 'westeurope', properties: { ipConfigurations } });
  for (const key of ['virtualMachine', 'networkInterface']) await world.demand('DELETE', one.given[key]?.['id'] ?? '');
  expect(await world.step('remove', subnet)).toMatchObject({ kind: 'later', code: 'InUseSubnetCannotBeDeleted' });
  await world.demand('DELETE', theirs);
  expect((await world.drive('remove', subnet)).at(-1)).toMatchObject({ kind: 'done', change: 'removed' });
});

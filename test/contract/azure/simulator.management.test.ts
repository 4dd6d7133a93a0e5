/** Management groups and resource providers. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import {
  type Answer,
  type Arm,
  armOf,
  errorOf,
  instant,
  location,
  network,
  platform,
  startTestAzure,
  type TestAzure,
  version,
  watched,
} from './simulator.support';

let azure: TestAzure;
let arm: Arm;
let admin: Arm;

const group = (name: string): string => `/providers/Microsoft.Management/managementGroups/${name}`;
const root = instant.tenantId;
const under = (parent: string, displayName?: string): object => ({
  properties: { displayName, details: { parent: { id: group(parent) } } },
});
const messageOf = ({ body }: Answer): string =>
  z.object({ error: z.object({ message: z.string() }) }).parse(body).error.message;

beforeAll(async () => {
  azure = await startTestAzure({
    ...instant,
    unregisteredProviders: ['Microsoft.Network'],
    timings: { ...instant.timings, providerRegistration: 60 },
  });
  arm = await armOf(azure);
  const token = await azure.token('administrator');
  admin = (method, path, body) =>
    azure.ask(method, `${path}${path.includes('?') ? '&' : '?'}${version.slice(1)}`, {
      token,
      ...(body === undefined ? {} : { body }),
    });
});
afterAll(async () => azure.stop());

describe('management groups', () => {
  test('are a tree that can be read whole', async () => {
    const whole = await admin('GET', `${group(root)}?$expand=children&$recurse=true`);
    expect(whole.body).toMatchObject({
      name: root,
      properties: {
        children: expect.arrayContaining([
          {
            id: group('platform'),
            type: 'Microsoft.Management/managementGroups',
            name: 'platform',
            displayName: 'Platform',
            children: [
              {
                id: `/subscriptions/${platform}`,
                type: '/subscriptions',
                name: platform,
                displayName: expect.any(String),
              },
            ],
          },
        ]),
      },
    });
    const flat = await admin('GET', `${group('landing-zones')}?$expand=children`);
    expect(flat.body).toMatchObject({ properties: { details: { parent: { name: root } }, children: { length: 5 } } });
    expect((await admin('GET', `${group(root)}/descendants`)).body).toMatchObject({ value: { length: 12 } });
    expect((await admin('GET', `${group('landing-zones')}/subscriptions`)).body).toMatchObject({
      value: { length: 5 },
    });
    expect((await arm('POST', '/providers/Microsoft.Management/getEntities')).body).toMatchObject({ count: 8 });
    expect(errorOf(await arm('GET', group('isolated')))).toBe('AuthorizationFailed');
    expect(errorOf(await admin('GET', group('nowhere')))).toBe('NotFound');
  });

  test('can be made, moved and deleted by the rules', async () => {
    expect((await admin('PUT', group('one'), under('landing-zones', 'One'))).body).toMatchObject({
      properties: { displayName: 'One', details: { parent: { name: 'landing-zones' } } },
    });
    await admin('PUT', group('two'), under('one'));
    expect(messageOf(await admin('PUT', group('one'), under('two')))).toContain('descendant');
    expect(errorOf(await admin('PUT', group('three'), under('missing')))).toBe('ParentNotFound');
    expect(errorOf(await admin('PUT', group('a b'), under('one')))).toBe('BadRequest');
    expect(messageOf(await admin('DELETE', group('one')))).toContain('child management groups');
    expect((await admin('PATCH', group('two'), { parentGroupId: group('platform') })).body).toMatchObject({
      properties: { details: { parent: { name: 'platform' } } },
    });
    expect((await admin('DELETE', group('one'))).status).toBe(204);
    let above = 'two';
    for (const name of ['d3', 'd4', 'd5', 'd6']) {
      expect((await admin('PUT', group(name), under(above))).status).toBe(200);
      above = name;
    }
    expect(messageOf(await admin('PUT', group('d7'), under(above)))).toContain('deeper than 6');
  });

  test('anyone may make one under the root and then owns it, but not under another’s', async () => {
    expect((await arm('PUT', group('mine'), {})).status).toBe(200);
    expect((await arm('DELETE', group('mine'))).status).toBe(204);
    expect(errorOf(await arm('PUT', group('mine'), under('platform')))).toBe('AuthorizationFailed');
  });

  test('a subscription takes its rights from where it is', async () => {
    const path = `/subscriptions/${watched(3)}`;
    expect((await arm('GET', path)).status).toBe(200);
    expect(errorOf(await arm('PUT', `${group('isolated')}${path}`))).toBe('AuthorizationFailed');
    expect((await admin('PUT', `${group('isolated')}${path}`)).body).toMatchObject({
      properties: { parent: { id: group('isolated') } },
    });
    expect(errorOf(await arm('GET', path))).toBe('AuthorizationFailed');
    await azure.restart();
    expect(errorOf(await arm('GET', path))).toBe('AuthorizationFailed');
    expect((await admin('DELETE', `${group('isolated')}${path}`)).status).toBe(200);
    expect((await admin('GET', `${group(root)}${path}`)).status).toBe(200);
  });
});

describe('resource providers', () => {
  const provider = `/subscriptions/${platform}/providers/Microsoft.Network`;
  const state = async (): Promise<unknown> =>
    z.looseObject({ registrationState: z.string() }).parse((await arm('GET', provider)).body).registrationState;

  test('take nothing until they are registered, which takes a while', async () => {
    const put = (): Promise<Answer> => arm('PUT', network('networkSecurityGroups/n'), { location });
    expect(await state()).toBe('NotRegistered');
    const refused = await put();
    expect([refused.status, refused.body]).toMatchObject([
      409,
      { error: { code: 'MissingSubscriptionRegistration', details: [{ target: 'Microsoft.Network' }] } },
    ]);
    expect((await arm('POST', `${provider}/register`)).body).toMatchObject({ registrationState: 'Registering' });
    azure.advance(61);
    expect(await state()).toBe('Registered');
    expect((await put()).status).toBe(201);
    expect(errorOf(await admin('POST', `${provider}/unregister`))).toBe('Conflict');
    await arm('DELETE', network('networkSecurityGroups/n'));
    expect((await admin('POST', `${provider}/unregister`)).body).toMatchObject({ registrationState: 'Unregistering' });
    azure.advance(61);
    expect(await state()).toBe('Unregistered');
  });

  test('are listed with their types', async () => {
    const { body } = await arm('GET', `/subscriptions/${platform}/providers`);
    expect(body).toMatchObject({
      value: expect.arrayContaining([
        expect.objectContaining({ namespace: 'Microsoft.Authorization', registrationPolicy: 'RegistrationFree' }),
      ]),
    });
    expect(errorOf(await arm('GET', `/subscriptions/${platform}/providers/Nonsense`))).toBe('InvalidResourceNamespace');
  });
});

test.each([
  ['POST', `/subscriptions/${platform}/resourceGroups/rg/exportTemplate`],
  ['POST', `/subscriptions/${platform}/resourceGroups/rg/moveResources`],
  ['PUT', '/providers/Microsoft.Subscription/aliases/new'],
])('%s %s is refused in words', async (method, path) => {
  const refused = await admin(method, path, {});
  expect([refused.status, refused.body]).toMatchObject([
    400,
    {
      error: {
        code: 'NotSimulated',
        details: [{ code: 'NotSimulated', message: expect.stringMatching(/^Simulated: /) }],
      },
    },
  ]);
});

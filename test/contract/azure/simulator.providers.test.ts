/** Resource providers: their types with api-versions and locations, the same that the simulator serves. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import { kinds } from '../../../local/azure/products';
import { type Arm, armOf, platform, startTestAzure, type TestAzure } from './simulator.support';

const type = z.looseObject({
  resourceType: z.string(),
  locations: z.array(z.string()),
  apiVersions: z.array(z.string().regex(/^20\d\d-\d\d-\d\d(-preview)?$/)).nonempty(),
  defaultApiVersion: z.string(),
  capabilities: z.string(),
});
const provider = z.looseObject({ namespace: z.string(), resourceTypes: z.array(type) });

let azure: TestAzure;
let arm: Arm;
beforeAll(async () => {
  azure = await startTestAzure();
  arm = await armOf(azure);
});
afterAll(async () => azure.stop());

test.each(['/providers', `/subscriptions/${platform}/providers`])(
  '%s names every simulated type with its versions',
  async (path) => {
    const { value } = z.object({ value: z.array(provider) }).parse((await arm('GET', path)).body);
    const named = value.flatMap(({ namespace, resourceTypes }) =>
      resourceTypes.map((one) => `${namespace}/${one.resourceType}`),
    );
    expect(named).toEqual(expect.arrayContaining(kinds.map((kind) => kind.type)));
    for (const { resourceTypes } of value)
      for (const { apiVersions, defaultApiVersion } of resourceTypes) {
        expect(apiVersions).toContain(defaultApiVersion);
        expect([...apiVersions].sort((a, b) => b.slice(0, 10).localeCompare(a.slice(0, 10)))).toEqual(apiVersions);
        expect(new Set(apiVersions).size).toBe(apiVersions.length);
      }
  },
);

test('one tells its types, whatever the case of its name', async () => {
  const one = provider.parse((await arm('GET', `/subscriptions/${platform}/providers/microsoft.network`)).body);
  const groups = one.resourceTypes.find(({ resourceType }) => resourceType === 'networkSecurityGroups');
  expect(one).toMatchObject({
    namespace: 'Microsoft.Network',
    registrationState: 'Registered',
    registrationPolicy: 'RegistrationRequired',
  });
  expect(groups).toMatchObject({
    locations: expect.arrayContaining(['West Europe', 'East US']),
    capabilities: expect.stringContaining('SupportsTags'),
  });
  expect(groups?.apiVersions).toEqual(expect.arrayContaining(['2024-05-01', '2022-01-01']));
  const authorization = provider.parse((await arm('GET', '/providers/Microsoft.Authorization')).body);
  expect(authorization.resourceTypes.find(({ resourceType }) => resourceType === 'roleAssignments')).toMatchObject({
    locations: [],
    defaultApiVersion: '2022-04-01',
  });
});

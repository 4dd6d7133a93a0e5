/** A tenant with many things wrong: all of them told at once, over the API, and nothing written. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import { type TestWorld, testWorld } from '../support/e2e';
import { requestBody, subscriptionId } from '../support/requests';

let world: TestWorld;
beforeAll(async () => {
  world = await testWorld();
});
afterAll(() => world.stop());

const GROUP = '/subscriptions/5b000000-0000-4000-8000-000000000000/resourceGroups/broken';
const outside = (path: string, body: object) =>
  world.askAzure('/_simulator/outside', { method: 'PUT', path: `${GROUP}${path}`, body });
const summary = z.object({ byOperation: z.record(z.string(), z.number()) });
const writes = async (): Promise<unknown> =>
  Object.entries(summary.parse(await world.askAzure('/_simulator/requests')).byOperation).filter(([operation]) =>
    /^(PUT|PATCH|DELETE)/.test(operation),
  );

test('one broken tenant: every finding at once with what mends it, and not one write', async () => {
  await outside('', { location: 'westeurope' });
  await outside('/providers/Microsoft.Network/networkSecurityGroups/cloudknox-nsg', { location: 'westeurope' });
  await outside('/providers/Microsoft.Authorization/locks/keep', { properties: { level: 'CanNotDelete' } });
  await outside('/providers/Microsoft.Authorization/policyAssignments/sizes', {
    properties: {
      policyDefinitionId: '/providers/Microsoft.Authorization/policyDefinitions/cccc23c7-8427-4f53-ad12-b6a63eb452b3',
      displayName: 'Small machines',
      parameters: { listOfAllowedSKUs: { value: ['Standard_D2s_v3'] } },
    },
  });
  const isolated = '5b000000-0000-4000-9000-000000000001';
  const ids = [subscriptionId(1), isolated, '5b000000-0000-4000-8fff-000000000001'];
  const body = requestBody({ subscriptions: { include: [{ kind: 'ids', ids }] } });
  const vm = { ...(body['vm'] as object), size: 'Standard_B2s' };
  const placement = { ...(body['placement'] as object), resourceGroup: 'broken' };
  const before = await writes();
  const tenantId = world.environment['AZURE_TENANT_ID'];
  await world.administrator.start({ ...body, tenantId, name: 'broken', vm, placement });
  const shown = await world.administrator.seeThrough('broken', () => undefined);

  expect(shown).toMatchObject({ state: 'failed', sentries: [] });
  const errors = ['SizeNotAvailable', 'NameTaken', 'LockForbidsDeletion', 'PolicyDenies'];
  const findings = z.array(
    z.object({ severity: z.string(), code: z.string(), where: z.string(), reason: z.string(), remedy: z.string() }),
  );
  const read = z.looseObject({ findings, problems: z.array(z.looseObject({ code: z.string() })) });
  const found = read.parse(await (await world.api('deployments/broken')).json());
  expect(
    found.findings
      .filter(({ severity }) => severity === 'error')
      .map(({ code }) => code)
      .sort(),
  ).toEqual(errors.sort());
  expect(
    found.findings
      .filter(({ severity }) => severity === 'warning')
      .map(({ code }) => code)
      .sort(),
  ).toEqual(['SubscriptionNotGrantable', 'SubscriptionUnknown']);
  expect(found.findings.every(({ remedy }) => remedy.length > 10)).toBe(true);
  expect(found.problems.map(({ code }) => code).sort()).toEqual(errors.sort());
  expect(await writes()).toEqual(before);
});

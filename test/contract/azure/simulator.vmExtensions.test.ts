/** Extensions of virtual machines: kept and shown, but for what is protected. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { compute, makeNetwork, putVm, vmProperties } from './simulator.compute.support';
import { type Arm, armOf, location, startTestAzure, type TestAzure } from './simulator.support';

let azure: TestAzure;
let arm: Arm;
beforeAll(async () => {
  azure = await startTestAzure();
  arm = await armOf(azure);
  await makeNetwork(arm);
  await putVm(arm, 'vm', await vmProperties(arm, 'vm'));
});
afterAll(async () => azure.stop());

const extension = compute('virtualMachines/vm/extensions/monitor');
const handler = { publisher: 'Microsoft.Azure.Monitor', type: 'AzureMonitorLinuxAgent', typeHandlerVersion: '1.0' };

test('it is shown without what is protected, and without an etag, which Compute gives to machines only', async () => {
  const properties = { ...handler, settings: { a: 1 }, protectedSettings: { key: 'secret' } };
  const made = await arm('PUT', extension, { location, properties });
  expect(made.status).toBe(201);
  const { status, body } = await arm('GET', extension);
  expect([status, body]).toEqual([
    200,
    {
      id: extension,
      name: 'monitor',
      type: 'Microsoft.Compute/virtualMachines/extensions',
      location,
      properties: { ...handler, autoUpgradeMinorVersion: true, settings: { a: 1 }, provisioningState: 'Succeeded' },
    },
  ]);
});

/** The ledger bites: it reads refusals where they are only passed through, and sees what an answer lacks. */
import { expect, test } from '@jest/globals';
import { faultsOf } from './ledger/headers';
import { operations } from './ledger/operations';
import { refusalsIn } from './ledger/refusals';

test('refusals are read through the functions that make them, in each way that they can be told', () => {
  const found = refusalsIn(['network/securityRules.ts', 'storage/containers.ts', 'resources/providers.ts']);
  const told = found.map(({ code, words }) => `${code ?? ''}: ${words}`);
  expect(told).toContain(
    'SecurityRuleInvalidPriority: Security rule has invalid Priority. Value provided: …. Allowed range 100-4096.',
  );
  // One call, two codes; one call, two messages.
  expect(found.map(({ code }) => code)).toEqual(
    expect.arrayContaining(['ContainerAlreadyExists', 'ContainerBeingDeleted']),
  );
  expect(told.filter((one) => one.startsWith('Conflict: '))).toEqual([
    expect.stringMatching(/which has resources in it\.$/),
    expect.stringMatching(/which needs no registration\.$/),
  ]);
  const [priority] = found.filter(({ code }) => code === 'SecurityRuleInvalidPriority');
  expect(priority?.message.test('Security rule has invalid Priority. Value provided: 99. Allowed range 1-2.')).toBe(false);
}); // prettier-ignore

test('an answer is told what it lacks', () => {
  const headers: Readonly<Record<string, string>> = { 'x-ms-request-id': 'none', 'cache-control': 'no-cache' };
  const content = '{"error":{"code":"TooManyRequests","message":""}}';
  const url = '/subscriptions/5b000000-0000-4000-8000-000000000000/resourceGroups/rg';
  expect(faultsOf({ method: 'GET', url, status: 429, header: (name) => headers[name], content })).toEqual([
    'x-ms-request-id is a GUID',
    'x-ms-correlation-request-id is a GUID',
    'a body of Azure Resource Manager is JSON in UTF-8',
    'a refusal of Azure Resource Manager that has a body names its code',
    'a 429 says when to come again',
  ]);
});

test('each operation has its folder', () => {
  const folders = new Set(operations.map(({ folder }) => folder));
  for (const folder of ['compute', 'graph', 'network', 'storage']) expect(folders).toContain(folder);
  expect(operations.length).toBeGreaterThan(200);
});

/** What is recorded of requests and answers: every shape once, and no secret. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type Answer, type Call } from '../../../../local/azure/http/call';
import { type Shape, ShapeRecord, shapeOf } from '../../../../local/azure/simulator/shapeRecord';

let folder: string;
let shapes: ShapeRecord | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shapes-'));
  shapes = ShapeRecord.of(join(folder, 'made'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const recorded = (): Shape[] =>
  readdirSync(join(folder, 'made')).flatMap((file) =>
    readFileSync(join(folder, 'made', file), 'utf8')
      .trim()
      .split('\n')
      .map((line) => shapeOf.parse(JSON.parse(line))),
  );

const group = '/subscriptions/s/resourceGroups/rg';
const vm = `${group}/providers/Microsoft.Compute/virtualMachines/vm`;
const call = (method: string, path: string, body?: unknown): Call => ({
  method,
  path,
  body,
  params: {},
  query: () => '2024-07-01',
  header: () => undefined,
  headerNames: () => [],
  url: path,
  caller: { principalId: '', clientId: '', roles: [] },
  scope: '',
});
const ask = (method: string, path: string, body?: unknown, answer: Answer = { status: 200 }): void =>
  shapes?.note(call(method, path, body), answer);

test('the same shape is kept once; another member, kind of value or word is another shape', () => {
  for (const body of [
    { location: 'westeurope', tags: { a: 'b' } },
    { location: 'westeurope', tags: { c: 'd' } },
    { location: 'westeurope', zones: ['1'] },
    { location: 'westeurope', zones: ['2', '3'] },
    { location: 'westeurope', zones: [1] },
    { location: 'westeurope', kind: 'One' },
    { location: 'westeurope', kind: 'Two' },
  ])
    ask('PUT', vm, body);
  expect(recorded().map(({ body: { location: _, ...rest } }) => rest)).toEqual([
    { tags: { a: 'b' } },
    { zones: ['1'] },
    { zones: [1] },
    { kind: 'One' },
    { kind: 'Two' },
  ]);
});

test('passwords, scripts’ parameters and whatever is protected are left out', () => {
  ask('PUT', vm, {
    properties: {
      osProfile: { adminUsername: 'me', adminPassword: 'secret1', customData: 'secret2' },
      protectedSettings: { fileUris: ['secret3'], deep: { er: 'secret4' } },
      protectedParameters: [{ name: 'n', value: 'secret5' }],
      parameters: [{ name: 'n', value: 'secret6' }],
    },
  });
  const text = JSON.stringify(recorded());
  expect(text).toContain('adminUsername":"me');
  expect(text).not.toContain('secret');
});

test('answers are kept where they are a resource, one by one where they are a list', () => {
  const one = { id: vm, name: 'vm', type: 'Microsoft.Compute/virtualMachines' };
  ask('GET', vm, undefined, { status: 200, body: one });
  ask('GET', `${group}/resources`, undefined, { status: 200, body: { value: [one, { keyName: 'key1' }] } });
  ask('POST', `${vm}/listKeys`, undefined, { status: 200, body: { keys: [{ value: 'k' }] } });
  expect(recorded().map(({ seen, id }) => [seen, id])).toEqual([
    ['answer', vm],
    ['listed', vm],
  ]);
});

test('what was refused and what is not asked of Resource Manager is not kept', () => {
  ask('PUT', vm, { wrong: true }, { status: 400, body: { error: {} } });
  ask('POST', '/v1.0/applications', { displayName: 'x' });
  ask('PUT', '/secrets/x', { value: 'x' });
  expect(readdirSync(join(folder, 'made'))).toEqual([]);
  expect(ShapeRecord.of(undefined)).toBeUndefined();
});

import { expect, test } from '@jest/globals';
import { differences, touches } from '../../../src/domain/compare';
import { kinds } from '../../../src/domain/resources';

test.each([
  [
    'what another hand added is no difference',
    { tags: { a: '1' } },
    { tags: { a: '1', policy: 'x' }, extra: true },
    [],
  ],
  [
    'ids and regions differ in case only',
    { id: '/subscriptions/A', location: 'westeurope' },
    { id: '/SUBSCRIPTIONS/a', location: 'West Europe' },
    [],
  ],
  ['a list keeps no order', { ports: [{ p: 1 }, { p: 2 }] }, { ports: [{ p: 2, x: 0 }, { p: 1 }] }, []],
  ['a longer list differs', { ports: [1] }, { ports: [1, 2] }, ['ports']],
  ['a deep value is named by its path', { sku: { name: 'Standard' } }, { sku: { name: 'Basic' } }, ['sku.name']],
  ['something absent differs', { identity: { type: 'UserAssigned' } }, {}, ['identity']],
  ['a field in other case is the same field', { publicIPAddress: { id: 'a' } }, { publicIpAddress: { id: 'A' } }, []],
])('%s', (_what, wanted, observed, expected) => {
  expect(differences(wanted, observed).map(({ path }) => path)).toEqual(expected);
});

test('where case counts, another case is another text, in a list and below it too', () => {
  const wanted = { subject: 'repo:A', audiences: ['api://X'], id: 'A' };
  const observed = { subject: 'repo:a', audiences: ['api://x'], id: 'a' };
  expect(differences(wanted, observed, ['subject', 'audiences'])).toEqual([
    { path: 'subject', wanted: 'repo:A', observed: 'repo:a' },
    { path: 'audiences', wanted: ['api://X'], observed: ['api://x'] },
  ]);
});

test('a difference tells both values', () => {
  expect(differences({ sku: { name: 'Standard' }, zone: '1' }, { sku: { name: 'Basic' } })).toEqual([
    { path: 'sku.name', wanted: 'Standard', observed: 'Basic' },
    { path: 'zone', wanted: '1', observed: undefined },
  ]);
});

test('a path lies at or under a root, not beside it', () => {
  expect(touches(['plan.name', 'planned', 'plan'], ['plan'])).toEqual(['plan.name', 'plan']);
});

test('bug: the VHD at a path of other case was taken for the same: a path of a URL has case', () => {
  const wanted = { source: 'https://images.example/Sentry/v2.vhd', container: 'vhds' };
  const observed = { source: 'https://images.example/sentry/v2.vhd', container: 'vhds' };
  expect(differences(wanted, observed, kinds.vhdCopy.exact).map(({ path }) => path)).toEqual(['source']);
});

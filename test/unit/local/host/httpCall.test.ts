import { expect, test } from '@jest/globals';
import { httpRequestSchema, pollAfter } from '../../../../local/host/engine/httpCall';

const NOW = Date.parse('2026-11-23T12:00:00Z');
const request = httpRequestSchema.parse({
  method: 'POST',
  uri: 'https://a.test/start/here',
  content: '{}',
  headers: { 'X-Functions-Key': 'k', authorization: 'secret', many: ['1', '2'], number: 5 },
  tokenSource: { kind: 'AzureManagedIdentity', resource: 'r' },
});
const answer = (headers: Readonly<Record<string, unknown>>, statusCode = 202): string =>
  JSON.stringify({ statusCode, headers, content: '' });
const poll = (headers: Readonly<Record<string, unknown>>) => pollAfter(request, request, answer(headers), NOW, 30_000);

test.each([
  ['none', {}, 30_000],
  ['seconds', { 'retry-after': '7' }, 7_000],
  ['a date', { 'Retry-After': 'Mon, 23 Nov 2026 12:01:00 GMT' }, 60_000],
  ['a date that is over', { 'Retry-After': 'Mon, 23 Nov 2026 11:00:00 GMT' }, 0],
  ['neither', { 'Retry-After': 'soon' }, 30_000],
])('when: Retry-After is %s', (_, headers, wait) => {
  expect((poll({ Location: '/x', ...headers })?.fireAt ?? 0) - NOW).toEqual(wait);
});

test.each([
  ['https://a.test/next', 'https://a.test/next', 'secret'],
  ['next?x=1', 'https://a.test/start/next?x=1', 'secret'],
  ['http://a.test/next', 'http://a.test/next', undefined],
  ['https://b.test/next', 'https://b.test/next', undefined],
])('where, and with which credentials: %s', (location, uri, secret) => {
  const asked = poll({ location })?.request;
  expect(asked).toMatchObject({ method: 'GET', uri, content: null, headers: { many: ['1', '2'], number: ['5'] } });
  expect(asked?.headers['authorization']?.[0]).toBe(secret);
  expect(asked?.headers).not.toHaveProperty('X-Functions-Key');
  expect(asked?.tokenSource === null).toBe(secret === undefined);
});

test('an answer that ends the call', () => {
  expect(poll({})).toBeUndefined();
  expect(pollAfter(request, request, answer({ Location: '/x' }, 200), NOW, 1)).toBeUndefined();
  expect(pollAfter(request, request, null, NOW, 1)).toBeUndefined();
});

test('credentials go by the first request, wherever a poll has led to', () => {
  const elsewhere = { ...request, uri: 'https://b.test/' };
  const next = pollAfter(elsewhere, request, answer({ Location: '/evil' }), NOW, 1);
  expect(next?.request).toMatchObject({ uri: 'https://b.test/evil', tokenSource: null });
  const back = pollAfter(elsewhere, request, answer({ Location: 'https://a.test/back' }), NOW, 1);
  expect(back?.request.headers['authorization']).toEqual(['secret']);
});

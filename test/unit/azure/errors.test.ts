import { expect, test } from '@jest/globals';
import { sort, sortFailure, withSortedFailures } from '../../../src/azure/errors';
import { AzureError } from '../../../src/azure/ports';

const headers = (fields: Record<string, string>) => ({ get: (name: string) => fields[name] });
/** As the two generations of the SDK, Graph's client and the vault's throw them. */
const restError = (statusCode: number, body: unknown, fields: Record<string, string> = {}): Error =>
  Object.assign(new Error('raw'), {
    statusCode,
    response: { bodyAsText: JSON.stringify(body), headers: headers(fields) },
  });
const graphError = (statusCode: number, code: string, message: string, retryAfter?: string): Error =>
  Object.assign(new Error(message), {
    statusCode,
    code,
    headers: new Headers(retryAfter ? { 'retry-after': retryAfter } : {}),
    body: JSON.stringify({ code, message }),
  });

test.each([
  [
    'ARM throttles',
    restError(429, { error: { code: 'SubscriptionRequestsThrottled', message: 'm' } }, { 'retry-after': '17' }),
    { kind: 'later', code: 'SubscriptionRequestsThrottled', seconds: 17 },
  ],
  [
    'Compute throttles without a wrapper',
    restError(429, { code: 'OperationNotAllowed', message: 'm' }, { 'retry-after': '1200' }),
    { kind: 'later', seconds: 1200 },
  ],
  [
    'quota has the same code and another status',
    restError(409, { error: { code: 'OperationNotAllowed', message: 'quota' } }),
    { kind: 'refused', code: 'OperationNotAllowed', reason: 'quota' },
  ],
  [
    'a principal replicates',
    restError(400, { error: { code: 'PrincipalNotFound', message: 'm' } }),
    { kind: 'later', code: 'PrincipalNotFound' },
  ],
  [
    'terms are not accepted',
    restError(400, { error: { code: 'ResourcePurchaseValidationFailed', message: 'm' } }),
    { kind: 'refused' },
  ],
  [
    'the region has no room just now',
    restError(409, { error: { code: 'AllocationFailed', message: 'm' } }),
    { kind: 'later', patienceSeconds: 1_800, remedy: expect.stringContaining('vm.size') },
  ],
  ['the service is down', restError(503, 'gone'), { kind: 'later' }],
  [
    'nothing answered',
    Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
    { kind: 'later', code: 'ECONNREFUSED' },
  ],
  ['Graph throttles', graphError(429, 'TooManyRequests', 'm', '9'), { kind: 'later', seconds: 9 }],
  [
    'Graph replicates, as a bad request',
    graphError(400, 'Request_BadRequest', 'Not a valid reference update.'),
    { kind: 'later' },
  ],
  [
    'Graph replicates, as not found',
    graphError(
      404,
      'Request_ResourceNotFound',
      "Resource 'x' does not exist or one of its queried reference-property objects are not present.",
    ),
    { kind: 'later' },
  ],
  [
    'Graph refuses',
    graphError(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.'),
    { kind: 'refused', code: 'Authorization_RequestDenied' },
  ],
  [
    'a policy denies',
    restError(403, { error: { code: 'RequestDisallowedByPolicy', message: 'm' } }),
    { kind: 'refused' },
  ],
])('%s', (_what, error, expected) => {
  const sorted = sortFailure(error);
  expect(sorted).toBeInstanceOf(AzureError);
  expect(sorted.outcome).toMatchObject(expected);
  expect(sorted.outcome.remedy).not.toBe('');
});

test.each([
  ['ARM', restError(401, { error: { code: 'ExpiredAuthenticationToken', message: 'm' } })],
  ['Graph', graphError(401, 'InvalidAuthenticationToken', 'Lifetime validation failed, the token is expired.')],
  ['Key Vault', restError(401, { error: { code: 'Unauthorized', message: 'AKV10000' } })],
])('a token that ran out on its way to %s does not stop a deployment for good', (_what, error) => {
  expect(sortFailure(error).outcome.kind).toBe('later');
});

test('an operation that ends with a server error of Azure is tried again, as a call that is answered so', () => {
  expect(sort(200, 'InternalServerError', 'An error occurred.')).toMatchObject({ kind: 'later' });
});

test('an operation that failed is sorted by its code: its status is always 200', () => {
  expect(sort(200, 'VMMarketplaceInvalidInput', 'm')).toMatchObject({ kind: 'refused' });
  expect(sort(200, 'AnotherOperationInProgress', 'm')).toMatchObject({ kind: 'later' });
  expect(sort(undefined, 'Canceled', 'm')).toMatchObject({ kind: 'later' });
});

test('whatever a method of an adapter throws comes out sorted, and what it answers as it is', async () => {
  const adapter = withSortedFailures({
    good: async () => 1,
    bad: async () => Promise.reject(new TypeError('fetch failed')),
  });
  await expect(adapter.good()).resolves.toBe(1);
  await expect(adapter.bad()).rejects.toBeInstanceOf(AzureError);
});

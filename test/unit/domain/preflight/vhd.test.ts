import { describe, expect, test } from '@jest/globals';
import { checkAccount, checkContainer, checkSource, type SourceAnswer } from '../../../../src/domain/preflight/vhd';
import { profile, requestFor } from '../../../support/requests';

const HOST = '5b000000-0000-4000-8000-000000000000';
const accountIn = (subscription: string): string =>
  `/subscriptions/${subscription}/resourceGroups/s/providers/Microsoft.Storage/storageAccounts/vhds`;
const blueprint = (storageAccountId = accountIn(HOST)) => {
  const image = { kind: 'vhd', uri: 'https://example.com/a.vhd', storageAccountId, container: 'vhds' };
  return { request: requestFor(1, { image }), profile };
};
const codes = (found: readonly { readonly code: string }[]): string[] => found.map(({ code }) => code);

describe('the source', () => {
  const GIB = 2 ** 30;
  const answer = (over: object): SourceAnswer => ({ kind: 'answered', status: 200, blobType: 'PageBlob', bytes: GIB + 512, ...over }); // prettier-ignore

  test.each<[string, SourceAnswer, string[]]>([
    ['a fixed VHD', answer({}), []],
    ['gone', answer({ status: 404, code: 'BlobNotFound' }), ['VhdSourceUnusable']],
    ['with a SAS that ran out', answer({ status: 403, code: 'AuthenticationFailed' }), ['VhdSourceUnusable']],
    ['of an account without public access', answer({ status: 409 }), ['VhdSourceUnusable']],
    ['behind a firewall', answer({ status: 403, code: 'AuthorizationFailure' }), ['CouldNotBeChecked']],
    ['of a server that is busy', answer({ status: 503 }), ['CouldNotBeChecked']],
    ['out of our reach', { kind: 'unreachable', reason: 'ENOTFOUND' }, ['CouldNotBeChecked']],
    ['a block blob', answer({ blobType: 'BlockBlob' }), ['VhdSourceUnusable']],
    ['of some web server', answer({ blobType: undefined }), ['VhdSourceUnusable']],
    ['without its footer', answer({ bytes: GIB }), ['VhdSourceUnusable']],
    ['of half a MiB more', answer({ bytes: GIB + 524_288 + 512 }), ['VhdSourceUnusable']],
    ['empty', answer({ bytes: 512 }), ['VhdSourceUnusable']],
    ['too large', answer({ bytes: 4_096 * GIB + 512 }), ['VhdSourceUnusable']],
    ['of an unknown size', answer({ bytes: NaN }), ['VhdSourceUnusable']],
  ])('%s', (_what, given, expected) => {
    expect(codes(checkSource(given))).toEqual(expected);
  });
});

test('bug: a source whose name does not resolve was to be mended with a rule of a firewall', () => {
  const remedyOf = (reason: string) => checkSource({ kind: 'unreachable', reason })[0]?.remedy;
  expect(remedyOf('ETIMEDOUT')).toContain('network-rule');
  for (const reason of ['ENOTFOUND', 'EAI_AGAIN']) {
    expect(remedyOf(reason)).not.toContain('network-rule');
    expect(remedyOf(reason)).toContain('image.uri');
  }
});

test.each([
  ['here', accountIn(HOST), 'West Europe', []],
  ['not shown', accountIn(HOST), undefined, []],
  ['in another region', accountIn(HOST), 'northeurope', ['VhdAccountElsewhere']],
  ['in another subscription', accountIn(HOST.replace(/0$/, '1')), 'westeurope', ['VhdAccountElsewhere']],
])('an account %s', (_what, id, location, expected) => {
  expect(codes(checkAccount(blueprint(id), location === undefined ? undefined : { location }))).toEqual(expected);
});

test('a container that is not there comes with the command that makes it', () => {
  expect(checkContainer(blueprint(), 'there')).toEqual([]);
  expect(checkContainer(blueprint(), 'absent')).toMatchObject([
    { code: 'VhdContainerNotFound', remedy: expect.stringContaining('--account-name vhds --name vhds') },
  ]);
});

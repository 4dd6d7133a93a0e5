import { expect, test } from '@jest/globals';
import { compareVersions, verdictOn } from '../../../../local/host/engine/versions';

test.each([
  ['', ' ', 0],
  ['', '1.0', -1],
  ['1.0', '', 1],
  ['1.10', '1.9', 1],
  ['1.0', '1.0.0', -1],
  ['1.2.3.4', '1.2.3.5', -1],
  ['2.0', '2.0', 0],
  // One number is no version to .NET, nor are five: as text, 10 comes before 9.
  ['10', '9', -1],
  ['1.2.3.4.5', '1.2.3.4.10', 1],
  ['v1', 'V1', 0],
  ['beta', 'alpha', 1],
])('%j against %j', (one, other, expected) => {
  expect(compareVersions(one, other)).toBe(expected);
  expect(compareVersions(other, one)).toBe(expected === 0 ? 0 : -expected);
});

test.each([
  ['None', '9.0', 'run'],
  ['Strict', '1.0', 'run'],
  ['Strict', '0.9', 'wait'],
  ['CurrentOrOlder', '0.9', 'run'],
  ['CurrentOrOlder', '', 'run'],
  ['CurrentOrOlder', '1.1', 'wait'],
] as const)('%s with an app of 1.0 and an instance of %j: %s', (match, version, verdict) => {
  expect(verdictOn(version, { defaultVersion: '1.0', match, failure: 'Reject' })).toBe(verdict);
});

/** Which versions of orchestrations this app may run: DurableTask.Core's rules, with the extension's defaults. */
import { type FailureDetails } from './failures';

export const MATCH_STRATEGIES = ['None', 'Strict', 'CurrentOrOlder'] as const;
export const FAILURE_STRATEGIES = ['Reject', 'Fail'] as const;

export interface Versioning {
  /** The app's own, which new instances and children get; without one they have none. */
  readonly defaultVersion: string | undefined;
  readonly match: (typeof MATCH_STRATEGIES)[number];
  readonly failure: (typeof FAILURE_STRATEGIES)[number];
}

/** `wait`: it stays as it is until a host runs an app that matches. It is looked at again at each message and at each start. */
export function verdictOn(
  version: string,
  { defaultVersion = '', match, failure }: Versioning,
): 'run' | 'wait' | 'fail' {
  const matches =
    match === 'None' ||
    (match === 'Strict' ? version === defaultVersion : compareVersions(version, defaultVersion) <= 0);
  if (matches) return 'run';
  return failure === 'Fail' ? 'fail' : 'wait';
}

export const VERSION_MISMATCH: FailureDetails = {
  ErrorType: 'VersionMismatch',
  ErrorMessage: 'Orchestration version did not comply with Worker Versioning',
  StackTrace: null,
  InnerFailure: null,
  IsNonRetriable: true,
  Properties: null,
};

/** None is older than any; two to four numbers compare as such, anything else as text whatever its case. */
export function compareVersions(one: string, other: string): number {
  if (one.trim() === '' || other.trim() === '') return Math.sign(one.trim().length - other.trim().length);
  const [a, b] = [numbersOf(one), numbersOf(other)];
  if (!a || !b) return order(one.toUpperCase(), other.toUpperCase());
  // A part that is not there is less than 0: 1.0 comes before 1.0.0.
  return [0, 1, 2, 3].map((part) => order(a[part] ?? -1, b[part] ?? -1)).find((found) => found !== 0) ?? 0;
}

const order = <T extends string | number>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

/** As System.Version reads them. */
function numbersOf(version: string): number[] | undefined {
  const parts = version.split('.');
  const areNumbers = parts.every((part) => /^\s*\+?\d+\s*$/.test(part) && Number(part) < 2 ** 31);
  return areNumbers && parts.length >= 2 && parts.length <= 4 ? parts.map(Number) : undefined;
}

/**
 * Holds every answer that the tests got of the simulated Azure against the simulator's own route tables and source: what
 * they never saw fails. It runs after all tests, by `scripts/test.mjs`.
 */
import { expect, test } from '@jest/globals';
import { operationOf, operations, statusesOf } from './operations';
import { LEDGER } from './record';
import { type Refusal, refusalsIn } from './refusals';
import { seenIn } from './seen';
import { folders, struck, unseen, withoutSdk } from './scope';

const folder = process.env[LEDGER] ?? '';
const seen = seenIn(folder);
const sources = [...folders.map((one) => `${one}/`), 'arm/', ...['call', 'dispatch', 'inside', 'odataFilter', 'paging', 'paths', 'refusal', 'server', 'text'].map((one) => `http/${one}.ts`)]; // prettier-ignore

test('every operation was asked by a real SDK, and answered in each way that it can succeed or miss', () => {
  const bySdk = new Map<string, Set<number>>();
  const byAny = new Map<string, Set<number>>();
  for (const one of seen) {
    const name = operationOf(one) ?? '';
    for (const known of one.sdk ? [bySdk, byAny] : [byAny]) known.set(name, (known.get(name) ?? new Set()).add(one.status));
  }
  const asked = operations.filter(({ folder: of }) => folders.includes(of)).map(({ name }) => name);
  const missing = asked.flatMap((name) => {
    const known = withoutSdk.some(([end]) => name.endsWith(end)) ? byAny : bySdk;
    return statusesOf(name).filter((status) => !known.get(name)?.has(status)).map((status) => `${name} ${status}`);
  });
  expect(missing).toEqual([]);
}); // prettier-ignore

test('an operation succeeds with no other status than those', () => {
  const asked = new Map(operations.filter(({ folder: of }) => folders.includes(of)).map(({ name }) => [name, statusesOf(name)]));
  const other = seen.flatMap((one) => {
    const name = operationOf(one) ?? '';
    const statuses = asked.get(name);
    return statuses === undefined || one.status >= 300 || statuses.includes(one.status) ? [] : [`${name} ${one.status}`];
  });
  expect([...new Set(other)]).toEqual([]);
}); // prettier-ignore

test('every refusal and failure of the source was told, in the words of the source', () => {
  const told = new Map<string, Set<string>>();
  for (const { code, message } of seen.flatMap((one) => one.told))
    told.set(code, (told.get(code) ?? new Set()).add(message));
  // An error of an expression stands inside the message of one of these.
  const around = ['InvalidTemplate', 'DeploymentOutputEvaluationFailed'];
  const wasTold = ({ code, message }: Refusal): boolean =>
    (code === undefined ? around : [code]).some((one) => [...(told.get(one) ?? [])].some((text) => message.test(text)));
  const missing = refusalsIn(sources).filter((one) => !wasTold(one));
  const isExplained = ({ code, words }: Refusal, text: string): boolean => `${code ?? ''} ${words}`.includes(text);
  const unexplained = missing.filter((one) => !unseen.some(([text]) => isExplained(one, text)));
  expect(unexplained.map(({ place, code, words }) => `${place} ${code ?? ''} ${words}`)).toEqual([]);
  // An explanation that nothing needs any more is one too many.
  expect(unseen.filter(([text]) => !missing.some((one) => isExplained(one, text)))).toEqual([]);
});

test('every answer had the headers that all of Azure has', () => {
  const broken = seen.flatMap(({ faults, method, url, status }) => faults.map((fault) => `${fault}: ${method} ${url} ${status}`)); // prettier-ignore
  const byAzure = broken.filter((one) => !struck.some((pattern) => pattern.test(one.slice(one.indexOf(': ') + 2))));
  expect(byAzure).toEqual([]);
});

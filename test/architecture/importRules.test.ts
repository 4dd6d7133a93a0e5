/** The import rules bite: each violation is planted, and seen by dependency-cruiser under the rule that forbids it. */
import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { inPlantedProject, root, runTool } from './plantedProject';

const report = z.object({
  summary: z.object({
    totalCruised: z.number(),
    violations: z.array(z.object({ from: z.string(), to: z.string(), rule: z.object({ name: z.string() }) })),
  }),
});
const cruise = (folder: string, folders: readonly string[]) =>
  runTool(folder, 'dependency-cruiser/bin/dependency-cruiser.mjs', [...folders, '--output-type', 'json'], report)
    .summary;

/** What the planted files import. */
const targets = {
  'src/domain/subject.ts': `export const subject = 1;`,
  'src/activities/contracts.ts': `export const activities = 1;`,
  'src/activities/subject.ts': `export const subject = 1;`,
  'src/azure/client.ts': `export const client = 1;`,
  'src/azure/ports.ts': `export interface Azure { readonly subject: 1 }`,
  'src/functions/subject.ts': `export const subject = 1;`,
  'local/clock.ts': `export const clock = 1;`,
  'local/host/subject.ts': `export const subject = 1;`,
  'cli/subject.ts': `export const subject = 1;`,
  'test/support/subject.ts': `export const subject = 1;`,
};

/** The file, what it imports, the rule that must object. */
const violations = [
  ['src/domain/sdk.ts', '@azure/arm-compute', 'domain: packages'],
  ['src/domain/node.ts', 'node:fs', 'domain: node'],
  ['src/domain/contracts.ts', '../activities/contracts', 'domain: ours'],
  ['src/activities/contracts.ts', '../azure/ports', 'contracts: ours'],
  ['src/orchestrations/activity.ts', '../activities/subject', 'orchestrations and entities: ours'],
  ['src/orchestrations/sdk.ts', '@azure/arm-network', 'orchestrations and entities: packages'],
  ['src/orchestrations/node.ts', 'node:fs', 'orchestrations and entities: node'],
  ['src/entities/activity.ts', '../activities/subject', 'orchestrations and entities: ours'],
  ['src/appliance/port.ts', 'ssh2', 'ports: packages'],
  ['src/activities/sdk.ts', '@azure/arm-compute', 'activities: no SDK'],
  ['src/activities/adapter.ts', '../azure/client', 'activities: ours'],
  ['src/azure/activity.ts', '../activities/subject', 'azure adapters: ours'],
  ['src/appliance/azure.ts', '../azure/client', 'appliance adapters: ours'],
  ['src/status/node.ts', 'node:fs', 'status: node'],
  ['src/config.ts', './domain/subject', 'config: ours'],
  ['src/composition.ts', './functions/subject', 'composition: ours'],
  ['src/functions/local.ts', '../../local/clock', 'src stands alone'],
  ['src/functions/cli.ts', '../../cli/subject', 'src stands alone'],
  ['src/functions/test.ts', '../../test/support/subject', 'nobody imports tests'],
  ['local/demo.ts', '../test/support/subject', 'nobody imports tests'],
  ['local/host/app.ts', '../../src/domain/subject', 'local host: ours'],
  ['local/azure/app.ts', '../../src/domain/subject', 'simulated Azure: ours'],
  ['local/azure/host.ts', '../host/subject', 'simulated Azure: ours'],
  ['local/appliance/app.ts', '../../src/domain/subject', 'simulated appliance: ours'],
  ['cli/activity.ts', '../src/activities/subject', 'cli: ours'],
] as const;

/** Allowed by the table, each by the narrowest of its rows. */
const allowed = [
  ['src/domain/library.ts', 'zod'],
  ['src/orchestrations/contract.ts', '../activities/contracts'],
  ['src/orchestrations/engine.ts', 'durable-functions'],
  ['src/activities/port.ts', '../azure/ports'],
  ['src/azure/sdk.ts', '@azure/arm-compute'],
  ['local/azure/time.ts', '../clock'],
  ['cli/domain.ts', '../src/domain/subject'],
  ['test/unit/anything.test.ts', '../../local/host/subject'],
] as const;

const importing = (rows: readonly (readonly [file: string, from: string, ...rest: string[]])[]) =>
  Object.fromEntries(rows.map(([file, from]) => [file, `import * as planted from '${from}';\nexport { planted };\n`]));

const seen = inPlantedProject({ ...targets, ...importing(violations), ...importing(allowed) }, (folder) =>
  cruise(folder, ['src', 'local', 'cli', 'test']),
);
const objections = (file: string) => seen.violations.filter(({ from }) => from === file).map(({ rule }) => rule.name);

test.each(violations)('%s may not import %s', (file, _, rule) => {
  expect(objections(file)).toContain(rule);
});

test.each(allowed)('%s may import %s', (file, _) => {
  expect(objections(file)).toEqual([]);
});

test('a cycle is caught', () => {
  const files = {
    'src/domain/hen.ts': `import { egg } from './egg';\nexport const hen = () => egg;\n`,
    'src/domain/egg.ts': `import { hen } from './hen';\nexport const egg = () => hen;\n`,
  };
  const { violations: found } = inPlantedProject(files, (folder) => cruise(folder, ['src']));
  expect(found.map(({ rule }) => rule.name)).toContain('no cycles');
});

/** With no TypeScript API beside it dependency-cruiser sees no module at all, and reports no violation either. */
test('this project is cruised, and clean', () => {
  const { totalCruised, violations: found } = cruise(root, ['src', 'test']);
  expect(totalCruised).toBeGreaterThan(3);
  expect(found).toEqual([]);
});

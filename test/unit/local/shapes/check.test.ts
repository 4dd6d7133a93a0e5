/** The check of recorded shapes: with findings made up here, and with the real CLI where it is at hand. */
import { globSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type Shape } from '../../../../local/azure/simulator/shapeRecord';
import { checkShapes } from '../../../../local/shapes/check';
import { bicepLint, type Lint } from '../../../../local/shapes/lint';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shapes-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const network = '/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network';
const nsg = (body: Record<string, unknown>, rest: Partial<Shape> = {}): Shape => ({
  seen: 'PUT',
  id: `${network}/networkSecurityGroups/nsg`,
  apiVersion: '2024-05-01',
  body: { location: 'westeurope', ...body },
  ...rest,
});
const well = nsg({ properties: { securityRules: [] } });
const misspelt = nsg({ properties: { securityRule: [] } });

function record(...shapes: readonly Shape[]): void {
  writeFileSync(join(folder, '1.jsonl'), shapes.map((shape) => `${JSON.stringify(shape)}\n`).join(''));
}

/** Finds fault with the lines that hold one of the words, and always with what every run plants. */
const finding =
  (code: string, ...words: readonly string[]): Lint =>
  (files) =>
    readdirSync(files)
      .filter((name) => name.endsWith('.bicep'))
      .flatMap((name) =>
        readFileSync(join(files, name), 'utf8')
          .split('\n')
          .flatMap((line, index) =>
            [...words, 'idleTimeoutInMinute'].some((word) => line.includes(`'${word}':`))
              ? [`/x/${name}(${index + 1},3) : Warning ${code}: Not allowed. [https://aka.ms/bicep]`]
              : [],
          ),
      )
      .join('\n');
const none = { explained: [], readings: {}, types: [] };

test('a misspelt member of a recorded body is a problem that names it', () => {
  record(well, misspelt);
  const { shapes, findings, problems } = checkShapes(folder, finding('BCP037', 'securityRule'), none);
  expect({ shapes, findings }).toEqual({ shapes: 2, findings: 1 });
  expect(problems).toEqual([
    'PUT Microsoft.Network/networkSecurityGroups@2024-05-01 properties.securityRule: BCP037 Not allowed. (1)',
  ]);
});

test('a finding with a reason is no problem, and a reason without a finding is one', () => {
  record(misspelt);
  const reason = { finding: /securityRule: BCP037/, why: 'a test' };
  const lint = finding('BCP037', 'securityRule');
  expect(checkShapes(folder, lint, { ...none, explained: [reason] }).problems).toEqual([]);
  record(well);
  expect(checkShapes(folder, lint, { ...none, explained: [reason] }).problems).toEqual([
    'explained.ts: nothing needs /securityRule: BCP037/ any more.',
  ]);
});

test('what is sent back as it was read is told from what is sent first', () => {
  record(nsg({ id: 'x' }), nsg({ id: 'x' }, { seen: 'answer' }));
  const { problems } = checkShapes(folder, finding('BCP073', 'id'), none);
  expect(problems.map((one) => one.split(' Microsoft')[0])).toEqual(['answer', 'PUT again']);
});

test('an api-version that is unknown is read by the one of the table, and the table has no more', () => {
  const type = 'Microsoft.Network/networkSecurityGroups';
  record(nsg({}, { apiVersion: '2099-01-01' }));
  const seen: string[] = [];
  const lint: Lint = (files) => {
    const texts = readdirSync(files).map((name) => [name, readFileSync(join(files, name), 'utf8')] as const);
    seen.push(...texts.flatMap(([, text]) => /networkSecurityGroups@[\d-]+/.exec(text) ?? []));
    const unknown = texts.filter(([, text]) => text.includes('@2099-01-01'));
    const said = unknown.map(([name]) => `${name}(1,1) : Warning BCP081: does not have types available.`);
    return [...said, finding('BCP037')(files)].join('\n');
  };
  expect(checkShapes(folder, lint, { ...none, readings: { [type]: '2024-05-01' } }).problems).toEqual([]);
  // Both are probed; the shape is linted as the one that is known.
  const [older, newer] = ['networkSecurityGroups@2024-05-01', 'networkSecurityGroups@2099-01-01'];
  expect(seen).toEqual([newer, older, older]);
  expect(checkShapes(folder, lint, none).problems).toEqual([`PUT ${type}@2099-01-01: Bicep has no types of it (1)`]);
  record(well);
  expect(checkShapes(folder, lint, { ...none, readings: { [type]: '2024-05-01' } }).problems).toEqual([
    `explained.ts: nothing needs the reading of ${type} any more.`,
  ]);
});

test('an answer whose own words do not fit its id, and an action, are findings without a lint', () => {
  record(
    nsg({ type: 'Microsoft.Network/networksecuritygroups', name: 'other' }, { seen: 'answer' }),
    nsg({}, { seen: 'POST', id: `${network}/virtualNetworks/v/doSomething` }),
  );
  const { problems } = checkShapes(folder, finding('BCP037'), none);
  expect(problems).toEqual([
    expect.stringContaining('its name is not the last of its id'),
    expect.stringContaining('its type is Microsoft.Network/networksecuritygroups'),
    expect.stringContaining('POST Microsoft.Network/virtualNetworks/doSomething@2024-05-01: the body of an action'),
  ]);
});

test('a CLI that finds nothing in what every run plants did not check, and no shape at all is a problem', () => {
  const { problems } = checkShapes(folder, () => 'Unhandled exception', none);
  expect(problems).toEqual([expect.stringContaining('No shape'), expect.stringContaining('did not check')]);
});

test('a simulated type of which no test records a request and an answer is a problem', () => {
  record(well);
  const types = ['microsoft.network/networkSecurityGroups'];
  expect(checkShapes(folder, finding('BCP037'), { ...none, types }).problems).toEqual([
    'answer microsoft.network/networkSecurityGroups: no test records one.',
  ]);
});

const [cli] = globSync('infra/.bicep/packages/azure.bicep.commandline.*/*/tools/bicep{,.exe}');

(cli === undefined ? test.skip : test)('the real CLI finds what is misspelt, and nothing in what is well', () => {
  const child = nsg(
    { properties: { delegatedManagedIdentityResourceId: "it's ${x}\n", principalId: 'p', roleDefinitionId: 'r' } },
    { id: `${well.id}/providers/Microsoft.Authorization/roleAssignments/a`, apiVersion: '2022-04-01' },
  );
  delete child.body['location'];
  const managementGroup = nsg(
    { properties: { displayName: 'mg' } },
    { id: '/providers/Microsoft.Management/managementGroups/mg', apiVersion: '2023-04-01' },
  );
  delete managementGroup.body['location'];
  const subnet = nsg(
    { properties: { addressPrefix: '10.0.0.0/24', natGateways: {} } },
    { id: `${network}/virtualNetworks/v/subnets/s` },
  );
  delete subnet.body['location'];
  const answers = [
    { properties: { provisioningState: 'Succeeded', resourceGuid: 'g' } },
    { properties: { provisioningstate: 'Succeeded' } },
    { properties: {}, type: 'Microsoft.Network/networksecuritygroups' },
  ].map((body) =>
    nsg({ id: well.id, name: 'nsg', type: 'Microsoft.Network/networkSecurityGroups', ...body }, { seen: 'answer' }),
  );
  record(well, misspelt, child, managementGroup, subnet, ...answers);
  const { problems } = checkShapes(folder, bicepLint(resolve(cli ?? '')), none);
  expect(problems.filter((one) => !one.includes('BCP394'))).toEqual([
    expect.stringContaining('networkSecurityGroups@2024-05-01 properties.provisioningstate: BCP089'),
    expect.stringContaining('networkSecurityGroups@2024-05-01 type: BCP088'),
    expect.stringContaining('networkSecurityGroups@2024-05-01: its type is Microsoft.Network/networksecuritygroups'),
    expect.stringContaining('networkSecurityGroups@2024-05-01 properties.securityRule: BCP089'),
    expect.stringContaining('subnets@2024-05-01 properties.natGateways: BCP089'),
  ]);
});

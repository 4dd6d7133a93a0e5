import { describe, expect, test } from '@jest/globals';
import { parseQuery, type Row } from '../../../../local/azure/resourceGraph/query';

const row = (over: Partial<Row> = {}): Row => ({
  subscriptionId: 'aaaa',
  name: 'one',
  tenantId: 't',
  tags: { Environment: 'Production' },
  properties: {
    state: 'Enabled',
    managementGroupAncestorsChain: [
      { name: 'landing-zones', displayName: 'Landing Zones' },
      { name: 'root', displayName: 'Root' },
    ],
  },
  ...over,
});
const subscriptions = "resourcecontainers | where type =~ 'Microsoft.Resources/subscriptions'";
const matches = (condition: string): boolean => parseQuery(`${subscriptions} | where ${condition}`).matches(row());

describe('conditions', () => {
  test.each([
    ["subscriptionId == 'aaaa'", true],
    ["subscriptionId == 'AAAA'", false],
    ["subscriptionId in~ ('AAAA', 'bbbb')", true],
    ["subscriptionId in ('AAAA')", false],
    ["subscriptionId !in~ ('AAAA')", false],
    ["tags['Environment'] =~ 'production'", true],
    ["tags['environment'] =~ 'production'", false],
    ["tags.Environment == 'production'", false],
    ["tags['absent'] =~ 'x'", false],
    ["properties.managementGroupAncestorsChain has 'landing-zones'", true],
    ["properties.managementGroupAncestorsChain has 'landing'", true],
    ["properties.managementGroupAncestorsChain has 'land'", false],
    ["properties.managementGroupAncestorsChain contains 'land'", true],
    ["properties.state =~ 'enabled' and name startswith 'O'", true],
    ["(subscriptionId == 'x' or name == 'one')", true],
    ["name == 'a | b'", false],
    ["(name == 'x') or (name == 'one')", true],
    ["(name == 'one') or (name == 'x')", true],
    ["((name == 'one' and subscriptionId == 'x') or name == 'one')", true],
    ["name == 'x' or name == 'one' and subscriptionId == 'x'", false],
  ])('%s is %s', (condition, expected) => {
    expect(matches(condition)).toBe(expected);
  });
});

test('a projection gives the columns that it names', () => {
  const { project } = parseQuery(
    `${subscriptions} | project subscriptionId, state = tostring(properties.state), t = tags`,
  );
  expect(project(row())).toEqual({ subscriptionId: 'aaaa', state: 'Enabled', t: { Environment: 'Production' } });
});

test.each([
  'resources',
  'resourcecontainers',
  `${subscriptions} | summarize count()`,
  `${subscriptions} | where name matches regex 'x'`,
  `${subscriptions} | where isnotempty(name)`,
  `${subscriptions} | join kind=inner (resources) on id`,
  `${subscriptions} | order by name asc`,
  `${subscriptions} | limit many`,
  `${subscriptions} | where name in~ (dynamic(['a']))`,
  "resourcecontainers | where type =~ 'microsoft.resources/subscriptions' or name == 'x'",
  "resourcecontainers | where type =~ 'microsoft.resources/subscriptions' and name == 'x' or name == 'y'",
  `${subscriptions} | project nothing`,
  `${subscriptions} | where tags['a'] != 'x'`,
])('%s is refused in words', (query) => {
  expect(() => {
    const parsed = parseQuery(query);
    parsed.matches(row());
    parsed.project(row());
  }).toThrow(expect.objectContaining({ name: 'UnsupportedQuery' }));
});

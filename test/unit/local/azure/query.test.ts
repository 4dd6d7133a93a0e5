import { describe, expect, test } from '@jest/globals';
import { type Columns, type Row } from '../../../../local/azure/resourceGraph/expressions';
import { answered, type Tables } from '../../../../local/azure/resourceGraph/query';

const columns: Columns = new Map([
  ['id', 'text'],
  ['name', 'text'],
  ['subscriptionId', 'text'],
  ['tags', 'dynamic'],
  ['properties', 'dynamic'],
]);
const one: Row = {
  id: '/subscriptions/aaaa',
  name: 'one',
  subscriptionId: 'aaaa',
  tags: { Environment: 'Production' },
  properties: {
    state: 'Enabled',
    size: 4,
    managementGroupAncestorsChain: [
      { name: 'landing-zones', displayName: 'Landing Zones' },
      { name: 'root', displayName: 'Root' },
    ],
  },
};
const two: Row = {
  id: '/subscriptions/bbbb',
  name: 'two',
  subscriptionId: 'bbbb',
  tags: null,
  properties: { state: 'Disabled' },
};
const other: Row = { id: 'AAAA', name: 'of one', subscriptionId: '', tags: null, properties: {} };
const tables: Tables = {
  things: () => ({ columns, rows: [one, two] }),
  others: () => ({ columns, rows: [other] }),
};
const rows = (query: string): readonly Row[] => answered(query, tables).rows;

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
    ["tostring(tags['absent']) != 'x'", true],
    ["properties.managementGroupAncestorsChain has 'landing-zones'", true],
    ["properties.managementGroupAncestorsChain has 'landing'", true],
    ["properties.managementGroupAncestorsChain has 'land'", false],
    ["properties.managementGroupAncestorsChain contains 'land'", true],
    ["properties.managementGroupAncestorsChain[1].name == 'root'", true],
    ['array_length(properties.managementGroupAncestorsChain) == 2', true],
    ['properties.size > 3 and properties.size <= 4', true],
    ["properties.state =~ 'enabled' and name startswith 'O'", true],
    ["name !contains 'n'", false],
    ["name endswith 'NE' and not(name endswith_cs 'NE')", true],
    ["(subscriptionId == 'x' or name == 'one')", true],
    ["name == 'a | b'", false],
    ["(name == 'x') or (name == 'one')", true],
    ["((name == 'one' and subscriptionId == 'x') or name == 'one')", true],
    ["name == 'x' or name == 'one' and subscriptionId == 'x'", false],
    ["strcat(name, '-', subscriptionId) == 'one-aaaa'", true],
    ["tostring(split(id, '/', 2)[0]) == 'aaaa'", true],
    ['isnotempty(tags.Environment) and isnull(tags.absent)', true],
  ])('%s is %s', (condition, expected) => {
    expect(rows(`things | where name == 'one' | where ${condition}`)).toHaveLength(expected ? 1 : 0);
  });
});

test.each([
  [
    "Things | where name == 'one' | project subscriptionId, state = tostring(properties.state), t = tags",
    [{ subscriptionId: 'aaaa', state: 'Enabled', t: { Environment: 'Production' } }],
  ],
  ['things | project properties.state', [{ properties_state: 'Enabled' }, { properties_state: 'Disabled' }]],
  ['things | order by name asc | project name', [{ name: 'one' }, { name: 'two' }]],
  ['things | order by name | project name | take 1', [{ name: 'two' }]],
  ['things | top 1 by name asc | project-away id, tags, properties', [{ name: 'one', subscriptionId: 'aaaa' }]],
  ['things | count', [{ Count: 2 }]],
  ['things | where false | summarize count()', [{ count_: 0 }]],
  [
    'things | summarize n = count(), names = make_set(name) by state = tostring(properties.state)',
    [
      { state: 'Enabled', n: 1, names: ['one'] },
      { state: 'Disabled', n: 1, names: ['two'] },
    ],
  ],
  ['things | extend x = tolower(name) | distinct x', [{ x: 'one' }, { x: 'two' }]],
  [
    'things | extend key = toupper(subscriptionId) | join kind = leftouter (others | project id, label = name) on $left.key == $right.id | project name, label',
    [
      { name: 'one', label: 'of one' },
      { name: 'two', label: null },
    ],
  ],
])('%s', (query, expected) => {
  expect(rows(query)).toEqual(expected);
});

test.each([
  'nothing',
  "things | where name matches regex 'x'",
  'things | join kind=rightouter (others) on id',
  'things | join kind=inner (others) on properties',
  'things | limit many',
  "things | where name in~ (dynamic(['a']))",
  'things | project nothing',
  'things | where name',
  "things | where tags['a'] != 'x'",
  "things | where name > 'a'",
  'things | summarize percentile(name, 5)',
  'things | mv-expand tags',
  'things | extend x = now()',
  'things | project tolower(name)',
  "things | where name == 'a\\'b'",
])('%s is refused in words', (query) => {
  expect(() => rows(query)).toThrow(expect.objectContaining({ name: 'UnsupportedQuery' }));
});

import { describe, expect, test } from '@jest/globals';
import { ExpressionError, resolve } from '../../../../local/azure/deployments/expressions';
import { pureFunction } from '../../../../local/azure/deployments/functions';

const worth = (text: string): unknown => resolve(text, pureFunction);

describe('template expressions', () => {
  // The values of uniqueString and guid are those of Bicep 0.49.2 (`bicep snapshot`).
  test.each([
    ["[uniqueString('a')]", 'eveiun73364hy'],
    ["[uniqueString('hello', 'world')]", 'a7wkljktk6wne'],
    ["[uniqueString('1234567')]", '3ndrvexjbt7ow'],
    ["[uniqueString('/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg1')]", 'fep24imnwbtpi'],
    ["[guid('a', 'b')]", '2d796349-8c7e-55ec-9624-54ece82ed031'],
    ["[guid('hello')]", '520f8434-fe3a-5d99-888d-450a827486a1'],
    ["[format('{0}-{1:D3}', 'x', 7)]", 'x-007'],
    ["[concat('it''s ', toUpper('me'))]", "it's ME"],
    ["[createObject('a', createArray(1, 2)).A[1]]", 2],
    ["[if(equals(1, 1), 'yes', json('no json'))]", 'yes'],
    ["[coalesce(null(), tryGet(createObject('a', 1), 'b'), 'c')]", 'c'],
    ["[union(createObject('a', 1), createObject('b', 2))]", { a: 1, b: 2 }],
    ['[[literal]', '[literal]'],
    ['plain', 'plain'],
  ])('%s', (text, value) => {
    expect(worth(text)).toEqual(value);
  });

  test.each(["[concat('a']", '[nonsense()]', "[createObject('a', 1).b]", '[1 2]'])('%s is refused', (text) => {
    expect(() => worth(text)).toThrow(ExpressionError);
  });
});

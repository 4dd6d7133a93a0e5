import { expect, test } from '@jest/globals';
import { parseRoute } from '../../../../local/host/http/routes';

test.each<[string, string, Record<string, string> | undefined]>([
  ['', '/', {}],
  ['a/b', '/A/b/', {}],
  ['a/b', '/a//b', undefined],
  ['a/{x}', '/a/1%202', { x: '1 2' }],
  ['a/{x}', '/a/1%2F2', { x: '1%2F2' }],
  ['a/{x}', '/a/%zz', { x: '%zz' }],
  ['a/{x}', '/a', undefined],
  ['a/{x?}', '/a/', {}],
  ['a/{x?}', '/a/1', { x: '1' }],
  ['{area}/{id:int?}', '/x', { area: 'x' }],
  ['{area}/{id:int?}', '/x/y', undefined],
  ['a/{x=5}/{y?}', '/a', { x: '5' }],
  ['{*rest}', '/', {}],
  ['a/{*rest}', '/a/b/c', { rest: 'b/c' }],
  ['a/{**rest:minlength(4)}', '/a/b/c', undefined],
  ['{name}.{ext}', '/a.b.txt', { name: 'a.b', ext: 'txt' }],
  ['v{major:int}-x', '/v12-x', { major: '12' }],
  ['v{major:int}-x', '/vA-x', undefined],
  ['{{x}}', '/{x}', {}],
  ['a+b', '/a+b', {}],
])('%s on %s', (route, path, values) => {
  expect(parseRoute(route).match(path)).toEqual(values);
});

const guid = '0f8fad5b-d9cb-469f-a165-70867728950e';
test.each<[constraint: string, yes: string[], no: string[]]>([
  ['int', ['0', '-7', '+7', '2147483647'], ['1.0', 'x', '2147483648', '1e3']],
  ['long', ['9223372036854775807'], ['9223372036854775808', 'x']],
  ['bool', ['true', 'FALSE'], ['1', 'yes']],
  ['datetime', ['2026-01-31', '2026-01-31T10:00:00Z'], ['soon']],
  ['decimal', ['1', '-1.5', '1,000.5'], ['1e3', 'x', '-']],
  ['double', ['1.5', '-.5', '1e3', 'NaN'], ['x', 'e3']],
  ['float', ['1.5'], ['x']],
  ['guid', [guid, guid.toUpperCase(), guid.replaceAll('-', ''), `{${guid}}`], ['1', guid.slice(1)]],
  ['alpha', ['abcXYZ'], ['a1', 'ä']],
  ['minlength(2)', ['ab'], ['a']],
  ['maxlength(2)', ['ab'], ['abc']],
  ['length(2)', ['ab'], ['a', 'abc']],
  ['length(2,3)', ['ab', 'abc'], ['a', 'abcd']],
  ['min(18)', ['18', '100'], ['17', 'x']],
  ['max(-1)', ['-1'], ['0']],
  ['range(18,120)', ['18', '120'], ['17', '121', 'x']],
  ['regex(^\\d{{3}}-[a-z]$)', ['123-a', '123-Z'], ['12-a', 'x123-a']],
  ['regex(^(a|b)/?$)', ['a', 'B'], ['c']],
  ['int:min(3):max(5)', ['3', '5'], ['2', '6']],
  ['INT', ['1'], ['x']],
])('{x:%s}', (constraint, yes, no) => {
  const route = parseRoute(`{x:${constraint}}`);
  const holds = (value: string): boolean => route.match(`/${encodeURIComponent(value)}`)?.x === value;
  expect([yes.filter(holds), no.filter(holds)]).toEqual([yes, []]);
});

test('of two that match, the narrower wins', () => {
  const routes = ['{*rest}', '{x}', 'a', '{x:int}', 'a/{x?}', 'v{x}', 'a/b'];
  const rank = (route: string): string => parseRoute(route).precedence;
  expect(routes.sort((one, other) => rank(one).localeCompare(rank(other)))).toEqual([
    'a',
    'a/b',
    'a/{x?}',
    '{x:int}',
    'v{x}',
    '{x}',
    '{*rest}',
  ]);
});

test.each(['{x:even}', '{x:min(a)}', '{x:range(1)}', '{x:regex([)}', '{x', 'x}', '{}', 'a{x?}'])(
  "'%s' is refused",
  (route) => {
    expect(() => parseRoute(route)).toThrow(`The route '${route}' cannot be read: `);
  },
);

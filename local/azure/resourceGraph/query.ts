/**
 * The queries of Azure Resource Graph that this Azure answers. Whatever it does not understand whole it refuses in words,
 * so that a query is never answered wrongly.
 */
import { asText, type Columns, compile, type Compiled, type Row, UnsupportedQuery } from './expressions';

export interface Table {
  readonly columns: Columns;
  readonly rows: readonly Row[];
}
/** By lower-case name; read when a query names one. */
export type Tables = Readonly<Record<string, () => Table>>;

export function answered(text: string, tables: Tables): Table {
  const [first = '', ...stages] = split(text.replace(/^\s*\/\/.*$/gm, ''), '|').map((stage) => stage.trim());
  const read = tables[first.toLowerCase()];
  if (read === undefined)
    throw new UnsupportedQuery(`the table '${first}' is not simulated, only ${Object.keys(tables).join(', ')}`);
  return stages.reduce((table, stage) => staged(table, stage, tables), read());
}

function staged(table: Table, stage: string, tables: Tables): Table {
  const [, verb = '', rest = ''] = /^([\w-]+)\s*([\s\S]*)$/.exec(stage) ?? [];
  const work = stageTable[verb.toLowerCase()];
  if (work === undefined) throw new UnsupportedQuery(`the operator '${stage}' is not simulated`);
  return work(table, rest.trim(), tables);
}

const stageTable: Readonly<Record<string, (table: Table, rest: string, tables: Tables) => Table>> = {
  where,
  project: (table, rest) => projected(table, rest),
  extend: (table, rest) => extended(table, rest),
  'project-away': away,
  distinct,
  order: (table, rest) => sorted(table, rest),
  sort: (table, rest) => sorted(table, rest),
  top: (table, rest) => {
    const [, size, by] = /^(\d+)\s+(by[\s\S]+)$/i.exec(rest) ?? [];
    if (size === undefined || by === undefined) throw new UnsupportedQuery(`'top ${rest}' is not simulated`);
    const { columns, rows } = sorted(table, by);
    return { columns, rows: rows.slice(0, Number(size)) };
  },
  limit: limited,
  take: limited,
  count: ({ rows }, rest) => {
    if (rest !== '') throw new UnsupportedQuery(`'count ${rest}' is not simulated`);
    return { columns: new Map([['Count', 'number']]), rows: [{ Count: rows.length }] };
  },
  summarize,
  join,
};

function where(table: Table, rest: string): Table {
  const { kind, of } = compile(rest, table.columns);
  if (kind !== 'bool') throw new UnsupportedQuery(`the condition '${rest}' is not simulated`);
  return { ...table, rows: table.rows.filter((row) => of(row) === true) };
}

interface Named extends Compiled {
  readonly name: string;
}

/** `name`, `name = expression`; a path alone is named after its parts, as `properties_state`. */
const namedOf = (rest: string, columns: Columns): Named[] =>
  split(rest, ',').map((part) => {
    const [, name, text] = /^\s*(\w+)\s*=(?![=~])([\s\S]+)$/.exec(part) ?? [];
    if (name !== undefined && text !== undefined) return { name, ...compile(text, columns) };
    const plain = part.trim();
    if (!/^[\w.]+$/.test(plain)) throw new UnsupportedQuery(`'${plain}' needs a name`);
    return { name: plain.replaceAll('.', '_'), ...compile(plain, columns) };
  });

const kindsOf = (named: readonly Named[]): [string, Compiled['kind']][] => named.map(({ name, kind }) => [name, kind]);
const valuesOf = (named: readonly Named[], row: Row): Row =>
  Object.fromEntries(named.map(({ name, of }) => [name, of(row) ?? null]));

function projected({ columns, rows }: Table, rest: string): Table {
  const named = namedOf(rest, columns);
  return { columns: new Map(kindsOf(named)), rows: rows.map((row) => valuesOf(named, row)) };
}

function extended({ columns, rows }: Table, rest: string): Table {
  const named = namedOf(rest, columns);
  return {
    columns: new Map([...columns, ...kindsOf(named)]),
    rows: rows.map((row) => ({ ...row, ...valuesOf(named, row) })),
  };
}

function away({ columns, rows }: Table, rest: string): Table {
  const gone = split(rest, ',').map((name) => name.trim());
  const unknown = gone.find((name) => !columns.has(name));
  if (unknown !== undefined) throw new UnsupportedQuery(`'${unknown}' is not simulated`);
  const kept = (name: string): boolean => !gone.includes(name);
  return {
    columns: new Map([...columns].filter(([name]) => kept(name))),
    rows: rows.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => kept(name)))),
  };
}

function distinct(table: Table, rest: string): Table {
  const { columns, rows } = projected(table, rest);
  return { columns, rows: [...new Map(rows.map((row) => [JSON.stringify(row), row])).values()] };
}

function limited(table: Table, rest: string): Table {
  if (!/^\d+$/.test(rest)) throw new UnsupportedQuery(`'limit ${rest}' is not simulated`);
  return { ...table, rows: table.rows.slice(0, Number(rest)) };
}

/** Descending where nothing is said, as in the language. */
function sorted({ columns, rows }: Table, rest: string): Table {
  const [, list] = /^by\s+([\s\S]+)$/i.exec(rest) ?? [];
  if (list === undefined) throw new UnsupportedQuery(`'order ${rest}' is not simulated`);
  const keys = split(list, ',').map((part) => {
    const [, text = '', direction] = /^\s*([\s\S]+?)(?:\s+(asc|desc))?\s*$/i.exec(part) ?? [];
    return { ...compile(text, columns), sign: direction?.toLowerCase() === 'asc' ? 1 : -1 };
  });
  const compared = (a: Row, b: Row): number => {
    for (const { of, sign } of keys) {
      const order = sign * compareValues(of(a), of(b));
      if (order !== 0) return order;
    }
    return 0;
  };
  return { columns, rows: rows.toSorted(compared) };
}

function compareValues(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [left, right] = [asText(a), asText(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

const aggregates: Readonly<Record<string, (values: readonly unknown[]) => unknown>> = {
  count: (values) => values.length,
  countif: (values) => values.filter((value) => value === true).length,
  dcount: (values) => new Set(values.map(asText)).size,
  make_set: (values) => [...new Map(present(values).map((value) => [JSON.stringify(value), value])).values()],
  make_list: (values) => present(values),
};
const present = (values: readonly unknown[]): unknown[] =>
  values.filter((value) => value !== undefined && value !== null);
const AGGREGATE = /^\s*(?:(\w+)\s*=\s*)?(\w+)\(([\s\S]*)\)\s*$/;

function summarize({ columns, rows }: Table, rest: string): Table {
  const [text = '', by, more] = split(rest, ' by ');
  if (more !== undefined) throw new UnsupportedQuery(`'summarize ${rest}' is not simulated`);
  const keys = by === undefined ? [] : namedOf(by, columns);
  const made = split(text, ',').map((part) => {
    const [, name, called = '', of = ''] = AGGREGATE.exec(part) ?? [];
    const work = aggregates[called.toLowerCase()];
    if (work === undefined || (of.trim() === '') !== (called.toLowerCase() === 'count'))
      throw new UnsupportedQuery(`'${part.trim()}' is not simulated`);
    const value = of.trim() === '' ? undefined : compile(of, columns);
    const plain = of.trim().replace(/\W+/g, '_');
    return { name: name ?? `${called.toLowerCase()}_${plain}`, work, value, isList: called.startsWith('make') };
  });
  const groups = Map.groupBy(rows, (row) => JSON.stringify(valuesOf(keys, row)));
  // Without `by` there is one row, of nothing too.
  if (keys.length === 0 && groups.size === 0) groups.set('{}', []);
  const found = [...groups.values()].map((group) => ({
    ...(group[0] === undefined ? {} : valuesOf(keys, group[0])),
    ...Object.fromEntries(
      made.map(({ name, work, value }) => [
        name,
        work(group.map((row) => (value === undefined ? row : value.of(row)))),
      ]),
    ),
  }));
  const kinds = made.map(({ name, isList }): [string, Compiled['kind']] => [name, isList ? 'dynamic' : 'number']);
  return { columns: new Map([...kindsOf(keys), ...kinds]), rows: found };
}

const JOIN =
  /^kind\s*=\s*(leftouter|fullouter|inner)\s*\(([\s\S]+)\)\s*on\s+(?:\$left\.(\w+)\s*==\s*\$right\.(\w+)|(\w+))$/i;

/** `leftouter`, `fullouter` and `inner`, on one column of each side. A column that both have comes again with a 1, as in the language. */
function join(table: Table, rest: string, tables: Tables): Table {
  const [, kind, inner, left, right, both] = JOIN.exec(rest) ?? [];
  const [from, to] = [left ?? both, right ?? both];
  if (kind === undefined || inner === undefined || from === undefined || to === undefined)
    throw new UnsupportedQuery(`'join ${rest}' is not simulated`);
  const other = answered(inner, tables);
  for (const [side, name] of [
    [table, from],
    [other, to],
  ] as const)
    if (side.columns.get(name) !== 'text')
      throw new UnsupportedQuery(`a join on '${name}', which is no text, is not simulated`);
  const names = [...other.columns.keys()].map((name) => [name, table.columns.has(name) ? `${name}1` : name] as const);
  const matching = Map.groupBy(other.rows, (row) => asText(row[to]));
  // What has no match has nothing on the right side: such a column may be absent.
  const absent: Compiled['kind'] = 'dynamic';
  const isOuter = kind.toLowerCase() !== 'inner';
  const isFull = kind.toLowerCase() === 'fullouter';
  const found = new Set(table.rows.map((row) => asText(row[from])));
  const unmatched = isFull ? other.rows.filter((row) => !found.has(asText(row[to]))) : [];
  const shownOf = (one: Row): Row => Object.fromEntries(names.map(([name, shown]) => [shown, one[name] ?? null]));
  return {
    columns: new Map([
      ...[...table.columns].map(([name, of]): [string, Compiled['kind']] => [name, isFull ? absent : of]),
      ...names.map(([name, shown]): [string, Compiled['kind']] => [shown, isOuter ? absent : (other.columns.get(name) ?? absent)]), // prettier-ignore
    ]),
    rows: [
      ...table.rows.flatMap((row) => {
        const right = matching.get(asText(row[from])) ?? (isOuter ? [{}] : []);
        return right.map((one: Row) => ({ ...row, ...shownOf(one) }));
      }),
      ...unmatched.map((one) => ({
        ...Object.fromEntries([...table.columns.keys()].map((name) => [name, null])),
        ...shownOf(one),
      })),
    ],
  };
}

/** Splits at a separator outside quotes and parentheses. */
function split(text: string, separator: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let quote = '';
  let from = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (quote !== '') quote = char === quote ? '' : quote;
    else if (char === "'" || char === '"') quote = char;
    else if (char === '(' || char === '[') depth += 1;
    else if (char === ')' || char === ']') depth -= 1;
    else if (depth === 0 && text.slice(at, at + separator.length).toLowerCase() === separator) {
      parts.push(text.slice(from, at));
      from = at + separator.length;
    }
  }
  return [...parts, text.slice(from)];
}

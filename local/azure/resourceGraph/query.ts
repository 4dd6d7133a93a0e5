/**
 * The queries of Azure Resource Graph that this Azure answers: subscriptions out of `resourcecontainers`.
 * Whatever it does not understand whole it refuses in words, so that a query is never answered wrongly.
 */
export interface Row {
  readonly subscriptionId: string;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly tenantId: string;
  readonly properties: {
    readonly state: string;
    readonly managementGroupAncestorsChain: readonly { readonly name: string; readonly displayName: string }[];
  };
}

type Condition = (row: Row) => boolean;

export interface Query {
  readonly matches: Condition;
  readonly project: (row: Row) => Record<string, unknown>;
  readonly descending: boolean;
  readonly limit: number;
  readonly count: boolean;
}

/** Why a query is not answered, in words for its author. */
export class UnsupportedQuery extends Error {
  override readonly name = 'UnsupportedQuery';
}

const TYPE = /^type\s*(?:=~|==)\s*(['"])microsoft\.resources\/subscriptions\1$/i;

export function parseQuery(text: string): Query {
  const [table, ...stages] = split(text, '|').map((stage) => stage.trim().replace(/\s+/g, ' '));
  if (table?.toLowerCase() !== 'resourcecontainers')
    throw new UnsupportedQuery(`only the table 'resourcecontainers' is simulated, not '${table ?? ''}'`);
  const state = {
    conditions: [] as Condition[],
    project: all,
    descending: false,
    limit: Infinity,
    count: false,
    typed: false,
  };
  for (const stage of stages) {
    const [, verb = '', rest = ''] = /^([\w-]+)\s*(.*)$/.exec(stage) ?? [];
    if (verb === 'where') {
      for (const part of split(rest, ' and ')) {
        if (TYPE.test(part.trim())) state.typed = true;
        else state.conditions.push(condition(part.trim()));
      }
    } else if (verb === 'project') state.project = projection(rest);
    else if (verb === 'order' || verb === 'sort') state.descending = ordering(rest);
    else if (verb === 'limit' || verb === 'take') state.limit = Number(rest);
    else if (verb === 'count' && rest === '') state.count = true;
    else throw new UnsupportedQuery(`the operator '${stage}' is not simulated`);
  }
  if (!state.typed) throw new UnsupportedQuery("say where type =~ 'microsoft.resources/subscriptions'");
  const { conditions, project, descending, limit, count } = state;
  return { matches: (row) => conditions.every((one) => one(row)), project, descending, limit, count };
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

const all = (row: Row): Record<string, unknown> => ({
  id: `/subscriptions/${row.subscriptionId}`,
  name: row.name,
  type: 'microsoft.resources/subscriptions',
  tenantId: row.tenantId,
  kind: '',
  location: '',
  resourceGroup: '',
  subscriptionId: row.subscriptionId,
  tags: row.tags,
  properties: row.properties,
});

/** The value of a column or of a path into one; undefined where the path leads nowhere. */
function value(row: Row, expression: string): unknown {
  const inner = /^(?:tostring|tolower|string)\((.*)\)$/i.exec(expression)?.[1];
  if (inner !== undefined) {
    const found = value(row, inner.trim());
    return typeof found === 'string'
      ? /^tolower/i.test(expression)
        ? found.toLowerCase()
        : found
      : found === undefined
        ? ''
        : JSON.stringify(found);
  }
  const tag = /^tags(?:\[['"](.+)['"]\]|\.(\w+))$/.exec(expression);
  if (tag !== null) {
    const name = (tag[1] ?? tag[2] ?? '').toLowerCase();
    return Object.entries(row.tags).find(([key]) => key.toLowerCase() === name)?.[1];
  }
  if (/^properties\.state$/.test(expression)) return row.properties.state;
  if (/^properties\.managementGroupAncestorsChain$/i.test(expression))
    return row.properties.managementGroupAncestorsChain;
  const columns = all(row);
  if (expression in columns) return columns[expression];
  throw new UnsupportedQuery(`'${expression}' is not simulated`);
}

const literal = (text: string): string | undefined => /^(['"])(.*)\1$/.exec(text.trim())?.[2];

function literals(text: string): string[] {
  const list = /^\((.*)\)$/.exec(text.trim())?.[1];
  if (list === undefined) throw new UnsupportedQuery(`'${text}' is not a list in parentheses`);
  return split(list, ',').map((one) => {
    const found = literal(one);
    if (found === undefined) throw new UnsupportedQuery(`'${one}' is not a quoted text`);
    return found;
  });
}

const asText = (found: unknown): string =>
  typeof found === 'string' ? found : found === undefined ? '' : JSON.stringify(found);
const isTerm = (text: string, term: string): boolean =>
  new RegExp(`(^|[^\\p{L}\\p{N}])${term.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}($|[^\\p{L}\\p{N}])`, 'iu').test(text);

const operators: Readonly<Record<string, (found: string, wanted: string) => boolean>> = {
  '==': (found, wanted) => found === wanted,
  '=~': (found, wanted) => found.toLowerCase() === wanted.toLowerCase(),
  '!=': (found, wanted) => found !== wanted,
  '!~': (found, wanted) => found.toLowerCase() !== wanted.toLowerCase(),
  contains: (found, wanted) => found.toLowerCase().includes(wanted.toLowerCase()),
  has: isTerm,
  startswith: (found, wanted) => found.toLowerCase().startsWith(wanted.toLowerCase()),
};

function condition(text: string): Condition {
  const alternatives = split(text.replace(/^\((.*)\)$/, '$1'), ' or ');
  if (alternatives.length > 1) {
    const tests = alternatives.map((one) => condition(one.trim()));
    return (row) => tests.some((test) => test(row));
  }
  const many = /^(.+?) (in~|in|!in~|!in) (\(.*\))$/i.exec(text);
  if (many?.[1] !== undefined && many[2] !== undefined && many[3] !== undefined) {
    const [column, operator] = [many[1], many[2].toLowerCase()];
    const fold = operator.endsWith('~') ? (one: string): string => one.toLowerCase() : (one: string): string => one;
    const wanted = new Set(literals(many[3]).map(fold));
    return (row) => wanted.has(fold(asText(value(row, column)))) !== operator.startsWith('!');
  }
  const one = /^(.+?)\s*(==|=~|!=|!~| contains | has | startswith )\s*((['"]).*\4)$/i.exec(text);
  const wanted = one?.[3] === undefined ? undefined : literal(one[3]);
  const compare = operators[one?.[2]?.trim().toLowerCase() ?? ''];
  if (one?.[1] === undefined || wanted === undefined || compare === undefined)
    throw new UnsupportedQuery(`the condition '${text}' is not simulated`);
  const column = one[1].trim();
  return (row) => compare(asText(value(row, column)), wanted);
}

function projection(text: string): Query['project'] {
  const columns = split(text, ',').map((part) => {
    const [name = '', expression] = split(part, '=').map((one) => one.trim());
    return [name, expression ?? name] as const;
  });
  return (row) => Object.fromEntries(columns.map(([name, expression]) => [name, value(row, expression) ?? null]));
}

function ordering(text: string): boolean {
  const match = /^by (?:subscriptionId|id)(?: (asc|desc))?$/i.exec(text);
  if (match === null) throw new UnsupportedQuery(`only 'order by subscriptionId' is simulated, not '${text}'`);
  return match[1]?.toLowerCase() === 'desc';
}

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
      const isChoice = split(rest, ' or ').length > 1;
      for (const part of isChoice ? [rest] : split(rest, ' and ')) {
        if (TYPE.test(part.trim())) state.typed = true;
        else state.conditions.push(condition(part.trim()));
      }
    } else if (verb === 'project') state.project = projection(rest);
    else if (verb === 'order' || verb === 'sort') state.descending = ordering(rest);
    else if ((verb === 'limit' || verb === 'take') && /^\d+$/.test(rest)) state.limit = Number(rest);
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
  // Paths into a bag are case-sensitive in this language, though tag names are not elsewhere in Azure.
  if (tag !== null) return row.tags[tag[1] ?? tag[2] ?? ''];
  if (/^properties\.state$/.test(expression)) return row.properties.state;
  if (/^properties\.managementGroupAncestorsChain$/i.test(expression))
    return row.properties.managementGroupAncestorsChain;
  const columns = all(row);
  if (expression in columns) return columns[expression];
  throw new UnsupportedQuery(`'${expression}' is not simulated`);
}

/** A quoted text without its own quote inside: anything else is not one literal. */
const literal = (text: string): string | undefined => /^(['"])((?:(?!\1).)*)\1$/.exec(text.trim())?.[2];

/** Without the parentheses around it, if they are one pair. */
function unwrapped(text: string): string {
  const inner = /^\((.*)\)$/.exec(text)?.[1];
  if (inner === undefined) return text;
  let depth = 0;
  for (const char of inner) {
    depth += char === '(' ? 1 : char === ')' ? -1 : 0;
    if (depth < 0) return text;
  }
  return unwrapped(inner.trim());
}

function literals(text: string): string[] {
  const list = /^\((.*)\)$/.exec(text.trim())?.[1];
  if (list === undefined) throw new UnsupportedQuery(`'${text}' is not a list in parentheses`);
  return split(list, ',').map((one) => {
    const found = literal(one);
    if (found === undefined) throw new UnsupportedQuery(`'${one}' is not a quoted text`);
    return found;
  });
}

const probe: Row = {
  subscriptionId: '',
  name: '',
  tags: {},
  tenantId: '',
  properties: { state: '', managementGroupAncestorsChain: [] },
};

/** A column that is not known is refused even where no row would have been asked for it. */
function demandColumn(expression: string, operator = ''): void {
  // What an absent tag differs from is a question of nulls that nobody here has answered.
  if (operator.startsWith('!') && expression.startsWith('tags'))
    throw new UnsupportedQuery(`'${operator}' on a tag is not simulated`);
  value(probe, expression);
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

function condition(wrapped: string): Condition {
  const text = unwrapped(wrapped);
  // `or` binds weaker than `and`.
  const alternatives = split(text, ' or ').map((one) => one.trim());
  if (alternatives.length > 1) {
    const tests = alternatives.map(condition);
    return (row) => tests.some((test) => test(row));
  }
  const conjuncts = split(text, ' and ').map((one) => one.trim());
  if (conjuncts.length > 1) {
    const tests = conjuncts.map(condition);
    return (row) => tests.every((test) => test(row));
  }
  return comparison(text);
}

function comparison(text: string): Condition {
  const many = /^(.+?) (in~|in|!in~|!in) (\(.*\))$/i.exec(text);
  if (many?.[1] !== undefined && many[2] !== undefined && many[3] !== undefined) {
    const [column, operator] = [many[1], many[2].toLowerCase()];
    const fold = operator.endsWith('~') ? (one: string): string => one.toLowerCase() : (one: string): string => one;
    const wanted = new Set(literals(many[3]).map(fold));
    demandColumn(column, operator);
    return (row) => wanted.has(fold(asText(value(row, column)))) !== operator.startsWith('!');
  }
  const one = /^(.+?)\s*(==|=~|!=|!~| contains | has | startswith )\s*((['"]).*\4)$/i.exec(text);
  const wanted = one?.[3] === undefined ? undefined : literal(one[3]);
  const compare = operators[one?.[2]?.trim().toLowerCase() ?? ''];
  if (one?.[1] === undefined || wanted === undefined || compare === undefined)
    throw new UnsupportedQuery(`the condition '${text}' is not simulated`);
  const column = one[1].trim();
  demandColumn(column, one[2]?.trim());
  return (row) => compare(asText(value(row, column)), wanted);
}

function projection(text: string): Query['project'] {
  const columns = split(text, ',').map((part) => {
    const [name = '', expression] = split(part, '=').map((one) => one.trim());
    demandColumn(expression ?? name);
    return [name, expression ?? name] as const;
  });
  return (row) => Object.fromEntries(columns.map(([name, expression]) => [name, value(row, expression) ?? null]));
}

function ordering(text: string): boolean {
  const match = /^by (?:subscriptionId|id)(?: (asc|desc))?$/i.exec(text);
  if (match === null) throw new UnsupportedQuery(`only 'order by subscriptionId' is simulated, not '${text}'`);
  return match[1]?.toLowerCase() === 'desc';
}

/** Scalar expressions of the query language, as far as they are understood whole: anything else is refused. */

export type Row = Readonly<Record<string, unknown>>;
/** What is known of a value before there is a row: only what is dynamic may be absent. */
type Kind = 'text' | 'number' | 'bool' | 'dynamic';
export type Columns = ReadonlyMap<string, Kind>;

export interface Compiled {
  readonly kind: Kind;
  readonly of: (row: Row) => unknown;
}

/** Why a query is not answered, in words for its author. */
export class UnsupportedQuery extends Error {
  override readonly name = 'UnsupportedQuery';
}

const TOKEN =
  /\s*(?:'([^'\\]*)'|"([^"\\]*)"|(\d+(?:\.\d+)?)|(!?(?:contains|has|startswith|endswith|in)(?:_cs|~)?(?![\w$]))|([A-Za-z_$][\w$]*)|(==|=~|!=|!~|<=|>=|[<>()[\].,=]))/iy;

interface Token {
  readonly kind: 'text' | 'number' | 'operator' | 'name' | 'sign' | 'end';
  readonly text: string;
}

function tokensOf(text: string): Token[] {
  const found: Token[] = [];
  let at = 0;
  while (text.slice(at).trim() !== '') {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null) throw new UnsupportedQuery(`'${text.slice(at).trim()}' is not simulated`);
    at = TOKEN.lastIndex;
    const [, single, double, number, operator, name, sign] = match;
    const literal = single ?? double;
    if (literal !== undefined) found.push({ kind: 'text', text: literal });
    else if (number !== undefined) found.push({ kind: 'number', text: number });
    else if (operator !== undefined) found.push({ kind: 'operator', text: operator.toLowerCase() });
    else if (name !== undefined) found.push({ kind: 'name', text: name });
    else found.push({ kind: 'sign', text: sign ?? '' });
  }
  return found;
}

/** The whole text as one expression over these columns. */
export function compile(text: string, columns: Columns): Compiled {
  const parser = new Parser(text, tokensOf(text), columns);
  const result = parser.either();
  parser.end();
  return result;
}

export const asText = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value);

const isTerm = (text: string, term: string): boolean =>
  new RegExp(`(^|[^\\p{L}\\p{N}])${term.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}($|[^\\p{L}\\p{N}])`, 'iu').test(text);

type Test = (found: string, wanted: string) => boolean;
const folded =
  (test: Test): Test =>
  (found, wanted) =>
    test(found.toLowerCase(), wanted.toLowerCase());
const equal: Test = (found, wanted) => found === wanted;

const tests: Readonly<Record<string, Test>> = {
  '==': equal,
  '=~': folded(equal),
  contains: folded((found, wanted) => found.includes(wanted)),
  contains_cs: (found, wanted) => found.includes(wanted),
  has: isTerm,
  startswith: folded((found, wanted) => found.startsWith(wanted)),
  startswith_cs: (found, wanted) => found.startsWith(wanted),
  endswith: folded((found, wanted) => found.endsWith(wanted)),
  endswith_cs: (found, wanted) => found.endsWith(wanted),
};
const orders: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '<': (a, b) => a < b,
  '>': (a, b) => a > b,
  '<=': (a, b) => a <= b,
  '>=': (a, b) => a >= b,
};
const positive = (operator: string): string => ({ '!=': '==', '!~': '=~' })[operator] ?? operator.replace(/^!/, '');

type Made = (...of: readonly Compiled[]) => Compiled;
const textOf =
  (work: (text: string) => string): Made =>
  (one) => ({ kind: 'text', of: (row) => work(asText(one?.of(row))) });
const boolOf =
  (work: (value: unknown) => boolean): Made =>
  (one) => ({ kind: 'bool', of: (row) => work(one?.of(row)) });
const isNull = (value: unknown): boolean => value === undefined || value === null;

const functions: Readonly<Record<string, readonly [least: number, most: number, made: Made]>> = {
  tostring: [1, 1, textOf((text) => text)],
  tolower: [1, 1, textOf((text) => text.toLowerCase())],
  toupper: [1, 1, textOf((text) => text.toUpperCase())],
  strcat: [1, 64, (...of) => ({ kind: 'text', of: (row) => of.map((one) => asText(one.of(row))).join('') })],
  split: [2, 3, split],
  isempty: [1, 1, boolOf((value) => asText(value) === '')],
  isnotempty: [1, 1, boolOf((value) => asText(value) !== '')],
  isnull: [1, 1, boolOf(isNull)],
  isnotnull: [1, 1, boolOf((value) => !isNull(value))],
  not: [1, 1, boolOf((value) => value !== true)],
  iff: [3, 3, choice],
  bag_pack: [2, 64, bag],
  array_length: [1, 1, (one) => ({ kind: 'dynamic', of: (row) => lengthOf(one?.of(row)) })],
};

const lengthOf = (value: unknown): number | null => (Array.isArray(value) ? value.length : null);

/** Both branches have one type, as in the language. */
function choice(...[test, yes, no]: readonly Compiled[]): Compiled {
  if (test?.kind !== 'bool' || yes === undefined || yes.kind !== no?.kind)
    throw new UnsupportedQuery(`this form of 'iff' is not simulated`);
  return { kind: yes.kind, of: (row) => (test.of(row) === true ? yes : no).of(row) };
}

/** Names and values in turn. */
function bag(...of: readonly Compiled[]): Compiled {
  const pairs = of.flatMap((name, at) => {
    const value = of[at + 1];
    return at % 2 === 0 && value !== undefined ? [[name, value] as const] : [];
  });
  if (of.length % 2 === 1 || pairs.some(([name]) => name.kind !== 'text'))
    throw new UnsupportedQuery(`this form of 'bag_pack' is not simulated`);
  const one = (row: Row): unknown =>
    Object.fromEntries(pairs.map(([name, value]) => [asText(name.of(row)), value.of(row) ?? null]));
  return { kind: 'dynamic', of: one };
}

/** With an index: a list of that one part. */
function split(...[text, separator, index]: readonly Compiled[]): Compiled {
  const of = (row: Row): unknown => {
    const parts = asText(text?.of(row)).split(asText(separator?.of(row)));
    return index === undefined ? parts : parts.slice(Number(index.of(row)), Number(index.of(row)) + 1);
  };
  return { kind: 'dynamic', of };
}

class Parser {
  private at = 0;

  constructor(
    private readonly text: string,
    private readonly all: readonly Token[],
    private readonly columns: Columns,
  ) {}

  end(): void {
    if (this.at < this.all.length) throw this.refused();
  }

  either(): Compiled {
    let left = this.both();
    while (this.takesName('or')) left = this.logical(left, this.both(), (a, b) => a || b);
    return left;
  }

  private both(): Compiled {
    let left = this.comparison();
    while (this.takesName('and')) left = this.logical(left, this.comparison(), (a, b) => a && b);
    return left;
  }

  private logical(left: Compiled, right: Compiled, work: (a: boolean, b: boolean) => boolean): Compiled {
    if (left.kind !== 'bool' || right.kind !== 'bool') throw this.refused();
    return { kind: 'bool', of: (row) => work(left.of(row) === true, right.of(row) === true) };
  }

  private comparison(): Compiled {
    const left = this.value();
    const { text, kind } = this.next();
    if (kind !== 'operator' && !['==', '=~', '!=', '!~', ...Object.keys(orders)].includes(text)) return left;
    this.at += 1;
    const isNegative = text.startsWith('!');
    // What an absent value differs from is a question of nulls that nobody here has answered.
    if (isNegative && left.kind === 'dynamic')
      throw new UnsupportedQuery(`'${text}' on what may be absent is not simulated: use tostring()`);
    const order = orders[text];
    if (order !== undefined) return this.ordered(left, this.value(), order);
    const operator = positive(text);
    const wanted = /^in~?$/.test(operator) ? this.list() : [this.value()];
    const test = tests[/^in~?$/.test(operator) ? (operator === 'in' ? '==' : '=~') : operator];
    if (test === undefined) throw this.refused();
    const matches = (row: Row): boolean => {
      const found = left.of(row);
      return !isNull(found) && wanted.some((one) => !isNull(one.of(row)) && test(asText(found), asText(one.of(row))));
    };
    return { kind: 'bool', of: (row) => matches(row) !== isNegative };
  }

  private ordered(left: Compiled, right: Compiled, order: (a: number, b: number) => boolean): Compiled {
    const of = (row: Row): boolean => {
      const [a, b] = [left.of(row), right.of(row)];
      return typeof a === 'number' && typeof b === 'number' && order(a, b);
    };
    if (left.kind === 'text' || right.kind === 'text') throw this.refused();
    return { kind: 'bool', of };
  }

  private list(): Compiled[] {
    this.demand('(');
    const found: Compiled[] = [];
    do {
      if (this.next().kind !== 'text') throw this.refused();
      found.push(this.value());
    } while (this.takes(','));
    this.demand(')');
    return found;
  }

  private value(): Compiled {
    let found = this.atom();
    for (;;) {
      if (this.takes('.')) found = this.member(found, this.name());
      else if (this.takes('[')) {
        const { kind, text } = this.next();
        if (kind !== 'text' && kind !== 'number') throw this.refused();
        this.at += 1;
        found = this.member(found, kind === 'number' ? Number(text) : text);
        this.demand(']');
      } else return found;
    }
  }

  /** Names in a bag are case-sensitive, unlike elsewhere in Azure. */
  private member(from: Compiled, name: string | number): Compiled {
    if (from.kind !== 'dynamic') throw this.refused();
    const of = (row: Row): unknown => {
      const bag = from.of(row);
      if (typeof bag !== 'object' || bag === null || Array.isArray(bag) !== (typeof name === 'number'))
        return undefined;
      return Object.entries(bag).find(([key]) => key === String(name))?.[1];
    };
    return { kind: 'dynamic', of };
  }

  private atom(): Compiled {
    const { kind, text } = this.next();
    this.at += 1;
    if (kind === 'text') return { kind: 'text', of: () => text };
    if (kind === 'number') return { kind: 'number', of: () => Number(text) };
    if (kind === 'sign' && text === '(') {
      const inner = this.either();
      this.demand(')');
      return inner;
    }
    if (kind !== 'name') throw this.refused();
    if (/^(true|false)$/i.test(text)) return { kind: 'bool', of: () => text.toLowerCase() === 'true' };
    return this.takes('(') ? this.call(text) : this.column(text);
  }

  private column(name: string): Compiled {
    const kind = this.columns.get(name);
    if (kind === undefined) throw new UnsupportedQuery(`'${name}' is not simulated`);
    return { kind, of: (row) => row[name] };
  }

  private call(name: string): Compiled {
    const of: Compiled[] = [];
    if (!this.takes(')')) {
      do of.push(this.either());
      while (this.takes(','));
      this.demand(')');
    }
    const [least, most, made] = functions[name.toLowerCase()] ?? [];
    if (made === undefined || least === undefined || most === undefined || of.length < least || of.length > most)
      throw new UnsupportedQuery(`the function '${name}' is not simulated`);
    return made(...of);
  }

  private name(): string {
    const { kind, text } = this.next();
    if (kind !== 'name' && kind !== 'operator') throw this.refused();
    this.at += 1;
    return text;
  }

  private next = (): Token => this.all[this.at] ?? { kind: 'end', text: '' };

  private takes(sign: string): boolean {
    const is = this.next().kind === 'sign' && this.next().text === sign;
    if (is) this.at += 1;
    return is;
  }

  private takesName(name: string): boolean {
    const is = this.next().kind === 'name' && this.next().text.toLowerCase() === name;
    if (is) this.at += 1;
    return is;
  }

  private demand(sign: string): void {
    if (!this.takes(sign)) throw this.refused();
  }

  private refused = (): UnsupportedQuery =>
    new UnsupportedQuery(`the expression '${this.text.trim()}' is not simulated`);
}

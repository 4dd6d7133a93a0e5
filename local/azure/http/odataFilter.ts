import { AzureError } from './errors';

export type Item = Readonly<Record<string, unknown>>;
type Test = (item: Item) => boolean;

export interface Filter {
  readonly test: Test;
  /** Uses an operator that Graph serves only from its index: `ne`, `not`, `endsWith`. */
  readonly advanced: string | undefined;
}

const TOKEN = /\s*(?:('(?:[^']|'')*')|(\()|(\))|(,)|(:)|([^\s(),:']+(?:\/[^\s(),:']+)*))/y;

interface Token {
  readonly kind: 'text' | 'mark' | 'word';
  readonly value: string;
}

const invalid = (what: string): AzureError =>
  new AzureError(400, 'Request_UnsupportedQuery', `Unsupported or invalid query filter clause specified: ${what}.`);

function tokens(filter: string): Token[] {
  const found: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < filter.trimEnd().length) {
    const match = TOKEN.exec(filter);
    if (match === null) throw invalid(`'${filter}'`);
    const [, text, open, close, comma, colon, word] = match;
    if (text !== undefined) found.push({ kind: 'text', value: text.slice(1, -1).replaceAll("''", "'") });
    else if (word !== undefined) found.push({ kind: 'word', value: word });
    else found.push({ kind: 'mark', value: open ?? close ?? comma ?? colon ?? '' });
  }
  return found;
}

type Value = string | number | boolean | null;
type Read = (item: Item) => unknown;

/** Text is compared without regard to case, as Graph does; dates and ids are text here. */
const plain = (value: unknown): unknown => (typeof value === 'string' ? value.toLowerCase() : (value ?? null));

const comparisons: Readonly<Record<string, (left: unknown, right: Value) => boolean>> = {
  eq: (left, right) => plain(left) === plain(right),
  ne: (left, right) => plain(left) !== plain(right),
  ge: (left, right) => ordered(left, right, (order) => order >= 0),
  gt: (left, right) => ordered(left, right, (order) => order > 0),
  le: (left, right) => ordered(left, right, (order) => order <= 0),
  lt: (left, right) => ordered(left, right, (order) => order < 0),
};

function ordered(left: unknown, right: Value, judge: (order: number) => boolean): boolean {
  if (typeof left === 'number' && typeof right === 'number') return judge(left - right);
  if (typeof left !== 'string' || typeof right !== 'string') return false;
  return judge(left < right ? -1 : left > right ? 1 : 0);
}

const functions: Readonly<Record<string, (left: string, right: string) => boolean>> = {
  startswith: (left, right) => left.startsWith(right),
  endswith: (left, right) => left.endsWith(right),
};

/** `$filter` of OData: `or` of `and` of comparisons, functions, `in`, `any` and brackets. */
class Parser {
  private at = 0;
  advanced: string | undefined;

  constructor(
    private readonly source: string,
    private readonly all: readonly Token[],
  ) {}

  whole(): Test {
    const test = this.or('');
    if (this.at < this.all.length) throw invalid(`'${this.source}'`);
    return test;
  }

  private or(scope: string): Test {
    const tests = [this.and(scope)];
    while (this.word('or')) tests.push(this.and(scope));
    return (item) => tests.some((test) => test(item));
  }

  private and(scope: string): Test {
    const tests = [this.one(scope)];
    while (this.word('and')) tests.push(this.one(scope));
    return (item) => tests.every((test) => test(item));
  }

  private one(scope: string): Test {
    if (this.word('not')) {
      this.advanced ??= 'not';
      const test = this.one(scope);
      return (item) => !test(item);
    }
    if (this.mark('(')) {
      const test = this.or(scope);
      this.demand(')');
      return test;
    }
    const name = this.next('word');
    const lambda = /^(.+)\/any$/i.exec(name)?.[1];
    if (lambda !== undefined && this.mark('(')) return this.any(lambda, scope);
    if (functions[name.toLowerCase()] !== undefined) return this.func(name.toLowerCase(), scope);
    return this.comparison(name, scope);
  }

  private any(name: string, scope: string): Test {
    const read = reader(name, scope);
    if (this.mark(')')) return (item) => Array.isArray(read(item)) && (read(item) as unknown[]).length > 0;
    const variable = this.next('word');
    this.demand(':');
    const test = this.or(variable);
    this.demand(')');
    return (item) => {
      const values: unknown = read(item);
      return Array.isArray(values) && values.some((value: unknown) => test({ ...item, [variable]: value }));
    };
  }

  private func(name: string, scope: string): Test {
    if (name === 'endswith') this.advanced ??= 'endsWith';
    this.demand('(');
    const read = reader(this.next('word'), scope);
    this.demand(',');
    const wanted = String(this.value()).toLowerCase();
    this.demand(')');
    // `startswith(x,'y') eq true` is an old spelling that clients still send.
    if (this.word('eq') && this.value() !== true) throw invalid(`'${this.source}'`);
    return (item) => {
      const value = plain(read(item));
      return typeof value === 'string' && functions[name]?.(value, wanted) === true;
    };
  }

  private comparison(name: string, scope: string): Test {
    const operator = this.next('word').toLowerCase();
    const read = reader(name, scope);
    if (operator === 'in') return this.within(read);
    const compare = comparisons[operator];
    if (compare === undefined) throw invalid(`'${this.source}'`);
    if (operator === 'ne') this.advanced ??= 'ne';
    const value = this.value();
    return (item) => compare(read(item), value);
  }

  private within(read: Read): Test {
    this.demand('(');
    const values = [this.value()];
    while (this.mark(',')) values.push(this.value());
    this.demand(')');
    return (item) => values.some((value) => plain(read(item)) === plain(value));
  }

  private value(): Value {
    const token = this.all[this.at++];
    if (token === undefined || token.kind === 'mark') throw invalid(`'${this.source}'`);
    if (token.kind === 'text') return token.value;
    const word = token.value.toLowerCase();
    if (word === 'true' || word === 'false') return word === 'true';
    if (word === 'null') return null;
    return /^-?\d+$/.test(word) ? Number(word) : token.value;
  }

  private next(kind: Token['kind']): string {
    const token = this.all[this.at++];
    if (token?.kind !== kind) throw invalid(`'${this.source}'`);
    return token.value;
  }

  private word(name: string): boolean {
    const token = this.all[this.at];
    if (token?.kind !== 'word' || token.value.toLowerCase() !== name) return false;
    this.at += 1;
    return true;
  }

  private mark(mark: string): boolean {
    const token = this.all[this.at];
    if (token?.kind !== 'mark' || token.value !== mark) return false;
    this.at += 1;
    return true;
  }

  private demand(mark: string): void {
    if (!this.mark(mark)) throw invalid(`'${this.source}'`);
  }
}

/** A property or a path of them; inside a lambda the variable is one too. */
function reader(path: string, scope: string): Read {
  const names = path.split('/');
  if (scope !== '' && names[0] !== scope) throw invalid(`'${path}'`);
  return (item) =>
    names.reduce<unknown>(
      (value, name) =>
        typeof value === 'object' && value !== null
          ? (Object.entries(value).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1] as unknown)
          : undefined,
      item,
    );
}

/** Reads a `$filter`, or throws 400 Request_UnsupportedQuery. */
export function parseFilter(filter: string): Filter {
  const parser = new Parser(filter, tokens(filter));
  const test = parser.whole();
  return { test, advanced: parser.advanced };
}

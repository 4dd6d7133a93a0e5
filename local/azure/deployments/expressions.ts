/** The template language's expressions: `[function(argument, …).member[index]]` inside a JSON string. */
export type Expression =
  | { readonly kind: 'literal'; readonly value: string | number }
  | { readonly kind: 'call'; readonly name: string; readonly of: readonly Expression[] }
  | { readonly kind: 'member'; readonly from: Expression; readonly name: Expression };

/** The text is no expression; the message is what Azure puts into InvalidTemplate. */
export class ExpressionError extends Error {}

const TOKEN = /\s*(?:'((?:[^']|'')*)'|(-?\d+)|([A-Za-z_][\w.]*?)(?=\s*\()|([A-Za-z_]\w*)|([().,[\]]))/y;

interface Token {
  readonly kind: 'text' | 'number' | 'function' | 'name' | 'sign';
  readonly text: string;
}

const parsed = new Map<string, Expression>();

/** @param text between the outer brackets */
export function parseExpression(text: string): Expression {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const parser = new Parser(text, tokens(text));
  const result = parser.expression();
  parser.end();
  parsed.set(text, result);
  return result;
}

function tokens(text: string): Token[] {
  const found: Token[] = [];
  let at = 0;
  while (text.slice(at).trim() !== '') {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null) throw invalid(text, at);
    at = TOKEN.lastIndex;
    const [, quoted, number, called, name, sign] = match;
    if (quoted !== undefined) found.push({ kind: 'text', text: quoted.replaceAll("''", "'") });
    else if (number !== undefined) found.push({ kind: 'number', text: number });
    else if (called !== undefined) found.push({ kind: 'function', text: called });
    else if (name !== undefined) found.push({ kind: 'name', text: name });
    else if (sign !== undefined) found.push({ kind: 'sign', text: sign });
  }
  return found;
}

const invalid = (text: string, at: number): ExpressionError =>
  new ExpressionError(`The language expression '${text}' is not valid: the string character '${text.charAt(at)}' at position '${at}' is not expected.`); // prettier-ignore

class Parser {
  private at = 0;

  constructor(
    private readonly text: string,
    private readonly all: readonly Token[],
  ) {}

  end(): void {
    if (this.at < this.all.length) throw invalid(this.text, this.text.length);
  }

  expression(): Expression {
    let found = this.atom();
    for (;;) {
      if (this.takes('.')) found = { kind: 'member', from: found, name: this.name() };
      else if (this.takes('[')) {
        found = { kind: 'member', from: found, name: this.expression() };
        this.demand(']');
      } else return found;
    }
  }

  private atom(): Expression {
    const token = this.all[this.at];
    this.at += 1;
    if (token?.kind === 'text') return { kind: 'literal', value: token.text };
    if (token?.kind === 'number') return { kind: 'literal', value: Number(token.text) };
    if (token?.kind === 'function') return { kind: 'call', name: token.text, of: this.parameters() };
    throw invalid(this.text, 0);
  }

  private parameters(): Expression[] {
    this.demand('(');
    const found: Expression[] = [];
    if (this.takes(')')) return found;
    do found.push(this.expression());
    while (this.takes(','));
    this.demand(')');
    return found;
  }

  private name(): Expression {
    const token = this.all[this.at];
    this.at += 1;
    if (token?.kind !== 'name' && token?.kind !== 'function') throw invalid(this.text, this.text.length);
    return { kind: 'literal', value: token.text };
  }

  private takes(sign: string): boolean {
    const token = this.all[this.at];
    const found = token?.kind === 'sign' && token.text === sign;
    if (found) this.at += 1;
    return found;
  }

  private demand(sign: string): void {
    if (!this.takes(sign)) throw invalid(this.text, this.text.length);
  }
}

/** What a function of a template is given: its arguments, each worked out when asked for. */
type Argument = () => unknown;
export type TemplateFunction = (...of: readonly Argument[]) => unknown;
/** The functions that count where an expression stands, by lower-case name. */
export type Functions = (name: string) => TemplateFunction | undefined;

function evaluate(expression: Expression, functions: Functions): unknown {
  switch (expression.kind) {
    case 'literal':
      return expression.value;
    case 'call': {
      const called = functions(expression.name.toLowerCase());
      if (called === undefined) throw new ExpressionError(`The template function '${expression.name}' is not valid.`);
      return called(...expression.of.map((one) => () => evaluate(one, functions)));
    }
    case 'member':
      return memberOf(evaluate(expression.from, functions), evaluate(expression.name, functions));
  }
}

/** Members of objects are found in any case, as in Azure. */
export function memberOf(from: unknown, name: unknown): unknown {
  if (Array.isArray(from) && typeof name === 'number') {
    const list: readonly unknown[] = from;
    if (name in list) return list[name];
    throw new ExpressionError(`The language expression property array index '${name}' is out of bounds.`);
  }
  if (isObject(from) && typeof name === 'string') {
    const found = Object.entries(from).find(([key]) => key.toLowerCase() === name.toLowerCase());
    if (found !== undefined) return found[1];
    throw new ExpressionError(
      `The language expression property '${name}' doesn't exist, available properties are '${Object.keys(from).join(', ')}'.`,
    );
  }
  throw new ExpressionError(`The language expression property '${String(name)}' can't be evaluated.`);
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value with every expression in it worked out, names of members too. */
export function resolve(value: unknown, functions: Functions): unknown {
  if (typeof value === 'string') return resolveText(value, functions);
  if (Array.isArray(value)) return value.map((one) => resolve(one, functions));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [String(resolveText(name, functions)), resolve(one, functions)]),
  );
}

function resolveText(text: string, functions: Functions): unknown {
  if (!text.startsWith('[') || !text.endsWith(']')) return text;
  // `[[` stands for a literal bracket.
  if (text.startsWith('[[')) return text.slice(1);
  return evaluate(parseExpression(text.slice(1, -1)), functions);
}

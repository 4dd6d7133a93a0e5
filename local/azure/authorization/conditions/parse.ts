/**
 * Role assignment conditions (ABAC), version 2.0: the part of the language that delegates role assignments.
 * https://learn.microsoft.com/azure/role-based-access-control/conditions-format
 */
export type Condition =
  | { readonly kind: 'all' | 'any'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition }
  | { readonly kind: 'action'; readonly pattern: string }
  | {
      readonly kind: 'compare';
      readonly source: 'request' | 'resource';
      readonly attribute: Attribute;
      readonly quantifier: Quantifier;
      readonly operator: Operator;
      readonly values: readonly string[];
    };

const attributes = ['RoleDefinitionId', 'PrincipalId', 'PrincipalType'] as const;
export type Attribute = (typeof attributes)[number];

const quantifiers = ['ForAnyOfAnyValues', 'ForAllOfAnyValues', 'ForAnyOfAllValues', 'ForAllOfAllValues'] as const;
export type Quantifier = (typeof quantifiers)[number];

const operators = ['GuidEquals', 'GuidNotEquals', 'StringEqualsIgnoreCase', 'StringNotEqualsIgnoreCase', 'StringEquals', 'StringNotEquals'] as const; // prettier-ignore
export type Operator = (typeof operators)[number];

/** The text is no condition at all. */
export class ConditionSyntaxError extends Error {}
/** A condition that Azure may know and this one does not; the message names the part. */
export class ConditionNotSimulated extends Error {}

const TOKEN =
  /\s*(?:(\(|\)|\{|\}|,|!|&&|\|\|)|@(\w+)\[([^\]]*)\]|'((?:[^']|'')*)'|([0-9a-f]{8}-[0-9a-f-]{27})|([A-Za-z][\w:]*))/iy;

interface Token {
  readonly kind: 'sign' | 'attribute' | 'text' | 'guid' | 'word';
  readonly text: string;
  /** `Request` of `@Request[…]`. */
  readonly source: string;
}

function tokens(text: string): Token[] {
  const found: Token[] = [];
  TOKEN.lastIndex = 0;
  let at = 0;
  while (text.slice(at).trim() !== '') {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null) throw new ConditionSyntaxError(text.slice(at));
    at = TOKEN.lastIndex;
    const [, sign, source, attribute, quoted, guid, word] = match;
    const kinds = { sign, attribute, text: quoted, guid, word };
    for (const kind of ['sign', 'attribute', 'text', 'guid', 'word'] as const) {
      const value = kinds[kind];
      if (value !== undefined) found.push({ kind, text: value, source: source ?? '' });
    }
  }
  return found;
}

/** @throws ConditionSyntaxError, ConditionNotSimulated */
export function parseCondition(text: string): Condition {
  const parser = new Parser(tokens(text));
  const parsed = parser.any();
  parser.end();
  return parsed;
}

class Parser {
  private at = 0;

  constructor(private readonly all: readonly Token[]) {}

  end(): void {
    if (this.at < this.all.length) throw new ConditionSyntaxError(this.all[this.at]?.text);
  }

  any(): Condition {
    return this.joined('any', ['OR', '||'], () => this.joined('all', ['AND', '&&'], () => this.one()));
  }

  private joined(kind: 'all' | 'any', signs: readonly string[], next: () => Condition): Condition {
    const of = [next()];
    while (signs.includes(this.peek()?.text.toUpperCase() ?? '')) {
      this.at += 1;
      of.push(next());
    }
    const [only] = of;
    return of.length === 1 && only !== undefined ? only : { kind, of };
  }

  private one(): Condition {
    const token = this.next();
    if (token.text === '!' || token.text.toUpperCase() === 'NOT') return { kind: 'not', of: this.one() };
    if (token.text === '(' && token.kind === 'sign') {
      const inner = this.any();
      this.take(')');
      return inner;
    }
    if (token.kind === 'attribute') return this.comparison(token);
    if (token.kind === 'word' && token.text.toLowerCase() === 'actionmatches') {
      return { kind: 'action', pattern: this.single() };
    }
    if (token.kind === 'word') throw new ConditionNotSimulated(`'${token.text}'`);
    throw new ConditionSyntaxError(token.text);
  }

  private comparison({ source: from, text }: Token): Condition {
    const source = ({ request: 'request', resource: 'resource' } as const)[from.toLowerCase()];
    const [type = '', name = ''] = text.split(':');
    const attribute = attributes.find((one) => one.toLowerCase() === name.trim().toLowerCase());
    if (source === undefined || type.trim().toLowerCase() !== ROLE_ASSIGNMENTS || attribute === undefined) {
      throw new ConditionNotSimulated(`The attribute '@${from}[${text}]'`);
    }
    const [before = '', after] = this.next().text.split(':');
    const operator = operators.find((one) => one.toLowerCase() === (after ?? before).toLowerCase());
    const quantifier = quantifiers.find((one) => one.toLowerCase() === before.toLowerCase());
    if (operator === undefined || (after !== undefined && quantifier === undefined)) {
      throw new ConditionNotSimulated(`The operator '${after === undefined ? before : `${before}:${after}`}'`);
    }
    const values = this.peek()?.text === '{' ? this.set() : [this.value()];
    return { kind: 'compare', source, attribute, quantifier: quantifier ?? 'ForAnyOfAnyValues', operator, values };
  }

  private set(): string[] {
    this.take('{');
    const values = [this.value()];
    while (this.peek()?.text === ',') {
      this.at += 1;
      values.push(this.value());
    }
    this.take('}');
    return values;
  }

  private single(): string {
    const [only, ...more] = this.set();
    if (only === undefined || more.length > 0) throw new ConditionSyntaxError('ActionMatches takes one action.');
    return only;
  }

  private value(): string {
    const token = this.next();
    if (token.kind !== 'text' && token.kind !== 'guid') throw new ConditionSyntaxError(token.text);
    return token.text;
  }

  private peek(): Token | undefined {
    return this.all[this.at];
  }

  private next(): Token {
    const token = this.all[this.at];
    if (token === undefined) throw new ConditionSyntaxError('The condition ends too early.');
    this.at += 1;
    return token;
  }

  private take(sign: string): void {
    if (this.next().text !== sign) throw new ConditionSyntaxError(`'${sign}' is missing.`);
  }
}

const ROLE_ASSIGNMENTS = 'microsoft.authorization/roleassignments';

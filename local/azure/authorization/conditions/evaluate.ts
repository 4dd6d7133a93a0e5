import { matches } from '../roles';
import { type Attribute, type Condition, type Operator, type Quantifier } from './parse';

/** What a role assignment asked for (`request`) or had (`resource`); what is absent makes a comparison false. */
export type Side = Readonly<Partial<Record<Attribute, string>>>;
export interface Facts {
  readonly action: string;
  readonly request: Side;
  readonly resource: Side;
}

export function fulfilled(condition: Condition, facts: Facts): boolean {
  switch (condition.kind) {
    case 'all':
      return condition.of.every((one) => fulfilled(one, facts));
    case 'any':
      return condition.of.some((one) => fulfilled(one, facts));
    case 'not':
      return !fulfilled(condition.of, facts);
    case 'action':
      return matches(condition.pattern, facts.action);
    case 'compare': {
      const actual = facts[condition.source][condition.attribute];
      return actual !== undefined && compared(condition, actual);
    }
  }
}

/** An attribute here has one value, so `Any` and `All` of the first quantifier say the same. */
const ofValues: Readonly<Record<Quantifier, 'some' | 'every'>> = {
  ForAnyOfAnyValues: 'some',
  ForAllOfAnyValues: 'some',
  ForAnyOfAllValues: 'every',
  ForAllOfAllValues: 'every',
};

const sameCase = (text: string): string => text.toLowerCase();
const bare = (text: string): string => text.toLowerCase().replaceAll('-', '');
const asIs = (text: string): string => text;

const comparers: Readonly<Record<Operator, readonly [form: (text: string) => string, wanted: boolean]>> = {
  GuidEquals: [bare, true],
  GuidNotEquals: [bare, false],
  StringEqualsIgnoreCase: [sameCase, true],
  StringNotEqualsIgnoreCase: [sameCase, false],
  StringEquals: [asIs, true],
  StringNotEquals: [asIs, false],
};

function compared({ quantifier, operator, values }: Extract<Condition, { kind: 'compare' }>, actual: string): boolean {
  const [form, wanted] = comparers[operator];
  return values[ofValues[quantifier]]((value) => (form(value) === form(actual)) === wanted);
}

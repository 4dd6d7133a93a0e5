import { z } from 'zod';
import { type Functions, isObject, parseExpression, resolve } from '../../deployments/expressions';
import { pureFunction, withArguments } from '../../deployments/functions';
import { notSimulated } from '../../http/notSimulated';
import { type DefinitionProperties } from './definitions';

/** The resource that a write would leave, as policies see it. */
export interface Subject {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly resourceGroup: Readonly<Record<string, unknown>>;
  readonly subscription: Readonly<Record<string, unknown>>;
}

/** A condition that was met, as Azure lists it among the reasons. */
export interface Evaluated {
  readonly result: 'True' | 'False';
  readonly expressionKind: 'Field' | 'Value';
  readonly expression: string;
  readonly path: string;
  readonly expressionValue: unknown;
  readonly targetValue: unknown;
  readonly operator: string;
}

const lowered = (value: unknown): string =>
  typeof value === 'string' ? value.toLowerCase() : (JSON.stringify(value)?.toLowerCase() ?? '');
const isAbsent = (value: unknown): boolean => value === undefined || value === null;
const among = (value: unknown, of: unknown): boolean =>
  Array.isArray(of) && of.some((one) => lowered(one) === lowered(value));
const like = (value: unknown, pattern: unknown): boolean => {
  if (isAbsent(value)) return false;
  const [start = '', ...rest] = lowered(pattern).split('*');
  if (rest.length === 0) return lowered(value) === start;
  return lowered(value).startsWith(start) && lowered(value).endsWith(rest.at(-1) ?? '');
};
const holds = (value: unknown, part: unknown): boolean =>
  Array.isArray(value) ? among(part, value) : typeof value === 'string' && value.includes(String(part));
const hasKey = (value: unknown, key: unknown): boolean =>
  isObject(value) && Object.keys(value).some((one) => lowered(one) === lowered(key));

const operators: Readonly<Record<string, (value: unknown, target: unknown) => boolean>> = {
  equals: (value, target) => lowered(value ?? '') === lowered(target),
  notEquals: (value, target) => lowered(value ?? '') !== lowered(target),
  in: among,
  notIn: (value, target) => !among(value, target),
  like,
  notLike: (value, target) => !like(value, target),
  contains: holds,
  notContains: (value, target) => !holds(value, target),
  containsKey: hasKey,
  notContainsKey: (value, target) => !hasKey(value, target),
  exists: (value, target) => isAbsent(value) !== /^true$/i.test(String(target)),
};

const SIMULATED = `allOf, anyOf, not, and 'field' or 'value' with ${Object.keys(operators).join(', ')}; the effects deny, audit, disabled, and append and modify of tags.`;

const condition = z.looseObject({
  allOf: z.array(z.unknown()).optional(),
  anyOf: z.array(z.unknown()).optional(),
  not: z.unknown().optional(),
  field: z.string().optional(),
  value: z.unknown().optional(),
});

const operation = z.looseObject({
  operation: z.enum(['add', 'addOrReplace', 'remove']),
  field: z.string(),
  value: z.unknown().optional(),
});
const modifyDetails = z.looseObject({ operations: z.array(operation).min(1) });
const appendDetails = z.array(z.looseObject({ field: z.string(), value: z.unknown() })).min(1);

/** Refuses a custom rule that this Azure could not carry out, so that none is silently without effect. */
export function demandSimulated({ policyRule: { if: test, then }, parameters }: DefinitionProperties): void {
  demandCondition(test);
  const effects = then.effect.startsWith('[')
    ? Object.values(parameters).flatMap(({ allowedValues = [] }) => allowedValues)
    : [then.effect];
  const known = ['deny', 'audit', 'disabled', 'append', 'modify'];
  if (!then.effect.startsWith('[') && !among(then.effect, known)) throw refused(`The effect '${String(effects[0])}'`);
  if (lowered(then.effect) === 'modify' && !modifyDetails.safeParse(then['details']).success)
    throw refused('This form of modify');
  if (lowered(then.effect) === 'append' && !appendDetails.safeParse(then['details']).success)
    throw refused('This form of append');
  const fields = changesOf(then).map(({ field }) => field);
  const other = fields.find((field) => !/^(\[concat\()?'?tags/i.test(field));
  if (other !== undefined) throw refused(`The change of the field '${other}'`);
}

const refused = (what: string): Error => notSimulated(`${what} in a policy rule`, SIMULATED);

function demandCondition(test: unknown): void {
  const parsed = condition.safeParse(test);
  if (!parsed.success) throw refused('This form of condition');
  const { allOf, anyOf, not, field, value } = parsed.data;
  const inner = [...(allOf ?? []), ...(anyOf ?? []), ...(not === undefined ? [] : [not])];
  if (inner.length > 0) {
    inner.forEach(demandCondition);
    return;
  }
  if (field === undefined && value === undefined) throw refused(`The condition ${JSON.stringify(test)}`);
  if (operatorOf(parsed.data) === undefined) throw refused(`The condition ${JSON.stringify(test)}`);
  for (const text of [field, value].filter((one) => typeof one === 'string')) {
    if (text.startsWith('[') && !text.startsWith('[[')) parseExpression(text.slice(1, -1));
  }
}

const operatorOf = (of: Record<string, unknown>): readonly [name: string, target: unknown] | undefined =>
  Object.entries(of).find(([name]) => operators[name] !== undefined);

type Changes = readonly { operation: 'add' | 'addOrReplace' | 'remove'; field: string; value: unknown }[];

/** What append and modify would do, before their expressions are worked out. */
export function changesOf(then: DefinitionProperties['policyRule']['then']): Changes {
  const modified = modifyDetails.safeParse(then['details']);
  if (modified.success)
    return modified.data.operations.map(({ operation: how, field, value }) => ({ operation: how, field, value }));
  const appended = appendDetails.safeParse(then['details']);
  return appended.success ? appended.data.map(({ field, value }) => ({ operation: 'add', field, value })) : [];
}

/** The functions that a rule may use about a subject, with the assignment's parameters. */
export const functionsFor =
  (subject: Subject, parameters: Readonly<Record<string, unknown>>): Functions =>
  (name) =>
    ({
      parameters: withArguments((of) => parameters[String(of)]),
      field: withArguments((of) => fieldOf(subject, String(of))[0]),
      resourcegroup: () => subject.resourceGroup,
      subscription: () => subject.subscription,
    })[name] ?? pureFunction(name);

/** What an expression of a policy gives; where it leads nowhere, ''. */
export function worth(value: unknown, functions: Functions): unknown {
  try {
    return resolve(value, functions);
  } catch {
    return '';
  }
}

/** Whether the rule's `if` is met; the conditions that decided are added to `because`. */
export function meets(test: unknown, subject: Subject, functions: Functions, because: Evaluated[]): boolean {
  const { allOf, anyOf, not, field, value, ...rest } = condition.parse(test);
  if (allOf !== undefined) return allOf.every((one) => meets(one, subject, functions, because));
  if (anyOf !== undefined) return anyOf.some((one) => meets(one, subject, functions, because));
  if (not !== undefined) return !meets(not, subject, functions, because);
  const [operator = '', target] = operatorOf(rest) ?? [];
  const wanted = worth(target, functions);
  const name = field === undefined ? String(value) : String(worth(field, functions));
  const values = field === undefined ? [worth(value, functions)] : fieldOf(subject, name);
  // A field of `[*]` is met when every element meets it.
  const result = values.every((one) => operators[operator]?.(one, wanted) === true);
  because.push({
    result: result ? 'True' : 'False',
    expressionKind: field === undefined ? 'Value' : 'Field',
    expression: name,
    path: name.replace(/^Microsoft\.\w+\/\w+\//i, 'properties.'),
    expressionValue: values.length === 1 ? values[0] : values,
    targetValue: wanted,
    operator: operator.charAt(0).toUpperCase() + operator.slice(1),
  });
  return result;
}

/** Aliases whose place in the body their name does not tell. */
const places: Readonly<Record<string, string>> = {
  'microsoft.compute/virtualmachines/sku.name': 'hardwareProfile.vmSize',
};

/** `tags[name]`, `tags['name']`, `tags.name` */
export const tagOf = (field: string): string | undefined => /^tags(?:\[|\.)'?([^'\]]+)'?\]?$/i.exec(field)?.[1];

function fieldOf({ id, name, type, body }: Subject, field: string): unknown[] {
  const tag = tagOf(field);
  if (tag !== undefined) return [at(body['tags'], tag)];
  if (/^(name|fullName)$/i.test(field)) return [name];
  if (/^type$/i.test(field)) return [type];
  if (/^id$/i.test(field)) return [id];
  if (!field.includes('/')) return walk([body], field.split('.'));
  if (!field.toLowerCase().startsWith(`${type.toLowerCase()}/`)) return [undefined];
  const path = places[field.toLowerCase()] ?? field.slice(type.length + 1);
  return walk([body], path.split('.'));
}

function walk(from: unknown[], [step, ...rest]: readonly string[]): unknown[] {
  if (step === undefined) return from;
  const many = step.endsWith('[*]');
  const name = many ? step.slice(0, -3) : step;
  const next = from.map((one) => at(one, name) ?? at(at(one, 'properties'), name));
  return walk(many ? next.flatMap((one): unknown[] => (Array.isArray(one) ? one : [])) : next, rest);
}

const at = (from: unknown, name: string): unknown =>
  isObject(from) ? Object.entries(from).find(([key]) => lowered(key) === lowered(name))?.[1] : undefined;

/**
 * Works out the rule of an Azure Policy for a resource that is still to be put. What cannot be known (a function of
 * the policy language, a property that we do not set) is `undefined`, and stays so through `allOf`, `anyOf` and `not`
 * as long as it decides. Pure.
 */
import { z } from 'zod';

/** A resource as policies see it: in the shape of Azure's clients, which leave out the level `properties`. */
export interface Subject {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly body: Readonly<Record<string, unknown>>;
}
type Parameters = Readonly<Record<string, unknown>>;
type Verdict = boolean | undefined;

const condition = z.looseObject({
  allOf: z.array(z.unknown()).optional(),
  anyOf: z.array(z.unknown()).optional(),
  not: z.unknown().optional(),
  field: z.string().optional(),
});

const lowered = (value: unknown): string =>
  (typeof value === 'string' ? value : JSON.stringify(value ?? '')).toLowerCase();
const among = (value: unknown, list: unknown): Verdict =>
  Array.isArray(list) ? list.some((one) => lowered(one) === lowered(value)) : undefined;
const negated = (verdict: Verdict): Verdict => (verdict === undefined ? undefined : !verdict);
const like = (value: unknown, pattern: unknown): boolean => {
  if (value === undefined || value === null) return false;
  const expression = lowered(pattern)
    .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
    .replace('*', '.*');
  return new RegExp(`^${expression}$`).test(lowered(value));
};

/** A list holds an element, a text a part of it. */
const holds = (value: unknown, part: unknown): boolean =>
  Array.isArray(value)
    ? value.some((one) => lowered(one) === lowered(part))
    : typeof value === 'string' && lowered(value).includes(lowered(part));

const operators: Readonly<Record<string, (value: unknown, target: unknown) => Verdict>> = {
  equals: (value, target) => lowered(value ?? '') === lowered(target),
  notEquals: (value, target) => lowered(value ?? '') !== lowered(target),
  in: among,
  notIn: (value, target) => negated(among(value, target)),
  like,
  notLike: (value, target) => !like(value, target),
  contains: holds,
  notContains: (value, target) => !holds(value, target),
  exists: (value, target) => (value !== undefined && value !== null) === /^true$/i.test(String(target)),
};

/** Is the rule's `if` met? Undefined where that cannot be known beforehand. */
export function meets(rule: unknown, subject: Subject, parameters: Parameters): Verdict {
  const parsed = condition.safeParse(rule);
  if (!parsed.success) return undefined;
  const { allOf, anyOf, not, field, ...rest } = parsed.data;
  const each = (list: readonly unknown[]): readonly Verdict[] => list.map((one) => meets(one, subject, parameters));
  if (allOf) return every(each(allOf));
  if (anyOf) return negated(every(each(anyOf).map(negated)));
  if (not !== undefined) return negated(meets(not, subject, parameters));
  const [operator, target] = Object.entries(rest).find(([name]) => operators[name]) ?? [];
  const name = field === undefined ? undefined : resolve(field, parameters);
  const wanted = resolve(target, parameters);
  if (operator === undefined || typeof name !== 'string' || wanted === UNKNOWN) return undefined;
  const values = valuesOf(subject, name);
  return values && every(values.map((value) => operators[operator]?.(value, wanted)));
}

const every = (verdicts: readonly Verdict[]): Verdict =>
  verdicts.includes(false) ? false : verdicts.includes(undefined) ? undefined : true;

const UNKNOWN = Symbol('unknown');
const TAG_OF_PARAMETER = /^\[concat\(\s*'tags\[(')?'?\s*,\s*parameters\('([^']+)'\)\s*,\s*'(?:'')?'?\]'\s*\)\]$/i;

/** A literal, a parameter, or the tag that a parameter names: `[concat('tags[', parameters('tagName'), ']')]`. */
export function resolve(value: unknown, parameters: Parameters): unknown {
  if (typeof value !== 'string' || !value.startsWith('[') || value.startsWith('[[')) return value;
  const plain = /^\[parameters\('([^']+)'\)\]$/i.exec(value)?.[1];
  if (plain !== undefined) return plain in parameters ? parameters[plain] : UNKNOWN;
  const tag = TAG_OF_PARAMETER.exec(value)?.[2];
  return tag !== undefined && tag in parameters ? `tags[${String(parameters[tag])}]` : UNKNOWN;
}

/** Aliases whose place in the body their name does not tell. */
const PLACES: Readonly<Record<string, string>> = {
  'microsoft.compute/virtualmachines/sku.name': 'hardwareProfile.vmSize',
  'microsoft.compute/imagepublisher': 'storageProfile.imageReference.publisher',
  'microsoft.compute/imageoffer': 'storageProfile.imageReference.offer',
  'microsoft.compute/imagesku': 'storageProfile.imageReference.sku',
  'microsoft.network/publicipaddresses/sku.name': 'sku.name',
};

/** The values of a field, one for each element that `[*]` stands for; undefined where they cannot be known. */
function valuesOf({ id, name, type, body }: Subject, field: string): readonly unknown[] | undefined {
  const tag = /^tags(?:\[|\.)'?([^'\]]+)'?\]?$/i.exec(field)?.[1];
  if (tag !== undefined) return [memberOf(body['tags'], tag)];
  const plain: Readonly<Record<string, unknown>> = { type, name, fullname: name, id, kind: undefined };
  if (field.toLowerCase() in plain) return [plain[field.toLowerCase()]];
  if (/^identity\.type$/i.test(field)) return [memberOf(body['identity'], 'type')];
  if (!field.includes('/')) return /^(location|tags)$/i.test(field) ? [memberOf(body, field)] : undefined;
  const place = PLACES[field.toLowerCase()];
  const own = field.toLowerCase().startsWith(`${type.toLowerCase()}/`);
  if (!own && place === undefined) return [undefined];
  const path = (place ?? field.slice(type.length + 1)).replaceAll('[*]', '.*').split('.');
  // What we do not set at all may have another name in the body than in the alias.
  return memberOf(body, path[0] ?? '') === undefined ? undefined : walk([body], path);
}

const walk = (values: readonly unknown[], [step, ...rest]: readonly string[]): readonly unknown[] =>
  step === undefined
    ? values
    : walk(
        values.flatMap((value) => stepInto(value, step)),
        rest,
      );

const stepInto = (value: unknown, step: string): readonly unknown[] => {
  if (step !== '*') return [memberOf(value, step)];
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
};

/** A member by its name in any case: Azure's aliases and bodies differ in it. */
const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1]
    : undefined;

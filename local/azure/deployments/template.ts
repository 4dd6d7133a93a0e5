import { z } from 'zod';
import { notSimulated } from '../http/notSimulated';
import { badRequest, type AzureError } from '../http/errors';
import { isObject } from './expressions';

const parameter = z.looseObject({
  type: z.string(),
  defaultValue: z.unknown().optional(),
  allowedValues: z.array(z.unknown()).optional(),
  minValue: z.number().optional(),
  maxValue: z.number().optional(),
  minLength: z.number().optional(),
  maxLength: z.number().optional(),
  nullable: z.boolean().optional(),
});

const resource: z.ZodType<Source> = z.looseObject({
  type: z.string(),
  apiVersion: z.string(),
  name: z.string(),
});
export type Source = { type: string; apiVersion: string; name: string } & Record<string, unknown>;

const template = z.looseObject({
  $schema: z.string(),
  contentVersion: z.string(),
  languageVersion: z.string().optional(),
  parameters: z.record(z.string(), parameter).default({}),
  variables: z.record(z.string(), z.unknown()).default({}),
  resources: z.union([z.array(resource), z.record(z.string(), resource)]),
  outputs: z.record(z.string(), z.looseObject({ type: z.string(), value: z.unknown().optional() })).default({}),
});
export type Template = z.infer<typeof template>;

export const SIMULATED =
  'literal templates at resource groups (Incremental and Complete) and subscriptions: parameters, variables, outputs, conditions, copy loops, dependsOn, nested deployments of inner scope, and the functions that Bicep emits for them.';

/** 400 InvalidTemplate, in the words of a validation. */
export const invalidTemplate = (why: string): AzureError =>
  badRequest('InvalidTemplate', `Deployment template validation failed: '${why}'.`);

/** The template in its shape; what this Azure could not deploy is refused. */
export function readTemplate(source: unknown): Template {
  const parsed = template.safeParse(source);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalidTemplate(`The template is not valid at '${issue?.path.join('.') ?? ''}': ${issue?.message ?? ''}`);
  }
  const { functions, imports, extensions } = parsed.data;
  const used = Object.entries({ functions, imports, extensions }).find(
    ([, value]) => value !== undefined && (!isObject(value) || Object.keys(value).length > 0),
  );
  const isEmptyList = Array.isArray(used?.[1]) && used[1].length === 0;
  if (used !== undefined && !isEmptyList) throw notSimulated(`'${used[0]}' in a template`, SIMULATED);
  return parsed.data;
}

/** Resources with the names that Bicep gave them, if it did; children stand beside their parents. */
export function flattened({ resources }: Template): { readonly symbol: string; readonly source: Source }[] {
  const named: [string, Source][] = Array.isArray(resources)
    ? resources.map((one) => ['', one])
    : Object.entries(resources);
  return named.flatMap(([symbol, source]) => [{ symbol, source }, ...childrenOf(source)]);
}

function childrenOf(parent: Source): { symbol: string; source: Source }[] {
  const parsed = z.array(resource).safeParse(parent['resources'] ?? []);
  if (!parsed.success) return [];
  return parsed.data.flatMap((child) => {
    const type = `${parent.type}/${child.type}`;
    const name = joined(parent.name, child.name);
    const source: Source = { ...child, type, name };
    return [{ symbol: '', source }, ...childrenOf(source)];
  });
}

/** The names of parent and child, either of which may be an expression. */
function joined(parent: string, child: string): string {
  const part = (text: string): string =>
    text.startsWith('[') && !text.startsWith('[[') ? text.slice(1, -1) : `'${text.replaceAll("'", "''")}'`;
  return `[concat(${part(parent)}, '/', ${part(child)})]`;
}

const types: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  securestring: (value) => typeof value === 'string',
  int: (value) => typeof value === 'number' && Number.isInteger(value),
  bool: (value) => typeof value === 'boolean',
  array: Array.isArray,
  object: isObject,
  secureobject: isObject,
};

export const isSecure = ({ type }: z.infer<typeof parameter>): boolean => /^secure/i.test(type);

/**
 * The values of a template's parameters: those given, else the defaults.
 * @param resolved works out the value of one that was not given
 */
export function parameterValues(
  { parameters }: Template,
  given: Readonly<Record<string, unknown>>,
  resolved: (name: string) => unknown,
): Record<string, unknown> {
  const unknown = Object.keys(given).filter((name) => !keyIn(parameters, name));
  if (unknown.length > 0)
    throw invalidTemplate(
      `The template parameters '${unknown.join(', ')}' in the parameters file are not valid; they are not present in the original template and can therefore not be provided at deployment time. The only supported parameters for this template are '${Object.keys(parameters).join(', ')}'. Please see https://aka.ms/arm-pass-parameter-values for usage details.`,
    );
  const values = Object.entries(parameters).map(([name, definition]): [string, unknown] => {
    const key = keyIn(given, name);
    if (key === undefined && definition.defaultValue === undefined && definition.nullable !== true)
      throw invalidTemplate(
        `The value for the template parameter '${name}' at line '1' and column '1' is not provided. Please see https://aka.ms/arm-create-parameter-file for usage details.`,
      );
    const value = key === undefined ? resolved(name) : given[key];
    demandValue(name, definition, value);
    return [name, value];
  });
  return Object.fromEntries(values);
}

export const keyIn = (of: Readonly<Record<string, unknown>>, name: string): string | undefined =>
  Object.keys(of).find((key) => key.toLowerCase() === name.toLowerCase());

function demandValue(name: string, definition: z.infer<typeof parameter>, value: unknown): void {
  const { type, allowedValues, minValue, maxValue, minLength, maxLength, nullable } = definition;
  if (value === null && nullable === true) return;
  if (types[type.toLowerCase()]?.(value) !== true)
    throw invalidTemplate(
      `Template parameter JToken type is not valid. Expected '${type}'. Actual '${typeof value}'. The parameter is '${name}'. Please see https://aka.ms/arm-create-parameter-file for usage details.`,
    );
  if (allowedValues !== undefined && !allowedValues.some((one) => JSON.stringify(one) === JSON.stringify(value)))
    throw invalidTemplate(
      `The provided value for the template parameter '${name}' is not valid. The value '${String(value)}' is not part of the allowed value(s): '${allowedValues.join(',')}'.`,
    );
  const length = typeof value === 'string' || Array.isArray(value) ? value.length : undefined;
  const isOut = (size: number | undefined, low: number | undefined, high: number | undefined): boolean =>
    size !== undefined && (size < (low ?? -Infinity) || size > (high ?? Infinity));
  if (isOut(length, minLength, maxLength) || isOut(typeof value === 'number' ? value : undefined, minValue, maxValue))
    throw invalidTemplate(
      `The provided value for the template parameter '${name}' is not valid. Its length or value is out of range.`,
    );
}

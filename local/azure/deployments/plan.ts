import { randomUUID } from '../random';
import { type Azure } from '../azure';
import { notSimulated } from '../http/notSimulated';
import { type Context, functionsAt, lazily, withCopies } from './context';
import { ExpressionError, isObject, resolve } from './expressions';
import { idWithin } from './resourceIds';
import { type Step } from './store';
import { flattened, invalidTemplate, keyIn, parameterValues, readTemplate, SIMULATED, type Source } from './template';

export type Base = Pick<Context, 'scope' | 'deployment'>;

/** What a template and its parameters come to before anything of it runs. */
interface Plan {
  readonly parameters: Record<string, unknown>;
  readonly steps: Step[];
}

/** Everything that expressions of a deployment may see, but for loops. */
export function contextOf(
  azure: Azure,
  base: Base,
  variables: Readonly<Record<string, unknown>>,
  parameters: Readonly<Record<string, unknown>>,
  reference: Context['reference'],
): Context {
  const bare: Context = { ...base, parameters, variables: {}, loops: {}, reference };
  const { copy, ...sources } = variables;
  const copies = withCopiesOf(copy);
  const all = lazily({ ...sources, ...copies }, (source, known) =>
    isCopy(source)
      ? Object.values(
          asObject(
            withCopies({ copy: [source[COPY]] }, (loops) => functionsAt(azure, { ...bare, variables: known, loops })),
          ),
        )[0]
      : withCopies(source, (loops) => functionsAt(azure, { ...bare, variables: known, loops })),
  );
  return { ...bare, variables: all };
}

const COPY = Symbol('copy');
type CopyOf = Record<typeof COPY, unknown>;
const isCopy = (value: unknown): value is CopyOf => typeof value === 'object' && value !== null && COPY in value;
const asObject = (value: unknown): Record<string, unknown> => (isObject(value) ? value : {});

const withCopiesOf = (copy: unknown): Record<string, CopyOf> =>
  Object.fromEntries(
    (Array.isArray(copy) ? copy : []).filter(isObject).map((one) => [String(one['name']), { [COPY]: one }]),
  );

/** Works the template out as far as that goes without running it; throws 400 InvalidTemplate. */
export function planned(azure: Azure, base: Base, source: unknown, given: Readonly<Record<string, unknown>>): Plan {
  try {
    const template = readTemplate(source);
    // A default may name other parameters; what is given is taken as it is.
    const known = lazily({ ...template.parameters }, (definition, all) => {
      const name = Object.entries(template.parameters).find(([, one]) => one === definition)?.[0] ?? '';
      const key = keyIn(given, name);
      if (key !== undefined) return given[key];
      const context = contextOf(azure, base, {}, all, undefined);
      return resolve(asObject(definition)['defaultValue'] ?? null, functionsAt(azure, context));
    });
    const parameters = parameterValues(template, given, (name) => known[name]);
    const context = contextOf(azure, base, template.variables, parameters, undefined);
    return { parameters, steps: stepsOf(azure, context, flattened(template)) };
  } catch (error) {
    if (error instanceof ExpressionError) throw invalidTemplate(error.message);
    throw error;
  }
}

interface Named {
  readonly step: Step;
  /** What `dependsOn` may call it, lowered. */
  readonly names: readonly string[];
}

function stepsOf(azure: Azure, context: Context, resources: ReturnType<typeof flattened>): Step[] {
  const named = resources.flatMap(({ symbol, source }) =>
    iterations(azure, context, source).map((loops) => one(azure, context, symbol, source, loops)),
  );
  const ids = new Set<string>();
  for (const { step } of named) {
    const key = step.id.toLowerCase();
    if (ids.has(key) && step.state !== 'Skipped')
      throw invalidTemplate(`The resource '${step.type}/${step.name}' at line '1' and column '1' is defined multiple times in a template. Please see https://aka.ms/arm-syntax-resources for usage details.`); // prettier-ignore
    ids.add(key);
  }
  const steps = named.map(({ step }) => ({ ...step, after: dependencies(azure, context, step, named) }));
  demandNoCycle(steps);
  return steps;
}

function iterations(azure: Azure, context: Context, { copy }: Source): Readonly<Record<string, number>>[] {
  if (!isObject(copy)) return [{}];
  const functions = functionsAt(azure, context);
  const count = Number(resolve(copy['count'], functions));
  const name = String(resolve(copy['name'], functions));
  return Array.from({ length: count }, (_, index) => ({ [name]: index }));
}

function one(
  azure: Azure,
  context: Context,
  symbol: string,
  source: Source,
  loops: Readonly<Record<string, number>>,
): Named {
  const functions = functionsAt(azure, { ...context, loops });
  const name = String(resolve(source.name, functions));
  const type = String(resolve(source.type, functions));
  const id = idOf(context, source, type, name, (value) => resolve(value, functions));
  const condition =
    source['existing'] !== true && (source['condition'] === undefined || resolve(source['condition'], functions));
  const [loop] = Object.keys(loops);
  const step: Step = {
    id,
    type,
    name,
    symbol,
    apiVersion: String(resolve(source.apiVersion, functions)),
    operationId: randomUUID().replaceAll('-', '').slice(0, 16).toUpperCase(),
    after: [],
    source,
    loops: { ...loops },
    method: 'PUT',
    state: condition === true || condition === 'true' ? 'Waiting' : 'Skipped',
    startedAt: 0,
    endedAt: 0,
    nextAt: 0,
    status: 0,
    error: null,
  };
  if (step.state !== 'Skipped' && !azure.inner.serves('PUT', id))
    throw notSimulated(`The resource type '${type}' in a template`, SIMULATED);
  const interleaved = id.slice(id.toLowerCase().lastIndexOf('/providers/') + '/providers/'.length);
  const names = [id, interleaved, `${type}/${name}`, name, symbol, loop ?? ''].filter((text) => text !== '');
  return { step, names: names.map((text) => text.toLowerCase()) };
}

/** Where the resource goes: beside the deployment, into another group or subscription, or onto another resource. */
function idOf(
  { scope }: Context,
  source: Source,
  type: string,
  name: string,
  resolved: (value: unknown) => unknown,
): string {
  const { subscriptionId, resourceGroup, scope: onto } = source;
  const subscription = subscriptionId === undefined ? scope.split('/').slice(0, 3).join('/') : `/subscriptions/${String(resolved(subscriptionId))}`; // prettier-ignore
  const base =
    resourceGroup !== undefined
      ? `${subscription}/resourceGroups/${String(resolved(resourceGroup))}`
      : subscriptionId !== undefined
        ? subscription
        : scope;
  if (onto === undefined) return idWithin(base, type, name.split('/'));
  const target = String(resolved(onto));
  const at = target === '/' ? '' : target.startsWith('/') ? target : `${base}/providers/${target}`;
  return idWithin(at, type, name.split('/'));
}

function dependencies(azure: Azure, context: Context, step: Step, named: readonly Named[]): string[] {
  const functions = functionsAt(azure, { ...context, loops: step.loops });
  const asked = Array.isArray(step.source['dependsOn']) ? step.source['dependsOn'] : [];
  return asked.flatMap((value) => {
    const text = String(resolve(value, functions)).toLowerCase();
    const found = named.filter(({ names }) => names.includes(text));
    if (found.length === 0)
      throw invalidTemplate(`The resource '${String(resolve(value, functions))}' is not defined in the template. Please see https://aka.ms/arm-syntax for usage details.`); // prettier-ignore
    return found.map(({ step: other }) => other.id.toLowerCase());
  });
}

function demandNoCycle(steps: readonly Step[]): void {
  const done = new Set<string>();
  let left = [...steps];
  while (left.length > 0) {
    const ready = left.filter(({ after }) => after.every((id) => done.has(id)));
    const [stuck] = left;
    if (ready.length === 0 && stuck !== undefined)
      throw invalidTemplate(`Circular dependency detected on resource: '${stuck.id}'. Please see https://aka.ms/arm-syntax-resources for usage details.`); // prettier-ignore
    for (const { id } of ready) done.add(id.toLowerCase());
    left = left.filter(({ id }) => !done.has(id.toLowerCase()));
  }
}

export const NOT_BODY = new Set(['type', 'name', 'apiVersion', 'dependsOn', 'condition', 'copy', 'comments', 'metadata', 'scope', 'existing', 'resources', 'subscriptionId', 'resourceGroup']); // prettier-ignore

/** What is put for a step. The template of a nested deployment keeps its expressions: they are its own. */
export function bodyOf(azure: Azure, context: Context, step: Step): Record<string, unknown> {
  const at = (loops: Readonly<Record<string, number>>) =>
    functionsAt(azure, { ...context, loops: { ...step.loops, ...loops } });
  const body = Object.fromEntries(Object.entries(step.source).filter(([name]) => !NOT_BODY.has(name)));
  if (step.type.toLowerCase() !== 'microsoft.resources/deployments')
    return asObject(withoutNulls(withCopies(body, at)));
  const { template, ...properties } = asObject(body['properties']);
  const options = asObject(properties['expressionEvaluationOptions']);
  if (typeof options['scope'] !== 'string' || options['scope'].toLowerCase() !== 'inner')
    throw notSimulated('A nested deployment whose expressions have outer scope', SIMULATED);
  const rest = asObject(withCopies({ ...body, properties }, at));
  return { ...rest, properties: { ...asObject(rest['properties']), template } };
}

/** A property that a template sets to null counts as not being in the template. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, one]) => (one === null ? [] : [[name, withoutNulls(one)]])),
  );
}

import { createHash } from 'node:crypto';
import { isObject } from './expressions';
import { type Deployment, isOver, type Step } from './store';
import { readTemplate, isSecure } from './template';

const TYPE = 'Microsoft.Resources/deployments';

const iso = (time: number): string => new Date(time).toISOString();
const duration = (from: number, to: number): string => `PT${Math.max(to - from, 0) / 1000}S`;

/** The deployment as a GET gives it: never the template, never a secure value. */
export function shownDeployment(
  one: Deployment,
  now: number,
): Record<string, unknown> & { readonly properties: Record<string, unknown> } {
  const { id, name, location, tags, state, correlationId, createdAt, endedAt, outputs, error, steps, mode } = one;
  const counting = steps.filter(({ state: of, method }) => of !== 'Skipped' && method === 'PUT');
  return {
    id,
    name,
    type: TYPE,
    ...(location === null ? {} : { location }),
    ...(tags === undefined ? {} : { tags }),
    properties: {
      templateHash: templateHash(one),
      parameters: shownParameters(one),
      mode,
      provisioningState: state,
      timestamp: iso(isOver(one) ? endedAt : createdAt),
      duration: duration(createdAt, isOver(one) ? endedAt : now),
      correlationId,
      providers: providersOf(counting),
      dependencies: counting.filter(({ after }) => after.length > 0).map((step) => dependency(step, counting)),
      ...(state === 'Succeeded'
        ? { outputs, outputResources: counting.map(({ id: resource }) => ({ id: resource })) }
        : {}),
      ...(error === null ? {} : { error }),
    },
  };
}

const templateHash = ({ template }: Deployment): string =>
  BigInt(`0x${createHash('sha256').update(JSON.stringify(template)).digest('hex').slice(0, 16)}`).toString();

function shownParameters({ template, parameters }: Deployment): Record<string, unknown> {
  const { parameters: definitions } = readTemplate(template);
  return Object.fromEntries(
    Object.entries(definitions).map(([name, definition]) => {
      const type = definition.type.charAt(0).toUpperCase() + definition.type.slice(1);
      return [name, isSecure(definition) ? { type } : { type, value: parameters[name] }];
    }),
  );
}

function providersOf(steps: readonly Step[]): Record<string, unknown>[] {
  const namespaces = new Map<string, Map<string, unknown>>();
  for (const { type, source } of steps) {
    const [namespace = '', ...rest] = type.split('/');
    const types = namespaces.get(namespace) ?? new Map<string, unknown>();
    namespaces.set(namespace, types.set(rest.join('/'), source['location'] ?? null));
  }
  return [...namespaces].map(([namespace, types]) => ({
    namespace,
    resourceTypes: [...types].map(([resourceType, location]) => ({
      resourceType,
      locations: [typeof location === 'string' && !location.startsWith('[') ? location : null],
    })),
  }));
}

function dependency(step: Step, all: readonly Step[]): Record<string, unknown> {
  const brief = ({ id, type, name }: Step) => ({ id, resourceType: type, resourceName: name });
  const dependsOn = all.filter(({ id }) => step.after.includes(id.toLowerCase())).map(brief);
  return { dependsOn, ...brief(step) };
}

const words: Readonly<Record<number, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted' };
const wordOf = (status: number, error: Step['error']): string => words[status] ?? error?.code ?? 'BadRequest';

/** The operations of a deployment: one for each resource that was begun, and one for the outputs. */
export function shownOperations(one: Deployment, now: number): Record<string, unknown>[] {
  const begun = one.steps.filter(({ state, startedAt }) => state !== 'Skipped' && startedAt > 0);
  const operations = begun.map(({ operationId, state, startedAt, endedAt, status, error, id, type, name, method }) =>
    operation(one, operationId, {
      provisioningOperation: method === 'PUT' ? 'Create' : 'Delete',
      provisioningState: state === 'Waiting' ? 'Running' : state,
      timestamp: iso(endedAt === 0 ? now : endedAt),
      duration: duration(startedAt, endedAt === 0 ? now : endedAt),
      trackingId: one.correlationId,
      statusCode: wordOf(status, error),
      ...(error === null ? {} : { statusMessage: { error } }),
      targetResource: { id, resourceType: type, resourceName: name },
    }),
  );
  if (one.state !== 'Succeeded') return operations;
  const last = operation(one, '08584', {
    provisioningOperation: 'EvaluateDeploymentOutput',
    provisioningState: 'Succeeded',
    timestamp: iso(one.endedAt),
    duration: 'PT0S',
    trackingId: one.correlationId,
    statusCode: 'OK',
  });
  return [...operations, last];
}

const operation = (one: Deployment, operationId: string, properties: Record<string, unknown>) => ({
  id: `${one.id}/operations/${operationId}`,
  operationId,
  properties,
});

/** What an export gives back: the template, with the namespaces that clients look for. */
export const exported = ({ template }: Deployment): Record<string, unknown> => ({
  template: isObject(template) ? template : {},
});

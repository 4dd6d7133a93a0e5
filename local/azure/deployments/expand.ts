/** A deployment with the templates inside it opened up, before anything of it is written. */
import { type Azure } from '../azure';
import { AzureError } from '../http/errors';
import { createGroup } from '../resources/groups';
import { type Context, functionsAt } from './context';
import { ExpressionError, type Functions, isObject, resolve } from './expressions';
import { bodyOf, contextOf, NOT_BODY } from './plan';
import { nested } from './request';
import { type Deployment, type Step } from './store';
import { isSecure, readTemplate } from './template';

/** One resource of a template. */
export interface Part {
  readonly deployment: Deployment;
  readonly step: Step;
  /** What would be put; undefined where only the running deployment can say. */
  readonly body: Record<string, unknown> | undefined;
}

export interface Diagnostic {
  readonly level: 'Warning';
  readonly code: string;
  readonly target: string;
  readonly message: string;
}

export interface Expansion {
  readonly deployments: readonly Deployment[];
  readonly parts: readonly Part[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Inside `undone`: groups that the template makes are made, so that what is deployed into them can be worked out. */
export function expanded(azure: Azure, deployment: Deployment): Expansion {
  const parts: Part[] = [];
  const deployments = [deployment];
  const diagnostics: Diagnostic[] = [];
  for (const step of inOrder(deployment.steps)) {
    const body = knownBody(azure, deployment, step);
    parts.push({ deployment, step, body });
    if (/\/resourceGroups$/i.test(step.type)) ensureGroup(azure, step.id, body);
    if (!isDeployment(step)) continue;
    const inner = body === undefined ? undefined : nested(azure, deployment, step.id, body);
    if (inner === undefined) diagnostics.push(shortCircuited(step.id));
    else {
      const inside = expanded(azure, inner);
      parts.push(...inside.parts);
      deployments.push(...inside.deployments);
      diagnostics.push(...inside.diagnostics);
    }
  }
  return { deployments, parts, diagnostics };
}

export const isDeployment = ({ type }: Step): boolean => /^microsoft\.resources\/deployments$/i.test(type);

/** In words of Azure's own diagnostics. */
const shortCircuited = (target: string): Diagnostic => ({
  level: 'Warning',
  code: 'NestedDeploymentShortCircuited',
  target,
  message:
    'A nested deployment got short-circuited and all its resources got skipped from validation. This is due to a nested template having a parameter that was not fully evaluated (e.g. contains a reference() function). Please see https://aka.ms/WhatIfEvalStopped for more guidance.',
});

function ensureGroup(azure: Azure, id: string, body: Record<string, unknown> | undefined): void {
  const location = body?.['location'];
  if (typeof location === 'string' && azure.resources.get(id) === undefined)
    createGroup(azure, id, location, undefined);
}

/** Those that count, each after those that it depends on. */
function inOrder(steps: readonly Step[]): Step[] {
  const ordered: Step[] = [];
  const done = new Set<string>();
  let left = [...steps];
  while (left.length > 0) {
    const ready = left.filter(({ after }) => after.every((id) => done.has(id)));
    for (const { id } of ready) done.add(id.toLowerCase());
    ordered.push(...ready);
    left = left.filter((one) => !ready.includes(one));
  }
  return ordered.filter(({ state }) => state !== 'Skipped');
}

const contextFor = (azure: Azure, deployment: Deployment, parameters = deployment.parameters): Context => {
  const { scope, name, location, template } = deployment;
  const variables = isObject(template['variables']) ? template['variables'] : {};
  return contextOf(azure, { scope, deployment: { name, location } }, variables, parameters, undefined);
};

function knownBody(azure: Azure, deployment: Deployment, step: Step): Record<string, unknown> | undefined {
  try {
    return bodyOf(azure, contextFor(azure, deployment), step);
  } catch (error) {
    // What only the deployment itself can work out is found when it gets there.
    if (error instanceof ExpressionError) return undefined;
    throw error;
  }
}

/** What a template says of a resource as far as that is known; secure values are masked, and the rest stays an expression. */
export function saidOf(azure: Azure, { deployment, step }: Part): Record<string, unknown> {
  const { parameters: definitions } = readTemplate(deployment.template);
  const masked = Object.entries(deployment.parameters).map(([name, value]): [string, unknown] => {
    const definition = definitions[name];
    return [name, definition !== undefined && isSecure(definition) ? '*******' : value];
  });
  const context = contextFor(azure, deployment, Object.fromEntries(masked));
  const functions = functionsAt(azure, { ...context, loops: step.loops });
  const said = Object.entries(step.source).filter(([name, value]) => !NOT_BODY.has(name) && value !== null);
  return Object.fromEntries(said.map(([name, value]) => [name, asFarAsKnown(value, functions)]));
}

function asFarAsKnown(value: unknown, functions: Functions): unknown {
  if (Array.isArray(value)) return value.map((one) => asFarAsKnown(one, functions));
  if (isObject(value))
    return Object.fromEntries(
      Object.entries(value).flatMap(([name, one]) => (one === null ? [] : [[name, asFarAsKnown(one, functions)]])),
    );
  try {
    return resolve(value, functions);
  } catch (error) {
    if (error instanceof ExpressionError || error instanceof AzureError) return value;
    throw error;
  }
}

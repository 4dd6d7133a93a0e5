import { type Azure } from '../azure';
import { type Clock } from '../clock';
import { AzureError } from '../http/errors';
import { type Context, functionsAt } from './context';
import { ExpressionError, isObject, resolve } from './expressions';
import { deletions } from './complete';
import { bodyOf, contextOf } from './plan';
import { type Deployment, type DeploymentStore, isOver, type Step } from './store';
import { isSecure, readTemplate } from './template';

/** How long a refused write is tried again where the refusal says when: throttled, or another operation runs. */
const PATIENCE = 10 * 60_000;

/**
 * Carries deployments out. Nothing runs between requests: what has become due by the time of the next one is done
 * then, each step at its own time, so that a kill changes nothing.
 */
export class DeploymentEngine {
  constructor(
    private readonly azure: Azure,
    private readonly store: DeploymentStore,
    private readonly clock: Clock,
  ) {}

  /** Does all that is due by now. */
  advance(): void {
    const now = this.clock.now();
    if (!this.store.isAnyDue(now)) return;
    this.azure.db.transaction(() => {
      for (let due = this.store.due(now); due !== undefined; due = this.store.due(now)) {
        const { deployment, nextAt, depth } = due;
        this.clock.at(nextAt, () => this.continued(deployment, nextAt, depth));
      }
    });
  }

  private continued(deployment: Deployment, now: number, depth: number): void {
    const seen = {
      ...deployment,
      state: 'Running' as const,
      steps: deployment.steps.map((one) => this.looked(one, now)),
    };
    const started = this.completed(this.started(seen, now, depth), now, depth);
    const nextAt = this.nextAt(started);
    if (nextAt === undefined) this.store.put(this.finished(started, now), null, depth);
    else this.store.put(started, Math.max(nextAt, now), depth);
  }

  /** In Complete mode, once all is deployed, what the template does not name is deleted. */
  private completed(deployment: Deployment, now: number, depth: number): Deployment {
    const { mode, steps } = deployment;
    const isDone = steps.every(({ state, method }) => method === 'PUT' && ['Succeeded', 'Skipped'].includes(state));
    if (mode === 'Incremental' || !isDone) return deployment;
    return this.started({ ...deployment, steps: [...steps, ...deletions(this.azure, deployment)] }, now, depth);
  }

  /** A running step, ended if what it made is there. */
  private looked(step: Step, now: number): Step {
    if (step.state !== 'Running') return step;
    const nested = this.store.get(step.id);
    if (nested !== undefined) return this.nested(step, nested, now);
    const made = this.azure.resources.get(step.id);
    if (step.method === 'DELETE')
      return made?.goneAt ? { ...step, nextAt: made.goneAt } : { ...step, state: 'Succeeded', endedAt: now };
    if (made !== undefined && made.readyAt > now) return { ...step, nextAt: made.readyAt };
    const failure = made?.failure ?? null;
    if (failure === null) return { ...step, state: 'Succeeded', endedAt: now };
    return { ...step, state: 'Failed', endedAt: now, error: { ...terminal(step, 'Failed'), details: [failure] } };
  }

  private nested(step: Step, nested: Deployment, now: number): Step {
    if (!isOver(nested)) return { ...step, nextAt: this.store.nextAt(nested.id) ?? now };
    if (nested.state === 'Succeeded') return { ...step, state: 'Succeeded', endedAt: now };
    return { ...step, state: 'Failed', endedAt: now, error: nested.error ?? terminal(step, 'Canceled') };
  }

  /** Starts what waits for nothing any more, until something fails. */
  private started(deployment: Deployment, now: number, depth: number): Deployment {
    let current = deployment;
    for (;;) {
      if (current.steps.some(({ state }) => state === 'Failed')) return current;
      const done = new Set(
        current.steps.filter(({ state }) => ['Succeeded', 'Skipped'].includes(state)).map(({ id }) => id.toLowerCase()),
      );
      const index = current.steps.findIndex(
        ({ state, after, nextAt }) => state === 'Waiting' && nextAt <= now && after.every((id) => done.has(id)),
      );
      const step = current.steps[index];
      if (step === undefined) return current;
      const next = this.looked(this.begun(current, step, now, depth), now);
      current = { ...current, steps: current.steps.with(index, next) };
    }
  }

  private begun(deployment: Deployment, step: Step, now: number, depth: number): Step {
    const startedAt = step.startedAt === 0 ? now : step.startedAt;
    try {
      const { apiVersion, id: path, method } = step;
      const body = method === 'PUT' ? bodyOf(this.azure, this.contextFor(deployment), step) : undefined;
      const { status } = this.azure.inner.perform({ method, path, apiVersion, body, caller: deployment.caller });
      const nested = this.store.get(step.id);
      if (nested !== undefined && !isOver(nested)) this.store.put(nested, now, depth + 1);
      return { ...step, state: 'Running', startedAt, status, nextAt: now };
    } catch (error) {
      return this.refused({ ...step, startedAt }, error, now);
    }
  }

  /** Azure, too, tries again what was throttled or in the way of another operation. */
  private refused(step: Step, error: unknown, now: number): Step {
    if (!(error instanceof AzureError) && !(error instanceof ExpressionError)) throw error;
    if (error instanceof ExpressionError) {
      const told = { code: 'InvalidTemplate', message: `Unable to process template language expressions for resource '${step.id}' at line '1' and column '1'. '${error.message}'` }; // prettier-ignore
      return { ...step, state: 'Failed', endedAt: now, status: 400, error: told };
    }
    const again = Number(error.extra.headers?.['Retry-After']);
    if (again > 0 && now - step.startedAt < PATIENCE) return { ...step, state: 'Waiting', nextAt: now + again * 1000 };
    const told = { code: error.code, message: error.message, target: step.id, ...error.extra.members };
    return { ...step, state: 'Failed', endedAt: now, status: error.status, error: told };
  }

  private nextAt({ steps }: Deployment): number | undefined {
    const failed = steps.some(({ state }) => state === 'Failed');
    const running = steps.filter(({ state }) => state === 'Running').map(({ nextAt }) => nextAt);
    const again = failed ? [] : steps.filter(({ state, nextAt }) => state === 'Waiting' && nextAt > 0);
    const all = [...running, ...again.map(({ nextAt }) => nextAt)];
    return all.length === 0 ? undefined : Math.min(...all);
  }

  private finished(deployment: Deployment, now: number): Deployment {
    const errors = deployment.steps.flatMap(({ error }) => error ?? []);
    const over = { ...deployment, endedAt: now };
    if (errors.length > 0)
      return withoutSecrets({ ...over, state: 'Failed', error: deploymentFailed(over.id, errors) });
    try {
      return withoutSecrets({ ...over, state: 'Succeeded', outputs: this.outputs(over) });
    } catch (error) {
      if (!(error instanceof ExpressionError) && !(error instanceof AzureError)) throw error;
      const told = { code: 'DeploymentOutputEvaluationFailed', message: `Unable to evaluate template outputs. '${error.message}'` }; // prettier-ignore
      return withoutSecrets({ ...over, state: 'Failed', error: told });
    }
  }

  private outputs(deployment: Deployment): Record<string, unknown> {
    const functions = functionsAt(this.azure, this.contextFor(deployment));
    const { outputs } = readTemplate(deployment.template);
    const counting = Object.entries(outputs).filter(
      ([, { condition }]) => condition === undefined || resolve(condition, functions) === true,
    );
    const context = this.contextFor(deployment);
    return Object.fromEntries(
      counting.map(([name, { type, value, copy }]) => [
        name,
        /^secure/i.test(type)
          ? { type }
          : {
              type: shownType(type),
              value: copy === undefined ? resolve(value, functions) : this.copied(context, copy),
            },
      ]),
    );
  }

  /** An output of many: `copy: { count, input }`. */
  private copied(context: Context, copy: unknown): unknown[] {
    const { count, input } = isObject(copy) ? copy : {};
    const length = Number(resolve(count, functionsAt(this.azure, context)));
    return Array.from({ length }, (_, index) =>
      resolve(input, functionsAt(this.azure, { ...context, loops: { copy: index } })),
    );
  }

  private contextFor(deployment: Deployment): Context {
    const { template, parameters, scope, name, location } = deployment;
    const variables = isObject(template['variables']) ? template['variables'] : {};
    const base = { scope, deployment: { name, location } };
    return contextOf(this.azure, base, variables, parameters, (of, apiVersion, full) =>
      this.referenced(deployment, of, apiVersion, full),
    );
  }

  /** `reference()`: by id, by the name of a resource in the template, or by the name that Bicep gave it. */
  private referenced(deployment: Deployment, of: string, apiVersion: string | undefined, full: boolean): unknown {
    const step = deployment.steps.find(({ symbol, name }) => symbol === of || name.toLowerCase() === of.toLowerCase());
    const path = of.startsWith('/') ? of : step?.id;
    if (path === undefined)
      throw new ExpressionError(`The resource '${of}' is not defined in the template. Please see https://aka.ms/arm-syntax for usage details.`); // prettier-ignore
    const version = apiVersion ?? step?.apiVersion ?? deployment.apiVersion;
    const { body } = this.azure.inner.perform({ method: 'GET', path, apiVersion: version, caller: deployment.caller });
    return full || !isObject(body) ? body : body['properties'];
  }
}

const terminal = ({ id }: Step, state: 'Failed' | 'Canceled') => ({
  code: 'ResourceDeploymentFailure',
  target: id,
  message: `The resource write operation failed to complete successfully, because it reached terminal provisioning state '${state}'.`,
});

const shownType = (type: string): string => type.charAt(0).toUpperCase() + type.slice(1);

/** The values of secure parameters are needed for the steps, and kept no longer. */
function withoutSecrets(deployment: Deployment): Deployment {
  const { parameters: definitions } = readTemplate(deployment.template);
  const kept = Object.entries(deployment.parameters).filter(([name]) => {
    const definition = definitions[name];
    return definition === undefined || !isSecure(definition);
  });
  return { ...deployment, parameters: Object.fromEntries(kept) };
}

const deploymentFailed = (target: string, details: readonly unknown[]) => ({
  code: 'DeploymentFailed',
  target,
  message:
    'At least one resource deployment operation failed. Please list deployment operations for details. Please see https://aka.ms/arm-deployment-operations for usage details.',
  details,
});

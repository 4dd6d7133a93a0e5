/**
 * The app's real adapters and effects against the simulated Azure over HTTPS, driven as the orchestration drives
 * them: by `next` and `settle`, waiting by moving the simulator's frozen clock.
 */
import { z } from 'zod';
import type { Fault } from '../../../local/azure/simulator/faults';
import type { TenantInput } from '../../../local/azure/tenant';
import type { Verb } from '../../../src/activities/contracts';
import { makeEnsure, makeRemove } from '../../../src/activities/ensure';
import { makeObserve } from '../../../src/activities/observe';
import { resourceEffects } from '../../../src/activities/resourceEffects';
import type { Azure } from '../../../src/azure/ports';
import { configure, services } from '../../../src/composition';
import { sentryResources } from '../../../src/domain/blueprint/sentry';
import { sharedResources } from '../../../src/domain/blueprint/shared';
import { windowRemovals, windowResources, windowScope } from '../../../src/domain/blueprint/window';
import { type Given, inBatches, next, outputsOf, type Progress, settle } from '../../../src/domain/graph';
import type { Outcome } from '../../../src/domain/outcome';
import type { Profile } from '../../../src/domain/profile';
import type { Kind, Resource, Spec, SpecOf } from '../../../src/domain/resources';
import { specify, UNKNOWN } from '../../../src/domain/resources';
import { applianceIn, profile as guide, request } from '../../support/requests';
import {
  type Answer,
  type Ask,
  location,
  platform,
  startTestAzure,
  type TestAzure,
  watched,
} from './simulator.support';

/** What one request asks for, in Azure's terms. Every deployment of a test file has names of its own. */
export interface Deployment {
  readonly name: string;
  /** All resources for one watched subscription, an open window's apart. */
  readonly resources: readonly Resource[];
  /** What an access window adds, and how it takes it away. */
  readonly window: (given: Given) => readonly Resource[];
  readonly removals: (given: Given) => readonly Resource[];
  /** The spec of the first resource of a kind, its needs read from `given`; `spec` where the kind is known. */
  readonly any: (kind: Kind, given?: Given) => Spec;
  readonly spec: <K extends Kind>(kind: K, given?: Given) => SpecOf<K>;
}

export function deploy(
  name: string,
  identity: 'managedIdentity' | 'appRegistration' = 'managedIdentity',
  changes: object = {},
  profile: Profile = guide,
): Deployment {
  const asked = request({
    name,
    identity: { kind: identity },
    names: { application: `${name}-app` },
    placement: { subscriptionId: platform, resourceGroup: name, location },
    ...changes,
  });
  const plan = { request: asked, profile };
  const resources = [...sharedResources(plan), ...sentryResources(plan, 1, [watched(1)])];
  const any = (kind: Kind, given: Given = {}): Spec => {
    const found = resources.find((one) => one.kind === kind);
    if (!found) throw new Error(`There is no ${kind}.`);
    return specify(found, name, given);
  };
  const scope = ({ networkSecurityGroup, networkInterface }: Given) =>
    windowScope(plan, 1, applianceIn(plan), [], {
      networkSecurityGroupId: networkSecurityGroup?.['id'] ?? '',
      networkInterfaceId: networkInterface?.['id'] ?? '',
      expiresAt: '2026-11-23T12:00:00Z',
    });
  return {
    name,
    resources,
    window: (given) => windowResources(scope(given)),
    removals: (given) => windowRemovals(scope(given)),
    any,
    spec: <K extends Kind>(kind: K, given?: Given) => any(kind, given) as SpecOf<K>,
  };
}

export interface World {
  readonly azure: TestAzure;
  /** The app's own adapters. */
  readonly ports: Azure;
  /** One answer of the activity for one resource. */
  step(verb: Verb, spec: Spec): Promise<Outcome>;
  /** Carries the verb out as the orchestration does; the clock moves, nobody waits. */
  carryOut(verb: Verb, owner: string, resources: readonly Resource[], given?: Given): Promise<Progress>;
  /** Carries the verb out for one resource that is specified already, and tells every answer on the way. */
  drive(verb: Verb, spec: Spec): Promise<Outcome[]>;
  /** Asks as the administrator does: ARM, Graph (`/v1.0/…`) or the vault (`/secrets/…`), by the path. */
  outside(method: string, path: string, body?: unknown, rest?: Ask): Promise<Answer>;
  /** Asks the same and must be answered with a success; gives the body. */
  demand(method: string, path: string, body?: unknown): Promise<Record<string, unknown>>;
  fault(one: Partial<Fault>): Promise<void>;
  /** What the app wrote while `work` ran: `PUT networkInterfaces/…` by the last two names of the path. */
  written(work: () => Promise<unknown>): Promise<string[]>;
}

const asked = z.array(z.object({ method: z.string(), path: z.string(), caller: z.string(), status: z.number() }));
const APP = 'a0000000-0000-4000-8000-000000000001';

/** One for each test file: the sign-in library keeps tokens for the whole process. */
export async function startWorld(tenant: TenantInput, subscriptions = 5): Promise<World> {
  const azure = await startTestAzure(tenant, { subscriptions });
  Object.assign(process.env, azure.environment);
  configure({});
  const { azure: ports } = services();
  const effects = resourceEffects(ports);
  const verbs = {
    ensure: makeEnsure(ports, effects),
    remove: makeRemove(ports, effects),
    observe: makeObserve(effects),
  };
  let now = 0;
  const waitUntil = (time: number): void => {
    azure.advance(Math.max(0, time - now) / 1_000);
    now = Math.max(now, time);
  };

  const step: World['step'] = async (verb, spec) => only(await verbs[verb]([{ spec }]));

  const carryOut: World['carryOut'] = async (verb, owner, resources, given = {}) => {
    let progress: Progress = {};
    for (;;) {
      const { due, wakeAt, progress: settled } = next(resources, progress, now);
      progress = settled;
      if (due.length > 0) {
        const answered = await Promise.all(
          inBatches(due).map(async (batch) => {
            const outputs = { ...outputsOf(progress), ...given };
            const steps = batch.map((one) => ({
              ...stepOf(progress[one.key]),
              spec: specify(one, owner, outputs, UNKNOWN),
            }));
            const outcomes = await verbs[verb](steps);
            return batch.map(
              ({ key }, at) => [key, settle(progress[key], only(outcomes.slice(at, at + 1)), now)] as const,
            );
          }),
        );
        progress = { ...progress, ...Object.fromEntries(answered.flat()) };
      } else if (wakeAt !== undefined) waitUntil(wakeAt);
      else return progress;
    }
  };

  const drive: World['drive'] = async (verb, spec) => {
    const outcomes: Outcome[] = [];
    let progress: Progress = {};
    for (;;) {
      const outcome = only(await verbs[verb]([{ ...stepOf(progress[spec.key]), spec }]));
      outcomes.push(outcome);
      const state = settle(progress[spec.key], outcome, now);
      progress = { [spec.key]: state };
      if (state.state !== 'running' && state.state !== 'later') return outcomes;
      waitUntil(state.dueAt);
    }
  };

  const outside: World['outside'] = async (method, path, body, rest = {}) => {
    const [resource, version] = path.startsWith('/v1.0/')
      ? ['https://graph.microsoft.com', '']
      : /^\/(deleted)?secrets/.test(path)
        ? ['https://vault.azure.net', '?api-version=7.6']
        : ['https://management.azure.com', '?api-version=2024-05-01'];
    const token = await azure.token('administrator', resource);
    return azure.ask(method, `${path}${version}`, { token, ...(body === undefined ? {} : { body }), ...rest });
  };
  const demand: World['demand'] = async (method, path, body) => {
    const answer = await outside(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return z.record(z.string(), z.unknown()).parse(answer.body ?? {});
  };

  const record = async (): Promise<z.output<typeof asked>> =>
    asked.parse((await azure.ask('GET', '/_simulator/requests?full=true')).body);

  return {
    azure,
    ports,
    step,
    carryOut,
    drive,
    outside,
    demand,
    fault: async (one) => {
      const { status } = await azure.ask('POST', '/_simulator/faults', { body: one });
      if (status !== 201) throw new Error('The simulator did not take the fault.');
    },
    written: async (work) => {
      const before = (await record()).length;
      await work();
      return (
        (await record())
          .slice(before)
          // A query of Resource Graph is a POST that reads.
          .filter(({ method, path, caller }) => caller === APP && method !== 'GET' && !/resourcegraph/i.test(path))
          .map(({ method, path }) => `${method} ${path.split('/').slice(-2).join('/')}`)
      );
    },
  };
}

const only = (outcomes: readonly Outcome[]): Outcome => {
  const [outcome] = outcomes;
  if (outcome === undefined) throw new Error('The activity gave no outcome.');
  return outcome;
};

const stepOf = (state: Progress[string] | undefined) =>
  state?.state === 'running'
    ? { operation: state.operation, change: state.change }
    : state?.state === 'later' && state.change
      ? { change: state.change }
      : {};

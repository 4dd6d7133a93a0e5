/**
 * A what-if: the template is tried and everything undone, so that what a service adds or sets itself is no change.
 * Azure's own prediction takes some of its defaults for deletions, its "noise"; that is not imitated.
 */
import { doneAt, type Azure } from '../azure';
import { type Answer, type Call } from '../http/call';
import { AzureError } from '../http/errors';
import { nameOf, resourceGroupOf, subscriptionOf } from '../http/paths';
import { outsideHand } from '../simulator/outsideHand';
import { type Change, diff, withoutEffect } from './delta';
import { expanded, isDeployment, type Part, saidOf } from './expand';
import { isObject } from './expressions';
import { type Deployment } from './store';
import { validated } from './validate';

type Payload = Record<string, unknown>;

interface Foreseen {
  readonly resourceId: string;
  readonly changeType: 'Create' | 'Delete' | 'Ignore' | 'NoChange' | 'Modify';
  readonly before?: Payload;
  readonly after?: Payload;
  readonly delta?: readonly Change[];
}

/** Polled by its Location alone, which gives the result in the end. */
export function whatIf(azure: Azure, call: Call): Answer {
  const { deployment, onlyIds, diagnostics } = validated(azure, call);
  const changes = azure.db.undone(() => foreseen(azure, deployment));
  const properties = {
    correlationId: deployment.correlationId,
    changes: onlyIds ? changes.map(shortened) : changes,
    potentialChanges: [],
    diagnostics,
  };
  const { Location = '' } = azure.operations.accepted({
    subscriptionId: subscriptionOf(call.scope) ?? '',
    namespace: 'Microsoft.Resources',
    location: 'global',
    apiVersion: deployment.apiVersion,
    endsAt: doneAt(azure, 'deploymentStart'),
    failure: null,
    output: { status: 'Succeeded', properties },
  });
  return { status: 202, headers: { Location, 'Retry-After': '15' } };
}

/** Without payloads nothing is compared: what is there already is deployed. */
const shortened = ({ resourceId, changeType }: Foreseen): Payload => ({
  resourceId,
  changeType: changeType === 'Modify' || changeType === 'NoChange' ? 'Deploy' : changeType,
});

function foreseen(azure: Azure, deployment: Deployment): readonly Foreseen[] {
  const { parts: all, deployments } = azure.db.undone(() => expanded(azure, deployment));
  const parts = all.filter(({ step }) => !isDeployment(step));
  const ids = new Set(parts.map(({ step }) => step.id.toLowerCase()));
  const groups = new Set(deployments.map(({ scope }) => scope.toLowerCase()).filter(resourceGroupOf));
  // Before the trial adds anything to them.
  const rest = [...groups].flatMap((group) => untouched(azure, deployment, group, ids));
  return [...parts.map((part) => changeOf(azure, part)), ...rest];
}

/** Resources of a group that the template does not name: Complete would delete those beside the deployment itself. */
function untouched(azure: Azure, deployment: Deployment, group: string, named: ReadonlySet<string>): Foreseen[] {
  const deletes = deployment.mode === 'Complete' && group === deployment.scope.toLowerCase();
  return azure.resources
    .below(group)
    .filter(({ id, type }) => type.split('/').length === 2 && !named.has(id.toLowerCase()))
    .flatMap(({ id }): Foreseen[] => {
      const before = shown(azure, id, READ);
      if (before === undefined) return [];
      const both = { resourceId: id, before };
      return [deletes ? { ...both, changeType: 'Delete' } : { ...both, changeType: 'Ignore', after: before }];
    });
}

/** The version that a GET of what no template names is made with. */
const READ = '2024-05-01';

function changeOf(azure: Azure, part: Part): Foreseen {
  const { step } = part;
  const { id: resourceId, apiVersion } = step;
  const before = shown(azure, resourceId, apiVersion);
  const said = saidOf(azure, part);
  const tried = trial(azure, part);
  if (before === undefined) {
    const own = { apiVersion, id: resourceId, type: step.type, name: nameOf(resourceId) };
    return { resourceId, changeType: 'Create', after: { ...own, ...said } };
  }
  const after = tried ?? laidOver(before, said);
  const delta = diff(before, after);
  const idle = withoutEffect(said, before, tried, '');
  return {
    resourceId,
    changeType: delta.length > 0 ? 'Modify' : 'NoChange',
    before,
    after,
    delta: [...delta, ...idle],
  };
}

/** The resource once the part is put, or undefined: it needs what is not there yet, or is busy. */
function trial(azure: Azure, { deployment: { caller }, step, body }: Part): Payload | undefined {
  if (body === undefined) return undefined;
  try {
    azure.inner.perform({ method: 'PUT', path: step.id, apiVersion: step.apiVersion, body, caller });
  } catch (error) {
    if (error instanceof AzureError) return undefined;
    throw error;
  }
  return shown(azure, step.id, step.apiVersion);
}

/** What a template says over what is there: objects are gone into, all else is replaced. */
function laidOver(before: Payload, said: Payload): Payload {
  const members = Object.entries(said).map(([name, value]): [string, unknown] => {
    const was = before[name];
    return [name, name !== 'tags' && isObject(value) && isObject(was) ? laidOver(was, value) : value];
  });
  return { ...before, ...Object.fromEntries(members) };
}

function shown(azure: Azure, path: string, apiVersion: string): Payload | undefined {
  try {
    const { body } = azure.inner.perform({ method: 'GET', path, apiVersion, caller: outsideHand });
    const { id, type, name, ...rest } = isObject(body) ? body : {};
    return { apiVersion, id, type, name, ...withoutReadOnly(rest) };
  } catch (error) {
    if (error instanceof AzureError && error.status === 404) return undefined;
    throw error;
  }
}

/** Read-only properties that every write changes are in no payload. */
const READ_ONLY = ['etag', 'provisioningState', 'systemData', 'createdOn', 'createdBy', 'updatedOn', 'updatedBy'];

const withoutReadOnly = (value: Payload): Payload =>
  Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !READ_ONLY.includes(name))
      .map(([name, one]) => [name, cleaned(one)]),
  );

const cleaned = (value: unknown): unknown =>
  Array.isArray(value) ? value.map(cleaned) : isObject(value) ? withoutReadOnly(value) : value;

import { type Azure } from '../azure';
import { randomUUID } from '../random';
import { type Deployment, type Step } from './store';

/**
 * The end of a deployment in Complete mode: what else is in its group is deleted, each after what uses it.
 * What a condition left out counts as not being in the template.
 */
export function deletions(azure: Azure, deployment: Deployment): Step[] {
  const kept = new Set(stepsWithin(azure, deployment).map(({ id }) => id.toLowerCase()));
  const gone = azure.resources
    .below(deployment.scope)
    .filter(({ id, type, goneAt }) => type.split('/').length === 2 && goneAt === null && !kept.has(id.toLowerCase()));
  const leaving = new Set(gone.map(({ id }) => id.toLowerCase()));
  return gone.map(({ id, type }) => ({
    id,
    type,
    name: id.slice(id.lastIndexOf('/') + 1),
    symbol: '',
    apiVersion: deployment.apiVersion,
    operationId: randomUUID().replaceAll('-', '').slice(0, 16).toUpperCase(),
    after: [...new Set(usersOf(azure, id))].filter((user) => leaving.has(user) && user !== id.toLowerCase()),
    source: {},
    loops: {},
    method: 'DELETE',
    state: 'Waiting',
    startedAt: 0,
    endedAt: 0,
    nextAt: 0,
    status: 0,
    error: null,
  }));
}

/** Top-level resources that use it, or a child of it. */
const usersOf = (azure: Azure, id: string): string[] =>
  [id, ...azure.resources.below(id).map((child) => child.id)].flatMap((one) =>
    azure.resources.users(one).map(({ source }) => source.toLowerCase().split('/').slice(0, 9).join('/')),
  );

function stepsWithin(azure: Azure, { steps }: Deployment): Step[] {
  const counting = steps.filter(({ state }) => state !== 'Skipped');
  return counting.flatMap((step) => {
    const inner = azure.deployments.get(step.id);
    return inner === undefined ? [step] : [step, ...stepsWithin(azure, inner)];
  });
}

/** `deployments@all`: the list, with the rules that a new subscription is held against. */
import type { DeploymentRequest } from '../domain/request/request';
import type { DeploymentList } from '../domain/states';
import { entity } from './entity';

export const deploymentsOperations = {
  add: (before: DeploymentList, { name, subscriptions }: Pick<DeploymentRequest, 'name' | 'subscriptions'>) => ({
    state: { ...before, [name]: subscriptions },
  }),
};

export const deploymentsEntity = entity<DeploymentList>({}, deploymentsOperations);

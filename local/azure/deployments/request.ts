import { z } from 'zod';
import { type Azure } from '../azure';
import { type Call, param } from '../http/call';
import { AzureError, badRequest } from '../http/errors';
import { notSimulated } from '../http/notSimulated';
import { resourceGroupOf, subscriptionOf } from '../http/paths';
import { randomUUID } from '../random';
import { demandGroup } from '../resources/groups';
import { planned } from './plan';
import { type Deployment } from './store';
import { SIMULATED } from './template';

const TYPE = 'Microsoft.Resources/deployments';

const parameters = z.record(
  z.string(),
  z.looseObject({ value: z.unknown().optional(), reference: z.unknown().optional() }),
);

export const request = z.looseObject({
  location: z.string().optional(),
  tags: z.record(z.string(), z.string()).optional(),
  properties: z.looseObject({
    // The Azure CLI writes it in lower case.
    mode: z.string().regex(/^(incremental|complete)$/i),
    template: z.record(z.string(), z.unknown()).optional(),
    templateLink: z.unknown().optional(),
    parameters: z.union([parameters, z.null()]).optional(),
    parametersLink: z.unknown().optional(),
    whatIfSettings: z
      .looseObject({ resultFormat: z.enum(['ResourceIdOnly', 'FullResourcePayloads']).optional() })
      .optional(),
  }),
});
type Asked = z.infer<typeof request>;

export const idOf = (call: Call): string => `${call.scope}/providers/${TYPE}/${param(call, 'name')}`;

export function demandScope(azure: Azure, { scope }: Call): string {
  const [subscription, group] = [subscriptionOf(scope), resourceGroupOf(scope)];
  if (subscription === undefined) throw notSimulated('A deployment at a management group or at the tenant', SIMULATED);
  if (group !== undefined) demandGroup(azure, subscription, group);
  return scope;
}

export const isComplete = ({ properties: { mode } }: Asked): boolean => /^complete$/i.test(mode);

/** The deployment that another one makes, from the body that it would put; only Incremental, as in Azure. */
export function nested(azure: Azure, parent: Deployment, id: string, body: unknown): Deployment {
  const parsed = request.safeParse(body);
  if (!parsed.success || isComplete(parsed.data))
    throw notSimulated(`The nested deployment '${id}', whose properties are not those of an Incremental one,`, SIMULATED); // prettier-ignore
  const [scope = '', name = ''] = id.split(/\/providers\/Microsoft\.Resources\/deployments\//i);
  const { location = parent.location ?? undefined } = parsed.data;
  const asked = { ...parsed.data, ...(location === undefined ? {} : { location }) };
  return begun(azure, { id, scope, name, apiVersion: parent.apiVersion }, asked, parent.caller);
}

/** A deployment worked out as far as that goes before it runs. */
export function begun(
  azure: Azure,
  where: Pick<Deployment, 'id' | 'scope' | 'name' | 'apiVersion'>,
  asked: Asked,
  caller: Deployment['caller'],
): Deployment {
  const { name, scope } = where;
  const { properties, location = null, tags } = asked;
  if (!/^[\w\-.()]{1,64}$/.test(name))
    throw badRequest('InvalidDeploymentName', `The deployment name '${name}' is not valid: it has letters, digits, '-', '_', '(', ')' and '.', at most 64 of them.`); // prettier-ignore
  demandSimulated(properties);
  const given = Object.fromEntries(Object.entries(properties.parameters ?? {}).map(([key, { value }]) => [key, value]));
  const plan = planned(azure, { scope, deployment: { name, location } }, properties.template, given);
  return {
    ...where,
    ...plan,
    location,
    mode: isComplete(asked) ? 'Complete' : 'Incremental',
    correlationId: randomUUID(),
    caller,
    template: properties.template ?? {},
    ...(tags === undefined ? {} : { tags }),
    state: 'Succeeded',
    createdAt: azure.now(),
    endedAt: azure.now(),
    outputs: {},
    error: null,
  };
}

function demandSimulated(properties: Asked['properties']): void {
  if (properties.templateLink !== undefined || properties.parametersLink !== undefined)
    throw notSimulated('A template or parameters by link', SIMULATED);
  if (Object.values(properties.parameters ?? {}).some(({ reference }) => reference !== undefined))
    throw notSimulated('A parameter out of a key vault', SIMULATED);
}

export const deploymentNotFound = (name: string): AzureError =>
  new AzureError(404, 'DeploymentNotFound', `Deployment '${name}' could not be found.`);

import { type Azure } from '../azure';
import { type Call, param, parseBody } from '../http/call';
import { badRequest } from '../http/errors';
import { resourceGroupOf } from '../http/paths';
import { type Diagnostic } from './expand';
import { demandPreflight } from './preflight';
import { begun, demandScope, idOf, isComplete, request } from './request';
import { type Deployment } from './store';

interface Validated {
  readonly deployment: Deployment;
  /** Of a what-if: no payloads are wanted. */
  readonly onlyIds: boolean;
  /** What could not be looked into. */
  readonly diagnostics: readonly Diagnostic[];
}

/** A deployment as it would begin, if nothing in it or in the templates inside it speaks against it. */
export function validated(azure: Azure, call: Call): Validated {
  const scope = demandScope(azure, call);
  const asked = parseBody(request, call);
  const { location, properties } = asked;
  if (resourceGroupOf(scope) === undefined && location === undefined)
    throw badRequest('LocationRequired', 'The location property is required for a deployment at subscription scope.');
  const where = { id: idOf(call), scope, name: param(call, 'name'), apiVersion: call.query('api-version') ?? '' };
  if (isComplete(asked) && resourceGroupOf(scope) === undefined)
    throw badRequest('InvalidDeployment', "The mode 'Complete' is for deployments to resource groups only.");
  const deployment = begun(azure, where, asked, { ...call.caller, roles: [...call.caller.roles] });
  const onlyIds = properties.whatIfSettings?.resultFormat === 'ResourceIdOnly';
  return { deployment, onlyIds, diagnostics: demandPreflight(azure, deployment) };
}

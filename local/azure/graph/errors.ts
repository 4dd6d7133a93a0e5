import { type z } from 'zod';
import { type Call } from '../http/call';
import { AzureError } from '../http/errors';

export const notFound = (id: string): AzureError =>
  new AzureError(
    404,
    'Request_ResourceNotFound',
    `Resource '${id}' does not exist or one of its queried reference-property objects are not present.`,
  );

export const graphBadRequest = (message: string, details?: readonly unknown[]): AzureError =>
  new AzureError(400, 'Request_BadRequest', message, details === undefined ? {} : { members: { details } });

export const denied = (): AzureError =>
  new AzureError(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.');

/** A value that must be unique in the directory and is not; what was deleted and not purged counts too. */
export const taken = (property: string): AzureError => {
  const message = `Another object with the same value for property ${property} already exists.`;
  return graphBadRequest(message, [{ code: 'ObjectConflict', message, target: property }]);
};

/** The body in the shape of `schema`, or 400 in Graph's words. */
export function graphBody<S extends z.ZodType>(schema: S, call: Call, resource: string): z.infer<S> {
  const result = schema.safeParse(call.body ?? {});
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const property = String(issue?.path[0] ?? '');
  if (issue?.code === 'invalid_type' && issue.input === undefined && property !== '')
    throw graphBadRequest(`A value is required for property '${property}' of resource '${resource}'.`);
  throw graphBadRequest(`Invalid value specified for property '${property}' of resource '${resource}'.`);
}

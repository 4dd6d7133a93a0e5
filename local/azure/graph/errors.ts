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

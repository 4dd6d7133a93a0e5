import { type Call } from '../http/call';
import { AzureError } from '../http/errors';

/** If-Match and If-None-Match: 412 in Microsoft.Network's words. */
export function demandEtag(call: Call, id: string, etag: string | undefined): void {
  const wanted = call.header('if-match');
  const refuse = (message: string): AzureError =>
    new AzureError(412, 'PreconditionFailed', message, { members: { details: [] } });
  if (wanted !== undefined && (etag === undefined || (wanted !== '*' && wanted !== etag))) {
    throw refuse(
      `Etag provided in if-match header ${wanted} does not match etag ${etag ?? ''} of resource ${id} in NRP data store.`,
    );
  }
  if (call.header('if-none-match') === '*' && etag !== undefined) {
    throw refuse(`The resource ${id} exists, and if-none-match header * was given.`);
  }
}

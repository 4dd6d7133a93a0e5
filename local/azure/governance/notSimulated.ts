import { AzureError } from '../http/errors';

/** What Azure would do and this one does not: refused, in Azure's envelope, with what is simulated. */
export const notSimulated = (what: string, simulated: string, status = 400): AzureError =>
  new AzureError(status, 'NotSimulated', `${what} is not simulated.`, {
    members: { details: [{ code: 'NotSimulated', message: `Simulated: ${simulated}` }] },
  });

import { AzureError, type Azure } from '../azure/ports';
import type { activities, HandlerOf } from './contracts';

/** Lists subscriptions as the Sentry's own application. Its secret is read from the vault here, used, and kept nowhere. */
export const makeProveApplication =
  ({ secrets, application }: Azure): HandlerOf<typeof activities.proveApplication> =>
  async ({ tenantId, clientId, clientSecretUri, subscriptions }) => {
    try {
      const secret = await secrets.get(clientSecretUri);
      if (!secret) return { kind: 'refused', code: 'NoSecret', reason: 'The vault has the client secret no longer' };
      const listed = new Set(await application.subscriptions(tenantId, clientId, secret.value));
      return { kind: 'listed', readable: subscriptions.filter((id) => listed.has(id)) };
    } catch (error) {
      if (!(error instanceof AzureError)) throw error;
      const { kind, code, reason } = error.outcome;
      return { kind, code, reason };
    }
  };

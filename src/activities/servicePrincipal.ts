import type { Azure } from '../azure/ports';
import { bearsMark, type Effects } from './effects';
import { heldByOthers } from './holders';

/** The app registration's principal in this tenant: what roles and Graph permissions are given to. */
export const servicePrincipal = ({ directory }: Azure): Effects<'servicePrincipal'> => ({
  observe: async ({ wanted, deployment }) => {
    const body = await directory.findServicePrincipal(wanted.appId);
    if (!body) return undefined;
    const what = `the service principal ${body.id}`;
    return {
      value: body,
      ours: bearsMark(body.tags, deployment),
      // It has owners and credentials of its own, beside its application's.
      obstacle: heldByOthers(what, body, [], deployment),
      outputs: { principalId: body.id, clientId: body.appId },
    };
  },
  put: async ({ wanted }) => {
    const { id, appId } = await directory.createServicePrincipal(wanted);
    return { outputs: { principalId: id, clientId: appId } };
  },
  remove: async (_spec, { outputs }) => {
    await directory.deleteServicePrincipal(outputs['principalId'] ?? '');
    return {};
  },
});

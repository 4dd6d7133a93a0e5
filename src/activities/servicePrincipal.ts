import type { Azure, ServicePrincipal } from '../azure/ports';
import type { Refused } from '../domain/outcome';
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
      obstacle: body.accountEnabled ? heldByOthers(what, body, deployment) : disabled(what, body),
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

/** Whoever did that had a reason, which no repair of ours may overrule. */
const disabled = (what: string, { id }: ServicePrincipal): Refused => ({
  kind: 'refused',
  code: 'PrincipalDisabled',
  reason: `Somebody disabled ${what}: the Sentry cannot sign in`,
  remedy: `Find out why. Where it is to collect again, run \`az ad sp update --id ${id} --set accountEnabled=true\` and send the same request again.`,
});

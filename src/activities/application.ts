import type { Application, Azure } from '../azure/ports';
import type { Refused } from '../domain/outcome';
import { bearsMark, type Effects } from './effects';
import { heldByOthers } from './holders';

/** Guide, option 2, steps 1 to 7: the app registration `CloudKnox-App`, single tenant, with the two permissions. */
export const application = ({ directory }: Azure): Effects<'application'> => ({
  observe: async ({ wanted, deployment }) => {
    const body = await directory.getApplication({ uniqueName: wanted.uniqueName });
    if (!body) return undefined;
    const what = `the application with the unique name '${wanted.uniqueName}' (object id ${body.id})`;
    const ours = bearsMark(body.tags, deployment);
    const obstacle = ours
      ? heldByOthers(what, { ...body, federations: await directory.federatedCredentials(body.id) }, deployment)
      : notOurs(what, body);
    // Graph shows the unique name on request only, and lets nobody change it.
    const value = { ...body, uniqueName: wanted.uniqueName };
    return { value, ours, obstacle, outputs: { objectId: body.id, appId: body.appId } };
  },
  put: async ({ wanted }, observed) => {
    const objectId = observed?.outputs['objectId'];
    if (objectId !== undefined) {
      await directory.updateApplication(objectId, wanted);
      return { outputs: observed?.outputs };
    }
    const { id, appId } = await directory.createApplication(wanted);
    return { outputs: { objectId: id, appId } };
  },
  remove: async (_spec, { outputs }) => {
    await directory.deleteApplication(outputs['objectId'] ?? '');
    return {};
  },
});

const notOurs = (what: string, { id }: Application): Refused => ({
  kind: 'refused',
  code: 'NotOurs',
  reason: `There is ${what} already, and this deployment did not make it`,
  remedy: `Give the deployment another name. Or, if nobody needs that application, remove it for good, because Entra keeps a unique name for 30 days: \`az ad app delete --id ${id}\`, then \`az rest --method delete --url https://graph.microsoft.com/v1.0/directory/deletedItems/${id}\`.`,
});

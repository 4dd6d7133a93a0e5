import type { Azure } from '../azure/ports';
import { bearsMark, type Effects } from './effects';

/** Guide, option 2, steps 1 to 7: the app registration `CloudKnox-App`, single tenant, with the two permissions. */
export const application = ({ directory }: Azure): Effects<'application'> => ({
  observe: async ({ wanted, deployment }) => {
    const found = await directory.findApplications(wanted.displayName);
    // Display names are not unique in Entra, and any user may register one: only what bears our mark counts.
    const body = found.find(({ tags }) => bearsMark(tags, deployment));
    // Graph shows the unique name on request only, and lets nobody change it.
    const value = { ...body, uniqueName: wanted.uniqueName };
    return body && { value, ours: true, outputs: { objectId: body.id, appId: body.appId } };
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

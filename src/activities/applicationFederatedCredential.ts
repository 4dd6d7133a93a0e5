import { AzureError, type Azure } from '../azure/ports';
import { bearsMark, type Effects } from './effects';
import { sameTrust, toldOfTaken, trustOutputs } from './trust';

/** Graph may list it only later. */
const UNSEEN = 900;

/** In place of the guide's client secret: an outside issuer's tokens sign in as the application. */
export const applicationFederatedCredential = ({ directory }: Azure): Effects<'applicationFederatedCredential'> => ({
  observe: async ({ wanted, deployment }) => {
    const shown = await directory.getFederatedCredential(wanted.applicationId, wanted.name);
    return (
      shown && {
        value: { ...shown, applicationId: wanted.applicationId, ...withoutTrust, ...sameTrust(shown, wanted) },
        ours: bearsMark(shown.description, deployment),
        outputs: trustOutputs(shown),
      }
    );
  },
  put: async ({ wanted: { applicationId, ...body } }, observed) => {
    const write = observed
      ? directory.updateFederatedCredential(applicationId, body)
      : directory.createFederatedCredential(applicationId, body);
    await toldOfTaken(
      'the application',
      `\`az ad app federated-credential list --id ${applicationId}\``,
      UNSEEN,
      write,
    );
    return { outputs: trustOutputs(body) };
  },
  remove: async ({ wanted }) => {
    try {
      await directory.deleteFederatedCredential(wanted.applicationId, wanted.name);
    } catch (error) {
      // Graph may list it for a while after it is gone.
      if (!(error instanceof AzureError && error.status === 404)) throw error;
    }
    return {};
  },
});

const withoutTrust = { issuer: undefined, subject: undefined, audiences: undefined };

import { z } from 'zod';
import type { Answers, Appliance, Dialogue, Session } from '../appliance/port';
import { AzureError, type Azure } from '../azure/ports';
import type { activities, ApplianceJob, ApplianceResult, HandlerOf } from './contracts';

/** What the console handed out, as the registration route keeps it in the vault. */
export const registrationSchema = z.strictObject({
  email: z.email(),
  pin: z.string().regex(/^\d{4,12}$/, { error: 'is not a PIN: 4 to 12 digits' }),
});

/**
 * Guide, "Configure the Sentry": answers the set-up script, prompt by prompt. Secrets are read from the vault here,
 * used, and kept nowhere. Killed half-way, it starts the script anew: a PIN is spent only when the script ends well.
 */
export const makeConfigureAppliance =
  ({ secrets }: Azure, appliance: Appliance): HandlerOf<typeof activities.configureAppliance> =>
  async (job) => {
    try {
      const { session, answers } = await prepare(secrets, job);
      return toResult(await appliance.configure(session, job.script, answers));
    } catch (error) {
      if (!(error instanceof AzureError)) throw error;
      // The vault: worth another try within the window, or refused.
      const { kind, code, reason, remedy } = error.outcome;
      return kind === 'later' ? { kind: 'unreachable', reason } : stopped(code, reason, remedy);
    }
  };

async function prepare(
  secrets: Azure['secrets'],
  job: ApplianceJob,
): Promise<{ readonly session: Session; readonly answers: Answers }> {
  const read = async (uri: string): Promise<string> => {
    const secret = await secrets.get(uri);
    if (!secret) throw new Error(`The vault holds no secret at ${uri}.`);
    return secret.value;
  };
  const registration = registrationSchema.parse(JSON.parse(await read(job.registrationUri)));
  const clientSecret = job.clientSecretUri === undefined ? {} : { clientSecret: await read(job.clientSecretUri) };
  const { address, port, username, hostKey } = job;
  return {
    session: { address, port, username, hostKey, privateKey: await read(job.sshKeyUri) },
    answers: { ...job.answers, ...registration, ...clientSecret },
  };
}

function toResult(dialogue: Dialogue): ApplianceResult {
  switch (dialogue.kind) {
    case 'configured':
    case 'wrongPin':
      return { kind: dialogue.kind, hostKey: dialogue.hostKey };
    case 'unreachable':
      return dialogue;
    case 'unknownPrompt':
      return stopped(
        'UnknownPrompt',
        `The set-up script asked something that the profile does not know: '${dialogue.prompt}'`,
        'Add the prompt to the profile, then send the same request again.',
        dialogue.transcript,
      );
    case 'failed':
      return stopped(
        'ScriptFailed',
        dialogue.reason,
        'The transcript says what the script objected to. Mend it, then send the same request again.',
        dialogue.transcript,
      );
    case 'refused':
      return stopped(
        'SessionRefused',
        dialogue.reason,
        'Make sure that the VM is the one that this deployment made, then send the same request again.',
      );
  }
}

const stopped = (code: string, reason: string, remedy: string, transcript = ''): ApplianceResult => ({
  kind: 'stopped',
  code,
  reason,
  remedy,
  transcript,
});

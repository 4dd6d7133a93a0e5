import { z } from 'zod';
import type { Answers, Appliance } from '../appliance/port';
import { AzureError, type Azure } from '../azure/ports';
import type { activities, HandlerOf } from './contracts';

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
    const read = async (uri: string): Promise<string> => {
      const secret = await secrets.get(uri);
      if (!secret) throw new Error(`The vault holds no secret at ${uri}.`);
      return secret.value;
    };
    const prepare = async () => {
      const registration = registrationSchema.parse(JSON.parse(await read(job.registrationUri)));
      const clientSecret = job.clientSecretUri === undefined ? {} : { clientSecret: await read(job.clientSecretUri) };
      const answers: Answers = { ...job.answers, ...registration, ...clientSecret };
      const { address, port, username, hostKey } = job;
      return { answers, session: { address, port, username, hostKey, privateKey: await read(job.sshKeyUri) } };
    };
    let prepared: Awaited<ReturnType<typeof prepare>>;
    try {
      prepared = await prepare();
    } catch (error) {
      if (!(error instanceof AzureError)) throw error;
      const { kind, code, reason, remedy } = error.outcome;
      return kind === 'later'
        ? { kind: 'unreachable', reason }
        : { kind: 'stopped', code, reason, remedy, transcript: '' };
    }
    const dialogue = await appliance.configure(prepared.session, job.script, prepared.answers);
    switch (dialogue.kind) {
      case 'configured':
      case 'wrongPin':
        return { kind: dialogue.kind, hostKey: dialogue.hostKey };
      case 'unreachable':
        return dialogue;
      case 'unknownPrompt':
        return {
          kind: 'stopped',
          code: 'UnknownPrompt',
          reason: `The set-up script asked something that the profile does not know: '${dialogue.prompt}'`,
          remedy: 'Add the prompt to the profile, then send the same request again.',
          transcript: dialogue.transcript,
        };
      case 'failed':
        return {
          kind: 'stopped',
          code: 'ScriptFailed',
          reason: dialogue.reason,
          remedy: 'The transcript says what the script objected to. Mend it, then send the same request again.',
          transcript: dialogue.transcript,
        };
      case 'refused':
        return {
          kind: 'stopped',
          code: 'SessionRefused',
          reason: dialogue.reason,
          remedy: 'Make sure that the VM is the one that this deployment made, then send the same request again.',
          transcript: '',
        };
    }
  };

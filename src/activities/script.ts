/** What the kinds of configuration share: the answers to the set-up script, and what its end means. */
import { z } from 'zod';
import type { Answers, ScriptRun } from '../appliance/port';
import type { Azure } from '../azure/ports';
import type { ScriptJob, ScriptResult } from './contracts';

/** What the console handed out, as the registration route keeps it in the vault. */
export const registrationSchema = z.strictObject({
  email: z.email(),
  pin: z.string().regex(/^\d{4,12}$/, { error: 'is not a PIN: 4 to 12 digits' }),
});

export type Registration = z.infer<typeof registrationSchema>;

/** Every answer. The secrets among them are read from the vault here, used, and kept nowhere. */
export async function readAnswers({ secrets }: Azure, job: ScriptJob): Promise<Answers> {
  const read = async (uri: string): Promise<string> => {
    const secret = await secrets.get(uri);
    if (!secret) throw new Error(`The vault holds no secret at ${uri}.`);
    return secret.value;
  };
  const registration = registrationSchema.parse(JSON.parse(await read(job.registrationUri)));
  const clientSecret = job.clientSecretUri === undefined ? {} : { clientSecret: await read(job.clientSecretUri) };
  return { ...job.answers, ...registration, ...clientSecret };
}

export function toScriptResult(run: ScriptRun): ScriptResult {
  switch (run.kind) {
    case 'configured':
    case 'wrongPin':
      return { kind: run.kind };
    case 'unknownPrompt':
      return stopped(
        'UnknownPrompt',
        `The set-up script asked something that the profile does not know: '${run.prompt}'`,
        'Add the prompt to the profile, then send the same request again.',
        run.transcript,
      );
    case 'failed':
      return stopped(
        'ScriptFailed',
        run.reason,
        run.transcript === ''
          ? 'The script left nothing to read. See on the appliance what it objects to (its own log, or configuration manual), mend it, then send the same request again.'
          : 'The transcript says what the script objected to. Mend it, then send the same request again.',
        run.transcript,
      );
  }
}

export const stopped = (
  code: string,
  reason: string,
  remedy: string,
  transcript = '',
): Extract<ScriptResult, { kind: 'stopped' }> => ({ kind: 'stopped', code, reason, remedy, transcript });

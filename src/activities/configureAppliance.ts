import type { Appliance, Refused, Session, Unreachable } from '../appliance/port';
import { AzureError, type Azure } from '../azure/ports';
import type { Refusal } from '../domain/outcome';
import type { activities, ApplianceJob, ApplianceResult, Entry, HandlerOf } from './contracts';
import { prove } from './prove';
import { readAnswers, stopped, toScriptResult } from './script';
import { ourKeys } from './sshKey';

/**
 * Guide, "Configure the Sentry": answers the set-up script, prompt by prompt. Secrets are read from the vault here,
 * used, and kept nowhere. Killed half-way, it starts the script anew: a PIN is spent only when the script ends well.
 */
export const makeConfigureAppliance =
  (azure: Azure, appliance: Appliance): HandlerOf<typeof activities.configureAppliance> =>
  async (job) => {
    try {
      const { address, port, username, hostKey, sshKeyName } = job;
      const privateKeys = (await ourKeys(azure, sshKeyName)).map(({ privateKey }) => privateKey);
      // It is there, or the VM would not be: a replica of the vault has not heard of it yet.
      if (privateKeys.length === 0) return { kind: 'unreachable', reason: `the vault shows no secret '${sshKeyName}'` };
      const session = { address, port, username, hostKey, privateKeys };
      const tooEarly = await whyTooEarly(appliance, session, job);
      if (tooEarly) return tooEarly;
      const dialogue = await appliance.configure(session, job.script, await readAnswers(azure, job));
      if (dialogue.kind === 'unreachable') return dialogue;
      if (dialogue.kind === 'refused') return refused(dialogue, job);
      return { ...toScriptResult(dialogue), hostKey: dialogue.hostKey };
    } catch (error) {
      if (!(error instanceof AzureError)) throw error;
      // The vault: worth another try within the window, or refused.
      const { kind, code, reason, remedy } = error.outcome;
      return kind === 'later' ? { kind: 'unreachable', reason } : stopped(code, reason, remedy);
    }
  };

/**
 * The script picks, once, among what its identity reads at that moment. A role that was given a moment ago may not work
 * yet, and a script that does not see it is content with less. What does not say what it reads is not waited for.
 */
async function whyTooEarly(
  appliance: Appliance,
  session: Session,
  { first }: ApplianceJob,
): Promise<ApplianceResult | undefined> {
  if (!first) return undefined;
  const lost: Unreachable[] = [];
  const found = await prove(
    async (script) => {
      const ran = await appliance.run(session, script);
      if (ran.kind === 'ran') return ran;
      if (ran.kind === 'unreachable') lost.push(ran);
      return { kind: 'unanswered', reason: ran.reason };
    },
    first.questions,
    first.subscriptions,
  );
  if (found.kind === 'unanswered') return lost[0];
  const { readable = first.subscriptions } = found;
  const missing = first.subscriptions.filter((id) => !readable.includes(id));
  return missing.length > 0 ? { kind: 'unread', missing } : undefined;
}

const refusals: Readonly<Record<Refused['why'], (entry: Entry) => Pick<Refusal, 'code' | 'remedy'>>> = {
  hostKey: () => ({
    code: 'HostKeyChanged',
    remedy:
      'Find out who answers at that address. If the VM was rebuilt by another hand, delete it and send the same request again: the host key of a VM that this app makes is pinned anew.',
  }),
  key: ({ username, sshKeyName }) => ({
    code: 'KeyRefused',
    remedy: `Let the app's key in again: \`az vm user update --username ${username} --ssh-key-value <key> --ids <id of the VM>\`, where the key is the tag public-key of the vault's secret '${sshKeyName}'; or delete the VM. Then send the same request again.`,
  }),
};

function refused({ why, reason }: Refused, entry: Entry): ApplianceResult {
  const { code, remedy } = refusals[why](entry);
  return stopped(code, reason, remedy);
}

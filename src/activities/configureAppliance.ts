import type { Appliance, Refused } from '../appliance/port';
import { AzureError, type Azure } from '../azure/ports';
import type { Refusal } from '../domain/outcome';
import type { activities, ApplianceResult, Entry, HandlerOf } from './contracts';
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
      const session = { address, port, username, hostKey, privateKeys };
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

const refusals: Readonly<Record<Refused['why'], (entry: Entry) => Pick<Refusal, 'code' | 'remedy'>>> = {
  hostKey: () => ({
    code: 'HostKeyChanged',
    remedy:
      'Find out who answers at that address. If the VM was rebuilt by another hand, delete it and send the same request again: the host key of a VM that this app makes is pinned anew.',
  }),
  key: ({ username, sshKeyName }) => ({
    code: 'KeyRefused',
    remedy: `Let the app's key in again: az vm user update --username ${username} --ssh-key-value with the tag public-key of the vault's secret '${sshKeyName}'; or delete the VM. Then send the same request again.`,
  }),
};

function refused({ why, reason }: Refused, entry: Entry): ApplianceResult {
  const { code, remedy } = refusals[why](entry);
  return stopped(code, reason, remedy);
}

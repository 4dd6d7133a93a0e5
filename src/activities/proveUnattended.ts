import type { Azure } from '../azure/ports';
import { proofScript, readAnswers } from '../domain/proofScript';
import type { activities, HandlerOf, ProofCommandJob, ProofCommandResult } from './contracts';
import { orOutcome } from './orOutcome';
import { KEPT_BYTES, runCommandStep, TIMEOUT_SECONDS, wasCutShort } from './runCommandStep';

/** Guide, "Outbound traffic is 443": asked on the appliance itself by Azure's agent, where no session leads there. */
export const makeProveUnattended =
  (azure: Azure): HandlerOf<typeof activities.proveUnattended> =>
  (job) =>
    orOutcome(() => step(azure, job));

async function step(azure: Azure, job: ProofCommandJob): Promise<ProofCommandResult> {
  const { questions, subscriptions, page } = job;
  const answer = await runCommandStep(azure, job, remedy, async () => ({
    script: proofScript(questions, subscriptions, page),
    // The token that it asks for is the machine's own, and stays there.
    secrets: {},
  }));
  if (answer.kind !== 'over') return answer;
  const { shown } = answer;
  if (wasCutShort(shown))
    return unread(`Azure ended its script (${shown.state}) after ${TIMEOUT_SECONDS / 60} minutes`);
  // What was said first is lost, and silence must not be taken for "not reached".
  if (Buffer.byteLength(shown.output) >= KEPT_BYTES) return unread(`its script said more than ${KEPT_BYTES} bytes`);
  return { kind: 'ended', answered: readAnswers(shown.output, questions) };
}

const remedy = 'See that the VM runs and that its agent is ready, then send the same request again.';
const unread = (reason: string): ProofCommandResult => ({ kind: 'refused', code: 'ProofUnread', reason, remedy });

/** What an appliance is asked to prove by run command, where no session leads to it. */
import type { OrchestrationContext } from 'durable-functions';
import { activities, type ProofCommandJob, type ProofResult } from '../activities/contracts';
import { type Answered, nextOf } from '../domain/proofScript';
import { call, type Story } from './call';
import { settled } from './settled';

/** Each asking, and each page of one, is a run command of its own: the newest attempt's answer counts. */
export function proofCommands(
  context: OrchestrationContext,
  command: Omit<ProofCommandJob, 'attempt' | 'page' | 'operation'>,
): () => Story<ProofResult> {
  let attempts = 0;
  return function* (): Story<ProofResult> {
    const { questions, subscriptions } = command;
    const pages: Answered[] = [];
    for (let page: string | undefined; ;) {
      attempts += 1;
      const job = { ...command, attempt: `${context.df.instanceId}-proof-${attempts}`, page };
      const answer = yield* settled(context, (operation) =>
        call(context, activities.proveUnattended, { ...job, operation }),
      );
      // As with the set-up's: the next attempt takes away what is left.
      yield* settled(context, () => call(context, activities.removeRunCommand, { id: job.id }));
      if (answer.kind === 'refused') return { kind: 'unanswered', reason: `${answer.code}: ${answer.reason}` };
      pages.push(answer.answered);
      const next = nextOf(pages, questions, subscriptions);
      if (!('page' in next)) return next;
      page = next.page;
    }
  };
}

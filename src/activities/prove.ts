/** Proves over what runs a shell script on the appliance and waits for its end. */
import { type Answered, nextOf, proofScript, type Questions, readAnswers } from '../domain/proofScript';
import type { ProofResult } from './contracts';

/** One run of a script: what it printed, or why it did not run. */
export type RunScript = (
  script: string,
) => Promise<
  { readonly kind: 'ran'; readonly output: string } | { readonly kind: 'unanswered'; readonly reason: string }
>;

/** Asks what the appliance reaches, and pages through what its identity reads, until all of `wanted` are seen. */
export async function prove(run: RunScript, questions: Questions, wanted: readonly string[]): Promise<ProofResult> {
  const pages: Answered[] = [];
  for (let page: string | undefined; ;) {
    const ran = await run(proofScript(questions, wanted, page));
    if (ran.kind === 'unanswered') return ran;
    pages.push(readAnswers(ran.output, questions));
    const next = nextOf(pages, questions, wanted);
    if (!('page' in next)) return next;
    page = next.page;
  }
}

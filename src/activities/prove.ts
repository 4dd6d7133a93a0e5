/** Proves over whatever can run a shell script on the appliance: an SSH session, or a run command. */
import { proofScript, type Questions, readAnswers } from '../domain/proofScript';
import type { ProofResult } from './contracts';

/** One run of a script: what it printed, or why it did not run. */
export type RunScript = (
  script: string,
) => Promise<
  { readonly kind: 'ran'; readonly output: string } | { readonly kind: 'unanswered'; readonly reason: string }
>;

/** One Sentry's identity reads 50 subscriptions; an existing one that reads thousands has as many pages as this. */
const MOST_PAGES = 50;

/** Asks what the appliance reaches, and pages through what its identity reads, until all of `wanted` are seen. */
export async function prove(run: RunScript, questions: Questions, wanted: readonly string[]): Promise<ProofResult> {
  const first = await run(proofScript(questions));
  if (first.kind === 'unanswered') return first;
  const { reached, unreached, ...listing } = readAnswers(first.output, questions);
  const seen = new Set(listing.readable);
  let { nextLink, problem } = listing;
  for (let page = 2; page <= MOST_PAGES && nextLink !== undefined && !wanted.every((id) => seen.has(id)); page += 1) {
    // The token goes where the link leads.
    if (!isSameOrigin(nextLink, questions.identity?.armEndpoint)) {
      problem = 'the listing goes on at another host';
      break;
    }
    const next = await run(proofScript(questions, nextLink));
    if (next.kind === 'unanswered') return next;
    const more = readAnswers(next.output, questions);
    more.readable.forEach((id) => seen.add(id));
    ({ nextLink, problem } = more);
  }
  const asked = questions.identity !== undefined && problem === undefined;
  return {
    kind: 'answered',
    reached,
    unreached,
    ...(asked ? { readable: wanted.filter((id) => seen.has(id)) } : {}),
    ...(problem === undefined ? {} : { problem }),
  };
}

function isSameOrigin(url: string, other: string | undefined): boolean {
  return other !== undefined && URL.canParse(url) && new URL(url).origin === new URL(other).origin;
}

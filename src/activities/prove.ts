/** Proves over whatever can run a shell script on the appliance: an SSH session, or a run command. */
import { type Answered, foundIn, proofScript, type Questions, readAnswers } from '../domain/proofScript';
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
  const pages: Answered[] = [];
  let nextLink: string | undefined;
  do {
    const ran = await run(proofScript(questions, nextLink));
    if (ran.kind === 'unanswered') return ran;
    const page = readAnswers(ran.output, questions);
    pages.push(page);
    const seen = new Set(pages.flatMap(({ readable }) => readable));
    nextLink = wanted.every((id) => seen.has(id)) ? undefined : page.nextLink;
    // The token goes where the link leads.
    if (nextLink !== undefined && !isSameOrigin(nextLink, questions.identity?.armEndpoint)) {
      pages.push({ ...page, problem: 'the listing goes on at another host' });
      nextLink = undefined;
    }
  } while (nextLink !== undefined && pages.length < MOST_PAGES);
  return foundIn(pages, questions, wanted);
}

function isSameOrigin(url: string, other: string | undefined): boolean {
  return other !== undefined && URL.canParse(url) && new URL(url).origin === new URL(other).origin;
}

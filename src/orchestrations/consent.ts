import type { OrchestrationContext } from 'durable-functions';
import { answered, awaited, consentHandoff } from '../domain/consent';
import { outputsOf, type Progress } from '../domain/graph';
import { type Handoff, handoffAnswer } from '../domain/handoff';
import { now } from './call';
import type { Interrupt } from './carryOut';
import type { SentryInput } from './inputs';

/**
 * Guide, "Grant admin consent", where this app may not: the run goes on with all that does not need it, shows who
 * must do what, and asks Graph again and again until it is done. An answer of the person's only hurries that.
 */
export function consentOf(context: OrchestrationContext, input: SentryInput) {
  let answers = 0;
  let asked = false;
  const interrupt: Interrupt = {
    listen: () => context.df.waitForExternalEvent(`consent-${(answers += 1)}`),
    apply: (progress, data) => {
      const answer = handoffAnswer.safeParse(data);
      return answer.success
        ? answered(progress, awaited(input.profile, progress, asked), answer.data, now(context))
        : progress;
    },
  };
  const handoff = (
    progress: Progress,
  ): { readonly stage: 'consent' | 'resources'; readonly handoff: Handoff | null } => {
    const permissions = awaited(input.profile, progress, asked);
    asked ||= permissions.length > 0;
    return permissions.length > 0
      ? { stage: 'consent', handoff: consentHandoff(input, permissions, outputsOf(progress), `consent-${answers}`) }
      : { stage: 'resources', handoff: null };
  };
  return { interrupt, handoff };
}

import type { OrchestrationContext } from 'durable-functions';
import { settle, type State } from '../domain/graph';
import type { Outcome } from '../domain/outcome';
import { now, type Story, until } from './call';

type Pending = Extract<Outcome, { kind: 'running' | 'later' }>;
type Refused = Extract<Outcome, { kind: 'refused' }>;

const isPending = (answer: { readonly kind: string }): answer is Pending =>
  answer.kind === 'running' || answer.kind === 'later';

/**
 * Asks until the answer is final: Azure's pauses are durable timers, and patience has its end. `ask` is given the
 * operation that the answer before left running.
 */
export function* settled<A extends { readonly kind: string }>(
  context: OrchestrationContext,
  ask: (operation: string | undefined) => Story<A | Pending>,
): Story<A | Refused> {
  let state: State | undefined;
  for (;;) {
    const answer = yield* ask(state?.state === 'running' ? state.operation : undefined);
    if (!isPending(answer)) return answer;
    state = settle(state, answer, now(context));
    if (state.state === 'refused') {
      const { code, reason, remedy } = state;
      return { kind: 'refused', code, reason, remedy };
    }
    if (state.state === 'running' || state.state === 'later') yield* until(context, state.dueAt);
  }
}

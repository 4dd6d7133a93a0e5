/** Several runs in one world, one after the other: entities live as long as the engine that a test runs on. */
import type { OrchestrationContext, Task } from 'durable-functions';

/** An orchestrator, or an activity of the test's own between two of them. */
export type Turn =
  | { readonly orchestrator: string; readonly input: unknown; readonly instanceId: string }
  | { readonly activity: string; readonly input?: unknown };

/** Takes turns and answers what each came to. */
export function* inTurn(context: OrchestrationContext): Generator<Task, readonly unknown[], never> {
  const answers: unknown[] = [];
  for (const turn of context.df.getInput<readonly Turn[]>()) {
    answers.push(
      yield 'activity' in turn
        ? context.df.callActivity(turn.activity, turn.input)
        : context.df.callSubOrchestrator(turn.orchestrator, turn.input, turn.instanceId),
    );
  }
  return answers;
}

/** Entities as tables of reducers: each operation takes the state and its input, and gives the state and an answer. */
import type { EntityContext, EntityHandler } from 'durable-functions';

interface Next<S> {
  readonly state: S;
  readonly answer?: unknown;
}
export type Operations<S> = Readonly<Record<string, (state: S, input: never) => Next<S>>>;

/** Makes a table an entity. An unknown operation changes nothing and answers nothing. */
export const entity =
  <S>(initial: S, operations: Operations<S>): EntityHandler<S> =>
  (context: EntityContext<S>) => {
    const operation = operations[context.df.operationName ?? ''];
    if (!operation) return;
    const before = context.df.getState(() => initial) ?? initial;
    const { state, answer } = operation(before, context.df.getInput<never>() as never);
    // Only looked at: what does not exist is not made by that.
    if (state !== before) context.df.setState(state);
    context.df.return(answer ?? null);
  };

/** Two inner modules of durable-functions 3.5: its replay engine and its entity loop, which tests drive without an app. */
declare module 'durable-functions/lib/src/orchestrations/Orchestrator' {
  import { type OrchestrationContext, type Task } from 'durable-functions';
  export class Orchestrator {
    constructor(handler: (context: OrchestrationContext) => Generator<Task, unknown, never>);
    /** Rejects with an error that carries the state when the orchestrator fails. */
    handle(trigger: unknown, context: unknown): Promise<unknown>;
  }
}
declare module 'durable-functions/lib/src/entities/Entity' {
  import { type EntityHandler } from 'durable-functions';
  export class Entity {
    constructor(handler: EntityHandler<never>);
    handle(trigger: unknown, context: unknown): Promise<unknown>;
  }
}

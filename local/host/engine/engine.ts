/** The engine: decides what runs when. What a turn does is in the turn's own file. */
import { makeClient, type EngineClient } from './client';
import { Core, type EnginePorts, isEntityId, type Outbox } from './core';
import { runEntityTurn } from './entityTurn';
import { EVENT, makeEvent } from './history';
import { asksForPoll } from './httpCall';
import { runOrchestratorTurn } from './orchestratorTurn';
import { type ActivityRow } from './store';
import { activityFailure } from './texts';
import { messageOf } from '../log';

export class Engine {
  readonly client: EngineClient;
  private readonly core: Core;
  private readonly ready = new Set<string>();
  private readonly running = new Set<string>();
  private readonly waitingActivities: ActivityRow[] = [];
  private runningActivities = 0;
  private draining = false;
  private stopped = false;
  private closed = false;
  private calledOff: () => void = () => undefined;
  private armedFor: number | undefined;
  private idleWaiters: (() => void)[] = [];

  constructor(private readonly ports: EnginePorts) {
    this.core = new Core(ports, (outbox) => this.committed(outbox));
    this.client = makeClient(this.core);
  }

  /** Takes up what the store holds: unread messages, timers, and activities that never answered. */
  start(): void {
    this.waitingActivities.push(...this.ports.store.activities());
    this.wakeDue();
  }

  /** Resolves when nothing runs and nothing could run before the next timer. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.idleWaiters.push(resolve);
      this.settle();
    });
  }

  /** Starts nothing more, and waits for what runs, at most `graceMs`. Its late answers are lost, as after a kill. */
  async stop(graceMs: number): Promise<void> {
    this.stopped = true;
    this.calledOff();
    let giveUp = (): void => undefined;
    const timeout = new Promise<void>((resolve) => {
      giveUp = this.ports.clock.at(this.ports.clock.now() + graceMs, resolve);
    });
    await Promise.race([this.idle(), timeout]);
    giveUp();
    this.closed = true;
  }

  private committed({ instances, activities }: Outbox): void {
    this.waitingActivities.push(...activities);
    instances.forEach((id) => this.ready.add(id));
    this.arm(this.core.now());
    this.schedule();
  }

  /** Later in this round of the event loop, so that all that arrives in one round makes one turn. */
  private schedule(): void {
    if (this.draining || this.stopped) return;
    this.draining = true;
    setImmediate(() => {
      this.draining = false;
      this.drain();
    });
  }

  private drain(): void {
    if (this.stopped) return this.settle();
    const { limits } = this.ports;
    let entities = [...this.running].filter(isEntityId).length;
    let orchestrators = this.running.size - entities;
    for (const id of this.ready) {
      if (this.running.has(id)) continue;
      const free = isEntityId(id) ? entities++ < limits.entities : orchestrators++ < limits.orchestrators;
      if (free) void this.runTurn(id);
    }
    while (this.runningActivities < limits.activities) {
      const activity = this.waitingActivities.shift();
      if (!activity) break;
      void this.runActivity(activity);
    }
    this.settle();
  }

  private async runTurn(id: string): Promise<void> {
    this.ready.delete(id);
    this.running.add(id);
    try {
      if (isEntityId(id)) await runEntityTurn(this.core, id);
      else {
        const instance = this.ports.store.instance(id);
        if (instance) await runOrchestratorTurn(this.core, instance);
        else this.ports.store.clearMessages(id);
      }
    } catch (error) {
      if (!this.closed) this.ports.log('critical', id, `the turn could not be carried out: ${messageOf(error)}`);
      return;
    } finally {
      this.running.delete(id);
      this.schedule();
      this.settle();
    }
    if (!this.closed && this.hasMore(id)) this.ready.add(id);
  }

  private hasMore(id: string): boolean {
    // A suspended instance keeps its messages unread; the resume that frees it will wake it.
    if (!isEntityId(id) && this.ports.store.instance(id)?.status === 'Suspended') return false;
    return this.ports.store.hasMessages(id, this.core.now());
  }

  private async runActivity(row: ActivityRow): Promise<void> {
    this.runningActivities += 1;
    const name = this.core.find('activity', row.name) ?? row.name;
    const { instanceId, executionId, taskId, input } = row;
    try {
      const answer = await this.ports.invoke({ kind: 'activity', name, instanceId, input });
      if (this.closed) return;
      const TaskScheduledId = taskId;
      this.core.commit((outbox) => {
        // Answered before, or its instance is gone: an answer is written at most once.
        if (!outbox.store.removeActivity(row.seq)) return;
        const failure = answer.ok ? undefined : activityFailure(row.name, answer.error);
        const event = answer.ok
          ? makeEvent(EVENT.taskCompleted, outbox.now, { TaskScheduledId, Result: answer.result })
          : makeEvent(EVENT.taskFailed, outbox.now, { TaskScheduledId, ...failure });
        outbox.post(instanceId, event, {
          executionId,
          alone: row.retried && (!answer.ok || asksForPoll(row.name, event)),
        });
      });
    } catch (error) {
      this.ports.log('critical', row.name, `the answer could not be stored: ${messageOf(error)}`);
    } finally {
      this.runningActivities -= 1;
      this.schedule();
      this.settle();
    }
  }

  /** One alarm for all timers: at the earliest. */
  private arm(now: number): void {
    // An alarm that is overdue must ring: its timers are no longer among those that come after `now`.
    if (this.stopped || (this.armedFor !== undefined && this.armedFor <= now)) return;
    const due = this.ports.store.nextDue(now);
    if (due === this.armedFor) return;
    this.calledOff();
    this.armedFor = due;
    this.calledOff = due === undefined ? () => undefined : this.ports.clock.at(due, () => this.wakeDue());
  }

  private wakeDue(): void {
    if (this.stopped) return;
    this.armedFor = undefined;
    const now = this.core.now();
    this.ports.store.instancesWithMessages(now).forEach((id) => this.ready.add(id));
    this.arm(now);
    this.schedule();
  }

  private settle(): void {
    const canRun = !this.stopped && (this.ready.size > 0 || this.waitingActivities.length > 0 || this.draining);
    if (canRun || this.running.size > 0 || this.runningActivities > 0) return;
    for (const resolve of this.idleWaiters.splice(0)) resolve();
  }
}

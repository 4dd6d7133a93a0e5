/** The engine: decides what runs when. What a turn does is in the turn's own file. */
import { runActivity } from './activity';
import { mayNotRun } from './batch';
import { makeClient, type EngineClient } from './client';
import { Core, type EnginePorts, isEntityId, type Outbox } from './core';
import { runEntityTurn } from './entityTurn';
import { runOrchestratorTurn } from './orchestratorTurn';
import { type ActivityRow } from './store';
import { messageOf } from '../log';

/** How long a long history waits for more answers: so many ms for each of its events, and not more than in all. */
const WAIT_MS_PER_EVENT = 0.01;
const LONGEST_WAIT_MS = 100;

/**
 * Orchestrators take no more turns in one round: a turn is often followed by another without a pause, and one that goes
 * on for ever, by continueAsNew for instance, would keep everything else from the event loop, and from the disk.
 */
const TURNS_PER_ROUND = 1_000;

type Kind = 'orchestrators' | 'entities';
const kindOf = (id: string): Kind => (isEntityId(id) ? 'entities' : 'orchestrators');

/**
 * Each round of the event loop: orchestrators take their turns on what has arrived, then all that changed is written
 * in one transaction, and only then starts what others can see: activities, entities, and the answers to clients.
 */
export class Engine {
  readonly client: EngineClient;
  private readonly core: Core;
  private readonly ready = { orchestrators: new Set<string>(), entities: new Set<string>() };
  private readonly running = { orchestrators: new Set<string>(), entities: new Set<string>() };
  /** Turns put off, with the time at which they are due. */
  private readonly putOff = new Map<string, { readonly until: number; readonly callOff: () => void }>();
  /** A set, because an array's shift moves all that is behind it. */
  private activities = new Set<ActivityRow>();
  private runningActivities = 0;
  private turnsLeft = TURNS_PER_ROUND;
  private scheduled = false;
  private stopped = false;
  private closed = false;
  /** Timers may be due. */
  private rung = true;
  private alarm: { readonly at: number; readonly callOff: () => void } | undefined;
  private idleWaiters: (() => void)[] = [];
  private flushWaiters: (() => void)[] = [];

  constructor(private readonly ports: EnginePorts) {
    this.core = new Core(ports, (outbox) => this.changed(outbox));
    this.client = makeClient(this.core, () => this.flushed());
  }

  /** Takes up what the store holds: unread messages, timers, and activities that never answered. */
  start(): void {
    this.activities = new Set(this.core.state.activities());
    this.schedule();
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
    this.alarm?.callOff();
    this.putOff.forEach(({ callOff }) => callOff());
    let giveUp = (): void => undefined;
    const timeout = new Promise<void>((resolve) => {
      giveUp = this.ports.clock.at(this.ports.clock.now() + graceMs, resolve);
    });
    await Promise.race([this.idle(), timeout]);
    giveUp();
    this.closed = true;
  }

  /** Resolves when all that has changed so far is on disk. */
  private flushed(): Promise<void> {
    if (!this.core.state.isDirty) return Promise.resolve();
    return new Promise((resolve) => this.flushWaiters.push(resolve));
  }

  private changed({ woken }: Outbox): void {
    for (const id of woken) this.ready[kindOf(id)].add(id);
    this.schedule();
  }

  /** Later in this round of the event loop, so that all that arrives in one round makes one turn and one write. */
  private schedule(): void {
    if (this.closed) return this.settle();
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => this.startTurns('orchestrators'));
    setImmediate(() => {
      this.scheduled = false;
      this.write();
    });
  }

  private write(): void {
    if (this.closed) return;
    const { state } = this.core;
    try {
      state.flush();
      if (this.rung) this.wakeDue();
      if (state.timersChanged) this.arm();
    } catch (error) {
      this.stopped = this.closed = true;
      this.ports.broken(error);
      return this.settle();
    }
    for (const row of state.takeWritten()) this.activities.add(row);
    for (const tell of this.flushWaiters.splice(0)) tell();
    const cutShort = this.turnsLeft === 0;
    this.turnsLeft = TURNS_PER_ROUND;
    if (cutShort) this.schedule();
    this.startTurns('entities');
    this.startActivities();
    this.settle();
  }

  private startTurns(kind: Kind): void {
    const { ready, running } = this;
    for (const id of ready[kind]) {
      if (this.stopped || running[kind].size >= this.ports.limits[kind] || this.turnsLeft === 0) return;
      if (!running[kind].has(id) && !this.isPutOff(kind, id)) void this.runTurn(kind, id);
    }
  }

  private async runTurn(kind: Kind, id: string): Promise<void> {
    this.ready[kind].delete(id);
    this.running[kind].add(id);
    if (kind === 'orchestrators') this.turnsLeft -= 1;
    try {
      await (kind === 'entities' ? runEntityTurn(this.core, id) : runOrchestratorTurn(this.core, id));
      if (this.hasMore(id)) this.ready[kind].add(id);
    } catch (error) {
      if (!this.closed) this.ports.log('critical', id, `the turn could not be carried out: ${messageOf(error)}`);
    } finally {
      this.running[kind].delete(id);
      // Entities wait for the next write.
      if (kind === 'orchestrators') this.startTurns(kind);
      this.schedule();
    }
  }

  private hasMore(id: string): boolean {
    const { state } = this.core;
    if (state.inbox(id).length === 0) return false;
    // A suspended instance keeps its messages unread; the resume that frees it will wake it. So does one of a version
    // that this app may not run, until it is started as another.
    const instance = isEntityId(id) ? undefined : state.instance(id);
    return !instance || !mayNotRun(instance, this.ports.versioning);
  }

  /** A replay reads the whole history: with a long one it pays to let answers gather, unless no more will come. */
  private isPutOff(kind: Kind, id: string): boolean {
    if (kind === 'entities') return false;
    const { state } = this.core;
    const { shown, open } = state.history(id);
    const pending = this.putOff.get(id);
    const waits = shown.length > this.ports.limits.coalesceFrom && state.inbox(id).length < open.size;
    // The clock's own time, not the engine's: that one stands still after the clock was put back, and the wait with it.
    const now = this.ports.clock.now();
    const until = pending?.until ?? now + Math.min(shown.length * WAIT_MS_PER_EVENT, LONGEST_WAIT_MS);
    if (!waits || until <= now) {
      pending?.callOff();
      this.putOff.delete(id);
      return false;
    }
    if (!pending) this.putOff.set(id, { until, callOff: this.ports.clock.at(until, () => this.schedule()) });
    return true;
  }

  private startActivities(): void {
    for (const activity of this.activities) {
      if (this.stopped || this.runningActivities >= this.ports.limits.activities) return;
      this.activities.delete(activity);
      void this.runActivity(activity);
    }
  }

  private async runActivity(row: ActivityRow): Promise<void> {
    this.runningActivities += 1;
    try {
      await runActivity(this.core, row);
    } catch (error) {
      if (!this.closed) this.ports.log('critical', row.name, `the answer could not be taken: ${messageOf(error)}`);
    } finally {
      this.runningActivities -= 1;
      this.schedule();
    }
  }

  /** One alarm for all timers: at the earliest. */
  private arm(): void {
    const due = this.core.state.nextDue();
    if (this.stopped || due === this.alarm?.at) return;
    this.alarm?.callOff();
    const ring = (): void => {
      this.rung = true;
      this.alarm = undefined;
      this.schedule();
    };
    this.alarm = due === undefined ? undefined : { at: due, callOff: this.ports.clock.at(due, ring) };
  }

  private wakeDue(): void {
    this.rung = false;
    for (const id of this.core.state.wake(this.core.now())) this.ready[kindOf(id)].add(id);
    if (this.ready.orchestrators.size > 0) this.schedule();
  }

  private settle(): void {
    const { ready, running } = this;
    const canRun = ready.orchestrators.size > this.putOff.size || ready.entities.size > 0 || this.activities.size > 0;
    const isRunning = running.orchestrators.size > 0 || running.entities.size > 0 || this.runningActivities > 0;
    if (this.scheduled || isRunning || (canRun && !this.stopped)) return;
    for (const resolve of this.idleWaiters.splice(0)) resolve();
  }
}

/**
 * Replays an orchestrator's list of actions against its history and says what is new (contract 5.3 to 5.5).
 *
 * The app and the host number tasks each by itself, and only the numbers bring an answer to its task. So both orders
 * are followed here: `appNext` is the library's (a number as soon as an action is asked for), `hostNext` is Azure's
 * (a number when the action before it has ended). Where they differ the instance fails with both numbers.
 */
import { ACTION } from './actions';
import { ActionTree, isDone, isGroup, type Leaf, leavesOf, type Node } from './actionTree';
import {
  type Decision,
  decisionsOf,
  describeLeaf,
  EVENT_TYPE,
  firstDecision,
  httpDecision,
  idsUsed,
  isFireAndForget,
  isOneWay,
  isToEntity,
} from './decisions';
import { readSent } from './entityMessages';
import { EVENT, answeredId, type HistoryEvent, type HistoryRow, isMessage, isScheduling } from './history';
import { pollAfter } from './httpCall';
import { idsDiffer, missingTask, otherKind, otherName } from './texts';

/** Azure Storage's limits; the app mirrors the legs (contract 3). */
const LONGEST_TIMER = 6 * 86_400_000;
const TIMER_LEG = 3 * 86_400_000;
const LONGEST_RETRY_INTERVAL = 6 * 86_400_000;

/** The orchestrator asks for other work than history records. */
export class NonDeterminism extends Error {
  override readonly name = 'NonDeterminism';
}

export interface ReplayOptions {
  /** How long to wait before a poll where the answer does not say. */
  readonly httpPollMs: number;
  /** As Azure: the list of today is held against the history of yesterday, and nobody compares the numbers. */
  readonly strict: boolean;
}

export interface ReplayResult {
  /** What is to be scheduled now, in order of ids. */
  readonly decisions: readonly Decision[];
  /** Timers that the orchestrator called off. */
  readonly cancelled: readonly number[];
  /** The list is exhausted, nothing is awaited and no task is open: only now may the instance end. */
  readonly ended: boolean;
  readonly continueAsNew: { readonly input: unknown; readonly carried: readonly HistoryEvent[] } | undefined;
  readonly nextId: number;
}

/**
 * Follows one execution from turn to turn. It is fed either with what is recorded (`read`, after a restart) or with
 * what happens (`turn`); the list of actions must be there first (`extend`).
 */
export class Replay {
  private readonly nodes: ActionTree;
  /** Of the turn that is not over. */
  private messages: HistoryEvent[] = [];
  private scheduled: HistoryEvent[] = [];
  private readonly open = new Map<number, Leaf>();
  private readonly calls = new Map<string, Leaf>();
  private readonly waiters = new Map<string, Leaf[]>();
  private readonly buffered = new Map<string, number>();
  private readonly pending = new Map<number, { readonly decision: Decision; readonly leaf: Leaf }>();
  /** Of the turn played last: a note that repeated those of all turns before would double with each. */
  private cancelled: readonly number[] = [];
  private continued: { input: unknown; carried: HistoryEvent[] } | undefined;
  private awaited: Node | undefined;
  private now = 0;
  private appeared = 0;
  private next = 0;
  private appNext = 0;
  private hostNext = 0;

  constructor(private readonly options: ReplayOptions) {
    this.nodes = new ActionTree(options.strict);
  }

  /**
   * Takes the list of actions that the orchestrator answered with: all since its execution began.
   * @returns false if it is not what it was, grown longer
   */
  extend(actions: readonly unknown[]): boolean {
    return this.nodes.extend(actions);
  }

  /** Feeds what is recorded of the execution so far. @throws NonDeterminism */
  read(rows: readonly HistoryRow[]): void {
    for (const { event, note } of rows) {
      if (event.EventType === EVENT.orchestratorStarted) this.now = Date.parse(event.Timestamp);
      else if (isMessage(event)) this.messages.push(event);
      else if (isScheduling(event)) this.scheduled.push(event);
      // The first OrchestratorCompleted of a continued execution has no note: its turn is not over there.
      else if (note) {
        this.play(this.messages.splice(0), note.actions, () => note.cancelled);
        this.record(this.scheduled.splice(0));
      }
    }
  }

  /** Plays a turn. @param rows its OrchestratorStarted and its messages @throws NonDeterminism */
  turn(rows: readonly HistoryRow[]): ReplayResult {
    this.read(rows);
    this.play(this.messages.splice(0), this.nodes.all.length, () => this.timersCalledOff());
    return {
      decisions: [...this.pending.values()].map(({ decision }) => decision).sort((a, b) => a.id - b.id),
      cancelled: this.cancelled,
      ended: this.next === this.nodes.all.length && (!this.awaited || isDone(this.awaited)) && this.open.size === 0,
      continueAsNew: this.continued,
      nextId: this.hostNext,
    };
  }

  /** Whether every task that the orchestrator ever asked for is done: if it has not ended then, it never will. */
  hasNothingToWaitFor(): boolean {
    return this.nodes.all
      .flatMap(leavesOf)
      .every((leaf) => leaf.done || leaf.action.actionType === ACTION.continueAsNew);
  }

  /** The scheduling events that came of a turn's decisions. @throws NonDeterminism */
  record(events: readonly HistoryEvent[]): void {
    for (const event of events) this.match(event);
  }

  /** One turn. `available` is how much of the list the orchestrator had asked for when it ended. */
  private play(messages: readonly HistoryEvent[], available: number, cancelled: () => readonly number[]): void {
    const limit = this.options.strict ? this.nodes.all.length : Math.min(available, this.nodes.all.length);
    for (const message of messages) {
      this.deliver(message);
      this.number(limit);
      this.pump(limit);
    }
    // At the end of the turn, not from the start of the replay as on Azure: there it brings used events back (12).
    this.cancelled = cancelled();
    for (const id of this.cancelled) {
      const timer = this.close(id);
      if (timer) timer.done = true;
    }
    this.pump(limit);
  }

  /** Numbers what the orchestrator asked for, as the library does: at once, left to right. */
  private number(limit: number): void {
    for (const node of this.nodes.all.slice(this.appeared, limit)) {
      for (const leaf of leavesOf(node)) {
        if (leaf.appId !== undefined) continue;
        leaf.appId = this.appNext;
        this.appNext += idsUsed(leaf.action);
      }
    }
    this.appeared = Math.max(this.appeared, limit);
  }

  private pump(limit: number): void {
    while (this.next < limit && (!this.awaited || isDone(this.awaited))) {
      const node = this.nodes.all[this.next++];
      if (!node) return;
      leavesOf(node).forEach((leaf) => this.invoke(leaf));
      this.awaited = isGroup(node) || !isFireAndForget(node.action) ? node : undefined;
    }
  }

  private invoke(leaf: Leaf): void {
    const { action } = leaf;
    if (leaf.invoked) return;
    leaf.invoked = true;
    if (action.actionType === ACTION.continueAsNew) this.continued ??= { input: action.input, carried: [] };
    else if (action.actionType === ACTION.waitForExternalEvent) this.wait(action.externalEventName, leaf);
    else {
      const id = this.hostNext;
      this.hostNext += idsUsed(action);
      this.compare(describeLeaf(action), id, leaf.appId ?? id);
      leaf.firstAttemptAt = this.now;
      decisionsOf(action, id).forEach((decision) => this.decide(leaf, this.firstLeg(decision)));
      // So a Task.any over it is over as well, before the events are read that it waited for.
      if (this.options.strict && action.actionType === ACTION.createTimer && action.isCanceled) leaf.done = true;
    }
  }

  private wait(name: string, leaf: Leaf): void {
    const waiting = this.buffered.get(name) ?? 0;
    leaf.done = waiting > 0;
    if (leaf.done) this.buffered.set(name, waiting - 1);
    else this.waiters.set(name, [...(this.waiters.get(name) ?? []), leaf]);
  }

  private decide(leaf: Leaf, decision: Decision): void {
    this.pending.set(decision.id, { decision, leaf });
    if (!isToEntity(decision)) this.open.set(decision.id, leaf);
    else leaf.done = isOneWay(decision);
  }

  /** A timer longer than the limit goes in legs, measured from the turn's own time as the app does. */
  private firstLeg(decision: Decision): Decision {
    if (decision.kind !== 'timer' || decision.fireAt - this.now <= LONGEST_TIMER) return decision;
    return { ...decision, fireAt: this.now + TIMER_LEG, alone: true };
  }

  private deliver(event: HistoryEvent): void {
    if (event.EventType === EVENT.eventRaised) return this.raise(event);
    const id = answeredId(event);
    const leaf = id === undefined ? undefined : this.close(id);
    if (!leaf) return;
    if (event.EventType === EVENT.timerFired) this.timerFired(leaf, event);
    else if (event.EventType === EVENT.taskFailed || event.EventType === EVENT.subOrchestrationFailed) {
      const { Reason, Details, FailureDetails = null } = event;
      leaf.failure = { Reason: Reason ?? '', Details: Details ?? '', FailureDetails };
      this.failed(leaf);
    } else this.succeeded(leaf, event);
  }

  /** The app numbers a poll together with the timer before it, the host when that timer has fired (5.3). */
  private succeeded(leaf: Leaf, { Result }: HistoryEvent): void {
    const { action } = leaf;
    const first = action.actionType === ACTION.callHttp ? action.httpRequest : undefined;
    const poll =
      first && pollAfter(leaf.poll?.request ?? first, first, Result ?? null, this.now, this.options.httpPollMs);
    leaf.done = poll === undefined;
    if (!poll) return;
    const id = this.childId(leaf);
    leaf.poll = { request: poll.request, appId: this.appNext++ };
    this.decide(leaf, { kind: 'timer', id, fireAt: poll.fireAt, alone: false });
  }

  private raise(event: HistoryEvent): void {
    const name = event.Name ?? '';
    const call = this.calls.get(name);
    if (call) call.done = true;
    // What comes after continueAsNew belongs to the next execution; what was buffered before is lost, as on Azure (5.6).
    else if (this.continued) this.continued.carried.push(event);
    else {
      // The newest waiter gets the event (5.7).
      const waiter = this.waiters.get(name)?.pop();
      if (waiter) waiter.done = true;
      else this.buffered.set(name, (this.buffered.get(name) ?? 0) + 1);
    }
  }

  /** An attempt failed. After the last one, too, there is a timer, and only that one tells the app (5.3). */
  private failed(leaf: Leaf): void {
    if (!('retryOptions' in leaf.action)) {
      leaf.done = true;
      return;
    }
    const retry = leaf.action.retryOptions;
    const last = leaf.attempt >= retry.maxNumberOfAttempts;
    const timeout = retry.retryTimeoutInMilliseconds ?? Infinity;
    const isFinal = leaf.failure.FailureDetails?.IsNonRetriable === true || this.now >= leaf.firstAttemptAt + timeout;
    leaf.expired ||= !last && isFinal;
    // Azure makes no timer then, and the app waits for one for ever (contract 12).
    if (leaf.expired && this.options.strict) {
      leaf.done = true;
      return;
    }
    const interval = retry.firstRetryIntervalInMilliseconds * (retry.backoffCoefficient ?? 1) ** (leaf.attempt - 1);
    const delay = Math.min(interval, retry.maxRetryIntervalInMilliseconds ?? LONGEST_RETRY_INTERVAL);
    const fireAt = this.now + (last || leaf.expired ? 0 : Math.round(delay));
    this.decide(leaf, { kind: 'timer', id: this.childId(leaf), fireAt, alone: !last });
  }

  private timerFired(leaf: Leaf, { FireAt = '' }: HistoryEvent): void {
    const { action } = leaf;
    if (action.actionType === ACTION.createTimer) {
      const fireAt = Date.parse(action.fireAt);
      if (Date.parse(FireAt) >= fireAt) leaf.done = true;
      else this.decide(leaf, this.firstLeg({ kind: 'timer', id: this.childId(leaf), fireAt, alone: false }));
    } else if (leaf.poll) {
      const id = this.hostNext++;
      this.compare(describeLeaf(action), id, leaf.poll.appId);
      this.decide(leaf, httpDecision(leaf.poll.request, id));
    } else if ('retryOptions' in action && leaf.attempt < action.retryOptions.maxNumberOfAttempts) {
      leaf.attempt += 1;
      const decision = firstDecision(action, this.childId(leaf));
      this.decide(leaf, leaf.expired && 'retried' in decision ? { ...decision, failAtOnce: leaf.failure } : decision);
    } else leaf.done = true;
  }

  /** The next number, for a retry or a further leg. */
  private childId(leaf: Leaf): number {
    const [host, app] = [this.hostNext++, this.appNext++];
    this.compare(`the next part of ${describeLeaf(leaf.action)}`, host, app);
    return host;
  }

  private compare(task: string, host: number, app: number): void {
    if (host !== app && !this.options.strict) throw new NonDeterminism(idsDiffer(task, host, app));
  }

  private close(id: number): Leaf | undefined {
    const leaf = this.open.get(id);
    this.open.delete(id);
    return leaf;
  }

  private timersCalledOff(): number[] {
    return [...this.open].flatMap(([id, { action }]) => ('isCanceled' in action && action.isCanceled ? [id] : []));
  }

  /** Holds a scheduling event of history against what the replay asks for. */
  private match(event: HistoryEvent): void {
    const { decision, leaf } = this.pending.get(event.EventId) ?? {};
    if (!decision || !leaf) throw new NonDeterminism(missingTask(event));
    const type = EVENT_TYPE[decision.kind];
    if (type !== event.EventType) throw new NonDeterminism(otherKind(event, type));
    // Azure does not look at the entity; here another entity is other work, too.
    const sent = isToEntity(decision) ? readSent(event) : undefined;
    const was = sent ? `${sent.kind} ${event.InstanceId ?? ''}` : (event.Name ?? '');
    const is = isToEntity(decision) ? `${decision.kind} ${decision.target}` : (nameOf(decision) ?? '');
    if (was.toLowerCase() !== is.toLowerCase()) {
      throw new NonDeterminism(otherName({ ...event, Name: was }, is));
    }
    this.pending.delete(event.EventId);
    // A reply comes as an event named after the request (contract 6.3).
    if (sent && sent.kind !== 'release') this.calls.set(sent.id, leaf);
  }
}

const nameOf = (decision: Decision): string | undefined => ('name' in decision ? decision.name : undefined);

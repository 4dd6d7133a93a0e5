/**
 * The engine's state: in memory what is at work, on disk everything. What changes is collected and written by `flush`
 * as one transaction, so that many turns share one wait for the disk, and what arrives and is read in between never
 * touches it.
 */
import { History, type HistoryRow } from './history';
import { type ActivityRow, type Instance, type InstanceFilter, isTerminal, type Message, type Store } from './store';

/** Instances kept in memory while nothing of theirs waits to be written. */
const KEPT = 1_000;

type Unnumbered = Omit<Instance, 'no'> & { readonly no?: number };

export class State {
  private readonly rows = new Map<string, Instance>();
  private readonly histories = new Map<string, History>();
  /** What may be read, oldest first. Messages of the future are on disk only. */
  private readonly inboxes = new Map<string, Message[]>();
  /** Written since they were last taken. */
  private written: ActivityRow[] = [];
  private readonly activitiesOf = new Map<string, Map<number, ActivityRow>>();
  private batch = newBatch();
  private seq: number;
  /** Messages up to this time are in the inboxes. */
  private readUntil = -1;
  /** Something of the future was added or called off since `nextDue` was asked. */
  timersChanged = true;

  constructor(private readonly store: Store) {
    this.seq = store.lastSeq();
    for (const row of store.activities()) this.openActivities(row.instanceId).set(row.seq, row);
  }

  get isDirty(): boolean {
    return this.batch.changed;
  }

  /** Writes all that changed. @throws when the disk does not take it: then memory and disk differ, and nothing may go on */
  flush(): void {
    if (!this.batch.changed) return;
    const { batch } = this;
    const instances = [...batch.instances].flatMap(([id, whole]) => {
      const row = this.rows.get(id);
      return row ? [{ row, whole }] : [];
    });
    const histories = [...batch.histories].flatMap(([id, rows]) => {
      const instance = this.rows.get(id)?.no;
      return instance === undefined ? [] : [{ seq: ++this.seq, instance, rows }];
    });
    const [deleted, clearedHistories] = [batch.deleted.values(), batch.clearedHistories.values()];
    const [messages, activities] = [batch.messages.values(), [...batch.activities.values()]];
    this.store.write({ ...batch, deleted, clearedHistories, instances, histories, messages, activities });
    this.batch = newBatch();
    for (const row of activities) this.written.push(row);
    for (const { row } of instances) if (isTerminal(row.status)) this.forget(row.id);
    for (const id of this.rows.keys()) {
      if (this.rows.size <= KEPT) break;
      this.forget(id);
    }
  }

  /** The activities that came to the disk since the last call. */
  takeWritten(): ActivityRow[] {
    return this.written.splice(0);
  }

  private forget(id: string): void {
    this.rows.delete(id);
    this.histories.delete(id);
  }

  instance(id: string): Instance | undefined {
    const known = this.rows.get(id);
    if (known || this.batch.deleted.has(id)) return known;
    const stored = this.store.instance(id);
    if (stored) this.rows.set(id, stored);
    return stored;
  }

  /** Ordered by id. */
  instances(filter: InstanceFilter): Instance[] {
    this.flush();
    return this.store.instances(filter);
  }

  /** Numbers it when it is new. */
  put(changed: Unnumbered): void {
    const before = this.rows.get(changed.id);
    const row = { ...changed, no: changed.no ?? before?.no ?? ++this.seq };
    const columns = ['executionId', 'input', 'createdAt'] as const;
    const whole =
      this.batch.instances.get(row.id) === true || columns.some((column) => before?.[column] !== row[column]);
    // Anew, so that the map stays in the order of use.
    this.rows.delete(row.id);
    this.rows.set(row.id, row);
    this.batch.instances.set(row.id, whole);
    this.batch.changed = true;
  }

  /** A new instance: there is nothing of it on disk. */
  create(row: Unnumbered): void {
    this.put(row);
    this.histories.set(row.id, new History([]));
  }

  /** Forgets an instance, its history, its messages and its activities. */
  delete(id: string): void {
    this.consume(id, this.inbox(id));
    this.dropActivities(id);
    for (const [seq, { instanceId }] of this.batch.messages) if (instanceId === id) this.batch.messages.delete(seq);
    this.batch.unread.add(id);
    this.timersChanged = true;
    this.deleteRow(id);
  }

  /** Forgets an instance and its history, but not what waits for it. */
  deleteRow(id: string): void {
    const row = this.instance(id);
    this.forget(id);
    this.batch.instances.delete(id);
    this.batch.histories.delete(id);
    // What took its place since the last write is not on disk: the first is the one to be deleted there.
    if (row && !this.batch.deleted.has(id)) this.batch.deleted.set(id, row);
    this.batch.changed = true;
  }

  history(id: string): History {
    const known = this.histories.get(id);
    if (known) return known;
    const row = this.instance(id);
    const history = new History(row && !this.batch.clearedHistories.has(id) ? this.store.history(row) : []);
    // Without an instance nothing would ever take it away again.
    if (row) this.histories.set(id, history);
    return history;
  }

  append(id: string, rows: readonly HistoryRow[]): void {
    const history = this.history(id);
    const added = this.batch.histories.get(id) ?? [];
    this.batch.histories.set(id, added);
    // One by one, here and elsewhere: as the arguments of one call, a hundred thousand overflow the stack.
    for (const row of rows) added.push(row);
    history.append(rows);
    this.batch.changed = true;
  }

  clearHistory(id: string): void {
    const row = this.instance(id);
    this.histories.set(id, new History([]));
    this.batch.histories.delete(id);
    if (row) this.batch.clearedHistories.set(id, row);
    this.batch.changed = true;
  }

  /** What the instance may read, oldest first. */
  inbox(id: string): readonly Message[] {
    return this.inboxes.get(id) ?? [];
  }

  post(message: Omit<Message, 'seq'>, now: number): void {
    const added = { ...message, seq: ++this.seq };
    this.batch.messages.set(added.seq, added);
    this.batch.changed = true;
    if (added.at <= Math.max(now, this.readUntil)) this.deliver(added);
    else this.timersChanged = true;
  }

  private deliver(message: Message): void {
    const inbox = this.inboxes.get(message.instanceId) ?? [];
    this.inboxes.set(message.instanceId, inbox);
    inbox.splice(inbox.findLastIndex(({ at }) => at <= message.at) + 1, 0, message);
  }

  /** Puts what has come due since the last call into the inboxes.
   * @returns the instances that have something to read */
  wake(now: number): Iterable<string> {
    this.flush();
    // What was posted with a time that had passed is in its inbox already.
    const known = new Set([...this.inboxes.values()].flatMap((inbox) => inbox.map(({ seq }) => seq)));
    for (const message of this.store.messages(this.readUntil, now)) {
      if (!known.has(message.seq)) this.deliver(message);
    }
    this.readUntil = now;
    this.timersChanged = true;
    return this.inboxes.keys();
  }

  /** When the next message that is in no inbox yet may be read. */
  nextDue(): number | undefined {
    this.flush();
    this.timersChanged = false;
    return this.store.nextDue(this.readUntil);
  }

  consume(id: string, messages: readonly Message[]): void {
    const read = new Set(messages);
    const left = this.inbox(id).filter((message) => !read.has(message));
    if (left.length > 0) this.inboxes.set(id, left);
    else this.inboxes.delete(id);
    messages.forEach(({ seq }) => this.removeMessage(seq));
  }

  private removeMessage(seq: number): void {
    if (!this.batch.messages.delete(seq)) this.batch.removedMessages.push(seq);
    this.batch.changed = true;
  }

  /** Of an instance that has ended: what it has not read, and its timers if any are open. */
  clearMessages(id: string): void {
    this.consume(id, this.inbox(id));
    if (this.history(id).open.size > 0) this.removeTimers(id);
  }

  /** Calls off the timers of an instance, or only one. */
  removeTimers(instanceId: string, timerId?: number): void {
    const isMeant = ({ event: { TimerId } }: Message): boolean =>
      TimerId !== undefined && (timerId === undefined || TimerId === timerId);
    this.consume(instanceId, this.inbox(instanceId).filter(isMeant));
    for (const message of this.batch.messages.values()) {
      if (message.instanceId === instanceId && isMeant(message)) this.batch.messages.delete(message.seq);
    }
    this.batch.removedTimers.push({ instanceId, timerId });
    this.batch.changed = true;
    this.timersChanged = true;
  }

  addActivity(activity: Omit<ActivityRow, 'seq'>): ActivityRow {
    const row = { ...activity, seq: ++this.seq };
    this.openActivities(row.instanceId).set(row.seq, row);
    this.batch.activities.set(row.seq, row);
    this.batch.changed = true;
    return row;
  }

  private openActivities(instanceId: string): Map<number, ActivityRow> {
    const open = this.activitiesOf.get(instanceId) ?? new Map<number, ActivityRow>();
    this.activitiesOf.set(instanceId, open);
    return open;
  }

  activities(): ActivityRow[] {
    return [...this.activitiesOf.values()].flatMap((open) => [...open.values()]).sort((a, b) => a.seq - b.seq);
  }

  /** False once it was answered or forgotten. */
  isOpen({ instanceId, seq }: ActivityRow): boolean {
    return this.activitiesOf.get(instanceId)?.has(seq) ?? false;
  }

  removeActivity({ instanceId, seq }: ActivityRow): void {
    const open = this.activitiesOf.get(instanceId);
    if (!open?.delete(seq)) return;
    if (open.size === 0) this.activitiesOf.delete(instanceId);
    if (!this.batch.activities.delete(seq)) this.batch.removedActivities.push(seq);
    this.batch.changed = true;
  }

  dropActivities(id: string): void {
    for (const row of this.activitiesOf.get(id)?.values() ?? []) this.removeActivity(row);
  }
}

const newBatch = () => ({
  changed: false,
  deleted: new Map<string, Instance>(),
  clearedHistories: new Map<string, Instance>(),
  unread: new Set<string>(),
  removedMessages: [] as number[],
  removedTimers: [] as { instanceId: string; timerId: number | undefined }[],
  removedActivities: [] as number[],
  /** Whether the whole row is to be written. */
  instances: new Map<string, boolean>(),
  histories: new Map<string, HistoryRow[]>(),
  messages: new Map<number, Message>(),
  activities: new Map<number, ActivityRow>(),
});

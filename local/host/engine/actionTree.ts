/** An orchestrator's list of actions with what has become of each, as it grows from turn to turn. */
import { ACTION, type LeafAction, parseAction } from './actions';
import { type HttpCall } from './httpCall';
import { type Failure } from './texts';

/** What has become of one task. */
export interface Leaf {
  action: LeafAction;
  invoked: boolean;
  done: boolean;
  /** Undefined until the orchestrator has asked for it. */
  appId: number | undefined;
  attempt: number;
  firstAttemptAt: number;
  /** Set once its retry timeout is over, or it failed for good: the attempts left fail at once, because the app counts them all. */
  expired: boolean;
  failure: Failure;
  /** The next question after an answer of "not yet", and the number that the app has given it already. */
  poll?: { readonly request: HttpCall; readonly appId: number };
}
interface Group {
  readonly all: boolean;
  readonly children: readonly Node[];
}
export type Node = Leaf | Group;

export const isGroup = (node: Node): node is Group => 'children' in node;
export const leavesOf = (node: Node): Leaf[] => (isGroup(node) ? node.children.flatMap(leavesOf) : [node]);
/** Task.all waits for all its children, also after a failure: Azure's rule, not the library's. */
export const isDone = (node: Node): boolean => {
  if (!isGroup(node)) return node.done;
  return node.all ? node.children.every(isDone) : node.children.some(isDone);
};
const toLeaf = (action: LeafAction): Leaf => {
  const failure = { Reason: '', Details: '', FailureDetails: null };
  return {
    action,
    invoked: false,
    done: false,
    appId: undefined,
    attempt: 1,
    firstAttemptAt: 0,
    expired: false,
    failure,
  };
};

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const childrenOf = (raw: unknown): readonly unknown[] | undefined =>
  isRecord(raw) && Array.isArray(raw.compoundActions) ? raw.compoundActions : undefined;
/** What makes an action the same one as in the turn before. */
const IDENTITY = ['actionType', 'functionName', 'instanceId', 'operation', 'externalEventName'] as const;

export class ActionTree {
  readonly all: Node[] = [];
  private lockedLast: Extract<LeafAction, { actionType: typeof ACTION.lockEntities }> | undefined;

  constructor(private readonly strict: boolean) {}

  /**
   * Takes the list of actions that the orchestrator answered with: all since its execution began.
   * @returns false if it is not what it was, grown longer
   */
  extend(actions: readonly unknown[]): boolean {
    const leaves = new Map<unknown, Node>();
    if (actions.length < this.all.length) return false;
    if (!this.all.every((node, index) => this.agrees(node, actions[index], leaves))) return false;
    for (const action of actions.slice(this.all.length)) this.all.push(this.toNode(action, leaves));
    return true;
  }

  private agrees(node: Node, raw: unknown, leaves: Map<unknown, Node>): boolean {
    if (isGroup(node)) {
      const children = childrenOf(raw);
      if (children?.length !== node.children.length) return false;
      return node.children.every((child, index) => this.agrees(child, children[index], leaves));
    }
    leaves.set(raw, node);
    const was: Readonly<Record<string, unknown>> = node.action;
    if (!isRecord(raw) || !IDENTITY.every((key) => raw[key] === was[key])) return false;
    if (raw.isCanceled === true && 'isCanceled' in node.action) node.action = { ...node.action, isCanceled: true };
    return true;
  }

  /**
   * A task that was yielded before and is now in a Task.any or Task.all stands there again, as the same object.
   * Azure does not see that, and runs it a second time.
   */
  private toNode(raw: unknown, leaves: Map<unknown, Node>): Node {
    const known = this.strict ? undefined : leaves.get(raw);
    if (known) return known;
    const children = childrenOf(raw);
    const node = children
      ? {
          all: isRecord(raw) && raw.actionType === ACTION.whenAll,
          children: children.map((child) => this.toNode(child, leaves)),
        }
      : toLeaf(this.complete(parseAction(raw)));
    leaves.set(raw, node);
    return node;
  }

  /** A release comes without what it lets go of: that is the set locked last. */
  private complete(action: LeafAction): LeafAction {
    if (action.actionType === ACTION.lockEntities) this.lockedLast = action;
    return action.actionType === ACTION.releaseEntities ? { ...this.lockedLast, ...action } : action;
  }
}

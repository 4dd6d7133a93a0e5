/** What became of one resource or subscription: a value, never an exception. Pure. */

/** Plain texts that other resources need of this one: ids, addresses, vault URIs. Never a secret. */
export type Outputs = Readonly<Record<string, string>>;

/** What was done to reach the wanted state. `ours` says whether this deployment made the thing, now or earlier. */
export type Change = 'created' | 'changed' | 'kept' | 'removed';

export interface Done {
  readonly kind: 'done';
  readonly change: Change;
  readonly ours: boolean;
  readonly outputs: Outputs;
  /** In a plan: what would be changed. */
  readonly changes?: readonly PropertyChange[];
}

/** One property that is to be changed; a value of JSON, or its text cut short. `from` is null where there was none. */
export interface PropertyChange {
  readonly path: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** Azure said no and will say no again. `remedy` is a sentence or a command that mends it. */
export interface Refused {
  readonly kind: 'refused';
  readonly code: string;
  readonly reason: string;
  readonly remedy: string;
}

/** May heal by itself: ask again. After `patienceSeconds` of it, it counts as refused, for the same reason. */
export interface Later extends Omit<Refused, 'kind'> {
  readonly kind: 'later';
  /** What Retry-After asked for; absent where Azure named no time. */
  readonly seconds?: number | undefined;
  readonly patienceSeconds: number;
  /** What was done already, where only Azure's showing it is waited for. */
  readonly change?: Change | undefined;
}

/** A long-running operation was started. `operation` is the URL to poll. */
interface Running {
  readonly kind: 'running';
  readonly operation: string;
  readonly seconds?: number | undefined;
  readonly change: Change;
}

export type Outcome = Done | Refused | Later | Running;

/** What a step of a person or an appliance came to, where there is nothing to poll. */
export type Refusal = Pick<Refused, 'code' | 'reason' | 'remedy'>;

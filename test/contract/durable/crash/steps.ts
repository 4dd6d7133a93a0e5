/** What a client does with the features, in any way that it reaches them: it does a step again until it has its answer. */
import { z } from 'zod';

export type Step = {
  /** Milliseconds from the start. */
  readonly at: number;
  readonly id: string;
} & (
  | { readonly act: 'start'; readonly name: string; readonly input: unknown }
  /** `seen`: how many events of the kind the instance must say that it has seen, in its custom status. */
  | { readonly act: 'raise'; readonly event: string; readonly data: unknown; readonly seen?: number }
  | { readonly act: 'terminate' | 'suspend' | 'resume' | 'rewind' | 'restart' | 'purge' }
);

const statusSchema = z.object({ seen: z.number() });
/** @param customStatus as JSON */
export const hasSeen = (customStatus: unknown): number => statusSchema.safeParse(customStatus).data?.seen ?? -1;

export const REASON: Readonly<Record<'terminate' | 'suspend' | 'resume' | 'rewind', string>> &
  Partial<Record<Step['act'], string>> = {
  terminate: 'no longer wanted',
  suspend: 'a break',
  resume: 'on with it',
  rewind: 'it is healed',
};

const SECOND = 1_000;

const start = (at: number, name: string, id: string, input: unknown = null): Step => ({
  ...{ at, act: 'start', name, id, input },
});
const raise = (at: number, id: string, event: string, data: unknown, seen?: number): Step => ({
  ...{ at, act: 'raise', id, event, data },
  ...(seen !== undefined && { seen }),
});
type Control = 'terminate' | 'suspend' | 'resume' | 'rewind' | 'restart' | 'purge';
const control = (at: number, act: Control, id: string): Step => ({ at, act, id });

export const STEPS: readonly Step[] = [
  start(0, 'fanOut', 'fanOut'),
  start(0, 'retries', 'retries'),
  start(0, 'races', 'races'),
  start(0, 'longTimer', 'longTimer'),
  start(0, 'mailbox', 'mailbox'),
  raise(0, 'mailbox', 'Early', 1),
  raise(500, 'mailbox', 'A', { a: 2 }),
  raise(4 * SECOND, 'mailbox', 'B', { b: 3 }),
  raise(9 * SECOND, 'mailbox', 'Late', 'three'),
  start(0, 'rounds', 'rounds', { seen: [] }),
  // One that came while the one before is being worked on would be lost with continueAsNew, as on Azure.
  ...[1, 2, 3, 4].map((n) => raise(n * 3 * SECOND, 'rounds', 'Tick', n, n - 1)),
  start(100, 'talks', 'talks'),
  start(100, 'suspended', 'suspended'),
  control(2 * SECOND, 'suspend', 'suspended'),
  raise(3 * SECOND, 'suspended', 'Wake', 'up'),
  control(20 * SECOND, 'resume', 'suspended'),
  start(200, 'condemned', 'condemned'),
  control(4 * SECOND, 'terminate', 'condemned'),
  start(200, 'condemned', 'replaced'),
  control(4 * SECOND, 'terminate', 'replaced'),
  start(6 * SECOND, 'successor', 'replaced'),
  start(200, 'bereaved', 'bereaved'),
  control(5 * SECOND, 'terminate', 'bereaved-kid'),
  start(300, 'family', 'family', 2),
  start(300, 'catches', 'catches'),
  start(400, 'fails', 'fails'),
  start(400, 'fails', 'purged'),
  control(30 * SECOND, 'purge', 'purged'),
  ...[1, 2, 3].map((n) => start(SECOND, 'locks', `locks ${n}`)),
  start(SECOND, 'polls', 'polls'),
  start(SECOND, 'rewindable', 'rewindable'),
  control(15 * SECOND, 'rewind', 'rewindable'),
  start(SECOND, 'family', 'restarted', 0),
  control(16 * SECOND, 'restart', 'restarted'),
  // Once more, at times of their own.
  start(6 * SECOND, 'fanOut', 'fanOut 2'),
  start(7 * SECOND, 'retries', 'retries 2'),
  start(8 * SECOND, 'talks', 'talks 2'),
  start(25 * SECOND, 'family', 'family 2', 2),
  ...[1, 2].map((n) => start((25 + n) * SECOND, 'locks', `more locks ${n}`)),
  start(27_500, 'polls', 'polls 2'),
  start(28_200, 'races', 'races 2'),
  start(29_300, 'retries', 'retries 3'),
  start(29_900, 'talks', 'talks 3'),
  start(40_100, 'fanOut', 'fanOut 3'),
  start(40_200, 'family', 'family 3', 2),
  start(40_300, 'catches', 'catches 2'),
  start(40_400, 'retries', 'retries 4'),
];

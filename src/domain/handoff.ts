/** Steps that only a person may do: the run pauses, says who must do what, and goes on by itself when it is done. Pure. */
import { z } from 'zod';
import type { Commands } from './commands';
import type { Refusal } from './outcome';

export interface Handoff {
  /** Unique in its deployment, and in the URL that answers it: `presence-2` is Sentry 2's. */
  readonly id: string;
  readonly kind: 'presence' | 'registration' | 'consent' | 'configuration';
  /** Who must do what, with a link or command. */
  readonly text: string;
  /** Where the appliance is reached, once that is known. */
  readonly address?: string;
  /** What to run there, and what to answer: where each answer is found, and never a secret itself. */
  readonly command?: string;
  /** What to run anywhere, in one shell or the other: each line whole, to be copied. */
  readonly commands?: readonly Commands[];
  readonly answers?: readonly { readonly prompt: string; readonly from: string }[];
  /** The event that brings the answer. Another one each time, so that an answer that came twice is not taken later. */
  readonly event: string;
}

export const handoffId = (kind: Handoff['kind'], n: number): string => `${kind}-${n}`;

/** What a person answers. */
export const handoffAnswer = z.union(
  [z.strictObject({ done: z.literal(true) }), z.strictObject({ declined: z.string().min(1).max(500) })],
  { error: 'is neither { "done": true } nor { "declined": "why" }' },
);
export type HandoffAnswer = z.infer<typeof handoffAnswer>;

/** What becomes of a run whose person will not do their part. */
export const declinedHandoff = (kind: Handoff['kind'], why: string): Refusal => ({
  code: 'HandoffDeclined',
  reason: `The handoff '${kind}' was declined: ${why}`,
  remedy: 'Send the same request again when someone will do it.',
});

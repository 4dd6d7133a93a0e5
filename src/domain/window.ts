/** What an access window tells: that it is open, until when, and the proof that it is closed. Pure. */
import { z } from 'zod';

/** Times are ISO 8601. */
export const openedSchema = z.object({ address: z.string(), openedAt: z.string(), expiresAt: z.string() });
export type Opened = z.infer<typeof openedSchema>;

/** Another time at which the window closes: what a person asks for, and what the window then tells its Sentry. */
export const expirySchema = z.object({ expiresAt: z.string() });

export const receiptSchema = z.object({
  sentry: z.number(),
  openedAt: z.string().nullable(),
  closedAt: z.string(),
  /**
   * `abandoned`: the run that opened it was gone. `swept`: found open after its time, with nothing left that would have
   * closed it.
   */
  why: z.enum(['closed', 'expired', 'abandoned', 'neverOpened', 'swept']),
  /** Read from Azure after closing: no rule of ours and no public IP is left. */
  provenClosed: z.boolean(),
  problems: z.array(z.string()),
});
export type WindowReceipt = z.infer<typeof receiptSchema>;

/** An open window, as the status shows it. */
export interface OpenWindow {
  readonly openedAt: string;
  readonly expiresAt: string;
  readonly address: string;
  readonly ports: readonly number[];
  readonly sources: readonly string[];
  /** Why it was not extended as asked. */
  readonly problem?: string;
}

/** Where the console's email and PIN lie, or why nobody brings them. */
export const registeredSchema = z.union([
  z.object({ registrationUri: z.string() }),
  z.object({ declined: z.string() }),
]);

const LEAST_MINUTES = 5;
const MOST_MINUTES = 240;
/** How long a window may stay open, counted from now; in the request and when it is extended. */
export const windowMinutes = z
  .int()
  .min(LEAST_MINUTES, { error: `is less than ${LEAST_MINUTES}; to close a window now, DELETE it` })
  .max(MOST_MINUTES, { error: `is more than ${MOST_MINUTES}` });

/** What is asked of a Sentry's window: to be open for so many minutes from now. */
export const windowWanted = z.strictObject({ sentry: z.int().min(1), minutes: windowMinutes });

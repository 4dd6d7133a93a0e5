/** What an access window tells: that it is open, and the proof that it is closed. Pure. */
import { z } from 'zod';

/** Times are ISO 8601. */
export const openedSchema = z.object({ address: z.string(), openedAt: z.string() });
export type Opened = z.infer<typeof openedSchema>;

export const receiptSchema = z.object({
  sentry: z.number(),
  openedAt: z.string().nullable(),
  closedAt: z.string(),
  why: z.enum(['closed', 'expired', 'neverOpened']),
  /** Read from Azure after closing: no rule of ours and no public IP is left. */
  provenClosed: z.boolean(),
  problems: z.array(z.string()),
});
export type WindowReceipt = z.infer<typeof receiptSchema>;

/** Where the console's email and PIN lie, or why nobody brings them. */
export const registeredSchema = z.union([
  z.object({ registrationUri: z.string() }),
  z.object({ declined: z.string() }),
]);

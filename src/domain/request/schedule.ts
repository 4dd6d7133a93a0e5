/** When a deployment may be changed (docs/operations.md, "When changes happen"). Pure. */
import { z } from 'zod';
import { someOf } from './parts';

const DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;
const MOST_WINDOWS = 20;

const moment = z.iso.datetime({ offset: true, error: 'is not a moment such as 2027-01-16T22:00:00Z' });

/** A zone of the IANA database, by its own name or an alias of it. */
function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** A time of the week that comes again. What begins in it is let come to its end. */
const changeWindow = z.strictObject({
  days: someOf(z.enum(DAYS, { error: `is not one of ${DAYS.join(', ')}` }), 'The day'),
  /** By the clock of the time zone. */
  from: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, { error: 'is not a time of day such as 22:00' }),
  hours: z.number().int().min(1).max(24),
  timeZone: z.string().refine(isTimeZone, { error: 'is not a time zone such as Europe/Amsterdam' }).default('UTC'),
});

/** `notBefore` and `notAfter` hold for every change; `changeWindows` for those that nobody asked for just then. */
export const schedule = z
  .strictObject({
    notBefore: moment.optional(),
    notAfter: moment.optional(),
    changeWindows: someOf(changeWindow, 'The change window').max(MOST_WINDOWS).optional(),
  })
  .refine(({ notBefore, notAfter }) => !notBefore || !notAfter || Date.parse(notBefore) < Date.parse(notAfter), {
    path: ['notAfter'],
    error: 'is not after notBefore',
  });

/**
 * The schedules of timer triggers: NCRONTAB, `{second} {minute} {hour} {day} {month} {day-of-week}`, in UTC as on Azure,
 * or a .NET TimeSpan, `hh:mm:ss` or `d.hh:mm:ss`.
 */

interface Field {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly names?: readonly string[];
}
const FIELDS: readonly Field[] = [
  { name: 'second', from: 0, to: 59 },
  { name: 'minute', from: 0, to: 59 },
  { name: 'hour', from: 0, to: 23 },
  { name: 'day', from: 1, to: 31 },
  {
    name: 'month',
    from: 1,
    to: 12,
    names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  { name: 'day of the week', from: 0, to: 6, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
];
/** A day that comes once in so many years is a day that never comes: 30 February. */
const YEARS_TO_LOOK = 8;

export interface Schedule {
  /** The first time after `epochMs`, in ms since 1970. */
  next(epochMs: number): number;
  /** It comes more than once a minute: Azure keeps no status of such a timer. */
  readonly isFrequent: boolean;
}

/** @throws with the part that is wrong */
export function parseSchedule(text: string): Schedule {
  const everyMs = parseTimeSpan(text.trim());
  if (everyMs === undefined) return parseNcrontab(text);
  if (everyMs <= 0) throw new Error(`'${text}' is no time to wait.`);
  return { next: (epochMs) => epochMs + everyMs, isFrequent: everyMs < 60_000 };
}

/** In ms, or undefined when it is no TimeSpan. */
function parseTimeSpan(text: string): number | undefined {
  const found = /^(?:(\d+)\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2}(?:\.\d+)?))?$/.exec(text);
  if (!found) return undefined;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = found.slice(1).map((part) => Number(part ?? 0));
  if (hours > 23 || minutes > 59 || seconds >= 60) return undefined;
  return ((days * 24 + hours) * 60 + minutes) * 60_000 + Math.round(seconds * 1000);
}

/** Five fields leave the second out. */
function parseNcrontab(text: string): Schedule {
  const parts = text.trim().split(/\s+/);
  if (parts.length === 5) parts.unshift('0');
  if (parts.length !== FIELDS.length) throw new Error(`'${text}' is not an NCRONTAB schedule: it needs six fields.`);
  const [seconds, minutes, hours, days, months, weekdays] = FIELDS.map((field, index) =>
    parseField(parts[index] ?? '', field, text),
  );
  const has = (allowed: ReadonlySet<number> | undefined, value: number): boolean => allowed?.has(value) ?? false;
  return {
    isFrequent: (seconds?.size ?? 0) > 1 && parts.slice(1).every((part) => part === '*'),
    next(epochMs) {
      const at = new Date(epochMs);
      at.setUTCMilliseconds(0);
      at.setUTCSeconds(at.getUTCSeconds() + 1);
      const end = at.getUTCFullYear() + YEARS_TO_LOOK;
      while (at.getUTCFullYear() <= end) {
        if (!has(months, at.getUTCMonth() + 1)) {
          at.setUTCMonth(at.getUTCMonth() + 1, 1);
          at.setUTCHours(0, 0, 0);
        } else if (!has(days, at.getUTCDate()) || !has(weekdays, at.getUTCDay())) at.setUTCHours(24, 0, 0);
        else if (!has(hours, at.getUTCHours())) at.setUTCHours(at.getUTCHours() + 1, 0, 0);
        else if (!has(minutes, at.getUTCMinutes())) at.setUTCMinutes(at.getUTCMinutes() + 1, 0);
        else if (!has(seconds, at.getUTCSeconds())) at.setUTCSeconds(at.getUTCSeconds() + 1);
        else return at.getTime();
      }
      throw new Error(`'${text}' never comes.`);
    },
  };
}

/** Lists of `*`, values and ranges, each with an optional step. */
function parseField(part: string, field: Field, schedule: string): ReadonlySet<number> {
  return new Set(part.split(',').flatMap((item) => parseItem(item, field, schedule)));
}

function parseItem(item: string, { name, from, to, names = [] }: Field, schedule: string): number[] {
  const wrong = (): Error => new Error(`'${schedule}' is not an NCRONTAB schedule: '${item}' is no ${name}.`);
  const [range = '', stepText] = item.split('/');
  const step = stepText === undefined ? 1 : Number(stepText);
  const value = (text: string): number => {
    const named = names.indexOf(text.toLowerCase());
    const number = named >= 0 ? named + from : /^\d+$/.test(text) ? Number(text) : NaN;
    // Sunday is 0, and by custom also 7.
    const sunday = name === 'day of the week' && number === 7 ? 0 : number;
    if (!(sunday >= from && sunday <= to)) throw wrong();
    return sunday;
  };
  if (!Number.isInteger(step) || step < 1) throw wrong();
  const [first = '', last] = range.split('-');
  const start = range === '*' ? from : value(first);
  const end = range === '*' || (last === undefined && stepText !== undefined) ? to : value(last ?? first);
  if (end < start) throw wrong();
  return Array.from({ length: Math.floor((end - start) / step) + 1 }, (_, index) => start + index * step);
}

/** When a request lets itself be carried out. Pure: moments are epoch ms, and the time is given. */
import type { Refusal } from './outcome';
import type { DeploymentRequest } from './request/request';

/** A request, as far as it says when. */
export type Scheduled = Pick<DeploymentRequest, 'schedule'>;
type ChangeWindow = NonNullable<NonNullable<Scheduled['schedule']>['changeWindows']>[number];

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const WEEK = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

/** Before it nothing is changed. */
export const beginsAt = ({ schedule }: Scheduled): number =>
  schedule?.notBefore === undefined ? -Infinity : Date.parse(schedule.notBefore);

/** From it on nothing new is begun. */
export const endsAt = ({ schedule }: Scheduled): number =>
  schedule?.notAfter === undefined ? Infinity : Date.parse(schedule.notAfter);

/** Why what is left stays as it is. */
export const scheduleOver = ({ schedule }: Scheduled): Refusal => ({
  code: 'ScheduleOver',
  reason: `schedule.notAfter (${schedule?.notAfter ?? ''}) came before all was done; nothing was begun after it`,
  remedy: 'Send the request again with a later notAfter, or without one: it goes on where this run ended.',
});

/**
 * The earliest moment from `now` on at which a change may begin that nobody asked for just then: a repair, a new
 * subscription. Undefined where there is none before the schedule ends.
 */
export function nextChange(request: Scheduled, now: number): number | undefined {
  const from = Math.max(now, beginsAt(request));
  const windows = request.schedule?.changeWindows;
  const opens = windows ? Math.min(...windows.map((window) => nextOpen(window, from))) : from;
  return opens < endsAt(request) ? opens : undefined;
}

/** A change may begin now that nobody asked for just then. */
export const mayChange = (request: Scheduled, now: number): boolean => nextChange(request, now) === now;

/** `from` where the window is open then, else its next beginning. It is as long as it says, whatever the clock does. */
function nextOpen(window: ChangeWindow, from: number): number {
  const begins = beginningsAround(window, from);
  const isOpen = begins.some((begin) => begin <= from && from < begin + window.hours * HOUR_MS);
  return isOpen ? from : Math.min(...begins.filter((begin) => begin > from));
}

/** When it begins: on the day before `at` by the zone's calendar, and on each until a week after. */
function beginningsAround({ days, from, timeZone }: ChangeWindow, at: number): readonly number[] {
  const today = Math.floor(clockAt(at, timeZone) / DAY_MS) * DAY_MS;
  const [hours = 0, minutes = 0] = from.split(':').map(Number);
  return [-1, 0, 1, 2, 3, 4, 5, 6, 7].flatMap((day) => {
    const date = today + day * DAY_MS;
    const isMeant = days.some((name) => WEEK[new Date(date).getUTCDay()] === name);
    return isMeant ? [momentOf(date + hours * HOUR_MS + minutes * MINUTE_MS, timeZone)] : [];
  });
}

/** When the zone's clock shows this. Twice in autumn: the first time. Leapt over in spring: as much later. */
function momentOf(clock: number, timeZone: string): number {
  const moments = [clock - DAY_MS, clock + DAY_MS].map((near) => clock - (clockAt(near, timeZone) - near));
  return moments.find((moment) => clockAt(moment, timeZone) === clock) ?? Math.max(...moments);
}

/** What the zone's clock shows, to the second, as if it were UTC: epoch ms. */
function clockAt(at: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
    hourCycle: 'h23',
  }).formatToParts(at);
  const part = (type: Intl.DateTimeFormatPartTypes) => Number(parts.find((one) => one.type === type)?.value);
  return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
}

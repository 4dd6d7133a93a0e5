/** When a request lets itself be carried out. Pure: moments are epoch ms, and the time is given. */
import type { Refusal } from './outcome';
import type { DeploymentRequest } from './request/request';

/** A request, as far as it says when. */
export type Scheduled = Pick<DeploymentRequest, 'schedule'>;
type ChangeWindow = NonNullable<NonNullable<Scheduled['schedule']>['changeWindows']>[number];

const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;
const WEEK_MINUTES = 7 * DAY_MINUTES;
const WEEK = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];

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

/** `from` where the window is open then, else its next beginning. */
function nextOpen(window: ChangeWindow, from: number): number {
  const at = minuteOfWeek(from, window.timeZone);
  const starts = window.days.map((day) => WEEK.indexOf(day) * DAY_MINUTES + minutesOf(window.from));
  const isOpen = starts.some((start) => forward(start, at) < window.hours * 60);
  if (isOpen) return from;
  const minute = Math.floor(from / MINUTE_MS) * MINUTE_MS;
  return Math.min(...starts.map((start) => onClock(minute, forward(at, start), start, window.timeZone)));
}

/**
 * The moment at which the zone's clock shows `start`, about `minutes` after `from`. Where the clock is put forward or
 * back meanwhile, the first guess is as much too late or early; a time that the clock leaps over is its leap.
 */
function onClock(from: number, minutes: number, start: number, timeZone: string): number {
  const guess = from + minutes * MINUTE_MS;
  const late = forward(start, minuteOfWeek(guess, timeZone));
  if (late === 0) return guess;
  const off = late > WEEK_MINUTES / 2 ? late - WEEK_MINUTES : late;
  const better = guess - off * MINUTE_MS;
  return minuteOfWeek(better, timeZone) === start ? better : guess;
}

/** Minutes from one minute of the week to the next time that another comes. */
const forward = (from: number, to: number): number => (to - from + WEEK_MINUTES) % WEEK_MINUTES;

const minutesOf = (time: string): number => {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return hours * 60 + minutes;
};

/** What the zone's clock shows, in minutes since Monday began. */
function minuteOfWeek(at: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'long',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(at);
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.find((one) => one.type === type)?.value ?? '';
  const day = WEEK.indexOf(part('weekday').toLowerCase());
  return day * DAY_MINUTES + Number(part('hour')) * 60 + Number(part('minute'));
}

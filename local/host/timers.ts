/** Timer-triggered functions (contract 7.6). A run that is due while the last one runs is left out. */
import { z } from 'zod';
import { AppError } from './appError';
import { type AppFunction } from './app/functions';
import { resolveSettings } from './config';
import { type Clock } from './engine/clock';
import { readJsonFile, writeJsonFile } from './jsonFile';
import { type Log, messageOf, stackOf } from './log';
import { parseSchedule, type Schedule } from './schedule';

const triggerSchema = z.looseObject({
  schedule: z.string(),
  runOnStartup: z.boolean().default(false),
  useMonitor: z.boolean().default(true),
});

export interface Timer {
  readonly target: AppFunction;
  /** As written, its settings filled in. */
  readonly text: string;
  readonly schedule: Schedule;
  readonly runOnStartup: boolean;
  readonly isMonitored: boolean;
}

/** @throws AppError for a schedule that cannot be read */
export const readTimers = (functions: readonly AppFunction[]): Timer[] =>
  functions.map((target) => {
    try {
      const trigger = triggerSchema.parse(target.trigger);
      const text = resolveSettings(trigger.schedule);
      const schedule = parseSchedule(text);
      schedule.next(Date.now());
      const isMonitored = trigger.useMonitor && !schedule.isFrequent;
      return { target, text, schedule, runOnStartup: trigger.runOnStartup, isMonitored };
    } catch (error) {
      throw new AppError(`Function '${target.name}': ${messageOf(error)}`);
    }
  });

/** Times in ms since 1970. `schedule` tells a status of another schedule, which says nothing of what is due. */
const statusSchema = z.object({
  schedule: z.string(),
  last: z.number().nullable(),
  next: z.number(),
  updated: z.number().nullable(),
});
type Status = z.infer<typeof statusSchema>;

/** What is known of the monitored timers, by function. It outlives the host, so that a run it missed is seen. */
export class TimerStatuses {
  private readonly statuses: Map<string, Status>;

  /** @param path undefined to keep them in memory. @throws AppError when the file is none of statuses */
  constructor(private readonly path: string | undefined) {
    const kept = path === undefined ? {} : readJsonFile(path, z.record(z.string(), statusSchema));
    this.statuses = new Map(Object.entries(kept));
  }

  get(name: string): Status | undefined {
    return this.statuses.get(name);
  }

  set(name: string, status: Status): void {
    this.statuses.set(name, status);
    if (this.path !== undefined) writeJsonFile(this.path, Object.fromEntries(this.statuses));
  }
}

interface TimerPorts {
  readonly statuses: TimerStatuses;
  readonly clock: Clock;
  readonly log: Log;
}

/** Runs the timers at their times. @returns what stops them */
export function startTimers(timers: readonly Timer[], ports: TimerPorts): () => void {
  const stops = timers.map((timer) => startTimer(timer, ports));
  return () => stops.forEach((stop) => stop());
}

function startTimer(timer: Timer, ports: TimerPorts): () => void {
  const { statuses, clock, log } = ports;
  const { target, text, schedule, isMonitored } = timer;
  let calledOff: () => void = () => undefined;
  let stopped = false;
  const arm = (): void => {
    if (stopped) return;
    const due = schedule.next(clock.now());
    calledOff = clock.at(due, () => void run(due, false));
  };
  const run = async (due: number, isPastDue: boolean): Promise<void> => {
    await runTimer(timer, ports, isPastDue);
    const now = clock.now();
    try {
      if (isMonitored && !stopped)
        statuses.set(target.name, { schedule: text, last: due, next: schedule.next(now), updated: now });
    } catch (error) {
      // What is lost is when it ran last; that is no reason to run nothing.
      log('error', target.name, messageOf(error));
    }
    arm();
  };
  const now = clock.now();
  const known = statuses.get(target.name);
  const isKnown = isMonitored && known?.schedule === text;
  if (isMonitored && !isKnown)
    statuses.set(target.name, { schedule: text, last: null, next: schedule.next(now), updated: null });
  const missed = isKnown && known.next < now;
  if (missed || timer.runOnStartup) void run(now, missed);
  else arm();
  return () => {
    stopped = true;
    calledOff();
  };
}

/** .NET's time of nothing, for a timer that never ran. */
const NEVER = '0001-01-01T00:00:00';
const iso = (epochMs: number | null): string => (epochMs === null ? NEVER : new Date(epochMs).toISOString());

/** Runs one out of its time. Never rejects. */
export async function runByHand(timers: readonly Timer[], name: string, ports: TimerPorts): Promise<void> {
  const timer = timers.find(({ target }) => target.name === name);
  if (timer) await runTimer(timer, ports, false);
}

/** Runs a timer function once. Never rejects. */
async function runTimer(
  { target, isMonitored }: Timer,
  { statuses, log }: TimerPorts,
  isPastDue: boolean,
): Promise<void> {
  const known = isMonitored ? statuses.get(target.name) : undefined;
  const value = {
    Schedule: { AdjustForDST: true },
    ScheduleStatus: known ? { Last: iso(known.last), Next: iso(known.next), LastUpdated: iso(known.updated) } : null,
    IsPastDue: isPastDue,
  };
  const answer = await target.invoke({ data: { json: JSON.stringify(value) }, metadata: {} });
  if (!answer.ok) log('error', target.name, `failed: ${stackOf(answer.error)}`);
}

/** Timer-triggered functions (contract 7.6). A run that is due while the last one runs is left out. */
import { z } from 'zod';
import { type AppFunction } from './app/functions';
import { AppError } from './app/loadApp';
import { resolveSettings } from './config';
import { type Clock } from './engine/clock';
import { type Log, messageOf } from './log';
import { parseSchedule, type Schedule } from './schedule';

const triggerSchema = z.looseObject({ schedule: z.string(), runOnStartup: z.boolean().default(false) });

/** @returns what stops them. @throws AppError for a schedule that cannot be read */
export function startTimers(functions: readonly AppFunction[], clock: Clock, log: Log): () => void {
  const stops = functions.map((one) => {
    const { schedule: text, runOnStartup } = triggerSchema.parse(one.trigger);
    const schedule = readSchedule(one.name, resolveSettings(text));
    let last: number | undefined;
    let calledOff: () => void = () => undefined;
    let stopped = false;
    const arm = (): void => {
      if (stopped) return;
      const due = schedule.next(clock.now());
      calledOff = clock.at(due, () => void run(due));
    };
    const run = async (due: number): Promise<void> => {
      const previous = last ?? due;
      last = due;
      await runTimer(one, { last: previous, next: schedule.next(clock.now()) }, log);
      arm();
    };
    if (runOnStartup) void runTimer(one, { last: clock.now(), next: schedule.next(clock.now()) }, log);
    arm();
    return () => {
      stopped = true;
      calledOff();
    };
  });
  return () => stops.forEach((stop) => stop());
}

function readSchedule(name: string, text: string): Schedule {
  try {
    return parseSchedule(text);
  } catch (error) {
    throw new AppError(`Function ${name}: ${messageOf(error)}`);
  }
}

const iso = (epochMs: number): string => new Date(epochMs).toISOString();

/** Runs a timer function once. `status` is left out for a run by hand. */
export async function runTimer(
  one: AppFunction,
  status: { last: number; next: number } | undefined,
  log: Log,
): Promise<void> {
  const ScheduleStatus = status && { Last: iso(status.last), Next: iso(status.next), LastUpdated: iso(status.last) };
  const value = { Schedule: { AdjustForDST: true }, ScheduleStatus: ScheduleStatus ?? null, IsPastDue: false };
  const answer = await one.invoke({ data: { json: JSON.stringify(value) }, metadata: {} });
  if (!answer.ok) log('error', one.name, `failed: ${messageOf(answer.error)}`);
}

/** One line per fact on stderr. Never the payload of a function: inputs, outputs and events may hold anything. */
import { z } from 'zod';

type LogLevel = 'trace' | 'debug' | 'information' | 'warning' | 'error' | 'critical' | 'none';

/** `source` is a function's name, or a part of the host. */
export type Log = (level: LogLevel, source: string, message: string) => void;

const HIDDEN: ReadonlySet<LogLevel> = new Set(['trace', 'debug', 'none']);

/** Writes `time level [source] message` to stderr; a message of several lines becomes one. */
export const logToStderr: Log = (level, source, message) => {
  if (HIDDEN.has(level)) return;
  process.stderr.write(`${new Date(Date.now()).toISOString()} ${level} [${source}] ${oneLine(message)}\n`);
};

export const oneLine = (text: string): string => text.trim().replaceAll(/\s*\r?\n\s*/g, ' | ');

/** The message of anything that was thrown; of a value that breaks a schema, each place and what is wrong there. */
export function messageOf(error: unknown): string {
  if (error instanceof z.ZodError)
    return error.issues
      .map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message))
      .join('; ');
  return error instanceof Error ? error.message : String(error);
}

/** With its stack, for the log. */
export const stackOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : messageOf(error);

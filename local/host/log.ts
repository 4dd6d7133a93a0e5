/** One line per fact on stderr. Never the payload of a function: inputs, outputs and events may hold anything. */
type LogLevel = 'trace' | 'debug' | 'information' | 'warning' | 'error' | 'critical' | 'none';

/** `source` is a function's name, or a part of the host. */
export type Log = (level: LogLevel, source: string, message: string) => void;

const HIDDEN: ReadonlySet<LogLevel> = new Set(['trace', 'debug', 'none']);

/** Writes `time level [source] message` to stderr; a message of several lines becomes one. */
export const logToStderr: Log = (level, source, message) => {
  if (HIDDEN.has(level)) return;
  const line = message.replaceAll(/\s*\r?\n\s*/g, ' | ');
  process.stderr.write(`${new Date(Date.now()).toISOString()} ${level} [${source}] ${line}\n`);
};

/** The message of anything that was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * The log: JSON lines on stdout, one for each event, each with a stable `event` name that alerts and scripts may rely on.
 * Fields: `time` (RFC 3339, UTC), `level`, `event`, `msg`, and what the event is about (`zone`, `client`, `token_id`, `err.code` …).
 * Text from outside only ever stands in a JSON string, so a name with line feeds or escapes in it stays on its line.
 * Not here: who did what (store/audit.ts), numbers (metrics).
 */
import { type DestinationStream, destination, pino, stdTimeFunctions } from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** What an event is about. Never secrets: fields with such names are blanked, but what is inside a text is not looked at. */
export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(event: string, message: string, fields?: LogFields): void;
  info(event: string, message: string, fields?: LogFields): void;
  warn(event: string, message: string, fields?: LogFields): void;
  error(event: string, message: string, fields?: LogFields): void;
  /** Written out before it returns: the process may end next. */
  fatal(event: string, message: string, fields?: LogFields): void;
  /** The same log with these fields in every line. */
  with(fields: LogFields): Log;
}

/** Field names that hold secrets wherever they stand, one or two levels deep. */
const SECRET_FIELDS = ['secret', 'token', 'kek', 'password', 'privateKey', 'private_key', 'authorization', 'cookie'] as const;
const REDACTED = '[secret]';

export interface LogOptions {
  readonly level: LogLevel;
  /** Fields of every line: `{ process: 'control' }`. */
  readonly fields?: LogFields;
  /** Where to; stdout when absent. */
  readonly to?: DestinationStream;
}

/** A log that writes each line before the call returns: none is lost when the process dies. */
export function createLog({ level, fields = {}, to = destination({ dest: 1, sync: true }) }: LogOptions): Log {
  const logger = pino(
    {
      level,
      base: { ...fields, pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_FIELDS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: REDACTED },
      serializers: { err: errorFields },
    },
    to,
  );
  return wrap(logger);
}

interface Writer {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  fatal(fields: LogFields, message: string): void;
  child(fields: LogFields): Writer;
}

function wrap(logger: Writer): Log {
  return {
    debug: (event, message, fields) => logger.debug({ event, ...fields }, message),
    info: (event, message, fields) => logger.info({ event, ...fields }, message),
    warn: (event, message, fields) => logger.warn({ event, ...fields }, message),
    error: (event, message, fields) => logger.error({ event, ...fields }, message),
    fatal: (event, message, fields) => logger.fatal({ event, ...fields }, message),
    with: (fields) => wrap(logger.child(fields)),
  };
}

/** An error as fields: its code and text, and where it was thrown. Its other properties may hold anything and stay out. */
function errorFields(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code: unknown = 'code' in error ? error.code : undefined;
  return { name: error.name, message: error.message, ...(code === undefined ? {} : { code }), stack: error.stack };
}

/** A log that says nothing, for tests. */
export const SILENT_LOG: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  fatal: () => undefined,
  with: () => SILENT_LOG,
};

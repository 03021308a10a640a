/**
 * The log: one line on stdout for each event, each with a stable `event` name that alerts and scripts may rely on.
 * Fields: `time` (RFC 3339, UTC), `level`, `event`, `msg`, and what the event is about (`zone`, `client`, `tokenId`,
 * `err` …). Text from outside only ever stands in a JSON string, so a name with line feeds or terminal escapes in it
 * stays on its line.
 * Not here: who did what (store/audit/entries.ts), numbers (metrics).
 */
import { type LogEvent } from '#base/log/events.ts';
import { showHidden, showHiddenInJson } from './visible.ts';
import { type DestinationStream, type Logger, destination, pino, stdTimeFunctions } from 'pino';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

/** What an event is about. Never secrets: fields with such names are blanked, but what is inside a text is not looked at. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Each line is written before the call returns: none is lost when the process dies. */
export interface Log {
  debug(event: LogEvent, message: string, fields?: LogFields): void;
  info(event: LogEvent, message: string, fields?: LogFields): void;
  warn(event: LogEvent, message: string, fields?: LogFields): void;
  error(event: LogEvent, message: string, fields?: LogFields): void;
  fatal(event: LogEvent, message: string, fields?: LogFields): void;
  /** A log with these fields in every line. */
  with(fields: LogFields): Log;
  /** From now on, for this log and those made from it by `with`; not for the form that Fastify takes. */
  setLevel(level: LogLevel): void;
  /** The same log in the form that Fastify takes. */
  readonly pino: Logger;
}

export interface LogOptions {
  readonly level: LogLevel;
  /** `text` is for people at a terminal. */
  readonly format?: 'json' | 'text';
  /** In every line: `{ process: 'control' }`. */
  readonly fields?: LogFields;
  /** Where lines go; stdout when absent. */
  readonly to?: DestinationStream;
}

/** Fields that hold secrets, up to three levels deep. */
const SECRET_FIELDS = ['secret', 'token', 'kek', 'password', 'privateKey', 'private_key', 'authorization', 'cookie'] as const;
const REDACTED = '[secret]';

export function createLog({ level, format = 'json', fields = {}, to = destination({ dest: 1, sync: true }) }: LogOptions): Log {
  const logger = pino(
    {
      level,
      base: { ...fields, pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]), censor: REDACTED },
      serializers: { err: errorFields },
    },
    { write: (line: string) => to.write(format === 'json' ? showHiddenInJson(line) : textLine(line)) },
  );
  return wrap(logger);
}

/** What stands in every line. A field of such a name would be there twice; it gets an underscore before it. */
const OWN_FIELDS: ReadonlySet<string> = new Set(['level', 'time', 'event', 'msg', 'pid', 'process']);

function freeOfOwn(fields: LogFields): LogFields {
  if (!Object.keys(fields).some((name) => OWN_FIELDS.has(name))) return fields;
  const nameOf = (name: string) => (OWN_FIELDS.has(name) ? `_${name}` : name);
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [nameOf(name), value]));
}

/** `bound` are fields of every line; one that a line has too is that of the line. */
function wrap(logger: Logger, bound: LogFields = {}): Log {
  const write = (level: 'debug' | 'info' | 'warn' | 'error' | 'fatal') => {
    return (event: LogEvent, message: string, fields: LogFields = {}) => {
      logger[level]({ event, ...bound, ...freeOfOwn(fields) }, message);
    };
  };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    fatal: write('fatal'),
    with: (fields) => wrap(logger, { ...bound, ...freeOfOwn(fields) }),
    setLevel: (level) => void (logger.level = level),
    get pino() {
      return logger.child(bound);
    },
  };
}

/** An error as fields: its name, code, text and place. Its other properties may hold anything and stay out. */
function errorFields(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code: unknown = 'code' in error ? error.code : undefined;
  return { name: error.name, message: error.message, ...(code === undefined ? {} : { code }), stack: error.stack };
}

/** `time LEVEL message (event field=value …)`. */
function textLine(json: string): string {
  const line: unknown = JSON.parse(json);
  const { time, level, msg, event, pid: _pid, ...fields } = Object.fromEntries(Object.entries(line ?? {}));
  const shown = [event, ...Object.entries(fields).map(([field, value]) => `${field}=${JSON.stringify(value)}`)].filter(Boolean).join(' ');
  return `${showHidden(`${String(time)} ${String(level).toUpperCase().padEnd(5)} ${String(msg ?? '')}${shown === '' ? '' : ` (${shown})`}`)}\n`;
}

/**
 * A line of the log from where pino is not loaded: the supervisor, a process before its program runs. The form is
 * that of base/log.ts: with `json` one object on one line; with `text` the words alone, on stderr either way.
 * Not here: the log of the control and the answer process (base/log.ts).
 */
import { type LogEvent } from '#base/log/events.ts';
import { showHidden, showHiddenInJson } from '#base/visible.ts';

export type NoticeFormat = 'json' | 'text';
export type NoticeLevel = 'info' | 'warn' | 'error' | 'fatal';

export interface Notice {
  readonly level: NoticeLevel;
  /** Which process says it: `supervisor`, `answer` … */
  readonly process: string;
  readonly event: LogEvent;
  readonly message: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** The line, with its line feed. Text may have several lines; they stay, indented by who wrote them. */
export function formatNotice(format: NoticeFormat, notice: Notice): string {
  const { level, process: who, event, message, fields = {} } = notice;
  if (format === 'text') {
    const warning = level === 'warn' ? 'warning: ' : '';
    return `waxseal: ${warning}${showHidden(message, '\n')}\n`;
  }
  const time = new Date().toISOString();
  const line = { level, time, process: who, pid: process.pid, event, ...fields, msg: message };
  return `${showHiddenInJson(JSON.stringify(line))}\n`;
}

export function writeNotice(format: NoticeFormat, notice: Notice): void {
  process.stderr.write(formatNotice(format, notice));
}

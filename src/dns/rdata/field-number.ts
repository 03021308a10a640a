/**
 * Fields that are numbers: plain, by mnemonic, as a duration, as an RRSIG time.
 * Implements: RFC 1035 §3.3.13 with the 1h30m units of every master-file reader; RFC 4034 §3.2 (YYYYMMDDHHmmSS).
 */
import { type Field, numberAt, type Parse, putNumber, refuse, takeWord } from './field.ts';

/** Octets of a number. */
type Size = 1 | 2 | 4;

function numberField(label: string, size: Size, parse: (parse: Parse) => void, show: (value: number) => string): Field {
  return {
    label,
    parse,
    end: (_octets, at, limit) => (at + size <= limit ? at + size : -1),
    format: (octets, at) => show(numberAt(octets, at, size)),
  };
}

/** The number a word of digits stands for, or undefined when it is none or above `max`. */
export function decimal(text: string, max: number): number | undefined {
  if (!/^[0-9]{1,20}$/.test(text)) return undefined;
  const value = Number(text);
  return value <= max ? value : undefined;
}

/** Takes a decimal number 0…max; undefined after a problem. */
export function takeNumber(parse: Parse, label: string, max: number): number | undefined {
  const token = takeWord(parse, label);
  if (token === undefined) return undefined;
  const value = decimal(token.text, max);
  if (value === undefined) refuse(parse, token, 'RDATA_VALUE', `${label} ${JSON.stringify(token.text)} is not a number 0…${max}`);
  return value;
}

function plain(label: string, size: Size): Field {
  const max = 2 ** (8 * size) - 1;
  return numberField(label, size, (parse) => putNumber(parse, takeNumber(parse, label, max) ?? 0, size), String);
}

export const u8 = (label: string): Field => plain(label, 1);
export const u16 = (label: string): Field => plain(label, 2);
export const u32 = (label: string): Field => plain(label, 4);

/** A number that also has names; shown as a number, or by name when `shown` is 'name'. */
export function mnemonic(label: string, size: Size, names: Readonly<Record<string, number>>, shown: 'number' | 'name' = 'number'): Field {
  const max = 2 ** (8 * size) - 1;
  const byNumber = new Map(Object.entries(names).map(([name, value]) => [value, name]));
  return numberField(
    label,
    size,
    (parse) => putNumber(parse, takeMnemonic(parse, label, max, names) ?? 0, size),
    (value) => (shown === 'name' ? (byNumber.get(value) ?? String(value)) : String(value)),
  );
}

/** Takes a number 0…max or one of `names` in any case; undefined after a problem. */
export function takeMnemonic(parse: Parse, label: string, max: number, names: Readonly<Record<string, number>>): number | undefined {
  const token = takeWord(parse, label);
  if (token === undefined) return undefined;
  const upper = token.text.toUpperCase();
  const value = decimal(token.text, max) ?? (Object.hasOwn(names, upper) ? names[upper] : undefined);
  if (value === undefined)
    refuse(parse, token, 'RDATA_VALUE', `${label} ${JSON.stringify(token.text)} is neither a number 0…${max} nor a known mnemonic`);
  return value;
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { w: 604_800, d: 86_400, h: 3600, m: 60, s: 1 };

/** Seconds of `3600` or `1h30m` (units w d h m s, any case, each at most once is not asked for), or undefined. */
export function durationSeconds(text: string): number | undefined {
  if (/^[0-9]{1,10}$/.test(text)) return inRange(Number(text));
  if (!/^(?:[0-9]{1,10}[wdhms])+$/i.test(text)) return undefined;
  let seconds = 0;
  for (const [, count, unit] of text.toLowerCase().matchAll(/([0-9]+)([wdhms])/g)) seconds += Number(count) * UNIT_SECONDS[unit!]!;
  return inRange(seconds);
}

function inRange(seconds: number): number | undefined {
  return seconds <= 0xffff_ffff ? seconds : undefined;
}

/** A time span in seconds, written with or without units, shown as seconds. */
export function duration(label: string): Field {
  const take = (parse: Parse) => {
    const token = takeWord(parse, label);
    const seconds = token === undefined ? 0 : durationSeconds(token.text);
    if (seconds === undefined)
      refuse(parse, token, 'RDATA_VALUE', `${label} ${JSON.stringify(token?.text)} is not a time span 0…4294967295 seconds`, {
        fix: 'write seconds, or units as in 1h30m',
      });
    putNumber(parse, seconds ?? 0, 4);
  };
  return numberField(label, 4, take, String);
}

/** RFC 4034 §3.2: YYYYMMDDHHmmSS in UTC, or seconds since 1970 in at most ten digits; shown as the former. */
export function time(label: string): Field {
  const take = (parse: Parse) => {
    const token = takeWord(parse, label);
    const seconds = token === undefined ? 0 : timeSeconds(token.text);
    if (seconds === undefined)
      refuse(parse, token, 'RDATA_VALUE', `${label} ${JSON.stringify(token?.text)} is neither YYYYMMDDHHmmSS nor seconds`, {
        rfc: 'RFC 4034 §3.2',
      });
    putNumber(parse, seconds ?? 0, 4);
  };
  return numberField(label, 4, take, showTime);
}

function timeSeconds(text: string): number | undefined {
  const seconds = text.length <= 10 ? decimal(text, 0xffff_ffff) : undefined;
  if (seconds !== undefined) return seconds;
  const digits = /^([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})$/.exec(text);
  if (digits === null) return undefined;
  const [year, month, day, hour, minute, second] = digits.slice(1).map(Number);
  const timeMs = Date.UTC(year!, month! - 1, day, hour, minute, second);
  // Date.UTC carries 31 February into March; a date that does not come back as it went in is none.
  if (!(timeMs >= 0) || new Date(timeMs).toISOString().replace(/[-:T]|\..*$/g, '') !== text) return undefined;
  // RFC 4034 §3.1.5: 32 bits, modulo 2³².
  return (timeMs / 1000) % 2 ** 32;
}

function showTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/[-:T]|\..*$/g, '');
}

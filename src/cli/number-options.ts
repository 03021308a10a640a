/** Numbers of options, read in one way: what is none is an error before anything is sent. */
import { InvalidArgumentError } from 'commander';
import { failure } from './failure.ts';

/** A port, 1 to 65535; undefined when the option is not given. */
export function readPort(option: string, text: string | undefined): number | undefined {
  return readNumber(option, text, { least: 1, most: 65_535, what: 'a port, 1 to 65535' });
}

/** Seconds of a TTL (RFC 2181 §8); undefined when the option is not given. */
export function readTtl(option: string, text: string | undefined): number | undefined {
  return readNumber(option, text, { least: 0, most: 0x7fff_ffff, what: 'a TTL in seconds, 0 to 2147483647' });
}

/** How many of something, from 1 on; for `Option.argParser`. */
export function readCount(text: string): number {
  const count = Number(text);
  if (!/^[0-9]{1,9}$/.test(text) || count === 0) throw new InvalidArgumentError('a whole number from 1 on is needed.');
  return count;
}

function readNumber(
  option: string,
  text: string | undefined,
  { least, most, what }: { readonly least: number; readonly most: number; readonly what: string },
): number | undefined {
  if (text === undefined) return undefined;
  const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw failure('CLI_USAGE', `${option} ${JSON.stringify(text)} is not ${what}`);
}

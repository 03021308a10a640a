/**
 * The MAC algorithms of TSIG: their names on the wire and in key files, their lengths, and which of them are offered.
 * Implements: RFC 8945 §6 (names; SHA-256 is mandatory, MD5 must not be used), §5.2.2.1 (how short a MAC may be cut).
 * Not here: keys (key.ts), making a MAC (mac.ts).
 */
import { type Name, formatName, nameOf } from '#dns/name.ts';

/** As BIND, Knot and PowerDNS write it. */
export type TsigAlgorithmName = 'hmac-sha1' | 'hmac-sha224' | 'hmac-sha256' | 'hmac-sha384' | 'hmac-sha512';

export interface TsigAlgorithm {
  readonly name: TsigAlgorithmName;
  /** On the wire, lower-case. */
  readonly wire: Name;
  /** Its hash, as node:crypto calls it. */
  readonly hash: string;
  /** Octets of a whole MAC. */
  readonly macBytes: number;
  /** Not taken unless it is asked for in so many words: RFC 8945 §6 keeps it for old peers only. */
  readonly isWeak: boolean;
}

const algorithm = (name: TsigAlgorithmName, macBytes: number, isWeak = false): TsigAlgorithm => ({
  name,
  wire: nameOf(`${name}.`),
  hash: name.slice('hmac-'.length),
  macBytes,
  isWeak,
});

export const TSIG_ALGORITHMS: readonly TsigAlgorithm[] = [
  algorithm('hmac-sha256', 32),
  algorithm('hmac-sha384', 48),
  algorithm('hmac-sha512', 64),
  algorithm('hmac-sha224', 28),
  algorithm('hmac-sha1', 20, true),
];

/** What new keys are made for. */
export const TSIG_ALGORITHM_DEFAULT = TSIG_ALGORITHMS[0]!;

/** RFC 8945 §6: not used any more; the name that its messages have, and the one in key files. */
const MD5_NAMES: readonly string[] = ['hmac-md5.sig-alg.reg.int', 'hmac-md5'];

/** The algorithm with this name, with or without a last dot, in any case; undefined: not offered. */
export function tsigAlgorithm(text: string): TsigAlgorithm | undefined {
  const name = plain(text);
  return TSIG_ALGORITHMS.find((each) => each.name === name);
}

/** True for MD5, which old programs use when none is named: worth a text of its own. */
export function isMd5(text: string): boolean {
  return MD5_NAMES.includes(plain(text));
}

/** The same for a name on the wire. */
export function isMd5Wire(name: Name): boolean {
  return isMd5(formatName(name));
}

/** RFC 8945 §5.2.2.1: no MAC is shorter than half of its whole length, nor than ten octets. */
export function shortestMacBytes(macBytes: number): number {
  return Math.max(SHORTEST_MAC_BYTES, Math.ceil(macBytes / 2));
}

const SHORTEST_MAC_BYTES = 10;

function plain(text: string): string {
  return text.toLowerCase().replace(/\.$/, '');
}

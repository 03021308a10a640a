/**
 * What record data is made of: a `Field` knows one part of it in presentation and in wire form, an `RdataForm` is the parts in order.
 * Here are the two interfaces, the state of a parse, and the helpers by which fields take words and put octets.
 * Implements: RFC 1035 §3.3, §5.1 (words), RFC 3597 §4 and RFC 4034 §6.2 (which names may be compressed, which are lower-cased).
 * Not here: the fields themselves (field-*.ts), the forms (one file per type), the table of types (dns/registry.ts).
 */
import { RDATA_BYTES_MAX } from '#base/limits/dns.ts';
import { type Place, inFile } from '#base/place.ts';
import { type Problem, type Result, problem } from '#base/problem.ts';
import { type ProblemCode } from '#base/problem-codes.ts';
import { type Token } from '#dns/lexer.ts';
import { type Name } from '#dns/name.ts';

/** A domain name inside record data. */
export interface NameSpan {
  readonly offset: number;
  readonly length: number;
  /** May be written compressed in a message: RFC 1035 types only (RFC 3597 §4). */
  readonly compressible: boolean;
}

/** How a field that is one domain name is treated. */
export interface NameRule {
  /** May be written compressed (RFC 3597 §4: types of RFC 1035). */
  readonly compressible: boolean;
  /** May be read compressed (RFC 3597 §4: those, and the types older than it that were once sent compressed). */
  readonly readCompressed: boolean;
  /** Lower-cased in canonical form (RFC 4034 §6.2, RFC 6840 §5.1). */
  readonly lowered: boolean;
}

export interface Field {
  /** The RFC's word for it, shown in problems. */
  readonly label: string;
  /** Takes its words and puts its octets; what is wrong becomes problems of `parse`. */
  parse(parse: Parse): void;
  /** Offset after the field that starts at `at`; -1 when it is malformed or does not end at or before `limit`. */
  end(octets: Uint8Array, at: number, limit: number): number;
  /** Presentation of the field, which `end` found good; '' for nothing; undefined when only RFC 3597 form can show it. */
  format(octets: Uint8Array, at: number, end: number): string | undefined;
  /** Set when the field is exactly one name. */
  readonly name?: NameRule;
  /** Names inside a field of several parts; these are never compressed nor lower-cased. */
  names?(octets: Uint8Array, at: number, end: number): readonly NameSpan[];
}

/** The form of one type's data. */
export interface RdataForm {
  readonly fields: readonly Field[];
  /** What is wrong across fields that are good one by one, one sentence; undefined when nothing. */
  readonly check?: (rdata: Uint8Array) => string | undefined;
  /** What is lawful and surely not meant. */
  readonly warn?: (rdata: Uint8Array) => string | undefined;
}

/** What a word is as a name. `origin` completes a relative one; a problem or warning has no place yet. */
export type NameReader = (word: string, origin: Name) => Result<Name>;

/** State of one parse. */
export interface Parse {
  readonly mnemonic: string;
  readonly tokens: readonly Token[];
  /** Index of the next token. */
  next: number;
  readonly origin: Name;
  readonly readName: NameReader;
  /** The name of the text that the words are from, for the places of problems. */
  readonly file: string;
  readonly problems: Problem[];
  readonly warnings: Problem[];
  readonly octets: Uint8Array;
  /** Octets put so far. */
  length: number;
  /** Set by the first field that found no word left: the later ones need not say so again. */
  exhausted: boolean;
  /** Set when the octets passed RDATA_BYTES_MAX. */
  overflown: boolean;
}

export function hasMore(parse: Parse): boolean {
  return parse.next < parse.tokens.length;
}

/** The next word, quoted or not; undefined (and, the first time, a problem) when there is none. */
export function takeText(parse: Parse, label: string): Token | undefined {
  const token = parse.tokens[parse.next];
  if (token === undefined) {
    if (!parse.exhausted) refuse(parse, parse.tokens.at(-1), 'RDATA_MISSING', `${label} is missing`);
    parse.exhausted = true;
    return undefined;
  }
  parse.next++;
  return token;
}

/** The next word, which must not be quoted. */
export function takeWord(parse: Parse, label: string): Token | undefined {
  const token = takeText(parse, label);
  if (token === undefined || !token.quoted) return token;
  refuse(parse, token, 'RDATA_SYNTAX', `${label} "${token.text}" is quoted`, { fix: 'write it without quotes' });
  return undefined;
}

/** Every word that is left, none of them quoted. */
export function takeRest(parse: Parse, label: string): readonly Token[] {
  const rest: Token[] = [];
  while (hasMore(parse)) {
    const token = takeWord(parse, label);
    if (token !== undefined) rest.push(token);
  }
  return rest;
}

/** Adds a problem about `token`. */
export function refuse(
  parse: Parse,
  token: Token | undefined,
  code: ProblemCode,
  message: string,
  details?: { readonly rfc?: string; readonly fix?: string },
): void {
  parse.problems.push(problem(code, placeOf(parse, token), `${parse.mnemonic}: ${message}`, details));
}

/** Where `token` stands. */
export function placeOf(parse: Parse, token: Token | undefined): Place {
  return inFile(parse.file, token?.line, token?.column);
}

export function putBytes(parse: Parse, bytes: ArrayLike<number>): void {
  if (!reserve(parse, bytes.length)) return;
  parse.octets.set(bytes, parse.length);
  parse.length += bytes.length;
}

/** Puts `value` big-endian in `size` octets. */
export function putNumber(parse: Parse, value: number, size: number): void {
  if (!reserve(parse, size)) return;
  for (let shift = size - 1; shift >= 0; shift--) parse.octets[parse.length++] = Math.floor(value / 2 ** (8 * shift)) & 0xff;
}

/** True when `size` more octets fit in record data; else a problem, once. */
export function reserve(parse: Parse, size: number): boolean {
  if (parse.length + size <= RDATA_BYTES_MAX) return true;
  if (!parse.overflown)
    refuse(parse, parse.tokens[parse.next - 1], 'RDATA_VALUE', `the data is longer than ${RDATA_BYTES_MAX} octets`, {
      rfc: 'RFC 1035 §3.2.1',
    });
  parse.overflown = true;
  return false;
}

/** Big-endian number of `size` octets at `at`. */
export function numberAt(octets: Uint8Array, at: number, size: number): number {
  let value = 0;
  for (let each = at; each < at + size; each++) value = value * 256 + octets[each]!;
  return value;
}

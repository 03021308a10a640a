/**
 * Fields of octets: hexadecimal, base64, base32hex.
 * Implements: RFC 4648 §4, §7 (no padding), §8; blanks inside the last field of a record as RFC 4034 §2.2, §5.3 allow.
 */
import { type Field, type Parse, putBytes, putNumber, refuse, takeRest, takeWord } from './field.ts';
import { type Token } from '#dns/lexer.ts';

/** Octets of whole hexadecimal pairs, or undefined. */
export function hexOctets(text: string): Uint8Array | undefined {
  return text.length % 2 === 0 && /^[0-9a-f]*$/i.test(text) ? Buffer.from(text, 'hex') : undefined;
}

/** Octets of padded base64, or undefined: other characters, missing padding and bits after the end are not taken. */
export function base64Octets(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  const octets = Buffer.from(text, 'base64');
  return octets.toString('base64') === text ? octets : undefined;
}

const BASE32HEX = '0123456789ABCDEFGHIJKLMNOPQRSTUV';

/** Octets of unpadded base32hex in any case, or undefined. */
export function base32HexOctets(text: string): Uint8Array | undefined {
  const octets: number[] = [];
  let bits = 0;
  let held = 0;
  for (const character of text.toUpperCase()) {
    const value = BASE32HEX.indexOf(character);
    if (value < 0) return undefined;
    held = ((held << 5) | value) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      octets.push((held >> bits) & 0xff);
    }
  }
  // RFC 4648 §3.5: what is left is fewer bits than a digit has, all zero.
  return bits < 5 && (held & ((1 << bits) - 1)) === 0 ? new Uint8Array(octets) : undefined;
}

/** Unpadded base32hex, upper-case. */
export function formatBase32Hex(octets: Uint8Array): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const octet of octets) {
    held = ((held << 8) | octet) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += BASE32HEX[(held >> bits) & 31];
    }
  }
  return bits === 0 ? text : text + BASE32HEX[(held << (5 - bits)) & 31];
}

interface Encoding {
  readonly title: string;
  readonly read: (text: string) => Uint8Array | undefined;
  readonly write: (octets: Uint8Array) => string;
}

export const HEX: Encoding = {
  title: 'hexadecimal',
  read: hexOctets,
  write: (octets) => Buffer.from(octets).toString('hex').toUpperCase(),
};
export const BASE64: Encoding = { title: 'base64', read: base64Octets, write: (octets) => Buffer.from(octets).toString('base64') };
const BASE32: Encoding = { title: 'base32hex', read: base32HexOctets, write: formatBase32Hex };

/** Octets of `text`; undefined after a problem. */
export function decode(parse: Parse, token: Token, label: string, encoding: Encoding, text = token.text): Uint8Array | undefined {
  const octets = encoding.read(text);
  if (octets === undefined)
    refuse(parse, token, 'RDATA_SYNTAX', `${label} is not ${encoding.title}`, {
      rfc: 'RFC 4648',
      ...(encoding === HEX ? { fix: 'give two digits for each octet' } : {}),
    });
  return octets;
}

/** Puts every word that is left as one run of octets. */
export function takeOctetsRest(parse: Parse, label: string, encoding: Encoding, leastBytes: number): void {
  const first = parse.tokens[parse.next];
  if (first === undefined) {
    if (leastBytes > 0) takeWord(parse, label);
    return;
  }
  const words = takeRest(parse, label);
  if (words.length === 0) return;
  const octets = decode(parse, first, label, encoding, words.map((token) => token.text).join(''));
  if (octets === undefined) return;
  if (octets.length < leastBytes) refuse(parse, first, 'RDATA_VALUE', `${label} is empty`);
  putBytes(parse, octets);
}

function rest(label: string, encoding: Encoding, leastBytes: number): Field {
  return {
    label,
    parse: (parse) => takeOctetsRest(parse, label, encoding, leastBytes),
    end: (_octets, at, limit) => (at + leastBytes <= limit ? limit : -1),
    format: (octets, at, end) => encoding.write(octets.subarray(at, end)),
  };
}

/** Octets to the end of the data; blanks between digits are taken away. */
export const hexRest = (label: string, leastBytes = 1): Field => rest(label, HEX, leastBytes);
export const base64Rest = (label: string, leastBytes = 1): Field => rest(label, BASE64, leastBytes);

/** One word of octets after a length octet. `emptyWord` stands for none (RFC 5155 §3.3: the salt `-`). */
function counted(label: string, encoding: Encoding, emptyWord: string | undefined): Field {
  return {
    label,
    parse(parse) {
      const token = takeWord(parse, label);
      if (token === undefined) return;
      const octets = token.text === emptyWord ? new Uint8Array() : decode(parse, token, label, encoding);
      if (octets === undefined) return;
      if (octets.length > 255 || (octets.length === 0 && token.text !== emptyWord))
        return refuse(parse, token, 'RDATA_VALUE', `${label} has ${octets.length} octets instead of 1…255`);
      putNumber(parse, octets.length, 1);
      putBytes(parse, octets);
    },
    end(octets, at, limit) {
      if (at >= limit || (octets[at] === 0 && emptyWord === undefined)) return -1;
      const end = at + 1 + octets[at]!;
      return end <= limit ? end : -1;
    },
    format: (octets, at, end) => (end === at + 1 ? emptyWord! : encoding.write(octets.subarray(at + 1, end))),
  };
}

export const countedHexOrDash = (label: string): Field => counted(label, HEX, '-');
export const countedBase32Hex = (label: string): Field => counted(label, BASE32, undefined);

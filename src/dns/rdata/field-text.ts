/**
 * Fields that are text: character-strings, and text to the end of the data.
 * Implements: RFC 1035 §3.3 (character-string), §5.1 (escapes). Shown in quotes; what is not printable ASCII as \DDD.
 */
import { latin1 } from '#base/bytes.ts';
import { CHARACTER_STRING_BYTES_MAX } from '#base/limits/dns.ts';
import { type Field, hasMore, type Parse, putBytes, putNumber, refuse, takeText } from './field.ts';
import { type Token, unescape } from '#dns/lexer.ts';

/** Octets of a token; undefined after a problem. */
export function textOctets(parse: Parse, token: Token, label: string): Uint8Array | undefined {
  if (!token.quoted && /^(?:[^"\\]|\\.)*"/s.test(token.text)) {
    refuse(parse, token, 'RDATA_SYNTAX', `${label} ${JSON.stringify(token.text)} has a quote inside`, {
      fix: 'put the whole string in quotes, and write \\" for a quote inside it',
    });
    return undefined;
  }
  const octets = unescape(token.text);
  if (octets === undefined)
    refuse(parse, token, 'TEXT_ESCAPE', `${label} ${JSON.stringify(token.text)} has a bad escape`, {
      rfc: 'RFC 1035 §5.1',
      fix: 'write \\DDD with three digits up to 255, or \\\\ for a backslash',
    });
  return octets;
}

/** Takes one character-string and puts its length and octets. */
export function takeCharacterString(parse: Parse, label: string): void {
  const token = takeText(parse, label);
  const octets = token === undefined ? undefined : textOctets(parse, token, label);
  if (octets === undefined) return;
  if (octets.length > CHARACTER_STRING_BYTES_MAX)
    return refuse(
      parse,
      token,
      'RDATA_VALUE',
      `${label} has ${octets.length} octets, a string holds at most ${CHARACTER_STRING_BYTES_MAX}`,
      {
        rfc: 'RFC 1035 §3.3',
        fix: 'split it into several quoted strings, as "first 255 octets" "the rest": their reader joins them without a blank',
      },
    );
  putNumber(parse, octets.length, 1);
  putBytes(parse, octets);
}

function stringEnd(octets: Uint8Array, at: number, limit: number): number {
  if (at >= limit) return -1;
  const end = at + 1 + octets[at]!;
  return end <= limit ? end : -1;
}

/** `octets` in quotes, escaped. */
export function quote(octets: Uint8Array): string {
  const text = latin1(octets);
  return `"${/^[ !#-[\]-~]*$/.test(text) ? text : text.replace(/[^ -~]|["\\]/g, escapeCharacter)}"`;
}

function escapeCharacter(character: string): string {
  return character === '"' || character === '\\' ? `\\${character}` : `\\${String(character.charCodeAt(0)).padStart(3, '0')}`;
}

/** One character-string. */
export function characterString(label: string): Field {
  return {
    label,
    parse: (parse) => takeCharacterString(parse, label),
    end: stringEnd,
    format: (octets, at, end) => quote(octets.subarray(at + 1, end)),
  };
}

/** A character-string that may be left out at the end of the data. */
export function optionalCharacterString(label: string): Field {
  return {
    label,
    parse: (parse) => (hasMore(parse) ? takeCharacterString(parse, label) : undefined),
    end: (octets, at, limit) => (at === limit ? at : stringEnd(octets, at, limit)),
    format: (octets, at, end) => (at === end ? '' : quote(octets.subarray(at + 1, end))),
  };
}

/** One character-string or more, to the end of the data. */
export function characterStrings(label: string): Field {
  return {
    label,
    parse(parse) {
      do takeCharacterString(parse, label);
      while (hasMore(parse));
    },
    end(octets, at, limit) {
      let end = stringEnd(octets, at, limit);
      while (end >= 0 && end < limit) end = stringEnd(octets, end, limit);
      return end;
    },
    format(octets, at, end) {
      const strings: string[] = [];
      for (let start = at; start < end; start += 1 + octets[start]!)
        strings.push(quote(octets.subarray(start + 1, start + 1 + octets[start]!)));
      return strings.join(' ');
    },
  };
}

/** One string without a length octet, to the end of the data. */
export function textRest(label: string, leastBytes: number): Field {
  return {
    label,
    parse(parse) {
      const token = takeText(parse, label);
      const octets = token === undefined ? undefined : textOctets(parse, token, label);
      if (octets === undefined) return;
      if (octets.length < leastBytes) refuse(parse, token, 'RDATA_VALUE', `${label} is empty`);
      putBytes(parse, octets);
    },
    end: (_octets, at, limit) => (at + leastBytes <= limit ? limit : -1),
    format: (octets, at, end) => quote(octets.subarray(at, end)),
  };
}

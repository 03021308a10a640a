/**
 * Names and types as requests give them: relative or absolute, any case, last dot or not. Answers are absolute and lower-case.
 * Text of URLs and JSON is UTF-8; inside, text has one character per octet (dns/lexer.ts).
 */
import { domainToASCII } from 'node:url';
import { latin1 } from '#base/bytes.ts';
import { type Place, inUrl } from '#base/place.ts';
import { type Result, fail, ok, placeAt, problem } from '#base/problem.ts';
import { type Name, ROOT, formatName, isAtOrBelow, lowerName, ownerKey, parseName } from '#dns/name.ts';
import { typeCode } from '#dns/registry.ts';
import type { RrType } from '#dns/types.ts';

/** UTF-8 text with one character per octet, as TXT strings are stored. */
export function octetText(text: string): string {
  return latin1(Buffer.from(text, 'utf8'));
}

/** Canonical text of a name: absolute, lower-case. */
export function nameText(name: Name): string {
  return formatName(lowerName(name));
}

/** `{zone}`: a zone's name with or without the last dot; `=2E` (or an escaped `.`) is the root, which no URL segment can be. */
export function parseZoneName(text: string, at: Place = inUrl('zone')): Result<Name> {
  if (/^(?:=2e|\.)$/i.test(text)) return ok(ROOT);
  return checkAscii(text, at) ?? located(parseName(text, ROOT), at);
}

/**
 * `{name}` in a zone. With a last dot it is absolute. Without one it is absolute when it is at or below the apex (`www.example.com`
 * in example.com), otherwise relative. `@` is the apex.
 */
export function parseOwner(text: string, apex: Name, at: Place = inUrl('name')): Result<Name> {
  const wrong = checkAscii(text, at);
  if (wrong !== undefined) return wrong;
  const absolute = parseName(text === '@' ? '' : text, ROOT);
  if (absolute.ok && isAtOrBelow(ownerKey(absolute.value), ownerKey(apex))) return absolute;
  return located(parseName(text, apex), at);
}

/** `{type}`: a mnemonic in any case, or TYPE123. */
export function parseType(text: string, at: Place = inUrl('type')): Result<RrType> {
  const type = typeCode(text);
  if (type !== undefined) return ok(type);
  return fail(
    problem('TYPE_UNKNOWN', at, `${JSON.stringify(text)} is not a record type`, {
      rfc: 'RFC 3597 §5',
      fix: 'write a type without a name as TYPE and its number: TYPE65280',
    }),
  );
}

function checkAscii(text: string, at: Place): ReturnType<typeof fail> | undefined {
  if (!/[^\0-\x7f]/.test(text)) return undefined;
  const ascii = domainToASCII(text);
  const fix = ascii === '' ? 'write it as A-labels (xn--…), or odd octets as \\DDD' : `write it as ${ascii}`;
  return fail(problem('NAME_ESCAPE', at, `${JSON.stringify(text)} is not ASCII`, { rfc: 'RFC 5890 §2.3.2.1', fix }));
}

function located<T>(result: Result<T>, at: Place): Result<T> {
  return result.ok ? result : fail(...placeAt(result.problems, at));
}

/** Fields that are domain names. Implements: RFC 1035 §3.3, RFC 3597 §4, RFC 4034 §6.2 with RFC 6840 §5.1. */
import { type Problem } from '#base/problem.ts';
import { type Field, type NameRule, type Parse, placeOf, putBytes, takeWord } from './field.ts';
import { formatName, nameLengthAt } from '#dns/name.ts';

/** A name of an RFC 1035 type: written and read compressed, lower-cased in canonical form. */
export const NAME_1035: NameRule = { compressible: true, readCompressed: true, lowered: true };
/** A name of an older type that RFC 3597 §4 forbids to compress but asks to decompress. */
export const NAME_LEGACY: NameRule = { compressible: false, readCompressed: true, lowered: true };
/** Never compressed, lower-cased (RFC 4034 §6.2: DNAME, A6, RRSIG). */
export const NAME_LOWERED: NameRule = { compressible: false, readCompressed: false, lowered: true };
/** Never compressed, its case kept: NSEC (RFC 6840 §5.1) and every type younger than RFC 4034. */
export const NAME_PLAIN: NameRule = { compressible: false, readCompressed: false, lowered: false };

/** One domain name, relative ones completed by the origin. */
export function name(label: string, rule: NameRule): Field {
  return {
    label,
    name: rule,
    parse: (parse) => takeName(parse, label),
    end(octets, at, limit) {
      const length = nameLengthAt(octets, at);
      return length > 0 && at + length <= limit ? at + length : -1;
    },
    format: (octets, at, end) => formatName(octets.subarray(at, end)),
  };
}

/** Takes a name and puts it. */
export function takeName(parse: Parse, label: string): void {
  const token = takeWord(parse, label);
  if (token === undefined) return;
  const result = parse.readName(token.text, parse.origin);
  const told = (each: Problem): Problem => ({ ...each, at: placeOf(parse, token), message: `${parse.mnemonic}: ${label} ${each.message}` });
  if (!result.ok) {
    parse.problems.push(...result.problems.map(told));
    return;
  }
  parse.warnings.push(...result.warnings.map(told));
  putBytes(parse, result.value);
}

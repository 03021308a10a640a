/** Implements: RFC 2782 (SRV), RFC 3403 §4 (NAPTR), RFC 2163 §4 (PX). */
import { latin1 } from '#base/bytes.ts';
import { type RdataForm } from './field.ts';
import { name, NAME_LEGACY } from './field-name.ts';
import { u16 } from './field-number.ts';
import { characterString } from './field-text.ts';

export const SRV: RdataForm = { fields: [u16('priority'), u16('weight'), u16('port'), name('target', NAME_LEGACY)] };

export const NAPTR: RdataForm = {
  fields: [
    u16('order'),
    u16('preference'),
    characterString('flags'),
    characterString('services'),
    characterString('regexp'),
    name('replacement', NAME_LEGACY),
  ],
  check(rdata) {
    const servicesAt = 5 + rdata[4]!;
    const regexpAt = servicesAt + 1 + rdata[servicesAt]!;
    return checkSubstitution(latin1(rdata.subarray(regexpAt + 1, regexpAt + 1 + rdata[regexpAt]!)));
  },
};

/** RFC 3402 §3.2: nothing, or delimiter, expression, delimiter, replacement, delimiter, flags. */
function checkSubstitution(regexp: string): string | undefined {
  if (regexp === '') return undefined;
  const delimiter = regexp[0]!;
  if (/[0-9\\i\0]/.test(delimiter)) return `${JSON.stringify(delimiter)} cannot delimit a substitution expression`;
  const parts = [''];
  for (let at = 1; at < regexp.length; at++) {
    if (regexp[at] === delimiter) parts.push('');
    // What a backslash escapes is no delimiter; after the last delimiter nothing is escaped.
    else parts[parts.length - 1] += regexp[at] === '\\' && parts.length < 3 ? regexp[at]! + (regexp[++at] ?? '') : regexp[at]!;
  }
  const [expression, replacement, flags] = parts;
  if (parts.length !== 3 || expression === undefined || replacement === undefined)
    return 'the substitution expression has not three delimiters';
  if (!/^i*$/.test(flags!)) return 'a substitution expression has no other flag than i';
  if (/\0|(?:^|[^\\])(?:\\\\)*\\$/.test(expression) || regexp.includes('\0'))
    return 'the substitution expression is cut short or has a zero octet';
  const groups = expression.replace(/\\.|\[\^?\]?[^\]]*\]/gs, '').split('(').length - 1;
  for (const [, digit] of replacement.matchAll(/\\([0-9])|\\./gs))
    if (digit !== undefined && (digit === '0' || Number(digit) > groups)) return `the substitution refers to group ${digit} of ${groups}`;
  return undefined;
}

export const PX: RdataForm = { fields: [u16('preference'), name('MAP822', NAME_LEGACY), name('MAPX400', NAME_LEGACY)] };

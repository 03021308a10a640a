/** Implements: draft-durand-doa-over-dns-03 §3 (DOA), RFC 9859 §2 (DSYNC). */
import { type Field, type RdataForm } from './field.ts';
import { BASE64, base64Rest, takeOctetsRest } from './field-binary.ts';
import { name, NAME_PLAIN } from './field-name.ts';
import { mnemonic, u16, u32, u8 } from './field-number.ts';
import { characterString } from './field-text.ts';
import { rrType } from './field-types.ts';

/** Base64, or `-` for none. */
const dataOrDash: Field = {
  ...base64Rest('data', 0),
  parse(parse) {
    if (parse.tokens[parse.next]?.text === '-') parse.next++;
    else takeOctetsRest(parse, 'data', BASE64, 1);
  },
  format: (octets, at, end) => (at === end ? '-' : BASE64.write(octets.subarray(at, end))),
};

export const DOA: RdataForm = {
  fields: [u32('enterprise'), u32('type'), u8('location'), characterString('media type'), dataOrDash],
};

/** RFC 9859 §6.2: scheme 1 is NOTIFY. */
export const DSYNC: RdataForm = {
  fields: [rrType('RRtype'), mnemonic('scheme', 1, { NOTIFY: 1 }), u16('port'), name('target', NAME_PLAIN)],
};

/** Implements: RFC 8659 §4 (CAA), RFC 7553 §4 (URI). */
import { type Field, type RdataForm, putBytes, putNumber, refuse, takeText } from './field.ts';
import { u16, u8 } from './field-number.ts';
import { textRest } from './field-text.ts';

/** RFC 8659 §4.1: letters and digits. */
const TAG = /^[A-Za-z0-9]{1,255}$/;

const tag: Field = {
  label: 'property tag',
  parse(parse) {
    // All programs quote the value; quotes around the tag do no harm.
    const token = takeText(parse, 'property tag');
    if (token === undefined) return;
    if (!TAG.test(token.text))
      return refuse(parse, token, 'RDATA_VALUE', `property tag ${JSON.stringify(token.text)} has other than ASCII letters and digits`, {
        rfc: 'RFC 8659 §4.1',
      });
    putNumber(parse, token.text.length, 1);
    putBytes(parse, Buffer.from(token.text, 'latin1'));
  },
  end(octets, at, limit) {
    const end = at < limit ? at + 1 + octets[at]! : limit + 1;
    return end <= limit && TAG.test(Buffer.from(octets.subarray(at + 1, end)).toString('latin1')) ? end : -1;
  },
  format: (octets, at, end) => Buffer.from(octets.subarray(at + 1, end)).toString('latin1'),
};

export const CAA: RdataForm = { fields: [u8('flags'), tag, textRest('value', 0)] };
/** RFC 7553 §4.4: the target is not empty. */
export const URI: RdataForm = { fields: [u16('priority'), u16('weight'), textRest('target', 1)] };

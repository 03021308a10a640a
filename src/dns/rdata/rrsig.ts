/** Signatures. Implements: RFC 4034 §3 (RRSIG), RFC 2535 §4 and RFC 2931 (SIG). */
import { algorithm } from './algorithm.ts';
import { type NameRule, type RdataForm } from './field.ts';
import { base64Rest } from './field-binary.ts';
import { name, NAME_LEGACY, NAME_LOWERED } from './field-name.ts';
import { time, u16, u32, u8 } from './field-number.ts';
import { rrType } from './field-types.ts';

function signature(rule: NameRule): RdataForm {
  return {
    fields: [
      rrType('type covered'),
      algorithm('algorithm'),
      u8('labels'),
      u32('original TTL'),
      time('signature expiration'),
      time('signature inception'),
      u16('key tag'),
      name('signer’s name', rule),
      base64Rest('signature'),
    ],
  };
}

export const RRSIG: RdataForm = signature(NAME_LOWERED);
export const SIG: RdataForm = signature(NAME_LEGACY);

/** Signatures. Implements: RFC 4034 §3 (RRSIG), RFC 2535 §4 and RFC 2931 (SIG). */
import { algorithm } from './algorithm.ts';
import { type NameRule, type RdataForm } from './field.ts';
import { base64Rest } from './field-binary.ts';
import { name, NAME_LEGACY, NAME_LOWERED } from './field-name.ts';
import { time, u16, u32, u8 } from './field-number.ts';
import { rrType } from './field-types.ts';
import { labelCount } from '#dns/name.ts';

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

/** Octets before the signer's name. */
const SIGNER_AT = 18;

export const RRSIG: RdataForm = {
  ...signature(NAME_LOWERED),
  // RFC 4034 §3.1.3, §3.1.7: the signer is the zone of the owner, so the owner has at least as many labels.
  check: (rdata) =>
    labelCount(rdata.subarray(SIGNER_AT)) > rdata[3]! ? 'the labels of the owner are fewer than those of the signer’s name' : undefined,
};
export const SIG: RdataForm = signature(NAME_LEGACY);

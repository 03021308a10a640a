/** Implements: RFC 2782 (SRV), RFC 3403 §4 (NAPTR), RFC 2163 §4 (PX). */
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
  // RFC 3403 §4.1: the flags are single characters A–Z and 0–9.
  check: (rdata) =>
    rdata.subarray(5, 5 + rdata[4]!).every((octet) => /[A-Za-z0-9]/.test(String.fromCharCode(octet)))
      ? undefined
      : 'flags are letters and digits only',
};

export const PX: RdataForm = { fields: [u16('preference'), name('MAP822', NAME_LEGACY), name('MAPX400', NAME_LEGACY)] };

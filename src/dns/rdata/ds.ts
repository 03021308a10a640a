/**
 * Digests of keys and certificates.
 * Implements: RFC 4034 §5 (DS), RFC 7344 §3.1 with RFC 8078 §4 (CDS, also `0 0 0 00`), RFC 4431 (DLV), RFC 4255 §3 (SSHFP),
 * RFC 6698 §2 (TLSA), RFC 8162 §2 (SMIMEA), RFC 8976 §2 (ZONEMD); TA by its IANA template.
 */
import { algorithm, digestType } from './algorithm.ts';
import { type RdataForm } from './field.ts';
import { hexRest } from './field-binary.ts';
import { mnemonic, u16, u32, u8 } from './field-number.ts';

/** A sentence when the digest after `at` octets has not the length of its type. */
function digestLength(rdata: Uint8Array, at: number, type: number, lengths: ReadonlyMap<number, number>): string | undefined {
  const expected = lengths.get(type);
  const actual = rdata.length - at;
  return expected === undefined || expected === actual ? undefined : `a digest of type ${type} has ${expected} octets, here are ${actual}`;
}

/** RFC 3658, RFC 4509, RFC 5933, RFC 6605, RFC 9558, RFC 9563. */
const DS_DIGEST_BYTES: ReadonlyMap<number, number> = new Map([
  [1, 20],
  [2, 32],
  [3, 32],
  [4, 48],
  [5, 32],
  [6, 32],
]);

/** DS, CDS, DLV, TA. */
export const DS: RdataForm = {
  fields: [u16('key tag'), algorithm('algorithm'), digestType('digest type'), hexRest('digest')],
  check: (rdata) => digestLength(rdata, 4, rdata[3]!, DS_DIGEST_BYTES),
};

/** RFC 4255 §3.1.2, RFC 6594 §4. */
const SSHFP_BYTES: ReadonlyMap<number, number> = new Map([
  [1, 20],
  [2, 32],
]);

export const SSHFP: RdataForm = {
  fields: [u8('algorithm'), u8('fingerprint type'), hexRest('fingerprint')],
  check: (rdata) => digestLength(rdata, 2, rdata[1]!, SSHFP_BYTES),
};

/** RFC 6698 §2.1.3. */
const TLSA_BYTES: ReadonlyMap<number, number> = new Map([
  [1, 32],
  [2, 64],
]);

const TLSA_MNEMONICS = {
  usage: { 'PKIX-TA': 0, 'PKIX-EE': 1, 'DANE-TA': 2, 'DANE-EE': 3, PRIVCERT: 255 },
  selector: { CERT: 0, SPKI: 1, PRIVSEL: 255 },
  matching: { FULL: 0, 'SHA2-256': 1, 'SHA2-512': 2, PRIVMATCH: 255 },
} as const;

/** TLSA and SMIMEA; the mnemonics are those of RFC 7218. */
export const TLSA: RdataForm = {
  fields: [
    mnemonic('certificate usage', 1, TLSA_MNEMONICS.usage),
    mnemonic('selector', 1, TLSA_MNEMONICS.selector),
    mnemonic('matching type', 1, TLSA_MNEMONICS.matching),
    hexRest('certificate association data'),
  ],
  // Every server takes such a record and no client can match it.
  warn: (rdata) => digestLength(rdata, 3, rdata[2]!, TLSA_BYTES),
};

/** RFC 8976 §2.2.3. */
const ZONEMD_BYTES: ReadonlyMap<number, number> = new Map([
  [1, 48],
  [2, 64],
]);

export const ZONEMD: RdataForm = {
  // RFC 8976 §2.2.4: a digest of fewer than 12 octets is not valid.
  fields: [u32('serial'), u8('scheme'), u8('hash algorithm'), hexRest('digest', 12)],
  check: (rdata) => digestLength(rdata, 6, rdata[5]!, ZONEMD_BYTES),
};

/**
 * What a parent receives about a zone's keys: DS, and CDS and CDNSKEY that ask for it.
 * Implements: RFC 4034 §5.1 (DS), RFC 4509 and RFC 6605 §2 (SHA-256, SHA-384), RFC 7344 §3 (CDS, CDNSKEY have the form
 * of DS, DNSKEY), RFC 8078 §4 (CDS and CDNSKEY that ask for no DS at all).
 */
import { sha256, sha384 } from '@noble/hashes/sha2.js';
import { concatBytes } from '#base/bytes.ts';
import { type Name, lowerName } from '#dns/name.ts';
import { keyTagOf } from './key.ts';

/** DS digest types: 2 is SHA-256, 4 is SHA-384. SHA-1 is gone (RFC 9905). */
export type DigestType = 2 | 4;

/** DS RDATA of a key: key tag, algorithm, digest type, digest over owner and DNSKEY RDATA. CDS RDATA is the same. */
export function dsRdata(owner: Name, dnskey: Uint8Array, digestType: DigestType): Uint8Array {
  const digest = (digestType === 2 ? sha256 : sha384)(concatBytes(lowerName(owner), dnskey));
  const keyTag = keyTagOf(dnskey);
  return concatBytes(Uint8Array.of(keyTag >>> 8, keyTag & 0xff, dnskey[3]!, digestType), digest);
}

/** CDS RDATA: the DS that the parent should have, SHA-256, which every parent takes. */
export function cdsRdata(apex: Name, dnskey: Uint8Array): Uint8Array {
  return dsRdata(apex, dnskey, 2);
}

/** CDNSKEY RDATA: the key itself (RFC 7344 §3.2). */
export function cdnskeyRdata(dnskey: Uint8Array): Uint8Array {
  return dnskey;
}

/** CDS RDATA that asks the parent to remove every DS: `0 0 0 00` (RFC 8078 §4). */
export const CDS_DELETE: Uint8Array = Uint8Array.of(0, 0, 0, 0, 0);
/** CDNSKEY RDATA that asks for the same: `0 3 0 AA==` (RFC 8078 §4). */
export const CDNSKEY_DELETE: Uint8Array = Uint8Array.of(0, 0, 3, 0, 0);

/** True when the key's secure entry point bit is set: DS, CDS and CDNSKEY are about such keys (RFC 4034 §2.1.1). */
export function isEntryPoint(dnskey: Uint8Array): boolean {
  return (dnskey[1]! & 1) === 1;
}

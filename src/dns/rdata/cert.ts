/**
 * Keys and certificates as base64.
 * Implements: RFC 4398 §2 (CERT), RFC 4701 §3 (DHCID), RFC 7929 §2 (OPENPGPKEY); SINK by its IANA template.
 */
import { algorithm } from './algorithm.ts';
import { type RdataForm } from './field.ts';
import { base64Rest } from './field-binary.ts';
import { mnemonic, u16, u8 } from './field-number.ts';

/** RFC 4398 §2.1. */
const CERTIFICATE_TYPES = { PKIX: 1, SPKI: 2, PGP: 3, IPKIX: 4, ISPKI: 5, IPGP: 6, ACPKIX: 7, IACPKIX: 8, URI: 253, OID: 254 } as const;

export const CERT: RdataForm = {
  fields: [mnemonic('type', 2, CERTIFICATE_TYPES, 'name'), u16('key tag'), algorithm('algorithm'), base64Rest('certificate or CRL')],
};
/** RFC 4701 §3.3: two octets of identifier type and one of digest type come before the digest. */
export const DHCID: RdataForm = { fields: [base64Rest('data')] };
export const OPENPGPKEY: RdataForm = { fields: [base64Rest('public key')] };
/** draft-eastlake-kitchen-sink-02 §2. */
export const SINK: RdataForm = { fields: [u8('meaning'), u8('coding'), u8('subcoding'), base64Rest('data', 0)] };

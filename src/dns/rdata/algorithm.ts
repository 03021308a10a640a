/** Mnemonics of DNSSEC's registries that presentation form allows. Source: IANA "DNS Security Algorithm Numbers", "DS RR Digest Algorithms". */
import { type Field } from './field.ts';
import { mnemonic } from './field-number.ts';

const ALGORITHMS = {
  RSAMD5: 1,
  DH: 2,
  DSA: 3,
  ECC: 4,
  RSASHA1: 5,
  'DSA-NSEC3-SHA1': 6,
  NSEC3DSA: 6,
  'RSASHA1-NSEC3-SHA1': 7,
  NSEC3RSASHA1: 7,
  RSASHA256: 8,
  RSASHA512: 10,
  'ECC-GOST': 12,
  ECCGOST: 12,
  ECDSAP256SHA256: 13,
  ECDSA256: 13,
  ECDSAP384SHA384: 14,
  ECDSA384: 14,
  ED25519: 15,
  ED448: 16,
  SM2SM3: 17,
  'ECC-GOST12': 23,
  INDIRECT: 252,
  PRIVATEDNS: 253,
  PRIVATEOID: 254,
} as const;

const DIGEST_TYPES = {
  'SHA-1': 1,
  SHA1: 1,
  'SHA-256': 2,
  SHA256: 2,
  GOST: 3,
  'SHA-384': 4,
  SHA384: 4,
  GOST12: 5,
  SM3: 6,
} as const;

/** RFC 4034 §2.2: a number or a mnemonic of appendix A.1; shown as a number. */
export const algorithm = (label: string): Field => mnemonic(label, 1, ALGORITHMS);
export const digestType = (label: string): Field => mnemonic(label, 1, DIGEST_TYPES);
/** RFC 5155 §11: only SHA-1 is there. */
export const nsec3HashAlgorithm = (label: string): Field => mnemonic(label, 1, { 'SHA-1': 1, SHA1: 1 });

/**
 * The algorithms that sign zones, as a table, and the two ways to check a signature by any of them.
 * Implements: RFC 9904 (IANA's registry has the advice): 13 unless asked; 14, 15, 16; 8 for zones that come with it.
 * RFC 9905: none with SHA-1.
 * Not here: private keys (key.ts), what an RRset's signature must be (verify.ts).
 */
import { type KeyObject, verify } from 'node:crypto';
import { assert } from '#base/assert.ts';
import { equalBytes } from '#base/bytes.ts';
import { ENGINE_KEYS_MAX } from '#base/limits/dnssec.ts';
import { ECDSA_ALGORITHMS } from './algorithm-ecdsa.ts';
import { EDDSA_ALGORITHMS } from './algorithm-eddsa.ts';
import { type Algorithm } from './algorithm-form.ts';
import { RSA_SHA256 } from './algorithm-rsa.ts';

export { ECDSA_P256 } from './algorithm-form.ts';
export type { AlgorithmNumber } from './algorithm-form.ts';

/** By number. */
export const ALGORITHMS: readonly Algorithm[] = [RSA_SHA256, ...ECDSA_ALGORITHMS, ...EDDSA_ALGORITHMS];

/** Undefined for a number that nothing is signed with here. */
export function findAlgorithm(number: number): Algorithm | undefined {
  return ALGORITHMS.find((each) => each.number === number);
}

/** Asserts that there is one of this number. */
export function algorithmOf(number: number): Algorithm {
  const algorithm = findAlgorithm(number);
  assert(algorithm !== undefined, `algorithm ${number} is not one that zones are signed with`);
  return algorithm;
}

/** Octets of DNSKEY RDATA before the public key (RFC 4034 §2.1). */
export const PUBLIC_KEY_AT = 4;

/**
 * True when `signature` is one over `data` by the key with this DNSKEY RDATA. False for octets that are no key or no
 * signature, and for algorithms that are not in the table.
 */
export type SignatureCheck = (dnskey: Uint8Array, data: Uint8Array, signature: Uint8Array) => boolean;

/** The reference: about 600 checks a second with P-256. */
export const checkByReference: SignatureCheck = (dnskey, data, signature) => {
  try {
    return findAlgorithm(dnskey[3]!)?.reference(dnskey.subarray(PUBLIC_KEY_AT), data, signature) ?? false;
  } catch {
    return false; // not a point of the curve, or a number out of range
  }
};

/** The platform's: about 20,000 checks a second with P-256. */
export const checkByEngine: SignatureCheck = (dnskey, data, signature) => {
  const known = engineKeyOf(dnskey);
  if (known === undefined || signature.length !== known.signatureBytes) return false;
  const { key, digest } = known;
  return verify(digest, data, { key, dsaEncoding: 'ieee-p1363' }, signature);
};

interface EngineKey {
  readonly dnskey: Uint8Array;
  readonly key: KeyObject;
  readonly digest: Algorithm['digest'];
  readonly signatureBytes: number;
}

/** The last ones used, newest first: reading a key costs as much as a check, and a zone has few. */
let recent: readonly EngineKey[] = [];

function engineKeyOf(dnskey: Uint8Array): EngineKey | undefined {
  const known = recent.find((each) => equalBytes(each.dnskey, dnskey));
  if (known !== undefined) return known;
  const algorithm = findAlgorithm(dnskey[3]!);
  const publicKey = dnskey.subarray(PUBLIC_KEY_AT);
  const key = algorithm?.publicKey(publicKey);
  if (algorithm === undefined || key === undefined) return undefined;
  const signatureBytes = algorithm.signatureBytes(publicKey);
  const read = { dnskey: new Uint8Array(dnskey), key, digest: algorithm.digest, signatureBytes };
  recent = [read, ...recent.slice(0, ENGINE_KEYS_MAX - 1)];
  return read;
}

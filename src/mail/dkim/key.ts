/**
 * Public keys in DKIM records: their encoding and size, and how they are read from key files.
 * Implements: RFC 6376 §3.6.1 with its errata (RSA as SubjectPublicKeyInfo), RFC 8301 §3.2 (sizes), RFC 8463 §4 (raw Ed25519).
 * Not here: the other tags (record.ts).
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { equalBytes } from '#base/bytes.ts';
import { DKIM_RSA_BITS_GOOD, DKIM_RSA_BITS_MAX, DKIM_RSA_BITS_MIN } from '#base/limits/mail.ts';
import { WHOLE, atTag } from '#base/place.ts';
import { type Problem, type Result, fail, hasErrors, ok, problem, warning } from '#base/problem.ts';
import { type DkimKeyType, type DkimRecord } from './record-type.ts';

const ED25519_BYTES = 32;
/** DER of SubjectPublicKeyInfo before the 32 octets (RFC 8410 §4). */
const ED25519_SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');

/** What is wrong with `publicKey` as the data of `p=`. */
export function checkDkimKey(keyType: DkimKeyType, publicKey: Uint8Array): Problem[] {
  if (keyType === 'ed25519') {
    if (publicKey.length === ED25519_BYTES) return [];
    const isSpki =
      publicKey.length === ED25519_SPKI_HEAD.length + ED25519_BYTES &&
      ED25519_SPKI_HEAD.equals(publicKey.subarray(0, ED25519_SPKI_HEAD.length));
    const why = isSpki
      ? 'is a SubjectPublicKeyInfo; an Ed25519 key stands here as its 32 octets alone'
      : `has ${publicKey.length} octets; an Ed25519 key has 32`;
    return [problem('DKIM_KEY_FORM', atTag('p'), why, { rfc: 'RFC 8463 §4' })];
  }
  const key = spkiKey(publicKey);
  if (key?.asymmetricKeyType !== 'rsa') return [wrongRsaForm(publicKey, key)];
  return checkRsaSize(key.asymmetricKeyDetails!.modulusLength!);
}

function checkRsaSize(bits: number): Problem[] {
  const rfc = 'RFC 8301 §3.2';
  if (bits < DKIM_RSA_BITS_MIN)
    return [problem('DKIM_KEY_SHORT', atTag('p'), `has ${bits} bits; verifiers refuse less than ${DKIM_RSA_BITS_MIN}`, { rfc })];
  if (bits < DKIM_RSA_BITS_GOOD)
    return [warning('DKIM_KEY_WEAK', atTag('p'), `has ${bits} bits; ${DKIM_RSA_BITS_GOOD} are the least one should use`, { rfc })];
  if (bits > DKIM_RSA_BITS_MAX)
    return [warning('DKIM_KEY_LONG', atTag('p'), `has ${bits} bits; verifiers need not support more than ${DKIM_RSA_BITS_MAX}`, { rfc })];
  return [];
}

/** RFC 6376 §3.6.1 says RSAPublicKey, its own example and every verifier have SubjectPublicKeyInfo. */
function wrongRsaForm(publicKey: Uint8Array, key: KeyObject | undefined): Problem {
  const rfc = 'RFC 6376 §3.6.1';
  if (key !== undefined) return problem('DKIM_KEY_FORM', atTag('p'), `holds a key of type ${key.asymmetricKeyType}, not rsa`, { rfc });
  if (publicKey.length === ED25519_BYTES)
    return problem('DKIM_KEY_FORM', atTag('p'), 'has 32 octets, like an Ed25519 key', { rfc, fix: 'say k=ed25519' });
  if (readDer(publicKey, 'pkcs1') !== undefined)
    return problem('DKIM_KEY_FORM', atTag('p'), 'is a bare RSAPublicKey, which most verifiers do not read', {
      rfc,
      fix: 'encode it as SubjectPublicKeyInfo',
    });
  return problem('DKIM_KEY_FORM', atTag('p'), 'is not the SubjectPublicKeyInfo of a key', { rfc });
}

/** The key in exactly these octets; undefined when they are anything else, or more. */
function spkiKey(der: Uint8Array): KeyObject | undefined {
  const key = readDer(der, 'spki');
  return key !== undefined && equalBytes(key.export({ type: 'spki', format: 'der' }), der) ? key : undefined;
}

function readDer(der: Uint8Array, type: 'spki' | 'pkcs1'): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(der), format: 'der', type });
  } catch {
    return undefined; // not such an encoding
  }
}

/** What a new record may say beside its key. */
export type DkimOptions = Partial<Omit<DkimRecord, 'keyType' | 'publicKey'>>;

/** The record that publishes `publicKey`, made here or by a signer. Defaults: all services, sha256 by default of the verifiers, no flags. */
export function dkimRecordFor(publicKey: KeyObject, options: DkimOptions = {}): Result<DkimRecord> {
  if (publicKey.type !== 'public')
    return fail(problem('DKIM_KEY_PRIVATE', WHOLE, 'is not a public key', { fix: 'give the public part only' }));
  const keyType = publicKey.asymmetricKeyType;
  if (keyType !== 'rsa' && keyType !== 'ed25519')
    return fail(
      problem('DKIM_KEY_TYPE', WHOLE, `a key of type ${keyType} cannot sign for DKIM; use rsa or ed25519`, { rfc: 'RFC 8463 §3' }),
    );
  const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
  const record: DkimRecord = {
    hashes: [],
    services: [],
    isTesting: false,
    isDomainOnly: false,
    notes: '',
    ...options,
    keyType,
    publicKey: keyType === 'rsa' ? spki : spki.subarray(-ED25519_BYTES),
  };
  const problems = checkDkimKey(keyType, record.publicKey);
  return hasErrors(problems) ? fail(...problems) : ok(record, problems);
}

/**
 * Reads a public key that a signer made: PEM, or base64 of SubjectPublicKeyInfo or of 32 Ed25519 octets (as in `p=`). A
 * private key is rejected unread.
 */
export function readDkimPublicKey(text: string): Result<KeyObject> {
  if (text.includes('PRIVATE KEY'))
    return fail(
      problem('DKIM_KEY_PRIVATE', WHOLE, 'is a private key; it has been read by now, so do not use it', {
        fix: 'give the public part only',
      }),
    );
  if (text.includes('-----BEGIN')) {
    try {
      return ok(createPublicKey(text));
    } catch {
      return fail(problem('DKIM_KEY_FORM', WHOLE, 'is not a public key in PEM'));
    }
  }
  const base64 = text.replaceAll(/\s/g, '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return fail(problem('DKIM_KEY_BASE64', WHOLE, 'is neither PEM nor base64'));
  const octets = Buffer.from(base64, 'base64');
  const key = readDer(octets.length === ED25519_BYTES ? Buffer.concat([ED25519_SPKI_HEAD, octets]) : octets, 'spki');
  return key === undefined ? fail(problem('DKIM_KEY_FORM', WHOLE, 'is not a SubjectPublicKeyInfo or an Ed25519 key')) : ok(key);
}

/**
 * Private keys sealed to a recipient: to an X25519 key, or to a passphrase. What is sealed and for which zone is
 * authenticated with it.
 * Implements: RFC 7748 §6.1 (X25519), RFC 5869 (HKDF-SHA-256), NIST SP 800-38D (AES-256-GCM), RFC 7914 (scrypt).
 * Not here: which keys (control/dnssec/key-export.ts), files (cli/dnssec-keys.ts).
 */
import {
  type KeyObject,
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  scryptSync,
} from 'node:crypto';
import { assert } from '#base/assert.ts';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const SALT_BYTES = 16;
/** RFC 7914 §2: 128 MiB and about half a second for each guess. */
export const SCRYPT = { N: 2 ** 17, r: 8, p: 1 } as const;
const SCRYPT_MEMORY = 256 * 1024 * 1024;

type Random = (bytes: number) => Uint8Array;

/** Base64 texts. */
export interface KeySeal {
  readonly recipient: string;
  readonly ephemeral: string;
  readonly nonce: string;
  readonly sealed: string;
}

export interface PassphraseSeal {
  readonly kdf: 'scrypt';
  readonly cost: number;
  readonly salt: string;
  readonly nonce: string;
  readonly sealed: string;
}

/** Seals `secret` to the holder of the private key of `recipient`. */
export function sealToKey(recipient: Uint8Array, secret: Uint8Array, about: string, random: Random): KeySeal {
  const pair = generateKeyPairSync('x25519');
  const ephemeral = publicOctets(pair.publicKey);
  const key = sharedKey(pair.privateKey, publicKeyOf(recipient), ephemeral, recipient);
  return { recipient: base64(recipient), ephemeral: base64(ephemeral), ...encrypt(key, secret, about, random) };
}

/** Undefined when it is not sealed to this key, or one octet of it is not what it was. */
export function openByKey(
  privateKey: KeyObject,
  { recipient, ephemeral, nonce, sealed }: KeySeal,
  about: string,
): Uint8Array | undefined {
  const own = publicOctets(createPublicKey(privateKey));
  if (base64(own) !== recipient) return undefined;
  const other = octets(ephemeral);
  if (other.length !== KEY_BYTES) return undefined;
  try {
    return decrypt(sharedKey(privateKey, publicKeyOf(other), other, own), nonce, sealed, about);
  } catch {
    return undefined; // a point of small order
  }
}

/** Seals `secret` under a passphrase. Takes half a second and 128 MiB. */
export function sealToPassphrase(
  passphrase: string,
  secret: Uint8Array,
  about: string,
  random: Random,
): PassphraseSeal {
  const salt = random(SALT_BYTES);
  const key = passphraseKey(passphrase, salt, SCRYPT.N);
  return { kdf: 'scrypt', cost: SCRYPT.N, salt: base64(salt), ...encrypt(key, secret, about, random) };
}

/** Undefined when the passphrase is another one, or one octet is not what it was. */
export function openByPassphrase(passphrase: string, seal: PassphraseSeal, about: string): Uint8Array | undefined {
  const { cost, salt, nonce, sealed } = seal;
  // The cost stands in the file: another one could be made to take all memory.
  if (cost !== SCRYPT.N) return undefined;
  return decrypt(passphraseKey(passphrase, octets(salt), cost), nonce, sealed, about);
}

function passphraseKey(passphrase: string, salt: Uint8Array, cost: number): Uint8Array {
  const { r, p } = SCRYPT;
  return scryptSync(passphrase.normalize('NFKC'), salt, KEY_BYTES, { N: cost, r, p, maxmem: SCRYPT_MEMORY });
}

/** RFC 7748 §6.1: both public keys go into the key, so that it is of this pair alone. */
function sharedKey(
  privateKey: KeyObject,
  publicKey: KeyObject,
  ephemeral: Uint8Array,
  recipient: Uint8Array,
): Uint8Array {
  const secret = diffieHellman({ privateKey, publicKey });
  const salt = Buffer.concat([ephemeral, recipient]);
  return new Uint8Array(hkdfSync('sha256', secret, salt, 'waxseal dnssec keys', KEY_BYTES));
}

function encrypt(key: Uint8Array, secret: Uint8Array, about: string, random: Random) {
  const nonce = random(NONCE_BYTES);
  assert(nonce.length === NONCE_BYTES, 'random gave another length');
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(about, 'utf8'));
  const sealed = Buffer.concat([cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
  return { nonce: base64(nonce), sealed: base64(sealed) };
}

function decrypt(key: Uint8Array, nonceText: string, sealedText: string, about: string): Uint8Array | undefined {
  const [nonce, sealed] = [octets(nonceText), octets(sealedText)];
  if (nonce.length !== NONCE_BYTES || sealed.length < TAG_BYTES) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(about, 'utf8'));
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  try {
    return new Uint8Array(
      Buffer.concat([decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES)), decipher.final()]),
    );
  } catch {
    return undefined;
  }
}

function publicKeyOf(raw: Uint8Array): KeyObject {
  assert(raw.length === KEY_BYTES, 'an X25519 public key has 32 octets');
  return createPublicKey({
    key: { kty: 'OKP', crv: 'X25519', x: Buffer.from(raw).toString('base64url') },
    format: 'jwk',
  });
}

/** The 32 octets of an X25519 public key. */
export function publicOctets(key: KeyObject): Uint8Array {
  assert(key.asymmetricKeyType === 'x25519', 'not an X25519 key');
  return new Uint8Array(Buffer.from(String(key.export({ format: 'jwk' }).x), 'base64url'));
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function octets(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'));
}

/** What is authenticated with sealed keys: unambiguous whatever the zone's name is. */
export function sealedAbout(zone: string, keyTags: readonly number[]): string {
  return JSON.stringify(['waxseal dnssec keys', 1, zone, keyTags]);
}

/**
 * Answers that are kept for repetitions, sealed under a key that only the repetition brings: made of the sender's token
 * and of its Idempotency-Key, of which the store has hashes only. So what an answer shows once, such as a new token,
 * cannot be read in a store or a backup, and no key-encryption key opens it.
 * Implements: RFC 5869 (HKDF), NIST SP 800-38D (AES-256-GCM).
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { KEPT_ANSWER_BYTES_MAX, KEPT_ANSWER_PLAIN_BYTES_MAX } from '#base/limits/admin.ts';

export interface PlainAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Base64; undefined: it is too large to be kept. `id` is authenticated with it. */
export function sealAnswer(
  answer: PlainAnswer,
  { secret, id }: { readonly secret: string; readonly id: string },
  random: (bytes: number) => Uint8Array,
): string | undefined {
  const plain = Buffer.from(JSON.stringify(answer));
  if (plain.length > KEPT_ANSWER_PLAIN_BYTES_MAX) return undefined;
  const packed = deflateRawSync(plain);
  if (packed.length > KEPT_ANSWER_BYTES_MAX) return undefined;
  const [salt, nonce] = [random(SALT_BYTES), random(NONCE_BYTES)];
  const cipher = createCipheriv('aes-256-gcm', keyOf(secret, salt), nonce).setAAD(Buffer.from(id));
  const octets = Buffer.concat([cipher.update(packed), cipher.final()]);
  return Buffer.concat([salt, nonce, cipher.getAuthTag(), octets]).toString('base64');
}

/** Undefined: it was sealed with another secret, or changed since. */
export function openAnswer(
  sealed: string,
  { secret, id }: { readonly secret: string; readonly id: string },
): PlainAnswer | undefined {
  const octets = Buffer.from(sealed, 'base64');
  const [nonceAt, tagAt, textAt] = [SALT_BYTES, SALT_BYTES + NONCE_BYTES, SALT_BYTES + NONCE_BYTES + TAG_BYTES];
  if (octets.length < textAt) return undefined;
  try {
    const key = keyOf(secret, octets.subarray(0, nonceAt));
    const cipher = createDecipheriv('aes-256-gcm', key, octets.subarray(nonceAt, tagAt));
    cipher.setAAD(Buffer.from(id)).setAuthTag(octets.subarray(tagAt, textAt));
    const packed = Buffer.concat([cipher.update(octets.subarray(textAt)), cipher.final()]);
    const text = inflateRawSync(packed, { maxOutputLength: KEPT_ANSWER_PLAIN_BYTES_MAX }).toString();
    return JSON.parse(text) as PlainAnswer;
  } catch {
    return undefined;
  }
}

function keyOf(secret: string, salt: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, salt, 'waxseal kept answer', 32));
}

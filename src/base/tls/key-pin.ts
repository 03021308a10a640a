/**
 * What a public key is known by: SHA-256 of its SPKI in DER, base64.
 * Implements: RFC 7858 §4.2.
 */
import { type KeyObject, createHash } from 'node:crypto';

export function keyPin(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('base64');
}

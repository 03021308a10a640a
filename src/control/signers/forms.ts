/**
 * Private keys in the forms that signers read: PEM of PKCS #8 for most, base64 of what `rspamadm vault` makes for rspamd.
 * Implements: RFC 8017 App. A.1.2 (RSAPrivateKey), RFC 8032 §5.1.5 (the 32 octets of an Ed25519 key), both as rspamd's lua_dkim_tools
 * wants them.
 */
import { createPrivateKey } from 'node:crypto';
import { assert } from '#base/assert.ts';
import { type RspamdSelector } from '#control/api/signers.ts';
import { type SigningWindow } from './windows.ts';

/** `domain` without a last dot, as it stands in "d=". */
export function rspamdSelector(domain: string, { key, startSeconds, endSeconds }: SigningWindow): RspamdSelector {
  const isRsa = key.algorithm === 'rsa-sha256';
  const pem = key.privateKeyPem();
  return {
    selector: key.selector,
    domain,
    key: isRsa ? pkcs1Text(pem) : seedAndPublicText(pem),
    alg: isRsa ? 'rsa' : 'ed25519',
    valid_start: startSeconds,
    ...(endSeconds === undefined ? {} : { valid_end: endSeconds }),
  };
}

function pkcs1Text(pem: string): string {
  return createPrivateKey(pem).export({ type: 'pkcs1', format: 'der' }).toString('base64');
}

/** As libsodium keeps it: seed, then public key. */
function seedAndPublicText(pem: string): string {
  const { d, x } = createPrivateKey(pem).export({ format: 'jwk' });
  assert(d !== undefined && x !== undefined, 'an Ed25519 key has both parts');
  return Buffer.concat([Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')]).toString('base64');
}

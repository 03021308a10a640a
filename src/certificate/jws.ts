/**
 * Signed requests to a CA: account keys as JWK, their thumbprints, and flattened JWS.
 * Implements: RFC 7515 §7.2.2 (flattened JSON serialization), RFC 7518 §3.2 and §3.4 (HS256, ES256), RFC 7638
 * (thumbprint),
 * RFC 8555 §6.2 (request authentication), §7.3.4 (external account binding).
 * Not here: sending them (control/certificate/acme-client.ts).
 */
import { type KeyObject, createHash, createHmac, createPublicKey, sign } from 'node:crypto';
import { assert } from '#base/assert.ts';

/** The public half of an account key: EC P-256, the one kind that every CA takes. */
export interface AccountJwk {
  readonly crv: 'P-256';
  readonly kty: 'EC';
  readonly x: string;
  readonly y: string;
}

/** Who signs: the key itself before there is an account, afterwards the account's URL. */
export type JwsSigner =
  | { readonly key: KeyObject; readonly accountUrl?: undefined }
  /** RFC 8555 §6.2: `kid` is the account's URL. */
  | { readonly key: KeyObject; readonly accountUrl: string };

export interface FlattenedJws {
  readonly protected: string;
  readonly payload: string;
  readonly signature: string;
}

export function base64url(octets: Uint8Array | string): string {
  return Buffer.from(octets).toString('base64url');
}

/** The public JWK of an EC P-256 key, public or private. */
export function accountJwk(key: KeyObject): AccountJwk {
  const { kty, crv, x, y } = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' });
  assert(kty === 'EC' && crv === 'P-256' && x !== undefined && y !== undefined, 'an account key is EC P-256');
  return { crv, kty, x, y };
}

/** RFC 7638 §3: SHA-256 over the required members in the order of their names, in base64url. */
export function jwkThumbprint({ crv, kty, x, y }: AccountJwk): string {
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
}

/** A request to `url`. `payload` undefined is POST-as-GET, whose payload is empty (RFC 8555 §6.3). */
export function signRequest(signer: JwsSigner, url: string, nonce: string, payload: unknown): FlattenedJws {
  const identity = signer.accountUrl === undefined ? { jwk: accountJwk(signer.key) } : { kid: signer.accountUrl };
  const head = base64url(JSON.stringify({ alg: 'ES256', nonce, url, ...identity }));
  const body = payload === undefined ? '' : base64url(JSON.stringify(payload));
  // RFC 7518 §3.4: the two numbers one after the other, not DER.
  const signature = sign('sha256', Buffer.from(`${head}.${body}`), { key: signer.key, dsaEncoding: 'ieee-p1363' });
  return { protected: head, payload: body, signature: base64url(signature) };
}

/** RFC 8555 §7.3.4: says that the new account belongs to `keyId`, whose MAC key the CA has given out. */
export function externalBinding(accountKey: KeyObject, url: string, keyId: string, macKey: Uint8Array): FlattenedJws {
  const head = base64url(JSON.stringify({ alg: 'HS256', kid: keyId, url }));
  const body = base64url(JSON.stringify(accountJwk(accountKey)));
  const signature = createHmac('sha256', macKey).update(`${head}.${body}`).digest();
  return { protected: head, payload: body, signature: base64url(signature) };
}

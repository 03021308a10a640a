/**
 * API tokens: `wax_<id>_<secret>`, 128 and 256 random bits. Only the SHA-256 of the secret is stored: with that many random bits a slow
 * hash adds nothing. Found by id, then compared in constant time.
 * Not here: what a scope may do (admin/http/access.ts).
 */
import { createHash, timingSafeEqual } from 'node:crypto';

import { type TokenRecord } from '#store/schema.ts';
import { type TokenInfo, type TokenScope } from '#control/api/control.ts';

const ID_BYTES = 8;
const SECRET_BYTES = 32;
const FORM = /^wax_([0-9a-f]{16})_([0-9a-f]{64})$/;

/** A new token: what is stored, and the text that is shown once. */
export function newToken(
  name: string,
  scopes: readonly TokenScope[],
  expiresAtMs: number | undefined,
  random: (bytes: number) => Uint8Array,
  nowMs: number,
): { readonly record: TokenRecord; readonly text: string } {
  const id = Buffer.from(random(ID_BYTES)).toString('hex');
  const secret = Buffer.from(random(SECRET_BYTES)).toString('hex');
  const record: TokenRecord = {
    id,
    hash: hashOf(secret),
    name,
    scopes,
    createdAtMs: nowMs,
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
  };
  return { record, text: `wax_${id}_${secret}` };
}

/** The token that `text` is, or undefined when it is malformed, unknown or expired. Constant time in the secret part. */
export function checkToken(text: string, find: (id: string) => TokenRecord | undefined, nowMs: number): TokenInfo | undefined {
  const form = FORM.exec(text);
  if (form === null) return undefined;
  const record = find(form[1]!);
  const stored = Buffer.from(record?.hash ?? '0'.repeat(64), 'hex');
  const same = timingSafeEqual(stored, Buffer.from(hashOf(form[2]!), 'hex'));
  if (record === undefined || !same || (record.expiresAtMs !== undefined && record.expiresAtMs <= nowMs)) return undefined;
  return tokenInfo(record);
}

/** What may be told of a token. */
export function tokenInfo({ hash: _hash, scopes, ...rest }: TokenRecord): TokenInfo {
  return { ...rest, scopes: scopes as readonly TokenScope[] };
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

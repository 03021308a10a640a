/**
 * The dns-01 challenge: what stands where while a CA looks.
 * Implements: RFC 8555 §8.1 (key authorization), §8.4 (dns-01).
 * Not here: putting it into the zone (records.ts). dns-account-01 and dns-persist-01 would be further functions here.
 */
import { createHash } from 'node:crypto';
import { type Result, ok } from '#base/problem.ts';
import { type Name, parseName } from '#dns/name.ts';
import { type AccountJwk, jwkThumbprint } from './jws.ts';

const LABEL = '_acme-challenge';

/** What the TXT record says for a challenge's token, 43 characters. */
export function dns01Value(token: string, account: AccountJwk): string {
  return createHash('sha256')
    .update(`${token}.${jwkThumbprint(account)}`)
    .digest('base64url');
}

/** The owner of the TXT record. `host` has no last dot. */
export function dns01Owner(host: string): Result<Name> {
  const name = parseName(`${LABEL}.${host}.`);
  return name.ok ? ok(name.value) : name;
}

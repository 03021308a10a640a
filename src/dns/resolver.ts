/**
 * A DNS look-up as the pure parts know it: one question, one of five outcomes. The resolver behind it (our own store, the
 * configured recursive server, a table in a test) is an argument everywhere.
 * Implements: the outcomes that RFC 7208 §4.4 and §4.6.4 tell apart.
 */
import { type Name } from './name.ts';
import { type RrType } from './types.ts';

export type ResolverAnswer =
  /** At least one record, aliases followed. `rdatas` are uncompressed wire form, well formed for the type that was asked for. */
  | { readonly kind: 'answer'; readonly rdatas: readonly Uint8Array[]; readonly ttlSeconds: number }
  /** The name exists and has no such records (RFC 9499 "NODATA"); `ttlSeconds` is how long that may be believed. */
  | { readonly kind: 'nodata'; readonly ttlSeconds?: number }
  | { readonly kind: 'nxdomain'; readonly ttlSeconds?: number }
  /** Any other rcode, a bogus answer, a malformed message. `reason` is for people. */
  | { readonly kind: 'servfail'; readonly reason?: string }
  | { readonly kind: 'timeout'; readonly reason?: string };

export interface Resolver {
  /** Never rejects: what goes wrong in the world is an outcome. */
  lookup(name: Name, type: RrType): Promise<ResolverAnswer>;
}

/** True for outcomes that say nothing about what exists: asking again later may give another one. */
export function isTransient(answer: ResolverAnswer): answer is Extract<ResolverAnswer, { kind: 'servfail' | 'timeout' }> {
  return answer.kind === 'servfail' || answer.kind === 'timeout';
}

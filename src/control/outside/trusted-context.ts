/**
 * What this server's own HTTPS requests trust: the usual roots, and further ones that the configuration names. One
 * context for all requests: OpenSSL takes a megabyte for the roots, of which the garbage collector knows nothing, so
 * with a context for each request a busy server grows by gigabytes.
 * Not here: requests (https-request.ts), reading the files of roots (resolver-of.ts).
 */
import { type SecureContext, createSecureContext, getCACertificates } from 'node:tls';
import { TRUSTED_CONTEXTS_MAX } from '#base/limits/outside.ts';

/** By the further roots; those used last are last. */
const contexts = new Map<string, SecureContext>();

/** `extraRoots`: PEM. TLS 1.2 and later. The same context for the same roots. */
export function trustedContext(extraRoots = ''): SecureContext {
  const known = contexts.get(extraRoots);
  const context = known ?? createSecureContext({ minVersion: 'TLSv1.2', ...rootsWith(extraRoots) });
  contexts.delete(extraRoots);
  contexts.set(extraRoots, context);
  const [oldest] = contexts.keys();
  if (contexts.size > TRUSTED_CONTEXTS_MAX && oldest !== undefined) contexts.delete(oldest);
  return context;
}

function rootsWith(extraRoots: string): { readonly ca?: string[] } {
  return extraRoots === '' ? {} : { ca: [...getCACertificates('default'), extraRoots] };
}

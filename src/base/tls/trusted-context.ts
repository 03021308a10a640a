/**
 * What this server's own requests over TLS trust: the usual roots, and further ones that the configuration names; and
 * what they show. One context for all requests: OpenSSL takes a megabyte for the roots, of which the garbage collector
 * knows nothing, so with a context for each request a busy server grows by gigabytes.
 * Not here: requests and streams, reading the files of roots (control/outside/).
 */
import { type SecureContext, createSecureContext, getCACertificates } from 'node:tls';
import { TRUSTED_CONTEXTS_MAX } from '#base/limits/outside.ts';
import { privateKeyPem } from './settings.ts';

/** Shown to a server that asks for one. */
export interface ClientCertificate {
  /** PEM, our own certificate first. */
  readonly chain: string;
  /** PKCS #8 DER. */
  readonly key: Uint8Array;
}

/** By the further roots and the certificate; those used last are last. */
const contexts = new Map<string, SecureContext>();

/** `extraRoots`: PEM. TLS 1.2 and later. The same context for the same roots and certificate. */
export function trustedContext(extraRoots = '', certificate?: ClientCertificate): SecureContext {
  const which = certificate === undefined ? extraRoots : `${extraRoots}\n${certificate.chain}`;
  const known = contexts.get(which);
  const context = known ?? makeContext(extraRoots, certificate);
  contexts.delete(which);
  contexts.set(which, context);
  const [oldest] = contexts.keys();
  if (contexts.size > TRUSTED_CONTEXTS_MAX && oldest !== undefined) contexts.delete(oldest);
  return context;
}

function makeContext(extraRoots: string, certificate: ClientCertificate | undefined): SecureContext {
  const ca = extraRoots === '' ? {} : { ca: [...getCACertificates('default'), extraRoots] };
  const pem = certificate === undefined ? undefined : privateKeyPem(certificate.key);
  try {
    const own = certificate === undefined || pem === undefined ? {} : { cert: certificate.chain, key: pem };
    return createSecureContext({ minVersion: 'TLSv1.2', ...ca, ...own });
  } finally {
    pem?.fill(0);
  }
}

/**
 * How this server speaks TLS: versions, ciphers, groups, signatures, renegotiation; the same for HTTPS and for DNS.
 * Implements: RFC 8461 §3.3 and §7 (TLS 1.2 or newer), RFC 9325 §3.1, §4.2 (versions and suites), RFC 7858 §3.1,
 * RFC 9113 §9.2 (HTTP/2 over TLS 1.2: no renegotiation, no suites of its appendix A).
 * Not here: certificates and ALPN (policy-host/tls/contexts.ts, server/tls/).
 */
import { constants } from 'node:crypto';
import { type SecureContextOptions } from 'node:tls';

const { SSL_OP_CIPHER_SERVER_PREFERENCE, SSL_OP_NO_RENEGOTIATION, SSL_OP_NO_TICKET } = constants;

/** All with forward secrecy and AEAD: no sender of this decade needs CBC or RSA key exchange. */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
];
/** The hybrid first, for clients that have it. */
const GROUPS = ['X25519MLKEM768', 'X25519', 'P-256', 'P-384'];
/** Without SHA-1 and SHA-224. */
const SIGNATURES = [
  'ecdsa_secp256r1_sha256',
  'ecdsa_secp384r1_sha384',
  'rsa_pss_rsae_sha256',
  'rsa_pss_rsae_sha384',
  'rsa_pss_rsae_sha512',
  'rsa_pkcs1_sha256',
  'rsa_pkcs1_sha384',
  'rsa_pkcs1_sha512',
];

/** Without sessions. */
export const CONTEXT_SETTINGS: SecureContextOptions = {
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  ciphers: CIPHERS.join(':'),
  ecdhCurve: GROUPS.join(':'),
  sigalgs: SIGNATURES.join(':'),
  secureOptions: SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET,
};

/** With tickets, which live as long as the context that has their keys: `lifeMs`. */
export function resumedSettings(lifeMs: number): SecureContextOptions {
  return {
    ...CONTEXT_SETTINGS,
    secureOptions: SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION,
    sessionTimeout: lifeMs / 1000,
  };
}

/** A private key in PEM, as octets, so that they can be wiped. `der`: PKCS #8. */
export function privateKeyPem(der: Uint8Array): Buffer {
  const text = Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString('base64');
  return Buffer.from(`-----BEGIN PRIVATE KEY-----\n${text}\n-----END PRIVATE KEY-----\n`);
}

/**
 * How the policy host speaks TLS: versions, ciphers, groups, signatures, ALPN, renegotiation; the same for all hosts.
 * Implements: RFC 8461 §3.3 and §7 (TLS 1.2 or newer), RFC 9325 §3.1, §4.2 (versions and suites), RFC 7301 (ALPN),
 * RFC 9113 §9.2 (HTTP/2 over TLS 1.2: no renegotiation, no suites of its appendix A).
 * Not here: certificates (contexts.ts).
 */
import { constants } from 'node:crypto';
import { type SecureContextOptions } from 'node:tls';
import { HTTPS_TICKET_KEYS_MS } from '#base/limits/https.ts';

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

/** For each host's context: tickets, which live as long as the keys of the context at most (contexts.ts). */
export const RESUMED_SETTINGS: SecureContextOptions = {
  ...CONTEXT_SETTINGS,
  secureOptions: SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION,
  sessionTimeout: HTTPS_TICKET_KEYS_MS / 1000,
};

/** In the order in which the policy host prefers them. */
export const ALPN = ['h2', 'http/1.1'];

/**
 * How control sends the answer process the certificate of DNS over TLS with its private key (ADR 0007): in memory only,
 * again to each new answer process, and after each change.
 * Not here: which certificate (control/certificate/dot-delivery.ts), serving with it (server/tls/).
 */

/** Name of the request. */
export const TLS_CERTIFICATE = 'tls-certificate';

export interface TlsCertificate {
  /** PEM, the server's own certificate first. */
  readonly chain: string;
  /** PKCS #8 DER. */
  readonly key: Uint8Array;
}

interface Body {
  readonly chain: string;
  /** Base64. */
  readonly key: string;
}

/** Undefined: there is none, and no connection is to be secured from now on. */
export function writeTlsCertificate(certificate: TlsCertificate | undefined): Uint8Array {
  if (certificate === undefined) return new Uint8Array(0);
  const body: Body = { chain: certificate.chain, key: Buffer.from(certificate.key).toString('base64') };
  return new Uint8Array(Buffer.from(JSON.stringify(body), 'utf8'));
}

/** Control is trusted: a body that is none is a bug of ours. */
export function readTlsCertificate(body: Uint8Array): TlsCertificate | undefined {
  if (body.length === 0) return undefined;
  const { chain, key } = JSON.parse(Buffer.from(body).toString('utf8')) as Body;
  return { chain, key: new Uint8Array(Buffer.from(key, 'base64')) };
}

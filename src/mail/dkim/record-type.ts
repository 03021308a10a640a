/**
 * A DKIM key record as data.
 * Implements: RFC 6376 §3.6.1, RFC 8463 §4.
 * Not here: its text (record.ts), its key (key.ts).
 */

export type DkimKeyType = 'rsa' | 'ed25519';

export interface DkimRecord {
  /** "k=", default rsa. */
  readonly keyType: DkimKeyType;
  /** "p=", decoded: SubjectPublicKeyInfo of an RSA key, the 32 octets of an Ed25519 key; empty: the key is revoked. */
  readonly publicKey: Uint8Array;
  /** Hashes that signatures may use ("h="); empty: any. */
  readonly hashes: readonly string[];
  /** Services the key is for ("s="): `email`, `tlsrpt`; empty: all. */
  readonly services: readonly string[];
  /** "t=y": verifiers treat failures as if unsigned. */
  readonly isTesting: boolean;
  /** "t=s": the signing identity must be in the domain itself, not below it. */
  readonly isDomainOnly: boolean;
  /** "n=", for people; one character per octet. */
  readonly notes: string;
}

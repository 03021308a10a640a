/**
 * Signed heads of the audit log: what its last entry was at a time, signed by a key of the server for this alone. Who
 * has such a head from elsewhere finds that a log was rewritten or cut off later, with the public key and no server.
 * Implements: RFC 8032 §5.1 (Ed25519), RFC 8410 §4 (the public key as SubjectPublicKeyInfo).
 * Not here: the key (control/audit/heads.ts), exports that end in a head (admin/v1/history/audit-export.ts).
 */
import { type KeyObject, createHash, sign, verify } from 'node:crypto';

/** What a head says. */
export interface AuditHeadFields {
  /** UUID of the store. */
  readonly installation: string;
  /** Sequence of the first entry that it vouches for: of the export, or the first one that is kept. */
  readonly from: number;
  /** Sequence and SHA-256 of the last entry, hexadecimal. */
  readonly sequence: number;
  readonly hash: string;
  /** ISO 8601, UTC. */
  readonly at: string;
}

export interface SignedAuditHead extends AuditHeadFields {
  readonly type: typeof AUDIT_HEAD_TYPE;
  readonly version: 1;
  /** Which key: the first 16 digits of the SHA-256 of its SubjectPublicKeyInfo. */
  readonly keyId: string;
  /** Base64. */
  readonly signature: string;
}

export const AUDIT_HEAD_TYPE = 'waxseal-audit-head';
const KEY_ID_DIGITS = 16;

/** The head under `key`, a private key of Ed25519 whose public half is `publicKey`. */
export function signAuditHead(fields: AuditHeadFields, key: KeyObject, publicKey: KeyObject): SignedAuditHead {
  const { installation, from, sequence, hash, at } = fields;
  const unsigned = {
    type: AUDIT_HEAD_TYPE,
    version: 1,
    installation,
    from,
    sequence,
    hash,
    at,
    keyId: auditKeyId(publicKey),
  } as const;
  return { ...unsigned, signature: sign(null, signedOctets(unsigned), key).toString('base64') };
}

/** Whether `head` was signed by the key. */
export function isGoodAuditHead(head: SignedAuditHead, publicKey: KeyObject): boolean {
  if (publicKey.asymmetricKeyType !== 'ed25519') return false;
  const signature = Buffer.from(head.signature, 'base64');
  // RFC 4648 §3.5: other texts are read as the same octets; an altered one is not what was given away.
  if (signature.toString('base64') !== head.signature) return false;
  return verify(null, signedOctets(head), publicKey, signature);
}

/** How people and heads name the key. */
export function auditKeyId(publicKey: KeyObject): string {
  const octets = publicKey.export({ format: 'der', type: 'spki' });
  return createHash('sha256').update(octets).digest('hex').slice(0, KEY_ID_DIGITS);
}

/** The value as a head; undefined when it does not have the form of one. Its signature is not looked at. */
export function readAuditHead(value: unknown): SignedAuditHead | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = new Map<string, unknown>(Object.entries(value));
  const isGood =
    fields.get('type') === AUDIT_HEAD_TYPE &&
    fields.get('version') === 1 &&
    TEXTS.every((name) => typeof fields.get(name) === 'string') &&
    NUMBERS.every((name) => Number.isSafeInteger(fields.get(name)));
  return isGood ? (value as SignedAuditHead) : undefined;
}

const TEXTS = ['installation', 'hash', 'at', 'keyId', 'signature'] as const;
const NUMBERS = ['from', 'sequence'] as const;

/** Unambiguous whatever the texts hold, and of no other use of the key. */
function signedOctets({
  type,
  version,
  installation,
  from,
  sequence,
  hash,
  at,
  keyId,
}: Omit<SignedAuditHead, 'signature'>): Buffer {
  return Buffer.from(JSON.stringify([type, version, installation, from, sequence, hash, at, keyId]));
}

/** What an export of the audit log is checked against: the server's public key, and heads that were kept elsewhere. */
import { type KeyObject, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type SignedAuditHead, readAuditHead } from '#store/audit/signed-head.ts';
import { failure, reasonOf } from './failure.ts';

/** Throws a CommandFailure when the file cannot be read or has no such key. */
export function readPublicKey(path: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey(readFileSync(path));
  } catch (error) {
    throw failure('CLI_FILE', `${path} has no public key: ${reasonOf(error)}`, 'waxseal audit key prints it');
  }
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw failure(
    'CLI_FILE',
    `${path} is a key of ${key.asymmetricKeyType ?? 'another kind'}, heads have Ed25519`,
    'waxseal audit key prints it',
  );
}

/** The heads in a file: one JSON document, or lines, also of a log, that have one. Throws a CommandFailure. */
export function readHeads(path: string): readonly SignedAuditHead[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw failure('CLI_FILE', `${path} cannot be read: ${reasonOf(error)}`);
  }
  const lines = text.split('\n').flatMap((line) => headIn(line) ?? []);
  // One that is printed over several lines.
  const whole = lines.length > 0 ? undefined : headIn(text);
  const heads = whole === undefined ? lines : [whole];
  if (heads.length > 0) return heads;
  throw failure(
    'CLI_FILE',
    `${path} has no signed head`,
    'it is what waxseal audit head prints, or the line audit.head of the log',
  );
}

function headIn(text: string): SignedAuditHead | undefined {
  for (const part of [text, /\{"type":"waxseal-audit-head".*?\}/.exec(text)?.[0]]) {
    if (part === undefined) continue;
    try {
      const value: unknown = JSON.parse(part);
      const nested = typeof value === 'object' && value !== null && 'head' in value ? value.head : value;
      const head = readAuditHead(nested);
      if (head !== undefined) return head;
    } catch {
      // Not this part.
    }
  }
  return undefined;
}

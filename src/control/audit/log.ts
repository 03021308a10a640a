/**
 * The audit log as it is shown and exported. In a list the hashes stay in the store; an export has what they are of.
 * Not here: what is removed when (retention.ts).
 */
import { type StoreReader } from '#store/reader.ts';
import { type Attempts } from './attempts.ts';
import { type AuditHeads } from './heads.ts';
import { type AuditApi } from '#control/api/control.ts';

type Heads = Pick<AuditHeads, 'head' | 'signer'>;
type Reader = Pick<StoreReader, 'audit' | 'auditRange' | 'auditText' | 'verifyAudit'>;

export function auditLog(reader: Reader, attempts: Pick<Attempts, 'note'>, heads: Heads): AuditApi {
  return {
    entries: (limit, beforeSequence) => reader.audit(limit, beforeSequence).map(({ hash: _hash, ...entry }) => entry),
    range: () => reader.auditRange(),
    texts: (afterSequence, limit) => reader.auditText(afterSequence, limit),
    verify: () => reader.verifyAudit(),
    head: () => heads.head(),
    signer: () => heads.signer(),
    refused: (attempt) => attempts.note(attempt),
  };
}

/**
 * The audit log as it is shown and exported. In a list the hashes stay in the store; an export has what they are of.
 * Not here: what is removed when (retention.ts).
 */
import { type StoreReader } from '#store/reader.ts';
import { type AuditApi } from '#control/api/control.ts';

type Reader = Pick<StoreReader, 'audit' | 'auditRange' | 'auditText' | 'verifyAudit'>;

export function auditLog(reader: Reader): AuditApi {
  return {
    entries: (limit, beforeSequence) =>
      reader.audit(limit, beforeSequence).map(({ sequence, atMs, actor, action, zone, detail }) => ({
        sequence,
        atMs,
        actor,
        action,
        ...(zone === undefined ? {} : { zone }),
        detail,
      })),
    range: () => reader.auditRange(),
    texts: (afterSequence, limit) => reader.auditText(afterSequence, limit),
    verify: () => reader.verifyAudit(),
  };
}

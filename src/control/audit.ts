/** The audit log as it is shown: the hashes of its chain stay in the store. */
import { type StoreReader } from '#store/reader.ts';
import { type AuditApi } from '#control/api/control.ts';

export function auditLog(reader: Pick<StoreReader, 'audit' | 'verifyAudit'>): AuditApi {
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
    verify: () => reader.verifyAudit(),
  };
}

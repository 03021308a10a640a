/** The parts of the audit log beside its entries, put together. Not here: what each does (the files of this folder). */
import { type Problem } from '#base/problem.ts';
import { type EventWrite, type StoreWriter } from '#store/writer.ts';
import { type AuditApi } from '#control/api/control.ts';
import { Attempts, type AttemptsOptions } from './attempts.ts';
import { AuditHeads, type AuditHeadsOptions } from './heads.ts';
import { auditLog } from './log.ts';
import { AuditRetention, type AuditRetentionOptions } from './retention.ts';

export interface AuditParts {
  readonly api: AuditApi;
  readonly attempts: Attempts;
  readonly heads: AuditHeads;
  readonly retention: AuditRetention;
}

interface AuditOptions extends AttemptsOptions, Omit<AuditHeadsOptions, 'note'> {
  readonly writer: StoreWriter;
  readonly time: AuditRetentionOptions['time'];
  readonly auditKeepMs?: number | undefined;
  readonly auditLargeBytes?: number | undefined;
  readonly events: {
    alert(zone: string | undefined, problems: readonly Problem[]): Promise<void>;
    note(event: EventWrite): Promise<void>;
  };
}

export function auditParts(options: AuditOptions): AuditParts {
  const { writer, events, auditKeepMs: keepMs, auditLargeBytes: largeBytes } = options;
  const attempts = new Attempts(options);
  const heads = new AuditHeads({ ...options, note: (event) => events.note(event) });
  const alert = (problems: readonly Problem[]) => events.alert(undefined, problems);
  const retention = new AuditRetention({ ...options, keepMs, largeBytes, alert });
  return { api: auditLog(writer, attempts, heads), attempts, heads, retention };
}

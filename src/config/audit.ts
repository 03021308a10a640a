/** The `[audit]` section of the configuration. Not here: what is removed when (control/audit/retention.ts). */
import { type Static, Type } from 'typebox';
import { AUDIT_KEEP_MS_DEFAULT, AUDIT_KEEP_MS_MIN } from '#base/limits/store.ts';
import { formatDuration, parseDuration } from '#base/units.ts';
import { type ValueReaders } from './readers.ts';

export interface AuditSettings {
  /** Entries are kept at least as long; undefined: for ever. */
  readonly keepMs: number | undefined;
}

export const AuditSection = Type.Object({ keep: Type.Optional(Type.String()) }, { additionalProperties: false });

type AuditForm = Static<typeof AuditSection>;

const KEEP_FORM = `a duration like 400d, of ${formatDuration(AUDIT_KEEP_MS_MIN)} or more, or never`;

export function settleAudit(section: AuditForm = {}, { read }: Pick<ValueReaders, 'read'>): AuditSettings {
  const { keep } = section;
  if (keep === undefined) return { keepMs: AUDIT_KEEP_MS_DEFAULT };
  const keepMs = read('audit.keep', keep, parseKeep, KEEP_FORM);
  return { keepMs: keepMs === 0 ? undefined : keepMs };
}

/** 0: for ever. */
function parseKeep(text: string): number | undefined {
  if (text === 'never' || text === '0') return 0;
  const keepMs = parseDuration(text);
  return keepMs === undefined || (keepMs > 0 && keepMs < AUDIT_KEEP_MS_MIN) ? undefined : keepMs;
}

/** The section for `config show`. */
export function describeAudit({ keepMs }: AuditSettings): Record<string, unknown> {
  return { keep: keepMs === undefined ? 'never' : formatDuration(keepMs) };
}

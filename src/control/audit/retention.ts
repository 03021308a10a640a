/**
 * How long audit entries are kept: by their age in counted time alone. Neither a wall clock that is set wrong nor a
 * client that writes much pushes traces out (docs/adr/0011-audit-retention.md). Marks say which entry was the last
 * one at some time; what a mark that is old enough covers may go, slice by slice, through the funnel like every
 * change.
 * Not here: the chain and its anchor (store/audit/chain.ts), when this is called (upkeep.ts).
 */
import { AUDIT_LARGE_BYTES, AUDIT_LATEST_ENTRIES } from '#base/limits/store.ts';
import { AUDIT_LOOK_MS, AUDIT_MARKS, AUDIT_REMOVE_ENTRIES_MIN } from '#base/limits/store.ts';
import { WHOLE } from '#base/place.ts';
import { type Problem, type Result, ok, warning } from '#base/problem.ts';
import { formatDuration } from '#base/units.ts';
import { AUDIT_REMOVAL } from '#store/audit/chain.ts';
import { type AuditMarks, auditMarksWrite, readAuditMarks } from './marks.ts';
import { type StoreReader } from '#store/reader.ts';
import { type Funnel } from '#control/funnel/funnel.ts';
import { type CountedTime } from '#control/lifecycle/counted-time.ts';

export interface AuditRetentionOptions {
  readonly writer: StoreReader;
  readonly funnel: Pick<Funnel, 'change'>;
  readonly time: CountedTime;
  /** The setting `audit.keep`; undefined: for ever. */
  readonly keepMs: number | undefined;
  readonly alert: (problems: readonly Problem[]) => Promise<void>;
  readonly largeBytes?: number | undefined;
}

const UPKEEP = { actor: { kind: 'system', id: 'audit', from: '' }, action: AUDIT_REMOVAL, upkeep: true } as const;

export class AuditRetention {
  readonly #options: AuditRetentionOptions;

  constructor(options: AuditRetentionOptions) {
    this.#options = options;
  }

  /** Reports what needs a person. */
  get alert(): AuditRetentionOptions['alert'] {
    return this.#options.alert;
  }

  /** Writes down how far the log reaches now; warns when it has become large. Writes no entry. */
  async note(): Promise<Result<unknown>> {
    const { funnel, time, keepMs } = this.#options;
    const large = this.#large();
    if (large !== undefined) await this.#options.alert([large.problem]);
    if (keepMs === undefined && large === undefined) return ok(undefined);
    return funnel.change({ ...UPKEEP, action: 'audit.mark' }, () => {
      const stored = this.#marks();
      const marks = keepMs === undefined ? stored.marks : this.#marksNow(stored, keepMs);
      const warnedBytes = large?.bytes ?? stored.warnedBytes;
      const document = auditMarksWrite({ version: 1, marks, ...(warnedBytes === undefined ? {} : { warnedBytes }) });
      return ok({ documents: [document, time.write()], isChanged: true });
    });
  }

  /** Removes one slice of what is old enough; the result says whether there is more. */
  async removeSlice(): Promise<Result<{ readonly isMore: boolean }>> {
    const { funnel, keepMs } = this.#options;
    const through = this.#oldThrough();
    if (keepMs === undefined || through === undefined) return ok({ isMore: false });
    const done = await funnel.change(UPKEEP, () => {
      const detail = `older than ${formatDuration(keepMs)} (audit.keep)`;
      return ok({ auditThrough: through, detail, isChanged: true });
    });
    return done.ok ? ok({ isMore: this.#options.writer.auditRange().from <= through }) : done;
  }

  /** The last entry that is old enough; undefined when too few are. */
  #oldThrough(): number | undefined {
    const { writer, time, keepMs } = this.#options;
    if (keepMs === undefined) return undefined;
    const untilMs = time.nowMs() - keepMs;
    const through = this.#marks().marks.findLast(({ atMs }) => atMs <= untilMs)?.sequence ?? 0;
    return through - writer.auditRange().from + 1 < AUDIT_REMOVE_ENTRIES_MIN ? undefined : through;
  }

  /** With a mark of now, when the last one is old enough; without those that all lead to entries which are gone. */
  #marksNow({ marks }: AuditMarks, keepMs: number): AuditMarks['marks'] {
    const { writer, time } = this.#options;
    const { from, last: sequence } = writer.auditRange();
    const nowMs = time.nowMs();
    const live = marks.filter((each) => each.sequence >= from);
    const everyMs = Math.max(AUDIT_LOOK_MS, keepMs / AUDIT_MARKS);
    const last = marks.at(-1);
    const isDue = last === undefined || (nowMs - last.atMs >= everyMs && last.sequence < sequence);
    if (!isDue || sequence < from) return live;
    // A setting that was shorter has left more: every other one is enough then.
    const thinned = live.length < 2 * AUDIT_MARKS ? live : live.filter((_, at) => at % 2 === 1);
    return [...thinned, { sequence, atMs: nowMs }];
  }

  #marks(): AuditMarks {
    return readAuditMarks(this.#options.writer) ?? { version: 1, marks: [] };
  }

  /** Set when the log has doubled since the operator was warned. */
  #large(): { readonly bytes: number; readonly problem: Problem } | undefined {
    const { writer, largeBytes = AUDIT_LARGE_BYTES } = this.#options;
    const bytes = writer.auditBytes();
    const { warnedBytes } = this.#marks();
    if (bytes < (warnedBytes === undefined ? largeBytes : 2 * warnedBytes)) return undefined;
    const latest = writer.audit(AUDIT_LATEST_ENTRIES);
    const counts = new Map<string, number>();
    for (const { actor } of latest) {
      const who = `${actor.kind}:${actor.id}`;
      counts.set(who, (counts.get(who) ?? 0) + 1);
    }
    const [most = ['', 0]] = [...counts].toSorted(([, a], [, b]) => b - a);
    const size = `${Math.round(bytes / (1024 * 1024))} MiB`;
    return {
      bytes,
      problem: warning(
        'AUDIT_LARGE',
        WHOLE,
        `the audit log takes ${size} of the store; ${most[1]} of its last ${latest.length} entries are of ${most[0]}`,
        { fix: 'nothing is removed for its size: shorten audit.keep, or look why so much changes' },
      ),
    };
  }
}

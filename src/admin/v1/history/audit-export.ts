/**
 * The audit log as it is exported: lines of JSON with a signed head behind them, or rows for a spreadsheet.
 * Implements: RFC 4180 §2 (CSV).
 * Not here: checking an export (cli/audit-exports.ts), the form of a head (store/audit/signed-head.ts).
 */
import { createHash } from 'node:crypto';
import { AUDIT_EXPORT_ENTRIES } from '#base/limits/store.ts';
import type { AuditApi, AuditSigner, AuditView } from '#control/api/control.ts';
import { isoTime } from '#admin/http/form.ts';

type Source = Pick<AuditApi, 'range' | 'texts'>;

interface AuditExport {
  /** Media type. */
  readonly type: string;
  readonly lines: Iterable<Buffer>;
}

/** The entries after `after`, up to the one that is the last one when it begins. */
export function auditExport(audit: Source, after: number, format: 'jsonl' | 'csv', signer: AuditSigner): AuditExport {
  if (format === 'csv') return { type: 'text/csv; charset=utf-8; header=present', lines: csvRows(audit, after) };
  return { type: 'application/x-ndjson', lines: signedLines(audit, after, signer) };
}

/**
 * The entries, batch by batch. Ends with an error when entries that come next are removed meanwhile: a client must not
 * take what has a hole for the whole.
 */
function* batches(audit: Source, after: number): Generator<readonly string[], void, undefined> {
  const { from, last } = audit.range();
  for (let done = Math.max(after, from - 1); done < last;) {
    const texts = audit.texts(done, Math.min(AUDIT_EXPORT_ENTRIES, last - done));
    if (texts[0]?.sequence !== done + 1) throw new Error(`audit entry ${done + 1} was removed while it was exported`);
    done = texts.at(-1)!.sequence;
    yield texts.map(({ json }) => json);
  }
}

interface Link {
  readonly sequence: number;
  readonly previous: string;
}

function* signedLines(audit: Source, after: number, signer: AuditSigner): Generator<Buffer, void, undefined> {
  let isWhole = true;
  let [from, last, hash] = [0, 0, ''];
  for (const lines of batches(audit, after)) {
    for (const line of lines) {
      const { sequence, previous } = JSON.parse(line) as Link;
      if (from === 0) from = sequence;
      else isWhole &&= previous === hash && sequence === last + 1;
      [last, hash] = [sequence, createHash('sha256').update(line).digest('hex')];
    }
    yield Buffer.from(lines.map((line) => `${line}\n`).join(''));
  }
  // What does not fit together gets no signature of ours.
  if (from > 0 && isWhole) yield Buffer.from(`${JSON.stringify(signer.sign(from, last, hash))}\n`);
}

const COLUMNS: Readonly<Record<string, (entry: AuditView) => string | number | undefined>> = {
  sequence: ({ sequence }) => sequence,
  at: ({ atMs }) => isoTime(atMs),
  counted: ({ countedMs }) => isoTime(countedMs),
  actorKind: ({ actor }) => actor.kind,
  actorId: ({ actor }) => actor.id,
  owner: ({ actor }) => actor.owner,
  role: ({ actor }) => actor.role,
  user: ({ actor }) => actor.user,
  from: ({ actor }) => actor.from,
  transport: ({ actor }) => actor.transport,
  action: ({ action }) => action,
  zone: ({ zone }) => zone,
  outcome: ({ outcome = 'done' }) => outcome,
  count: ({ count }) => count,
  reason: ({ reason }) => reason,
  codes: ({ codes }) => codes?.join(' '),
  serials: ({ changes }) =>
    changes?.map(({ zone, fromSerial, toSerial }) => `${zone} ${fromSerial}-${toSerial}`).join('; '),
  revision: ({ generation }) => generation,
  detail: ({ detail }) => detail,
  before: ({ changes, objects }) =>
    jsonOf(
      changes?.map(({ before, omitted }) => before ?? omitted),
      objects?.map((each) => each.before),
    ),
  after: ({ changes, objects }) =>
    jsonOf(
      changes?.map(({ after, omitted }) => after ?? omitted),
      objects?.map((each) => each.after),
    ),
};

function jsonOf(...lists: readonly (readonly unknown[] | undefined)[]): string | undefined {
  const all = lists.flatMap((list) => list ?? []).filter((each) => each !== undefined);
  return all.length === 0 ? undefined : JSON.stringify(all);
}

function* csvRows(audit: Source, after: number): Generator<Buffer, void, undefined> {
  yield Buffer.from(`${Object.keys(COLUMNS).join(',')}\r\n`);
  for (const lines of batches(audit, after)) {
    const entries = lines.map((line) => JSON.parse(line) as AuditView);
    const rows = entries.map((entry) => Object.values(COLUMNS).map((of) => csvCell(of(entry))));
    yield Buffer.from(rows.map((row) => `${row.join(',')}\r\n`).join(''));
  }
}

/**
 * RFC 4180 §2: quoted, quotes doubled. A spreadsheet takes a text that begins with one of these characters for a
 * formula, and a name of a token or a zone is what a client wrote: an apostrophe before it makes it a text.
 */
export function csvCell(value: string | number | undefined): string {
  if (value === undefined) return '';
  if (typeof value === 'number') return String(value);
  const text = /^[\s]*[=+\-@\t\r|%]/.test(value) ? `'${value}` : value;
  return `"${text.replaceAll('"', '""')}"`;
}

/**
 * The versions of a zone that the journal knows, and what lies between two of them. A version is the zone after a
 * change: by its serial, or by the revision, which is never used twice. Before the oldest change there is one more.
 * Not here: the journal (store/journal.ts), undoing (rollback.ts).
 */
import { ZONE_DIFF_BYTES_MAX } from '#base/limits/changes.ts';
import { JOURNAL_ENTRIES_MAX, JOURNAL_PAGE_ENTRIES } from '#base/limits/store.ts';
import { type Place, atZone } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { type JournalEntry } from '#store/journal.ts';
import { type StoreReader } from '#store/reader.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { atOnce, decodeSteps } from '#zone/changeset-codec.ts';
import { type Changeset, invertChangeset } from '#zone/changeset.ts';
import { netSteps } from '#zone/history/net-changes.ts';
import { type VersionAsked, type ZoneVersion } from '#control/api/history.ts';

/** What lies between two versions of a zone. */
export interface VersionDifference {
  readonly from: ZoneVersion;
  readonly to: ZoneVersion;
  /** From the one to the other, which may be the older one; undefined: they are the same version. */
  readonly changeset: Changeset | undefined;
  /** Revisions of the changes in between, the oldest first. */
  readonly revisions: readonly number[];
}

type Reader = Pick<StoreReader, 'journal'>;

/** From version `from` to version `to`; the zone of now where `to` is not given. */
export function differenceOf(
  reader: Reader,
  record: ZoneRecord,
  from: VersionAsked,
  to?: VersionAsked,
): Result<VersionDifference> {
  return atOnce(differenceSteps(reader, record, from, to));
}

/** Octets of the changesets from version `from` to the zone of now; 0 when there is no such version. */
export function distanceBytes(reader: Reader, record: ZoneRecord, from: VersionAsked): number {
  const walked = walkBack(reader, record, [from]);
  if (!walked.ok) return 0;
  const { entries, found } = walked.value;
  return entries.slice(0, found[0]!.at).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** The same as `differenceOf`, in steps between which other work may be done. */
export function* differenceSteps(
  reader: Reader,
  record: ZoneRecord,
  from: VersionAsked,
  to?: VersionAsked,
): Generator<undefined, Result<VersionDifference>> {
  const walked = walkBack(reader, record, to === undefined ? [from] : [from, to]);
  if (!walked.ok) return walked;
  const { entries, found } = walked.value;
  const now: Found = { at: 0, version: versionOf(entries[0], record) };
  const [one, two] = [found[0]!, found[1] ?? now];
  const isBackwards = two.at > one.at;
  // The newest entry is the first one: between are those from the newer version on, without the older version's own.
  const between = entries.slice(Math.min(one.at, two.at), Math.max(one.at, two.at)).toReversed();
  const shared = { from: one.version, to: two.version, revisions: between.map(({ revision }) => revision) };
  if (between.length === 0) return ok({ ...shared, changeset: undefined });
  const bytes = between.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (bytes > ZONE_DIFF_BYTES_MAX) return fail(tooLarge(record, between.length, bytes));
  const changesets: Changeset[] = [];
  for (const each of between) {
    const [entry] = reader.journal(record.id, 1, each.revision + 1);
    const before = changesets.at(-1)?.toSerial ?? each.fromSerial;
    if (entry?.changeset === undefined || each.fromSerial !== before) return fail(notKept(record, each));
    changesets.push(yield* decodeSteps(entry.changeset));
  }
  const net = yield* netSteps(changesets);
  return ok({ ...shared, changeset: isBackwards ? invertChangeset(net) : net });
}

/** The newest change that led to `serial`. */
export function changeTo(reader: Reader, record: ZoneRecord, serial: number): JournalEntry | undefined {
  for (const entry of entriesBack(reader, record)) if (entry.toSerial === serial) return entry;
  return undefined;
}

/** Where a version stands: behind so many of the newest changes. */
interface Found {
  readonly at: number;
  readonly version: ZoneVersion;
}

type ChangeMark = Omit<JournalEntry, 'changeset'>;

interface Walked {
  /** The newest first, as far back as was needed; without what changed. */
  readonly entries: readonly ChangeMark[];
  readonly found: readonly Found[];
}

/** Reads the journal back until all versions are found. */
function walkBack(reader: Reader, record: ZoneRecord, asked: readonly VersionAsked[]): Result<Walked> {
  const entries: ChangeMark[] = [];
  const found = new Map<number, Found>();
  const look = (isVersion: (each: VersionAsked) => boolean, version: ZoneVersion, at: number): void => {
    for (const [index, each] of asked.entries())
      if (!found.has(index) && isVersion(each)) found.set(index, { at, version });
  };
  for (const { changeset: _changeset, ...entry } of entriesBack(reader, record)) {
    look((each) => isOf(each, entry), versionOf(entry, record), entries.length);
    if (found.size === asked.length) break;
    entries.push(entry);
  }
  const oldest = entries.at(-1);
  if (found.size < asked.length && oldest !== undefined && oldest.fromSerial !== 0) {
    const { fromSerial: serial } = oldest;
    look((each) => each.kind === 'serial' && each.serial === serial, { serial }, entries.length);
  }
  const missing = asked.findIndex((_, index) => !found.has(index));
  if (missing >= 0) return fail(unknownVersion(record, asked[missing]!, entries));
  return ok({ entries, found: asked.map((_, index) => found.get(index)!) });
}

/** The journal, the newest change first, read page by page: a whole one has 64 MiB. */
function* entriesBack(reader: Reader, { id }: ZoneRecord): Generator<JournalEntry, void> {
  let before: number | undefined;
  for (let read = 0; read <= JOURNAL_ENTRIES_MAX; read += JOURNAL_PAGE_ENTRIES) {
    const page = reader.journal(id, JOURNAL_PAGE_ENTRIES, before);
    yield* page;
    if (page.length < JOURNAL_PAGE_ENTRIES) return;
    before = page.at(-1)!.revision;
  }
}

function isOf(asked: VersionAsked, { toSerial, revision }: ChangeMark): boolean {
  return asked.kind === 'serial' ? asked.serial === toSerial : asked.revision === revision;
}

function versionOf(entry: ChangeMark | undefined, { serial, revision, changedAtMs }: ZoneRecord): ZoneVersion {
  if (entry === undefined) return { serial, revision, atMs: changedAtMs };
  return { serial: entry.toSerial, revision: entry.revision, atMs: entry.atMs };
}

function unknownVersion(record: ZoneRecord, asked: VersionAsked, entries: readonly ChangeMark[]): Problem {
  const what = asked.kind === 'serial' ? `serial ${asked.serial}` : `revision ${asked.revision}`;
  const oldest = entries.at(-1);
  const reach =
    oldest === undefined
      ? 'has no changes'
      : oldest.fromSerial === 0
        ? `begins with the zone at serial ${oldest.toSerial}`
        : `reaches back to serial ${oldest.fromSerial}, ${entries.length} changes ago`;
  return gone(
    atZone(record.name),
    `the journal of ${record.name} ${reach}, and has no version with ${what}`,
    record.name,
  );
}

function notKept(record: ZoneRecord, { toSerial, sizeBytes }: ChangeMark): Problem {
  const why = `the change to serial ${toSerial} of ${record.name} is not in the journal (${sizeBytes} octets)`;
  return gone(
    atZone(record.name),
    `${why}: what was before it cannot be compared with what came after it`,
    record.name,
  );
}

function gone(at: Place, why: string, zone: string): Problem {
  return problem('VERSION_NOT_KEPT', at, why, {
    fix: `waxseal zone history ${zone} lists the versions; older ones are in backups and exported zone files`,
  });
}

function tooLarge(record: ZoneRecord, count: number, bytes: number): Problem {
  const most = ZONE_DIFF_BYTES_MAX / (1024 * 1024);
  const why = `${count} changes of ${record.name} with ${bytes} octets lie between, and ${most} MiB are compared`;
  return problem('VERSION_DISTANCE', atZone(record.name), why, {
    fix: 'compare versions that are nearer to each other',
  });
}

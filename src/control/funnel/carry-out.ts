/**
 * Carries a decision out: every part is planned, signed and checked; then it is written, with others or alone; when
 * it is durable, the workers learn of it. Nothing is written when a part fails or on a dry run.
 * Not here: deciding, waiting for the turn (funnel.ts), writing several together (group.ts), planning and signing one
 * zone (control/signing/prepare.ts).
 */
import { type Clock } from '#base/clock.ts';
import { type Problem, type Result, ok } from '#base/problem.ts';
import { type Soon, whenThere } from '#control/signing/soon.ts';
import { encodeNode } from '#store/node-codec.ts';
import { type NodeWrite, type StoreWrite, type StoreWriter } from '#store/writer.ts';
import { type ManagedRrset } from '#store/history/managed.ts';
import { type Changeset, madeBySigning } from '#zone/changeset.ts';
import { formatName } from '#dns/name.ts';
import { encodeChangeset } from '#zone/changeset-codec.ts';
import { type EntryFacts, auditEntry } from './audit-entry.ts';
import { zoneChanged, zoneRemoved } from '#control/commands/events.ts';
import { type Publisher } from '#control/publish/publisher.ts';
import { type ZonePreparer } from '#control/signing/prepare.ts';
import { type Commits } from './commits.ts';
import {
  type Decision,
  type Prepared,
  type Turn,
  type WrittenZone,
  type ZonePart,
} from '#control/commands/decision.ts';

/** What became of a decision. */
export interface Done {
  readonly decision: Decision;
  /** The parts in order, also those in which nothing changes. */
  readonly parts: readonly Prepared[];
  /** True when something changed, or would change. */
  readonly changed: boolean;
  /** The store's generation that holds the change; undefined when nothing was written. */
  readonly generation?: number;
}

export interface CarryOutOptions {
  readonly writer: StoreWriter;
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly preparer: ZonePreparer;
  /** Counted time, for the audit log; absent: entries have none. */
  readonly countedMs?: () => number;
  /** Absent: they are not counted. */
  readonly commits?: Commits;
}

/** A decision that is planned, signed and checked, and not written yet. */
export interface Ready {
  readonly done: Done;
  /** Undefined when nothing is to be written. */
  readonly write?: StoreWrite;
  /** Of the checks, where the change is written later. */
  readonly warnings?: readonly Problem[];
}

/** Plans, signs and checks all parts of a decision. At once, unless there is so much to sign that threads do it. */
export function makeReady(
  decision: Decision,
  turn: Turn,
  options: Pick<CarryOutOptions, 'clock' | 'preparer' | 'countedMs'> & { readonly writer: EntryFacts['reader'] },
): Soon<Result<Ready>> {
  const { made } = decision;
  if (made !== undefined) {
    const done: Done = { decision, parts: made.parts, changed: made.changed };
    return ok(turn.dryRun === true || made.write === undefined ? { done } : { done, write: made.write });
  }
  return whenThere(prepareAll(decision.parts ?? [], options.preparer), (prepared) => {
    if (!prepared.ok) return prepared;
    const changing = prepared.value.filter(({ isChanged }) => isChanged);
    const changed = decision.isChanged || changing.length > 0;
    const isWritten = turn.dryRun !== true && (changed || decision.isAlwaysWritten === true);
    const done: Done = { decision, parts: prepared.value, changed };
    if (!isWritten) return ok({ done }, prepared.warnings);
    const { clock, countedMs, writer: reader } = options;
    const warnings = [...(decision.warnings ?? []), ...prepared.warnings];
    const facts = { turn, atMs: clock.nowMs(), countedMs: countedMs?.(), warnings, reader };
    return ok({ done, write: storeWrite(decision, changing, facts) }, prepared.warnings);
  });
}

/** Commits one decision by itself. Throws StoreFailure when the commit fails; nothing was written then. */
export async function carryOutAlone(ready: Ready, options: CarryOutOptions): Promise<Done> {
  if (ready.write === undefined) return ready.done;
  const startedMs = performance.now();
  const { generation } = await options.writer.commit(ready.write);
  options.commits?.done(startedMs);
  carriedOut(new Map([[ready, generation]]), options);
  return { ...ready.done, generation };
}

/** These are durable, each in its generation, in this order: workers, keys and `afterCommit` follow. */
export function carriedOut(written: ReadonlyMap<Ready, number>, { preparer, publisher }: CarryOutOptions): void {
  const published = [...written].map(([{ done }, generation]) => {
    const changing = done.parts.filter(({ isChanged }) => isChanged);
    preparer.committed(changing, done.decision.removed ?? []);
    done.decision.afterCommit?.();
    return { generation, zones: changing.map(({ record }) => record) };
  });
  publisher.publishAll(published);
}

function prepareAll(parts: readonly ZonePart[], preparer: ZonePreparer): Soon<Result<readonly Prepared[]>> {
  const prepared: Prepared[] = [];
  const warnings: Problem[] = [];
  const from = (first: number): Soon<Result<readonly Prepared[]>> => {
    const part = parts[first];
    if (part === undefined) return ok(prepared, warnings);
    const { changes } = part;
    const settled = typeof changes === 'function' ? { ...part, changes: changes(prepared) } : { ...part, changes };
    return whenThere(preparer.prepare(settled), (ready) => {
      if (ready.ok) prepared.push(ready.value);
      else if (part.isOptional !== true) return ready;
      else warnings.push(...ready.problems.map((each) => ({ ...each, severity: 'warning' as const })));
      return from(first + 1);
    });
  };
  return from(0);
}

function storeWrite(decision: Decision, parts: readonly Prepared[], facts: EntryFacts): StoreWrite {
  const { turn } = facts;
  const { removed = [], documents = [], secrets = [], events = [], tokens, kek, auditThrough } = decision;
  const { reservedZoneId } = decision;
  const { upkeep = false } = turn;
  return {
    audit: decision.audit ?? auditEntry(decision, parts, facts),
    zones: { put: parts.map(({ record }) => record), remove: removed.map(({ id }) => id) },
    nodes: nodeWrites(parts),
    journal: parts.flatMap(({ record: { id: zoneId }, plan: { changed, changeset }, written }) => {
      const { fromSerial, toSerial } = changeset;
      if (!changed) return [];
      if (written?.large !== undefined) return [{ zoneId, fromSerial, toSerial, ...largeEntry(written.large) }];
      return [{ zoneId, fromSerial, toSerial, changeset: encodeChangeset(changeset), managed: managedOf(changeset) }];
    }),
    secrets: [...parts.flatMap(keySecrets), ...secrets],
    documents,
    events: [
      ...parts.map(({ record }) => zoneChanged(record, turn)),
      ...removed.map((record) => zoneRemoved(record, turn)),
      ...events,
    ],
    ...(reservedZoneId === undefined ? {} : { reservedZoneId }),
    ...(tokens === undefined ? {} : { tokens }),
    ...(kek === undefined ? {} : { kek }),
    ...(auditThrough === undefined ? {} : { auditThrough }),
    upkeep,
  };
}

/** The journal entry of a new zone, in which all is made by hand or by signing. */
function largeEntry({ octets, sizeBytes }: NonNullable<WrittenZone['large']>) {
  const changeset = octets ?? new Uint8Array(0);
  return { changeset, managed: [], ...(octets === undefined ? { omittedBytes: sizeBytes } : {}) };
}

/** What a later undo must leave alone. */
function managedOf(changeset: Changeset): readonly ManagedRrset[] {
  const found = new Map<string, ManagedRrset>();
  const isMade = madeBySigning(changeset);
  for (const { owner: name, type, manager } of [...changeset.deleted, ...changeset.added]) {
    if (manager === undefined || isMade({ owner: name, type })) continue;
    const owner = formatName(name).toLowerCase();
    found.set(`${type} ${owner}`, { owner, type, manager });
  }
  return [...found.values()];
}

function keySecrets({ record: { id: zoneId }, fresh, forgotten }: Prepared): NonNullable<StoreWrite['secrets']> {
  const made = [...fresh].map(([id, value]) => ({ zoneId, id, value }));
  return [...made, ...forgotten.map((id) => ({ zoneId, id, value: null }))];
}

/** Encoded on the way into the store, so that a large zone never stands in memory twice. */
function* nodeWrites(parts: readonly Prepared[]): Generator<NodeWrite> {
  for (const { record, plan } of parts)
    for (const [key, planned] of plan.nodes)
      yield { zoneId: record.id, key, value: planned === null ? null : encodeNode(planned.node, planned.flags) };
  for (const { record, plan } of parts)
    for (const [key, node] of plan.hashed)
      yield { zoneId: record.id, key, value: node === null ? null : encodeNode(node, 0), isHashed: true };
}

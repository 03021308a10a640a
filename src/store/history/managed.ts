/**
 * Which RRsets of a change in the journal a part of the server kept then, and not a person: the mail policy, a
 * certificate order, a delegation, a catalog. A changeset does not say, because secondaries need not know; an undo has to, because it must
 * not bring back an old key or challenge. A document for each such change, which goes with the change's entry.
 * Not here: the journal (store/journal.ts), undoing (control/zone/rollback.ts).
 */
import { type DocumentTables, documentKey, putDocument } from '#store/due/documents.ts';
import { formFailure } from '#store/failure.ts';
import { hasFields, isArrayOf } from '#store/json.ts';

/** One RRset. */
export interface ManagedRrset {
  /** Absolute, lower-case. */
  readonly owner: string;
  readonly type: number;
  /** `mail`, `acme`. */
  readonly manager: string;
}

const KIND = 'journal-managed';

/** Inside the writer's transaction: those of the change that made `revision`, when there are any. */
export function putManaged(
  tables: DocumentTables,
  zoneId: number,
  revision: number,
  rrsets: readonly ManagedRrset[],
): void {
  if (rrsets.length > 0)
    putDocument(tables, { zoneId, kind: KIND, id: String(revision), value: { version: 1, rrsets } });
}

/** Inside the writer's transaction: the change is not in the journal any more. */
export function dropManaged(tables: DocumentTables, zoneId: number, revision: number): void {
  putDocument(tables, { zoneId, kind: KIND, id: String(revision), value: null });
}

const NO_ZONE = 0;
const SINCE = 'since';

/** Inside the writer's transaction, once: changes from `generation` on say which RRsets are managed. */
export function noteManagedSince(tables: DocumentTables, generation: number): void {
  if (tables.documents.get(documentKey(NO_ZONE, KIND, SINCE)) !== undefined) return;
  putDocument(tables, { zoneId: NO_ZONE, kind: KIND, id: SINCE, value: { version: 1, generation } });
}

/** The first revision that says it; undefined: none does yet. Throws STORE_DAMAGED. */
export function managedSince(reader: Reader): number | undefined {
  const value = reader.document(NO_ZONE, KIND, SINCE);
  if (value === undefined) return undefined;
  if (!isSince(value)) throw formFailure('the mark of managers in the journal');
  return value.generation;
}

function isSince(value: unknown): value is { readonly generation: number } {
  return hasFields(value, { version: (version) => version === 1, generation: 'number' });
}

interface Reader {
  document(zoneId: number, kind: string, id: string): unknown;
}

/** Those of the change that made `revision`; none when none was kept. Throws STORE_DAMAGED. */
export function readManaged(reader: Reader, zoneId: number, revision: number): readonly ManagedRrset[] {
  const value = reader.document(zoneId, KIND, String(revision));
  if (value === undefined) return [];
  if (!isManagedDocument(value)) throw formFailure('the managers of a change in the journal');
  return value.rrsets;
}

function isManagedDocument(value: unknown): value is { readonly rrsets: readonly ManagedRrset[] } {
  const isRrset = (rrset: unknown): rrset is ManagedRrset =>
    hasFields(rrset, { owner: 'string', type: 'number', manager: 'string' });
  return hasFields(value, { version: (version) => version === 1, rrsets: isArrayOf(isRrset) });
}

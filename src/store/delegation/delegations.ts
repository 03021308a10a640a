/**
 * What a parent zone keeps about its delegations, in the store: whether DS records follow the children's CDS, where
 * NOTIFY(CDS) goes, and which request of each child was taken last. And, of a child: where its signals of a first DS
 * stand. Checked when it is read.
 * Not here: what follows from it (control/delegation/).
 */
import { type Name, formatName, lowerName } from '#dns/name.ts';
import { DocumentCache } from '#store/document-cache.ts';
import { type DocumentWrite } from '#store/due/documents.ts';
import { formFailure } from '#store/failure.ts';
import { hasFields, isArrayOf, isString } from '#store/json.ts';
import { type StoreReader } from '#store/reader.ts';

/** A zone whose DS records follow the CDS records of its children. */
export interface DelegationSettings {
  readonly version: 1;
  /** Host and port of its DSYNC record. */
  readonly target: string;
  readonly port: number;
  /** Asked in place of the addresses of the children's name servers; `ADDR` or `ADDR:PORT`. */
  readonly servers: readonly string[];
  /** TTL of DS records, seconds. */
  readonly dsTtl: number;
}

/** The request of a child that was taken last. */
export interface TakenRequest {
  /** Of its signatures: seconds, on a circle. */
  readonly inception: number;
  /** Wall time. */
  readonly atMs: number;
}

const SETTINGS_KIND = 'delegation';
const SETTINGS = 'settings';
const CHILD_KIND = 'delegation-child';
const SIGNALS_KIND = 'delegation-signals';
const OWNERS = 'owners';

const CACHE = new DocumentCache<DelegationSettings>(SETTINGS_KIND, SETTINGS);

/** Undefined: DS records are put by hand. */
export function readDelegationSettings(reader: StoreReader, zoneId: number): DelegationSettings | undefined {
  return CACHE.read(reader, zoneId, (value) => {
    const isGood = hasFields(value, {
      version: (version) => version === 1,
      target: 'string',
      port: 'number',
      servers: isArrayOf(isString),
      dsTtl: 'number',
    });
    if (!isGood) throw formFailure(`the delegations of zone id ${zoneId}`);
    return value as DelegationSettings;
  });
}

export function delegationSettingsWrite(zoneId: number, value: DelegationSettings | null): DocumentWrite {
  return { zoneId, kind: SETTINGS_KIND, id: SETTINGS, value };
}

export function readTakenRequest(reader: StoreReader, zoneId: number, child: Name): TakenRequest | undefined {
  const value = reader.document(zoneId, CHILD_KIND, idOf(child));
  if (value === undefined) return undefined;
  if (!hasFields(value, { inception: 'number', atMs: 'number' })) throw formFailure(`the delegation ${idOf(child)}`);
  return value as unknown as TakenRequest;
}

export function takenRequestWrite(zoneId: number, child: Name, value: TakenRequest | null): DocumentWrite {
  return { zoneId, kind: CHILD_KIND, id: idOf(child), value };
}

/** Names at which the signals of this child stand, in other zones. */
export function readSignalOwners(reader: StoreReader, zoneId: number): readonly string[] {
  const value = reader.document(zoneId, SIGNALS_KIND, OWNERS) ?? [];
  if (!isArrayOf(isString)(value)) throw formFailure(`the signals of zone id ${zoneId}`);
  return value;
}

export function signalOwnersWrite(zoneId: number, owners: readonly string[]): DocumentWrite {
  return { zoneId, kind: SIGNALS_KIND, id: OWNERS, value: owners.length === 0 ? null : owners };
}

function idOf(child: Name): string {
  return formatName(lowerName(child));
}

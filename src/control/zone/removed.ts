/**
 * What is kept of a removed zone for a time: its key, because a DS for it may stand at the parent and in caches; its serial, because
 * secondaries follow only a newer one; its records, because people remove the wrong zone.
 * Implements: RFC 4035 §5.2 (a DS without its key is bogus), RFC 1982 §3.2 (newer serials).
 * Not here: deciding the removal and the new zone (decide.ts).
 */
import { REMOVED_ZONES_KEPT_MAX, REMOVED_ZONE_KEPT_MS } from '#base/limits/zones.ts';
import { atZone } from '#base/place.ts';
import { type Problem, warning } from '#base/problem.ts';
import { type Name, equalNames, formatName } from '#dns/name.ts';
import { type Serial, addSerial, isNewer } from '#dns/serial.ts';
import { TYPE } from '#dns/types.ts';
import { hasFields, isArrayOf } from '#store/json.ts';
import { type StoreReader } from '#store/reader.ts';
import { type ZoneKeyRef, type ForeignKeyRef, isForeignKeyRef, isZoneKeyRef } from '#store/schema.ts';
import { type DocumentWrite, type SecretWrite } from '#store/writer.ts';
import { type RrsetChange, serialOf, soaSerial, withSoaSerial } from '#zone/changeset.ts';
import { ZONEMD_HASHES, type ZonemdHash } from '#zone/zonemd.ts';
import { type ServedZone } from '#control/commands/table.ts';
import { FileChanges } from './file-changes.ts';
import { type RemovedText, textOf } from './removed-text.ts';

const KIND = 'removed-zone';
const NO_ZONE = 0;

/** As it is stored; the secrets of its keys stand under zone id 0. */
export interface RemovedZone {
  readonly version: 1;
  readonly name: string;
  readonly serial: Serial;
  readonly dnssec: 'on' | 'off';
  readonly keys: readonly ZoneKeyRef[];
  readonly removedAtMs: number;
  readonly untilMs: number;
  readonly denial?: 'nsec3';
  readonly zonemd?: ZonemdHash;
  /** Of others who sign it too. */
  readonly foreignKeys?: readonly ForeignKeyRef[];
  /** Zone file of all its records but those of DNSSEC; absent when it was too large. */
  readonly text?: string;
}

/** What a decision writes. */
interface Writes {
  readonly documents: readonly DocumentWrite[];
  readonly secrets: readonly SecretWrite[];
}

function isRemovedZone(value: unknown): value is RemovedZone {
  return hasFields(value, {
    version: (version) => version === 1,
    name: 'string',
    serial: 'number',
    dnssec: 'string',
    keys: isArrayOf(isZoneKeyRef),
    removedAtMs: 'number',
    untilMs: 'number',
    denial: (denial) => denial === undefined || denial === 'nsec3',
    zonemd: (zonemd) => zonemd === undefined || ZONEMD_HASHES.some((hash) => hash === zonemd),
    foreignKeys: (keys) => keys === undefined || isArrayOf(isForeignKeyRef)(keys),
    text: 'string?',
  });
}

/** What is kept of the zone with this apex; undefined when nothing is, or its time is over. */
export function readRemovedZone(reader: StoreReader, apex: Name, nowMs: number): RemovedZone | undefined {
  const value = reader.document(NO_ZONE, KIND, formatName(apex));
  return isRemovedZone(value) && value.untilMs > nowMs ? value : undefined;
}

/** Keeps the zone that is being removed, and forgets those whose time is over. */
export function keepRemovedZone(
  reader: StoreReader,
  zone: ServedZone,
  nowMs: number,
  read?: RemovedText, // before this turn
): Writes & { readonly kept: RemovedZone } {
  const { record, view } = zone;
  const text = read?.revision === record.revision ? read.text : textOf(reader, zone);
  const kept: RemovedZone = {
    version: 1,
    name: formatName(view.apex),
    serial: record.serial,
    dnssec: record.dnssec,
    keys: record.keys,
    removedAtMs: nowMs,
    untilMs: nowMs + REMOVED_ZONE_KEPT_MS,
    ...(record.denial === undefined ? {} : { denial: record.denial }),
    ...(record.zonemd === undefined ? {} : { zonemd: record.zonemd }),
    ...(record.foreignKeys === undefined ? {} : { foreignKeys: record.foreignKeys }),
    ...(text === undefined ? {} : { text }),
  };
  const forgotten = forgetExpired(reader, nowMs, REMOVED_ZONES_KEPT_MAX - 1);
  return {
    kept,
    documents: [
      ...forgotten.documents.filter((each) => each.id !== kept.name),
      { zoneId: NO_ZONE, kind: KIND, id: kept.name, value: kept, dueAtMs: kept.untilMs },
    ],
    secrets: [
      ...forgotten.secrets,
      ...record.keys.map(({ id }) => ({ zoneId: NO_ZONE, id, value: reader.sealedSecret(record.id, id) ?? null })),
    ],
  };
}

/** Forgets removed zones whose time is over, and the first to expire where there are more than `keptMax`. */
export function forgetExpired(reader: StoreReader, nowMs: number, keptMax = REMOVED_ZONES_KEPT_MAX): Writes {
  const all = reader.due(Number.MAX_SAFE_INTEGER - 1, Number.MAX_SAFE_INTEGER, KIND);
  const tooMany = all.length - keptMax;
  const gone = all.filter(({ dueAtMs }, index) => dueAtMs <= nowMs || index < tooMany);
  const writes = gone.map(({ id }) => forgetRemovedZone(id, reader.document(NO_ZONE, KIND, id)));
  return { documents: writes.flatMap((each) => each.documents), secrets: writes.flatMap((each) => each.secrets) };
}

function forgetRemovedZone(name: string, value: unknown): Writes {
  const keys = isRemovedZone(value) ? value.keys : [];
  return {
    documents: [{ zoneId: NO_ZONE, kind: KIND, id: name, value: null }],
    secrets: keys.map(({ id }) => ({ zoneId: NO_ZONE, id, value: null })),
  };
}

/** The zone is there again under `zoneId`: the secrets of `keys` move to it, and nothing is kept any more. */
export function takeBack(reader: StoreReader, removed: RemovedZone, zoneId: number, keys: readonly ZoneKeyRef[]): Writes {
  const { documents, secrets } = forgetRemovedZone(removed.name, removed);
  const moved = keys.map(({ id }) => ({ zoneId, id, value: reader.sealedSecret(NO_ZONE, id) ?? null }));
  return { documents, secrets: [...secrets, ...moved] };
}

/** `changes` of a new zone, with a serial that secondaries of the removed one take for newer (RFC 1982 §3.2). */
export function withNewerSerial(apex: Name, changes: Iterable<RrsetChange>, { serial }: RemovedZone): Iterable<RrsetChange> {
  if (changes instanceof FileChanges)
    return isNewer(serialOf(changes.whole.view), serial) ? changes : changes.withSerial(addSerial(serial, 1));
  return [...changes].map((change) => {
    const { owner, type, rrset } = change;
    const [soa] = rrset?.rdatas ?? [];
    if (type !== TYPE.SOA || !equalNames(owner, apex) || rrset === null || soa === undefined) return change;
    if (isNewer(soaSerial(soa), serial)) return change;
    return { ...change, rrset: { ...rrset, rdatas: [withSoaSerial(soa, addSerial(serial, 1))] } };
  });
}

/** What the operator who removes a zone has to know. */
export function removalWarnings({ name, dnssec, keys, untilMs, text }: RemovedZone, isCatalog: boolean): Problem[] {
  const until = new Date(untilMs).toISOString().slice(0, 10);
  if (isCatalog) {
    const members = `its serial is kept until ${until}; servers that follow it keep its members`;
    return [warning('ZONE_KEPT', atZone(name), members, { fix: `make it again: waxseal catalog create ${name}` })];
  }
  const what = text === undefined ? 'its key and serial are' : 'its records, key and serial are';
  const back = text === undefined ? `import it again: waxseal zone import ${name} FILE` : `bring it back: waxseal zone restore ${name}`;
  const kept = warning('ZONE_KEPT', atZone(name), `${what} kept until ${until}; its mail policy and DKIM keys are not`, { fix: back });
  if (dnssec === 'off') return [kept];
  const tags = keys.map(({ keyTag }) => keyTag).join(', ');
  const whose = tags === '' ? 'a key' : `key ${tags}`;
  return [
    warning(
      'ZONE_REMOVED_DS',
      atZone(name),
      `while the parent has a DS record for ${whose} of ${name}, the name is bogus wherever it is served without that key`,
      { rfc: 'RFC 4035 §5.2', fix: 'remove the DS at your registrar' },
    ),
    kept,
  ];
}

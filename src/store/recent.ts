/**
 * What changed in each of the last generations, so that a reader that follows looks at nothing else: zones by id, and within a zone the
 * nodes, as long as they are few.
 * Not here: reading the zone records that changed (zone-table.ts).
 */
import { RECENT_GENERATIONS_MAX, RECENT_KEYS_BYTES_MAX, RECENT_KEYS_MAX } from '#base/limits/store.ts';
import { type OwnerKey } from '#dns/name.ts';

import { decodeJson, encodeJson, isArrayOf, isString } from './json.ts';
import { numberKey } from './schema.ts';
import { type Octets, type ReadOptions } from './store.ts';

/** What one generation, or several, changed in a zone that is still there. */
export interface ChangedZone {
  readonly zoneId: number;
  /** Nodes written or removed; `all` when they were too many to tell. */
  readonly keys: readonly OwnerKey[] | 'all';
  /** True when no node came or went and none changed its flags: a reader of only names and flags has nothing to do. */
  readonly sameNames: boolean;
}

/** As stored: a zone's id alone says that anything in it may have changed. */
type Stored = number | { readonly zone: number; readonly keys?: readonly OwnerKey[]; readonly sameNames: boolean };

/** Collects what one commit changes. */
export class ChangeLog {
  readonly #zones = new Map<number, { keys: OwnerKey[] | 'all'; bytes: number; sameNames: boolean }>();

  constructor(zoneIds: readonly number[]) {
    for (const id of zoneIds) this.#zones.set(id, { keys: [], bytes: 0, sameNames: true });
  }

  /** The zone is one of those given; `sameFlags`: the node was there before, with the same flags. */
  add(zoneId: number, key: OwnerKey, sameFlags: boolean): void {
    const zone = this.#zones.get(zoneId)!;
    if (!sameFlags) zone.sameNames = false;
    if (zone.keys === 'all') return;
    zone.keys.push(key);
    zone.bytes += key.length;
    if (zone.keys.length > RECENT_KEYS_MAX || zone.bytes > RECENT_KEYS_BYTES_MAX) zone.keys = 'all';
  }

  /** All of the zone was written anew; `sameNames`: no node came or went, and none changed its flags. */
  addAll(zoneId: number, sameNames: boolean): void {
    this.#zones.set(zoneId, { keys: 'all', bytes: 0, sameNames });
  }

  stored(): Stored[] {
    return [...this.#zones].map(([zone, { keys, sameNames }]) => (keys === 'all' ? { zone, sameNames } : { zone, keys, sameNames }));
  }
}

/** Inside the transaction that makes `generation`. */
export function rememberChanges(recent: Octets, generation: number, changes: ChangeLog, removed: readonly number[]): void {
  recent.putSync(numberKey(generation), encodeJson([...changes.stored(), ...removed]));
  if (generation > RECENT_GENERATIONS_MAX) recent.removeSync(numberKey(generation - RECENT_GENERATIONS_MAX));
}

/** What the generations after `from` up to `to` changed, by zone id, removed zones among them; undefined when that is not known any more. */
export function changesBetween(recent: Octets, from: number, to: number, read: ReadOptions): ReadonlyMap<number, ChangedZone> | undefined {
  // A generation that went back is a restored backup: nothing known about it holds.
  if (from < 0 || to < from || to - from > RECENT_GENERATIONS_MAX) return undefined;
  const changed = new Map<number, ChangedZone>();
  for (let each = from + 1; each <= to; each++) {
    const bytes = recent.get(numberKey(each), read);
    if (bytes === undefined) return undefined;
    for (const stored of decodeJson(bytes, 'changed zones', isArrayOf(isStored))) {
      const change = changedZone(stored);
      changed.set(change.zoneId, merged(changed.get(change.zoneId), change));
    }
  }
  return changed;
}

function changedZone(stored: Stored): ChangedZone {
  if (typeof stored === 'number') return { zoneId: stored, keys: 'all', sameNames: false };
  return { zoneId: stored.zone, keys: stored.keys ?? 'all', sameNames: stored.sameNames };
}

function merged(before: ChangedZone | undefined, change: ChangedZone): ChangedZone {
  if (before === undefined) return change;
  const keys = before.keys === 'all' || change.keys === 'all' ? 'all' : [...before.keys, ...change.keys];
  return { zoneId: change.zoneId, keys: keys.length > RECENT_KEYS_MAX ? 'all' : keys, sameNames: before.sameNames && change.sameNames };
}

function isStored(value: unknown): value is Stored {
  if (typeof value === 'number') return Number.isInteger(value);
  if (typeof value !== 'object' || value === null) return false;
  const fields = new Map<string, unknown>(Object.entries(value));
  const keys = fields.get('keys');
  return (
    Number.isInteger(fields.get('zone')) &&
    typeof fields.get('sameNames') === 'boolean' &&
    (keys === undefined || isArrayOf(isString)(keys))
  );
}

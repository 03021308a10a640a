/**
 * What a key may change by UPDATE: names, types, TTLs. As the `update-policy` of BIND, with one rule for each key.
 * Pure. Not here: zones (grants.ts), what is managed by others (control/zone/update-guard.ts).
 */
import { type Name, type OwnerKey, isAtOrBelow, labelOffsets, lowerName, nameOf, ownerKey } from '#dns/name.ts';
import { type RrType } from '#dns/types.ts';
import { equalBytes } from '#base/bytes.ts';
import { typeCode } from '#dns/registry.ts';
import { type GrantedKey } from './grants.ts';

/** As it is kept. Absent parts do not restrict. */
export interface UpdateRightsText {
  /**
   * Patterns, one of which the name must fit: `www.example.com.` that name; `*.example.com.` all names below;
   * `_acme-challenge.*` all names that begin with these labels; `{key}` the name of the key; `*.{key}` all below it.
   */
  readonly names?: readonly string[];
  /** Mnemonics. */
  readonly types?: readonly string[];
  /** Of records that are added, seconds. */
  readonly ttlMin?: number;
  readonly ttlMax?: number;
}

export interface UpdateRights {
  mayName(owner: Name): boolean;
  mayType(type: RrType): boolean;
  mayTtl(ttl: number): boolean;
}

/** A key that grants UPDATE, with what it may change. */
export interface UpdateKey extends GrantedKey {
  readonly rights: UpdateRights;
}

/** The key's name in a pattern. */
export const KEY_PATTERN = '{key}';
const BELOW = '*.';
const ANY_END = '.*';

/** `text` has passed the check of who made the key: a bad one is a bug of ours. */
export function readUpdateRights(text: UpdateRightsText, key: Name): UpdateRights {
  const patterns = text.names?.map((each) => pattern(each, key));
  const types = text.types === undefined ? undefined : new Set(text.types.map((each) => typeCode(each)));
  const { ttlMin = 0, ttlMax = Infinity } = text;
  return {
    mayName: (owner) => patterns === undefined || patterns.some((fits) => fits(owner)),
    mayType: (type) => types === undefined || types.has(type),
    mayTtl: (ttl) => ttl >= ttlMin && ttl <= ttlMax,
  };
}

function pattern(text: string, key: Name): (owner: Name) => boolean {
  if (text === '*') return () => true;
  if (text.endsWith(ANY_END)) return beginsWith(nameOf(text.slice(0, -1)));
  if (text === KEY_PATTERN) return isSame(ownerKey(key));
  if (text === BELOW + KEY_PATTERN) return isBelow(ownerKey(key));
  return text.startsWith(BELOW) ? isBelow(ownerKey(nameOf(text.slice(BELOW.length)))) : isSame(ownerKey(nameOf(text)));
}

function isSame(key: OwnerKey): (owner: Name) => boolean {
  return (owner) => ownerKey(owner) === key;
}

function isBelow(key: OwnerKey): (owner: Name) => boolean {
  return (owner) => {
    const own = ownerKey(owner);
    return own !== key && isAtOrBelow(own, key);
  };
}

/** `start`: the labels, then the root. */
function beginsWith(start: Name): (owner: Name) => boolean {
  const labels = lowerName(start).subarray(0, -1);
  const count = labelOffsets(start).length;
  return (owner) => {
    const at = labelOffsets(owner)[count];
    if ((at ?? owner.length - 1) !== labels.length) return false;
    return equalBytes(lowerName(owner).subarray(0, labels.length), labels);
  };
}

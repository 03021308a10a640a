/**
 * Search over the zones that a sender may see. What is asked by name is found by the canonical order of keys: the zone,
 * then the names at and below it. What is asked by text is compared with each RRset, a bounded number of names for each
 * request, in slices with pauses.
 * Not here: the routes (route.ts, admin/powerdns/search.ts).
 */
import { setImmediate as pause } from 'node:timers/promises';
import { SEARCH_NAMES_MAX, SEARCH_SLICE_NAMES } from '#base/limits/search.ts';
import { type Name, type OwnerKey, isAtOrBelow, nameOf, ownerKey, parentKey } from '#dns/name.ts';
import type { ControlApi, ListedZone } from '#control/api/control.ts';
import type { ZoneRecord } from '#store/schema.ts';
import type { NodeRrset, ZoneNode, ZoneView } from '#zone/view.ts';
import { allows } from '#admin/http/access.ts';
import { visibleZones } from '#admin/http/find-zone.ts';
import type { Identity } from '#admin/http/identity.ts';
import { recordScope } from '#admin/http/record-scope.ts';

export interface Wanted {
  /** Only names at or below this one; absent: all. */
  readonly below?: Name;
  /** Only some RRsets; the sender may see them. */
  readonly matches: (owner: Name, rrset: NodeRrset) => boolean;
}

export interface Found {
  readonly zone: ZoneRecord;
  readonly owner: Name;
  readonly rrset: NodeRrset;
}

/** A place in the order of zones and names: the first name that was not looked at. */
export interface SearchPlace {
  readonly zoneKey: OwnerKey;
  readonly ownerKey: OwnerKey;
}

export interface SearchPage {
  readonly found: readonly Found[];
  /** Absent: everything was looked at. */
  readonly next?: SearchPlace;
}

export interface SearchLimits {
  readonly from?: SearchPlace | undefined;
  /** A name is shown with all its RRsets that match, so a page may have some more. */
  readonly limit: number;
  readonly namesMax?: number;
}

/** RRsets in the order of zones and names, of what `identity` may read. */
export async function search(
  control: ControlApi,
  identity: Identity,
  wanted: Wanted,
  { from, limit, namesMax = SEARCH_NAMES_MAX }: SearchLimits,
): Promise<SearchPage> {
  const found: Found[] = [];
  let left = namesMax;
  let sincePause = 0;
  for (const { apexKey: zoneKey } of wantedZones(control, identity, wanted.below, from?.zoneKey)) {
    let at: OwnerKey | undefined = startIn(
      zoneKey,
      from?.zoneKey === zoneKey ? from.ownerKey : undefined,
      wanted.below,
    );
    while (at !== undefined) {
      if (left <= 0 || found.length >= limit) return { found, next: { zoneKey, ownerKey: at } };
      // Anew for each slice: a change in the pause is seen, and a zone that went is not.
      const zone = control.zones.byKey(zoneKey);
      if (zone === undefined) break;
      const most = { names: Math.min(left, SEARCH_SLICE_NAMES), rrsets: limit - found.length };
      const slice = lookAtSlice({ zone, zoneKey, view: control.zones.shown(zone) }, identity, at, wanted, most);
      found.push(...slice.found);
      left -= slice.looked;
      at = slice.next;
      sincePause += slice.looked;
      if (sincePause < SEARCH_SLICE_NAMES) continue;
      sincePause = 0;
      await pause();
    }
  }
  return { found };
}

/** Zones that may have what is wanted, in their order. A zone that the sender may not see costs nothing more. */
function* wantedZones(
  { zones }: Pick<ControlApi, 'zones'>,
  identity: Identity,
  below: Name | undefined,
  from: OwnerKey | undefined,
): Generator<ListedZone> {
  if (below === undefined) {
    // The one that the cursor is in, and those after it.
    const first = from === undefined ? undefined : zones.byKey(from);
    if (first !== undefined && allows(identity, 'rrset-read', from)) yield { record: first, apexKey: from! };
    yield* visibleZones({ zones }, identity, from);
    return;
  }
  for (const zone of zonesOf(zones, ownerKey(below)))
    if ((from === undefined || zone.apexKey >= from) && allows(identity, 'rrset-read', zone.apexKey)) yield zone;
}

/** Those above `key`, from the root on, then those at and below it. */
function zonesOf(zones: ControlApi['zones'], key: OwnerKey): readonly ListedZone[] {
  const above: ListedZone[] = [];
  for (let at = key; at !== ROOT_KEY;) {
    at = parentKey(at);
    const record = zones.byKey(at);
    if (record !== undefined) above.unshift({ record, apexKey: at });
  }
  return [...above, ...zones.atOrBelow(key)];
}

const ROOT_KEY = ownerKey(nameOf('.'));

function startIn(zoneKey: OwnerKey, from: OwnerKey | undefined, below: Name | undefined): OwnerKey {
  const belowKey = below === undefined ? zoneKey : ownerKey(below);
  const first = belowKey > zoneKey ? belowKey : zoneKey;
  // A cursor comes from outside: what is not in the zone starts at its first name.
  return from !== undefined && from > first && isAtOrBelow(from, zoneKey) ? from : first;
}

interface Slice {
  readonly found: readonly Found[];
  readonly looked: number;
  readonly next: OwnerKey | undefined;
}

function lookAtSlice(
  { zone, zoneKey, view }: { readonly zone: ZoneRecord; readonly zoneKey: OwnerKey; readonly view: ZoneView },
  identity: Identity,
  from: OwnerKey,
  { below, matches }: Wanted,
  most: { readonly names: number; readonly rrsets: number },
): Slice {
  const scope = recordScope(identity, 'read', zoneKey);
  const endKey = below === undefined ? zoneKey : ownerKey(below);
  const found: Found[] = [];
  let looked = 0;
  for (const node of view.ascend(from)) {
    if (endKey > zoneKey && !isAtOrBelow(node.key, endKey)) break;
    if (looked >= most.names || found.length >= most.rrsets) return { found, looked, next: node.key };
    looked++;
    found.push(...inNode(node).map((rrset) => ({ zone, owner: node.owner, rrset })));
  }
  return { found, looked, next: undefined };

  function inNode({ owner, rrsets }: ZoneNode): readonly NodeRrset[] {
    return rrsets.filter((rrset) => scope.has(owner, rrset.type) && matches(owner, rrset));
  }
}

/** Whether a text contains `pattern`, or fits it where it has `*` (any text) or `?` (one character); any case. */
export function textMatcher(pattern: string, isWhole: boolean): (text: string) => boolean {
  const lower = pattern.toLowerCase();
  if (!/[*?]/.test(lower))
    return (text) => (isWhole ? text.toLowerCase() === lower : text.toLowerCase().includes(lower));
  return (text) => fits(text.toLowerCase(), lower);
}

/** Goes back to the last `*` alone, so that it takes text × pattern steps at most. */
function fits(text: string, pattern: string): boolean {
  let [at, step, retryAt, retryStep] = [0, 0, 0, -1];
  while (at < text.length) {
    if (pattern[step] === '*') [retryAt, retryStep] = [at, step++];
    else if (pattern[step] === '?' || pattern[step] === text[at]) [at, step] = [at + 1, step + 1];
    else if (retryStep >= 0) [at, step] = [++retryAt, retryStep + 1];
    else return false;
  }
  return /^\**$/.test(pattern.slice(step));
}

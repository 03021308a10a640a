/**
 * Search over the zones that a sender may see. What is asked by name is found by the canonical order of keys: the zone,
 * then the names at and below it. What is asked by text is found by an index, where there is one; else each name is
 * looked at. A request looks at a bounded number of names, in slices with pauses.
 * Not here: the routes (route.ts, admin/powerdns/search.ts), the index (control/search/).
 */
import { setImmediate as pause } from 'node:timers/promises';
import { SEARCH_INDEX_NAMES_MIN, SEARCH_NAMES_MAX, SEARCH_SLICE_NAMES } from '#base/limits/search.ts';
import { type Name, type OwnerKey, isAtOrBelow, nameOf, ownerKey, parentKey } from '#dns/name.ts';
import type { ControlApi, ListedZone } from '#control/api/control.ts';
import type { SearchPlace, WantedContents } from '#control/api/search.ts';
import type { ZoneRecord } from '#store/schema.ts';
import type { NodeRrset, ZoneNode, ZoneView } from '#zone/view.ts';
import { allows, seesAllZones } from '#admin/http/access.ts';
import { visibleZones } from '#admin/http/find-zone.ts';
import type { Identity } from '#admin/http/identity.ts';
import { type RecordScope, recordScope } from '#admin/http/record-scope.ts';

export interface Wanted {
  /** Only names at or below this one; absent: all. */
  readonly below?: Name;
  /** What of a name's contents is wanted, where an index can tell; absent: it cannot. `matches` decides besides. */
  readonly contents?: WantedContents | undefined;
  /** Only some RRsets; the sender may see them. */
  readonly matches: (owner: Name, rrset: NodeRrset) => boolean;
}

export interface Found {
  readonly zone: ZoneRecord;
  readonly owner: Name;
  readonly rrset: NodeRrset;
}

export interface SearchPage {
  readonly found: readonly Found[];
  /** The first name that was not looked at; absent: everything was. */
  readonly next?: SearchPlace;
}

export interface SearchLimits {
  readonly from?: SearchPlace | undefined;
  /** A name is shown with all its RRsets that match, so a page may have some more. */
  readonly limit: number;
  readonly namesMax?: number;
}

/** What a search reads. */
export interface Searched {
  readonly zones: Pick<ControlApi['zones'], 'after' | 'atOrBelow' | 'byKey' | 'shown' | 'contents'>;
}

/** RRsets in the order of zones and names, of what `identity` may read. */
export async function search(
  control: Searched,
  identity: Identity,
  wanted: Wanted,
  { from, limit, namesMax = SEARCH_NAMES_MAX }: SearchLimits,
): Promise<SearchPage> {
  const walk = new Walk(control, identity, wanted, { limit, left: namesMax });
  const indexed = await walk.byIndex(from);
  if (indexed.isDone) return walk.page(indexed.next);
  return walk.page(await walk.all(indexed.next));
}

/** Where a walk has stopped. `isDone` false: what is from `next` on was not looked at, because no index can tell. */
interface Stopped {
  readonly isDone: boolean;
  readonly next: SearchPlace | undefined;
}

/** One request's way through zones and names. */
class Walk {
  readonly #control: Searched;
  readonly #identity: Identity;
  readonly #wanted: Wanted;
  readonly #limit: number;
  readonly #found: Found[] = [];
  /** Names that may still be looked at. */
  #left: number;
  #sincePause = 0;

  constructor(
    control: Searched,
    identity: Identity,
    wanted: Wanted,
    { limit, left }: { readonly limit: number; readonly left: number },
  ) {
    [this.#control, this.#identity, this.#wanted] = [control, identity, wanted];
    [this.#limit, this.#left] = [limit, left];
  }

  page(next: SearchPlace | undefined): SearchPage {
    return next === undefined ? { found: this.#found } : { found: this.#found, next };
  }

  get #isFull(): boolean {
    return this.#left <= 0 || this.#found.length >= this.#limit;
  }

  /** Looks at every name from `from` on. Where it has stopped; undefined: everything was looked at. */
  async all(from: SearchPlace | undefined): Promise<SearchPlace | undefined> {
    const { below } = this.#wanted;
    for (const { apexKey: zoneKey } of wantedZones(this.#control, this.#identity, below, from?.zoneKey)) {
      const start = startIn(zoneKey, from?.zoneKey === zoneKey ? from.ownerKey : undefined, below);
      const next = await this.#throughZone({ zoneKey, ownerKey: start });
      if (next !== undefined) return next;
    }
    return undefined;
  }

  /** Looks where the index says. */
  async byIndex(from: SearchPlace | undefined): Promise<Stopped> {
    const { contents, below } = this.#wanted;
    const zones =
      contents === undefined ? undefined : indexedZones(this.#control, this.#identity, below, from?.zoneKey);
    if (contents === undefined || zones === undefined) return { isDone: false, next: from };
    const belowKey = below === undefined ? undefined : ownerKey(below);
    for (let at = from; ;) {
      const answer = await this.#control.zones.contents.find({ ...contents, zones, below: belowKey, from: at });
      if (answer === undefined) return { isDone: false, next: at };
      for (const step of answer.steps) {
        const place = { zoneKey: step.zoneKey, ownerKey: step.ownerKey };
        const next = step.isWhole ? await this.#throughZone(place) : await this.#atName(place);
        if (next !== undefined) return { isDone: true, next };
      }
      // Only now: a request that could not look at one name would never come further.
      this.#left -= answer.looked;
      if (answer.next === undefined || this.#isFull) return { isDone: true, next: answer.next };
      at = answer.next;
    }
  }

  async #throughZone({ zoneKey, ownerKey: first }: SearchPlace): Promise<SearchPlace | undefined> {
    let at: OwnerKey | undefined = first;
    while (at !== undefined) {
      if (this.#isFull) return { zoneKey, ownerKey: at };
      const zone = this.#zone(zoneKey);
      if (zone === undefined) break;
      const most = { names: Math.min(this.#left, SEARCH_SLICE_NAMES), rrsets: this.#limit - this.#found.length };
      const slice = lookAtSlice(zone, this.#identity, at, this.#wanted, most);
      this.#found.push(...slice.found);
      this.#left -= slice.looked;
      at = slice.next;
      await this.#pauseAfter(slice.looked);
    }
    return undefined;
  }

  /** The index has looked at the name, so it is not counted again. */
  async #atName(place: SearchPlace): Promise<SearchPlace | undefined> {
    if (this.#found.length >= this.#limit) return place;
    const zone = this.#zone(place.zoneKey);
    const node = zone?.view.node(place.ownerKey);
    if (zone !== undefined && node !== undefined)
      this.#found.push(...inNode(zone, recordScope(this.#identity, 'read', place.zoneKey), this.#wanted, node));
    await this.#pauseAfter(1);
    return undefined;
  }

  /** Anew for each slice: a change in the pause is seen, and a zone that went is not. */
  #zone(zoneKey: OwnerKey): ShownZone | undefined {
    const { zones } = this.#control;
    const zone = zones.byKey(zoneKey);
    if (zone === undefined || !allows(this.#identity, 'rrset-read', zoneKey)) return undefined;
    return { zone, zoneKey, view: zones.shown(zone) };
  }

  async #pauseAfter(looked: number): Promise<void> {
    this.#sincePause += looked;
    if (this.#sincePause < SEARCH_SLICE_NAMES) return;
    this.#sincePause = 0;
    await pause();
  }
}

interface ShownZone {
  readonly zone: ZoneRecord;
  readonly zoneKey: OwnerKey;
  readonly view: ZoneView;
}

/**
 * Zones that the index is asked about. Undefined: it is not asked. A sender that sees only some RRsets of a zone must
 * not learn from the time of an answer what else is in it, so all its names are looked at; so are those of few names.
 */
function indexedZones(
  control: Searched,
  identity: Identity,
  below: Name | undefined,
  from: OwnerKey | undefined,
): 'all' | readonly number[] | undefined {
  if (seesAllZones(identity)) return 'all';
  const zones = [...wantedZones(control, identity, below, from)];
  const names = zones.reduce((sum, { record }) => sum + record.nodeCount, 0);
  const isWhole = zones.every(({ apexKey }) => allows(identity, 'zone-read', apexKey));
  return isWhole && names > SEARCH_INDEX_NAMES_MIN ? zones.map(({ record }) => record.id) : undefined;
}

/** Zones that may have what is wanted, in their order. A zone that the sender may not see costs nothing more. */
function* wantedZones(
  { zones }: Searched,
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
function zonesOf(zones: Searched['zones'], key: OwnerKey): readonly ListedZone[] {
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
  zone: ShownZone,
  identity: Identity,
  from: OwnerKey,
  wanted: Wanted,
  most: { readonly names: number; readonly rrsets: number },
): Slice {
  const { zoneKey, view } = zone;
  const scope = recordScope(identity, 'read', zoneKey);
  const endKey = wanted.below === undefined ? zoneKey : ownerKey(wanted.below);
  const found: Found[] = [];
  let looked = 0;
  for (const node of view.ascend(from)) {
    if (endKey > zoneKey && !isAtOrBelow(node.key, endKey)) break;
    if (looked >= most.names || found.length >= most.rrsets) return { found, looked, next: node.key };
    looked++;
    found.push(...inNode(zone, scope, wanted, node));
  }
  return { found, looked, next: undefined };
}

function inNode(
  { zone }: ShownZone,
  scope: RecordScope,
  { matches }: Wanted,
  { owner, rrsets }: ZoneNode,
): readonly Found[] {
  const matching = rrsets.filter((rrset) => scope.has(owner, rrset.type) && matches(owner, rrset));
  return matching.map((rrset) => ({ zone, owner, rrset }));
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

/**
 * Answers of the index: names that have what is wanted, in the order of zones and names, each looked at as it is now.
 * Of what is not indexed an answer has the whole zone.
 * Not here: the index (content-index.ts), rights (admin/search/).
 */
import {
  SEARCH_INDEX_LOOK_NAMES,
  SEARCH_KEPT_PLACES,
  SEARCH_KEPT_RESULTS,
  SEARCH_STEPS_MAX,
} from '#base/limits/search.ts';
import { type OwnerKey, compareKeys, isAtOrBelow } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { readAliases } from '#store/alias/aliases.ts';
import { aliasedView } from '#zone/alias/alias.ts';
import { type ZoneNode, type ZoneView } from '#zone/view.ts';
import { type IndexAnswer, type IndexQuestion, type IndexStep, type WantedContents } from '#control/api/search.ts';
import { type ContentIndex, type IndexedZone } from './content-index.ts';
import { codesOf, textOfNode } from './node-text.ts';
import { type Part } from './part.ts';

/** Names of a zone from the first to the last, both with it; without a last one: to its end, and unknown. */
interface Place {
  readonly zone: IndexedZone;
  readonly first: OwnerKey;
  readonly last: OwnerKey | undefined;
}

/** A zone as searches see it; without a view: it is gone. */
interface ShownZone {
  readonly zone: IndexedZone;
  readonly view: ZoneView | undefined;
}

export class Finder {
  readonly #index: ContentIndex;
  /** By question, the last used one last; all of one version of the index. */
  readonly #kept = new Map<string, readonly Place[]>();
  #keptVersion = -1;

  constructor(index: ContentIndex) {
    this.#index = index;
  }

  /** From the index as it is; `follow` it before. */
  find(question: IndexQuestion): IndexAnswer {
    const { from } = question;
    const places = this.#places(question);
    const steps: IndexStep[] = [];
    let looked = 0;
    let shown: ShownZone | undefined;
    /** What of the zone is in the answer already or has been looked at: names before this one. */
    let reached = '';
    for (let at = from === undefined ? 0 : firstOf(places, from.zoneKey); at < places.length; at++) {
      const { zone, first, last } = places[at]!;
      const { apexKey: zoneKey } = zone;
      if (places[at - 1]?.zone !== zone) reached = startIn(zone, from);
      const start = first > reached ? first : reached;
      if (last !== undefined && start > last) continue;
      const isFull = steps.length >= SEARCH_STEPS_MAX || looked >= SEARCH_INDEX_LOOK_NAMES;
      if (isFull) return { steps, looked, next: { zoneKey, ownerKey: start } };
      if (last === undefined) {
        steps.push({ zoneKey, ownerKey: start, isWhole: true });
        while (places[at + 1]?.zone === zone) at++;
        continue;
      }
      if (shown?.zone !== zone) shown = this.#show(zone);
      for (const node of shown.view?.ascend(start) ?? []) {
        if (node.key > last) break;
        // Names may have come between the two.
        if (looked >= SEARCH_INDEX_LOOK_NAMES) return { steps, looked, next: { zoneKey, ownerKey: node.key } };
        looked++;
        if (isWanted(node, question)) steps.push({ zoneKey, ownerKey: node.key, isWhole: false });
      }
      reached = `${last}\u0000`;
    }
    return { steps, looked };
  }

  #show(zone: IndexedZone): ShownZone {
    const { reader } = this.#index;
    const record = reader.zoneById(zone.id);
    if (record === undefined) return { zone, view: undefined };
    return { zone, view: aliasedView(reader.view(record), readAliases(reader, zone.id)) };
  }

  /** Where it may be, in order. */
  #places({ from: _from, ...question }: IndexQuestion): readonly Place[] {
    const { version } = this.#index;
    if (this.#keptVersion !== version) this.#kept.clear();
    this.#keptVersion = version;
    const key = JSON.stringify(question);
    const places = this.#kept.get(key) ?? this.#collect(question);
    this.#kept.delete(key);
    this.#kept.set(key, places);
    let count = [...this.#kept.values()].reduce((sum, { length }) => sum + length, 0);
    for (const [oldest, { length }] of this.#kept) {
      const isFew = this.#kept.size <= SEARCH_KEPT_RESULTS && count <= SEARCH_KEPT_PLACES;
      if (isFew || oldest === key) break;
      this.#kept.delete(oldest);
      count -= length;
    }
    return places;
  }

  #collect(question: IndexQuestion): readonly Place[] {
    const { zones: all, shared, unindexed, touched } = this.#index;
    const byZone = new Map<IndexedZone, Place[]>();
    const add = (zone: IndexedZone, first: OwnerKey, last: OwnerKey | undefined): void => {
      const list = byZone.get(zone);
      if (list === undefined) byZone.set(zone, [{ zone, first, last }]);
      else list.push({ zone, first, last });
    };
    const codes = codesOf(question);
    const inPart = (part: Part): void =>
      part.find(codes, (id, first, last) => {
        const zone = all.get(id);
        if (zone?.part === part) add(zone, first, last);
      });
    const asked = question.zones === 'all' ? undefined : new Set(question.zones.flatMap((id) => all.get(id) ?? []));
    const parts = asked === undefined ? this.#index.parts : [...asked].flatMap(({ part }) => part ?? []);
    // Not in the shared part for who may not see all that is in it: what it has of others must not cost any time.
    for (const part of new Set(parts)) if (asked === undefined || part !== shared) inPart(part);
    for (const zone of asked ?? unindexed)
      if (zone.part === undefined || (asked !== undefined && zone.part === shared)) add(zone, zone.apexKey, undefined);
    for (const zone of asked ?? touched)
      if (zone.part !== undefined) for (const key of changedIn(zone, question)) add(zone, key, key);
    const inOrder = [...byZone.values()].toSorted(([a], [b]) => compareKeys(a!.zone.apexKey, b!.zone.apexKey));
    const places = inOrder.flatMap((list) => list.toSorted(byFirst));
    return question.below === undefined ? places : within(places, question.below);
  }
}

/** Names of the zone that no part has as they are now, and that may have what is wanted. */
function* changedIn({ texts, unread, aliases }: IndexedZone, { parts, type }: WantedContents): Generator<OwnerKey> {
  const isIn = (text: string): boolean => parts.every((part) => text.includes(part));
  yield* unread;
  for (const [key, text] of texts) if (isIn(text)) yield key;
  if (type === undefined || type === TYPE.ALIAS) for (const [key, text] of aliases) if (isIn(text)) yield key;
}

/** A place without an end first: it has all others of its zone. */
function byFirst(a: Place, b: Place): number {
  return compareKeys(a.first, b.first) || (a.last === undefined ? -1 : 1);
}

/** What of the places is at or below a name. */
function within(places: readonly Place[], below: OwnerKey): readonly Place[] {
  return places.flatMap((place) => {
    const { zone, first, last } = place;
    if (isAtOrBelow(zone.apexKey, below)) return [place];
    if (!isAtOrBelow(below, zone.apexKey)) return [];
    if (last !== undefined && last < below) return [];
    if (first > below && !isAtOrBelow(first, below)) return [];
    return [{ zone, first: first > below ? first : below, last }];
  });
}

/** Number of the first place in this zone or behind it. */
function firstOf(places: readonly Place[], zoneKey: OwnerKey): number {
  let [from, to] = [0, places.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (compareKeys(places[middle]!.zone.apexKey, zoneKey) < 0) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** The first name of the zone that is of interest. */
function startIn({ apexKey }: IndexedZone, from: IndexQuestion['from']): OwnerKey {
  const isIn = from?.zoneKey === apexKey && isAtOrBelow(from.ownerKey, apexKey);
  return isIn ? from.ownerKey : apexKey;
}

function isWanted(node: ZoneNode, { parts, type, manager, below }: Omit<IndexQuestion, 'zones'>): boolean {
  const { key, rrsets } = node;
  if (below !== undefined && !isAtOrBelow(key, below)) return false;
  if (!rrsets.some((rrset) => (type ?? rrset.type) === rrset.type && (manager ?? rrset.manager) === rrset.manager))
    return false;
  if (parts.length === 0) return true;
  const text = textOfNode(node);
  return parts.every((part) => text.includes(part));
}

/**
 * ALIAS records in a change: what a change by hand makes of them, which addresses stand for them, and what they may not
 * stand beside.
 * Implements: docs/adr/0040-alias.md.
 * Not here: looks after the change (control/alias/upkeep.ts), what follows from a look (zone/alias/alias.ts).
 */
import { ALIAS_CHAIN_MAX, ALIAS_PER_ZONE_MAX } from '#base/limits/alias.ts';
import { type Problem, type Result, fail, hasErrors, ok, problem, warning } from '#base/problem.ts';
import {
  type Name,
  type OwnerKey,
  equalNames,
  formatName,
  lowerName,
  nameOf,
  ownerKey,
  parentName,
} from '#dns/name.ts';
import { placeOfRrset } from '#dns/place.ts';
import { typeName } from '#dns/registry.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { findAlias } from '#store/alias/aliases.ts';
import { type StoreReader } from '#store/reader.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type RrsetChange } from '#zone/changeset.ts';
import {
  ADDRESS_TYPES,
  type Alias,
  type AliasLook,
  aliasKey,
  judgeLook,
  newWatch,
  publishedTtl,
} from '#zone/alias/alias.ts';
import { type ZoneView, rrsetOf } from '#zone/view.ts';
import { type ChangeRules, checkChanges } from './change-rules.ts';
import { FileChanges } from './file-changes.ts';

const UNCHANGED = 'nothing was changed';

/** Looks at targets, by the owner key of the target. */
export type AliasLooks = ReadonlyMap<OwnerKey, AliasLook>;

export interface AliasSettings {
  readonly reader: StoreReader;
  /** Whether names of other servers can be looked up. */
  readonly hasResolvers: boolean;
  /** Counted time. */
  readonly nowMs: () => number;
}

/** A change with the ALIAS records in it, on the zone as it is. */
export interface AliasedChange {
  readonly record: ZoneRecord | undefined;
  readonly view: ZoneView;
  readonly before: readonly Alias[];
  /** ALIAS RRsets among them; made on a view without the addresses that stand for them. */
  readonly changes: Iterable<RrsetChange>;
  readonly looks: AliasLooks;
  readonly rules: ChangeRules;
  /** Owners whose addresses in `changes` are what stood for their ALIAS when a file was written. */
  readonly expanded?: ReadonlySet<OwnerKey>;
}

type ListedChange = AliasedChange & { readonly changes: readonly RrsetChange[] };

export interface SettledAliases {
  /** Of records that a zone has. */
  readonly changes: Iterable<RrsetChange>;
  readonly aliases: readonly Alias[];
  /** Whether `aliases` have to be written. */
  readonly isChanged: boolean;
}

/** The changes without ALIAS RRsets, with the addresses that stand for them; or every problem. */
export function settleAliases(asked: AliasedChange, settings: AliasSettings): Result<SettledAliases> {
  const { view, before } = asked;
  // Most zones have none.
  const isPlain = asked.changes instanceof FileChanges && !asked.changes.has(TYPE.ALIAS);
  if (isPlain && before.length === 0) return ok({ changes: asked.changes, aliases: before, isChanged: false });
  const changes = [...asked.changes];
  const change = { ...asked, changes };
  const old = new Map(before.map((alias) => [aliasKey(alias), alias]));
  const { after, touched, problems } = aliasesAfter(change, old, settings);
  if (touched.size === 0 && after.size === 0) return ok({ changes, aliases: before, isChanged: false });
  const plain = changes.filter(({ type }) => type !== TYPE.ALIAS);
  const settled = new Settled(change, plain, after);
  for (const key of touched) {
    const alias = after.get(key);
    if (alias === undefined) settled.leave(key, nameOf(old.get(key)!.owner));
    else after.set(key, settled.follow(key, alias, settings.nowMs()));
  }
  problems.push(...settled.problems);
  if (hasErrors(problems)) return fail(...problems);
  const misplaced = placeProblems(view, settled, change.rules);
  if (misplaced.length > 0) return fail(...misplaced, ...problems);
  const aliases = [...after.values()];
  const isChanged = touched.size > 0 && JSON.stringify(aliases) !== JSON.stringify(before);
  return ok({ changes: settled.changes(), aliases, isChanged }, problems);
}

/** The ALIAS records of the zone after the change, and the owners of those that the change names. */
function aliasesAfter(change: ListedChange, old: ReadonlyMap<OwnerKey, Alias>, settings: AliasSettings) {
  const { record, view, changes } = change;
  const after = new Map(old);
  const touched = new Set<OwnerKey>();
  const problems: Problem[] = [];
  const cuts = cutsOf(changes);
  for (const { owner, type, rrset } of changes) {
    if (type !== TYPE.ALIAS) continue;
    const key = ownerKey(owner);
    if (rrset === null) {
      if (after.delete(key)) touched.add(key);
      continue;
    }
    touched.add(key);
    const target = rrset.rdatas[0]!;
    const known = old.get(key);
    const isSame = known !== undefined && equalNames(nameOf(known.target), target);
    const against = isSame
      ? undefined
      : whyNot({ owner, target, count: rrset.rdatas.length, record, view, cuts }, settings);
    if (against !== undefined || rrset.rdatas.length > 1) problems.push(against ?? manyTargets(owner));
    const watch = isSame ? known.watch : newWatch(settings.nowMs());
    after.set(key, { owner: formatName(owner), target: formatName(target), ttl: rrset.ttl, watch });
  }
  if (after.size > ALIAS_PER_ZONE_MAX && after.size > old.size) {
    const why = `the zone would have ${after.size} ALIAS records, and ${ALIAS_PER_ZONE_MAX} is the limit; ${UNCHANGED}`;
    problems.push(
      problem('ALIAS_LIMIT', placeOfRrset(view.apex, TYPE.ALIAS), why, { fix: 'use CNAME below the apex' }),
    );
  }
  return { after, touched, problems };
}

interface Asked {
  readonly owner: Name;
  readonly target: Name;
  readonly count: number;
  readonly record: ZoneRecord | undefined;
  readonly view: ZoneView;
  readonly cuts: Cuts;
}

/** Why the ALIAS cannot be followed at all. */
function whyNot(
  { owner, target, count, record, view, cuts }: Asked,
  { reader, hasResolvers }: AliasSettings,
): Problem | undefined {
  const at = placeOfRrset(owner, TYPE.ALIAS);
  const name = formatName(owner);
  if (count > 1) return manyTargets(owner);
  const kind = closedKind(record);
  if (kind !== undefined) {
    const why = `${name} ALIAS: ${record!.name} is ${kind}, and its records come from elsewhere; ${UNCHANGED}`;
    return problem('ALIAS_ZONE', at, why, { fix: 'put it where the zone is changed, as A and AAAA' });
  }
  if (equalNames(owner, target) || leadsTo(reader, target, owner)) {
    const why = `${name} ALIAS ${formatName(target)} leads back to ${name}: it would have no address; ${UNCHANGED}`;
    return problem('ALIAS_LOOP', at, why, { fix: 'name the host that has the addresses' });
  }
  if (isBelowCut(view, cuts, owner)) {
    const why = `${name} ALIAS: it would never be answered, below a delegation or a DNAME; ${UNCHANGED}`;
    return problem('ALIAS_PLACE', at, why, { fix: 'put it into the zone that the name is delegated to' });
  }
  if (hasResolvers || servedZoneOf(reader, target) !== undefined || isInZone(target, view)) return undefined;
  const why =
    `${name} ALIAS ${formatName(target)}: the target is in no zone of this server, and no resolver is configured ` +
    'that could be asked for its addresses; nothing was changed';
  return problem('ALIAS_NO_RESOLVER', at, why, {
    fix: 'name recursive servers: mail.resolvers = ["192.0.2.53"] in waxseal.toml',
  });
}

function manyTargets(owner: Name): Problem {
  const why = `${formatName(owner)} ALIAS has more than one target; nothing was changed`;
  return problem('ALIAS_MULTIPLE', placeOfRrset(owner, TYPE.ALIAS), why, { fix: 'give one target' });
}

/** What kind of zone it is that no ALIAS can be in. */
function closedKind(record: ZoneRecord | undefined): string | undefined {
  if (record?.secondary !== undefined) return 'a secondary zone';
  if (record?.presigned !== undefined) return 'pre-signed';
  return record?.isCatalog === true ? 'a catalog' : undefined;
}

/** The changes of one decision while addresses are put in place of ALIAS records. */
class Settled {
  readonly problems: Problem[] = [];
  readonly #change: AliasedChange;
  readonly #changes = new Map<string, RrsetChange>();
  readonly #expanded = new Map<string, RrsetChange>();
  /** Names that will have an ALIAS and no address yet. */
  readonly bare: Name[] = [];

  constructor(change: AliasedChange, plain: readonly RrsetChange[], after: ReadonlyMap<OwnerKey, Alias>) {
    this.#change = change;
    for (const each of plain) {
      const key = ownerKey(each.owner);
      const alias = after.get(key);
      const isAddress = ADDRESS_TYPES.some((type) => type === each.type);
      if (alias === undefined || !(isAddress || each.type === TYPE.CNAME)) this.#set(key, each);
      else if (isAddress && change.expanded?.has(key) === true) this.#expanded.set(`${key}/${each.type}`, each);
      else if (each.rrset === null) this.#set(key, each);
      else this.problems.push(clash(each.owner, each.type, alias));
    }
  }

  changes(): readonly RrsetChange[] {
    return [...this.#changes.values()];
  }

  /** The ALIAS is gone: so are its addresses, unless others were given. */
  leave(key: OwnerKey, owner: Name): void {
    for (const type of ADDRESS_TYPES)
      if (this.#now(key, type)?.manager === 'alias' && this.#changes.get(`${key}/${type}`)?.rrset == null)
        this.#set(key, { owner, type, rrset: null });
  }

  /** Its addresses from the look, or those that are there; returns the ALIAS as it then stands. */
  follow(key: OwnerKey, alias: Alias, nowMs: number): Alias {
    const owner = nameOf(alias.owner);
    const look = this.#change.looks.get(ownerKey(nameOf(alias.target)));
    const verdict = look === undefined ? undefined : judgeLook(alias, look, nowMs);
    const after = { ...alias, watch: verdict?.watch ?? alias.watch };
    let count = 0;
    for (const type of ADDRESS_TYPES) {
      const now = this.#now(key, type);
      const isGone = this.#changes.get(`${key}/${type}`)?.rrset === null;
      // What was put by hand has to go in the same change; it then stands in until the target is known.
      if (now !== undefined && now.manager !== 'alias' && !isGone) this.problems.push(clash(owner, type, alias));
      const rdatas =
        verdict?.addresses.get(type) ?? now?.rdatas ?? this.#expanded.get(`${key}/${type}`)?.rrset?.rdatas ?? [];
      count += rdatas.length;
      const rrset = rdatas.length === 0 ? null : { ttl: publishedTtl(after), rdatas, manager: 'alias' as const };
      if (rrset !== null || now !== undefined) this.#set(key, { owner, type, rrset });
    }
    if (count === 0) this.bare.push(owner);
    this.problems.push(...lookWarnings(after, look, count));
    return after;
  }

  #now(key: OwnerKey, type: RrType) {
    return rrsetOf(this.#change.view.node(key), type);
  }

  #set(key: OwnerKey, change: RrsetChange): void {
    this.#changes.set(`${key}/${change.type}`, change);
  }
}

/** What the sender should know of how the ALIAS stands. */
function lookWarnings({ owner, target, watch }: Alias, look: AliasLook | undefined, count: number): readonly Problem[] {
  const at = placeOfRrset(nameOf(owner), TYPE.ALIAS);
  const found: Problem[] = [];
  if (watch.trouble !== undefined) {
    const then =
      count === 0 ? `${owner} has no address until it answers` : 'the addresses that are there stay for a time';
    found.push(warning('ALIAS_UNRESOLVED', at, `${owner} ALIAS ${target}: ${watch.why ?? watch.trouble}; ${then}`));
  } else if (look === undefined && count === 0) {
    found.push(warning('ALIAS_UNRESOLVED', at, `${owner} ALIAS ${target} is looked up after this change`));
  }
  if (look?.inside !== undefined) found.push(insideWarning(owner, target, look.inside));
  return found;
}

/** The target has an address that no host outside can reach. */
export function insideWarning(owner: string, target: string, address: string): Problem {
  const what = `${owner} ALIAS ${target} leads to ${address}`;
  const why = `${what}, which no host outside can reach; it is published all the same`;
  return warning('ALIAS_PRIVATE', placeOfRrset(nameOf(owner), TYPE.ALIAS), why, {
    fix: 'if this was not meant, delete the ALIAS: who controls the target chooses where your name leads',
  });
}

function clash(owner: Name, type: RrType, { target }: Pick<Alias, 'target'>): Problem {
  const name = formatName(owner);
  const what = `${name} ${typeName(type)} cannot stand beside ${name} ALIAS ${target}`;
  const why = `${what}, which gives the name its addresses; ${UNCHANGED}`;
  const fix = `delete one of them in the same request: ${name} ALIAS, or ${name} ${typeName(type)}`;
  return problem('ALIAS_CLASH', placeOfRrset(owner, type), why, { fix });
}

/** What the zone's rules have against addresses at names whose ALIAS has none yet. */
function placeProblems(view: ZoneView, settled: Settled, rules: ChangeRules): readonly Problem[] {
  if (settled.bare.length === 0) return [];
  const stand: RrsetChange[] = settled.bare.map((owner) => {
    return { owner, type: TYPE.A, rrset: { ttl: 0, rdatas: [new Uint8Array(4)], manager: 'alias' } };
  });
  const bare = new Set(settled.bare.map(ownerKey));
  const others = settled.changes().filter(({ type, owner }) => type !== TYPE.A || !bare.has(ownerKey(owner)));
  return checkChanges(view, [...others, ...stand], rules).filter(({ severity }) => severity === 'error');
}

/** What an UPDATE, an undo or a policy, which do not know of ALIAS records, would put beside one. */
export function aliasClashes(aliases: readonly Alias[], changes: readonly RrsetChange[]): readonly Problem[] {
  if (aliases.length === 0) return [];
  const byKey = new Map(aliases.map((alias) => [aliasKey(alias), alias]));
  return changes.flatMap(({ owner, type, rrset }) => {
    if (
      rrset === null ||
      rrset.manager === 'alias' ||
      !(type === TYPE.CNAME || ADDRESS_TYPES.some((each) => each === type))
    )
      return [];
    const alias = byKey.get(ownerKey(owner));
    return alias === undefined ? [] : [clash(owner, type, alias)];
  });
}

/** The zone of this server that `name` is in. */
export function servedZoneOf(reader: StoreReader, name: Name): ZoneRecord | undefined {
  for (let above = lowerName(name); ; above = parentName(above)) {
    const record = reader.zoneByName(above);
    if (record !== undefined && record.isCatalog !== true) return record;
    if (above.length === 1) return undefined;
  }
}

/** True when ALIAS and CNAME records of this server lead from `from` to `to`, or in too many steps to say. */
export function leadsTo(reader: StoreReader, from: Name, to: Name): boolean {
  let name = from;
  for (let step = 0; step <= ALIAS_CHAIN_MAX; step++) {
    if (equalNames(name, to)) return true;
    const record = servedZoneOf(reader, name);
    if (record === undefined) return false;
    const key = ownerKey(name);
    const alias = findAlias(reader, record.id, key);
    const next =
      alias === undefined ? rrsetOf(reader.view(record).node(key), TYPE.CNAME)?.rdatas[0] : nameOf(alias.target);
    if (next === undefined) return false;
    name = next;
  }
  return true;
}

function isInZone(name: Name, view: ZoneView): boolean {
  return ownerKey(name).startsWith(view.apexKey);
}

/** Owners whose NS or DNAME the change sets (true) or takes away, by type: a file may have many, and many ALIAS. */
type Cuts = ReadonlyMap<RrType, ReadonlyMap<OwnerKey, boolean>>;

function cutsOf(changes: readonly RrsetChange[]): Cuts {
  const ofType = (wanted: RrType) =>
    changes.flatMap(({ owner, type, rrset }) => (type === wanted ? [[ownerKey(owner), rrset !== null] as const] : []));
  return new Map([TYPE.NS, TYPE.DNAME].map((type) => [type, new Map(ofType(type))]));
}

/** At or below a delegation, or below a DNAME, after the change. */
function isBelowCut(view: ZoneView, cuts: Cuts, owner: Name): boolean {
  const has = (name: Name, type: RrType): boolean => {
    const key = ownerKey(name);
    return cuts.get(type)?.get(key) ?? rrsetOf(view.node(key), type) !== undefined;
  };
  for (let name = owner; name.length > view.apex.length;) {
    if (has(name, TYPE.NS)) return true;
    name = parentName(name);
    if (has(name, TYPE.DNAME)) return true;
  }
  return false;
}

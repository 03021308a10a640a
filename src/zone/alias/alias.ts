/**
 * ALIAS: a name that has the addresses of another name, its target, where a CNAME cannot stand. What is published are A
 * and AAAA RRsets with the manager `alias`; the ALIAS itself is kept beside the zone and is no record of it.
 * Implements: docs/adr/0040-alias.md; RFC 8767 §4 (how long data that cannot be renewed is kept).
 * Not here: asking (control/alias/look.ts), what an ALIAS may stand beside (control/zone/aliases.ts).
 */
import {
  ALIAS_FAILING_KEPT_MS,
  ALIAS_GONE_KEPT_MS,
  ALIAS_RETRY_MS,
  ALIAS_RETRY_MS_MAX,
  ALIAS_TTL_LOOKS,
  ALIAS_TTL_SECONDS_MAX,
  ALIAS_TTL_SECONDS_MIN,
} from '#base/limits/alias.ts';
import { type OwnerKey, nameOf, ownerKey } from '#dns/name.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { type NodeEdits, overlayZone } from '#zone/overlay.ts';
import { type NodeRrset, type ZoneNode, type ZoneView } from '#zone/view.ts';

export const ADDRESS_TYPES = [TYPE.A, TYPE.AAAA] as const;

export interface Alias {
  /** Absolute, as `formatName` writes it; so is the target. */
  readonly owner: string;
  readonly target: string;
  /** As the operator gave it, seconds; the longest TTL of what is published. */
  readonly ttl: number;
  readonly watch: AliasWatch;
}

/** `gone`: no such name, or no address at all. `failing`: no usable answer. `loop`, `place`: not followed here. */
export type AliasTrouble = 'gone' | 'failing' | 'loop' | 'place';

/** What the looks at the target showed. Times are counted time. */
export interface AliasWatch {
  readonly nextMs: number;
  /** Absent: no look has ended yet. */
  readonly lookedAtMs?: number;
  /** In a row. */
  readonly failures: number;
  readonly failingSinceMs?: number;
  readonly trouble?: AliasTrouble;
  /** Of the trouble, for people. */
  readonly why?: string;
  /** The TTL that the target is taken to have, seconds. */
  readonly ttlSeconds?: number;
  /** Looks in a row that showed a shorter one, and the longest of those. */
  readonly lower?: { readonly looks: number; readonly ttlSeconds: number };
  /** Its addresses cannot be reached from outside. */
  readonly isInside?: true;
  /** Addresses that could not be renewed were taken away. */
  readonly isWithdrawn?: true;
}

/** One family of addresses, as a look shows it. */
export type FamilyLook =
  | { readonly kind: 'addresses'; readonly rdatas: readonly Uint8Array[]; readonly ttlSeconds: number }
  | { readonly kind: 'none' }
  | { readonly kind: 'failed'; readonly why: string };

export interface AliasLook {
  readonly families: readonly (readonly [RrType, FamilyLook])[];
  /** Why the target is not followed, whatever it answers. */
  readonly against?: { readonly trouble: 'loop' | 'place'; readonly why: string };
  /** Some address cannot be reached from outside: its text. */
  readonly inside?: string;
}

/** How the ALIAS stands after a look, and its addresses by type; a type that is not there stays as it is. */
export interface AliasVerdict {
  readonly watch: AliasWatch;
  readonly addresses: ReadonlyMap<RrType, readonly Uint8Array[]>;
}

/** Of an ALIAS that is to be looked at at `nextMs`. */
export function newWatch(nextMs: number): AliasWatch {
  return { nextMs, failures: 0 };
}

/** What follows from `look` at `nowMs`, counted time. */
export function judgeLook({ watch }: Alias, look: AliasLook, nowMs: number): AliasVerdict {
  const { families, against, inside } = look;
  if (against !== undefined) return failed(watch, against.trouble, against.why, nowMs, new Map());
  const found = families.flatMap(([type, each]) => (each.kind === 'addresses' ? [[type, each] as const] : []));
  const failure = families.flatMap(([, each]) => (each.kind === 'failed' ? [each.why] : []))[0];
  const none = families.flatMap(([type, each]) => (each.kind === 'none' ? [type] : []));
  // A family that was answered follows its answer; one that was not keeps what it had.
  const known = new Map<RrType, readonly Uint8Array[]>(found.map(([type, { rdatas }]) => [type, rdatas]));
  if (found.length > 0) for (const type of none) known.set(type, []);
  if (failure !== undefined) return failed(watch, 'failing', failure, nowMs, known);
  if (found.length === 0) return failed(watch, 'gone', 'it has no address, or does not exist', nowMs, known);
  const seen = Math.min(...found.map(([, { ttlSeconds }]) => ttlSeconds));
  const ttl = ttlAfter(watch, Math.max(ALIAS_TTL_SECONDS_MIN, Math.min(seen, ALIAS_TTL_SECONDS_MAX)));
  const nextMs = nowMs + 1000 * Math.max(ALIAS_TTL_SECONDS_MIN, Math.min(seen, ALIAS_TTL_SECONDS_MAX));
  const outside = inside === undefined ? {} : ({ isInside: true } as const);
  return { watch: { nextMs, lookedAtMs: nowMs, failures: 0, ...ttl, ...outside }, addresses: known };
}

/** The addresses stay, for a time. */
function failed(
  before: AliasWatch,
  trouble: AliasTrouble,
  why: string,
  nowMs: number,
  known: ReadonlyMap<RrType, readonly Uint8Array[]>,
): AliasVerdict {
  const failures = before.failures + 1;
  // From the first look that failed, whatever the later ones say: an answer alone ends it.
  const failingSinceMs = before.failingSinceMs ?? nowMs;
  const keptMs = trouble === 'failing' ? ALIAS_FAILING_KEPT_MS : ALIAS_GONE_KEPT_MS;
  const isOver = nowMs - failingSinceMs >= keptMs;
  const nextMs = nowMs + Math.min(ALIAS_RETRY_MS * 2 ** Math.min(failures - 1, 16), ALIAS_RETRY_MS_MAX);
  const { ttlSeconds, isInside } = before;
  return {
    watch: {
      nextMs,
      lookedAtMs: nowMs,
      failures,
      failingSinceMs,
      trouble,
      why,
      ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
      ...(isInside === undefined ? {} : { isInside }),
      ...(isOver ? { isWithdrawn: true } : {}),
    },
    addresses: isOver ? new Map(ADDRESS_TYPES.map((type) => [type, known.get(type) ?? []])) : known,
  };
}

/**
 * A resolver's cache counts down, so one look says little: the longest TTL seen is the target's, until some looks in a
 * row have shown less. Otherwise the zone would change with each look.
 */
function ttlAfter({ ttlSeconds, lower }: AliasWatch, seen: number): Pick<AliasWatch, 'ttlSeconds' | 'lower'> {
  if (ttlSeconds === undefined || seen >= ttlSeconds) return { ttlSeconds: seen };
  const next = { looks: (lower?.looks ?? 0) + 1, ttlSeconds: Math.max(lower?.ttlSeconds ?? 0, seen) };
  return next.looks >= ALIAS_TTL_LOOKS ? { ttlSeconds: next.ttlSeconds } : { ttlSeconds, lower: next };
}

/** The TTL that its addresses are published with, seconds. */
export function publishedTtl({ ttl, watch }: Pick<Alias, 'ttl' | 'watch'>): number {
  return Math.min(ttl, watch.ttlSeconds ?? ALIAS_TTL_SECONDS_MIN);
}

export function aliasKey({ owner }: Alias): OwnerKey {
  return ownerKey(nameOf(owner));
}

/**
 * The zone with its ALIAS records as RRsets, for people and programs that change it; never for answers.
 * `withoutAddresses`: what stands for them is hidden, so that a change sees what its sender wrote and nothing else.
 */
export function aliasedView(view: ZoneView, aliases: readonly Alias[], withoutAddresses = false): ZoneView {
  if (aliases.length === 0) return view;
  const edits: [OwnerKey, ZoneNode][] = aliases.map((alias) => {
    const owner = nameOf(alias.owner);
    const key = ownerKey(owner);
    const node = view.node(key);
    const rrsets = node?.rrsets.filter(({ manager }) => !withoutAddresses || manager !== 'alias') ?? [];
    const all = [...rrsets, aliasRrset(alias)].toSorted((a, b) => a.type - b.type);
    return [key, { key, owner: node?.owner ?? owner, rrsets: all }];
  });
  return overlayZone(view, new Map(edits) satisfies NodeEdits);
}

function aliasRrset({ target, ttl }: Alias): NodeRrset {
  return { type: TYPE.ALIAS, ttl, rdatas: [nameOf(target)], signatures: [], manager: 'manual' };
}

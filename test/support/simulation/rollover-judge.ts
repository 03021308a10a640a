/**
 * The bogus window: every combination of a DS RRset, a DNSKEY RRset and a signed RRset that a resolver can hold at one moment must validate.
 * Implements: RFC 4035 §5.2–5.3 (DS, DNSKEY, RRSIG), §2.2 and RFC 6840 §5.11 (strict validators want each algorithm).
 */
import { type Given, type KeySetGiven, type RolloverDiary } from './rollover-world.ts';

interface Cached<T> {
  readonly value: T;
  readonly fromMs: number;
  readonly toMs: number;
}

/** What cannot be validated, from `sinceMs` on; each once. */
export function findBogus({ ds, dnskey, rrsets, algorithms }: RolloverDiary, sinceMs = -Infinity): string[] {
  const since = { value: undefined, fromMs: sinceMs, toMs: Infinity };
  const bogus = new Set<string>();
  const algorithmOf = (id: string): number => algorithms.get(id)!;
  const [allDs, allKeys, allRrsets] = [cached(ds), cached(dnskey), cached(rrsets)];
  for (const parent of allDs) {
    if (parent.value.length === 0) continue;
    for (const keys of allKeys) {
      if (!overlap(since, parent, keys)) continue;
      const early = bogusKeys(parent.value, keys.value, algorithmOf);
      if (early !== undefined) bogus.add(early);
      for (const rrset of allRrsets) {
        if (!overlap(since, parent, keys, rrset)) continue;
        const late = bogusRrset(parent.value, keys.value, rrset.value, algorithmOf);
        if (late !== undefined) bogus.add(late);
      }
    }
  }
  return [...bogus];
}

/** How long each value can be in a cache; the same value of one server after another is one. */
function cached<T>(servers: readonly (readonly Given<T>[])[]): Cached<T>[] {
  const spans = new Map<string, { value: T; fromMs: number; toMs: number }[]>();
  for (const { value, ttlMs, fromMs, toMs } of servers.flat()) {
    const key = JSON.stringify(value);
    const span = { value, fromMs, toMs: toMs + ttlMs };
    const known = spans.get(key) ?? [];
    const touching = known.find((each) => each.fromMs <= span.toMs && span.fromMs <= each.toMs);
    if (touching === undefined) spans.set(key, [...known, span]);
    else Object.assign(touching, { fromMs: Math.min(touching.fromMs, span.fromMs), toMs: Math.max(touching.toMs, span.toMs) });
  }
  return [...spans.values()].flat();
}

function overlap(...spans: readonly Cached<unknown>[]): boolean {
  return Math.max(...spans.map(({ fromMs }) => fromMs)) < Math.min(...spans.map(({ toMs }) => toMs));
}

function bogusKeys(ds: readonly string[], { published, signers }: KeySetGiven, algorithmOf: (id: string) => number): string | undefined {
  const wanted = new Set(ds.map(algorithmOf));
  const isSigned = (algorithm: number): boolean =>
    ds.some((id) => algorithmOf(id) === algorithm && published.includes(id) && signers.includes(id));
  return [...wanted].every(isSigned) ? undefined : `DS ${ds.join()} with DNSKEY ${published.join()} signed by ${signers.join()}`;
}

function bogusRrset(
  ds: readonly string[],
  { published }: KeySetGiven,
  signers: readonly string[],
  algorithmOf: (id: string) => number,
): string | undefined {
  const wanted = new Set([...ds, ...published].map(algorithmOf));
  const isSigned = (algorithm: number): boolean => signers.some((id) => algorithmOf(id) === algorithm && published.includes(id));
  if ([...wanted].every(isSigned)) return undefined;
  return `DS ${ds.join()} with DNSKEY ${published.join()} and an RRset signed by ${signers.join()}`;
}

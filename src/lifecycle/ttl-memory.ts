/**
 * How long caches may still hold what was served: the TTL of today, and larger ones of before, as long as they count.
 * Who lowers a TTL and then changes the record has not shortened the life of what was cached with the old one.
 * Implements: RFC 2181 §8 (TTL), RFC 2308 §5 (negative answers) as bounds.
 */

/** One TTL and when it was last given out. */
interface ServedTtl {
  readonly seconds: number;
  readonly lastServedMs: number;
}

/** By kind of answer: `negative`, `dkim`, `tlsa`. JSON. */
export type TtlMemory = Readonly<Record<string, readonly ServedTtl[]>>;

/**
 * Notes that `kind` is given out with `seconds` now. What it was before is given out until now, and by secondaries for
 * `lagMs` more.
 */
export function rememberTtl(memory: TtlMemory, kind: string, seconds: number, nowMs: number, lagMs = 0): TtlMemory {
  const known = memory[kind] ?? [];
  const [current] = known;
  const before =
    current === undefined || current.seconds === seconds
      ? known.slice(1)
      : [{ ...current, lastServedMs: nowMs + lagMs }, ...known.slice(1)];
  // A smaller TTL of before never lasts longer than a larger one of now.
  const counting = before.filter((each) => each.seconds > seconds && each.lastServedMs + each.seconds * 1000 > nowMs);
  return { ...memory, [kind]: [{ seconds, lastServedMs: nowMs }, ...counting] };
}

/** Latest time at which a cache may hold an answer of this kind that was given out until `untilMs`. */
export function cachedUntilMs(memory: TtlMemory, kind: string, untilMs: number): number {
  const [current, ...before] = memory[kind] ?? [];
  const ends = before.map((each) => Math.min(each.lastServedMs, untilMs) + each.seconds * 1000);
  return Math.max(untilMs, untilMs + (current?.seconds ?? 0) * 1000, ...ends);
}

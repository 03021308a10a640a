/**
 * How long caches may still hold what was served: the TTL of today, and larger ones of before, as long as they count.
 * Who lowers a TTL and then changes the record has not shortened the life of what was cached with the old one: a name
 * server that is behind gives out the old one still, so the whole of it counts from when every server has the record.
 * Implements: RFC 2181 §8 (TTL), RFC 2308 §5 (negative answers), RFC 7583 §3.2.1 (the largest TTL) as bounds.
 */
import { SECONDARY_BEHIND_MS_MAX } from '#base/limits/lifecycle.ts';

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
  const counting = before.filter((each) => each.seconds > seconds && nowMs < forgottenMs(each));
  return { ...memory, [kind]: [{ seconds, lastServedMs: nowMs }, ...counting] };
}

/** When an earlier TTL counts no more: the last server that was behind is expected to have ended, and every cache. */
function forgottenMs({ seconds, lastServedMs }: ServedTtl): number {
  return lastServedMs + seconds * 1000 + SECONDARY_BEHIND_MS_MAX;
}

/** Latest time at which a cache may hold an answer of this kind that some server gave out until `untilMs`. */
export function cachedUntilMs(memory: TtlMemory, kind: string, untilMs: number): number {
  const counting = (memory[kind] ?? []).filter((each, at) => at === 0 || untilMs < forgottenMs(each));
  return untilMs + counting.reduce((longest, { seconds }) => Math.max(longest, seconds), 0) * 1000;
}

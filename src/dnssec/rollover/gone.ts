/**
 * RRsets that are not in the zone any more, or have another TTL: a rollover takes a key away only when no cache has
 * what the key signed. A name server that is behind still gives them out, for longer than an edit takes as a rule; so
 * what counts is their whole TTL, from when every server has the zone as it is, and not what is left of it since.
 * Implements: RFC 7583 §3.2.1 (the retire interval: propagation, and the largest TTL of all that was signed).
 * Not here: the wait itself (machine.ts), RRsets that are in the zone (control/dnssec/steps.ts).
 */
import { SECONDARY_BEHIND_MS_MAX } from '#base/limits/lifecycle.ts';

/** As a zone's record has it. Counted time. */
export interface GoneRrsets {
  /** When the last of them leaves caches, if every server had the change at once. */
  readonly cachedUntilMs?: number;
  /** The longest TTL among them; absent in records from before it was kept. */
  readonly cachedTtlMs?: number;
}

/** RRsets with at most this TTL went now. */
export function noteGone(before: GoneRrsets, ttlMs: number, nowMs: number): Required<GoneRrsets> {
  return {
    cachedUntilMs: Math.max(before.cachedUntilMs ?? 0, nowMs + ttlMs),
    cachedTtlMs: Math.max(goneTtlMs(before, nowMs), ttlMs),
  };
}

/** The longest TTL among those that some server may give out still; 0: there are none. */
export function goneTtlMs({ cachedUntilMs = 0, cachedTtlMs }: GoneRrsets, nowMs: number): number {
  if (nowMs >= cachedUntilMs + SECONDARY_BEHIND_MS_MAX) return 0;
  return cachedTtlMs ?? Math.max(0, cachedUntilMs - nowMs);
}

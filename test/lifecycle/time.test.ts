/** Counted time and remembered TTLs. */
import { SECONDARY_BEHIND_MS_MAX } from '#base/limits/lifecycle.ts';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { advanceTimeline, formatTime, type Timeline } from '#lifecycle/timeline.ts';
import { cachedUntilMs, rememberTtl, type TtlMemory } from '#lifecycle/ttl-memory.ts';

describe('counted time', () => {
  test('follows uptime, not the wall clock', () => {
    const first = advanceTimeline(undefined, { wallMs: 1_000_000, uptimeMs: 50, bootId: 'a' });
    const later = advanceTimeline(first, { wallMs: 99_000_000, uptimeMs: 1050, bootId: 'a' });
    expect([first.nowMs, later.nowMs, later.wallOffsetMs]).toEqual([1_000_000, 1_001_000, 97_999_000]);
  });

  test('a reboot counts nothing that nobody counted', () => {
    const first = advanceTimeline(undefined, { wallMs: 1000, uptimeMs: 500, bootId: 'a' });
    const booted = advanceTimeline(first, { wallMs: 900_000, uptimeMs: 10, bootId: 'b' });
    expect(booted.nowMs).toBe(1000);
    expect(advanceTimeline(booted, { wallMs: 900_100, uptimeMs: 110, bootId: 'b' }).nowMs).toBe(1100);
  });

  test('never goes back and never runs ahead of what passed', () => {
    const events = fc.array(
      fc.record({
        passedMs: fc.nat(100_000),
        jumpMs: fc.integer({ min: -1e9, max: 1e9 }),
        isReboot: fc.boolean(),
        isWritten: fc.boolean(),
      }),
    );
    fc.assert(
      fc.property(events, (list) => {
        let [trueMs, bootMs, boots, offsetMs] = [1e12, 1e12, 0, 0];
        let timeline: Timeline | undefined;
        let startMs: number | undefined;
        for (const { passedMs, jumpMs, isReboot, isWritten } of list) {
          trueMs += passedMs;
          offsetMs += jumpMs;
          if (isReboot) [bootMs, boots] = [trueMs, boots + 1];
          const next = advanceTimeline(timeline, { wallMs: trueMs + offsetMs, uptimeMs: trueMs - bootMs, bootId: `${boots}` });
          if (timeline !== undefined) expect(next.nowMs).toBeGreaterThanOrEqual(timeline.nowMs);
          startMs ??= next.nowMs - trueMs;
          expect(next.nowMs - trueMs).toBeLessThanOrEqual(startMs);
          if (isWritten || timeline === undefined) timeline = next;
        }
      }),
    );
  });

  test('is shown in UTC', () => expect(formatTime(Date.UTC(2026, 10, 21, 9, 5))).toBe('2026-11-21 09:05 UTC'));
});

describe('RFC 2181 §8, RFC 2308 §5: what caches may still hold', () => {
  test('a lowered TTL does not shorten the life of what was cached before', () => {
    let memory = rememberTtl({}, 'negative', 86_400, 0);
    memory = rememberTtl(memory, 'negative', 300, 10_000);
    expect(cachedUntilMs(memory, 'negative', 20_000)).toBe(20_000 + 86_400_000);
    // Given out last when the TTL was still long.
    expect(cachedUntilMs(memory, 'negative', 5000)).toBe(5000 + 86_400_000);
  });

  test('RFC 7583 §3.2.1: a secondary that is behind gives the old TTL out until every server is seen to have the zone', () => {
    const memory = rememberTtl(rememberTtl({}, 'negative', 86_400, 0), 'negative', 300, 10_000, 3_600_000);
    expect(cachedUntilMs(memory, 'negative', 20_000)).toBe(20_000 + 86_400_000);
    expect(cachedUntilMs(memory, 'negative', 50_000_000)).toBe(50_000_000 + 86_400_000);
    // RFC 1912 §2.2: no longer than until its zone has expired, and caches have ended.
    const forgottenMs = 10_000 + 3_600_000 + 86_400_000 + SECONDARY_BEHIND_MS_MAX;
    expect(cachedUntilMs(memory, 'negative', forgottenMs - 1)).toBe(forgottenMs - 1 + 86_400_000);
    expect(cachedUntilMs(memory, 'negative', forgottenMs)).toBe(forgottenMs + 300_000);
    expect(rememberTtl(memory, 'negative', 300, forgottenMs)['negative']).toHaveLength(1);
  });

  test('agrees with a list of everything that servers with any delay ever gave out', () => {
    const changes = fc.array(fc.record({ afterMs: fc.integer({ min: 1, max: 100_000 }), seconds: fc.constantFrom(0, 5, 60, 300) }), {
      minLength: 1,
    });
    const delays = fc.array(fc.nat(SECONDARY_BEHIND_MS_MAX), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(changes, fc.nat(100_000), delays, (list, askAfterMs, delaysMs) => {
        let memory: TtlMemory = {};
        let nowMs = 0;
        const spans: { fromMs: number; toMs: number; seconds: number }[] = [];
        for (const { afterMs, seconds } of list) {
          nowMs += afterMs;
          if (spans.length > 0) spans.at(-1)!.toMs = nowMs;
          spans.push({ fromMs: nowMs, toMs: Infinity, seconds });
          memory = rememberTtl(memory, 'x', seconds, nowMs);
        }
        const untilMs = nowMs + askAfterMs;
        // What a server with this delay gave out last of each span, when all were seen to have caught up at `untilMs`.
        const ends = [0, ...delaysMs].flatMap((delayMs) =>
          spans
            .filter(({ fromMs }) => fromMs + delayMs < untilMs)
            .map(({ toMs, seconds }) => Math.min(toMs + delayMs, untilMs) + seconds * 1000),
        );
        const bound = cachedUntilMs(memory, 'x', untilMs);
        expect(bound).toBeGreaterThanOrEqual(Math.max(untilMs, ...ends));
        // And not later than a cache can have anything that was ever given out.
        expect(bound).toBeLessThanOrEqual(untilMs + 1000 * Math.max(...spans.map(({ seconds }) => seconds)));
      }),
    );
  });

  test('a TTL that only rises counts as it is', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(100_000), { minLength: 1 }), (list) => {
        const rising = list.toSorted((a, b) => a - b);
        const memory = rising.reduce<TtlMemory>((before, seconds, at) => rememberTtl(before, 'x', seconds, at), {});
        expect(cachedUntilMs(memory, 'x', 500)).toBe(500 + 1000 * rising.at(-1)!);
      }),
    );
  });
});

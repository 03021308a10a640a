/** Counted time and remembered TTLs. */
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
    expect(cachedUntilMs(memory, 'negative', 20_000)).toBe(10_000 + 86_400_000);
    // Given out last when the TTL was still long.
    expect(cachedUntilMs(memory, 'negative', 5000)).toBe(5000 + 86_400_000);
    memory = rememberTtl(memory, 'negative', 300, 10_000 + 86_400_000);
    expect(cachedUntilMs(memory, 'negative', 90_000_000)).toBe(90_300_000);
  });

  test('a secondary that is late gives the old TTL out for longer', () => {
    const memory = rememberTtl(rememberTtl({}, 'negative', 86_400, 0), 'negative', 300, 10_000, 3_600_000);
    expect(cachedUntilMs(memory, 'negative', 20_000)).toBe(20_000 + 86_400_000);
    expect(cachedUntilMs(memory, 'negative', 5_000_000)).toBe(10_000 + 3_600_000 + 86_400_000);
  });

  test('agrees with a list of everything that was ever given out', () => {
    const changes = fc.array(fc.record({ afterMs: fc.integer({ min: 1, max: 100_000 }), seconds: fc.constantFrom(0, 5, 60, 300) }), {
      minLength: 1,
    });
    fc.assert(
      fc.property(changes, fc.nat(100_000), (list, askAfterMs) => {
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
        const truth = Math.max(untilMs, ...spans.map(({ toMs, seconds }) => Math.min(toMs, untilMs) + seconds * 1000));
        expect(cachedUntilMs(memory, 'x', untilMs)).toBeGreaterThanOrEqual(truth);
        expect(cachedUntilMs(memory, 'x', untilMs)).toBeLessThanOrEqual(Math.max(truth, untilMs));
      }),
    );
  });
});

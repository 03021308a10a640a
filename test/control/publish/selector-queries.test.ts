/** Queries for DKIM selectors as evidence: what is counted, when "not asked for" may be said, and that no flood holds a key for ever. */
import { describe, expect, test } from 'vitest';
import { SELECTOR_SILENCE_MS_MAX } from '#base/limits/events.ts';
import { SelectorQueries } from '#control/publish/selector-queries.ts';
import { nameOf } from '#dns/name.ts';
import { good, temporaryControl, MAIL_ZONE_TEXT } from '../../support/temporary-control.ts';

const ZONE = nameOf('post.example.');
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

describe('counts', () => {
  function watched() {
    let nowMs = 1000;
    const queries = new SelectorQueries(() => nowMs);
    const report = (run: string, count: number, isFull = false) =>
      queries.receive({ kind: 'selectors', run, isFull, counts: { 's1._domainkey.a.test.': count } });
    /** Time goes by, and the answer process lives. */
    const pass = (ms: number) => {
      for (const endMs = nowMs + ms; nowMs < endMs;) {
        nowMs = Math.min(endMs, nowMs + 30_000);
        queries.receive({ kind: 'counters', workers: [] });
      }
    };
    const judge = (quietMs: number, selector = 's1') => queries.judge(selector, 'a.test.', quietMs, 0);
    return { queries, report, pass, judge, silence: (ms: number) => (nowMs += ms), now: () => nowMs };
  }

  test('go on over restarts of the answer process; when the last one came is known from the first report on', () => {
    const { queries, report, pass, now } = watched();
    expect(queries.of('s1', 'a.test.')).toEqual({ queries: 0 });
    report('one', 5);
    expect(queries.of('S1', 'a.test.')).toEqual({ queries: 5, watchedSinceMs: 1000 });
    pass(MINUTE_MS);
    report('one', 7);
    expect(queries.of('s1', 'a.test.')).toEqual({ queries: 7, lastMs: now(), watchedSinceMs: 1000 });
    const lastMs = now();
    pass(MINUTE_MS);
    report('one', 7);
    report('two', 0);
    expect(queries.of('s1', 'a.test.')).toEqual({ queries: 7, lastMs, watchedSinceMs: 1000 });
    report('two', 1);
    expect(queries.of('s1', 'a.test.')).toMatchObject({ queries: 8, lastMs: now() });
    expect(queries.of('s1', 'b.test.')).toEqual({ queries: 0, watchedSinceMs: 1000 });
  });

  test('"not asked for" needs the whole time watched', () => {
    const { report, pass, judge, silence } = watched();
    expect(judge(HOUR_MS)).toEqual({ isGood: false, text: 'the answer process tells no counts' });
    report('one', 5);
    expect(judge(HOUR_MS)).toEqual({ isGood: false, text: 'not asked for since 1970-01-01 00:00 UTC, and not counted before that' });
    pass(HOUR_MS);
    expect(judge(HOUR_MS)).toMatchObject({ isGood: true });
    report('one', 6);
    expect(judge(HOUR_MS)).toEqual({ isGood: false, text: 'asked for 6 times, last at 1970-01-01 01:00 UTC' });
    pass(HOUR_MS);
    expect(judge(HOUR_MS)).toEqual({ isGood: true, text: 'not asked for since 1970-01-01 01:00 UTC' });
    // While nobody reports, anything may be asked.
    silence(SELECTOR_SILENCE_MS_MAX + 1);
    expect(judge(HOUR_MS)).toMatchObject({ isGood: false, text: 'the answer process tells no counts' });
    pass(MINUTE_MS);
    expect(judge(HOUR_MS)).toMatchObject({ isGood: false, text: expect.stringContaining('not counted before that') });
    pass(HOUR_MS);
    expect(judge(HOUR_MS)).toMatchObject({ isGood: true });
  });

  test('a name that had no room in the table is not taken for one that nobody asked for', () => {
    const { report, pass, judge } = watched();
    report('one', 0, true);
    pass(HOUR_MS);
    expect(judge(HOUR_MS)).toMatchObject({ isGood: true });
    expect(judge(HOUR_MS, 's2')).toEqual({ isGood: false, text: 'it is not counted: too many selectors are asked for here' });
  });
});

describe('a retiring key', () => {
  /** A room where one key retires; `askEveryMs` says how often it is asked for, 0 for never. */
  async function retiring(queueLife = '2d') {
    const room = temporaryControl({ countsQueries: true, sources: ['mail'], wakeEveryMs: 30_000 });
    const { control, clock, publisher } = room;
    await room.load('post.example.', MAIL_ZONE_TEXT);
    publisher.receive({ kind: 'served', workers: [{ id: 0, alive: true, generation: Number.MAX_SAFE_INTEGER }] });
    const counts: Record<string, number> = {};
    const report = () => publisher.receive({ kind: 'selectors', run: 'one', isFull: false, counts });
    let askedAtMs = 0;
    let old = '';
    const live = (ms: number, askEveryMs = 0) =>
      room.live(ms, () => {
        if (askEveryMs > 0 && clock.nowMs() - askedAtMs >= askEveryMs) {
          counts[`${old}._domainkey.post.example.`] = (counts[`${old}._domainkey.post.example.`] ?? 0) + 1;
          askedAtMs = clock.nowMs();
        }
        report();
      });
    const policy = { mtaSts: { mode: 'off' }, dkim: { algorithms: ['ed25519'], queueLife, signerLag: '0s' } };
    good(await room.run({ kind: 'mail.apply', zone: ZONE, policy }));
    const view = () => control.mail.view(control.zones.find(ZONE)!)!;
    const stageOf = (id: string) => view().state.dkim.lifecycle.objects.find((each) => each.id === id)?.stage;
    report();
    await live(3 * HOUR_MS);
    old = view().state.dkim.lifecycle.objects[0]!.id;
    good(await room.run({ kind: 'dkim.rotate', zone: ZONE, algorithms: [], reason: 'test' }));
    await live(3 * HOUR_MS);
    expect(stageOf(old)).toBe('retiring');
    const explained = () => view().explanations.find(({ object }) => object === old)!;
    const unasked = () => explained().waits.find(({ id }) => id === 'unasked');
    return { ...room, old, live, stage: () => stageOf(old), unasked, view };
  }

  test('that nobody asks for goes when mail with it has had its time, and the evidence says so', { timeout: 15_000 }, async () => {
    const { stage, live, old, unasked, view } = await retiring();
    expect(unasked()!.text).toContain('it is looked at when "queue-life" is over');
    // Queue life, its slack, and the TTL.
    await live(3 * DAY_MS);
    expect(stage()).toBe('revoked');
    const { history } = view().state.dkim.lifecycle.objects.find(({ id }) => id === old)!;
    const seen = history.at(-1)!.evidence.find(({ wait }) => wait === 'unasked')!.seen;
    expect(seen).toMatchObject([{ place: 'this server', isGood: true, text: expect.stringContaining('not asked for since 2026-01-01') }]);
  });

  test('that is asked for stays, says how often and when last, and goes a day after the last query', { timeout: 15_000 }, async () => {
    const { stage, live, unasked, view, old } = await retiring();
    await live(3 * DAY_MS + 2 * HOUR_MS, HOUR_MS);
    expect(stage()).toBe('retiring');
    expect(unasked()).toMatchObject({
      isOver: false,
      missing: ['this server'],
      text: expect.stringMatching(/asked for \d+ times, last at 2026-01-0/),
    });
    expect(unasked()!.latestMs).toBeGreaterThan(0);
    expect(unasked()!.override).toBe(`waxseal mail override post.example ${old} unasked --reason "…"`);
    expect(view().queries!(old).queries).toBeGreaterThan(60);
    await live(20 * HOUR_MS);
    expect(stage()).toBe('retiring');
    await live(6 * HOUR_MS);
    expect(stage()).toBe('revoked');
  });

  test('that somebody asks for every minute, to no end, goes all the same when the patience is over', { timeout: 15_000 }, async () => {
    const { stage, live, view, old, unasked } = await retiring();
    await live(5 * DAY_MS, MINUTE_MS);
    expect(stage()).toBe('retiring');
    const latestMs = unasked()!.latestMs!;
    await live(1 * DAY_MS, MINUTE_MS);
    expect(stage()).toBe('revoked');
    const { history, enteredAtMs } = view().state.dkim.lifecycle.objects.find(({ id }) => id === old)!;
    expect(enteredAtMs).toBeGreaterThanOrEqual(latestMs - 1000);
    expect(enteredAtMs).toBeLessThan(latestMs + MINUTE_MS);
    expect(history.at(-1)!.evidence.find(({ wait }) => wait === 'unasked')).toMatchObject({
      text: expect.stringContaining('as long as this may hold things up'),
      seen: [{ isGood: false }],
    });
  });

  test('goes at once with an override', { timeout: 15_000 }, async () => {
    const room = await retiring();
    const { stage, live, old } = room;
    await live(3 * DAY_MS, MINUTE_MS);
    expect(stage()).toBe('retiring');
    good(await room.run({ kind: 'lifecycle.override', zone: ZONE, object: old, wait: 'unasked', reason: 'a scanner' }));
    expect(stage()).toBe('revoked');
  });
});

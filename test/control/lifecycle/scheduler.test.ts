/** The scheduler's own loop: it is started, sleeps, is woken and stopped; time and timers are the test's. */
import { describe, expect, test } from 'vitest';
import { createLog } from '#base/log.ts';
import { WHOLE } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import { type DueSource, type Notice } from '#control/lifecycle/due-source.ts';
import { Scheduler } from '#control/lifecycle/scheduler.ts';
import { formatName, nameOf } from '#dns/name.ts';
import { TestTimers } from '../../support/test-timers.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const REFUSED: Result<never> = fail(problem('SIGNING_SELF_CHECK', WHOLE, 'no'));

/** A source whose zones have times. Work moves a zone's time by an hour, unless the test says what it does. */
class Source implements DueSource {
  readonly name: string;
  readonly zonesAtOnce = 2;
  readonly refused: DueSource['refused'] = { event: 'mail.refused', text: 'it is not possible' };
  readonly times = new Map<string, number>();
  /** `zone time`, of work that began. */
  readonly worked: string[] = [];
  readonly alerts: string[] = [];
  /** Zones that are worked on now, and the most at a time. */
  busy = 0;
  mostBusy = 0;
  /** When a zone is due again. */
  nextMs: () => number;
  /** Reads of the table of due times; those that are named here find nothing. */
  reads = 0;
  readonly blindReads: number[] = [];
  result: (zone: string) => Promise<Result<readonly Notice[]>> = () => Promise.resolve(ok([]));
  readonly #nowMs: () => number;

  constructor(name: string, nowMs: () => number) {
    this.name = name;
    this.#nowMs = nowMs;
    this.nextMs = () => nowMs() + HOUR_MS;
  }

  due(untilMs: number, limit: number) {
    if (this.blindReads.includes(++this.reads)) return [];
    const due = [...this.times].filter(([, atMs]) => atMs <= untilMs).toSorted(([, a], [, b]) => a - b);
    return due.slice(0, limit).map(([zone]) => nameOf(zone));
  }

  nextDueMs() {
    return this.times.size === 0 ? undefined : Math.min(...this.times.values());
  }

  async work(name: Uint8Array) {
    const zone = formatName(name);
    this.worked.push(`${zone} ${this.#nowMs()}`);
    this.mostBusy = Math.max(this.mostBusy, ++this.busy);
    const result = await this.result(zone);
    this.busy--;
    if (result.ok) this.times.set(zone, this.nextMs());
    return result;
  }

  alert(zone: string) {
    this.alerts.push(zone);
    return Promise.resolve();
  }
}

function bench(names: readonly string[] = ['mail']) {
  let nowMs = 0;
  const timers = new TestTimers(() => nowMs);
  const sources = names.map((name) => new Source(name, () => nowMs));
  const listeners: (() => void)[] = [];
  const lines: string[] = [];
  let notes = 0;
  const write = (line: string) => {
    const { level, event, msg } = JSON.parse(line) as Record<string, string>;
    lines.push(`${level} ${event} ${msg}`);
  };
  const clock = {
    sources,
    nowMs: () => nowMs,
    note: () => Promise.resolve(void notes++),
    onDue: (listener: () => void) => void listeners.push(listener),
    tellDue: () => listeners.forEach((listener) => listener()),
  };
  /** Time goes by, and what has come due then runs; resolves when every lane sleeps. */
  const pass = async (ms: number) => {
    nowMs += ms;
    timers.fire();
    await timers.waiting(sources.length);
  };
  const scheduler = new Scheduler(clock, createLog({ level: 'info', to: { write } }), { timers });
  return {
    sources,
    source: sources[0]!,
    timers,
    clock,
    scheduler,
    lines,
    notes: () => notes,
    pass,
  };
}

/** Settles every promise that can be settled without a timer. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('start', () => {
  test('does what is due at once, then sleeps until the next time, but looks every minute', async () => {
    const { source, timers, scheduler, pass, notes } = bench();
    source.times.set('a.', -5).set('b.', 90_000);
    scheduler.start();
    expect(timers.leftMs()).toEqual([0]);
    await pass(0);
    expect(source.worked).toEqual(['a. 0']);
    expect(timers.leftMs()).toEqual([MINUTE_MS]);
    await pass(MINUTE_MS);
    expect(timers.leftMs()).toEqual([30_000]);
    await pass(29_999);
    expect(source.worked).toEqual(['a. 0']);
    await pass(1);
    expect(source.worked).toEqual(['a. 0', 'b. 90000']);
    expect(notes()).toBe(3);
  });

  test('with nothing to do it looks every minute', async () => {
    const { timers, scheduler, pass } = bench();
    scheduler.start();
    await pass(0);
    expect(timers.leftMs()).toEqual([MINUTE_MS]);
  });

  test('zones get their times first, once; that this is not possible keeps nothing from being done', async () => {
    const { source, scheduler, pass, lines } = bench();
    source.times.set('a.', 0);
    const begun: number[] = [];
    const begin = () => {
      begun.push(source.worked.length);
      return Promise.resolve(REFUSED);
    };
    Object.assign(source, { begin });
    scheduler.start();
    await pass(0);
    await pass(HOUR_MS);
    expect(begun).toEqual([0]);
    expect(source.worked).toHaveLength(2);
    expect(lines).toEqual([expect.stringContaining('error mail.refused mail: not every zone has a time yet')]);
  });
});

describe('a round', () => {
  test('each zone once, some at the same time, soonest first', async () => {
    const { source, scheduler, pass } = bench();
    for (let zone = 0; zone < 250; zone++) source.times.set(`z${zone}.`, -zone);
    source.result = () => settle().then(() => ok([]));
    scheduler.start();
    await pass(0);
    expect(source.mostBusy).toBe(2);
    expect(source.worked.map((text) => text.split(' ')[0])).toEqual(Array.from({ length: 250 }, (_, at) => `z${249 - at}.`));
  });

  test('what the work has to say is logged, with its zone', async () => {
    const { source, scheduler, pass, lines } = bench();
    source.times.set('a.', 0);
    source.result = () => Promise.resolve(ok([{ level: 'warn', event: 'mail.sts-seen', text: 'is odd', fields: {} }]));
    scheduler.start();
    await pass(0);
    expect(lines).toEqual(['warn mail.sts-seen a. is odd']);
  });

  test('what becomes due while it lasts is done soon, not at the next look', async () => {
    const { source, timers, scheduler, pass, clock } = bench();
    source.times.set('a.', 0);
    // The step of a zone says that it is due again before the round has ended.
    source.nextMs = () => clock.nowMs();
    scheduler.start();
    await pass(0);
    expect(timers.leftMs()).toEqual([1000]);
    await pass(1000);
    expect(source.worked).toEqual(['a. 0', 'a. 1000']);
  });

  test('a source that is slow does not hold up another', async () => {
    const { sources, timers, scheduler } = bench(['slow', 'quick']);
    const [slow, quick] = [sources[0]!, sources[1]!];
    slow.times.set('a.', 0);
    quick.times.set('a.', 0);
    let end = (): void => {};
    slow.result = () => new Promise((resolve) => (end = () => resolve(ok([]))));
    scheduler.start();
    timers.fire();
    await timers.waiting(1);
    expect([slow.busy, quick.worked]).toEqual([1, ['a. 0']]);
    end();
    await timers.waiting(2);
  });
});

describe('work that is not possible', () => {
  test('alerts once, is tried again every minute, and alerts again after it was possible', async () => {
    const { source, timers, scheduler, pass, lines } = bench();
    source.times.set('a.', 0);
    source.result = () => Promise.resolve(REFUSED);
    scheduler.start();
    await pass(0);
    expect([source.worked.length, source.alerts]).toEqual([1, ['a.']]);
    expect(timers.leftMs()).toEqual([MINUTE_MS]);
    await pass(MINUTE_MS);
    await pass(MINUTE_MS);
    expect([source.worked.length, source.alerts]).toEqual([3, ['a.']]);
    expect(lines[0]).toMatch(/^error mail\.refused a\. it is not possible, will try again: .*\[SIGNING_SELF_CHECK\]$/);
    source.result = () => Promise.resolve(ok([]));
    await pass(MINUTE_MS);
    source.result = () => Promise.resolve(REFUSED);
    await pass(HOUR_MS);
    expect(source.alerts).toEqual(['a.', 'a.']);
  });

  test('is not tried sooner because something else became due, which is done', async () => {
    const { source, clock, scheduler, pass } = bench();
    source.times.set('a.', 0);
    source.result = (zone) => Promise.resolve(zone === 'a.' ? REFUSED : ok([]));
    scheduler.start();
    await pass(0);
    source.times.set('b.', 10_000);
    await pass(10_000 - 1);
    clock.tellDue();
    await pass(1);
    expect(source.worked).toEqual(['a. 0', 'b. 10000']);
  });
});

describe('woken', () => {
  test('while it sleeps it looks at once, however often it is woken', async () => {
    const { source, clock, timers, scheduler, pass } = bench();
    scheduler.start();
    await pass(0);
    source.times.set('a.', 5);
    await pass(5);
    expect(source.worked).toEqual([]);
    clock.tellDue();
    clock.tellDue();
    expect(timers.leftMs()).toEqual([0]);
    await pass(0);
    expect(source.worked).toEqual(['a. 5']);
  });

  test('while it works it looks once more when it is done', async () => {
    const { source, clock, timers, scheduler, pass } = bench();
    source.times.set('a.', 0);
    source.result = (zone) => {
      if (zone === 'a.') source.times.set('b.', 0);
      if (zone === 'a.') clock.tellDue();
      return Promise.resolve(ok([]));
    };
    // What became due after the table was read for the last time.
    source.blindReads.push(2);
    scheduler.start();
    await pass(0);
    expect(source.worked).toEqual(['a. 0']);
    expect(timers.leftMs()).toEqual([0]);
    await pass(0);
    expect(source.worked).toEqual(['a. 0', 'b. 0']);
    expect(timers.leftMs()).toEqual([MINUTE_MS]);
  });
});

describe('stop', () => {
  test('ends when the work under way has ended; the rest is left, and nothing wakes it', async () => {
    const { source, clock, timers, scheduler } = bench();
    for (const zone of ['a.', 'b.', 'c.']) source.times.set(zone, 0);
    const ends: (() => void)[] = [];
    source.result = () => new Promise((resolve) => ends.push(() => resolve(ok([]))));
    scheduler.start();
    timers.fire();
    await settle();
    let isStopped = false;
    const stopping = scheduler.stop().then(() => (isStopped = true));
    await settle();
    expect([source.worked.length, isStopped]).toEqual([2, false]);
    for (const end of ends) end();
    await stopping;
    clock.tellDue();
    expect([source.worked.length, timers.leftMs()]).toEqual([2, []]);
  });

  test('while it sleeps it stops at once', async () => {
    const { timers, scheduler, pass } = bench();
    scheduler.start();
    await pass(0);
    await scheduler.stop();
    expect(timers.leftMs()).toEqual([]);
  });
});

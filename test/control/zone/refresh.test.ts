/** Sweeps that renew signatures: every signed zone, slice by slice, each hour; one that fails is reported once and tried again. */
import { describe, expect, test } from 'vitest';
import { REFRESH_EVERY_MS, REFRESH_SLICE_NODES } from '#base/limits/changes.ts';
import { createLog } from '#base/log.ts';
import { atZone } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import { type RefreshOutcome, type Refreshable, Refresher } from '#control/zone/refresh.ts';
import { formatName, nameOf, ownerKey } from '#dns/name.ts';
import { good, temporaryControl } from '../../support/temporary-control.ts';
import { TEST_NOW_MS } from '../../support/temporary-store.ts';

const A = { name: 'a.example.', dnssec: 'on' } as const;
const B = { name: 'b.example.', dnssec: 'on' } as const;
const PLAIN = { name: 'plain.example.', dnssec: 'off' } as const;
const DAY_MS = 86_400_000;

const key = (name: string) => ownerKey(nameOf(name));
const DONE: Result<RefreshOutcome> = ok({ renewed: 0, next: undefined });
const FAILED = fail(problem('SIGNING_SELF_CHECK', atZone('a.example.'), 'not good'));

/** A refresher over zones whose slices come out as `slice` says; `swept`: zone and start of each slice. */
function bench(zones: ReturnType<Refreshable['zones']>, slice: (zone: string, from: string) => Result<RefreshOutcome> = () => DONE) {
  let nowMs = TEST_NOW_MS;
  const counts = { forgets: 0 };
  const swept: string[] = [];
  const alerts: string[] = [];
  const limits = new Set<number>();
  const refreshable: Refreshable = {
    zones: () => zones,
    refreshSlice: (name, from, nodeLimit) => {
      const zone = formatName(name);
      swept.push(from === key(zone) ? zone : `${zone} from ${from}`);
      limits.add(nodeLimit);
      return Promise.resolve(slice(zone, from));
    },
    forgetRemoved: () => Promise.resolve(ok((counts.forgets += 1))),
    alert: (zone, problems) => {
      alerts.push(`${zone} ${problems.map(({ code }) => code).join()}`);
      return Promise.resolve();
    },
  };
  const refresher = new Refresher(refreshable, { nowMs: () => nowMs }, createLog({ level: 'silent' }));
  return {
    refresher,
    alerts,
    limits,
    counts,
    /** The slices of a look `afterMs` later. */
    look: async (afterMs = 0): Promise<string[]> => {
      nowMs += afterMs;
      await refresher.sweepDue();
      return swept.splice(0);
    },
  };
}

describe('what is due', () => {
  test('at first every signed zone, and no other', async () => {
    const { look } = bench([A, PLAIN, B]);
    expect(await look()).toEqual(['a.example.', 'b.example.']);
  });

  test.each<[string, number, readonly string[]]>([
    ['just before the hour: nothing', REFRESH_EVERY_MS - 1, []],
    ['after the hour: again', REFRESH_EVERY_MS, ['a.example.']],
    ['the clock was set back: again', -1, ['a.example.']],
    ['the clock was set back by a year: again', -365 * DAY_MS, ['a.example.']],
  ])('%s', async (_, afterMs, expected) => {
    const { look } = bench([A]);
    await look();
    expect(await look(afterMs)).toEqual(expected);
  });

  test('the event loop turns between two slices, also between those that wait for nothing, and between two zones', async () => {
    let turns = 0;
    let isOver = false;
    const counting = (): void => {
      turns++;
      if (!isOver) setImmediate(counting);
    };
    setImmediate(counting);
    const seen: number[] = [];
    const { look } = bench([A, B], (_, from) => {
      seen.push(turns);
      return from.endsWith('xxx') ? DONE : ok({ renewed: 0, next: `${from}x` });
    });
    await look();
    isOver = true;
    expect(seen).toHaveLength(8);
    expect(new Set(seen).size).toBe(8);
  });

  test('each look forgets removed zones whose time is over', async () => {
    const { look, counts } = bench([]);
    await look();
    await look();
    expect(counts.forgets).toBe(2);
  });
});

describe('a sweep', () => {
  test('goes on where the last slice ended, up to the end of the zone, in slices of the limit', async () => {
    const next = new Map([
      [key('a.example.'), 'm'],
      ['m', 'z'],
    ]);
    const { look, limits } = bench([A], (_, from) => ok({ renewed: 1, next: next.get(from) }));
    expect(await look()).toEqual(['a.example.', 'a.example. from m', 'a.example. from z']);
    expect([...limits]).toEqual([REFRESH_SLICE_NODES]);
  });

  test('one zone that fails does not keep the next from being swept', async () => {
    const { look } = bench([A, B], (zone) => (zone === A.name ? FAILED : DONE));
    expect(await look()).toEqual(['a.example.', 'b.example.']);
  });

  test('that fails is tried again at the next look, from the start of the zone', async () => {
    let isBroken = true;
    const { look } = bench([A], (_, from) => {
      if (from === 'm') return isBroken ? FAILED : DONE;
      return ok({ renewed: 1, next: 'm' });
    });
    await look();
    isBroken = false;
    expect(await look()).toEqual(['a.example.', 'a.example. from m']);
    expect(await look()).toEqual([]);
  });

  test('is reported once while it fails, and once more after it was good', async () => {
    let isBroken = true;
    const { look, alerts } = bench([A], () => (isBroken ? FAILED : DONE));
    await look();
    await look();
    expect(alerts).toEqual(['a.example. SIGNING_SELF_CHECK']);
    isBroken = false;
    await look();
    isBroken = true;
    await look(REFRESH_EVERY_MS);
    expect(alerts).toHaveLength(2);
  });

  test('ends after its slice when the refresher stops', async () => {
    const slices: string[] = [];
    let stopping: Promise<void> | undefined;
    const { refresher } = bench([A, B], (zone) => {
      slices.push(zone);
      stopping ??= refresher.stop();
      return ok({ renewed: 0, next: 'm' });
    });
    refresher.start();
    await expect.poll(() => slices.length).toBe(1);
    await stopping;
    expect(slices).toEqual(['a.example.']);
  });
});

describe('the zones of the store', () => {
  const ZONE = nameOf('a.example.');
  const TEXT = '@ 3600 SOA ns1 host 10 7200 900 1209600 900\n@ 3600 NS ns1\nns1 3600 A 192.0.2.1\n';

  test('a slice without signatures near their end writes nothing', async () => {
    const room = temporaryControl();
    const { control, writer } = room;
    await room.load('a.example.', TEXT);
    const before = writer.generation();
    const slice = good(await control.refreshable.refreshSlice(ZONE, key('a.example.'), 10));
    // 12 to 14 days from signing on.
    const days = (slice.endsAt! - room.clock.nowMs() / 1000) / 86_400;
    expect([slice.renewed, slice.next, days > 11.9 && days <= 14]).toEqual([0, undefined, true]);
    expect(writer.generation()).toBe(before);
  });

  test('renewals are written, with the audit entry of the upkeep, and are not due again', async () => {
    const room = temporaryControl();
    const { control, clock, writer } = room;
    await room.load('a.example.', TEXT);
    clock.pass(13 * DAY_MS);
    const { renewed } = good(await control.refreshable.refreshSlice(ZONE, key('a.example.'), 10));
    // SOA, NS, DNSKEY and NSEC of the apex, A and NSEC of ns1, at least.
    expect(renewed).toBeGreaterThanOrEqual(6);
    expect(writer.audit(1)[0]).toMatchObject({
      action: 'dnssec.refresh',
      actor: { kind: 'system', id: 'refresh' },
      detail: expect.stringContaining(`${renewed} signatures`),
    });
    expect(good(await control.refreshable.refreshSlice(ZONE, key('a.example.'), 10)).renewed).toBe(0);
  });

  test.each([
    ['not signed', 'plain.example.'],
    ['not there any more', 'gone.example.'],
  ])('a zone that is %s: nothing to renew', async (_, zone) => {
    const room = temporaryControl();
    const { control } = room;
    await room.load('plain.example.', TEXT, { dnssec: false });
    expect(good(await control.refreshable.refreshSlice(nameOf(zone), key(zone), 10))).toEqual({ renewed: 0, next: undefined });
  });
});

/** The engine on a small machine: waits, gates, order, holds, overrides, and wake-ups that come as they like. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { advance, due, order, overrideWait } from '#lifecycle/engine.ts';
import { explain } from '#lifecycle/explain.ts';
import { type Machine, checkedMachine } from '#lifecycle/machine.ts';
import { addObject, holdLifecycle, type LifecycleState, newLifecycle, observe, resumeLifecycle } from '#lifecycle/state.ts';
import { type World } from '#lifecycle/waits.ts';

type Data = { readonly wish?: boolean };

const MACHINE: Machine = checkedMachine({
  kind: 'toy',
  first: 'made',
  last: ['gone'],
  checkEveryMs: 100,
  singular: { stage: 'used', displaced: 'old' },
  transitions: [
    { from: 'made', to: 'shown', waits: [] },
    {
      from: 'shown',
      to: 'used',
      waits: [
        { kind: 'gate', id: 'seen', who: 'every server', why: 'somebody misses it', observation: 'record', places: 'servers' },
        {
          kind: 'time',
          id: 'ttl',
          who: 'caches',
          why: 'somebody holds the old one',
          rfc: 'RFC 2181 §8',
          since: 'seen',
          terms: ['ttl', 'ttl'],
        },
      ],
    },
    { from: 'used', to: 'gone', waits: [{ kind: 'condition', id: 'wish', who: 'a wish', why: 'nobody wants it' }], isQuiet: true },
    { from: 'used', to: 'gone', waits: [], by: 'order' },
    { from: 'old', to: 'gone', waits: [{ kind: 'time', id: 'late', who: 'stragglers', why: 'they fail', terms: ['life'] }] },
  ],
});

function worldAt(nowMs: number): World<Data> {
  return {
    nowMs,
    wallOffsetMs: 0,
    durationMs: (term) => ({ ttl: 1000, life: 5000 })[term]!,
    places: () => ['a', 'b'],
    condition: (_id, { data }) => ({ isMet: data.wish === true, text: 'wishes' }),
    overrideCommand: ({ id }, wait) => `override ${id} ${wait}`,
  };
}

const seenAt = (state: LifecycleState<Data>, id: string, atMs: number, places = ['a', 'b'], isGood = true) =>
  places.reduce(
    (before, place) => observe(before, id, { what: 'record', place, isGood, text: isGood ? 'there' : 'NXDOMAIN', atMs }),
    state,
  );
const made = (id = 'x', data: Data = {}) => addObject(newLifecycle<Data>(), { id, group: 'g', stage: 'made', data }, 0);
const stageOf = (state: LifecycleState<Data>, id = 'x') => state.objects.find((each) => each.id === id)?.stage;

describe('waits', () => {
  test('a gate opens when every place has shown something good, and time counts from there', () => {
    let { state } = advance(MACHINE, made(), worldAt(0));
    expect(stageOf(state)).toBe('shown');
    state = advance(MACHINE, seenAt(state, 'x', 10, ['a']), worldAt(50)).state;
    expect(due(MACHINE, state.objects[0]!, state, worldAt(50_000)).kind).toBe('wait');
    const opened = advance(MACHINE, seenAt(state, 'x', 60, ['b']), worldAt(60));
    expect(opened.events.map(({ event }) => event)).toEqual(['confirmed', 'waiting']);
    expect(opened.nextDueMs).toBe(2060);
    expect(stageOf(advance(MACHINE, opened.state, worldAt(2059)).state)).toBe('shown');
    expect(stageOf(advance(MACHINE, opened.state, worldAt(2060)).state)).toBe('used');
  });

  test('a gate that needs places is not over without one; a watched one is looked at again while time is waited for', () => {
    const gate = { kind: 'gate', id: 'seen', who: 'one', why: 'x', observation: 'record', places: 'servers' } as const;
    const later = { kind: 'time', id: 'ttl', who: 'caches', why: 'x', since: 'seen', terms: ['ttl'] } as const;
    const machine: Machine = { ...MACHINE, transitions: [{ from: 'made', to: 'gone', waits: [{ ...gate, needsPlaces: true }] }] };
    const nowhere = { ...worldAt(0), places: () => [] };
    expect(advance(machine, made(), nowhere).state.objects[0]!.stage).toBe('made');
    const watched: Machine = { ...MACHINE, transitions: [{ from: 'made', to: 'gone', waits: [{ ...gate, isWatched: true }, later] }] };
    const seen = advance(watched, seenAt(made(), 'x', 10), worldAt(10));
    expect(seen.checks.map(({ place, dueMs }) => [place, dueMs])).toEqual([
      ['a', 110],
      ['b', 110],
    ]);
    const lost = advance(watched, seenAt(seen.state, 'x', 900, ['b'], false), worldAt(5000));
    expect(stageOf(lost.state)).toBe('made');
  });

  test('a place that loses the record starts the time over', () => {
    let { state } = advance(MACHINE, made(), worldAt(0));
    state = advance(MACHINE, seenAt(state, 'x', 10), worldAt(10)).state;
    state = advance(MACHINE, seenAt(state, 'x', 1500, ['b'], false), worldAt(1500)).state;
    state = advance(MACHINE, seenAt(state, 'x', 1600, ['b']), worldAt(1600)).state;
    expect(stageOf(advance(MACHINE, state, worldAt(3599)).state)).toBe('shown');
    expect(stageOf(advance(MACHINE, state, worldAt(3600)).state)).toBe('used');
  });

  test('what was seen before the stage began does not count', () => {
    const { state } = advance(MACHINE, made(), worldAt(100));
    expect(seenAt(state, 'x', 99).objects[0]!.seen).toEqual([]);
  });

  test('a newcomer and the one it displaces move in one step, with their evidence', () => {
    let { state } = advance(MACHINE, made(), worldAt(0));
    state = advance(MACHINE, seenAt(state, 'x', 1), worldAt(1)).state;
    state = advance(MACHINE, state, worldAt(2001)).state;
    state = addObject(state, { id: 'y', group: 'g', stage: 'made', data: {} }, 3000);
    state = advance(MACHINE, state, worldAt(3000)).state;
    state = advance(MACHINE, seenAt(state, 'y', 3001), worldAt(3001)).state;
    const step = advance(MACHINE, state, worldAt(5001));
    expect([stageOf(step.state, 'x'), stageOf(step.state, 'y')]).toEqual(['old', 'used']);
    const [record] = step.state.objects[1]!.history.slice(-1);
    expect(record!.evidence[0]).toMatchObject({
      wait: 'seen',
      seen: [
        { place: 'a', atMs: 3001 },
        { place: 'b', atMs: 3001 },
      ],
    });
    expect(step.state.objects[0]!.history.at(-1)!.evidence[0]!.text).toContain('y has taken its place');
    expect(advance(MACHINE, step.state, worldAt(10_001)).events.map(({ event, object }) => [object, event])).toEqual([['x', 'finished']]);
  });

  test('a quiet way out is not waited for, and taken all the same', () => {
    let { state } = advance(MACHINE, made('x', { wish: true }), worldAt(0));
    state = advance(MACHINE, seenAt(state, 'x', 1), worldAt(1)).state;
    expect(stageOf(advance(MACHINE, state, worldAt(2001)).state)).toBe('gone');
  });

  test('somebody is told where to look, and when', () => {
    const { state } = advance(MACHINE, made(), worldAt(0));
    const { checks, nextDueMs } = advance(MACHINE, seenAt(state, 'x', 20, ['a'], false), worldAt(20));
    expect(checks).toEqual([
      { machine: 'toy', object: 'x', what: 'record', place: 'a', dueMs: 120 },
      { machine: 'toy', object: 'x', what: 'record', place: 'b', dueMs: 0 },
    ]);
    expect(nextDueMs).toBe(120);
  });
});

describe('operators', () => {
  const hold = { reason: 'holidays', by: 'ann', atMs: 5 };

  test.each(['x', undefined])('hold and resume (%s)', (id) => {
    const held = holdLifecycle(made(), id, hold);
    if (!held.ok) return expect.fail('not held');
    const step = advance(MACHINE, held.value, worldAt(10));
    expect([stageOf(step.state), step.events]).toEqual(['made', []]);
    expect(explain(MACHINE, step.state, worldAt(10))[0]).toMatchObject({ hold, lines: [expect.stringContaining('by ann: holidays')] });
    const resumed = resumeLifecycle(step.state, id);
    expect(resumed.ok && stageOf(advance(MACHINE, resumed.value, worldAt(11)).state)).toBe('shown');
  });

  test('an override ends one wait of one stage, and its reason stays with the transition', () => {
    const { state } = advance(MACHINE, made(), worldAt(0));
    const cause = { reason: 'b is down for good', by: 'ann', nowMs: 7 };
    const done = overrideWait(MACHINE, state, 'x', 'seen', cause);
    if (!done.ok) return expect.fail('not overridden');
    expect(stageOf(advance(MACHINE, done.value, worldAt(2006)).state)).toBe('shown');
    const after = advance(MACHINE, done.value, worldAt(2007)).state;
    expect(stageOf(after)).toBe('used');
    expect(after.objects[0]).toMatchObject({
      overrides: [],
      history: [{}, { evidence: [{ wait: 'seen', override: { reason: 'b is down for good', by: 'ann' } }, {}] }],
    });
  });

  test('an override of nothing, or without a reason, is refused', () => {
    const { state } = advance(MACHINE, made(), worldAt(0));
    const cause = { reason: 'because', by: 'ann', nowMs: 7 };
    const codes = [
      overrideWait(MACHINE, state, 'x', 'late', cause),
      overrideWait(MACHINE, state, 'z', 'seen', cause),
      overrideWait(MACHINE, state, 'x', 'seen', { ...cause, reason: ' ' }),
      order(MACHINE, state, 'x', 'gone', cause),
    ].map((each) => (each.ok ? 'ok' : each.problems[0]!.code));
    expect(codes).toEqual(['LIFECYCLE_WAIT', 'LIFECYCLE_OBJECT', 'LIFECYCLE_REASON', 'LIFECYCLE_ORDER']);
  });

  test('an order goes through a hold', () => {
    let { state } = advance(MACHINE, made(), worldAt(0));
    state = advance(MACHINE, seenAt(state, 'x', 1), worldAt(1)).state;
    state = advance(MACHINE, state, worldAt(2001)).state;
    const done = order(MACHINE, { ...state, hold }, 'x', 'gone', { reason: 'stolen', by: 'ann', nowMs: 2002 });
    expect(done.ok && [stageOf(done.value.state), done.value.events.at(-1)!.event]).toEqual(['gone', 'finished']);
  });
});

describe('explain', () => {
  test('says who, what was seen where and when, when next, why, and the command', () => {
    const { state } = advance(MACHINE, made(), worldAt(0));
    const world = worldAt(Date.UTC(2026, 10, 21, 10, 6));
    const looked = seenAt(seenAt(state, 'x', Date.UTC(2026, 10, 21, 10, 5), ['a'], false), 'x', Date.UTC(2026, 10, 21, 10, 4), ['b']);
    const [told] = explain(MACHINE, looked, world);
    expect(told!.lines).toEqual([
      'x is shown since 1970-01-01 00:00 UTC; next: used',
      '  seen: waits for every server; a: NXDOMAIN, seen 2026-11-21 10:05 UTC; b: good, seen 2026-11-21 10:04 UTC; next check 2026-11-21 10:06 UTC (without it somebody misses it)',
      '    to continue without: override x seen',
      '  ttl: waits for caches; it counts from the end of "seen" (without it somebody holds the old one, RFC 2181 §8)',
      '    to continue without: override x ttl',
    ]);
    expect(told!.earliestMs).toBeUndefined();
  });

  test('knows the earliest time when only time is missing', () => {
    const { state } = advance(MACHINE, made(), worldAt(0));
    const opened = advance(MACHINE, seenAt(state, 'x', 10), worldAt(10)).state;
    expect(explain(MACHINE, opened, worldAt(500))[0]).toMatchObject({ next: 'used', earliestMs: 2010 });
  });
});

describe('laws', () => {
  /** A life under wake-ups at any times: state, when each stage was entered, and crashes that lose steps. */
  const live = (wakes: readonly { readonly afterMs: number; readonly isLost: boolean; readonly isRepeated: boolean }[]) => {
    let state = made();
    let nowMs = 0;
    for (const { afterMs, isLost, isRepeated } of wakes) {
      nowMs += afterMs;
      const look = () => advance(MACHINE, seenAt(state, 'x', nowMs), worldAt(nowMs));
      const step = look();
      // Decided again with the same arguments, it decides the same.
      expect(look()).toEqual(step);
      if (isLost) continue;
      state = JSON.parse(JSON.stringify(step.state)) as LifecycleState<Data>;
      // A second wake-up at the same time finds nothing left to do.
      if (isRepeated) expect(advance(MACHINE, state, worldAt(nowMs)).events).toEqual([]);
    }
    return state.objects[0]!;
  };
  const wakes = fc.array(fc.record({ afterMs: fc.integer({ min: 1, max: 3000 }), isLost: fc.boolean(), isRepeated: fc.boolean() }), {
    maxLength: 20,
  });

  test('late, repeated, missed and lost wake-ups never bring anything forward, and lead to the same end', () => {
    fc.assert(
      fc.property(wakes, (before) => {
        const calm = [5000, 5000, 5000, 5000].map((afterMs) => ({ afterMs, isLost: false, isRepeated: true }));
        const object = live([...before, ...calm]);
        expect(object.stage).toBe('used');
        const [shown, used] = object.history;
        expect(used!.atMs - shown!.atMs).toBeGreaterThanOrEqual(2000);
      }),
      { numRuns: 100 },
    );
  });

  test('a machine that makes no sense is found at once', () => {
    const bad = (change: Partial<Machine>) => () => checkedMachine({ ...MACHINE, ...change });
    expect(bad({ transitions: [{ from: 'nowhere', to: 'gone', waits: [] }] })).toThrow(/can never happen/);
    expect(bad({ last: [] })).toThrow(/no way out of gone/);
    expect(
      bad({
        transitions: [
          ...MACHINE.transitions,
          { from: 'shown', to: 'gone', waits: [{ kind: 'time', id: 't', who: '', why: '', terms: [], since: 'x' }] },
        ],
      }),
    ).toThrow(/counts from nothing/);
  });
});

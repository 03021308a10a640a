/** The `_spfN` records beside the domain's SPF record: names, ages, limits. */
import { describe, expect, test } from 'vitest';
import { SPF_PARTS_MAX } from '#base/limits/spf.ts';
import { nameOf } from '#dns/name.ts';
import { type TtlMemory, rememberTtl } from '#lifecycle/ttl-memory.ts';
import {
  NO_SPF_STATE,
  type SpfGround,
  type SpfPart,
  type SpfState,
  flattenedSource,
  otherTextsAt,
  partOwner,
  publishedParts,
  settleSpfParts,
  spfTextOf,
} from '#mail/spf/parts.ts';
import { APEX, BASE, HOUR_MS, START_MS, policyOf, zoneOf } from '../../support/mail/mail-domain.ts';

const TTLS: TtlMemory = rememberTtl({}, 'spf', 3600, START_MS);
/** SOA REFRESH in BASE, and the TTL. */
const FORGOTTEN_MS = 7_200_000 + HOUR_MS;

function groundOf(spf: object, nowMs = START_MS, more: readonly string[] = []): SpfGround {
  return { domain: APEX, policy: policyOf({ spf }).spf, view: zoneOf([...BASE, ...more]), ttls: TTLS, nowMs };
}

const FLAT = { mechanisms: ['mx', 'include:esp.test'], flatten: ['esp.test'], all: '-all' };
const numbers = (count: number, third = 0) => Array.from({ length: count }, (_, at) => `10.${third}.${at * 2}.1`);
const stateOf = (networks: readonly string[], parts: readonly SpfPart[] = []): SpfState => ({
  sources: [{ include: 'esp.test', networks, seenAtMs: START_MS }],
  parts,
});

describe('RFC 7208 §5.2: records beside the record', () => {
  test('none while everything fits, and none without addresses', () => {
    expect(settleSpfParts(NO_SPF_STATE, groundOf(FLAT))).toEqual({ state: NO_SPF_STATE, events: [], problems: [] });
    expect(spfTextOf(policyOf({ spf: FLAT }).spf)).toBe('v=spf1 mx include:esp.test -all');
    const { state } = settleSpfParts(stateOf(['192.0.2.1']), groundOf(FLAT));
    expect(state).toMatchObject({ record: 'v=spf1 mx ip4:192.0.2.1 -all', parts: [] });
  });

  test('a text keeps its name and a name its text; names that others use are left alone', () => {
    const ground = groundOf({ ...FLAT, mechanisms: [...FLAT.mechanisms, 'include:_spf3.example.com'] }, START_MS, ['_spf1 60 TXT "x"']);
    const first = settleSpfParts(stateOf(numbers(75)), ground).state;
    expect(first.parts.map(({ number }) => number)).toEqual([2, 4, 5]);
    // Only what is after the first part changes.
    const second = settleSpfParts({ ...stateOf([...numbers(74), '10.1.0.1'], first.parts) }, { ...ground, nowMs: START_MS + 1 }).state;
    expect(second.parts.map(({ number, unusedSinceMs }) => [number, unusedSinceMs !== undefined])).toEqual([
      [2, false],
      [4, false],
      [5, true],
      [6, false],
    ]);
    expect(second.parts[0]).toEqual(first.parts[0]);
    expect(settleSpfParts(second, { ...ground, nowMs: START_MS + 1 }).state).toEqual(second);
  });

  test('one that nobody includes any more goes when caches have forgotten, and its name rests as long again', () => {
    const first = settleSpfParts(stateOf(numbers(45)), groundOf(FLAT));
    expect(first.events.map(({ event, object }) => `${event} ${object}`)).toEqual(['started _spf1', 'started _spf2']);
    const unused = settleSpfParts(stateOf(['192.0.2.1'], first.state.parts), groundOf(FLAT));
    expect(unused.nextDueMs).toBe(START_MS + FORGOTTEN_MS);
    const before = settleSpfParts(unused.state, groundOf(FLAT, START_MS + FORGOTTEN_MS - 1));
    expect(before.state.parts.every(({ goneSinceMs }) => goneSinceMs === undefined)).toBe(true);
    const gone = settleSpfParts(unused.state, groundOf(FLAT, START_MS + FORGOTTEN_MS));
    expect(gone.events.map(({ event, object }) => `${event} ${object}`)).toEqual(['finished _spf1', 'finished _spf2']);
    expect(gone.state.parts.every(({ goneSinceMs }) => goneSinceMs === START_MS + FORGOTTEN_MS)).toBe(true);
    // A cache that took it in the last moment holds it still: the same name with another text would be read as the old one.
    const again = settleSpfParts({ ...gone.state, sources: stateOf(numbers(45)).sources }, groundOf(FLAT, START_MS + FORGOTTEN_MS + 1));
    expect(again.state.parts.map(({ number, goneSinceMs }) => [number, goneSinceMs !== undefined])).toEqual([
      [1, true],
      [2, true],
      [3, false],
      [4, false],
    ]);
    expect(settleSpfParts(gone.state, groundOf(FLAT, START_MS + 2 * FORGOTTEN_MS)).state.parts).toEqual([]);
  });

  test('RFC 2181 §8: a TTL that was larger until now is waited for, from when secondaries have the zone', () => {
    const ttls = rememberTtl(rememberTtl({}, 'spf', 86_400, START_MS), 'spf', 60, START_MS);
    const { state } = settleSpfParts(stateOf(numbers(45)), { ...groundOf(FLAT), ttls });
    expect(settleSpfParts(stateOf(['192.0.2.1'], state.parts), { ...groundOf(FLAT), ttls }).nextDueMs).toBe(
      START_MS + 7_200_000 + 86_400_000,
    );
  });

  test('without SPF, or without the include, they stay as long as caches want them', () => {
    const { state } = settleSpfParts(stateOf(numbers(45)), groundOf(FLAT));
    for (const spf of [{ enabled: false }, { mechanisms: ['mx'] }]) {
      const after = settleSpfParts(state, groundOf(spf));
      expect(after.state.record).toBeUndefined();
      expect(after.state.sources).toEqual([]);
      expect(after.state.parts.every(({ unusedSinceMs }) => unusedSinceMs === START_MS)).toBe(true);
    }
  });

  test('all names in use: the record stays as it is until one is free', () => {
    const parts = Array.from({ length: SPF_PARTS_MAX - 2 }, (_, at): SpfPart => ({
      number: at + 3,
      text: `v=spf1 ${at}`,
      unusedSinceMs: START_MS,
    }));
    const first = settleSpfParts(stateOf(numbers(45), parts), groundOf(FLAT)).state;
    const full = settleSpfParts({ ...first, sources: stateOf(numbers(45, 1)).sources }, groundOf(FLAT, START_MS + 1));
    expect(full.problems).toMatchObject([{ code: 'SPF_FLATTEN_LARGE', severity: 'error' }]);
    expect(full.state).toMatchObject({ record: first.record, parts: first.parts });
    const after = settleSpfParts(full.state, groundOf(FLAT, START_MS + FORGOTTEN_MS + 1));
    expect(settleSpfParts(after.state, groundOf(FLAT, START_MS + 2 * FORGOTTEN_MS + 1)).problems).toEqual([]);
  });
});

describe('names and texts', () => {
  test('the owner of a part, without its last dot', () => {
    expect(partOwner(1, APEX)).toBe('_spf1.example.com');
    expect(partOwner(12, nameOf('mail.example.org'))).toBe('_spf12.mail.example.org');
  });

  test('a part that is gone is not published, one that is only unused is', () => {
    const parts = [
      { number: 1, text: 'v=spf1 -all' },
      { number: 2, text: 'v=spf1 mx', unusedSinceMs: START_MS },
      { number: 3, text: 'v=spf1 a', unusedSinceMs: START_MS, goneSinceMs: START_MS },
    ];
    expect(publishedParts({ sources: [], parts }).map(({ number }) => number)).toEqual([1, 2]);
  });

  test('the text with addresses goes before that of the policy', () => {
    const { spf } = policyOf({ spf: FLAT });
    expect(spfTextOf(spf)).toBe('v=spf1 mx include:esp.test -all');
    expect(spfTextOf(spf, { ...NO_SPF_STATE, record: 'v=spf1 mx ip4:192.0.2.1 -all' })).toBe('v=spf1 mx ip4:192.0.2.1 -all');
  });

  test('the other TXT at the name: neither the SPF record nor those of other names', () => {
    const view = zoneOf([...BASE, '@ 300 TXT "v=spf1 mx -all"', '@ 300 TXT "token=1"', '@ 300 TXT "v=spf10"', 'www 300 TXT "x"']);
    expect(otherTextsAt(view, APEX).toSorted()).toEqual(['token=1', 'v=spf10']);
    expect(otherTextsAt(zoneOf(BASE), APEX)).toEqual([]);
  });

  test('a kept source as flattening takes it', () =>
    expect(flattenedSource({ include: 'esp.test', networks: ['192.0.2.0/24'], seenAtMs: 5 })).toEqual({
      include: 'esp.test',
      networks: [{ network: '192.0.2.0/24', via: [] }],
      seenAtMs: 5,
    }));
});

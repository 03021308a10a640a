/** Which rollover a zone needs, and what may be under way beside it. */
import { describe, expect, test } from 'vitest';
import { KEY_POLICY, type KeyPolicy, rolesOf } from '#dnssec/key-policy.ts';
import { type ZoneKey } from '#dnssec/rollover/keys.ts';
import { type RolloverKind } from '#dnssec/rollover/machine.ts';
import { NO_ROLLOVERS, type RolloverState } from '#dnssec/rollover/state.ts';
import { askedRollover, nextAgeMs, stopsUnsigning, wantedRollover } from '#dnssec/rollover/wanted.ts';
import { addObject } from '#lifecycle/state.ts';

const DAY_MS = 86_400_000;
const key = (id: string, role: ZoneKey['role'], algorithm: ZoneKey['algorithm'] = 13): ZoneKey => ({
  id,
  keyTag: 1,
  role,
  algorithm,
  state: 'active',
  dnskey: '',
});
const CSK = [key('c', 'csk')];
const SPLIT = [key('k', 'ksk'), key('z', 'zsk')];
const SPLIT_POLICY: KeyPolicy = { ...KEY_POLICY, keys: 'ksk+zsk' };

function ground(keys: readonly ZoneKey[], policy: KeyPolicy = KEY_POLICY, state: RolloverState = NO_ROLLOVERS, nowMs = 0) {
  return { zone: 'example.', keys, policy, state, nowMs };
}
function underWay(kind: RolloverKind, out: readonly string[], incoming: readonly string[] = []): RolloverState {
  const object = { id: 'other', group: kind, stage: 'published', data: { out, in: incoming } };
  return { ...NO_ROLLOVERS, rollovers: { ...NO_ROLLOVERS.rollovers, [kind]: addObject(NO_ROLLOVERS.rollovers[kind], object, 0) } };
}

test('RFC 6781 §3.1: one key, or two', () => {
  expect([rolesOf(KEY_POLICY), rolesOf(SPLIT_POLICY)]).toEqual([['csk'], ['ksk', 'zsk']]);
});

describe('keys that are not those of the policy', () => {
  test('nothing is wanted when they are', () => {
    expect([wantedRollover(ground(CSK)), wantedRollover(ground(SPLIT, SPLIT_POLICY))]).toEqual([undefined, undefined]);
  });
  test('another algorithm: all keys are rolled together', () => {
    expect(wantedRollover(ground(SPLIT, { ...SPLIT_POLICY, algorithm: 15 }))).toMatchObject({
      kind: 'algorithm',
      out: ['k', 'z'],
      in: [
        { role: 'ksk', algorithm: 15 },
        { role: 'zsk', algorithm: 15 },
      ],
    });
  });
  test('RSA is left like any other', () => {
    expect(wantedRollover(ground([key('r', 'csk', 8)]))).toMatchObject({ kind: 'algorithm', out: ['r'], in: [{ algorithm: 13 }] });
  });
  test('CSK to KSK and ZSK, and back: by the DS', () => {
    expect(wantedRollover(ground(CSK, SPLIT_POLICY))).toMatchObject({ kind: 'ksk', out: ['c'], in: [{ role: 'ksk' }, { role: 'zsk' }] });
    expect(wantedRollover(ground(SPLIT))).toMatchObject({ kind: 'ksk', out: ['k', 'z'], in: [{ role: 'csk' }] });
  });
});

describe('RFC 6781 §3.3: lifetimes', () => {
  const state = { ...NO_ROLLOVERS, activeSinceMs: { k: 0, z: 0, c: 0 } };
  test('a ZSK after 90 days, a KSK never, unless the policy says otherwise', () => {
    expect(wantedRollover(ground(SPLIT, SPLIT_POLICY, state, 90 * DAY_MS - 1))).toBeUndefined();
    expect(wantedRollover(ground(SPLIT, SPLIT_POLICY, state, 90 * DAY_MS))).toMatchObject({ kind: 'zsk', out: ['z'] });
    expect(wantedRollover(ground(CSK, KEY_POLICY, state, 9000 * DAY_MS))).toBeUndefined();
    const policy = { ...KEY_POLICY, kskLifetimeSeconds: 86_400 };
    expect(wantedRollover(ground(CSK, policy, state, DAY_MS))).toMatchObject({ kind: 'ksk', out: ['c'] });
  });
  test('the time when the next one reaches the end of its lifetime', () => {
    expect(nextAgeMs({ keys: SPLIT, policy: SPLIT_POLICY, state })).toBe(90 * DAY_MS);
    expect(nextAgeMs({ keys: CSK, policy: KEY_POLICY, state })).toBeUndefined();
  });
});

describe('asked for', () => {
  const asked = (keys: readonly ZoneKey[], role: ZoneKey['role'], policy = SPLIT_POLICY, state = NO_ROLLOVERS) => {
    const result = askedRollover(ground(keys, policy, state), role);
    return result.ok ? result.value : result.problems[0]!.code;
  };
  test('the key of that role', () => {
    expect(asked(SPLIT, 'zsk')).toMatchObject({ kind: 'zsk', out: ['z'], in: [{ role: 'zsk', algorithm: 13 }] });
    expect(asked(CSK, 'csk', KEY_POLICY)).toMatchObject({ kind: 'ksk', out: ['c'] });
    expect(asked(CSK, 'zsk', KEY_POLICY)).toBe('DNSSEC_ROLLOVER');
  });
  test('a ZSK and a KSK side by side, nothing else', () => {
    expect(asked(SPLIT, 'zsk', SPLIT_POLICY, underWay('ksk', ['k']))).toMatchObject({ kind: 'zsk' });
    expect(asked(SPLIT, 'ksk', SPLIT_POLICY, underWay('zsk', ['z']))).toMatchObject({ kind: 'ksk' });
    expect(asked(SPLIT, 'zsk', SPLIT_POLICY, underWay('ksk', ['k', 'z']))).toBe('DNSSEC_ROLLOVER');
    for (const [role, kind] of [
      ['zsk', 'zsk'],
      ['ksk', 'ksk'],
      ['zsk', 'algorithm'],
      ['ksk', 'unsigning'],
    ] as const)
      expect(asked(SPLIT, role, SPLIT_POLICY, underWay(kind, ['k']))).toBe('DNSSEC_ROLLOVER');
  });
  test('leaving DNSSEC waits for the end of any of them', () => {
    expect(stopsUnsigning({ zone: 'example.', state: NO_ROLLOVERS })).toBeUndefined();
    expect(stopsUnsigning({ zone: 'example.', state: underWay('zsk', ['z']) })).toMatchObject({ code: 'DNSSEC_ROLLOVER' });
  });
});

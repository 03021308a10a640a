/** One rollover step by step, in counted time: what each key does when, what is waited for, what a look must show. */
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { KEY_POLICY, type KeyPolicy } from '#dnssec/key-policy.ts';
import { type RolloverInput, type RolloverStep, keysForParent, stepRollovers } from '#dnssec/rollover/step.ts';
import { type ZoneKey } from '#dnssec/rollover/keys.ts';
import { type RolloverKind } from '#dnssec/rollover/machine.ts';
import { NO_ROLLOVERS, rolloversOf } from '#dnssec/rollover/state.ts';
import { type LifecycleObservation } from '#lifecycle/state.ts';

const HOUR_MS = 3_600_000;
const ZONE = nameOf('example.');
const POLICY: KeyPolicy = { ...KEY_POLICY, propagationSeconds: 600, keyTtlSeconds: 1800, parentPropagationSeconds: 1200 };

function key(id: string, role: ZoneKey['role'], state: ZoneKey['state'], algorithm: ZoneKey['algorithm'] = 13): ZoneKey {
  const dnskey = Buffer.from([1, role === 'zsk' ? 0 : 1, 3, algorithm, ...Buffer.from(id.padEnd(6))]).toString('base64');
  return { id, keyTag: id.length, role, algorithm, state, dnskey };
}

/** A zone that is stepped: time, looks and DS TTL are given. */
class Zone {
  nowMs = 1_800_000_000_000;
  last: RolloverStep<ZoneKey>;
  #serial = 1;

  constructor(kind: RolloverKind, out: readonly ZoneKey[], incoming: readonly ZoneKey[], others: readonly ZoneKey[] = []) {
    this.last = {
      state: NO_ROLLOVERS,
      keys: [...out, ...incoming, ...others],
      isDeletingDs: false,
      isSigned: true,
      events: [],
      checks: [],
    };
    const ids = (keys: readonly ZoneKey[]) => keys.map(({ id }) => id);
    this.step({ begin: { kind, id: 'roll', out: ids(out), in: ids(incoming) }, dsTtlSeconds: 7200 });
  }

  step(more: Partial<RolloverInput<ZoneKey>> = {}): void {
    const { state, keys } = this.last;
    this.last = stepRollovers({
      zone: ZONE,
      policy: POLICY,
      keys,
      state,
      facts: { nowMs: this.nowMs, wallOffsetMs: 0, places: { servers: ['this server'], parent: ['a.parent', 'b.parent'] } },
      serial: this.#serial++,
      observations: [],
      cachedMs: () => 3 * HOUR_MS,
      ...more,
    });
  }

  /** A look at everything that is waited for. */
  see(what: 'record' | 'ds', isGood = true, places: readonly string[] = ['this server', 'a.parent', 'b.parent']): void {
    this.step();
    const seen = this.last.checks
      .filter((check) => check.what === what && places.includes(check.place))
      .map(({ object, place }): LifecycleObservation => ({ object, what, place, isGood, text: '', atMs: this.nowMs }));
    this.step({ observations: seen });
  }

  pass(ms: number): void {
    this.nowMs += ms;
    this.step();
  }

  get stage(): string | undefined {
    return rolloversOf(this.last.state)[0]?.object.stage;
  }

  get states(): Record<string, string> {
    return Object.fromEntries(this.last.keys.map(({ id, state }) => [id, state]));
  }
}

describe('RFC 6781 §4.1.1.1: a ZSK is published before it signs, and stays until no cache has its signatures', () => {
  const zone = new Zone('zsk', [key('old', 'zsk', 'active')], [key('new', 'zsk', 'published')], [key('ksk', 'ksk', 'active')]);

  test('it stands in the DNSKEY RRset first', () => {
    expect([zone.stage, zone.states]).toEqual(['published', { old: 'active', new: 'published', ksk: 'active' }]);
    expect(zone.last.checks).toMatchObject([{ what: 'record', place: 'this server' }]);
  });
  test('RFC 7583 §3.2.1: Dprp + TTLkey after every server has it', () => {
    zone.pass(HOUR_MS);
    zone.see('record');
    expect(zone.last.nextDueMs).toBe(zone.nowMs + 2_400_000);
    zone.pass(2_399_999);
    expect(zone.stage).toBe('published');
    zone.pass(1);
    expect([zone.stage, zone.states]).toEqual(['signing', { old: 'retired', new: 'active', ksk: 'active' }]);
  });
  test('RFC 7583 §3.2.1: the old one goes Dprp + TTLsig after that', () => {
    zone.see('record');
    zone.pass(600_000 + 3 * HOUR_MS - 1);
    expect(zone.stage).toBe('signing');
    zone.pass(1);
    expect([zone.stage, zone.states]).toEqual([undefined, { new: 'active', ksk: 'active' }]);
    expect(zone.last.state.pastTags).toEqual([3]);
  });
});

describe('RFC 6781 §4.1.2, RFC 7583 §3.3.1: a CSK stays until every cache has the new DS', () => {
  const zone = new Zone('ksk', [key('old', 'csk', 'active')], [key('new', 'csk', 'published')]);
  const object = () => rolloversOf(zone.last.state)[0]!.object;

  test('the parent is asked when every cache can know the key', () => {
    zone.see('record');
    zone.pass(2_400_000);
    expect([zone.stage, zone.states]).toEqual(['submitted', { old: 'signing', new: 'submitted' }]);
    expect(keysForParent('ksk', object(), zone.last.keys).map(({ id }) => id)).toEqual(['new']);
  });
  test('one server of the parent without it holds the rollover, however long', () => {
    zone.see('ds', true, ['a.parent']);
    zone.pass(30 * 24 * HOUR_MS);
    expect(zone.stage).toBe('submitted');
    zone.see('ds', false, ['b.parent']);
    expect(zone.stage).toBe('submitted');
  });
  test('all have it: the new key signs the zone, the old one stays for DprpP + TTLds', () => {
    zone.see('ds');
    expect([zone.stage, zone.states]).toEqual(['retiring', { old: 'retired', new: 'active' }]);
    zone.see('record');
    zone.see('ds');
    zone.pass(3 * HOUR_MS + 600_000 - 1);
    expect(zone.stage).toBe('retiring');
    zone.pass(1);
    expect([zone.stage, zone.states]).toEqual([undefined, { new: 'active' }]);
  });
});

test('a DS that goes again starts the wait over', () => {
  const zone = new Zone('ksk', [key('old', 'ksk', 'active')], [key('new', 'ksk', 'published')]);
  zone.see('record');
  zone.pass(2_400_000);
  zone.see('ds');
  zone.see('record');
  zone.see('ds');
  zone.pass(2 * HOUR_MS);
  zone.see('ds', false, ['b.parent']);
  zone.pass(4 * HOUR_MS);
  expect(zone.stage).toBe('retiring');
  zone.see('ds');
  zone.pass(7_200_000 + 1_200_000 - 1);
  expect(zone.stage).toBe('retiring');
  zone.pass(1);
  expect(zone.stage).toBeUndefined();
});

describe('RFC 6781 §4.1.4: an algorithm comes with its signatures first, and goes with its signatures last', () => {
  const zone = new Zone('algorithm', [key('old', 'csk', 'active')], [key('new', 'csk', 'presigned', 15)]);
  const next = (): void => {
    zone.see('record');
    zone.see('ds');
    zone.pass(5 * HOUR_MS);
  };

  test('its stages', () => {
    const seen = [[zone.stage, zone.states]];
    for (let step = 0; step < 4; step++) {
      next();
      seen.push([zone.stage, zone.states]);
    }
    expect(seen).toEqual([
      ['presigned', { old: 'active', new: 'presigned' }],
      ['published', { old: 'active', new: 'signing' }],
      ['submitted', { old: 'signing', new: 'active' }],
      ['withdrawn', { old: 'withdrawn', new: 'active' }],
      [undefined, { new: 'active' }],
    ]);
  });
});

describe('RFC 6781 §4.3.4: leaving DNSSEC', () => {
  const zone = new Zone('unsigning', [], [], [key('old', 'csk', 'active')]);

  test('CDS and CDNSKEY ask for no DS, and the zone stays signed', () => {
    expect([zone.last.isDeletingDs, zone.last.isSigned, zone.states]).toEqual([true, true, { old: 'active' }]);
    zone.pass(90 * 24 * HOUR_MS);
    expect([zone.stage, zone.last.isSigned]).toEqual(['deleting', true]);
  });
  test('the signatures go when no cache has a DS', () => {
    zone.see('ds');
    zone.pass(7_200_000 + 1_200_000 - 1);
    expect(zone.last.isSigned).toBe(true);
    zone.pass(1);
    expect([zone.last.isDeletingDs, zone.last.isSigned, zone.states]).toEqual([false, false, {}]);
  });
});

test('a parent that is not found proves nothing: the rollover waits', () => {
  const zone = new Zone('unsigning', [], [], [key('old', 'csk', 'active')]);
  for (let day = 0; day < 30; day++) {
    zone.nowMs += 24 * HOUR_MS;
    zone.step({ facts: { nowMs: zone.nowMs, wallOffsetMs: 0, places: { servers: [], parent: [] } } });
  }
  expect(zone.stage).toBe('deleting');
});

test('without a look at the DS before it changes, its TTL is taken for a day', () => {
  const begin = { kind: 'unsigning', id: 'roll', out: [], in: [] } as const;
  const zone = new Zone('unsigning', [], []);
  zone.last = { ...zone.last, state: NO_ROLLOVERS };
  zone.step({ begin });
  zone.see('ds');
  zone.step({ dsTtlSeconds: 0 });
  zone.pass(24 * HOUR_MS - 1);
  expect(zone.stage).toBe('deleting');
  zone.pass(HOUR_MS);
  expect(zone.stage).toBeUndefined();
});

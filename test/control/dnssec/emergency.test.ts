/** RFC 6781 §4.2: a compromised key: what is told before the yes, and what is done after it. */
import { describe, expect, test } from 'vitest';
import { type Problem } from '#base/problem.ts';
import { emergencyConsequences } from '#control/dnssec/emergency.ts';
import { HOUR_MS, ZONE, bench, follow, problemsOf, roll, states } from '../../support/dnssec-control.ts';
import { bad as refused, good } from '../../support/temporary-control.ts';

/** The first problem of what is refused. */
const bad: (...given: Parameters<typeof refused>) => Problem = (result) => refused(result)[0]!;

type Room = Awaited<ReturnType<typeof bench>>;

const emergency = (room: Room, role: 'csk' | 'ksk' | 'zsk', how: 'safe' | 'now', dryRun = false) =>
  room.run({ kind: 'dnssec.roll', zone: ZONE, role, emergency: how }, { dryRun });

async function twoKeys(): Promise<Room> {
  const room = await bench();
  follow(room);
  good(await room.run({ kind: 'dnssec.policy', zone: ZONE, policy: { keys: 'ksk+zsk' } }, { dryRun: false }));
  for (let round = 0; round < 3; round++) {
    await room.live(6 * HOUR_MS);
    follow(room);
  }
  expect(states(room)).toEqual(['ksk 13 active', 'zsk 13 active']);
  return room;
}

const sameDates = (text: string): string => text.replaceAll(/20\d\d-\d\d-\d\d \d\d:\d\d UTC|20\d\d-\S+Z/g, 'DATE');

describe('safe', () => {
  test('a dry run tells what the key can still do and until when, and changes nothing', async () => {
    const room = await twoKeys();
    const tag = room.record().keys.find(({ role }) => role === 'zsk')!.keyTag;
    const before = room.writer.generation();
    const { consequences = [], plan } = good(await emergency(room, 'zsk', 'safe', true));
    expect(room.writer.generation()).toBe(before);
    expect(plan).toHaveLength(2);
    expect(consequences.map(sameDates)).toEqual([
      'No answer of keys.example. becomes bogus at any time.',
      `A holder of key ${tag} can forge records until it is gone from the DNSKEY RRset and from caches: not before DATE. The new key signs from DATE on.`,
      `The DNSKEY RRset of now is signed until DATE. A holder of key ${tag} who sends that RRset along can forge records of keys.example. until then, whatever is done here; only another KSK, and the end of the present DS records, end it sooner: waxseal dnssec roll keys.example. --role ksk --emergency`,
      `The other choice: --emergency now takes key ${tag} out of the zone at once, and answers are bogus behind caches until DATE.`,
    ]);
  });

  test('RFC 4035 §5.3.3: the date of a replay is the end of the signature over the DNSKEY RRset', async () => {
    const room = await twoKeys();
    const { consequences = [] } = good(await emergency(room, 'zsk', 'safe', true));
    const told = Date.parse(/signed until (.+?)\. A holder/.exec(consequences[2]!)![1]!.replace(' UTC', 'Z').replace(' ', 'T'));
    const days = (told - room.clock.nowMs()) / (24 * HOUR_MS);
    expect(days).toBeGreaterThan(7);
    expect(days).toBeLessThanOrEqual(14);
  });

  test('of a CSK: the rollover begins as any other, and the parent is what it waits for', async () => {
    const room = await bench();
    const { consequences = [] } = good(await emergency(room, 'csk', 'safe'));
    expect(consequences[0]).toContain('No answer of keys.example. becomes bogus');
    expect(consequences[1]).toContain('enter the new one at the registrar by hand');
    expect(states(room)).toEqual(['csk 13 active', 'csk 13 published']);
    expect(room.control.audit.entries(1)[0]!.detail).toContain('roll the CSK, which is compromised: safe');
  });
});

describe('now', () => {
  test('a ZSK is gone at once; the zone is whole for who asks anew, and the end of the damage is told and kept', async () => {
    const room = await twoKeys();
    const old = room.record().keys.find(({ role }) => role === 'zsk')!;
    const { consequences = [] } = good(await emergency(room, 'zsk', 'now'));
    expect(consequences[0]).toContain('bogus behind caches that hold the DNSKEY RRset of now');
    expect(states(room)).toEqual(['ksk 13 active', 'zsk 13 active']);
    expect(room.record().keys.some(({ id }) => id === old.id)).toBe(false);
    expect(room.writer.sealedSecret(room.record().id, old.id)).toBeUndefined();
    expect(problemsOf(room)).toEqual([]);
    const [damage] = room.control.dnssec.view(room.record()).rollovers;
    expect(damage!.explanation.waits.map(({ id }) => id)).toEqual(['served', 'key-caches', 'signature-caches']);
    await room.live(4 * HOUR_MS);
    expect(room.control.dnssec.view(room.record()).rollovers).toEqual([]);
  });

  test('a CSK: the end waits for the new DS at every server of the parent and the TTL of the old one', async () => {
    const room = await bench();
    follow(room);
    const { consequences = [] } = good(await emergency(room, 'csk', 'now'));
    expect(consequences[0]).toContain('Every validating resolver answers SERVFAIL for all of keys.example.');
    expect(consequences[1]).toContain('RFC 7344 §4.1');
    expect(states(room)).toEqual(['csk 13 active']);
    await room.live(6 * HOUR_MS);
    expect(room.control.dnssec.view(room.record()).rollovers).toHaveLength(1);
    follow(room);
    await room.live(6 * HOUR_MS);
    expect(room.control.dnssec.view(room.record()).rollovers).toEqual([]);
  });

  test('it does not wait for a rollover of the same key: that ends, and both its keys are gone', async () => {
    const room = await bench();
    good(await roll(room, 'csk'));
    const before = room.record().keys.map(({ keyTag }) => keyTag);
    expect(bad(await emergency(room, 'csk', 'safe')).code).toBe('DNSSEC_ROLLOVER');
    good(await emergency(room, 'csk', 'now'));
    const after = room.record().keys;
    expect(after).toHaveLength(1);
    expect(before).not.toContain(after[0]!.keyTag);
    const rollovers = room.control.dnssec.view(room.record()).rollovers.map(({ object }) => object);
    expect(rollovers).toEqual([`ksk-replaced-${after[0]!.keyTag}`]);
    expect(problemsOf(room)).toEqual([]);
  });

  test('a zone that leaves DNSSEC, and a role that it has no key of, are refused', async () => {
    const room = await bench();
    expect(bad(await emergency(room, 'zsk', 'now')).message).toContain('its keys are: csk');
    good(await room.run({ kind: 'dnssec.leave', zone: ZONE }, { dryRun: false }));
    expect(bad(await emergency(room, 'csk', 'now')).message).toContain('unsigning');
  });
});

test('several keys are called keys', () => {
  const lines = emergencyConsequences({
    zone: 'z.',
    how: 'now',
    out: [1, 2],
    roles: ['csk', 'csk'],
    keysUntilMs: 0,
    zoneUntilMs: 0,
    dsUntilMs: 0,
    replayUntilMs: 0,
    forecast: [],
  });
  expect(lines.join(' ')).toContain('keys 1, 2');
});

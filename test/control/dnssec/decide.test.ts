/** Commands about the keys of a stored zone: keys, records, secrets and documents change together, and by time what follows. */
import { describe, expect, test } from 'vitest';
import { TYPE } from '#dns/types.ts';
import { readRolloverState } from '#store/dnssec/rollovers.ts';
import { rrsetOf } from '#zone/view.ts';
import { DAY_MS, HOUR_MS, ZONE, bench, follow, problemsOf, roll, states } from '../../support/dnssec-control.ts';
import { type TestControl, bad, good } from '../../support/temporary-control.ts';

describe('a CSK', () => {
  test('RFC 6781 §4.1.2: from the order to the end, with the parent following CDS', async () => {
    const room = await bench();
    follow(room);
    const [old] = room.record().keys;
    good(await roll(room, 'csk'));
    expect(states(room)).toEqual(['csk 13 active', 'csk 13 published']);
    expect(rrsetOf(room.apex(), TYPE.DNSKEY)!.rdatas).toHaveLength(2);
    expect(rrsetOf(room.apex(), TYPE.CDS)!.rdatas).toHaveLength(1);
    expect(problemsOf(room)).toEqual([]);
    await room.live(3 * HOUR_MS);
    expect(states(room)).toEqual(['csk 13 signing', 'csk 13 submitted']);
    expect(problemsOf(room)).toEqual([]);
    // Nothing happens while the parent has the old DS, nor while one of its servers has it.
    follow(room, '192.0.2.53');
    await room.live(DAY_MS);
    expect(states(room)).toEqual(['csk 13 signing', 'csk 13 submitted']);
    follow(room);
    await room.live(HOUR_MS);
    expect(states(room)).toEqual(['csk 13 retired', 'csk 13 active']);
    expect(problemsOf(room)).toEqual([]);
    await room.live(4 * HOUR_MS);
    expect(states(room)).toEqual(['csk 13 active']);
    expect(problemsOf(room)).toEqual([]);
    // What is gone is gone with its secret.
    expect(room.record().keys[0]!.id).not.toBe(old!.id);
    expect(room.writer.sealedSecret(room.record().id, old!.id)).toBeUndefined();
    expect(room.asked.every((each) => each.endsWith(` ${TYPE.DS}`))).toBe(true);
  });

  test('a second one waits for the end of the first; what is not there cannot be rolled', async () => {
    const room = await bench();
    good(await roll(room, 'csk'));
    expect(bad(await roll(room, 'csk'))[0]).toMatchObject({ code: 'DNSSEC_ROLLOVER' });
    expect(bad(await roll(room, 'zsk'))[0]).toMatchObject({ code: 'DNSSEC_ROLLOVER' });
  });
});

describe('the policy', () => {
  const policy = (room: TestControl, change: object, dryRun = false) =>
    room.run({ kind: 'dnssec.policy', zone: ZONE, policy: change }, { dryRun });

  test('KSK and ZSK instead of a CSK, then a ZSK every 90 days by itself', async () => {
    const room = await bench();
    follow(room);
    good(await policy(room, { keys: 'ksk+zsk' }));
    expect(states(room)).toEqual(['csk 13 active', 'ksk 13 published', 'zsk 13 published']);
    await room.live(3 * HOUR_MS);
    follow(room);
    await room.live(6 * HOUR_MS);
    expect(states(room)).toEqual(['ksk 13 active', 'zsk 13 active']);
    expect(problemsOf(room)).toEqual([]);
    const [, first] = room.record().keys;
    await room.live(91 * DAY_MS);
    const [, second] = room.record().keys;
    expect(states(room)).toEqual(['ksk 13 active', 'zsk 13 active']);
    expect(second!.id).not.toBe(first!.id);
    expect(problemsOf(room)).toEqual([]);
  });

  test('RFC 6781 §4.1.4: another algorithm', async () => {
    const room = await bench();
    follow(room);
    good(await policy(room, { algorithm: 15 }));
    const seen = [states(room).join(', ')];
    for (let hours = 0; hours < 24; hours++) {
      await room.live(HOUR_MS / 2);
      follow(room);
      expect(problemsOf(room)).toEqual([]);
      const now = states(room).join(', ');
      if (seen.at(-1) !== now) seen.push(now);
    }
    expect(seen).toEqual([
      'csk 13 active, csk 15 presigned',
      'csk 13 active, csk 15 signing',
      'csk 13 signing, csk 15 active',
      'csk 13 withdrawn, csk 15 active',
      'csk 15 active',
    ]);
  });

  test('an algorithm that is not made, and addresses from who may change one zone only, are rejected', async () => {
    const room = await bench();
    expect(bad(await policy(room, { algorithm: 8 }))[0]).toMatchObject({ code: 'DNSSEC_POLICY' });
    expect(bad(await policy(room, { parentServers: ['localhost'] }))[0]).toMatchObject({ code: 'ADDRESS_SYNTAX' });
    const command = { kind: 'dnssec.policy', zone: ZONE, policy: { parentServers: ['192.0.2.1'] } } as const;
    const mayChange = (apex: Uint8Array) => apex.length > 1;
    expect(bad(await room.run(command, { mayChange }))[0]).toMatchObject({ code: 'DNSSEC_POLICY' });
    expect(room.record().keyPolicy).toBeUndefined();
  });

  test('a TTL of DNSKEY is that of the record', async () => {
    const room = await bench();
    good(await policy(room, { keyTtlSeconds: 300 }));
    expect(rrsetOf(room.apex(), TYPE.DNSKEY)!.ttl).toBe(300);
    expect(problemsOf(room)).toEqual([]);
  });

  test('RFC 7583 §3.2.1: a TTL of DNSKEY that was lowered before anything else counts for the next rollover', async () => {
    const room = await bench();
    const before = rrsetOf(room.apex(), TYPE.DNSKEY)!.ttl;
    const state = () => readRolloverState(room.writer, room.record().id);
    expect(state()).toBeUndefined();
    good(await policy(room, { keyTtlSeconds: 5, propagationSeconds: 60 }));
    good(await roll(room, 'csk'));
    expect(state()!.ttls['dnskey']!.map(({ seconds }) => seconds)).toEqual([5, before]);
    await room.live(before * 1000);
    expect(states(room)).toEqual(['csk 13 active', 'csk 13 published']);
    await room.live(HOUR_MS);
    expect(states(room)).toEqual(['csk 13 signing', 'csk 13 submitted']);
  });
});

describe('leaving DNSSEC', () => {
  test('RFC 8078 §4: CDS asks for no DS; the signatures go when no cache has one', async () => {
    const room = await bench();
    follow(room);
    good(await room.run({ kind: 'dnssec.leave', zone: ZONE }));
    expect(rrsetOf(room.apex(), TYPE.CDS)!.rdatas).toEqual([new Uint8Array(5)]);
    await room.live(DAY_MS);
    expect(room.record().dnssec).toBe('on');
    expect(problemsOf(room)).toEqual([]);
    follow(room);
    await room.live(HOUR_MS);
    expect(room.record().dnssec).toBe('on');
    await room.live(3 * HOUR_MS);
    expect(room.record()).toMatchObject({ dnssec: 'off', keys: [] });
    expect(rrsetOf(room.apex(), TYPE.DNSKEY)).toBeUndefined();
    expect(room.record().isDeletingDs).toBeUndefined();
  });

  test('it can be called off', async () => {
    const room = await bench();
    good(await room.run({ kind: 'dnssec.leave', zone: ZONE }));
    good(await room.run({ kind: 'dnssec.cancel', zone: ZONE, object: 'unsigning', reason: 'changed our minds' }));
    expect(rrsetOf(room.apex(), TYPE.CDS)!.rdatas[0]!.length).toBe(36);
    await room.live(DAY_MS);
    expect(states(room)).toEqual(['csk 13 active']);
  });

  test('a zone whose signing is turned off at once forgets its rollovers', async () => {
    const room = await bench();
    good(await roll(room, 'csk'));
    good(await room.run({ kind: 'zone.dnssec', zone: ZONE, dnssec: false, force: true }));
    await room.live(DAY_MS);
    expect(bad(await roll(room, 'csk'))[0]).toMatchObject({ code: 'DNSSEC_OFF' });
    good(await room.run({ kind: 'zone.dnssec', zone: ZONE, dnssec: true }));
    expect(states(room)).toEqual(['csk 13 active']);
    good(await roll(room, 'csk'));
  });
});

describe('orders', () => {
  test('hold and resume; the time of the hold counts', async () => {
    const room = await bench();
    follow(room);
    good(await roll(room, 'csk'));
    good(await room.run({ kind: 'dnssec.hold', zone: ZONE, reason: 'freeze' }));
    await room.live(DAY_MS);
    expect(states(room)).toEqual(['csk 13 active', 'csk 13 published']);
    const [held] = room.control.dnssec.view(room.record()).rollovers;
    expect(held!.explanation.lines.join()).toContain('held since');
    good(await room.run({ kind: 'dnssec.resume', zone: ZONE }));
    await room.live(3 * HOUR_MS);
    expect(states(room)).toEqual(['csk 13 signing', 'csk 13 submitted']);
  });

  test('called off: the new key goes, the zone is as before', async () => {
    const room = await bench();
    good(await roll(room, 'csk'));
    const [{ object } = { object: '' }] = room.control.dnssec.view(room.record()).rollovers;
    good(await room.run({ kind: 'dnssec.cancel', zone: ZONE, object, reason: 'not today' }));
    expect(states(room)).toEqual(['csk 13 active']);
    expect(rrsetOf(room.apex(), TYPE.DNSKEY)!.rdatas).toHaveLength(1);
    expect(problemsOf(room)).toEqual([]);
  });

  test('where the parent cannot be asked, the operator says that the DS is there', async () => {
    const room = await bench();
    for (const parent of Object.values(room.parents)) parent.answers = 'nothing';
    good(await roll(room, 'csk'));
    await room.live(3 * HOUR_MS);
    const seen = async () => {
      const [{ object } = { object: '' }] = room.control.dnssec.view(room.record()).rollovers;
      good(await room.run({ kind: 'dnssec.override', zone: ZONE, object, wait: 'ds', reason: 'seen from outside' }));
    };
    await seen();
    expect(states(room)).toEqual(['csk 13 retired', 'csk 13 active']);
    await seen();
    // Its TTL was never told: a day.
    await room.live(20 * HOUR_MS);
    expect(states(room)).toEqual(['csk 13 retired', 'csk 13 active']);
    await room.live(8 * HOUR_MS);
    expect(states(room)).toEqual(['csk 13 active']);
  });
});

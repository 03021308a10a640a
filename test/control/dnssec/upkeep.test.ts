/** What the parent's servers say by and by: liars hold a rollover, and the operator is told which server has what. */
import { describe, expect, test } from 'vitest';
import { TYPE } from '#dns/types.ts';
import { dsRdata } from '#dnssec/ds.ts';
import { rrsetOf } from '#zone/view.ts';
import { type Bench, DAY_MS, HOUR_MS, ZONE, bench, follow, roll, states } from '../../support/dnssec-control.ts';
import { good } from '../../support/temporary-control.ts';

describe('the parent lies', () => {
  const submitted = async (): Promise<Bench> => {
    const room = await bench();
    follow(room);
    good(await roll(room, 'csk'));
    await room.live(3 * HOUR_MS);
    expect(states(room)).toEqual(['csk 13 signing', 'csk 13 submitted']);
    return room;
  };
  const alerts = ({ control }: Bench) => control.events.after(0, 1000).filter(({ kind }) => kind === 'alert');

  test.each<[string, (room: Bench) => void, RegExp | undefined]>([
    ['a wrong digest', (room) => (room.parents['192.0.2.54']!.ds = [wrongDigest(room)]), /b\.nic\.test 192\.0\.2\.54.*DS/],
    ['SERVFAIL', (room) => (room.parents['192.0.2.54']!.answers = 'servfail'), /b\.nic\.test 192\.0\.2\.54.*SERVFAIL/],
    ['no answer', (room) => (room.parents['192.0.2.54']!.answers = 'nothing'), /b\.nic\.test 192\.0\.2\.54.*does not answer/],
    [
      'no DS',
      (room) => (room.parents['192.0.2.54']!.ds = []),
      /b\.nic\.test 192\.0\.2\.54.*has no DS any more.*take the zone for unsigned/,
    ],
    ['500 DS records', (room) => (room.parents['192.0.2.54']!.ds = many(room)), /b\.nic\.test 192\.0\.2\.54.*500 DS records/],
  ])('%s at one of its servers: the state holds, the alert names server and record', async (_, lie, told) => {
    const room = await submitted();
    follow(room);
    lie(room);
    await room.live(DAY_MS);
    expect(states(room)).toEqual(['csk 13 signing', 'csk 13 submitted']);
    if (told !== undefined) expect(alerts(room).map(({ text }) => text)).toEqual([expect.stringMatching(told)]);
    room.parents['192.0.2.54']!.answers = 'ds';
    follow(room);
    await room.live(6 * HOUR_MS);
    expect(states(room)).toEqual(['csk 13 active']);
  });

  test('a DS that disappears after it was seen holds the old key, for as long as it is away', async () => {
    const room = await submitted();
    follow(room);
    await room.live(HOUR_MS / 2);
    expect(states(room)).toEqual(['csk 13 retired', 'csk 13 active']);
    room.parents['192.0.2.53']!.ds = [];
    await room.live(DAY_MS);
    expect(alerts(room).map(({ text }) => text)).toEqual([expect.stringMatching(/a\.nic\.test 192\.0\.2\.53.*has no DS any more/)]);
    expect(states(room)).toEqual(['csk 13 retired', 'csk 13 active']);
    follow(room);
    await room.live(4 * HOUR_MS);
    expect(states(room)).toEqual(['csk 13 active']);
  });

  test('a TTL of a day is waited for, though the look after the change shows an hour', async () => {
    const room = await bench();
    follow(room);
    for (const parent of Object.values(room.parents)) parent.ttl = 86_400;
    good(await roll(room, 'csk'));
    await room.live(3 * HOUR_MS);
    for (const parent of Object.values(room.parents)) parent.ttl = 3600;
    follow(room);
    await room.live(20 * HOUR_MS);
    expect(states(room)).toEqual(['csk 13 retired', 'csk 13 active']);
    await room.live(8 * HOUR_MS);
    expect(states(room)).toEqual(['csk 13 active']);
  });
});

function wrongDigest({ apex }: Bench): Uint8Array {
  return rrsetOf(apex(), TYPE.CDS)!.rdatas[0]!.map((octet, at) => (at === 20 ? octet ^ 1 : octet));
}

function many({ record }: Bench): Uint8Array[] {
  const dnskey = new Uint8Array(Buffer.from(record().keys[0]!.dnskey, 'base64'));
  return Array.from({ length: 500 }, (_, at) => dsRdata(ZONE, dnskey, 2).map((octet, index) => (index === 10 ? at & 0xff : octet)));
}

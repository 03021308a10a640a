/** The parent of a zone in which nothing is under way: what is wrong there is told within a look, once, and shown. */
import { describe, expect, test } from 'vitest';
import { TYPE } from '#dns/types.ts';
import { rrsetOf } from '#zone/view.ts';
import { type Bench, DAY_MS, HOUR_MS, ZONE, bench, follow, roll, states } from '../../support/dnssec-control.ts';
import { bad, good } from '../../support/temporary-control.ts';

const alerts = ({ control }: Bench) => control.events.after(0, 1000).filter(({ kind }) => kind === 'alert');
const texts = (room: Bench) => alerts(room).map(({ text }) => text);

async function settled(): Promise<Bench> {
  const room = await bench();
  follow(room);
  await room.live(HOUR_MS);
  expect(texts(room)).toEqual([]);
  return room;
}

describe('nothing is under way', () => {
  test('a DS that vanishes at one server is told with the server and the key, once, and again when it does so again', async () => {
    const room = await settled();
    room.parents['192.0.2.54']!.ds = [];
    await room.live(DAY_MS);
    const tag = room.record().keys[0]!.keyTag;
    const told = expect.stringMatching(new RegExp(`b\\.nic\\.test 192\\.0\\.2\\.54.*had a DS of key ${tag}, which is gone there`));
    expect(texts(room)).toEqual([told]);
    expect(room.control.dnssec.view(room.record()).parent!.servers).toEqual([
      { place: 'a.nic.test 192.0.2.53', text: expect.stringContaining('DS '), problem: undefined },
      { place: 'b.nic.test 192.0.2.54', text: 'no DS', problem: expect.stringContaining('is gone there') },
    ]);
    follow(room);
    await room.live(DAY_MS);
    room.parents['192.0.2.54']!.ds = [];
    await room.live(DAY_MS);
    expect(texts(room)).toEqual([told, told]);
  });

  test('a zone that never had a DS has nothing to lose', async () => {
    const room = await bench();
    await room.live(3 * DAY_MS);
    expect(room.asked.length).toBeGreaterThan(4);
    expect(texts(room)).toEqual([]);
  });

  test('a DS that none of our keys has, and SERVFAIL, are told with server and record', async () => {
    const room = await settled();
    const foreign = rrsetOf(room.apex(), TYPE.CDS)!.rdatas[0]!.map((octet, at) => (at < 2 ? octet ^ 1 : octet));
    room.parents['192.0.2.53']!.ds = [...room.parents['192.0.2.53']!.ds, foreign];
    room.parents['192.0.2.54']!.answers = 'servfail';
    await room.live(DAY_MS);
    expect(texts(room)).toEqual([
      expect.stringMatching(/a\.nic\.test 192\.0\.2\.53.*has a DS that no key of the zone has: DS \d+ 13 2/),
      expect.stringMatching(/b\.nic\.test 192\.0\.2\.54.*answers SERVFAIL/),
    ]);
  });

  test('parents are not asked more often than every six hours', async () => {
    const room = await settled();
    const before = room.asked.length;
    await room.live(10 * DAY_MS);
    expect(room.asked.length - before).toBeLessThanOrEqual(10 * 4 * 2);
  });
});

test('RFC 6781 §4.3.4: a zone that leaves DNSSEC wants its DS to go, and is not alerted of it', async () => {
  const room = await settled();
  good(await room.run({ kind: 'dnssec.leave', zone: ZONE }, { dryRun: false }));
  follow(room);
  await room.live(DAY_MS);
  expect(texts(room)).toEqual([]);
  expect(room.record().dnssec).toBe('off');
});

test('RFC 7583 §3.3: the old DS goes in a rollover, and is not alerted of', async () => {
  const room = await settled();
  good(await roll(room, 'csk'));
  await room.live(3 * HOUR_MS);
  follow(room);
  await room.live(2 * DAY_MS);
  expect([states(room), texts(room)]).toEqual([['csk 13 active'], []]);
  for (const parent of Object.values(room.parents)) parent.ds = [];
  await room.live(DAY_MS);
  expect(texts(room)).toHaveLength(2);
});

test('RFC 6781 §4.4.1: the refusal to turn signing off names the DS, the earliest safe time and --when-safe', async () => {
  const room = await settled();
  const [problem] = bad(await room.run({ kind: 'zone.dnssec', zone: ZONE, dnssec: false }, { dryRun: false }));
  expect(problem!.message).toMatch(/a\.nic\.test 192\.0\.2\.53 and 1 more had DS \d+ 13 2 .*no cache would have it from 20\d\d-\d\d-\d\d/);
  expect(problem!.fix).toContain('waxseal dnssec disable keys.example. --when-safe');
});

test('a DS that vanished at one server while its key is to go stays wrong for as long as it is away', async () => {
  const room = await bench();
  follow(room);
  good(await roll(room, 'csk'));
  await room.live(HOUR_MS);
  good(await room.run({ kind: 'dnssec.hold', zone: ZONE, reason: 'test' }));
  room.parents['192.0.2.53']!.ds = [];
  await room.live(3 * DAY_MS);
  const parent = () => room.control.dnssec.view(room.record()).parent!;
  const problems = () => parent().servers.map(({ problem }) => problem !== undefined);
  expect(problems()).toEqual([true, false]);
  room.parents['192.0.2.54']!.ds = [];
  await room.live(3 * DAY_MS);
  expect(problems()).toEqual([true, true]);
  follow(room);
  await room.live(DAY_MS);
  expect(problems()).toEqual([false, false]);
});

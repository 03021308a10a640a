/** A parent's DS records follow the child's CDS: a first DS by signals, a rollover, a removal; and every liar fails. */
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { RCODE, TYPE } from '#dns/types.ts';
import { CHILD, type DelegationBench, PARENT, delegationBench } from '../../support/delegation-control.ts';
import { good } from '../../support/temporary-control.ts';

const SECOND_MS = 1000;
const HOUR_MS = 3600 * SECOND_MS;

test('RFC 9615 §4.2: the first DS follows signals of every name server; they go when the DS is seen', async () => {
  const room = await delegationBench();
  await room.on();
  await room.live(5 * SECOND_MS);
  expect(room.ds()).toEqual(room.cds());
  expect(room.child()).toMatchObject({ outcome: 'taken', child: 'kid.parent.test.' });
});

test('RFC 9859 §3.1: DSYNC of all delegations, managed: by hand it is not changed; off, DS stays as a manual one', async () => {
  const room = await delegationBench();
  await room.on();
  await room.live(5 * SECOND_MS);
  const wildcard = nameOf('*._dsync.parent.test.');
  expect(room.texts(PARENT, wildcard, TYPE.DSYNC)).toEqual(['CDS 1 53 ns.parent.test.']);
  const operation = { op: 'delete', name: 'kid.parent.test.', type: 'DS' } as const;
  const refused = await room.run({ kind: 'rrsets.change', zone: PARENT, operations: [operation] });
  expect(refused).toMatchObject({ ok: false, problems: [{ code: 'RRSET_MANAGED' }] });
  good(await room.run({ kind: 'delegation.set', zone: PARENT, isOn: false }));
  expect(room.texts(PARENT, wildcard, TYPE.DSYNC)).toEqual([]);
  expect(room.ds()).toEqual(room.cds());
  good(await room.run({ kind: 'rrsets.change', zone: PARENT, operations: [operation] }));
});

test('RFC 9615: without signals, or with those of an unsigned zone, there is no first DS', async () => {
  const room = await delegationBench({ operatorSigned: false });
  await room.on();
  await room.live(5 * SECOND_MS);
  expect(room.ds()).toEqual([]);
  expect(room.child()).toMatchObject({ outcome: 'held', text: expect.stringContaining('is not signed') as string });
});

/** A child in a rollover whose new CDS is out, and the parent with the DS of before. */
async function rolling() {
  const room = await delegationBench();
  await room.on();
  await room.live(5 * SECOND_MS);
  const before = room.ds();
  expect(before).toHaveLength(1);
  good(await room.run({ kind: 'dnssec.roll', zone: CHILD, role: 'csk' }));
  return { ...room, before };
}

test('RFC 7344 §4.1: a CSK rollover of the child runs through by itself after NOTIFY(CDS)', async () => {
  const room = await rolling();
  await room.live(3 * HOUR_MS);
  expect(room.cds()).not.toEqual(room.before);
  room.notify();
  await room.live(5 * SECOND_MS);
  expect(room.ds()).toEqual(room.cds());
});

const failing = { failure: 'does not answer' } as const;
const LIES = {
  'a server that does not answer': () => failing,
  'a server with SERVFAIL': (_type: number, honest: object) => ({ ...honest, rcode: RCODE.SERVFAIL }),
  'a server without authority': (_type: number, honest: object) => ({ ...honest, isAuthoritative: false }),
  'a stale server without CDS': (type: number, honest: object) =>
    type === TYPE.DNSKEY ? honest : { ...honest, records: [], count: 0, signatures: [] },
} as const;

test.for(Object.entries(LIES))('RFC 9975 §3.1: %s holds the DS as it is, and the reason names it', async ([, lie]) => {
  const room = await rolling();
  await room.live(3 * HOUR_MS);
  room.lies['192.0.2.62'] = lie as never;
  room.notify();
  await room.live(20 * SECOND_MS);
  expect(room.ds()).toEqual(room.before);
  expect(room.child()).toMatchObject({ outcome: 'held', text: expect.stringContaining('192.0.2.62') as string });
  expect(room.writer.events(0, 200).filter(({ event }) => event === 'child-held')).toHaveLength(1);
  delete room.lies['192.0.2.62'];
  await room.live(60 * SECOND_MS);
  expect(room.ds()).toEqual(room.cds());
});

test('a flood of NOTIFY messages does not make the child be asked more often', async () => {
  const room = await rolling();
  const { length } = room.asked;
  for (let each = 0; each < 500; each++) room.notify();
  await room.live(1 * SECOND_MS);
  expect(room.asked.length - length).toBeLessThanOrEqual(12);
});

test('RFC 8078 §4: a child that leaves DNSSEC has no DS any more', async () => {
  const room = await delegationBench();
  await room.on();
  await room.live(5 * SECOND_MS);
  expect(room.ds()).toHaveLength(1);
  good(await room.run({ kind: 'dnssec.leave', zone: CHILD }));
  room.notify();
  await room.live(10 * SECOND_MS);
  expect(room.cds()).toEqual(['0 0 0 00']);
  expect(room.ds()).toEqual([]);
});

/** Delegations below the parent, to the operator's name servers. */
const delegate = (room: DelegationBench, names: readonly string[]) =>
  room.run({
    kind: 'rrsets.change',
    zone: PARENT,
    operations: names.map((name) => ({
      op: 'set',
      name: `${name}.parent.test.`,
      type: 'NS',
      ttl: 60,
      records: ['a.op.test.', 'b.op.test.'],
    })),
  });

describe('RFC 7344 §6.1: polling', () => {
  const viewOf = (room: DelegationBench) => room.control.delegation.view(room.writer.zoneByName(PARENT)!).children;

  test('after a request that was taken, the next look is six hours later', async () => {
    const room = await delegationBench();
    await room.on();
    await room.live(5 * SECOND_MS);
    const { outcome, lookedAtMs } = room.child()!;
    expect(outcome).toBe('taken');
    await room.live(6 * HOUR_MS + 10 * SECOND_MS);
    expect(room.child()).toMatchObject({ outcome: 'same' });
    expect(room.child()!.lookedAtMs! - lookedAtMs!).toBeLessThan(6 * HOUR_MS + 10 * SECOND_MS);
  });

  test('a delegation that is added late is looked at within seconds, whatever stands before it', async () => {
    const room = await delegationBench();
    good(
      await delegate(
        room,
        Array.from({ length: 100 }, (_, at) => `d${at}`),
      ),
    );
    await room.on();
    await room.live(60 * SECOND_MS);
    good(await delegate(room, ['zz']));
    await room.live(8 * SECOND_MS);
    expect(viewOf(room).find(({ child }) => child === 'zz.parent.test.')).toMatchObject({ outcome: 'none' });
  });

  test('a zone that changes all the time is listed every five seconds', async () => {
    const room = await delegationBench();
    await room.on();
    await room.live(10 * SECOND_MS);
    const lengths = new Set<number>();
    for (let at = 0; at < 20; at++) {
      good(await delegate(room, [`d${at}`]));
      await room.live(SECOND_MS / 2);
      lengths.add(viewOf(room).length);
    }
    expect(lengths.size).toBeLessThanOrEqual(3);
    await room.live(6 * SECOND_MS);
    expect(viewOf(room)).toHaveLength(21);
  });

  test('delegations that go, and those of a zone that goes, are looked at no more', async () => {
    const room = await delegationBench();
    good(await delegate(room, ['gone']));
    await room.on();
    await room.live(10 * SECOND_MS);
    good(
      await room.run({
        kind: 'rrsets.change',
        zone: PARENT,
        operations: [{ op: 'delete', name: 'gone.parent.test.', type: 'NS' }],
      }),
    );
    await room.live(10 * SECOND_MS);
    expect(viewOf(room).map(({ child }) => child)).toEqual(['kid.parent.test.']);
    const count = () => room.asked.filter((each) => each.endsWith(` ${TYPE.CDS}`)).length;
    const before = count();
    expect(before).toBeGreaterThan(0);
    good(await room.run({ kind: 'zone.remove', zone: PARENT }));
    await room.live(7 * HOUR_MS);
    expect(count()).toBe(before);
  });
});

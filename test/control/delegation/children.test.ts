/** A parent's DS records follow the child's CDS: a first DS by signals, a rollover, a removal; and every liar fails. */
import { expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { RCODE, TYPE } from '#dns/types.ts';
import { CHILD, PARENT, delegationBench } from '../../support/delegation-control.ts';
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

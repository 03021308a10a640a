/** Changes of a zone by hand wake its mail where mail depends on them, and nowhere else. */
import { expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { readMailHosts, readMailState } from '#store/mail/state.ts';
import { verifyStore } from '#store/verify.ts';
import { MAIL_ZONE_TEXT, type TestControl, good, temporaryControl } from '../../support/temporary-control.ts';

const ZONE = nameOf('post.example.');
const KEY = `3 1 1 ${'01'.repeat(32)}`;
const POLICY = { mtaSts: { mode: 'off' }, dkim: { algorithms: [] }, dane: { hosts: { mx1: { keys: [KEY] } } } };

async function zoneWithMail(policy: object = POLICY): Promise<TestControl> {
  const room = temporaryControl();
  await room.load('post.example.', MAIL_ZONE_TEXT);
  good(await room.run({ kind: 'mail.apply', zone: ZONE, policy }));
  return room;
}

function add(room: TestControl, name: string, type: string, record: string) {
  const operation = { op: 'add', name, type, ttl: 3600, records: [record] } as const;
  return room.run({ kind: 'rrsets.change', zone: ZONE, operations: [operation] });
}

/** Ids of documents of the zone's mail that are due now. */
function due(room: TestControl): string[] {
  return room.writer.due(room.control.lifecycles.nowMs(), 10, 'mail').map(({ id }) => id);
}

const idOf = (room: TestControl): number => room.control.zones.find(ZONE)!.id;

test.each([
  ['@', 'MX', '20 mx1'],
  ['@', 'AAAA', '2001:db8::1'],
  ['@', 'NS', 'ns2.example.net.'],
  ['@', 'TXT', '"site-verification=1"'],
  // The host has TLSA: whether it may is a matter of its addresses.
  ['mx1', 'AAAA', '2001:db8::25'],
  ['MX1', 'A', '192.0.2.26'],
])('a change at %s %s makes the mail due, and leaves its state as it is', async (name, type, record) => {
  const room = await zoneWithMail();
  const state = readMailState(room.writer, idOf(room));
  expect(due(room)).toEqual([]);
  good(await add(room, name, type, record));
  expect(due(room)).toEqual(['state']);
  expect(readMailState(room.writer, idOf(room))).toEqual(state);
  expect(verifyStore(room.writer).problems).toEqual([]);
});

test.each([
  ['www', 'A', '192.0.2.80'],
  ['ns1', 'AAAA', '2001:db8::53'],
  ['@', 'CAA', '0 issue "ca.example"'],
  ['_443._tcp.www.post.example.', 'TLSA', KEY],
])('a change at %s %s does not, and does not even read the state', async (name, type, record) => {
  const room = await zoneWithMail();
  // A state that cannot be read would throw.
  const before = room.writer.due(Number.MAX_SAFE_INTEGER - 1, 1, 'mail')[0]!;
  await room.writer.commit({
    audit: { atMs: 0 },
    documents: [{ zoneId: idOf(room), kind: 'mail', id: 'state', value: 'damaged', dueAtMs: before.dueAtMs }],
  });
  good(await add(room, name, type, record));
  expect(due(room)).toEqual([]);
});

test('mail that is due earlier stays so; a zone without mail has nothing to wake', async () => {
  const room = await zoneWithMail();
  room.clock.pass(60 * 86_400_000);
  const [before] = room.writer.due(Number.MAX_SAFE_INTEGER - 1, 1, 'mail');
  expect(before!.dueAtMs).toBeLessThan(room.control.lifecycles.nowMs());
  good(await add(room, '@', 'AAAA', '2001:db8::1'));
  expect(room.writer.due(Number.MAX_SAFE_INTEGER - 1, 1, 'mail')).toEqual([before]);
  const plain = temporaryControl();
  await plain.load('post.example.', MAIL_ZONE_TEXT);
  good(await add(plain, '@', 'AAAA', '2001:db8::1'));
  expect(plain.writer.due(Number.MAX_SAFE_INTEGER - 1, 1)).toEqual([]);
});

test('the hosts go with the policy, and are found in a state that an older version stored', async () => {
  const room = await zoneWithMail();
  expect(readMailHosts(room.writer, idOf(room))).toEqual(['mx1.post.example.']);
  await room.writer.commit({ audit: { atMs: 0 }, documents: [{ zoneId: idOf(room), kind: 'mail', id: 'hosts', value: null }] });
  expect(readMailHosts(room.writer, idOf(room))).toEqual(['mx1.post.example.']);
  good(await add(room, 'mx1', 'AAAA', '2001:db8::25'));
  expect(due(room)).toEqual(['state']);
  good(await room.run({ kind: 'mail.remove', zone: ZONE, records: 'delete' }));
  expect(readMailHosts(room.writer, idOf(room))).toEqual([]);
});

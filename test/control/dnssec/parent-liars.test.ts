/** Parents that lie, over real sockets: a rollover that needs their word never goes further, and the alert names server and record. */
import { expect, onTestFinished, test } from 'vitest';
import { formatIpPort } from '#base/address.ts';
import { nameOf, ownerKey } from '#dns/name.ts';
import { RCODE, TYPE } from '#dns/types.ts';
import { rrsetOf } from '#zone/view.ts';
import { type FakeReply, fakeNameServer } from '../../support/fake-name-server.ts';
import { good, temporaryControl } from '../../support/temporary-control.ts';

const ZONE = nameOf('keys.example.');
const TEXT = '@ 60 SOA ns1 host 10 7200 900 1209600 60\n@ 60 NS ns1\nns1 60 A 192.0.2.1\n';
const HOUR_MS = 3_600_000;
type Say = (ds: readonly Uint8Array[], before: readonly Uint8Array[]) => FakeReply;

const answer = (rdatas: readonly Uint8Array[], ttl = 60): FakeReply => ({
  answer: rdatas.map((rdata) => ({ owner: ZONE, type: TYPE.DS, ttl, rdata })),
});

const honest: Say = (ds) => answer(ds);

/** A CSK rollover that has asked the parent for the new key; the second server of the parent says what `lie` says. */
async function bench(lie: Say) {
  let before: readonly Uint8Array[] = [];
  let lying: Say = honest;
  const wanted = (): readonly Uint8Array[] => rrsetOf(apex(), TYPE.CDS)?.rdatas ?? [];
  const servers = await Promise.all([fakeNameServer(() => answer(wanted())), fakeNameServer(() => lying(wanted(), before))]);
  onTestFinished(async () => void (await Promise.all(servers.map((each) => each.close()))));
  const room = temporaryControl({ sources: ['dnssec'] });
  const apex = () => room.writer.view(room.writer.zoneByName(ZONE)!).node(ownerKey(ZONE));
  room.publisher.receive({ kind: 'served', workers: [{ id: 0, alive: true, generation: Number.MAX_SAFE_INTEGER }] });
  await room.load('keys.example.', TEXT);
  const parentServers = servers.map(({ at }) => formatIpPort(at));
  const policy = { parentServers, keyTtlSeconds: 60, propagationSeconds: 60, parentPropagationSeconds: 600 };
  good(await room.run({ kind: 'dnssec.policy', zone: ZONE, policy }, { mayChange: () => true }));
  await room.live(HOUR_MS);
  before = wanted();
  good(await room.run({ kind: 'dnssec.roll', zone: ZONE, role: 'csk' }));
  lying = lie;
  const states = () =>
    room.writer
      .zoneByName(ZONE)!
      .keys.map(({ state }) => state)
      .join();
  const alerts = () =>
    room.writer
      .events(0, 500)
      .filter(({ event }) => event === 'DNSSEC_PARENT')
      .map(({ text }) => text);
  const live = (ms: number): Promise<void> => room.live(ms);
  return { live, states, alerts, second: parentServers[1]!, isHonest: () => void (lying = honest) };
}

const flipped = (rdata: Uint8Array): Uint8Array => rdata.map((octet, at) => (at === 20 ? octet ^ 1 : octet));
const many = Array.from({ length: 500 }, (_, at) => Uint8Array.of(at >> 8, at, 13, 2, ...new Uint8Array(32)));

test.for<[string, Say, RegExp | undefined]>([
  ['a wrong digest', (ds) => answer(ds.map(flipped)), /has a DS that no key of the zone has: DS \d+ 13 2 [0-9A-F]{64}/],
  ['a stale server', (_ds, before) => answer(before), undefined],
  ['a DS that vanishes', () => answer([]), /has no DS any more; it had a DS of key \d+/],
  ['SERVFAIL', () => ({ rcode: RCODE.SERVFAIL }), /answers SERVFAIL/],
  ['no authority', (ds) => ({ ...answer(ds), isAuthoritative: false }), /without authority/],
  ['500 DS records', (ds) => answer([...ds, ...many]), /500|501/],
])('RFC 7583 §3.3: %s at one server of two: the old key stays until it is right', async ([, lie, alert]) => {
  const { live, states, alerts, second, isHonest } = await bench(lie);
  await live(2 * HOUR_MS);
  expect(states()).toBe('signing,submitted');
  const expected = alert === undefined ? [] : [expect.stringMatching(alert) as string];
  expect(alerts().slice(-1)).toEqual(expected);
  for (const text of alerts()) expect(text).toContain(second);
  isHonest();
  await live(2 * HOUR_MS);
  expect(states()).toBe('active');
});

test('RFC 7583 §3.3: with a TTL of a day at one server the old key stays for a day after the new DS is everywhere', async () => {
  const { live, states } = await bench((ds) => answer(ds, 86_400));
  await live(23 * HOUR_MS);
  expect(states().split(',')).toHaveLength(2);
  await live(3 * HOUR_MS);
  expect(states()).toBe('active');
});

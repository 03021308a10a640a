/** RFC 9859: the parent's endpoint is found at its own servers, and hears of new CDS records, over real sockets. */
import { Packet } from 'dns2';
import { expect, onTestFinished, test } from 'vitest';
import { createLog } from '#base/log.ts';
import { type CdsNotifier } from '#control/dnssec/cds-notifier.ts';
import { dsyncRdata } from '#dns/dsync.ts';
import { formatName, nameOf } from '#dns/name.ts';
import { parseRecordData } from '#dns/record-data.ts';
import { TYPE } from '#dns/types.ts';
import { markCopied } from '../../support/delegation-control.ts';
import { type FakeReply, fakeNameServer } from '../../support/fake-name-server.ts';
import { good, temporaryControl } from '../../support/temporary-control.ts';

const TEXT = '@ 3600 SOA ns1 host 10 7200 900 1209600 900\n@ 3600 NS ns1\nns1 7200 A 192.0.2.1\n';
const CHILD = 'city.ise.mie.jp.';
const soa = good(parseRecordData(TYPE.SOA, 'ns. host. 1 3600 600 86400 60', nameOf('jp.')));

interface World {
  /** What the parent's server says about DSYNC at a name; undefined: it denies as the zone `jp.`. */
  readonly dsync?: (name: string) => readonly Uint8Array[] | undefined;
  /** The endpoint's reply to the message of that number. */
  readonly endpoint?: (count: number) => FakeReply | undefined;
  readonly isAllowed?: (ip: string) => boolean;
}

/** A signed zone whose parent is a socket of the test, with an endpoint that is another. */
async function bench({ dsync, endpoint: takes = () => ({}), isAllowed = () => true }: World = {}) {
  const asked: string[] = [];
  const endpoint = await fakeNameServer(() => takes(endpoint.received.length));
  const data = dsyncRdata({ rrType: TYPE.CDS, port: endpoint.at.port, target: nameOf('scanner.nic.jp.') });
  const parent = await fakeNameServer((name, type) => {
    const owner = Uint8Array.from(name);
    if (type !== TYPE.DSYNC) return {};
    asked.push(formatName(owner));
    const found = dsync === undefined ? [data] : dsync(formatName(owner));
    if (found !== undefined) return { answer: found.map((rdata) => ({ owner, type, ttl: 60, rdata })) };
    return { rcode: 3, authority: [{ owner: nameOf('jp.'), type: TYPE.SOA, ttl: 60, rdata: soa }] };
  });
  onTestFinished(async () => void (await Promise.all([parent.close(), endpoint.close()])));
  const server = temporaryControl({
    outside: {
      lookup: (name, type) =>
        Promise.resolve(
          type === TYPE.A && formatName(name) === 'scanner.nic.jp.'
            ? { kind: 'answer', rdatas: [Uint8Array.of(127, 0, 0, 1)], ttlSeconds: 60 }
            : { kind: 'nodata' },
        ),
    },
    witnesses: { nameServers: new Map(), probes: new Map(), isAllowed },
  });
  server.publisher.receive({ kind: 'served', workers: [{ id: 0, alive: true, generation: Number.MAX_SAFE_INTEGER }] });
  const notifier: CdsNotifier = server.control.cdsNotifier;
  notifier.start(createLog({ level: 'silent' }));
  onTestFinished(() => notifier.stop());
  const policy = { parentServers: [`127.0.0.1:${parent.at.port}`] };
  good(
    await server.control.dnssec.setPolicy('default', policy, {
      actor: { kind: 'socket', id: 'test', from: '' },
      dryRun: false,
    }),
  );
  const record = () => server.writer.zoneByName(nameOf(CHILD))!;
  const events = () =>
    server.writer
      .events(0, 100)
      .filter(({ event }) => event === 'notify')
      .map(({ text }) => text);
  const load = (): Promise<unknown> => server.load(CHILD, TEXT);
  return { ...server, load, asked, endpoint, data, notifier, record, events };
}

test('RFC 9859 §4.2: new CDS records are told to the endpoint, in the octets of RFC 1996', async () => {
  const { load, endpoint, notifier, record, events, control } = await bench();
  await load();
  await expect.poll(() => notifier.view(record())?.isAcknowledged).toBe(true);
  expect(endpoint.received).toHaveLength(1);
  const message = endpoint.received[0]!;
  // Opcode 4 and AA (RFC 1996 §3.7), one question: the child's name, CDS, IN; nothing else.
  const question = Buffer.concat([nameOf(CHILD), Buffer.from([0, 59, 0, 1])]);
  expect(message.subarray(2).toString('hex')).toBe(`24000001000000000000${question.toString('hex')}`);
  const parsed = Packet.parse(message);
  expect(parsed.header).toMatchObject({ qr: 0, opcode: 4, aa: 1 });
  expect(parsed.questions).toMatchObject([{ name: 'city.ise.mie.jp', type: 59, class: 1 }]);
  const text = `scanner.nic.jp:${endpoint.at.port} took NOTIFY(CDS)`;
  expect(events()).toEqual([text]);
  expect(control.dnssec.view(record()).notify).toMatchObject({ text, isAcknowledged: true });
});

test('RFC 9859 §4.1: the names one after the other, until one has the record', async () => {
  const found: { at: Uint8Array[] } = { at: [] };
  const { load, asked, data, notifier, record } = await bench({
    dsync: (name) => (name === '_dsync.jp.' ? found.at : undefined),
  });
  found.at.push(data);
  await load();
  await expect.poll(() => notifier.view(record())?.isAcknowledged).toBe(true);
  expect(asked).toEqual(['city._dsync.ise.mie.jp.', 'city.ise.mie._dsync.jp.', '_dsync.jp.']);
});

test('a parent without DSYNC, or with none for CDS, is sent nothing: the status says so', async () => {
  const csync = dsyncRdata({ rrType: TYPE.CSYNC, port: 1, target: nameOf('x.') });
  for (const dsync of [() => undefined, () => [csync]]) {
    const { load, endpoint, notifier, record, events } = await bench({ dsync });
    await load();
    await expect
      .poll(() => notifier.view(record())?.text)
      .toMatch(/no DSYNC record for CDS|no endpoint that takes NOTIFY/);
    expect(endpoint.received).toEqual([]);
    expect(events()).toEqual([]);
  }
});

test('after a refusal it is sent again a second later; changes of other records send nothing', async () => {
  const room = await bench({
    endpoint: (count) => (count === 1 ? { rcode: 5 } : {}),
  });
  const { load, endpoint, notifier, record, clock } = room;
  await load();
  await expect
    .poll(() => notifier.view(record())?.text)
    .toMatch(/did not take NOTIFY\(CDS\): 127\.0\.0\.1 answers REFUSED/);
  // The next try is a second later by the clock of the server, which the test holds: nothing is sent before.
  const operation = { op: 'set', name: `www.${CHILD}`, type: 'A', ttl: 60, records: ['192.0.2.9'] } as const;
  good(await room.run({ kind: 'rrsets.change', zone: nameOf(CHILD), operations: [operation] }));
  await new Promise((resolve) => void setTimeout(resolve, 300));
  expect(endpoint.received).toHaveLength(1);
  clock.pass(1000);
  await expect.poll(() => notifier.view(record())?.isAcknowledged).toBe(true);
  expect(endpoint.received).toHaveLength(2);
});

test('an endpoint with an address that no host outside can reach is sent nothing', async () => {
  const { load, endpoint, notifier, record } = await bench({ isAllowed: () => false });
  await load();
  await expect.poll(() => notifier.view(record())?.text).toMatch(/127\.0\.0\.1, which no host outside can reach/);
  expect(endpoint.received).toEqual([]);
});

test("a copy of a primary's zone, and a zone that is not signed, are announced by others or not at all", async () => {
  const { load, endpoint, notifier, record, asked, writer } = await bench();
  markCopied(writer, CHILD);
  await load();
  await new Promise((resolve) => void setTimeout(resolve, 300));
  expect([notifier.view(record()), endpoint.received, asked]).toEqual([undefined, [], []]);
});

test('what was sent about a zone that is removed is forgotten', async () => {
  const room = await bench();
  const { load, notifier, record, clock } = room;
  await load();
  await expect.poll(() => notifier.view(record())?.isAcknowledged).toBe(true);
  const before = record();
  expect(notifier.counts).toEqual({ acknowledged: 1, again: 0, none: 0 });
  good(await room.run({ kind: 'zone.remove', zone: nameOf(CHILD) }));
  clock.pass(60_000);
  await expect.poll(() => notifier.view(before)).toBeUndefined();
});

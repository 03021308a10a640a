/** The resolver for the world against a name server on this machine that says what a test wants: every type, every outcome. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { outsideResolver } from '#control/outside/outside-resolver.ts';
import { nameOf } from '#dns/name.ts';
import { parseRdataText } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';
import { wireName } from '../../support/table-resolver.ts';

const NAME = nameOf('x.example.com.');

interface Reply {
  /** RFC 1035 §4.1.1. */
  readonly rcode?: number;
  readonly records?: readonly { readonly type: number; readonly ttl?: number; readonly rdata: Uint8Array }[];
}

/** A name server on the loopback that gives `reply` to everything (RFC 1035 §4); and the names that it was asked for. */
async function nameServer({ rcode = 0, records = [] }: Reply): Promise<{ readonly server: string; readonly asked: string[] }> {
  const asked: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (query, from) => {
    // The question: labels up to the root, type, class.
    let end = 12;
    while (query[end] !== 0) end += query[end]! + 1;
    asked.push(query.toString('latin1', 12, end + 1));
    const head = Buffer.alloc(12);
    query.copy(head, 0, 0, 2);
    head.writeUInt16BE(0x8180 + rcode, 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(records.length, 6);
    const answers = records.flatMap(({ type, ttl = 300, rdata }) => {
      // Its name is a pointer to that of the question.
      const fixed = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, 0]);
      fixed.writeUInt32BE(ttl, 6);
      fixed.writeUInt16BE(rdata.length, 10);
      return [fixed, rdata];
    });
    socket.send(Buffer.concat([head, query.subarray(12, end + 5), ...answers]), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());
  return { server: `127.0.0.1:${socket.address().port}`, asked };
}

function rdataOf(type: number, text: string): Uint8Array {
  const rdata = parseRdataText(type, text, nameOf('.'));
  if (!rdata.ok) throw new Error(text);
  return rdata.value;
}

async function lookUp(type: number, reply: Reply) {
  const { server } = await nameServer(reply);
  return outsideResolver([server]).lookup(NAME, type);
}

test.each<[keyof typeof TYPE, string]>([
  ['A', '192.0.2.1'],
  ['AAAA', '2001:db8::1'],
  ['MX', '10 mx1.example.com.'],
  ['NS', 'ns1.example.net.'],
  ['PTR', 'host.example.com.'],
  ['CNAME', 'other.example.org.'],
  ['TXT', '"v=spf1 -all"'],
  ['TLSA', '3 1 1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'],
  ['DS', '1 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'],
  ['DNSKEY', '257 3 13 AAECAwQFBgcICQoLDA0ODwABAgMEBQYHCAkKCwwNDg8AAQIDBAUGBwgJCgsMDQ4PAAECAwQFBgcICQoLDA0ODw=='],
  ['SOA', 'ns1.example.com. hostmaster.example.com. 4294967295 7200 900 1209600 900'],
])('%s %s comes as it is on the wire, uncompressed', async (name, text) => {
  const type = TYPE[name];
  const rdata = rdataOf(type, text);
  expect(await lookUp(type, { records: [{ type, rdata }] })).toMatchObject({ kind: 'answer', rdatas: [rdata] });
});

test('RFC 7505 §3: a null MX', async () => {
  const rdata = Uint8Array.from([0, 0, 0]);
  expect(await lookUp(TYPE.MX, { records: [{ type: TYPE.MX, rdata }] })).toMatchObject({ kind: 'answer', rdatas: [rdata] });
});

test('RFC 1034 §3.6: the TTL is the least of the records, of every type', async () => {
  const a = (text: string, ttl: number) => ({ type: TYPE.A, ttl, rdata: rdataOf(TYPE.A, text) });
  expect(await lookUp(TYPE.A, { records: [a('192.0.2.1', 300), a('192.0.2.2', 60)] })).toMatchObject({ ttlSeconds: 60 });
  const mx = { type: TYPE.MX, ttl: 5, rdata: rdataOf(TYPE.MX, '10 mx1.example.com.') };
  expect(await lookUp(TYPE.MX, { records: [mx] })).toMatchObject({ ttlSeconds: 5 });
});

test('RFC 7208 §3.3: strings of one TXT record are one text, joined without a blank', async () => {
  const rdata = rdataOf(TYPE.TXT, '"v=s" "pf1 -all"');
  const joined = rdataOf(TYPE.TXT, '"v=spf1 -all"');
  expect(await lookUp(TYPE.TXT, { records: [{ type: TYPE.TXT, rdata }] })).toMatchObject({ kind: 'answer', rdatas: [joined] });
});

test.each<[string, Reply, string]>([
  ['RFC 1035 §4.1.1: name error', { rcode: 3 }, 'nxdomain'],
  ['RFC 2308 §2.2: no error, no answer', {}, 'nodata'],
  ['server failure', { rcode: 2 }, 'servfail'],
  ['refused', { rcode: 5 }, 'servfail'],
  ['not implemented', { rcode: 4 }, 'servfail'],
  ['format error', { rcode: 1 }, 'servfail'],
])('%s', async (_, reply, kind) => expect((await lookUp(TYPE.MX, reply)).kind).toBe(kind));

test('a port where nothing listens is a time-out, not a failure of the name', async () => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise<void>((resolve) => void socket.close(() => resolve()));
  expect((await outsideResolver([`127.0.0.1:${port}`]).lookup(NAME, TYPE.A)).kind).toBe('timeout');
});

test('RFC 1034 §5.3.3: the next server is asked where one fails', async () => {
  const [broken, good] = [await nameServer({ rcode: 2 }), await nameServer({ rcode: 3 })];
  expect(await outsideResolver([broken.server, good.server]).lookup(NAME, TYPE.A)).toEqual({ kind: 'nxdomain' });
  expect([broken.asked.length, good.asked.length]).toEqual([1, 1]);
});

test.each(['_dmarc.example.com.', 'a.b.example.com.', '.'])('the name %s is asked for as it is', async (name) => {
  const { server, asked } = await nameServer({ rcode: 3 });
  await outsideResolver([server]).lookup(nameOf(name), TYPE.TXT);
  const wire = name === '.' ? '\0' : Buffer.from(wireName(name.slice(0, -1))).toString('latin1');
  expect(asked.length).toBeGreaterThan(0);
  expect(new Set(asked)).toEqual(new Set([wire]));
});

test('RFC 1035 §3.3.14: TXT comes back octet for octet, also beyond ASCII', async () => {
  const rdata = Uint8Array.of(5, 0x63, 0x61, 0x66, 0xc3, 0xa9);
  const { server } = await nameServer({ records: [{ type: TYPE.TXT, rdata }] });
  const answer = await outsideResolver([server]).lookup(NAME, TYPE.TXT);
  expect(answer).toMatchObject({ kind: 'answer', rdatas: [rdata] });
});

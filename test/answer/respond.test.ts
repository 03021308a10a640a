/** The responder as a whole: probes that every server has to stand, sizes, buffers, counters. */
import { describe, expect, test } from 'vitest';
import { ANSWER_METRICS, ANSWER_SLOTS, ANSWER_SLOT_COUNT } from '#answer/count/counters.ts';
import { Responder } from '#answer/respond.ts';
import { nameOf } from '#dns/name.ts';
import { zoneSet } from '#zone/served.ts';
import { asker } from '../support/ask.ts';
import { dummySigned } from '../support/dummy-signed.ts';
import { MemorySource } from '../support/memory-source.ts';
import { fields } from '../support/octets.ts';
import { oracleAnswer } from '../support/oracle.ts';
import { zoneOf } from '../support/random-zone.ts';
import { type QueryShape, type WireMessage, buildQuery, parseMessage } from '../support/wire.ts';

const SOA = 'ns.z. host.z. 1 3600 600 86400 300';
const BIG_NAMES = Array.from({ length: 100 }, (_, at) => `h${at}.${'n'.repeat(60)}.${'m'.repeat(60)}`);
/** Long names that share nothing: together they reach beyond what a pointer can (offset 0x3fff). */
const FAR_NAMES = Array.from(
  { length: 100 },
  (_, at) => `a${at}.${`${at}x`.padEnd(60, 'f')}.${`${at}y`.padEnd(60, 'g')}.${`${at}z`.padEnd(50, 'h')}.far`,
);
const view = dummySigned(
  zoneOf(
    'z.',
    `@ 60 SOA ${SOA}
     @ 60 NS ns
     ns 60 A 192.0.2.53
     ns 60 AAAA 2001:db8::53
     txt 60 TXT "${'x'.repeat(200)}"
     txt 60 TXT "${'y'.repeat(200)}"
     txt 60 TXT "${'z'.repeat(200)}"
     wide 60 MX 10 ns
     wide 60 MX 20 txt
     c 60 CNAME wide
     ${FAR_NAMES.map((name) => `far 60 NS ${name}\n${name} 60 A 192.0.2.1\n${name} 60 AAAA 2001:db8::1`).join('\n')}
     ${BIG_NAMES.map((name) => `srv 60 SRV 0 0 25 ${name}`).join('\n')}
     ${BIG_NAMES.slice(0, 3)
       .map((name) => `few 60 SRV 0 0 25 ${name}`)
       .join('\n')}
     ${BIG_NAMES.map((name) => `big 60 MX 10 ${name}\n${name} 60 A 192.0.2.1\n${name} 60 AAAA 2001:db8::1`).join('\n')}
     ${Array.from({ length: 100 }, (_, at) => `huge 60 TXT "${at}${'t'.repeat(250)}" "${'u'.repeat(250)}" "${'v'.repeat(250)}"`).join('\n')}`,
  ),
);
const served = [{ view, signed: true }];
const zones = zoneSet(served);
const counters = new Float64Array(ANSWER_SLOT_COUNT);
const responder = new Responder(new MemorySource(served), { counters });
const out = Buffer.alloc(65_535);

/** The answer, or undefined when there is none; equal to the oracle's. */
function send(query: Buffer, transport: 'udp' | 'tcp' = 'udp'): Buffer | undefined {
  out.fill(0xee);
  responder.beginBatch();
  const length = responder.respond(query, query.length, out, transport);
  expect(out.toString('hex', 0, length)).toBe(Buffer.from(oracleAnswer(zones, query, transport)).toString('hex'));
  return length === 0 ? undefined : Buffer.from(out.subarray(0, length));
}
function ask(shape: QueryShape): WireMessage {
  return parseMessage(send(buildQuery(shape))!);
}

describe('RFC 8906 §8: probes', () => {
  const name = 'z.';
  const edns = { size: 4096 };
  test('§8.1.1 plain SOA', () => {
    const message = ask({ name, type: 'SOA' });
    expect(message).toMatchObject({ rcode: 'NOERROR' });
    expect(message.edns).toBeUndefined();
    expect([...message.flags]).toEqual(['QR', 'AA']);
    expect(message.answer[0]!.type).toBe('SOA');
  });
  test('§8.1.2 an unknown type is NODATA', () => {
    expect(ask({ name, type: 'TYPE1000' })).toMatchObject({ rcode: 'NOERROR', answer: [], authority: [{ type: 'SOA' }] });
  });
  test.each([
    ['§8.1.3.1 CD', 0x0010],
    ['§8.1.3.2 AD', 0x0020],
    ['§8.1.3.3 Z', 0x0040],
  ])('%s is not echoed', (_, flags) => {
    expect([...ask({ name, type: 'SOA', flags }).flags]).toEqual(['QR', 'AA']);
  });
  test('§8.1.3.4 RD is echoed, RA is not set', () => {
    expect([...ask({ name, type: 'SOA', flags: 0x0100 }).flags].toSorted()).toEqual(['AA', 'QR', 'RD']);
  });
  test.each([1, 2, 3, 4, 5, 6, 7, 15])('§8.1.4 opcode %i is NOTIMP', (opcode) => {
    const message = ask({ name, type: 'SOA', opcode });
    expect(message).toMatchObject({ rcode: 'NOTIMP', opcode, answer: [] });
    expect(message.flags).not.toContain('AA');
  });
  test('§8.1.5 TCP', () => {
    const query = buildQuery({ name, type: 'SOA' });
    expect(send(query, 'tcp')).toEqual(send(query, 'udp'));
  });
  test('§8.2.1 EDNS', () => {
    expect(ask({ name, type: 'SOA', edns })).toMatchObject({ rcode: 'NOERROR', edns: { version: 0, size: 1232, dnssecOk: false } });
  });
  test('§8.2.2 EDNS version 1 is BADVERS with version 0, no answer', () => {
    expect(ask({ name, type: 'SOA', edns: { ...edns, version: 1 } })).toMatchObject({ rcode: 'BADVERS', answer: [], edns: { version: 0 } });
  });
  test('§8.2.3 an unknown option is ignored and not echoed', () => {
    const message = ask({ name, type: 'SOA', edns: { ...edns, options: Buffer.from('006400020102', 'hex') } });
    expect(message).toMatchObject({ rcode: 'NOERROR', answer: [{ type: 'SOA' }] });
    expect(message.edns!.options.size).toBe(0);
  });
  test('§8.2.4 an unknown EDNS flag is ignored and not echoed', () => {
    const query = buildQuery({ name, type: 'SOA', edns });
    query[query.length - 3] = 0x40;
    const answer = send(query)!;
    expect(parseMessage(answer)).toMatchObject({ rcode: 'NOERROR', answer: [{ type: 'SOA' }] });
    expect(answer.readUInt16BE(answer.length - 4)).toBe(0);
  });
  test('§8.2.5 version 1 with an unknown flag is BADVERS', () => {
    const query = buildQuery({ name, type: 'SOA', edns: { ...edns, version: 1 } });
    query[query.length - 3] = 0x40;
    expect(parseMessage(send(query)!)).toMatchObject({ rcode: 'BADVERS', edns: { version: 0 } });
  });
  test('§8.2.6 version 1 with an unknown option is BADVERS', () => {
    expect(ask({ name, type: 'SOA', edns: { ...edns, version: 1, options: Buffer.from('00640000', 'hex') } })).toMatchObject({
      rcode: 'BADVERS',
    });
  });
  test('§8.2.7 a truncated answer keeps OPT and DO', () => {
    const message = ask({ name: 'txt.z.', type: 'TXT', edns: { size: 512, dnssecOk: true } });
    expect(message).toMatchObject({ answer: [], edns: { dnssecOk: true } });
    expect(message.flags).toContain('TC');
  });
  test('§8.2.8 DO is echoed', () => {
    expect(ask({ name, type: 'SOA', edns: { ...edns, dnssecOk: true } }).edns).toMatchObject({ dnssecOk: true });
  });
  test('§8.2.9 version 1 with DO', () => {
    expect(ask({ name, type: 'SOA', edns: { ...edns, dnssecOk: true, version: 1 } })).toMatchObject({
      rcode: 'BADVERS',
      edns: { dnssecOk: true },
    });
  });
  test('§8.2.10 many options at once', () => {
    const options = Buffer.from(fields('00030000 0008000400012000 00090000 000a00080102030405060708 000b0000 000c0002ffff'), 'hex');
    // RFC 7314: with the SOA, EXPIRE would be answered.
    expect(ask({ name, type: 'NS', edns: { ...edns, options } })).toMatchObject({ rcode: 'NOERROR', answer: [{ type: 'NS' }] });
  });
});

describe('what is no question', () => {
  test.each<[string, QueryShape, string, number?]>([
    ['RFC 6895 §3.1: type 0', { name: 'z.', type: 'TYPE0' }, 'FORMERR'],
    ['OPT', { name: 'z.', type: 'OPT' }, 'FORMERR'],
    ['TKEY', { name: 'z.', type: 'TYPE249' }, 'FORMERR'],
    ['TSIG', { name: 'z.', type: 'TYPE250' }, 'FORMERR'],
    ['RFC 9824 §3.5: NXNAME', { name: 'z.', type: 'TYPE128' }, 'FORMERR', 30],
    ['AXFR', { name: 'z.', type: 'AXFR' }, 'REFUSED'],
    ['IXFR', { name: 'z.', type: 'IXFR' }, 'REFUSED'],
    ['MAILA', { name: 'z.', type: 'MAILA' }, 'NOTIMP'],
    ['MAILB', { name: 'z.', type: 'MAILB' }, 'NOTIMP'],
    ['class CH', { name: 'version.bind.', type: 'TXT', class: 3 }, 'REFUSED'],
    ['class ANY', { name: 'z.', type: 'SOA', class: 255 }, 'REFUSED'],
    ['class NONE', { name: 'z.', type: 'SOA', class: 254 }, 'REFUSED'],
    ['not our zone', { name: 'y.', type: 'A' }, 'REFUSED', 20],
  ])('%s', (_, shape, rcode, ede) => {
    const plain = ask(shape);
    expect(plain).toMatchObject({ rcode, answer: [], authority: [], additional: [] });
    expect(plain.edns).toBeUndefined();
    expect([...plain.flags]).toEqual(['QR']);
    const withEdns = ask({ ...shape, edns: { size: 1232 } });
    expect(withEdns.edns!.options.get(15)).toBe(ede === undefined ? undefined : ede.toString(16).padStart(4, '0'));
  });
  test('an answer, or less than a header, gets no answer', () => {
    expect(send(buildQuery({ name: 'z.', type: 'SOA', flags: 0x8000 }))).toBeUndefined();
    expect(send(Buffer.alloc(11))).toBeUndefined();
  });
  test('RFC 9619: no question is FORMERR and has none', () => {
    expect(send(Buffer.from('123400000000000000000000', 'hex'))!.toString('hex')).toBe('123480010000000000000000');
  });
  test('a zone without SOA cannot be served', () => {
    expect(asker({ view: zoneOf('broken.', 'www 60 A 192.0.2.1'), signed: false })('www.broken. A')).toMatchObject({
      rcode: 'SERVFAIL',
      aa: false,
    });
  });
});

describe('sizes', () => {
  test('question and case come back octet for octet', () => {
    const query = buildQuery({ name: 'TxT.z.', type: 'TXT', edns: { size: 1232 } });
    expect(parseMessage(send(query)!).question).toBe(query.subarray(12, 12 + 11).toString('hex'));
  });
  test('RFC 9715 §3.1, RFC 6891 §6.2.5: whatever size is offered, no datagram is larger, and TC says when something is missing', () => {
    for (const type of ['TXT', 'MX', 'ANY', 'A'])
      for (const name of ['txt.z.', 'wide.z.', 'c.z.', 'nope.z.', 'big.z.', 'huge.z.'])
        for (const dnssecOk of [false, true]) {
          const full = parseMessage(send(buildQuery({ name, type, edns: { size: 65_535, dnssecOk } }), 'tcp')!);
          for (let size = 0; size <= 65_535; size += size < 1300 ? 47 : 9173) {
            const octets = send(buildQuery({ name, type, edns: { size, dnssecOk } }))!;
            expect(octets.length).toBeLessThanOrEqual(Math.min(Math.max(size, 512), 1232));
            const message = parseMessage(octets);
            if (message.flags.has('TC')) expect([message.answer, message.authority, message.additional]).toEqual([[], [], []]);
            else expect([message.answer, message.authority]).toEqual([full.answer, full.authority]);
          }
        }
  });
  test('the limit of RFC 1035 §4.2.1 without EDNS', () => {
    expect(send(buildQuery({ name: 'txt.z.', type: 'TXT' }))!.length).toBeLessThan(100);
  });
  test('names beyond what a pointer reaches are written out', () => {
    const octets = send(buildQuery({ name: 'x.far.z.', type: 'A' }), 'tcp')!;
    expect(octets.length).toBeGreaterThan(20_000);
    const { flags, authority, additional } = parseMessage(octets);
    expect(flags).not.toContain('TC');
    expect([authority.length, additional.length]).toEqual([100, 200]);
    expect(new Set(additional.map(({ owner }) => owner)).size).toBe(100);
  });
  test('hosts are added up to ADDITIONAL_NAMES_MAX, and as many as fit', () => {
    const additional = (size: number, transport: 'udp' | 'tcp') =>
      parseMessage(send(buildQuery({ name: transport === 'tcp' ? 'srv.z.' : 'few.z.', type: 'SRV', edns: { size } }), transport)!)
        .additional.length;
    expect(additional(0, 'tcp')).toBe(32);
    expect(
      [...new Set([512, 560, 570, 580, 590, 600, 620, 640, 660, 680, 700, 1232].map((size) => additional(size, 'udp')))].length,
    ).toBeGreaterThan(3);
  });
  test('more than a TCP message holds is SERVFAIL there, never TC: it would be asked again for ever', () => {
    for (const edns of [{}, { edns: { size: 1232 } }]) {
      const query = buildQuery({ name: 'huge.z.', type: 'TXT', ...edns });
      const message = parseMessage(send(query, 'tcp')!);
      expect(message.flags).not.toContain('TC');
      expect([message.rcode, message.answer]).toEqual(['SERVFAIL', []]);
      expect(parseMessage(send(query, 'udp')!).flags).toContain('TC');
    }
  });
  test('a buffer that is too small is our own bug', () => {
    const query = buildQuery({ name: 'z.', type: 'SOA' });
    expect(() => responder.respond(query, query.length, Buffer.alloc(511), 'udp')).toThrow('the buffer has 511');
  });
});

describe('counters', () => {
  test('a slot for each name, and each counts what it says', () => {
    expect(ANSWER_SLOTS).toHaveLength(ANSWER_SLOT_COUNT);
    expect(ANSWER_METRICS).toHaveLength(ANSWER_SLOT_COUNT);
    const after = (query: Buffer, transport: 'udp' | 'tcp' = 'udp'): string[] => {
      counters.fill(0);
      send(query, transport);
      return ANSWER_SLOTS.filter((slot, at) => counters[at] === 1 && !slot.startsWith('cache.'));
    };
    expect(after(buildQuery({ name: 'z.', type: 'SOA' }))).toEqual(['requestsUdp', 'rcode.NOERROR']);
    expect(after(buildQuery({ name: 'no.z.', type: 'A' }), 'tcp')).toEqual(['requestsTcp', 'rcode.NXDOMAIN']);
    expect(after(buildQuery({ name: 'txt.z.', type: 'TXT' }))).toEqual(['requestsUdp', 'truncated', 'rcode.NOERROR']);
    expect(after(Buffer.alloc(3))).toEqual(['requestsUdp', 'fault.short']);
    expect(after(buildQuery({ name: 'z.', type: 'A', flags: 0x8000 }))).toEqual(['requestsUdp', 'fault.response']);
    expect(after(buildQuery({ name: 'z.', type: 'A', opcode: 4 }))).toEqual(['requestsUdp', 'rcode.NOTIMP', 'fault.opcode']);
    expect(after(Buffer.concat([buildQuery({ name: 'z.', type: 'A' }), Buffer.alloc(1)]))).toEqual([
      'requestsUdp',
      'rcode.FORMERR',
      'fault.trailing',
    ]);
    expect(after(buildQuery({ name: 'z.', type: 'A', edns: { size: 1232, version: 7 } }))).toEqual([
      'requestsUdp',
      'rcode.BADVERS',
      'fault.version',
    ]);
  });
});

test('the way down ends at the first missing label, however long the name is', () => {
  const source = new MemorySource(served);
  const own = new Responder(source, { cacheBytes: 0, negative: { nodes: 0 } });
  const long = buildQuery({ name: `${'a.'.repeat(120)}z.`, type: 'A' });
  // The first look at a zone reads its apex once more.
  const first = buildQuery({ name: 'z.', type: 'SOA' });
  own.beginBatch();
  own.respond(first, first.length, out, 'udp');
  const before = source.reads;
  expect(own.respond(long, long.length, out, 'udp')).toBeGreaterThan(0);
  expect(source.reads - before).toBeLessThanOrEqual(4);
  expect(nameOf('z.')).toHaveLength(3);
});

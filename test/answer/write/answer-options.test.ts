/** Options of an answer's OPT: NSID, EXPIRE, keepalive, ZONEVERSION, Report-Channel, padding. Octets are read here by hand. */
import { describe, expect, test } from 'vitest';
import { Responder } from '#answer/respond.ts';
import { type ResponderOptions } from '#answer/responder-options.ts';
import { nameOf } from '#dns/name.ts';
import { dummySigned } from '../../support/dummy-signed.ts';
import { MemorySource } from '../../support/memory-source.ts';
import { zoneOf } from '../../support/random-zone.ts';

const [NSID, EXPIRE, COOKIE, KEEPALIVE, PADDING, REPORT, VERSION] = [3, 9, 10, 11, 12, 18, 19];
const APEX = (serial: number) => `@ 300 SOA ns host ${serial} 3600 600 86400 300\n@ 300 NS ns\n`;
const PARENT = `${APEX(4_000_000_000)}ns 300 A 192.0.2.1\nalias 300 CNAME www.child\n*.wild 300 A 192.0.2.9
child 300 NS ns.child\nchild 300 DS 1 13 2 ${'ab'.repeat(32)}\nns.child 300 A 192.0.2.2
cut 300 NS ns.cut\nns.cut 300 A 192.0.2.3\ndname 300 DNAME elsewhere.test.\n`;
const CHILD = `${APEX(7)}ns 300 A 192.0.2.2\nwww 300 A 192.0.2.3\n`;

function responderOf(options: ResponderOptions = {}): Responder {
  const zones = [zoneOf('example.', PARENT), zoneOf('child.example.', CHILD)];
  return new Responder(new MemorySource(zones.map((zone) => ({ view: dummySigned(zone), signed: true }))), options);
}

const u16 = (...values: readonly number[]) => Buffer.from(values.flatMap((value) => [value >> 8, value & 0xff]));
const option = (code: number, data: Uint8Array = Buffer.alloc(0)) => Buffer.concat([u16(code, data.length), data]);

function query(name: string, type: number, options: readonly Buffer[] | undefined, size = 1232): Buffer {
  const rdata = Buffer.concat(options ?? []);
  const opt = options === undefined ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0]), u16(41, size, 0, 0, rdata.length), rdata]);
  return Buffer.concat([u16(4711, 0, 1, 0, 0, options === undefined ? 0 : 1), nameOf(name), u16(type, 1), opt]);
}

interface Answer {
  readonly rcode: number;
  readonly length: number;
  readonly isTruncated: boolean;
  /** Code and data, hexadecimal, in their order. */
  readonly options: readonly (readonly [number, string])[];
}

/** The OPT is the last record of all that waxseal answers, and its owner is the root. */
function ask(responder: Responder, octets: Buffer, transport: 'udp' | 'tcp' | 'tls' = 'udp'): Answer {
  const out = Buffer.alloc(65_535);
  responder.beginBatch();
  const length = responder.respond(octets, octets.length, out, transport);
  const answer = out.subarray(0, length);
  const options: [number, string][] = [];
  for (let at = length - 11; at >= 12; at--) {
    if (answer[at] !== 0 || answer.readUInt16BE(at + 1) !== 41 || at + 11 + answer.readUInt16BE(at + 9) !== length) continue;
    for (let next = at + 11; next < length; next += 4 + answer.readUInt16BE(next + 2))
      options.push([answer.readUInt16BE(next), answer.subarray(next + 4, next + 4 + answer.readUInt16BE(next + 2)).toString('hex')]);
    break;
  }
  return { rcode: out[3]! & 15, length, isTruncated: (out[2]! & 2) !== 0, options };
}

describe('RFC 9660: ZONEVERSION', () => {
  const version = (name: string, type: number) => ask(responderOf(), query(name, type, [option(VERSION)])).options;
  const parent = [[VERSION, '0100ee6b2800']];
  const child = [[VERSION, '020000000007']];

  test.each([
    ['a positive answer', 'ns.example.', 1, parent],
    ['NXDOMAIN', 'none.example.', 1, parent],
    ['NODATA', 'ns.example.', 16, parent],
    ['a wildcard', 'a.wild.example.', 1, parent],
    ['a referral', 'a.cut.example.', 1, parent],
    ['a DNAME', 'a.dname.example.', 1, parent],
    ['the child', 'www.child.example.', 1, child],
    ['the apex of the child', 'child.example.', 6, child],
    ['DS of the child, which the parent has', 'child.example.', 43, parent],
    ['an alias into another zone: that of the name asked for', 'alias.example.', 1, parent],
    ['a name in no zone: REFUSED, without', 'www.elsewhere.', 1, []],
    ['a transfer that is refused, without', 'example.', 252, []],
  ])('%s', (_, name, type, expected) => {
    expect(version(name, type).filter(([code]) => code === VERSION)).toEqual(expected);
  });

  test('the same from the cache, whatever was asked before; what the option of a query contains does not count (§3.1)', () => {
    const responder = responderOf();
    for (let round = 0; round < 3; round++) {
      expect(ask(responder, query('ns.example.', 1, [])).options).toEqual([]);
      expect(ask(responder, query('ns.example.', 1, [option(VERSION, Buffer.from('junk'))])).options).toEqual(parent);
      expect(ask(responder, query('none.example.', 1, [option(VERSION)])).options).toEqual(parent);
      expect(ask(responder, query('ns.example.', 1, undefined)).options).toEqual([]);
    }
  });
});

describe('RFC 7314 §3: EXPIRE', () => {
  const asked = (name: string, type: number, options: ResponderOptions = {}) =>
    ask(responderOf(options), query(name, type, [option(EXPIRE)])).options;

  test('§3.2: with the SOA, what it says; of a zone from primaries, what is left', () => {
    expect(asked('example.', 6)).toEqual([[EXPIRE, '00015180']]);
    const secondsLeft = (id: number) => (id === 1 ? 3_000_000_000 : undefined);
    expect(asked('child.example.', 6, { secondsLeft })).toEqual([[EXPIRE, 'b2d05e00']]);
    expect(asked('example.', 6, { secondsLeft })).toEqual([[EXPIRE, '00015180']]);
    expect(asked('example.', 6, { secondsLeft: () => 0 })).toEqual([[EXPIRE, '00000000']]);
  });

  test.each([
    ['another type', 'example.', 2],
    ['a name that is no apex', 'ns.example.', 6],
    ['a name that is not there', 'none.example.', 6],
    ['a name below a cut', 'a.cut.example.', 6],
    ['a name in no zone', 'www.elsewhere.', 6],
  ])('%s: none', (_, name, type) => expect(asked(name, type).filter(([code]) => code === EXPIRE)).toEqual([]));

  test('the same from the cache, for who asks', () => {
    const responder = responderOf();
    for (let round = 0; round < 3; round++) {
      expect(ask(responder, query('example.', 6, [])).options).toEqual([]);
      expect(ask(responder, query('example.', 6, [option(VERSION)])).options).toEqual([[VERSION, '0100ee6b2800']]);
      expect(ask(responder, query('example.', 6, [option(EXPIRE), option(VERSION)])).options.map(([code]) => code)).toEqual([
        VERSION,
        EXPIRE,
      ]);
    }
  });
});

describe('RFC 7828: keepalive', () => {
  test('over TCP and TLS the idle time in tenths of a second, over UDP nothing (§3.3.2)', () => {
    const responder = responderOf();
    let idleMs = 10_000;
    responder.useIdleTime(() => idleMs);
    const asked = query('ns.example.', 1, [option(KEEPALIVE)]);
    expect(ask(responder, asked, 'udp').options).toEqual([]);
    expect(ask(responder, asked, 'tcp').options).toEqual([[KEEPALIVE, '0064']]);
    idleMs = 1_250;
    expect(ask(responder, asked, 'tls').options).toEqual([[KEEPALIVE, '000c']]);
    expect(ask(responder, query('ns.example.', 1, []), 'tcp').options).toEqual([]);
  });
});

describe('RFC 7830, RFC 8467 §4.1: padding', () => {
  test('over TLS, for who pads, to blocks of 468 octets; elsewhere never', () => {
    const responder = responderOf({ nsid: Buffer.from('fra1') });
    for (const name of ['ns.example.', 'none.example.', 'example.', 'a.cut.example.']) {
      const asked = query(name, 255, [option(PADDING, Buffer.alloc(60)), option(NSID)]);
      const answer = ask(responder, asked, 'tls');
      expect(answer.length % 468).toBe(0);
      expect(answer.options.map(([code]) => code)).toEqual([NSID, PADDING]);
      expect(answer.options[1]![1]).toMatch(/^(00)*$/);
      for (const transport of ['udp', 'tcp'] as const)
        expect(ask(responder, asked, transport).options.map(([code]) => code)).toEqual([NSID]);
      expect(ask(responder, query(name, 255, [option(NSID)]), 'tls').options.map(([code]) => code)).toEqual([NSID]);
    }
  });
});

describe('RFC 9567 §6.2: Report-Channel', () => {
  test('the agent domain, uncompressed, in every answer with EDNS, and in no other', () => {
    const responder = responderOf({ reportAgent: nameOf('agent.example.net.') });
    const agent = Buffer.from(nameOf('agent.example.net.')).toString('hex');
    for (const name of ['ns.example.', 'none.example.', 'www.elsewhere.'])
      expect(ask(responder, query(name, 1, [])).options.filter(([code]) => code === REPORT)).toEqual([[REPORT, agent]]);
    expect(ask(responder, query('ns.example.', 1, undefined)).options).toEqual([]);
  });
});

test('all of them beside a cookie of an unknown form: each once, and the space for them counts', () => {
  const responder = responderOf({ nsid: Buffer.alloc(128, 1), reportAgent: nameOf(`${'a'.repeat(60)}.example.net.`) });
  const all = [NSID, KEEPALIVE, PADDING, VERSION].map((code) => option(code));
  const answer = ask(responder, query('ns.example.', 1, [...all, ...all, option(COOKIE, Buffer.alloc(8))]), 'tcp');
  expect(answer.options.map(([code]) => code)).toEqual([NSID, KEEPALIVE, VERSION, REPORT]);
  expect(ask(responder, query('example.', 48, all, 512)).length).toBeLessThanOrEqual(512);
});

import { describe, expect, test } from 'vitest';
import { concatBytes } from '#base/bytes.ts';
import { CompressionMap } from '#dns/compression.ts';
import { DROP, FAULT, type MessageContent, bareContent, newQueryHead, parseQuery, questionOf, writeMessage } from '#dns/message.ts';
import { formatName, nameOf } from '#dns/name.ts';
import { RCODE, TYPE } from '#dns/types.ts';
import { fields } from '../support/octets.ts';
import { toRrset } from '../support/random-zone.ts';
import { type WireMessage, parseMessage } from '../support/wire.ts';

const HEADER = fields('1234 0000 0001 0000 0000 0000');
const QUESTION = fields('0161 00 0001 0001');
const OPT = fields('00 0029 04d0 00 00 8000 0000');

/** A header with other flags and counts: opcode and flags, then QD, AN, NS, AR. */
const header = (flags: string, qd = 1, an = 0, ns = 0, ar = 0) =>
  `1234${flags}${[qd, an, ns, ar].map((count) => count.toString(16).padStart(4, '0')).join('')}`;

function parse(hex: string) {
  const query = Buffer.from(hex, 'hex');
  const head = newQueryHead();
  parseQuery(query, query.length, head);
  return head;
}

describe('parseQuery', () => {
  test('RFC 1035 §4.1: a plain question', () => {
    expect(parse(HEADER + QUESTION)).toEqual({
      id: 0x1234,
      opcode: 0,
      recursionDesired: false,
      verdict: RCODE.NOERROR,
      fault: FAULT.NONE,
      questionLength: 7,
      nameLength: 3,
      type: 1,
      class: 1,
      edns: false,
      payloadBytes: 0,
      dnssecOk: false,
      asked: 0,
      tsigAt: 0,
      form: 0,
      cookieAt: 0,
      cookieLength: 0,
    });
  });
  test('the question is kept as it was sent', () => {
    const query = Buffer.from(`${HEADER}03${Buffer.from('WwW').toString('hex')}0000100001`, 'hex');
    const head = newQueryHead();
    parseQuery(query, query.length, head);
    expect(formatName(questionOf(query, head).name)).toBe('WwW.');
  });
  test('RFC 6891: EDNS', () => {
    expect(parse(header('0100', 1, 0, 0, 1) + QUESTION + OPT)).toMatchObject({
      verdict: 0,
      edns: true,
      payloadBytes: 1232,
      dnssecOk: true,
      recursionDesired: true,
    });
  });

  test.each<[string, string, number, number, Partial<ReturnType<typeof newQueryHead>>]>([
    ['nothing', '', DROP, FAULT.SHORT, {}],
    ['eleven octets', HEADER.slice(0, 22), DROP, FAULT.SHORT, {}],
    ['QR set', header('8000') + QUESTION, DROP, FAULT.RESPONSE, {}],
    ['RFC 9619: no question', header('0000', 0), RCODE.FORMERR, FAULT.QUESTION_COUNT, { questionLength: 0 }],
    ['RFC 9619: no question, but OPT', header('0000', 0, 0, 0, 1) + OPT, RCODE.FORMERR, FAULT.QUESTION_COUNT, { edns: true }],
    ['RFC 9619: two questions', header('0000', 2) + QUESTION + QUESTION, RCODE.FORMERR, FAULT.QUESTION_COUNT, { questionLength: 0 }],
    ['a question that ends early', HEADER + QUESTION.slice(0, 12), RCODE.FORMERR, FAULT.QUESTION, { questionLength: 0 }],
    ['a question behind the end', HEADER, RCODE.FORMERR, FAULT.QUESTION, {}],
    ['a compressed question', `${HEADER}c00c00010001`, RCODE.FORMERR, FAULT.QUESTION, {}],
    ['a label of 64', `${HEADER}40${'61'.repeat(64)}0000010001`, RCODE.FORMERR, FAULT.QUESTION, {}],
    ['a name of 256', `${HEADER}${`3f${'61'.repeat(63)}`.repeat(4)}0000010001`, RCODE.FORMERR, FAULT.QUESTION, {}],
    ['an octet too many', `${HEADER}${QUESTION}00`, RCODE.FORMERR, FAULT.TRAILING, { questionLength: 7 }],
    ['a record that is not there', header('0000', 1, 0, 0, 1) + QUESTION, RCODE.FORMERR, FAULT.RECORD, { questionLength: 7 }],
    ['RDLENGTH behind the end', `${header('0000', 1, 0, 0, 1)}${QUESTION}0000100001000000000005aa`, RCODE.FORMERR, FAULT.RECORD, {}],
    ['an owner that points forward', `${header('0000', 1, 0, 0, 1)}${QUESTION}c0ff001000010000000000`, RCODE.FORMERR, FAULT.RECORD, {}],
    ['RFC 6891 §6.1.1: two OPT', header('0000', 1, 0, 0, 2) + QUESTION + OPT + OPT, RCODE.FORMERR, FAULT.OPT, { edns: true }],
    [
      'RFC 6891 §6.1.2: OPT not at the root',
      `${header('0000', 1, 0, 0, 1)}${QUESTION}0161${OPT}`,
      RCODE.FORMERR,
      FAULT.OPT,
      { edns: false },
    ],
    ['OPT among the answers', header('0000', 1, 1) + QUESTION + OPT, RCODE.FORMERR, FAULT.OPT, { edns: false }],
    [
      'a malformed option',
      `${header('0000', 1, 0, 0, 1)}${QUESTION}${OPT.slice(0, -4)}0003000aff`,
      RCODE.FORMERR,
      FAULT.OPT,
      { edns: true },
    ],
    [
      'RFC 6891 §6.1.3: version 1',
      `${header('0000', 1, 0, 0, 1)}${QUESTION}00002904d0000180000000`,
      RCODE.BADVERS,
      FAULT.VERSION,
      { edns: true, dnssecOk: true },
    ],
    [
      'version 1 and an octet too many',
      `${header('0000', 1, 0, 0, 1)}${QUESTION}00002904d000010000000000`,
      RCODE.FORMERR,
      FAULT.TRAILING,
      { edns: true },
    ],
    ['STATUS', header('1000') + QUESTION, RCODE.NOTIMP, FAULT.OPCODE, { opcode: 2, questionLength: 7 }],
    ['opcode 15, header only', header('7800', 0), RCODE.NOTIMP, FAULT.OPCODE, { opcode: 15, questionLength: 0 }],
    ['UPDATE with rubbish', `${header('2800')}ff`, RCODE.NOTIMP, FAULT.OPCODE, { opcode: 5, questionLength: 0 }],
  ])('%s', (_, hex, verdict, fault, more) => {
    expect(parse(hex)).toMatchObject({ verdict, fault, ...more });
  });

  test('records that are no OPT are read over', () => {
    expect(parse(`${header('0000', 1, 0, 1, 1)}${QUESTION}c00c00060001000000000000${OPT}`)).toMatchObject({ verdict: 0, edns: true });
  });
  test('only the first `length` octets count', () => {
    const query = Buffer.from(HEADER + QUESTION, 'hex');
    const head = newQueryHead();
    for (let length = 12; length < query.length; length++) {
      parseQuery(query, length, head);
      expect(head).toMatchObject({ verdict: RCODE.FORMERR, questionLength: 0 });
    }
  });
});

describe('RFC 1035 §4.1.4: compression', () => {
  test('the longest known suffix, whatever the case', () => {
    const names = new CompressionMap();
    expect(names.compress(nameOf('f.isi.arpa.'), 20)).toEqual(nameOf('f.isi.arpa.'));
    expect(Buffer.from(names.compress(nameOf('foo.F.ISI.arpa.'), 40)).toString('hex')).toBe(fields('03666f6f c014'));
    expect(Buffer.from(names.compress(nameOf('arpa.'), 64)).toString('hex')).toBe('c01a');
    expect([...names.compress(nameOf('.'), 92)]).toEqual([0]);
    expect(Buffer.from(names.compress(nameOf('bar.foo.f.isi.arpa.'), 100)).toString('hex')).toBe(fields('03626172 c028'));
  });
  test('nothing is remembered beyond what a pointer can reach', () => {
    const names = new CompressionMap();
    // The last label would start at 0x4000: the whole name is forgotten.
    expect(names.compress(nameOf('ab.cd.'), 0x3ffd)).toEqual(nameOf('ab.cd.'));
    expect(names.compress(nameOf('ab.cd.'), 0x5000)).toEqual(nameOf('ab.cd.'));
    expect(names.compress(nameOf('ab.cd.'), 0x3ffc)).toEqual(nameOf('ab.cd.'));
    expect(Buffer.from(names.compress(nameOf('cd.'), 0x5000)).toString('hex')).toBe('ffff');
  });
  test('what is cut off is forgotten', () => {
    const names = new CompressionMap();
    names.compress(nameOf('a.b.'), 12);
    names.compress(nameOf('c.a.b.'), 30);
    names.forgetFrom(30);
    expect(Buffer.from(names.compress(nameOf('c.a.b.'), 30)).toString('hex')).toBe('0163c00c');
  });
});

describe('writeMessage', () => {
  const query = Buffer.from(header('0110', 1, 0, 0, 1) + fields('0141017a00 000f0001') + OPT, 'hex');
  const head = newQueryHead();
  parseQuery(query, query.length, head);
  const mx = { ...toRrset('a.z.', 'MX', 60, ['10 m.z.']), signatures: [] };
  const content: MessageContent = { ...bareContent(RCODE.NOERROR), authoritative: true, answer: [mx] };
  const write = (limit: number, more: Partial<MessageContent> = {}): WireMessage =>
    parseMessage(Buffer.from(writeMessage(query, head, { ...content, ...more }, limit)));

  test('RFC 4035 §3.1.6: RD copied, AD and CD cleared; the question in its case', () => {
    const message = write(1232);
    expect([...message.flags].toSorted()).toEqual(['AA', 'QR', 'RD']);
    expect(message.question).toBe(query.subarray(12, 12 + 9).toString('hex'));
    expect(message.edns).toMatchObject({ size: 1232, version: 0, dnssecOk: true });
  });
  test('RFC 3597 §4: names in RDATA of old types are compressed, in others not', () => {
    const srv = { ...toRrset('a.z.', 'SRV', 60, ['0 0 25 m.z.']), signatures: [] };
    const octets = Buffer.from(writeMessage(query, head, { ...content, additional: [srv] }, 1232)).toString('hex');
    expect(octets).toContain(fields('000a 016d c00e'));
    expect(octets).toContain(fields('000000000019 016d017a00'));
  });
  test('RFC 2181 §9: TC and empty sections when what is required does not fit, OPT stays', () => {
    const large = {
      ...toRrset(
        'a.z.',
        'TXT',
        60,
        Array.from({ length: 5 }, (_, at) => `"${'x'.repeat(250)}${at}"`),
      ),
      signatures: [],
    };
    for (const more of [{ answer: [mx, large] }, { authority: [large] }, { requiredGlue: [large] }]) {
      const message = write(1232, more);
      expect([...message.flags]).toContain('TC');
      expect(message).toMatchObject({ answer: [], authority: [], additional: [], edns: { size: 1232 } });
    }
    const message = write(1232, { additional: [large, { ...toRrset('m.z.', 'A', 60, ['192.0.2.1']), signatures: [] }] });
    expect([...message.flags]).not.toContain('TC');
    expect(message.additional.map(({ type }) => type)).toEqual(['A']);
  });
  test('the limit is exact', () => {
    const { size } = write(65_535);
    expect([...write(size).flags]).not.toContain('TC');
    expect([...write(size - 1).flags]).toContain('TC');
  });
  test('RFC 4034 §3: signatures follow their RRset with its TTL', () => {
    const rrsig = concatBytes(Uint8Array.of(0, 15, 13, 2, 0, 0, 0, 60), new Uint8Array(10), nameOf('z.'), new Uint8Array(64));
    expect(write(1232, { answer: [{ ...mx, signatures: [rrsig] }] }).answer.map(({ type, ttl }) => `${type} ${ttl}`)).toEqual([
      'MX 60',
      'RRSIG 60',
    ]);
    expect(TYPE.RRSIG).toBe(46);
  });
});

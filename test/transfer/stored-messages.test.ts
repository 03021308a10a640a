/** Messages of a large transfer become a zone or differences; what is wrong is said in words, and never thrown. */
import { describe, expect, test } from 'vitest';
import { formatName } from '#dns/name.ts';
import { formatRdata, typeName } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';
import { type TransferQuestion } from '#transfer/incoming-message.ts';
import { type StoredOptions, readStored } from '#transfer/stored-messages.ts';
import { seededRandom } from '../support/random.ts';
import { type MessageParts, ZONE, message, soa } from '../support/transfer-messages.ts';

const ASKED: TransferQuestion = { id: 7, apex: ZONE, type: TYPE.AXFR };
const BODY = ['@ 60 NS ns', 'ns 60 A 192.0.2.1', 'ns 60 AAAA 2001:db8::1', 'x 300 TXT "a b"'];
const WHOLE = [soa(2), ...BODY, soa(2)];
const EVIL = 'evil.example. 60 A 192.0.2.9';
const BELOW = 'sub 60 SOA ns host 1 1 1 1 1';

/** RFC 1035 §4.2.2: two octets of length stand before each message. */
function framed(octets: Uint8Array): Buffer {
  const { length } = octets;
  return Buffer.concat([Buffer.of(length >> 8, length & 0xff), octets]);
}

const part = (lines: readonly string[], more: Partial<MessageParts> = {}): Buffer =>
  framed(message({ id: 7, type: TYPE.AXFR, lines, ...more }));
/** Messages with these records; the question stands in the first, in the others where `hasQuestions`. */
const stored = (messages: readonly (readonly string[])[], hasQuestions = false): Buffer =>
  Buffer.concat(messages.map((lines, at) => part(lines, { question: hasQuestions || at === 0 })));
const read = (octets: Uint8Array, { asked = ASKED, since, recordsMax = 100 }: Partial<StoredOptions> = {}) =>
  readStored(octets, { asked, since, recordsMax });

/** A line for each RRset of a zone in canonical order, or the words of the failure. */
function said(octets: Uint8Array, more: Partial<StoredOptions> = {}): string | readonly string[] {
  const result = read(octets, more);
  if ('failure' in result) return result.failure;
  if (result.kind !== 'read') throw new Error(`not a zone: ${result.kind}`);
  const { zone } = result;
  const lines = [...zone.ascend(zone.apexKey), ...zone.hashed.ascend(zone.apexKey)].flatMap(({ owner, rrsets }) =>
    rrsets.map(({ ttl, type, rdatas, signatures }) => {
      const words = [...rdatas.map((each) => formatRdata(type, each)), ...signatures.map(() => 'signed')];
      return [formatName(owner), ttl, typeName(type), ...words].join(' ');
    }),
  );
  return lines;
}

const LINES = [
  'z.example. 60 NS ns.z.example.',
  'z.example. 60 SOA ns.z.example. host.z.example. 2 100 50 1000 60',
  'ns.z.example. 60 A 192.0.2.1',
  'ns.z.example. 60 AAAA 2001:db8::1',
  'x.z.example. 300 TXT "a b"',
];

describe('RFC 5936 §2.2: a whole zone', () => {
  const several = [[soa(2)], BODY.slice(0, 1), [], BODY.slice(1), [soa(2)]];
  test.each([
    ['in one message', [WHOLE], false],
    ['in many, with the question in the first alone', several, false],
    ['in many, with the question in each', several, true],
    ['with a record in each message', WHOLE.map((line) => [line]), false],
  ])('%s', (_how, messages, hasQuestions) => {
    const octets = stored(messages, hasQuestions);
    expect(read(octets)).toMatchObject({ kind: 'read', serial: 2, leftOut: { signatures: 0, nsec3: 0 } });
    expect(said(octets)).toEqual(LINES);
  });

  test('that answers IXFR (RFC 1995 §4)', () => {
    const octets = part(WHOLE, { type: TYPE.IXFR });
    expect(said(octets, { asked: { ...ASKED, type: TYPE.IXFR }, since: 1 })).toEqual(LINES);
    expect(said(octets)).toBe('answers with octets that are no reply');
  });

  test('RFC 2181 §5.2: one TTL for an RRset, the lowest; RFC 5936 §2.2: its records in any order, each once', () => {
    const texts = ['x 300 TXT "b"', 'x 60 TXT "a"', 'x 900 TXT "a"', 'x 600 TXT "c"'];
    const lines = [soa(2), texts[0]!, 'ns 60 A 192.0.2.1', texts[1]!, '@ 60 NS ns', ...texts.slice(2), soa(2)];
    const found = said(stored(lines.map((line) => [line])));
    expect(found).toEqual([...LINES.slice(0, 3), 'x.z.example. 60 TXT "a" "b" "c"']);
  });

  test('RFC 1035 §4.1.4: names point into their own message, wherever it stands in the file', () => {
    const tail = Buffer.from('0001000100000e100004c0000207', 'hex');
    // An A record whose owner is `www` and a pointer to the zone's name, which stands at octet 12.
    const compressed = (octets: Buffer): Buffer => {
      const more = Buffer.concat([octets, Buffer.from('03777777c00c', 'hex'), tail]);
      more.writeUInt16BE(more.readUInt16BE(6) + 1, 6);
      return framed(more);
    };
    const asked = (lines: readonly string[]) => message({ id: 7, type: TYPE.AXFR, lines });
    const octets = Buffer.concat([part([soa(2), ...BODY]), compressed(asked([])), part([soa(2)])]);
    expect(said(octets)).toEqual([...LINES.slice(0, 4), 'www.z.example. 3600 A 192.0.2.7', LINES[4]]);
    // The same as a part of a larger piece of memory.
    const within = Buffer.concat([Buffer.alloc(33, 0xff), octets, Buffer.alloc(9, 0xff)]);
    expect(said(within.subarray(33, 33 + octets.length))).toEqual(said(octets));
  });
});

describe('RFC 4034 §3, RFC 5155 §7.3: a signed zone', () => {
  const over = (type: string) => `${type} 13 3 60 20300101000000 20200101000000 1 z.example. AAAA`;
  const hash = (which: string) => which.repeat(32);
  const nsec3 = (which: string, salt: string) => `${hash(which)} 60 NSEC3 1 0 0 ${salt} ${hash('v')} A`;

  test('signatures belong to what they cover, wherever they stand; those that cover nothing are left out', () => {
    const first = [soa(2), `ns 60 RRSIG ${over('A')}`, `x 60 RRSIG ${over('MX')}`];
    const octets = stored([...first, ...BODY, `@ 60 RRSIG ${over('NS')}`, soa(2)].map((line) => [line]));
    expect(said(octets)).toEqual([`${LINES[0]} signed`, LINES[1], `${LINES[2]} signed`, ...LINES.slice(3)]);
    expect(read(octets)).toMatchObject({ leftOut: { signatures: 1, nsec3: 0 } });
  });

  test.each([
    ['before the NSEC3 records', 1],
    ['after them', 5],
  ])('the chain that NSEC3PARAM names is used, which may stand %s', (_where, at) => {
    const lines = [nsec3('0', 'ab'), `${hash('0')} 60 RRSIG ${over('NSEC3')}`, nsec3('1', 'ff'), nsec3('2', 'ab')];
    const all = [...lines.slice(0, at - 1), '@ 0 NSEC3PARAM 1 0 0 ab', ...lines.slice(at - 1)];
    const octets = stored([[soa(2), ...BODY], ...all.map((line) => [line]), [soa(2)]]);
    const found = said(octets);
    expect(found).toHaveLength(LINES.length + 3);
    expect(found.slice(-2)).toEqual([
      `${hash('0')}.z.example. 60 NSEC3 1 0 0 AB ${hash('V')} A signed`,
      `${hash('2')}.z.example. 60 NSEC3 1 0 0 AB ${hash('V')} A`,
    ]);
    expect(read(octets)).toMatchObject({ leftOut: { signatures: 0, nsec3: 1 } });
  });
});

describe('RFC 1995 §4: differences', () => {
  const options = { asked: { ...ASKED, type: TYPE.IXFR }, since: 1 };
  const ixfr = (messages: readonly (readonly string[])[]) =>
    Buffer.concat(messages.map((lines, at) => part(lines, { type: TYPE.IXFR, question: at === 0 })));
  const ONE = [soa(1), 'old 60 A 192.0.2.1', soa(2), 'new 60 A 192.0.2.2'];
  const STEPS = [soa(3), ...ONE, soa(2), soa(3), 'x 60 TXT "c"', soa(3)];

  test.each([
    ['in one message', [STEPS]],
    ['a record in each message', STEPS.map((line) => [line])],
  ])('in order, %s', (_how, messages) => {
    expect(read(ixfr(messages), options)).toMatchObject({
      kind: 'differences',
      serial: 3,
      differences: [
        {
          fromSerial: 1,
          toSerial: 2,
          deleted: [{ type: TYPE.SOA }, { type: TYPE.A, ttl: 60 }],
          added: [{ type: TYPE.SOA }, { type: TYPE.A }],
        },
        { fromSerial: 2, toSerial: 3, deleted: [{ type: TYPE.SOA }], added: [{ type: TYPE.SOA }, { type: TYPE.TXT }] },
      ],
    });
    const result = read(ixfr(messages), options);
    if ('failure' in result || result.kind !== 'differences') throw new Error('no differences');
    const [{ deleted, added } = {}] = result.differences;
    const records = [deleted![1]!, added![1]!];
    const lines = records.map(({ owner, type, rdata }) => `${formatName(owner)} ${formatRdata(type, rdata)}`);
    expect(lines).toEqual(['old.z.example. 192.0.2.1', 'new.z.example. 192.0.2.2']);
  });

  test.each<readonly [string, readonly string[], string]>([
    ['their end is missing', STEPS.slice(0, -1), 'sends z.example. without its end'],
    ['a step goes back', [soa(3), soa(1), soa(0), soa(3)], 'sends a step from serial 1 back to 0'],
    ['a record follows them', [...STEPS, 'y 60 A 192.0.2.1'], 'sends records after the end of the zone'],
    ['the SOA alone, which is newer', [soa(3)], 'sends z.example. without its end'],
    ['the SOA alone, which is here', [soa(1)], 'sends z.example. without its end'],
  ])('%s', (_what, lines, failure) => {
    expect(read(ixfr([lines]), options)).toEqual({ failure });
  });
});

test.each<readonly [string, readonly (readonly string[])[], string]>([
  ['nothing', [], 'sends z.example. without its end'],
  ['the SOA alone', [[soa(2)]], 'sends z.example. without its end'],
  ['its end is missing', [[soa(2), ...BODY]], 'sends z.example. without its end'],
  ['its end is missing, in many messages', [[soa(2)], BODY, []], 'sends z.example. without its end'],
  ['a record follows the end', [[...WHOLE, 'y 60 A 192.0.2.3']], 'sends records after the end of the zone'],
  ['a message follows the end', [WHOLE, ['y 60 A 192.0.2.3']], 'sends records after the end of the zone'],
  ['a third SOA', [WHOLE, [soa(2)]], 'sends records after the end of the zone'],
  ['another last SOA', [[soa(2), ...BODY, soa(3)]], 'ends with another SOA (serial 3) than it began with (2)'],
  ['no SOA first', [BODY], 'begins with another record than the SOA of the zone'],
  ['a record of another zone', [[soa(2)], [EVIL], [soa(2)]], 'sends evil.example., which is not in the zone'],
  ['a SOA below the apex', [[soa(2), BELOW, soa(2)]], 'sends a SOA of sub.z.example. inside the zone'],
])('%s', (_what, messages, failure) => {
  expect(read(stored(messages))).toEqual({ failure });
});

test('RFC 1035 §3.2.1: a malformed record, a record of another class, a message of another or with a code', () => {
  const bad = part(WHOLE.slice(0, 3));
  // The length of the address, and the octets that it then has.
  bad.writeUInt16BE(3, bad.length - 6);
  bad.writeUInt16BE(bad.length - 3, 0);
  expect(said(Buffer.concat([bad.subarray(0, -1), part([soa(2)])]))).toBe('sends a malformed A record');
  const chaos = part([soa(2), 'ns 60 A 192.0.2.1']);
  chaos.writeUInt16BE(3, chaos.length - 12);
  expect(said(chaos)).toBe('sends a record of another class than IN');
  expect(said(part(WHOLE, { id: 8 }))).toBe('answers with octets that are no reply');
  expect(said(Buffer.concat([part([soa(2), ...BODY]), part([soa(2)], { rcode: 2 })]))).toBe('answers SERVFAIL');
  expect(said(part(WHOLE, { question: false }))).toBe('answers without the question');
  const empty = framed(Buffer.alloc(0));
  expect(said(Buffer.concat([part([soa(2)]), empty, part([soa(2)])]))).toBe('answers with octets that are no reply');
});

test('so many records and not one more', () => {
  // Five, and the SOA again.
  expect(said(stored([WHOLE]), { recordsMax: 6 })).toEqual(LINES);
  expect(said(stored([WHOLE]), { recordsMax: 5 })).toBe('sends more than 5 records');
  expect(said(stored(WHOLE.map((line) => [line])), { recordsMax: 2 })).toBe('sends more than 2 records');
});

describe('any octets have a verdict', () => {
  const messages = stored([[soa(2)], BODY, [soa(2)]]);

  /** A piece of memory of their own: nothing lies behind it. */
  const alone = (octets: Uint8Array): Uint8Array => new Uint8Array(octets);

  test('cut anywhere, also inside a message: it has no end', () => {
    const wrong: string[] = [];
    for (let length = 0; length < messages.length; length++)
      for (const octets of [alone(messages.subarray(0, length)), messages.subarray(0, length)]) {
        const verdict = verdictOf(octets);
        if (!/^(sends z\.example\. without its end|sends a malformed message|answers with octets)/.test(verdict))
          wrong.push(`${length} of ${messages.length}: ${verdict}`);
      }
    expect(wrong.slice(0, 5)).toEqual([]);
  });

  test('mutated: records of the zone, or words', () => {
    const random = seededRandom(50);
    const verdicts = new Set<string>();
    for (let each = 0; each < 5000; each++) {
      const octets = alone(messages);
      for (let count = 0; count < 3; count++) octets[Math.floor(random() * octets.length)] = Math.floor(random() * 256);
      verdicts.add(verdictOf(octets));
    }
    expect([...verdicts].filter((each) => each.startsWith('throws')).slice(0, 5)).toEqual([]);
    expect(verdicts.has('a zone of 3 names')).toBe(true);
    expect(verdicts.size).toBeGreaterThan(10);
  });

  test('random ones: words', () => {
    const random = seededRandom(51);
    const verdicts = new Set<string>();
    for (let each = 0; each < 5000; each++) {
      const octets = Uint8Array.from({ length: Math.floor(random() * 200) }, () => Math.floor(random() * 256));
      // Half of them begin as an answer to the question does.
      if (random() < 0.5) octets.set(messages.subarray(0, Math.min(octets.length, 12)), 0);
      verdicts.add(verdictOf(octets));
    }
    expect([...verdicts].filter((each) => /^throws|^a zone/.test(each)).slice(0, 5)).toEqual([]);
    expect(verdicts).toContain('sends z.example. without its end');
  });

  /** Words of a failure, how many names there are, or what was thrown. */
  function verdictOf(octets: Uint8Array): string {
    try {
      const result = read(octets);
      return 'failure' in result ? result.failure : `a zone of ${result.kind === 'read' ? result.zone.size : 0} names`;
    } catch (error) {
      return `throws ${String(error)}`;
    }
  }
});

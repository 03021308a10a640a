/** Messages of primaries, good ones and the others: any octets have a verdict. */
import { describe, expect, test } from 'vitest';
import { TYPE } from '#dns/types.ts';
import { readTransferMessage, writeTransferRequest } from '#transfer/incoming-message.ts';
import { seededRandom } from '../support/random.ts';
import { ZONE, message, record, soa } from '../support/transfer-messages.ts';

const ASKED = { id: 7, apex: ZONE, type: TYPE.AXFR };
const read = (octets: Uint8Array, isFirst = true) => readTransferMessage(octets, ASKED, isFirst);
const good = (lines: readonly string[], more = {}) => message({ id: 7, type: TYPE.AXFR, lines, ...more });

test('RFC 1995 §3, RFC 7314 §2: the request has the SOA that is here, and asks for EXPIRE', () => {
  const known = { ttl: 60, rdata: record(soa(9)).rdata };
  const octets = Buffer.from(writeTransferRequest({ ...ASKED, type: TYPE.IXFR }, known));
  expect(octets.subarray(12, 12 + ZONE.length + 4).toString('hex')).toBe('017a076578616d706c650000fb0001');
  expect(octets.readUInt16BE(8)).toBe(1);
  expect([...octets.subarray(-4)]).toEqual([0, 9, 0, 0]);
});

describe('RFC 5936 §2.2.1: the question', () => {
  test('stands in the first message and may stand in the others', () => {
    expect(read(good([soa(1)]))).toMatchObject({ message: { records: [{ type: TYPE.SOA, ttl: 60 }], tsigAt: 0 } });
    expect(read(good([soa(1)], { question: false }))).toMatchObject({ failure: expect.stringMatching(/without the question/) });
    expect(read(good([soa(1)], { question: false }), false)).toHaveProperty('message');
  });

  test('is ours, under our id, in a reply', () => {
    for (const octets of [
      message({ id: 8, type: TYPE.AXFR, lines: [] }),
      message({ id: 7, type: TYPE.IXFR, lines: [] }),
      message({ id: 7, type: TYPE.AXFR, lines: [], flags: 0 }),
      Buffer.alloc(5),
    ])
      expect(read(octets)).toMatchObject({ isOther: true });
  });
});

test('RFC 2181 §8: a TTL with the highest bit set is 0; codes are said by name', () => {
  const octets = good(['x 60 A 192.0.2.1']);
  octets.writeUInt32BE(0x8000_0001, octets.length - 10);
  expect(read(octets)).toMatchObject({ message: { records: [{ ttl: 0 }] } });
  expect(read(good([], { rcode: 9 }))).toMatchObject({ failure: 'answers NOTAUTH', rcode: 9 });
});

test('what is cut, too long, of another class or malformed is said, and mutated octets never throw', () => {
  const whole = good([soa(1), 'x 60 A 192.0.2.1', 'x 60 MX 10 x']);
  for (let length = 12; length < whole.length; length++) expect(read(whole.subarray(0, length))).toHaveProperty('failure');
  expect(read(Buffer.concat([whole, Buffer.alloc(1)]))).toMatchObject({ failure: 'sends a malformed message' });
  const random = seededRandom(1);
  for (let each = 0; each < 5000; each++) {
    const octets = Buffer.from(whole);
    for (let count = 0; count < 4; count++) octets[12 + Math.floor(random() * (octets.length - 12))] = Math.floor(random() * 256);
    const result = read(octets);
    if ('message' in result) for (const { owner } of result.message.records) expect(owner.length).toBeLessThanOrEqual(255);
  }
});

/** Questions as our own parser reads them, replies as our own writer makes them; whatever octets come, nothing throws. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type MessageContent, bareContent, newQueryHead, parseQuery, writeMessage } from '#dns/message.ts';
import { nameOf } from '#dns/name.ts';
import { rcodeName, readReply, writeQuestion } from '#dns/reply.ts';
import { type SignedRrset } from '#dns/rrset.ts';
import { TYPE } from '#dns/types.ts';

const NAME = nameOf('keys.example.');
const rdataOf = (keyTag: number) => Uint8Array.of(keyTag >>> 8, keyTag & 255, 13, 2, ...Buffer.alloc(32, 7));

function ds(owner: string, count: number): SignedRrset {
  const rdatas = Array.from({ length: count }, (_, at) => rdataOf(at));
  return { owner: nameOf(owner), type: TYPE.DS, ttl: 3600, rdatas, signatures: [] };
}

function reply(more: Partial<MessageContent> = {}, limit = 65_535): Uint8Array {
  const query = writeQuestion(77, NAME, TYPE.DS);
  const head = newQueryHead();
  parseQuery(query, query.length, head);
  const content = { ...bareContent(0), authoritative: true, answer: [ds('KEYS.example.', 1)], ...more };
  return writeMessage(query, head, content, limit);
}

test('a question: no recursion, EDNS, DNSSEC records welcome', () => {
  const query = writeQuestion(77, NAME, TYPE.DS);
  const head = newQueryHead();
  parseQuery(query, query.length, head);
  expect(head).toMatchObject({ id: 77, verdict: 0, type: TYPE.DS, class: 1, edns: true, dnssecOk: true, recursionDesired: false });
  expect(head.payloadBytes).toBe(1232);
});

describe('a reply', () => {
  test('its records, with TTL and authority', () => {
    const read = readReply(reply(), 77, NAME, TYPE.DS)!;
    expect(read).toMatchObject({ rcode: 0, isAuthoritative: true, isTruncated: false, count: 1 });
    expect(read.records).toEqual([{ ttl: 3600, rdata: rdataOf(0) }]);
  });
  test('RFC 5452 §9.1: another id, question or type is no reply', () => {
    expect(readReply(reply(), 78, NAME, TYPE.DS)).toBeUndefined();
    expect(readReply(reply(), 77, nameOf('other.example.'), TYPE.DS)).toBeUndefined();
    expect(readReply(reply(), 77, NAME, TYPE.DNSKEY)).toBeUndefined();
    expect(readReply(writeQuestion(77, NAME, TYPE.DS), 77, NAME, TYPE.DS)).toBeUndefined();
  });
  test('records of other names and types are not taken', () => {
    const answer = [{ ...ds('keys.example.', 1), type: TYPE.CDS }, ds('other.example.', 2)];
    expect(readReply(reply({ answer }), 77, NAME, TYPE.DS)).toMatchObject({ count: 0, records: [] });
  });
  test('RFC 2181 §9: truncation is told, whatever is cut', () => {
    const octets = reply({ answer: [ds('keys.example.', 50)] }, 512);
    expect(readReply(octets, 77, NAME, TYPE.DS)).toMatchObject({ isTruncated: true, isAuthoritative: true });
    const flagged = reply().with(2, 0x86);
    for (let length = 30; length < flagged.length; length++)
      expect(readReply(flagged.subarray(0, length), 77, NAME, TYPE.DS)).toMatchObject({ isTruncated: true });
  });
  test('500 records are counted, and few are read', () => {
    const read = readReply(reply({ answer: [ds('keys.example.', 500)] }), 77, NAME, TYPE.DS)!;
    expect([read.count, read.records.length]).toEqual([500, 64]);
  });
  test('any octets: nothing throws, and what is cut short is no reply', () => {
    const whole = reply();
    for (let length = 0; length < whole.length; length++) expect(readReply(whole.subarray(0, length), 77, NAME, TYPE.DS)).toBeUndefined();
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 6 }), (changes) => {
        const octets = new Uint8Array(whole);
        for (const [at, octet] of changes) octets[at] = octet;
        readReply(octets, 77, NAME, TYPE.DS);
      }),
      { numRuns: 3000 },
    );
  });
  test('names of rcodes', () => expect([rcodeName(2), rcodeName(3), rcodeName(99)]).toEqual(['SERVFAIL', 'NXDOMAIN', 'rcode 99']));
});

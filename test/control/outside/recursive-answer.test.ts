/** What a recursive server's answer says: aliases in it, how long a denial holds, what is no answer. */
import { describe, expect, test } from 'vitest';
import { readAnswer } from '#control/outside/recursive-answer.ts';
import { bareContent, newQueryHead, parseQuery, writeMessage } from '#dns/message.ts';
import { nameOf } from '#dns/name.ts';
import { writeQuestion } from '#dns/reply.ts';
import { type SignedRrset } from '#dns/rrset.ts';
import { RCODE, TYPE } from '#dns/types.ts';

const NAME = nameOf('www.example.');
const rrset = (owner: string, type: number, ttl: number, ...rdatas: Uint8Array[]): SignedRrset => {
  return { owner: nameOf(owner), type, ttl, rdatas, signatures: [] };
};
const address = (last: number): Uint8Array => Uint8Array.of(192, 0, 2, last);
const soa = new Uint8Array([...nameOf('ns.'), ...nameOf('h.'), ...[1, 2, 3, 4, 30].flatMap((each) => [0, 0, 0, each])]);

function read(rcode: number, answer: readonly SignedRrset[], authority: readonly SignedRrset[] = []) {
  const query = writeQuestion(7, NAME, TYPE.A);
  const head = newQueryHead();
  parseQuery(query, query.length, head);
  return readAnswer(writeMessage(query, head, { ...bareContent(rcode), answer, authority }, 65_535), NAME, TYPE.A);
}

describe('aliases', () => {
  test('are followed within the answer; the shortest TTL of the way holds', () => {
    const answer = [
      rrset('www.example.', TYPE.CNAME, 20, nameOf('a.other.')),
      rrset('a.other.', TYPE.CNAME, 300, nameOf('b.other.')),
      rrset('b.other.', TYPE.A, 60, address(1), address(2)),
      rrset('c.other.', TYPE.A, 1, address(3)),
    ];
    expect(read(RCODE.NOERROR, answer)).toEqual({ kind: 'answer', rdatas: [address(1), address(2)], ttlSeconds: 20 });
  });
  test('a circle of them is a failure', () => {
    const answer = [rrset('www.example.', TYPE.CNAME, 20, nameOf('a.')), rrset('a.', TYPE.CNAME, 20, nameOf('www.example.'))];
    expect(read(RCODE.NOERROR, answer)).toMatchObject({ kind: 'servfail' });
  });
});

test('RFC 2308 §5: a denial holds for the lesser of the TTL and MINIMUM of the SOA', () => {
  const authority = [rrset('example.', TYPE.SOA, 900, soa)];
  expect(read(RCODE.NXDOMAIN, [], authority)).toEqual({ kind: 'nxdomain', ttlSeconds: 30 });
  expect(read(RCODE.NOERROR, [], authority)).toEqual({ kind: 'nodata', ttlSeconds: 30 });
  expect(read(RCODE.NOERROR, [])).toEqual({ kind: 'nodata' });
});

test('another rcode, and octets that are none, say nothing', () => {
  expect(read(RCODE.SERVFAIL, [])).toMatchObject({ kind: 'servfail' });
  expect(readAnswer(new Uint8Array(12), NAME, TYPE.A)).toMatchObject({ kind: 'servfail' });
});

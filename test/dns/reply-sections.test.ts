/** RFC 1035 §4.1.3, §4.1.4: records of replies as our own writer compresses them; no octets throw. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { bareContent, newQueryHead, parseQuery, writeMessage } from '#dns/message.ts';
import { formatName, nameOf } from '#dns/name.ts';
import { formatRdata } from '#dns/registry.ts';
import { readReply, writeQuestion } from '#dns/reply.ts';
import { readSections } from '#dns/reply-sections.ts';
import { TYPE } from '#dns/types.ts';

const NAME = nameOf('www.keys.example.');

function reply(count = 1): Uint8Array {
  const query = writeQuestion(77, NAME, TYPE.MX);
  const head = newQueryHead();
  parseQuery(query, query.length, head);
  const rdatas = Array.from({ length: count }, (_, at) =>
    Uint8Array.of(at >> 8, at & 255, ...nameOf('mx.keys.example.')),
  );
  const answer = [{ owner: NAME, type: TYPE.MX, ttl: 300, rdatas, signatures: [] }];
  const authority = [
    {
      owner: nameOf('keys.example.'),
      type: TYPE.NS,
      ttl: 0x7fff_ffff,
      rdatas: [nameOf('ns.keys.example.')],
      signatures: [],
    },
  ];
  return writeMessage(query, head, { ...bareContent(0), answer, authority }, 65_535);
}

test('answer and authority, names in owners and data decompressed', () => {
  const lines = readSections(reply())!.map(
    ({ section, owner, type, ttl, rdata }) =>
      `${section} ${formatName(owner)} ${ttl} ${type} ${formatRdata(type, rdata)}`,
  );
  expect(lines).toEqual([
    'answer www.keys.example. 300 15 0 mx.keys.example.',
    'authority keys.example. 2147483647 2 ns.keys.example.',
  ]);
});

test('RFC 2181 §8: a TTL with the highest bit set is 0', () => {
  const octets = reply();
  const head = 12 + NAME.length + 4 + 2;
  expect([octets[head + 4], octets[head + 7]]).toEqual([0, 44]);
  expect(readSections(octets.with(head + 4, 0x80))![0]).toMatchObject({ type: TYPE.MX, ttl: 0 });
  expect(readReply(octets.with(head + 4, 0xff), 77, NAME, TYPE.MX)!.records).toMatchObject([{ ttl: 0 }]);
  expect(readReply(octets.with(head + 4, 0x7f), 77, NAME, TYPE.MX)!.records).toMatchObject([{ ttl: 0x7f00_012c }]);
});

test('a pointer that does not go back, a record that is cut, too many records', () => {
  const octets = reply();
  for (let length = 0; length < octets.length - 40; length++)
    expect(readSections(octets.subarray(0, length))).toBeUndefined();
  const owner = 12 + NAME.length + 4;
  expect(readSections(octets.with(owner, 0xc0).with(owner + 1, owner))).toBeUndefined();
  expect(readSections(octets.with(owner, 0xff).with(owner + 1, 0xff))).toBeUndefined();
  expect(readSections(reply(1100))).toBeUndefined();
});

test('octets of any kind are read or are not', () => {
  const read = fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(400), (noise, at) => {
    const octets = reply();
    octets.set(noise.subarray(0, Math.max(0, octets.length - at)), Math.min(at, octets.length));
    readSections(octets);
    readSections(noise);
  });
  expect(fc.check(read).failed).toBe(false);
});

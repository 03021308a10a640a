/** Zones as primaries send them: what belongs together, and what is left out. */
import { describe, expect, test } from 'vitest';
import { ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { receivedZone } from '#zone/received-zone.ts';
import { rrsetOf } from '#zone/view.ts';
import { ZONE, record, soa } from '../support/transfer-messages.ts';

const SIGNATURE = '13 3 60 20300101000000 20200101000000 1 z.example. AAAA';
const HASH = '0p9mhaveqvm6t7vbl5lop2u3t2rp3tom';
const zoneOf = (...lines: readonly string[]) => receivedZone(ZONE, [soa(1), '@ 60 NS ns', ...lines].map(record));

test('RFC 4034 §3: RRSIGs stand with what they cover; one that covers nothing is left out and counted', () => {
  const { zone, leftOut } = zoneOf('ns 60 A 192.0.2.1', `ns 60 RRSIG A ${SIGNATURE}`, `ns 60 RRSIG AAAA ${SIGNATURE}`);
  const node = zone.node(ownerKey(record('ns 1 A 192.0.2.1').owner));
  expect([rrsetOf(node, TYPE.A)?.signatures.length, node?.rrsets.length, leftOut]).toEqual([1, 1, { signatures: 1, nsec3: 0 }]);
});

test('RFC 4592 §2.2.2: a name with nothing but such RRSIGs does not exist, unless one below it does', () => {
  const lines = [`x 60 RRSIG A ${SIGNATURE}`, `a.b 60 RRSIG A ${SIGNATURE}`, `b 60 RRSIG A ${SIGNATURE}`];
  const keyOf = (name: string) => ownerKey(record(`${name} 1 A 192.0.2.1`).owner);
  const { zone, leftOut } = zoneOf(...lines, 'c.a.b 60 A 192.0.2.1', `y.x 60 RRSIG A ${SIGNATURE}`);
  expect(leftOut.signatures).toBe(4);
  expect(['x', 'y.x'].map((name) => zone.node(keyOf(name)))).toEqual([undefined, undefined]);
  expect(['b', 'a.b'].map((name) => zone.node(keyOf(name))?.rrsets)).toEqual([[], []]);
  expect([...zone.ascend(zone.apexKey)].map(({ key }) => key)).toEqual(['@', 'b', 'a.b', 'c.a.b'].map(keyOf));
  expect([zone.size, zone.changedRrsets]).toEqual([4, 3]);
});

test('an RRSIG may come before what it covers; the twelve first of an RRset stay', () => {
  const many = Array.from({ length: 14 }, (_, at) => `a 60 RRSIG A 13 3 60 20300101000000 20200101000000 ${at} z.example. AAAA`);
  const { zone, leftOut } = zoneOf(...many, ...many.slice(0, 3), 'a 60 A 192.0.2.1');
  const rrset = rrsetOf(zone.node(ownerKey(record('a 1 A 192.0.2.1').owner)), TYPE.A);
  expect([rrset?.ttl, rrset?.signatures.length, leftOut.signatures, zone.changedRrsets]).toEqual([60, 12, 2, 4]);
  expect(rrset?.signatures.map((each) => each[17])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});

test('RFC 2181 §5: the lowest TTL holds for an RRset, and a record that comes twice is one', () => {
  const { zone } = zoneOf('a.b 60 A 192.0.2.2', 'a.b 30 A 192.0.2.1', 'A.b 90 A 192.0.2.1');
  const rrset = rrsetOf(zone.node(ownerKey(record('a.b 1 A 192.0.2.1').owner)), TYPE.A);
  expect([rrset?.ttl, rrset?.rdatas.map((rdata) => rdata[3])]).toEqual([30, [1, 2]]);
  expect(zone.node(ownerKey(record('b 1 A 192.0.2.1').owner))?.rrsets).toEqual([]);
});

describe('RFC 5155 §7.3: of several chains the one with the fewest iterations is used', () => {
  const nsec3 = (iterations: number, owner = HASH) => `${owner} 60 NSEC3 1 0 ${iterations} ab ${HASH} A`;
  const count = (...lines: readonly string[]) => {
    const { zone, leftOut } = zoneOf(...lines);
    return [[...zone.hashed.ascend(zone.apexKey)].length, leftOut.nsec3];
  };
  test.each<readonly [string, readonly string[], readonly number[]]>([
    ['one', ['@ 0 NSEC3PARAM 1 0 5 ab', nsec3(5)], [1, 0]],
    ['two', ['@ 0 NSEC3PARAM 1 0 5 ab', '@ 0 NSEC3PARAM 1 0 2 ab', nsec3(5), nsec3(2, HASH.replace('0', '1'))], [1, 1]],
    ['none yet', [nsec3(5)], [0, 1]],
    ['§4.1.2: one that is being made', ['@ 0 NSEC3PARAM 1 1 5 ab', nsec3(5)], [0, 1]],
    ['§3: an owner that is no hash', ['@ 0 NSEC3PARAM 1 0 5 ab', nsec3(5, 'x')], [0, 1]],
  ])('%s', (_name, lines, counts) => {
    expect(count(...lines)).toEqual(counts);
  });
});

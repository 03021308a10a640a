/** Addresses, networks and sets of addresses, as SPF has them. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Network,
  dottedIp,
  dottedReverse,
  formatIp,
  formatNetwork,
  ipOctets,
  ipOfOctets,
  ipSet,
  literalIp,
  networkOf,
  networksOf,
  overlap,
  parseIp,
  parseNetwork,
  sharesPrefix,
  subtract,
  unionOf,
} from '#mail/spf/ip.ts';

describe('addresses', () => {
  test.each([
    ['192.0.2.3', 4, '192.0.2.3'],
    ['2001:DB8:0:0:0:0:0:1', 6, '2001:db8::1'], // RFC 5952 §4.1–4.3
    ['2001:db8:0:0:1:0:0:1', 6, '2001:db8::1:0:0:1'], // §4.2.3: the first of two equal runs
    ['::ffff:192.0.2.3', 4, '192.0.2.3'], // RFC 7208 §5: IPv4-mapped is IPv4
    ['::', 6, '::'],
  ] as const)('%s', (text, family, shown) => {
    const ip = parseIp(text)!;
    expect([ip.family, formatIp(ip)]).toEqual([family, shown]);
    expect(ipOfOctets(ipOctets(ip))).toEqual(ip);
  });
  test.each(['', '192.0.2', '192.0.2.256', '192.0.2.1.1', '2001:db8:::1', 'mx.example', '192.0.2.1/24'])('"%s" is none', (text) => {
    expect(parseIp(text)).toBeUndefined();
  });
  test('a literal of a record stays what it is, mapped or not', () => {
    expect(literalIp('::ffff:192.0.2.3').family).toBe(6);
    expect(() => literalIp('nowhere')).toThrow('bad address');
    expect(() => ipOfOctets([1, 2, 3])).toThrow('an address of 3 octets');
  });
});

describe('names made of addresses', () => {
  const v6 = parseIp('2001:db8::cb01')!;
  test('RFC 7208 §7.3: nibbles with dots between', () => {
    expect(dottedIp(parseIp('192.0.2.3')!)).toBe('192.0.2.3');
    expect(dottedIp(v6)).toBe('2.0.0.1.0.d.b.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.c.b.0.1');
  });
  test('RFC 1035 §3.5, RFC 3596 §2.5: reverse names', () => {
    expect(dottedReverse(parseIp('192.0.2.3')!)).toBe('3.2.0.192.in-addr.arpa');
    expect(dottedReverse(v6)).toBe('1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa');
  });
});

describe('RFC 7208 §5.6: networks', () => {
  test.each([
    ['192.0.2.77', 24, '192.0.2.0/24'],
    ['192.0.2.77', 32, '192.0.2.77'],
    ['192.0.2.77', 0, '0.0.0.0/0'],
    ['2001:db8:1:2::3', 33, '2001:db8::/33'],
    ['2001:db8::3', 128, '2001:db8::3'],
  ])('%s/%i is %s', (text, prefix, shown) => {
    const network = networkOf(parseIp(text)!, prefix);
    expect(formatNetwork(network)).toBe(shown);
    expect(parseNetwork(shown)).toEqual(network);
  });
  test('an address is compared by its first bits, never across families', () => {
    const [a, b] = [parseIp('192.0.2.127')!, parseIp('192.0.2.128')!];
    expect([24, 25, 32, 0].map((prefix) => sharesPrefix(a, b, prefix))).toEqual([true, false, false, true]);
    expect(sharesPrefix(parseIp('::')!, parseIp('0.0.0.0')!, 0)).toBe(false);
  });
});

describe('sets', () => {
  const set = (...texts: readonly string[]) => ipSet(texts.map(parseNetwork));
  const shown = (of: ReturnType<typeof set>) => networksOf(of).map(formatNetwork);
  test.each([
    [['192.0.2.0/25', '192.0.2.128/25'], ['192.0.2.0/24']],
    [
      ['192.0.2.1', '192.0.2.2', '192.0.2.3'],
      ['192.0.2.1', '192.0.2.2/31'],
    ],
    [
      ['2001:db8::/32', '192.0.2.1', '2001:db8:5::/48'],
      ['192.0.2.1', '2001:db8::/32'],
    ],
    [
      ['255.255.255.255', '::'],
      ['255.255.255.255', '::'],
    ],
    [['0.0.0.0/1', '128.0.0.0/1'], ['0.0.0.0/0']],
  ])('%j are %j', (texts, networks) => expect(shown(set(...texts))).toEqual(networks));
  test('a hole in the middle, at both ends, and all of it', () => {
    expect(shown(subtract(set('192.0.2.0/30'), set('192.0.2.1')))).toEqual(['192.0.2.0', '192.0.2.2/31']);
    expect(shown(subtract(set('192.0.2.0/30'), set('192.0.2.0', '192.0.2.3')))).toEqual(['192.0.2.1', '192.0.2.2']);
    expect(subtract(set('192.0.2.0/30'), set('192.0.0.0/16'))).toEqual([]);
    expect(shown(subtract(set('::/1'), set('0.0.0.0/0')))).toEqual(['::/1']);
  });
});

describe('sets of addresses against sets of numbers', () => {
  // Eight bits of IPv4 are enough to count by hand.
  const base = 0xc000_0200n;
  const network = fc
    .tuple(fc.nat(255), fc.integer({ min: 24, max: 32 }))
    .map(([last, prefix]) => networkOf({ family: 4, value: base + BigInt(last) }, prefix));
  const members = (networks: readonly Network[]) =>
    new Set(
      Array.from({ length: 256 }, (_, at) => at).filter((at) =>
        networks.some((each) => sharesPrefix({ family: 4, value: base + BigInt(at) }, each, each.prefix)),
      ),
    );
  test('union, subtraction, and the fewest networks', () =>
    fc.assert(
      fc.property(fc.array(network, { maxLength: 8 }), fc.array(network, { maxLength: 8 }), (some, others) => {
        const union = networksOf(unionOf(ipSet(some), ipSet(others)));
        expect(members(union)).toEqual(members([...some, ...others]));
        const difference = networksOf(subtract(ipSet(some), ipSet(others)));
        expect(members(difference)).toEqual(new Set([...members(some)].filter((each) => !members(others).has(each))));
        expect(overlap(ipSet(some), ipSet(others))).toBe([...members(some)].some((each) => members(others).has(each)));
        for (const list of [union, difference]) {
          // Disjoint, in order, and no two that are halves of one.
          expect(list.reduce((sum, each) => sum + 2 ** (32 - each.prefix), 0)).toBe(members(list).size);
          const halves = list.filter(
            (each, at) => at > 0 && each.prefix === list[at - 1]!.prefix && sharesPrefix(each, list[at - 1]!, each.prefix - 1),
          );
          expect(halves).toEqual([]);
        }
        expect(union.map((each) => parseNetwork(formatNetwork(each)))).toEqual(union);
      }),
    ));
});

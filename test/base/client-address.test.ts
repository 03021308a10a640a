/** Client addresses from text, against what the platform itself reads. */
import { BlockList, isIP } from 'node:net';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newClientAddress, setClientAddress, setClientOctets } from '#base/client-address.ts';
import { NetworkSet, formatNetwork, parseNetwork } from '#base/network.ts';

const octetsOf = (text: string) => {
  const client = newClientAddress();
  client.octets.fill(0xee);
  setClientAddress(client, text);
  return Buffer.from(client.octets.subarray(0, client.length)).toString('hex');
};

test('octets of the kernel are the address that their text is; an IPv4-mapped one is IPv4', () => {
  const zeros = (count: number) => Array.from({ length: count }, () => 0);
  const kernel: [string, number[]][] = [
    ['192.0.2.1', [192, 0, 2, 1]],
    ['2001:db8::1', [0x20, 1, 0x0d, 0xb8, ...zeros(11), 1]],
    ['::ffff:192.0.2.1', [...zeros(10), 0xff, 0xff, 192, 0, 2, 1]],
  ];
  for (const [text, octets] of kernel) {
    const client = newClientAddress();
    client.octets.fill(0xee);
    setClientOctets(client, Uint8Array.from(octets));
    expect(Buffer.from(client.octets.subarray(0, client.length)).toString('hex')).toBe(octetsOf(text));
  }
});

describe('addresses', () => {
  test.for([
    ['192.0.2.1', 'c0000201'],
    ['0.0.0.0', '00000000'],
    ['255.255.255.255', 'ffffffff'],
    ['::', '00000000000000000000000000000000'],
    ['::1', '00000000000000000000000000000001'],
    ['1::', '00010000000000000000000000000000'],
    ['2001:db8::1', '20010db8000000000000000000000001'],
    ['2001:DB8:1:2:3:4:5:6', '20010db8000100020003000400050006'],
    ['fe80::1%eth0', 'fe800000000000000000000000000001'],
    ['64:ff9b::192.0.2.33', '0064ff9b0000000000000000c0000221'],
    // The same client on another socket.
    ['::ffff:192.0.2.1', 'c0000201'],
    ['::ffff:c000:201', 'c0000201'],
  ] as const)('%s', ([text, octets]) => expect(octetsOf(text)).toBe(octets));

  test.for([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '1.2.3.x',
    '.1.2.3',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    'g::',
    '::1.2.3',
  ])('%j is none', (text) => expect(octetsOf(text)).toBe(''));

  test('any text is an address for us when it is one for the platform', () => {
    const piece = fc.constantFrom('0', '1', '12', 'ff', 'abcd', '12345', ':', '::', '.', '255', '256', '%', 'x');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 16 }), (pieces) => {
        const text = pieces.join('');
        // A zone index belongs to IPv6 only, and says nothing about octets.
        fc.pre(!text.includes('%') && !/(^|\.)0\d/.test(text));
        expect(octetsOf(text) !== '', `text ${text}`).toBe(isIP(text) !== 0);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('networks', () => {
  const ipv4 = fc.ipV4();
  const ipv6 = fc.ipV6();
  test('membership is the platform`s', () => {
    fc.assert(
      fc.property(fc.oneof(fc.tuple(ipv4, ipv4, fc.nat(32)), fc.tuple(ipv6, ipv6, fc.nat(128))), ([base, other, bits]) => {
        const list = new BlockList();
        const family = isIP(base) === 4 ? 'ipv4' : 'ipv6';
        list.addSubnet(base, bits, family);
        const network = parseNetwork(`${base}/${bits}`);
        // An IPv4-mapped one is none, whatever it means.
        fc.pre(network !== undefined);
        const set = new NetworkSet([network]);
        for (const address of [base, other]) {
          const client = newClientAddress();
          setClientAddress(client, address);
          fc.pre(client.length === network.octets.length);
          expect(set.has(client), `${address} in ${base}/${bits}`).toBe(list.check(address, family));
        }
      }),
      { numRuns: 500 },
    );
  });
  test.for(['', '192.0.2.0/33', '::/129', '192.0.2.0/', '/8', 'example.com', '::ffff:192.0.2.0/120', '192.0.2.0/24/8', 'fe80::1%eth0'])(
    '%j is none',
    (text) => expect(parseNetwork(text)).toBeUndefined(),
  );
  test('as text', () => {
    const of = (text: string, bits: number) => formatNetwork(parseNetwork(text)!.octets, bits);
    expect([of('192.0.2.255', 24), of('192.0.2.255', 25), of('2001:db8:1:2ff::1', 56), of('::', 0)]).toEqual([
      '192.0.2.0/24',
      '192.0.2.128/25',
      '2001:db8:1:200:0:0:0:0/56',
      '0:0:0:0:0:0:0:0/0',
    ]);
  });
});

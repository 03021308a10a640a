import { WHOLE, atFlag } from '#base/place.ts';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clientNetwork, formatIpPort, ipPort, parseIpPort } from '#base/address.ts';

describe('RFC 3986 §3.2.2: ADDRESS:PORT', () => {
  const good = (text: string, ip: string, port: number, defaultPort?: number) =>
    test(`good: ${text}`, () => {
      const result = parseIpPort(text, WHOLE, defaultPort);
      expect(result).toMatchObject({ ok: true, value: { ip, port, family: ip.includes(':') ? 6 : 4 } });
    });
  const bad = (text: string, why: RegExp) =>
    test(`bad: ${text}`, () => {
      const result = parseIpPort(text, atFlag('dns'));
      expect(result).toMatchObject({
        ok: false,
        problems: [{ code: 'ADDRESS_SYNTAX', at: atFlag('dns'), message: expect.stringMatching(why) }],
      });
    });

  good('127.0.0.1:5300', '127.0.0.1', 5300);
  good('0.0.0.0:0', '0.0.0.0', 0);
  good('[::1]:53', '::1', 53);
  good('[2001:0DB8:0:0::1]:65535', '2001:db8::1', 65_535); // RFC 5952: canonical text
  good('[fe80::1%eth0]:53', 'fe80::1%eth0', 53);
  good('192.0.2.1', '192.0.2.1', 53, 53);
  good('::', '::', 53, 53);
  good('[::]', '::', 53, 53);
  bad('::1:53', /brackets/); // ambiguous: ::1:53 is an address too
  bad('[127.0.0.1]:53', /not an IPv6/);
  bad('localhost:53', /not an IPv4/); // names would need DNS
  bad('*:53', /not an IPv4/);
  bad('127.0.0.1', /port is missing/);
  bad('127.0.0.1:', /not a port/);
  bad('127.0.0.1:65536', /not a port/);
  bad('127.0.0.1:-1', /not a port/);
  bad('127.0.0.1:0x35', /not a port/);
  bad('127.1:53', /not an IPv4/);
  bad('[::1:53', /form/);
  bad('', /not an IPv4/);

  test('parse∘format = id', () => {
    const addresses = fc.tuple(fc.oneof(fc.ipV4(), fc.ipV6()), fc.integer({ min: 0, max: 65_535 })).map(([ip, port]) => ipPort(ip, port));
    fc.assert(
      fc.property(addresses, (address) => {
        expect(parseIpPort(formatIpPort(address))).toEqual({ ok: true, value: address, warnings: [] });
      }),
    );
  });
});

describe('RFC 4291 §2.5.1: one client is one IPv4 address or one IPv6 /64', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
    ['1:2:3:4:5:6:192.0.2.1', '1:2:3:4::/64'],
    ['1::3:4:5:6:7:8', '1:0:3:4::/64'],
  ])('%s → %s', (ip, network) => {
    expect(clientNetwork(ip)).toBe(network);
  });

  test('two addresses are one client exactly when their first 64 bits are the same', () => {
    const halves = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 4, maxLength: 4 });
    const text = (groups: readonly number[]) => ipPort(groups.map((each) => each.toString(16)).join(':'), 0).ip;
    fc.assert(
      fc.property(halves, halves, halves, (network, one, two) => {
        fc.pre(network.some((each) => each !== 0));
        expect(clientNetwork(text([...network, ...one]))).toBe(clientNetwork(text([...network, ...two])));
        const elsewhere = [network[0]! ^ 1, ...network.slice(1)];
        expect(clientNetwork(text([...elsewhere, ...one]))).not.toBe(clientNetwork(text([...network, ...one])));
      }),
    );
  });
});

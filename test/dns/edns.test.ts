import { describe, expect, test } from 'vitest';
import { areOptionsWellFormed, optBytes, udpLimitBytes, writeOpt } from '#dns/edns.ts';
import { fields } from '../support/octets.ts';

const octets = (hex: string) => Buffer.from(hex, 'hex');

describe('RFC 6891 §6.1.2: options', () => {
  test.each([
    ['', true, 'none'],
    ['000a0000', true, 'an empty one'],
    [fields('000a0008 0102030405060708'), true, 'a cookie'],
    [fields('fffe0001aa 00030000'), true, 'unknown, then NSID'],
    ['000a', false, 'no length'],
    ['000a0002aa', false, 'shorter than it says'],
    ['000a0000ff', false, 'an octet left over'],
  ])('%s → %s (%s)', (hex, good) => {
    expect(areOptionsWellFormed(octets(hex), 0, hex.length / 2)).toBe(good);
  });
});

describe('our OPT', () => {
  test('RFC 6891 §6.1.2–6.1.4, RFC 3225: root, 41, 1232, extended rcode, version 0, only DO', () => {
    const out = Buffer.alloc(40);
    expect(writeOpt(out, 0, 16, true, -1)).toBe(optBytes(-1));
    expect(out.toString('hex', 0, 11)).toBe(fields('00 0029 04d0 01 00 8000 0000'));
    expect(writeOpt(out, 5, 3, false, -1)).toBe(16);
    expect(out.toString('hex', 5, 16)).toBe(fields('00 0029 04d0 00 00 0000 0000'));
  });
  test('RFC 8914 §2: an extended error', () => {
    const out = Buffer.alloc(40);
    expect(writeOpt(out, 0, 5, false, 20)).toBe(optBytes(20));
    expect(out.toString('hex', 0, 17)).toBe(fields('00002904d0000000000006 000f 0002 0014'));
  });
});

test('RFC 6891 §6.2.3, RFC 9715 §3.1: the size of UDP answers', () => {
  expect([0, 1, 511, 512, 513, 1232, 1233, 65_535].map(udpLimitBytes)).toEqual([512, 512, 512, 512, 513, 1232, 1232, 1232]);
});

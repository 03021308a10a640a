/** SHA-1 of our own and of the platform: the same digest for all lengths that a name with a salt can have. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { SHA1_BYTES, sha1 } from '#dns/sha1.ts';
import { seededRandom } from '../support/random.ts';

test('FIPS 180-4 §6.1: every length up to a name and the longest salt', () => {
  const random = seededRandom(1);
  const octets = new Uint8Array(600);
  const out = new Uint8Array(40);
  for (let length = 0; length <= 510; length++) {
    for (let at = 0; at < octets.length; at++) octets[at] = Math.floor(random() * 256);
    sha1(octets, 3, 3 + length, out, 7);
    const digest = createHash('sha1')
      .update(octets.subarray(3, 3 + length))
      .digest('hex');
    expect(Buffer.from(out).toString('hex', 7, 7 + SHA1_BYTES)).toBe(digest);
  }
});

test('in place', () => {
  const octets = new Uint8Array(20).fill(9);
  const digest = createHash('sha1').update(octets).digest('hex');
  sha1(octets, 0, 20, octets, 0);
  expect(Buffer.from(octets).toString('hex')).toBe(digest);
});

test('longer input is a bug', () => {
  expect(() => sha1(new Uint8Array(600), 0, 511, new Uint8Array(20), 0)).toThrow('SHA-1 of 511 octets');
});

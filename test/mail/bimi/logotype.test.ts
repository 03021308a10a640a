/** Logos in certificates, octet by octet: RFC 3709 §4.1, RFC 6170. Whether they are the right ones: evidence.test.ts. */
import { X509Certificate, createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { hasLogotypeHash, subjectLogotypes, withPlainLineEnds } from '#mail/bimi/logotype.ts';
import { LOGO, markCa, type MarkOptions } from '../../support/mail/mark-certificate.ts';

const ca = markCa(Date.UTC(2026, 10, 21));
const found = (options: MarkOptions) => subjectLogotypes(new X509Certificate(ca.issue(options).pem).raw);

test('RFC 3709 §4.1: the logo of the subject, with its hash', () => {
  const [logo, ...more] = found({})!;
  expect(more).toEqual([]);
  expect(Buffer.from(logo!.octets!)).toEqual(LOGO);
  expect(logo!.hashes).toEqual([{ algorithm: 'sha256', value: createHash('sha256').update(LOGO).digest() }]);
});

test('a certificate without the extension has none', () => {
  expect(found({ isWithoutLogo: true })).toBeUndefined();
});

test('a certificate cut off at any octet is read without an exception', () => {
  const { raw } = new X509Certificate(ca.issue().pem);
  for (let length = 0; length < raw.length; length += 7) expect(() => subjectLogotypes(raw.subarray(0, length))).not.toThrow();
});

test('a certificate with any octet changed is read without an exception', () => {
  const { raw } = new X509Certificate(ca.issue().pem);
  for (let at = 0; at < raw.length; at++) {
    const changed = Uint8Array.from(raw);
    changed[at] = changed[at]! ^ 0xff;
    expect(() => subjectLogotypes(changed)).not.toThrow();
  }
});

describe('RFC 6170 §5.2: the hash is of the SVG with plain line ends', () => {
  const windows = Buffer.from(LOGO.toString().replaceAll('\n', '\r\n'));
  test('line ends', () => {
    expect(Buffer.from(withPlainLineEnds(windows))).toEqual(LOGO);
    expect(Buffer.from(withPlainLineEnds(Buffer.from('a\rb')))).toEqual(Buffer.from('a\nb'));
  });

  test('a hash of either form is one of it; unknown algorithms say nothing', () => {
    const [logo] = found({})!;
    expect([hasLogotypeHash(logo!, LOGO), hasLogotypeHash(logo!, windows), hasLogotypeHash(logo!, Buffer.from('x'))]).toEqual([
      true,
      true,
      false,
    ]);
    expect(hasLogotypeHash({ hashes: [{ value: LOGO }] }, LOGO)).toBeUndefined();
    expect(hasLogotypeHash({ hashes: [] }, LOGO)).toBeUndefined();
  });
});

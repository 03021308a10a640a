/** TLSA records. Not here: those made from certificates, which openssl judges (record-judges.test.ts). */
import { describe, expect, test } from 'vitest';
import { formatName, nameOf } from '#dns/name.ts';
import { formatTlsa, parseTlsa, tlsaOwner } from '#mail/dane/record.ts';
import { codesOf, recordTable } from '../../support/mail/record-table.ts';

describe('RFC 7672 §3.1: records that senders of mail can use', () => {
  const { good, bad } = recordTable(parseTlsa, formatTlsa);
  const [sha256, sha512] = ['AB'.repeat(32), 'CD'.repeat(64)];
  const data = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));
  good(`3 1 1 ${sha256}`, { usage: 3, selector: 1, matching: 1, data: data(sha256) });
  good(`3 1 1 ${sha256.slice(0, 20).toLowerCase()} ${sha256.slice(20)}`, { usage: 3, selector: 1, matching: 1, data: data(sha256) }); // blanks, lower case
  good(`2 1 1 ${sha256}`, { usage: 2, selector: 1, matching: 1, data: data(sha256) });
  good(`2 0 1 ${sha256}`, { usage: 2, selector: 0, matching: 1, data: data(sha256) });
  good(`3 0 1 ${sha256}`, { usage: 3, selector: 0, matching: 1, data: data(sha256) }, 'DANE_WHOLE_CERTIFICATE'); // broken by each renewal
  good(`3 1 2 ${sha512}`, { usage: 3, selector: 1, matching: 2, data: data(sha512) }, 'DANE_MATCHING'); // SHA-512 is optional
  good('3 1 0 AABB', { usage: 3, selector: 1, matching: 0, data: data('AABB') }, 'DANE_MATCHING'); // large answers
  bad(`1 1 1 ${sha256}`, 'DANE_USAGE'); // §3.1.3: PKIX usages
  bad(`0 0 1 ${sha256}`, 'DANE_USAGE');
  bad(`4 1 1 ${sha256}`, 'DANE_USAGE');
  bad(`3 2 1 ${sha256}`, 'DANE_SELECTOR');
  bad(`3 1 3 ${sha256}`, 'DANE_MATCHING');
  bad(`3 1 1 ${sha256.slice(2)}`, 'DANE_DIGEST'); // 31 octets
  bad(`3 1 2 ${sha256}`, 'DANE_DIGEST', 'DANE_MATCHING?'); // the digest of another type
  bad('3 1', 'RDATA_MISSING');
});

test('RFC 7672 §2.2.3: the owner', () => {
  const owner = tlsaOwner(nameOf('mx1.example.com'));
  expect(owner.ok && formatName(owner.value)).toBe('_25._tcp.mx1.example.com.');
  expect(codesOf(tlsaOwner(nameOf('mx1.example.com'), 0))).toEqual(['DANE_OWNER']);
});

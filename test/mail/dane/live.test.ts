/** What a host presents beside its published records, and what follows for senders. Certificates are real; hosts are data. */
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AddressSeen, type PublishedRecord, judgeHost } from '#mail/dane/live.ts';
import { recordFor } from '../../support/mail/dane-house.ts';
import { type ThrowawayCa, throwawayCa } from '../../support/throwaway-ca.ts';

const HOST = 'mx1.example.com';
const CONTEXT = { names: [HOST], nowMs: Date.UTC(2026, 0, 1) };

let ca: ThrowawayCa;
let first: string;
let second: string;
beforeAll(() => {
  ca = throwawayCa();
  [first, second] = [ca.leaf([HOST]).cert, ca.leaf([HOST]).cert];
});
afterAll(() => ca.remove());

const at = (ip: string, pem: string): AddressSeen => ({ ip, chain: [new Uint8Array(new X509Certificate(pem).raw)], tlsVersion: 'TLSv1.3' });
const unseen = (ip: string, step = 'connect'): AddressSeen => ({ ip, failure: { step, message: `${step}: no` } });
const published = (...records: readonly string[]): PublishedRecord[] =>
  records.map((record, index) => ({ object: `tlsa-mx1-${index + 1}`, stage: 'current', record }));
const judge = (records: readonly PublishedRecord[], ...addresses: readonly AddressSeen[]) => judgeHost(records, { addresses }, CONTEXT);

describe('RFC 7672 §2.2: a host', () => {
  test('is well when at each address that shows something one record matches', () => {
    const records = published(recordFor(first), recordFor(second));
    const { verdict, text, addresses } = judge(records, at('192.0.2.1', first), at('192.0.2.2', second), unseen('192.0.2.3'));
    expect(verdict).toBe('match');
    expect(text).toBe('192.0.2.1 presents a certificate that tlsa-mx1-1 matches; 192.0.2.2 presents a certificate that tlsa-mx1-2 matches');
    expect(addresses[0]).toMatchObject({
      certificates: [{ subject: `CN=${HOST}`, spkiSha256: recordFor(first).slice(6) }],
      records: [
        { object: 'tlsa-mx1-1', matches: true, depth: 0 },
        { object: 'tlsa-mx1-2', matches: false, why: 'it is of no certificate here' },
      ],
    });
    expect(addresses[2]).toEqual({ ip: '192.0.2.3', verdict: 'unseen', text: 'connect: no', certificates: [], records: [] });
  });

  test('is not, when one address shows a key without a record: senders come there too', () => {
    const { verdict, text } = judge(published(recordFor(first)), at('192.0.2.1', first), at('192.0.2.2', second));
    expect(verdict).toBe('no-match');
    expect(text).toBe(`192.0.2.2 presents the key ${recordFor(second).slice(6)}, which no published TLSA record matches`);
  });

  test('is unseen when no address shows anything, or has none', () => {
    expect(judge(published(recordFor(first)), unseen('192.0.2.1'), unseen('192.0.2.2', 'TLS'))).toMatchObject({
      verdict: 'unseen',
      text: '192.0.2.1 connect: no; 192.0.2.2 TLS: no',
    });
    const failure = { step: 'DNS', message: 'DNS: mx1.example.com does not exist' };
    expect(judgeHost(published(recordFor(first)), { failure }, CONTEXT)).toEqual({
      verdict: 'unseen',
      text: failure.message,
      addresses: [],
    });
  });

  test('a record that no sender can use matches nothing', () => {
    expect(judge(published('1 1 1 00'), at('192.0.2.1', first)).addresses[0]!.records).toMatchObject([
      { matches: false, why: 'senders cannot use it' },
    ]);
  });
});

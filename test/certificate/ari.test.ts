/** Renewal information, with the values of RFC 9773. */
import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ariId, ariRetryMs, ariUrl, readRenewalWindow, timeInWindow } from '#certificate/ari.ts';
import { readCertificateParts } from '#certificate/read-der.ts';
import { renewalTime, shareOf } from '#certificate/renewal.ts';

/** RFC 9773 appendix A. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt
cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS
BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu
7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf
qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B
yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb
+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK
-----END CERTIFICATE-----`;
const DER = new X509Certificate(CERTIFICATE).raw;
const DAY_MS = 86_400_000;

describe('RFC 9773 §4.1: the identifier of a certificate', () => {
  test('is that of the example, with the 0 before a serial that begins with a bit of 1', () => {
    expect(ariId(DER)).toBe('aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE');
    expect(ariUrl('https://acme.example.com/renewal-info', ariId(DER)!)).toBe(
      'https://acme.example.com/renewal-info/aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE',
    );
  });

  test('no prefix and no damage of a certificate makes the reader fail', () => {
    for (let end = 0; end < DER.length; end++) expect(() => readCertificateParts(DER.subarray(0, end))).not.toThrow();
    for (let at = 0; at < DER.length; at++) {
      const damaged = Buffer.from(DER);
      damaged[at]! ^= 0xff;
      expect(() => ariId(damaged)).not.toThrow();
    }
    expect(readCertificateParts(new Uint8Array())).toBeUndefined();
  });
});

describe('RFC 9773 §4.2: the window', () => {
  const url = 'https://acme.example.com/renewal-info/x';
  const window = { start: '2025-01-02T04:00:00Z', end: '2025-01-03T04:00:00Z' };

  test('is read with its explanation', () => {
    const read = readRenewalWindow({ suggestedWindow: window, explanationURL: 'https://acme.example.com/docs/ari' }, url);
    expect(read.ok && read.value).toEqual({
      startMs: Date.UTC(2025, 0, 2, 4),
      endMs: Date.UTC(2025, 0, 3, 4),
      explanationUrl: 'https://acme.example.com/docs/ari',
    });
  });

  const bad: [string, unknown][] = [
    ['nothing', undefined],
    ['no window', {}],
    ['a window without an end', { suggestedWindow: { start: window.start } }],
    ['a window that ends before it starts', { suggestedWindow: { start: window.end, end: window.start } }],
    ['a window of words', { suggestedWindow: { start: 'soon', end: 'later' } }],
  ];
  for (const [what, value] of bad) test(`is not ${what}`, () => expect(readRenewalWindow(value, url).ok).toBe(false));

  test('an explanation that is not a plain URL is left out', () => {
    for (const explanationURL of ['javascript:alert(1)', 'https://a.example/\u001B[2J', 7, `https://a.example/${'x'.repeat(2000)}`]) {
      const read = readRenewalWindow({ suggestedWindow: window, explanationURL }, url);
      expect(read.ok && 'explanationUrl' in read.value).toBe(false);
    }
  });

  test('§4.3.2: a time in it, and the same one each time', () => {
    const { startMs, endMs } = { startMs: 1000, endMs: 3000 };
    expect([0, 0.25, 1].map((share) => timeInWindow({ startMs, endMs }, share))).toEqual([1000, 1500, 3000]);
  });

  test('§4.3.3: Retry-After counts from a minute to a day, and is six hours where there is none', () => {
    expect([undefined, 5000, 3_600_000, 7 * DAY_MS].map(ariRetryMs)).toEqual([6 * 3_600_000, 60_000, 3_600_000, DAY_MS]);
  });
});

describe('when a certificate is renewed', () => {
  const life = (days: number) => ({ notBeforeMs: 0, notAfterMs: days * DAY_MS });

  test('without a window: before two thirds of its life are over, and never long before', () => {
    for (const days of [6, 47, 64, 90])
      for (const host of ['a.example', 'b.example', 'c.example', 'd.example']) {
        const atMs = renewalTime(life(days), host);
        expect(atMs).toBeLessThanOrEqual((days * DAY_MS * 2) / 3);
        expect(atMs).toBeGreaterThan(days * DAY_MS * 0.61);
      }
  });

  test('hosts of one day come back at different times, and the same host at the same', () => {
    const times = Array.from({ length: 100 }, (_, at) => renewalTime(life(90), `host-${at}.example`));
    expect(new Set(times).size).toBe(100);
    expect(renewalTime(life(90), 'host-1.example')).toBe(times[1]);
  });

  test('with a window: in it, also when it is long before two thirds of the life', () => {
    const window = { startMs: 5 * DAY_MS, endMs: 6 * DAY_MS };
    const atMs = renewalTime(life(90), 'a.example', window);
    expect(atMs).toBeGreaterThanOrEqual(window.startMs);
    expect(atMs).toBeLessThanOrEqual(window.endMs);
  });

  test('a CA that suggests a time after the end is not followed', () => {
    expect(renewalTime(life(90), 'a.example', { startMs: 200 * DAY_MS, endMs: 201 * DAY_MS })).toBe(81 * DAY_MS);
  });

  test('shares are spread evenly', () => {
    const shares = Array.from({ length: 1000 }, (_, at) => shareOf(`${at}`));
    expect(Math.min(...shares)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...shares)).toBeLessThan(1);
    for (let tenth = 0; tenth < 10; tenth++) expect(shares.filter((each) => Math.floor(each * 10) === tenth).length).toBeGreaterThan(60);
  });
});

import { describe, expect, test } from 'vitest';
import { nameOf, ownerKey, ROOT } from '#dns/name.ts';
import { parseRdataText } from '#dns/registry.ts';
import { type Rrset } from '#dns/rrset.ts';
import { TYPE } from '#dns/types.ts';
import { checkByEngine, checkByReference } from '#dnssec/algorithm.ts';
import { deterministicKey } from '#dnssec/key.ts';
import { SIGNATURE_POLICY, needsRefresh, rrsigFields, signRrset, signatureTimes } from '#dnssec/sign.ts';
import { verifyRrset } from '#dnssec/verify.ts';
import { RFC6605_P256 } from '../vectors/dnssec.ts';

const NOW_SECONDS = 1_800_000_000;
const DAY_SECONDS = 86_400;
const APEX = nameOf('Example.');
const KEY = deterministicKey(new Uint8Array(32).fill(9));

function rdata(type: number, text: string): Uint8Array {
  const result = parseRdataText(type, text, ROOT);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.value;
}

function a(owner: string, ttl = 300): Rrset {
  return { owner: nameOf(owner), type: TYPE.A, ttl, rdatas: [Uint8Array.of(192, 0, 2, 1), Uint8Array.of(192, 0, 2, 2)] };
}

function sign(rrset: Rrset, nowSeconds = NOW_SECONDS): Uint8Array {
  return signRrset(rrset, APEX, KEY, signatureTimes(ownerKey(rrset.owner), nowSeconds));
}

function codeOf(rrset: Rrset, rrsig: Uint8Array, nowSeconds = NOW_SECONDS): string | undefined {
  const [reference, engine] = [checkByReference, checkByEngine].map(
    (check) => verifyRrset(rrset, rrsig, [KEY.dnskey], nowSeconds, check)?.code,
  );
  expect(engine).toBe(reference);
  return reference;
}

describe('RFC 6605 §6.1: the P-256 example', () => {
  const { signed, dnskey } = RFC6605_P256;
  const rrset: Rrset = { owner: nameOf(signed.owner), type: TYPE.A, ttl: signed.ttl, rdatas: [rdata(TYPE.A, signed.address)] };
  const rrsig = rdata(TYPE.RRSIG, signed.rrsig);
  const then = Date.UTC(2010, 7, 20) / 1000;

  test('verifies', () => expect(verifyRrset(rrset, rrsig, [rdata(TYPE.DNSKEY, dnskey)], then)).toBeUndefined());
  test('not with another address, and not today', () => {
    const other = { ...rrset, rdatas: [rdata(TYPE.A, '192.0.2.2')] };
    expect(verifyRrset(other, rrsig, [rdata(TYPE.DNSKEY, dnskey)], then)?.code).toBe('DNSSEC_SIGNATURE');
    expect(verifyRrset(rrset, rrsig, [rdata(TYPE.DNSKEY, dnskey)], NOW_SECONDS)?.code).toBe('DNSSEC_TIME');
  });
});

describe('RFC 4034 §3.1: RRSIG RDATA', () => {
  test('fields', () => {
    const fields = rrsigFields(sign(a('WWW.a.example.')));
    expect(fields).toMatchObject({
      typeCovered: TYPE.A,
      algorithm: 13,
      labels: 3,
      originalTtl: 300,
      keyTag: KEY.keyTag,
      signer: nameOf('example.'),
    });
    expect(fields.signature).toHaveLength(64);
  });
  test('§3.1.3: labels leave out the root and a leading asterisk', () => {
    expect(rrsigFields(sign(a('*.a.example.'))).labels).toBe(2);
    expect(rrsigFields(sign(a('a.*.example.'))).labels).toBe(3);
    expect(rrsigFields(sign(a('example.'))).labels).toBe(1);
  });
  test('§6.2: the case of owner and apex does not matter, that of names in NS does not, that in TXT does', () => {
    const ns = (text: string): Rrset => ({ ...a('a.example.'), type: TYPE.NS, rdatas: [nameOf(text)] });
    const txt = (text: string): Rrset => ({ ...a('a.example.'), type: TYPE.TXT, rdatas: [rdata(TYPE.TXT, text)] });
    expect(sign(a('WWW.EXAMPLE.'))).toEqual(sign(a('www.example.')));
    expect(sign(ns('NS.test.'))).toEqual(sign(ns('ns.TEST.')));
    expect(sign(txt('A'))).not.toEqual(sign(txt('a')));
  });
});

describe('RFC 4035 §5.3: verification', () => {
  const rrset = a('www.example.');
  const rrsig = sign(rrset);
  const patched = (at: number, octet: number): Uint8Array => rrsig.map((each, index) => (index === at ? octet : each));

  test('good', () => expect(codeOf(rrset, rrsig)).toBeUndefined());
  test('a shorter TTL is good, a longer one is not', () => {
    expect(codeOf({ ...rrset, ttl: 1 }, rrsig)).toBeUndefined();
    expect(codeOf({ ...rrset, ttl: 301 }, rrsig)).toBe('DNSSEC_SIGNATURE');
  });
  test('§5.3.4: a name that came out of the wildcard is good, the wildcard of another zone is not', () => {
    const wildcard = sign(a('*.w.example.'));
    expect(codeOf(a('*.w.example.'), wildcard)).toBeUndefined();
    expect(codeOf(a('x.w.example.'), wildcard)).toBeUndefined();
    expect(codeOf(a('y.x.w.example.'), wildcard)).toBeUndefined();
    expect(codeOf(a('x.v.example.'), wildcard)).toBe('DNSSEC_SIGNATURE');
  });
  test.each([
    ['another type covered', 1, 2],
    ['another number of labels', 3, 5],
    ['other times', 11, rrsig[11]! ^ 1],
    ['a changed signature', rrsig.length - 1, rrsig.at(-1)! ^ 1],
  ])('bogus: %s', (_, at, octet) => expect(codeOf(rrset, patched(at, octet))).toBe('DNSSEC_SIGNATURE'));
  test('bogus: another algorithm or key tag, a key that is no zone key', () => {
    expect(codeOf(rrset, patched(2, 14))).toBe('DNSSEC_KEY');
    expect(codeOf(rrset, patched(17, rrsig[17]! ^ 1))).toBe('DNSSEC_KEY');
    const noZoneKey = KEY.dnskey.map((octet, at) => (at === 0 ? 0 : octet));
    expect(verifyRrset(rrset, rrsig, [noZoneKey], NOW_SECONDS)?.code).toBe('DNSSEC_KEY');
  });
  test('bogus: a record more, a record less, outside the zone', () => {
    expect(codeOf({ ...rrset, rdatas: rrset.rdatas.slice(1) }, rrsig)).toBe('DNSSEC_SIGNATURE');
    expect(codeOf({ ...rrset, rdatas: [...rrset.rdatas, Uint8Array.of(192, 0, 2, 3)] }, rrsig)).toBe('DNSSEC_SIGNATURE');
    expect(codeOf(a('www.test.'), rrsig)).toBe('DNSSEC_SIGNATURE');
  });
  test('§3.1.5: not before inception, not after expiration', () => {
    const { inception, expiration } = rrsigFields(rrsig);
    expect([inception - 1, inception, expiration, expiration + 1].map((now) => codeOf(rrset, rrsig, now))).toEqual([
      'DNSSEC_TIME',
      undefined,
      undefined,
      'DNSSEC_TIME',
    ]);
  });
});

describe('the life of a signature', () => {
  const keys = Array.from({ length: 400 }, (_, at) => ownerKey(nameOf(`h${at}.example.`)));

  test('begins an hour ago and ends in 12 to 14 days, spread over the two days', () => {
    const ends = keys.map((key) => {
      const { inception, expiration } = signatureTimes(key, NOW_SECONDS);
      expect(inception).toBe(NOW_SECONDS - 3600);
      return expiration - NOW_SECONDS;
    });
    expect(Math.min(...ends)).toBeGreaterThanOrEqual(12 * DAY_SECONDS);
    expect(Math.max(...ends)).toBeLessThanOrEqual(14 * DAY_SECONDS);
    const early = ends.filter((end) => end < 13 * DAY_SECONDS).length;
    expect(early).toBeGreaterThan(150);
    expect(early).toBeLessThan(250);
  });
  test('is renewed with seven days left, and when its beginning lies ahead', () => {
    const rrsig = sign(a('www.example.'));
    const { expiration } = rrsigFields(rrsig);
    expect(needsRefresh(rrsig, NOW_SECONDS)).toBe(false);
    expect(needsRefresh(rrsig, expiration - SIGNATURE_POLICY.refreshSeconds)).toBe(false);
    expect(needsRefresh(rrsig, expiration - SIGNATURE_POLICY.refreshSeconds + 1)).toBe(true);
    expect(needsRefresh(rrsig, expiration + DAY_SECONDS)).toBe(true);
    expect(needsRefresh(rrsig, NOW_SECONDS - 3601)).toBe(true);
  });
  test('RFC 4034 §3.1.5: goes over 2³² seconds, in the year 2106', () => {
    const late = 0xffff_ff00;
    const rrsig = sign(a('www.example.'), late);
    expect(rrsigFields(rrsig).expiration).toBeLessThan(rrsigFields(rrsig).inception);
    expect(codeOf(a('www.example.'), rrsig, late)).toBeUndefined();
    expect(codeOf(a('www.example.'), rrsig, (late + DAY_SECONDS) >>> 0)).toBeUndefined();
    expect(needsRefresh(rrsig, late)).toBe(false);
    expect(needsRefresh(rrsig, (late + 8 * DAY_SECONDS) >>> 0)).toBe(true);
  });
});

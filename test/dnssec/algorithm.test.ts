/** Every algorithm: examples of its RFC, the two engines against each other, and octets that are no key or no signature. */
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { toHex } from '#base/bytes.ts';
import { nameOf, ROOT } from '#dns/name.ts';
import { parseRdataText } from '#dns/registry.ts';
import { type Rrset } from '#dns/rrset.ts';
import { TYPE } from '#dns/types.ts';
import { ALGORITHMS, type AlgorithmNumber, algorithmOf, checkByEngine, checkByReference, findAlgorithm } from '#dnssec/algorithm.ts';
import { isAlgorithmNumber } from '#dnssec/algorithm-form.ts';
import { engineKey, generateSecret, isSecret, keyTagOf } from '#dnssec/key.ts';
import { rrsigFields, signedData } from '#dnssec/sign.ts';
import { verifyRrset } from '#dnssec/verify.ts';
import { ALGORITHM_EXAMPLES, RFC8080_ED448 } from '../vectors/dnssec.ts';

function rdata(type: number, text: string): Uint8Array {
  const result = parseRdataText(type, text, ROOT);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.value;
}

/** Repeatable and not secret. */
function counting(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (at * 37 + 11) & 0xff);
}

function flipped(octets: Uint8Array, bit: number): Uint8Array {
  return octets.map((octet, at) => (at === bit >>> 3 ? octet ^ (1 << (bit & 7)) : octet));
}

function secretOf(algorithm: AlgorithmNumber): Uint8Array {
  if (algorithm !== 8) return generateSecret(counting, algorithm);
  return new Uint8Array(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ format: 'der', type: 'pkcs8' }));
}

describe.each(ALGORITHM_EXAMPLES)('$source', ({ algorithm, keyTag, owner, type, rdata: text, ...example }) => {
  const dnskey = rdata(TYPE.DNSKEY, example.dnskey);
  const rrsig = rdata(TYPE.RRSIG, example.rrsig);
  const rrset: Rrset = { owner: nameOf(owner), type: TYPE[type], ttl: 3600, rdatas: [rdata(TYPE[type], text)] };
  const then = rrsigFields(rrsig).inception + 1;

  test('its key tag', () => expect([dnskey[3], keyTagOf(dnskey)]).toEqual([algorithm, keyTag]));
  test.each([checkByEngine, checkByReference])('its signature is good, by both engines', (check) => {
    expect(verifyRrset(rrset, rrsig, [dnskey], then, check)).toBeUndefined();
    const changed = rrsig.map((octet, at) => (at === rrsig.length - 9 ? octet ^ 1 : octet));
    expect(verifyRrset(rrset, changed, [dnskey], then, check)).toMatchObject({ code: 'DNSSEC_SIGNATURE' });
  });
});

test('RFC 8080 §6.2: Ed448, made from its secret', () => {
  const rrsig = rdata(TYPE.RRSIG, RFC8080_ED448.rrsig);
  const key = engineKey(Uint8Array.from(Buffer.from(RFC8080_ED448.secretBase64, 'base64')), 257, 16);
  expect(key.dnskey).toEqual(rdata(TYPE.DNSKEY, RFC8080_ED448.dnskey));
  const mx: Rrset = { owner: nameOf('example.com.'), type: TYPE.MX, ttl: 3600, rdatas: [rdata(TYPE.MX, '10 mail.example.com.')] };
  expect(toHex(key.sign(signedData(mx, rrsig)))).toBe(toHex(rrsigFields(rrsig).signature));
});

describe.each(ALGORITHMS)('algorithm $number, $mnemonic', ({ number, isMade }) => {
  const secret = secretOf(number);
  const key = engineKey(secret, 256, number);

  test('the other engine accepts its signatures, which have the length that it says', () => {
    for (let round = 0; round < 4; round++) {
      const signature = key.sign(counting(round * 9));
      expect(signature).toHaveLength(key.signatureBytes);
      expect(checkByReference(key.dnskey, counting(round * 9), signature)).toBe(true);
      expect(key.isGoodByReference(counting(round * 9), signature)).toBe(true);
      expect(checkByEngine(key.dnskey, counting(round * 9), signature)).toBe(true);
    }
  });
  test.each([checkByEngine, checkByReference])('what is not so is not good, and nothing throws', (check) => {
    const data = counting(40);
    const signature = key.sign(data);
    expect(check(key.dnskey, counting(41), signature)).toBe(false);
    expect(check(key.dnskey, data, signature.subarray(1))).toBe(false);
    expect(check(key.dnskey, data, new Uint8Array(signature.length))).toBe(false);
    expect(check(key.dnskey.subarray(0, -1), data, signature)).toBe(false);
    expect(check(key.dnskey.subarray(0, 4), data, signature)).toBe(false);
    const asOther = key.dnskey.map((octet, at) => (at === 3 ? (number === 13 ? 15 : 13) : octet));
    expect(check(asOther, data, signature)).toBe(false);
  });
  test('the check of whoever has the secret says the same as that of everybody else', () => {
    const data = counting(40);
    const signature = key.sign(data);
    const changed = [
      ...Array.from({ length: 24 }, (_, at) => flipped(signature, (at * 41) % (8 * signature.length))),
      signature.subarray(1),
      Uint8Array.from([...signature, 0]),
      new Uint8Array(signature.length),
      new Uint8Array(signature.length).fill(0xff),
      new Uint8Array(0),
    ];
    for (const each of changed) {
      expect(key.isGoodByReference(data, each)).toBe(false);
      expect(checkByReference(key.dnskey, data, each)).toBe(false);
    }
    expect(key.isGoodByReference(counting(41), signature)).toBe(false);
    // Another key's public key beside this secret.
    const other = engineKey(isMade ? generateSecret((length) => counting(length + 1).subarray(1), number) : secretOf(number), 256, number);
    expect(other.dnskey).not.toEqual(key.dnskey);
    expect(algorithmOf(number).ownReference(secret, other.dnskey.subarray(4))(data, signature)).toBe(false);
  });
  test('secrets of other lengths are none', () => {
    expect(isSecret(secret, number)).toBe(true);
    expect(isSecret(secret.subarray(1), number)).toBe(false);
    expect(isSecret(new Uint8Array(0), number)).toBe(false);
  });
  test('new keys are made, or not', () => {
    if (isMade) expect(generateSecret(counting, number)).toEqual(secret);
    else expect(() => generateSecret(counting, number)).toThrow('not made');
  });
});

test('RFC 9905, RFC 9906: no algorithm with SHA-1, no GOST, no DSA, no RSA/SHA-512', () => {
  expect([1, 3, 5, 6, 7, 10, 12, 17, 253].filter((number) => isAlgorithmNumber(number))).toEqual([]);
  expect(findAlgorithm(5)).toBeUndefined();
});

test('an RSA key in DNSKEY with a long exponent field (RFC 3110 §2) is read; one of an exponent of no octets is not', () => {
  const key = engineKey(secretOf(8), 256, 8);
  const signature = key.sign(counting(5));
  const publicKey = key.dnskey.subarray(4);
  const long = Uint8Array.of(...key.dnskey.subarray(0, 4), 0, 0, publicKey[0]!, ...publicKey.subarray(1));
  const none = Uint8Array.of(...key.dnskey.subarray(0, 4), 0, 0, 0, ...publicKey.subarray(1));
  for (const check of [checkByEngine, checkByReference]) {
    expect(check(long, counting(5), signature)).toBe(true);
    expect(check(none, counting(5), signature)).toBe(false);
  }
});

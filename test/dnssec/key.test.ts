import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { fromLatin1, toHex } from '#base/bytes.ts';
import { nameOf, ROOT } from '#dns/name.ts';
import { parseRdataText } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';
import { checkByEngine, checkByReference } from '#dnssec/algorithm.ts';
import { cdnskeyRdata, cdsRdata, dsRdata, isEntryPoint } from '#dnssec/ds.ts';
import { deterministicKey, engineKey, generateSecret, isSecret, keyTagOf, publicKeyOf } from '#dnssec/key.ts';
import { RFC4509_KEY, RFC6605_P256, RFC6979_P256 } from '../vectors/dnssec.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

function rdata(type: number, text: string): Uint8Array {
  const result = parseRdataText(type, text, ROOT);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.value;
}

/** Repeatable and not secret. */
function counting(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (at * 37 + 11) & 0xff);
}

describe('RFC 6979 A.2.5: deterministic ECDSA on P-256', () => {
  const key = deterministicKey(hex(RFC6979_P256.secret));

  test('public key', () => expect(toHex(publicKeyOf(hex(RFC6979_P256.secret)))).toBe(RFC6979_P256.publicKey));
  test.each(Object.entries(RFC6979_P256.signatures))('message "%s"', (message, signature) => {
    expect(toHex(key.sign(fromLatin1(message)))).toBe(signature);
  });
});

describe('RFC 6605 §6.1: the P-256 example', () => {
  const key = engineKey(Uint8Array.from(Buffer.from(RFC6605_P256.secretBase64, 'base64')));

  test('DNSKEY and key tag', () => {
    expect(key.dnskey).toEqual(rdata(TYPE.DNSKEY, RFC6605_P256.dnskey));
    expect(key).toMatchObject({ keyTag: 55_648, algorithm: 13, flags: 257 });
  });
  test('DS', () => expect(dsRdata(nameOf(RFC6605_P256.owner), key.dnskey, 2)).toEqual(rdata(TYPE.DS, RFC6605_P256.ds)));
});

describe('RFC 4034 App. B, §5.4 and RFC 4509 §2.3: key tag and DS', () => {
  const dnskey = rdata(TYPE.DNSKEY, RFC4509_KEY.dnskey);

  test('key tag', () => expect(keyTagOf(dnskey)).toBe(60_485));
  test('DS with SHA-256, the owner in any case', () => {
    expect(dsRdata(nameOf(RFC4509_KEY.owner.toUpperCase()), dnskey, 2)).toEqual(rdata(TYPE.DS, RFC4509_KEY.ds));
  });
  test('the key tag of a key of odd length counts its last octet high', () => expect(keyTagOf(Uint8Array.of(1, 2, 3))).toBe(0x0402));
  test('the carry is folded in', () => expect(keyTagOf(Uint8Array.of(0xff, 0xff, 0, 2))).toBe(2));
});

describe('RFC 7344 §3: CDS and CDNSKEY', () => {
  const key = deterministicKey(hex(RFC6979_P256.secret));
  test('have the form of DS and DNSKEY', () => {
    expect(cdsRdata(nameOf('example.'), key.dnskey)).toEqual(dsRdata(nameOf('example.'), key.dnskey, 2));
    expect(cdnskeyRdata(key.dnskey)).toEqual(key.dnskey);
  });
  test('are about entry points', () => {
    expect(isEntryPoint(key.dnskey)).toBe(true);
    expect(isEntryPoint(deterministicKey(hex(RFC6979_P256.secret), 256).dnskey)).toBe(false);
  });
});

describe('secrets', () => {
  test('are valid scalars made from the given randomness', () => {
    const secret = generateSecret(counting);
    expect(secret).toHaveLength(32);
    expect(isSecret(secret)).toBe(true);
    expect(generateSecret(counting)).toEqual(secret);
    expect(generateSecret((length) => counting(length).map((octet) => octet ^ 1))).not.toEqual(secret);
  });
  test.each([new Uint8Array(32), new Uint8Array(32).fill(0xff), new Uint8Array(31).fill(1)])(
    'zero, too large, too short are none',
    (secret) => {
      expect(isSecret(secret)).toBe(false);
      expect(() => engineKey(secret)).toThrow(/^not a P-256 secret$/);
    },
  );
  test('show in nothing that is printed of a key', () => {
    const secret = generateSecret(counting);
    for (const key of [engineKey(secret), deterministicKey(secret)]) {
      const printed = inspect(key, { depth: 9, showHidden: true }).toLowerCase() + JSON.stringify(key).toLowerCase();
      expect(printed).not.toContain(Buffer.from(secret).toString('hex'));
      expect(Object.keys(key).toSorted()).toEqual([
        'algorithm',
        'dnskey',
        'flags',
        'isGoodByReference',
        'keyTag',
        'sign',
        'signatureBytes',
      ]);
    }
  });
});

describe('two engines', () => {
  const secret = generateSecret(counting);
  const [engine, reference] = [engineKey(secret), deterministicKey(secret)];
  const { dnskey } = engine;

  test('have one public key and accept each other, high s included', () => {
    for (let round = 0; round < 12; round++) {
      const data = counting(round * 9);
      for (const signature of [engine.sign(data), reference.sign(data)]) {
        expect(signature).toHaveLength(64);
        expect(checkByReference(dnskey, data, signature)).toBe(true);
        expect(checkByEngine(dnskey, data, signature)).toBe(true);
      }
    }
  });
  test.each([checkByEngine, checkByReference])('refuse what is not so, and never throw', (check) => {
    const data = counting(40);
    const signature = reference.sign(data);
    expect(check(dnskey, counting(41), signature)).toBe(false);
    expect(
      check(
        dnskey,
        data,
        signature.map((octet, at) => (at === 5 ? octet ^ 1 : octet)),
      ),
    ).toBe(false);
    expect(check(dnskey, data, signature.subarray(1))).toBe(false);
    expect(check(dnskey, data, new Uint8Array(64))).toBe(false);
    expect(
      check(
        dnskey.map((octet, at) => (at < 4 ? octet : 0)),
        data,
        signature,
      ),
    ).toBe(false);
    expect(check(dnskey.subarray(0, 67), data, signature)).toBe(false);
    expect(check(dnskey.subarray(0, 3), data, signature)).toBe(false);
  });
});

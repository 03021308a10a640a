/** Exact octets of certificates and keys out of DER and PEM. Keys are made by Node; openssl judges certificates (record-judges.test.ts). */
import { generateKeyPairSync } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type KeyMaterial, type TlsaInput, readKeyMaterial, spkiOf } from '#mail/dane/certificate.ts';

const PAIRS = {
  ed25519: generateKeyPairSync('ed25519'),
  'P-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  // Long enough that DER lengths have two octets.
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
};
const spkiOfPair = (name: keyof typeof PAIRS) => new Uint8Array(PAIRS[name].publicKey.export({ type: 'spki', format: 'der' }));
const pemOf = (name: keyof typeof PAIRS) => PAIRS[name].publicKey.export({ type: 'spki', format: 'pem' });

function read(input: TlsaInput, which: 'first' | 'last' = 'first'): KeyMaterial | string {
  const found = readKeyMaterial(input, which);
  return found.ok ? found.value : found.problems.map(({ code, message }) => `${code}: ${message}`).join();
}

describe('a key alone', () => {
  test.each(['ed25519', 'P-256', 'rsa'] as const)('%s: DER and PEM give the octets of the key, and no certificate', (name) => {
    const spki = spkiOfPair(name);
    expect(read({ spki })).toEqual({ spki });
    expect(read({ pem: pemOf(name) })).toEqual({ spki });
  });

  test('RFC 7468 §2: text around it and other line ends do not matter', () => {
    const pem = `bag attributes\r\n${pemOf('rsa').replaceAll('\n', '\r\n')}\r\nmore`;
    expect(read({ pem })).toEqual({ spki: spkiOfPair('rsa') });
  });

  test('octets after it', () => expect(read({ spki: new Uint8Array([...spkiOfPair('rsa'), 0]) })).toMatch(/^DANE_INPUT: /));

  test('a key that is cut off', () => expect(read({ spki: spkiOfPair('rsa').slice(0, -1) })).toMatch(/^DANE_INPUT: /));
});

describe('what is neither', () => {
  test.each(['pkcs8', 'sec1'] as const)('a private key (%s) is told as one', (type) => {
    const pem = PAIRS['P-256'].privateKey.export({ type, format: 'pem' });
    expect(read({ pem })).toMatch(/^DANE_INPUT: a private key is given/);
    expect(read({ pem: `${pemOf('rsa')}${pem}` })).toMatch(/^DANE_INPUT: a private key is given/);
  });

  test('text without PEM', () =>
    expect(read({ pem: 'nothing' })).toMatch(/^DANE_INPUT: there is no certificate, no request for one and no public key/));

  test('a key where a certificate is wanted', () => {
    expect(spkiOf(spkiOfPair('rsa'))).toBeUndefined();
    expect(read({ certificate: spkiOfPair('rsa') })).toMatch(/^DANE_INPUT: /);
  });

  test('law: no octets and no text make it throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.string(), (octets, text) => {
        expect(spkiOf(octets)).toBeUndefined();
        expect(read({ spki: octets })).toMatch(/^DANE_INPUT/);
        expect(read({ pem: `-----BEGIN CERTIFICATE-----${text}-----END CERTIFICATE-----` })).toMatch(/^DANE_INPUT/);
      }),
    );
  });
});

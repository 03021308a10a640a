/** Private keys as other servers keep them: read, tried out, written; and what is wrong with one never shows any of it. */
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ALGORITHMS } from '#dnssec/algorithm.ts';
import { dnskeyOf, formatPrivateKey, readPrivateKey } from '#dnssec/key-files/key-file.ts';
import { generateSecret, keyTagOf } from '#dnssec/key.ts';
import { good } from '../../support/temporary-control.ts';
import { seededRandom } from '../../support/random.ts';

const random = seededRandom(7);
const bytes = (length: number) => Uint8Array.from({ length }, () => Math.floor(random() * 256));

const P256 = 'Private-key-format: v1.2\nAlgorithm: 13 (ECDSAP256SHA256)\nPrivateKey: GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O/ok1s38Et6mQ=\n';
const ED25519 = 'Private-key-format: v1.2\nAlgorithm: 15 (ED25519)\nPrivateKey: ODIyNjAzODQ2MjgwODAxMjI2NDUxOTAyMDQxNDIyNjI=\n';
const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
const RSA_PEM = rsa.export({ format: 'pem', type: 'pkcs8' });

const publicText = (text: string) => Buffer.from(dnskeyOf(good(readPrivateKey(text)), 257).subarray(4)).toString('base64');

describe('what other servers write', () => {
  test('RFC 6605 §6.1: the example key of ECDSAP256SHA256', () => {
    const key = good(readPrivateKey(P256));
    expect(key).toMatchObject({ algorithm: 13, isAlgorithmSaid: true, times: {} });
    expect(keyTagOf(dnskeyOf(key, 257))).toBe(55_648);
    expect(publicText(P256)).toBe('GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==');
  });

  test('RFC 8080 §6.1: the example key of ED25519', () => {
    expect(keyTagOf(dnskeyOf(good(readPrivateKey(ED25519)), 257))).toBe(3613);
    expect(publicText(ED25519)).toBe('l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=');
  });

  test('v1.3 of dnssec-keygen has times, in UTC; lines may end as on Windows, and names be of any case', () => {
    const text = P256.replace('v1.2', 'v1.3').replaceAll('\n', '\r\n') + 'created: 20260102030405\r\nINACTIVE: 20270102030405\r\n';
    expect(good(readPrivateKey(text)).times).toEqual({
      created: Date.UTC(2026, 0, 2, 3, 4, 5) / 1000,
      inactive: Date.UTC(2027, 0, 2, 3, 4, 5) / 1000,
    });
  });

  test.each(['prime256v1', 'secp384r1'])('PEM of %s, PKCS #8 and SEC 1, says its algorithm', (namedCurve) => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve });
    for (const type of ['pkcs8', 'sec1'] as const) {
      const key = good(readPrivateKey(privateKey.export({ format: 'pem', type })));
      expect(key).toMatchObject({ algorithm: namedCurve === 'prime256v1' ? 13 : 14, isAlgorithmSaid: true });
    }
  });

  test('PEM of Ed25519 and Ed448; of RSA, which does not say of which algorithm the key is', () => {
    const pem = (type: 'ed25519' | 'ed448') =>
      (type === 'ed448' ? generateKeyPairSync('ed448') : generateKeyPairSync('ed25519')).privateKey.export({
        format: 'pem',
        type: 'pkcs8',
      });
    expect(good(readPrivateKey(pem('ed25519'))).algorithm).toBe(15);
    expect(good(readPrivateKey(pem('ed448'))).algorithm).toBe(16);
    expect(good(readPrivateKey(RSA_PEM))).toMatchObject({ algorithm: 8, isAlgorithmSaid: false });
  });
});

test.each(ALGORITHMS.map(({ number, mnemonic }) => [mnemonic, number] as const))(
  '%s: what is written is read as the same key',
  (mnemonic, number) => {
    const secret = number === 8 ? good(readPrivateKey(RSA_PEM)).secret : generateSecret(bytes, number);
    const text = formatPrivateKey({ algorithm: number, secret }, 1_790_000_000);
    expect(text).toContain(`Algorithm: ${number} (${mnemonic})`);
    const read = good(readPrivateKey(text));
    expect(dnskeyOf(read, 256)).toEqual(dnskeyOf({ algorithm: number, secret }, 256));
    expect(read.times).toEqual({ created: 1_790_000_000, publish: 1_790_000_000, activate: 1_790_000_000 });
  },
);

test('a scalar without its leading zeros, as some tools write it, is the same key', () => {
  const secret = Uint8Array.from({ length: 32 }, (_, at) => (at < 2 ? 0 : 0x5a));
  const short = Buffer.from(secret.subarray(2)).toString('base64');
  const text = P256.replace(/PrivateKey: .*/, `PrivateKey: ${short}`);
  expect(good(readPrivateKey(text)).secret).toEqual(secret);
});

test('what is wrong is said, and nothing of the text is in it', () => {
  const other = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ format: 'jwk' });
  const mixed = formatPrivateKey({ algorithm: 8, secret: good(readPrivateKey(RSA_PEM)).secret }, 0).replace(
    /Modulus: .*/,
    `Modulus: ${Buffer.from(other.n!, 'base64url').toString('base64')}`,
  );
  const encrypted = rsa.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'x' });
  const dsa = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey.export({ format: 'pem', type: 'pkcs8' });
  const bad: readonly (readonly [string, string, RegExp])[] = [
    ['no key', 'hello', /neither a private key of BIND/],
    ['format 2', P256.replace('v1.2', 'v2.0'), /format 2\.0/],
    ['SHA-1', P256.replace('13 (ECDSAP256SHA256)', '7 (NSEC3RSASHA1)'), /algorithm 7: validators no longer trust/],
    ['RSASHA512', P256.replace('13 (ECDSAP256SHA256)', '10 (RSASHA512)'), /algorithm 10: zones are not signed/],
    ['no algorithm', P256.replace(/Algorithm.*\n/, ''), /names no algorithm/],
    ['a scalar of zero', P256.replace(/PrivateKey: .*/, `PrivateKey: ${Buffer.alloc(32).toString('base64')}`), /no good private key/],
    ['too long', P256.replace(/PrivateKey: .*/, `PrivateKey: ${Buffer.alloc(33, 1).toString('base64')}`), /no good private key/],
    ['a short Ed25519 secret', ED25519.replace(/PrivateKey: .*/, 'PrivateKey: AAAA'), /no good private key/],
    ['a module', `${P256}Label: pkcs11:token=x\n`, /hardware module/],
    ['a time', `${P256}Activate: tomorrow\n`, /time activate is not of the form/],
    ['parts of two RSA keys', mixed, /no good private key|do not belong together/],
    ['an encrypted PEM', encrypted, /encrypted/],
    ['another curve', dsa, /a kind that zones are not signed with/],
    ['a public PEM', RSA_PEM.replaceAll('PRIVATE', 'PUBLIC'), /no private key in PEM/],
    ['a megabyte', 'x'.repeat(1_000_000), /more than \d+ characters/],
  ];
  for (const [name, text, message] of bad) {
    const read = readPrivateKey(text);
    expect([name, read.ok]).toEqual([name, false]);
    if (read.ok) continue;
    expect(read.problems.map((each) => each.message).join()).toMatch(message);
    const told = JSON.stringify(read.problems);
    for (const secret of [/PrivateKey: (\S{8,})/.exec(text)?.[1], /\n(\S{60})/.exec(text)?.[1]])
      if (secret !== undefined) expect(told).not.toContain(secret);
  }
});

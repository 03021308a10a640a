/** Seals of exported keys: only the recipient or the passphrase opens them, whole or not at all. */
import { createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { openByKey, openByPassphrase, publicOctets, sealToKey, sealToPassphrase, sealedAbout } from '#dnssec/key-files/sealed-keys.ts';

const random = (length: number) => new Uint8Array(randomBytes(length));
const SECRET = new Uint8Array(Buffer.from('the private keys'));
const ABOUT = sealedAbout('example.com.', [1, 2]);

/** Every text of a seal with one character of its content changed. */
function* damaged<T extends object>(seal: T): Generator<T> {
  for (const [name, value] of Object.entries(seal)) {
    if (typeof value !== 'string' || name === 'kdf') continue;
    const octets = Buffer.from(value, 'base64');
    octets[octets.length >> 1]! ^= 1;
    yield { ...seal, [name]: octets.toString('base64') };
    yield { ...seal, [name]: '' };
  }
}

test('RFC 7748 §6.1: the exchange is that of the vectors', () => {
  const pkcs8 = (hex: string) =>
    createPrivateKey({ key: Buffer.from(`302e020100300506032b656e04220420${hex}`, 'hex'), format: 'der', type: 'pkcs8' });
  const bob = pkcs8('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb');
  // Its public key is the example of the API.
  expect(Buffer.from(publicOctets(createPublicKey(bob))).toString('hex')).toBe(
    'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f',
  );
  const x = Buffer.from('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a', 'hex').toString('base64url');
  const alice = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' });
  expect(diffieHellman({ privateKey: bob, publicKey: alice }).toString('hex')).toBe(
    '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742',
  );
});

test('sealed to a key: its holder opens it, and nobody else, and not with one octet changed', () => {
  const [own, other] = [generateKeyPairSync('x25519'), generateKeyPairSync('x25519')];
  const seal = sealToKey(publicOctets(own.publicKey), SECRET, ABOUT, random);
  expect(openByKey(own.privateKey, seal, ABOUT)).toEqual(SECRET);
  expect(openByKey(other.privateKey, seal, ABOUT)).toBeUndefined();
  expect(openByKey(own.privateKey, seal, sealedAbout('example.net.', [1, 2]))).toBeUndefined();
  expect(openByKey(own.privateKey, seal, sealedAbout('example.com.', [1]))).toBeUndefined();
  for (const each of damaged(seal)) expect(openByKey(own.privateKey, each, ABOUT)).toBeUndefined();
  const again = sealToKey(publicOctets(own.publicKey), SECRET, ABOUT, random);
  expect(again.ephemeral).not.toBe(seal.ephemeral);
  expect(JSON.stringify(seal)).not.toContain(Buffer.from(SECRET).toString('base64').slice(0, 12));
});

test('RFC 7748 §6.1: a point of small order is no recipient', () => {
  expect(() => sealToKey(new Uint8Array(32), SECRET, ABOUT, random)).toThrow(/./);
  const own = generateKeyPairSync('x25519');
  const seal = sealToKey(publicOctets(own.publicKey), SECRET, ABOUT, random);
  expect(openByKey(own.privateKey, { ...seal, ephemeral: Buffer.alloc(32).toString('base64') }, ABOUT)).toBeUndefined();
});

test('RFC 7914: sealed with a passphrase, in whichever Unicode form it is typed; a file cannot ask for another cost', () => {
  const seal = sealToPassphrase('correct horse b\u00e4ttery', SECRET, ABOUT, random);
  expect(openByPassphrase('correct horse ba\u0308ttery', seal, ABOUT)).toEqual(SECRET);
  expect(openByPassphrase('correct horse battery', seal, ABOUT)).toBeUndefined();
  expect(openByPassphrase('correct horse b\u00e4ttery', { ...seal, cost: 2 ** 30 }, ABOUT)).toBeUndefined();
  expect(openByPassphrase('correct horse b\u00e4ttery', { ...seal, sealed: seal.sealed.replace(/^..../, 'AAAA') }, ABOUT)).toBeUndefined();
});

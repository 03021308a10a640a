/** Public keys of DKIM records: their form, their size, and what people paste. */
import { type KeyObject, generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { checkDkimKey, dkimRecordFor, readDkimPublicKey } from '#mail/dkim/key.ts';
import { codesOf } from '../../support/mail/record-table.ts';
import { PUBLIC_KEYS } from '../../support/mail/mail-domain.ts';

const rsa = (bits: number) => generateKeyPairSync('rsa', { modulusLength: bits });
const [short, weak] = [rsa(512), rsa(1024)];
const ed25519 = generateKeyPairSync('ed25519');
const spki = (key: KeyObject) => new Uint8Array(key.export({ type: 'spki', format: 'der' }));
const good = new Uint8Array(Buffer.from(PUBLIC_KEYS.rsa2048, 'base64'));
const raw = new Uint8Array(Buffer.from(PUBLIC_KEYS.ed25519, 'base64'));
const codes = (type: 'rsa' | 'ed25519', key: Uint8Array) =>
  checkDkimKey(type, key).map(({ code, severity }) => (severity === 'error' ? code : `${code}?`));

describe('RFC 8301 §3.2: sizes of RSA', () => {
  test.each([
    ['512 bits', spki(short.publicKey), ['DKIM_KEY_SHORT']],
    ['1024 bits', spki(weak.publicKey), ['DKIM_KEY_WEAK?']],
    ['2048 bits', good, []],
  ])('%s', (_, key, expected) => expect(codes('rsa', key)).toEqual(expected));
});

describe('the form', () => {
  test.each([
    ['RFC 8463 §4: the 32 octets of Ed25519', 'ed25519', raw, [], /^/],
    ['RFC 8463 §4: 31 octets', 'ed25519', raw.subarray(1), ['DKIM_KEY_FORM'], /has 31 octets/],
    ['RFC 8463 §4: SubjectPublicKeyInfo', 'ed25519', spki(ed25519.publicKey), ['DKIM_KEY_FORM'], /SubjectPublicKeyInfo/],
    [
      'RFC 6376 §3.6.1: a bare RSAPublicKey',
      'rsa',
      new Uint8Array(weak.publicKey.export({ type: 'pkcs1', format: 'der' })),
      ['DKIM_KEY_FORM'],
      /bare RSAPublicKey/,
    ],
    ['RFC 6376 §3.6.1: an octet behind the key', 'rsa', new Uint8Array([...good, 0]), ['DKIM_KEY_FORM'], /is not the SubjectPublicKeyInfo/],
    ['a key of another type', 'rsa', spki(ed25519.publicKey), ['DKIM_KEY_FORM'], /type ed25519, not rsa/],
    ['Ed25519 where k=rsa', 'rsa', raw, ['DKIM_KEY_FORM'], /like an Ed25519 key/],
    ['nothing', 'rsa', new Uint8Array(), ['DKIM_KEY_FORM'], /is not the SubjectPublicKeyInfo/],
  ] as const)('%s', (_, type, key, expected, told) => {
    expect(codes(type, key)).toEqual(expected);
    expect(checkDkimKey(type, key)[0]?.message ?? '').toMatch(told);
  });
});

describe('the record for a key', () => {
  test('has the key in the form of its type, and says nothing beside it', () => {
    const made = dkimRecordFor(ed25519.publicKey);
    expect(made.ok && made.value).toEqual({
      hashes: [],
      services: [],
      isTesting: false,
      isDomainOnly: false,
      notes: '',
      keyType: 'ed25519',
      publicKey: spki(ed25519.publicKey).subarray(-32),
    });
    const weakRecord = dkimRecordFor(weak.publicKey, { isTesting: true });
    expect(weakRecord).toMatchObject({ ok: true, value: { keyType: 'rsa', isTesting: true, publicKey: spki(weak.publicKey) } });
    expect(codesOf(weakRecord)).toEqual(['DKIM_KEY_WEAK?']);
  });
  test.each([
    ['a private key', ed25519.privateKey, 'DKIM_KEY_PRIVATE'],
    ['a key that cannot sign mail', generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey, 'DKIM_KEY_TYPE'],
    ['a key that verifiers refuse', short.publicKey, 'DKIM_KEY_SHORT'],
  ])('not for %s', (_, key, code) => expect(codesOf(dkimRecordFor(key))).toEqual([code]));
});

describe('what people paste', () => {
  const pem = weak.publicKey.export({ type: 'spki', format: 'pem' });
  test.each([
    ['PEM', pem, weak.publicKey],
    ['base64 over lines', PUBLIC_KEYS.rsa2048.replaceAll(/.{60}/g, '$&\n'), undefined],
    ['the 32 octets of Ed25519', Buffer.from(spki(ed25519.publicKey).subarray(-32)).toString('base64'), ed25519.publicKey],
  ])('%s', (_, text, key) => {
    const read = readDkimPublicKey(text);
    expect(read.ok && (key === undefined ? spki(read.value) : read.value.equals(key))).toEqual(key === undefined ? good : true);
  });
  test.each([
    ['a private key', weak.privateKey.export({ type: 'pkcs8', format: 'pem' }), 'DKIM_KEY_PRIVATE'],
    ['PEM of nothing', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n', 'DKIM_KEY_FORM'],
    ['no base64', 'v=DKIM1; p=…', 'DKIM_KEY_BASE64'],
    ['base64 of something else', Buffer.from('hello').toString('base64'), 'DKIM_KEY_FORM'],
  ])('not %s', (_, text, code) => expect(codesOf(readDkimPublicKey(text))).toEqual([code]));
});

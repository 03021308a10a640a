/** DKIM key records; mailauth signs and verifies with them as the judge. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { dkimSign } from 'mailauth/lib/dkim/sign.js';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import { describe, expect, test } from 'vitest';
import { formatName, nameOf } from '#dns/name.ts';
import { dkimRecordFor, readDkimPublicKey } from '#mail/dkim/key.ts';
import { type DkimRecord } from '#mail/dkim/record-type.ts';
import { dkimOwner, formatDkim, NO_DKIM_TEXT, parseDkim, revokedDkim } from '#mail/dkim/record.ts';
import { codesOf, recordTable } from '../../support/mail/record-table.ts';

const { good, bad } = recordTable(parseDkim, formatDkim);

const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength });
const der = (key: KeyObject, type: 'spki' | 'pkcs1' = 'spki') => new Uint8Array(key.export({ type, format: 'der' }));
const base64 = (octets: Uint8Array) => Buffer.from(octets).toString('base64');
const [rsa2048, rsa1024, rsa768] = [rsa(2048), rsa(1024), rsa(768)];
const ed25519 = generateKeyPairSync('ed25519');
const [spki, edSpki] = [der(rsa2048.publicKey), der(ed25519.publicKey)];
const edRaw = edSpki.slice(-32);
const P = base64(spki);

const PLAIN: DkimRecord = { keyType: 'rsa', publicKey: spki, hashes: [], services: [], isTesting: false, isDomainOnly: false, notes: '' };
const ED: DkimRecord = { ...PLAIN, keyType: 'ed25519', publicKey: edRaw };

describe('RFC 6376 §3.6.1, RFC 8463 §4: key record', () => {
  good(`v=DKIM1; p=${P}`, PLAIN);
  good(`v=DKIM1; k=rsa; p=${P};`, PLAIN);
  good(`p=${P}`, PLAIN, 'DKIM_VERSION'); // the version is recommended
  good(`v=DKIM1; p=${P.slice(0, 40)} \r\n\t${P.slice(40)}`, PLAIN); // folding white space in base64
  good(`v=DKIM1; p=${P.replace(/=+$/, '')}`, PLAIN); // padding may be missing
  good('v=DKIM1; p=', { ...PLAIN, publicKey: new Uint8Array(0) }); // revoked
  good(NO_DKIM_TEXT, { ...PLAIN, publicKey: new Uint8Array(0) });
  good(`v=DKIM1; k=ed25519; p=${base64(edRaw)}`, ED);
  good(`v=DKIM1; h=sha256; s=email:tlsrpt; t=y:s; p=${P}`, {
    ...PLAIN,
    hashes: ['sha256'],
    services: ['email', 'tlsrpt'],
    isTesting: true,
    isDomainOnly: true,
  });
  good(`v=DKIM1; s=email : *; p=${P}`, PLAIN); // the star is all
  good(`v=DKIM1; n=until=20June=3B 2027; p=${P}`, { ...PLAIN, notes: 'until June; 2027' });
  good(`v=DKIM1; h=sha1:sha256; p=${P}`, { ...PLAIN, hashes: ['sha1', 'sha256'] }, 'DKIM_HASH'); // RFC 8301: sha1 is not accepted any more
  good(`v=DKIM1; s=email:x-chat; p=${P}`, { ...PLAIN, services: ['email', 'x-chat'] }, 'DKIM_SERVICE');
  good(`v=DKIM1; t=z; p=${P}`, PLAIN, 'DKIM_FLAG'); // unknown flags are ignored
  good(`v=DKIM1; g=*; p=${P}`, PLAIN, 'DKIM_TAG_UNKNOWN'); // of RFC 4871
  good(`v=DKIM1; p=${base64(der(rsa1024.publicKey))}`, { ...PLAIN, publicKey: der(rsa1024.publicKey) }, 'DKIM_KEY_WEAK');

  bad(`k=rsa; v=DKIM1; p=${P}`, 'DKIM_VERSION_FIRST'); // v first, if there
  bad(`v=DKIM2; p=${P}`, 'DKIM_VERSION');
  bad(`v=dkim1; p=${P}`, 'DKIM_VERSION'); // its case counts
  bad('v=DKIM1; k=rsa', 'DKIM_KEY_MISSING');
  bad('v=spf1 -all', 'DKIM_VERSION', 'DKIM_KEY_MISSING'); // what a wildcard TXT answers
  bad('v=DKIM1; p=not base64!', 'DKIM_KEY_BASE64');
  bad('v=DKIM1; p=QUJD', 'DKIM_KEY_FORM'); // no key at all
  bad(`v=DKIM1; p=${P.slice(0, 200)}`, 'DKIM_KEY_FORM'); // cut off at 255 octets by a form field
  bad(`v=DKIM1; p=${base64(new Uint8Array([...spki, 0]))}`, 'DKIM_KEY_FORM'); // octets behind the key
  bad(`v=DKIM1; p=${base64(der(rsa2048.publicKey, 'pkcs1'))}`, 'DKIM_KEY_FORM'); // RSAPublicKey, as the text of the RFC says and nobody reads
  bad(`v=DKIM1; p=${base64(edSpki)}`, 'DKIM_KEY_FORM'); // an Ed25519 key that says it is RSA
  bad(`v=DKIM1; p=${base64(edRaw)}`, 'DKIM_KEY_FORM'); // k= forgotten
  bad(`v=DKIM1; k=ed25519; p=${base64(edSpki)}`, 'DKIM_KEY_FORM'); // RFC 8463 wants the 32 octets alone
  bad(`v=DKIM1; k=ed25519; p=${P}`, 'DKIM_KEY_FORM'); // an RSA key that says it is Ed25519
  bad(`v=DKIM1; p=${base64(der(rsa768.publicKey))}`, 'DKIM_KEY_SHORT'); // RFC 8301 §3.2
  bad(`v=DKIM1; k=dsa; p=${P}`, 'DKIM_KEY_TYPE');
  bad(`v=DKIM1; h=sha1; p=${P}`, 'DKIM_HASH', 'DKIM_HASH?'); // nothing left to verify with
  bad(`v=DKIM1; s=; p=${P}`, 'DKIM_SERVICE');
  bad(`v=DKIM1; s=e_mail; p=${P}`, 'DKIM_SERVICE');
  bad(`v=DKIM1; n=50=%; p=${P}`, 'DKIM_NOTES'); // = begins an escape
  bad(`v=DKIM1; p=${P}; p=${P}`, 'DKIM_TAG_TWICE');
  bad(`v=DKIM1; p=-----BEGIN PRIVATE KEY-----`, 'DKIM_KEY_PRIVATE', 'DKIM_KEY_BASE64'); // it happens
  bad('v=DKIM1; k=dsa; h=md5; t; n==', 'DKIM_SYNTAX', 'DKIM_KEY_TYPE', 'DKIM_KEY_MISSING', 'DKIM_HASH', 'DKIM_NOTES', 'DKIM_HASH?'); // all at once
});

describe('records for keys', () => {
  test('RSA and Ed25519', () => {
    expect(dkimRecordFor(rsa2048.publicKey)).toMatchObject({ ok: true, value: PLAIN });
    expect(dkimRecordFor(ed25519.publicKey, { isDomainOnly: true })).toMatchObject({ ok: true, value: { ...ED, isDomainOnly: true } });
  });
  test('other keys, short keys and private keys are refused', () => {
    expect(codesOf(dkimRecordFor(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey))).toEqual(['DKIM_KEY_TYPE']);
    expect(codesOf(dkimRecordFor(rsa768.publicKey))).toEqual(['DKIM_KEY_SHORT']);
    expect(codesOf(dkimRecordFor(rsa2048.privateKey))).toEqual(['DKIM_KEY_PRIVATE']);
  });
  test("a signer's key is read as PEM, as base64 of SPKI and as in p=", () => {
    const forms = [
      rsa2048.publicKey.export({ type: 'spki', format: 'pem' }),
      P,
      ed25519.publicKey.export({ type: 'spki', format: 'pem' }),
      base64(edSpki),
      base64(edRaw),
    ];
    expect(
      forms.map((form) => {
        const key = readDkimPublicKey(form);
        const record = key.ok ? dkimRecordFor(key.value) : key;
        return record.ok && record.value;
      }),
    ).toEqual([PLAIN, PLAIN, ED, ED, ED]);
  });
  test.each([
    [rsa2048.privateKey.export({ type: 'pkcs8', format: 'pem' }), 'DKIM_KEY_PRIVATE'],
    ['-----BEGIN PUBLIC KEY-----\nQUJD\n-----END PUBLIC KEY-----\n', 'DKIM_KEY_FORM'],
    ['QUJD', 'DKIM_KEY_FORM'],
    ['*', 'DKIM_KEY_BASE64'],
  ])('no public key: %#', (text, code) => expect(codesOf(readDkimPublicKey(text))).toEqual([code]));
  test('a revoked one has no key', () => {
    expect(formatDkim(revokedDkim(ED))).toBe('v=DKIM1; k=ed25519; p=');
  });
});

describe('RFC 6376 §3.1: selectors', () => {
  test.each(['s1', 'a.b', '20261121r1', 'S-1'])('%s', (selector) => {
    const owner = dkimOwner(selector, nameOf('example.com'));
    expect(owner.ok && formatName(owner.value)).toBe(`${selector}._domainkey.example.com.`);
  });
  test.each(['', '.', 'a..b', '-a', 'a-', 'a_b', 'a b', '*', 'a.', 'ä', 'a'.repeat(64)])('not %j', (selector) =>
    expect(codesOf(dkimOwner(selector, nameOf('example.com')))).toEqual(['DKIM_SELECTOR']),
  );
  test('a selector too long with its domain', () =>
    expect(codesOf(dkimOwner('a'.repeat(63), nameOf(Array.from({ length: 3 }, () => 'b'.repeat(60)).join('.'))))).toEqual(['NAME_LONG']));
});

describe('judge: mailauth', () => {
  const message = Buffer.from(
    'From: a@example.com\r\nTo: b@example.org\r\nSubject: x\r\nDate: Sat, 21 Nov 2026 10:00:00 +0000\r\n\r\nhello\r\n',
  );
  const verified = async (privateKey: KeyObject, records: readonly string[]) => {
    const key = { signingDomain: 'example.com', selector: 's1', privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) };
    // Its types want the key outside, its code takes it from the list.
    const { signatures } = await dkimSign(message, { ...key, signatureData: [key] });
    const resolver = () => Promise.resolve(records.map((record) => [record]));
    const { results } = await dkimVerify(Buffer.concat([Buffer.from(signatures), message]), { resolver });
    return results.map((each) => each.status.result);
  };
  test.each([
    ['rsa', rsa2048],
    ['ed25519', ed25519],
  ] as const)('verifies %s signatures with our record, and not with the revoked one', async (_, { publicKey, privateKey }) => {
    const record = dkimRecordFor(publicKey, { services: ['email'], notes: 'a; b=c' });
    if (!record.ok) throw new Error('no record');
    expect(await verified(privateKey, [formatDkim(record.value)])).toEqual(['pass']);
    expect(await verified(privateKey, [formatDkim(revokedDkim(record.value))])).not.toEqual(['pass']);
  });
});

/** TLSA records; openssl makes the certificates and computes the digests they are compared with. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toHex } from '#base/bytes.ts';
import { formatRdata } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';
import { spkiOf } from '#mail/dane/certificate.ts';
import { checkTlsa, formatTlsa, isDataOf, readTlsa, tlsaFor, tlsaRdata, type TlsaRecord } from '#mail/dane/record.ts';
import { runTool } from '../../support/tools.ts';
import { codesOf } from '../../support/mail/record-table.ts';

const folder = mkdtempSync(join(tmpdir(), 'waxseal-dane-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs openssl; its output is raw octets as latin1. */
async function openssl(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runTool('openssl', words, { cwd: folder });
  if (code !== 0) throw new Error(`openssl ${words.join(' ')}: ${stderr}`);
  return stdout;
}

/** Key algorithms whose encodings differ: ECDSA, RSA, RSA-PSS with parameters, Ed25519. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  ec: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  'ec-explicit': ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-pkeyopt', 'ec_param_enc:explicit'],
  rsa: ['-newkey', 'rsa:2048'],
  'rsa-pss': ['-newkey', 'rsa-pss', '-pkeyopt', 'rsa_keygen_bits:2048', '-pkeyopt', 'rsa_pss_keygen_md:sha256'],
  ed25519: ['-newkey', 'ed25519'],
};
const files = (name: string) => ({
  pem: join(folder, `${name}.pem`),
  key: join(folder, `${name}.key`),
  der: join(folder, `${name}.der`),
  spki: join(folder, `${name}.spki`),
});
const octets = (path: string) => new Uint8Array(readFileSync(path));

beforeAll(async () => {
  for (const [name, key] of Object.entries(KEYS)) {
    const { pem, key: keyFile, der, spki } = files(name);
    await openssl('req', '-x509', '-nodes', ...key, '-keyout', keyFile, '-out', pem, '-subj', `/CN=mx.${name}.example`, '-days', '1');
    await openssl('x509', '-in', pem, '-outform', 'DER', '-out', der);
    await openssl('x509', '-in', pem, '-pubkey', '-noout', '-out', `${spki}.pem`);
    await openssl('pkey', '-pubin', '-in', `${spki}.pem`, '-outform', 'DER', '-out', spki);
  }
});

describe('RFC 6698 §2.1: from certificate and key', () => {
  test.each(Object.keys(KEYS))('%s: digests are those of openssl', async (name) => {
    const { der, spki } = files(name);
    const certificate = octets(der);
    for (const [selector, file] of [
      [0, der],
      [1, spki],
    ] as const)
      for (const [matching, digest] of [
        [1, '-sha256'],
        [2, '-sha512'],
      ] as const) {
        const record = tlsaFor({ certificate }, { selector, matching });
        const expected = (await openssl('dgst', digest, '-r', file)).split(' ')[0]!;
        expect(record.ok && toHex(record.value.data).toLowerCase()).toBe(expected);
      }
  });
  test.each(Object.keys(KEYS))('%s: DER, SPKI and PEM give the same 3 1 1', (name) => {
    const { der, spki, pem } = files(name);
    const forms = [
      { certificate: octets(der) },
      { spki: octets(spki) },
      { pem: readFileSync(pem, 'utf8') },
      { pem: readFileSync(`${spki}.pem`, 'utf8') },
    ];
    const made = forms.map((form) => {
      const record = tlsaFor(form);
      return record.ok ? formatTlsa(record.value) : codesOf(record);
    });
    expect(new Set(made).size).toBe(1);
    expect(made[0]).toMatch(/^3 1 1 [0-9A-F]{64}$/);
  });
  test('a chain in PEM: its first certificate for usage 3, its last for usage 2', () => {
    const pem = `${readFileSync(files('ec').pem, 'utf8')}\n${readFileSync(files('rsa').pem, 'utf8')}`;
    const [end, anchor] = [tlsaFor({ pem }), tlsaFor({ pem }, { usage: 2, selector: 0 })];
    expect(end).toEqual(tlsaFor({ certificate: octets(files('ec').der) }));
    expect(anchor).toEqual(tlsaFor({ certificate: octets(files('rsa').der) }, { usage: 2, selector: 0 }));
  });
  test('what is no certificate is refused, and so is a private key', () => {
    const certificate = octets(files('ec').der);
    expect(codesOf(tlsaFor({ certificate: certificate.slice(0, -1) }))).toEqual(['DANE_INPUT']);
    expect(codesOf(tlsaFor({ certificate: new Uint8Array([...certificate, 0]) }))).toEqual(['DANE_INPUT']);
    expect(codesOf(tlsaFor({ certificate: octets(files('ec').pem) }))).toEqual(['DANE_INPUT']);
    expect(codesOf(tlsaFor({ certificate: new Uint8Array(0) }))).toEqual(['DANE_INPUT']);
    expect(codesOf(tlsaFor({ spki: certificate }))).toEqual(['DANE_INPUT']);
    expect(codesOf(tlsaFor({ spki: new Uint8Array([...octets(files('rsa').spki), 0]) }))).toEqual(['DANE_INPUT']);
    expect(codesOf(tlsaFor({ pem: 'nothing' }))).toEqual(['DANE_INPUT']);
    expect(codesOf(tlsaFor({ pem: readFileSync(files('ec').key, 'utf8') }))).toEqual(['DANE_INPUT']);
  });
  test('a key alone has no whole certificate', () =>
    expect(codesOf(tlsaFor({ spki: octets(files('rsa').spki) }, { selector: 0 }))).toEqual(['DANE_SELECTOR']));
  test('random changes of a certificate never throw', () => {
    const certificate = octets(files('ec').der);
    for (let at = 0; at < certificate.length; at++) {
      const changed = Uint8Array.from(certificate);
      changed[at]! ^= 0xff;
      expect(() => spkiOf(changed)).not.toThrow();
    }
  });
});

describe('matching and names', () => {
  const made = (name: string, parameters = {}): TlsaRecord => {
    const record = tlsaFor({ certificate: octets(files(name).der) }, parameters);
    if (!record.ok) throw new Error(codesOf(record).join());
    return record.value;
  };
  test('RDATA is what the registry prints', () => {
    const record = made('ec');
    expect(formatRdata(TYPE.TLSA, tlsaRdata(record))).toBe(formatTlsa(record));
    expect(readTlsa(tlsaRdata(record))).toEqual(record);
  });
  test("a record's data is of its certificate or key, whatever the usage", () => {
    const [ec, rsa] = [octets(files('ec').der), octets(files('rsa').der)];
    const records = [made('ec'), made('ec', { selector: 0 }), made('ec', { matching: 0 }), made('ec', { matching: 2 }), made('rsa')];
    expect(records.map((record) => isDataOf(record, ec))).toEqual([true, true, true, true, false]);
    expect(records.map((record) => isDataOf({ ...record, usage: 1 }, rsa))).toEqual([false, false, false, false, true]);
    expect(isDataOf({ ...made('ec'), matching: 9 }, ec)).toBe(false);
    expect(isDataOf({ ...made('ec'), selector: 2 }, ec)).toBe(false);
    expect(isDataOf(made('ec'), new Uint8Array([1, 2]))).toBe(false);
  });
  test('our default triggers no warning', () => expect(checkTlsa(made('rsa'))).toEqual([]));
});

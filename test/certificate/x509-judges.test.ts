/** RFC 2986, RFC 5280: requests and self-signed certificates, judged by openssl and by node:crypto's reader. */
import { execFileSync, spawnSync } from 'node:child_process';
import { X509Certificate, createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { type AddressInfo } from 'node:net';
import { connect } from 'node:tls';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { certificateRequest, makeCertificateKey, selfSignedCertificate, toPem } from '#certificate/x509.ts';
import { toolPath } from '../support/tools.ts';

const folder = mkdtempSync(join(tmpdir(), 'waxseal-x509-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const random = (bytes: number): Uint8Array => new Uint8Array(randomBytes(bytes));
const openssl = (input: string | Uint8Array, ...words: string[]) =>
  execFileSync(toolPath('openssl'), words, { cwd: folder, input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] });

const HOSTS = ['mta-sts.example.com', 'xn--bcher-kva.example', '*.example.net'];
const DAY_MS = 86_400_000;

describe.each([
  ['ecdsa-p256', 'ecdsa-with-SHA256', 'prime256v1'],
  ['rsa-2048', 'sha256WithRSAEncryption', '2048 bit'],
] as const)('%s', (kind, algorithm, keyText) => {
  test('RFC 2986 §4: openssl verifies the request and reads its names', async () => {
    const privateKey = await makeCertificateKey(kind);
    const pem = toPem('CERTIFICATE REQUEST', certificateRequest({ hosts: HOSTS, privateKey }));
    const text = openssl(pem, 'req', '-verify', '-noout', '-text');
    expect(text).toContain(`Signature Algorithm: ${algorithm}`);
    expect(text).toContain(keyText);
    // RFC 5280 §4.2.1.6: critical, because the subject is empty.
    expect(text).toMatch(
      /X509v3 Subject Alternative Name: critical\s+DNS:mta-sts\.example\.com, DNS:xn--bcher-kva\.example, DNS:\*\.example\.net/,
    );
    expect(openssl(pem, 'req', '-noout', '-pubkey')).toBe(createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }));
  });

  test('RFC 2986 §4.2: openssl does not verify a request with one changed octet', async () => {
    const der = new Uint8Array(certificateRequest({ hosts: HOSTS, privateKey: await makeCertificateKey(kind) }));
    const at = Buffer.from(der).indexOf('mta-sts');
    der[at] = 'x'.charCodeAt(0);
    const done = spawnSync(toolPath('openssl'), ['req', '-verify', '-noout'], { input: toPem('CERTIFICATE REQUEST', der) });
    expect(`${done.status} ${done.stderr.toString()}`).toMatch(/failure|^[1-9]/i);
  });

  test('RFC 5280 §4: openssl verifies the certificate for its hosts, strictly, and for no others', async () => {
    const privateKey = await makeCertificateKey(kind);
    const nowMs = Date.now();
    const der = selfSignedCertificate({ hosts: HOSTS, privateKey, notBeforeMs: nowMs - DAY_MS, notAfterMs: nowMs + DAY_MS, random });
    const file = join(folder, `${kind}.pem`);
    writeFileSync(file, toPem('CERTIFICATE', der));
    const verify = (host: string) =>
      spawnSync(
        toolPath('openssl'),
        ['verify', '-x509_strict', '-check_ss_sig', '-purpose', 'sslserver', '-CAfile', file, '-verify_hostname', host, file],
        { encoding: 'utf8' },
      );
    for (const host of ['mta-sts.example.com', 'any.example.net']) expect(verify(host).stdout + verify(host).stderr).toContain(': OK');
    expect(verify('www.example.com').status).not.toBe(0);
    const certificate = new X509Certificate(der);
    expect(certificate.verify(createPublicKey(privateKey))).toBe(true);
    expect(certificate.checkPrivateKey(privateKey)).toBe(true);
    expect(certificate.subject).toBe('CN=mta-sts.example.com');
    expect(certificate.issuer).toBe(certificate.subject);
    expect(certificate.ca).toBe(false);
    expect(Math.abs(certificate.validToDate.getTime() - (nowMs + DAY_MS))).toBeLessThan(1000);
    // §4.1.2.2: positive, at most 20 octets.
    expect(certificate.serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
    const text = openssl(toPem('CERTIFICATE', der), 'x509', '-noout', '-text');
    expect(text).toContain('Version: 3');
    expect(text).toContain(kind === 'rsa-2048' ? 'Digital Signature, Key Encipherment' : 'Digital Signature\n');
    expect(text).toContain('TLS Web Server Authentication');
  });
});

test('a server serves with it, and a client that is given it as a root trusts it', async () => {
  const privateKey = await makeCertificateKey('ecdsa-p256');
  const nowMs = Date.now();
  const options = { hosts: ['mta-sts.example.com'], privateKey, notBeforeMs: nowMs - DAY_MS, notAfterMs: nowMs + DAY_MS, random };
  const cert = toPem('CERTIFICATE', selfSignedCertificate(options));
  const server = createServer({ cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }) }, (_request, response) => response.end());
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const isTrusted = await new Promise<boolean>((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca: cert, servername: 'mta-sts.example.com' }, () => {
      socket.end();
      resolve(socket.authorized);
    });
    socket.once('error', reject);
  });
  expect(isTrusted).toBe(true);
  await new Promise((resolve) => void server.close(resolve));
});

test('RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050', async () => {
  const privateKey = await makeCertificateKey('ecdsa-p256');
  const at = (text: string) => Date.parse(text);
  const options = {
    hosts: ['a.example'],
    privateKey,
    notBeforeMs: at('2049-12-31T23:59:59Z'),
    notAfterMs: at('2050-01-01T00:00:00Z'),
    random,
  };
  const der = selfSignedCertificate(options);
  const lines = openssl(der, 'asn1parse', '-inform', 'DER');
  expect(lines).toMatch(/UTCTIME\s+:491231235959Z/);
  expect(lines).toMatch(/GENERALIZEDTIME\s+:20500101000000Z/);
});

test('RFC 5280 appendix A: a host longer than a common name may be stands in subjectAltName only', async () => {
  const host = `mta-sts.${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.example`;
  const options = {
    hosts: [host],
    privateKey: createPrivateKey((await makeCertificateKey('ecdsa-p256')).export({ type: 'pkcs8', format: 'pem' })),
  };
  const certificate = new X509Certificate(selfSignedCertificate({ ...options, notBeforeMs: 0, notAfterMs: DAY_MS, random }));
  expect(certificate.subject).toBe('CN=self-signed');
  expect(certificate.subjectAltName).toBe(`DNS:${host}`);
});

test.each(['', 'a,DNS:b.example', 'a.example.', 'A.example', 'a..example', 'a.'.repeat(127), 'a*.example', 'bücher.example'])(
  'asserts that %j is no host name',
  async (host) => {
    const privateKey = await makeCertificateKey('ecdsa-p256');
    expect(() => certificateRequest({ hosts: [host], privateKey })).toThrow('host name');
  },
);

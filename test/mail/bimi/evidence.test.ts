/** Evidence for a logo: what is taken, what is rejected and why, and two other readers of mark certificates. */
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { formatProblem } from '#base/problem.ts';
import { BIMI_EVIDENCE_BYTES_MAX } from '#base/limits/mail.ts';
import { checkEvidence, type EvidenceExpectation, hasPrivateKey } from '#mail/bimi/evidence.ts';
import { LOGO, markCa, type MarkOptions, toCertificatePem } from '../../support/mail/mark-certificate.ts';

const NOW_MS = Date.UTC(2026, 10, 21);
const DAY_MS = 86_400_000;
const ca = markCa(NOW_MS);
const good = ca.issue();

const check = (pem: string, more: Partial<EvidenceExpectation> = {}) =>
  checkEvidence(pem, { logo: LOGO, domain: 'example.com', selector: 'default', nowMs: NOW_MS, ...more });
/** `error CODE` and `warning CODE`, but for what is said with every result. */
const told = (pem: string, more: Partial<EvidenceExpectation> = {}): string[] => {
  const checked = check(pem, more);
  const problems = checked.ok ? checked.warnings : checked.problems;
  return problems.filter(({ code }) => code !== 'BIMI_EVIDENCE_TRUST').map(({ severity, code }) => `${severity} ${code}`);
};
const issued = (options: MarkOptions, more: Partial<EvidenceExpectation> = {}) => told(ca.issue(options).chain, more);

test('a mark certificate with its issuer: its dates; what was not checked is said with it', () => {
  const checked = check(good.chain);
  expect(checked).toMatchObject({ ok: true, value: { notAfterMs: NOW_MS + 365 * DAY_MS, sizeBytes: good.chain.length } });
  expect(checked.ok && checked.warnings.map(formatProblem)).toEqual([
    expect.stringMatching(/not checked that receivers trust its root, .*not revoked.*trademark.*BIMI_EVIDENCE_TRUST/),
  ]);
});

describe('RFC 8555 §9.1: certificates in PEM, and nothing else', () => {
  test.each<[string, string, string]>([
    ['nothing', '', 'FORM'],
    ['a text', 'hello', 'FORM'],
    ['a text before', `Bag Attributes\n${good.chain}`, 'FORM'],
    ['a text between', `${good.pem}subject=CN\n${ca.pem}`, 'FORM'],
    ['a request', good.pem.replaceAll('CERTIFICATE', 'CERTIFICATE REQUEST'), 'FORM'],
    ['a public key under the label of a certificate', good.pem.replace(/\n[\s\S]*\n(?=-----END)/, '\nMCowBQYDK2VwAyEA\n'), 'FORM'],
    ['octets behind a certificate', toCertificatePem(Buffer.concat([derOf(good.pem), Buffer.from('more')])), 'FORM'],
    ['two certificates in one block', toCertificatePem(Buffer.concat([derOf(good.pem), derOf(ca.pem)])), 'FORM'],
    ['more than is taken', `${good.chain}${'\n'.repeat(BIMI_EVIDENCE_BYTES_MAX)}`, 'SIZE'],
    ['a chain that is too long', good.pem + ca.pem.repeat(6), 'CHAIN'],
  ])('%s', (_what, pem, code) => {
    expect(told(pem)).toEqual([`error BIMI_EVIDENCE_${code}`]);
  });

  test('line ends and blank lines do not matter', () => {
    expect(told(`\r\n${good.chain.replaceAll('\n', '\r\n')}\r\n\r\n`)).toEqual([]);
  });
});

describe('a private key in it', () => {
  const shapes: readonly [string, string][] = [
    ['behind the chain', `${good.chain}${good.key}`],
    ['in front', `${good.key}${good.chain}`],
    ['alone', good.key],
    ['encrypted', good.key.replaceAll('PRIVATE KEY', 'ENCRYPTED PRIVATE KEY')],
    ['of an older form', good.key.replaceAll('PRIVATE KEY', 'EC PRIVATE KEY')],
    ['with a broken label', good.key.replaceAll('PRIVATE KEY', 'PRIVATE\nKEY')],
  ];
  test.each(shapes)('%s: rejected, and no octet of it is repeated', (_what, pem) => {
    expect(hasPrivateKey(pem)).toBe(true);
    const checked = check(pem);
    expect(checked.ok).toBe(false);
    const text = checked.ok ? '' : checked.problems.map(formatProblem).join('\n');
    expect(text).toContain('BIMI_EVIDENCE_KEY');
    for (const line of good.key.split('\n').filter((each) => each.length > 8 && !each.includes('-')))
      expect(text).not.toContain(line.slice(0, 8));
  });

  test('under the label of a certificate it is no certificate', () => {
    expect(told(good.key.replaceAll('PRIVATE KEY', 'CERTIFICATE'))).toEqual(['error BIMI_EVIDENCE_FORM']);
  });
});

describe('the profile of mark certificates', () => {
  test.each<[string, MarkOptions, Partial<EvidenceExpectation>, string[]]>([
    ['for servers, not for marks', { usage: '1.3.6.1.5.5.7.3.1' }, {}, ['error BIMI_EVIDENCE_MARK']],
    ['that of a CA', { isCa: true }, {}, ['error BIMI_EVIDENCE_MARK']],
    ['without a logo', { isWithoutLogo: true }, {}, ['error BIMI_EVIDENCE_MARK']],
    ['expired', { toMs: NOW_MS }, {}, ['error BIMI_EVIDENCE_DATES']],
    ['not valid yet', { fromMs: NOW_MS + DAY_MS }, {}, ['error BIMI_EVIDENCE_DATES']],
    ['of a clock that is a little ahead', { fromMs: NOW_MS + 60_000 }, {}, []],
    ['for another domain', { names: ['example.org'] }, {}, ['error BIMI_EVIDENCE_NAME']],
    ['for a name that only ends so', { names: ['ample.com'] }, {}, ['error BIMI_EVIDENCE_NAME']],
    ['for a domain below', { names: ['mail.example.com'] }, {}, ['error BIMI_EVIDENCE_NAME']],
    ['for no name', { names: [] }, {}, ['error BIMI_EVIDENCE_NAME']],
    ['for the selector of the domain', { names: ['default._bimi.example.com'] }, {}, []],
    ['for another selector', { names: ['other._bimi.example.com'] }, {}, ['error BIMI_EVIDENCE_NAME']],
    ['for the domain above, maybe the organizational one', {}, { domain: 'mail.example.com' }, ['warning BIMI_EVIDENCE_NAME']],
    ['for one of many', { names: ['a.example', 'EXAMPLE.com'] }, {}, []],
  ])('%s', (_what, options, more, expected) => {
    expect(issued(options, more)).toEqual(expected);
  });

  test('the order of the chain', () => {
    const other = markCa(NOW_MS);
    expect(told(good.pem)).toEqual(['warning BIMI_EVIDENCE_CHAIN']);
    expect(told(`${good.pem}${other.pem}`)).toEqual(['error BIMI_EVIDENCE_CHAIN']);
    expect(told(`${ca.pem}${good.pem}`)).toContain('error BIMI_EVIDENCE_MARK');
    expect(told(`${good.pem}${good.pem}`)).toEqual(['error BIMI_EVIDENCE_CHAIN']);
  });
});

describe('RFC 6170 §5.2: the logo in the certificate is the SVG beside it', () => {
  const other = Buffer.from(LOGO.toString().replace('#036', '#063'));
  const sha1 = (value: Uint8Array) => ({ oid: '1.3.14.3.2.26', value: createHash('sha1').update(value).digest() });
  const away = 'https://logo.example/logo.svg';
  test.each<[string, MarkOptions, string[]]>([
    ['another one', { logo: other }, ['error BIMI_EVIDENCE_LOGO']],
    ['with other line ends', { logo: Buffer.from(LOGO.toString().replaceAll('\n', '\r\n')) }, ['warning BIMI_EVIDENCE_LOGO']],
    ['not compressed', { uri: `data:image/svg+xml;base64,${LOGO.toString('base64')}` }, []],
    ['a bitmap', { uri: 'data:image/png;base64,AAAA' }, []],
    ['a bitmap of another hash', { uri: 'data:image/png;base64,AAAA', hash: sha1(other) }, ['error BIMI_EVIDENCE_LOGO']],
    ['elsewhere, with its hash', { uri: away }, []],
    ['elsewhere, with SHA-1', { uri: away, hash: sha1(LOGO) }, []],
    ['elsewhere, with the hash of another', { uri: away, hash: sha1(other) }, ['error BIMI_EVIDENCE_LOGO']],
    ['elsewhere, with a hash of an unknown kind', { uri: away, hash: { oid: '1.2.3.4', value: LOGO } }, ['warning BIMI_EVIDENCE_LOGO']],
    ['gzip that ends early', { uri: dataUrl(gzipSync(LOGO).subarray(0, 40)), hash: sha1(other) }, ['error BIMI_EVIDENCE_LOGO']],
  ])('%s', (_what, options, expected) => {
    expect(issued(options)).toEqual(expected);
  });

  test('a bomb is unpacked no further than a logo may be', () => {
    const bomb = gzipSync(Buffer.alloc(30_000_000, 0x20), { level: 9 });
    const { chain } = ca.issue({ uri: dataUrl(bomb), hash: sha1(other) });
    const startedMs = performance.now();
    const checked = check(chain);
    expect(performance.now() - startedMs).toBeLessThan(2_000);
    expect(checked.ok ? '' : checked.problems.map(formatProblem).join()).toContain('more than 32768 octets');
  });
});

test('another reader of mark certificates (@postalsys/vmc) finds the same logo in what passes', async () => {
  const { RootStore, vmc } = createRequire(createRequire(import.meta.url).resolve('mailauth'))('@postalsys/vmc') as {
    RootStore: { new (): { addCert(pem: string): void } };
    vmc: (pem: Buffer, options: object) => Promise<{ logoFile: string; validHash: boolean; hashAlgo: string }>;
  };
  const rootStore = new RootStore();
  rootStore.addCert(ca.pem);
  const read = await vmc(Buffer.from(good.chain), { rootStore, now: new Date(NOW_MS) });
  expect(read).toMatchObject({ logoFile: LOGO.toString('base64'), validHash: true, hashAlgo: 'sha256' });
});

function derOf(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64');
}

function dataUrl(gzip: Buffer): string {
  return `data:image/svg+xml;base64,${gzip.toString('base64')}`;
}

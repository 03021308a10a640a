/**
 * Which record matches which certificate of a handshake: our verdict beside that of `openssl s_client`, which makes the same connection with
 * the same record (its DANE code is the one that Postfix uses).
 */
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { presentedAt } from '#control/outside/starttls.ts';
import { describeCertificate, judgeTlsa } from '#mail/dane/match.ts';
import { type TlsaParameters, type TlsaRecord, formatTlsa, tlsaFor } from '#mail/dane/record.ts';
import { good } from '../../support/temporary-control.ts';
import { type Pair, type ThrowawayCa, throwawayCa } from '../../support/throwaway-ca.ts';
import { starttlsServer } from '../../support/mail/starttls-server.ts';
import { runTool } from '../../support/tools.ts';

const HOST = 'mx1.example.com';
const OTHER = 'unrelated.example';

let ca: ThrowawayCa;
let otherCa: ThrowawayCa;
beforeAll(() => {
  ca = throwawayCa();
  otherCa = throwawayCa();
});
afterAll(() => {
  ca.remove();
  otherCa.remove();
});

const withRoot = (pair: Pair, root = ca.root): Pair => ({ key: pair.key, cert: `${pair.cert}${root}` });
const recordOf = (pem: string, parameters: TlsaParameters): TlsaRecord => good(tlsaFor({ pem }, parameters));

/** Our verdict, and openssl's, on what the host presents. */
async function verdicts(pair: Pair, record: TlsaRecord) {
  const server = await starttlsServer(pair);
  onTestFinished(() => server.stop());
  const { chain } = await presentedAt({ ip: '127.0.0.1', port: server.port, host: HOST, signal: AbortSignal.timeout(20_000) });
  const words = ['s_client', '-starttls', 'smtp', '-connect', `127.0.0.1:${server.port}`, '-brief', '-servername', HOST];
  const dane = ['-dane_tlsa_domain', HOST, '-dane_tlsa_rrdata', formatTlsa(record), '-verify_return_error', '-no-CAfile', '-no-CApath'];
  // RFC 7672 §3.1.1: names count for usage 2 only, which is what -dane_ee_no_namechecks says.
  const { stdout, stderr } = await runTool('openssl', [...words, ...dane, '-dane_ee_no_namechecks', '-verify_hostname', HOST], {
    input: 'QUIT\r\n',
  });
  const judged = judgeTlsa(record, chain, { names: [HOST, 'example.com'], nowMs: Date.now() });
  return { ours: judged, theirs: /Verification: OK/.test(`${stdout}${stderr}`) };
}

describe('RFC 7671 §5: our verdict is that of openssl', () => {
  const combinations = [3, 2].flatMap((usage) => [0, 1].flatMap((selector) => [1, 2].map((matching) => ({ usage, selector, matching }))));
  test.each(combinations)('$usage $selector $matching of the right certificate', async (parameters) => {
    const pair = withRoot(ca.leaf([HOST]));
    const { ours, theirs } = await verdicts(pair, recordOf(pair.cert, parameters));
    expect({ ours, theirs }).toEqual({ ours: { matches: true, depth: parameters.usage === 3 ? 0 : 1, why: '' }, theirs: true });
  });

  test.each<[string, () => Pair, (pair: Pair) => TlsaRecord, string]>([
    ['3 1 1 of another key', () => withRoot(ca.leaf([HOST])), () => recordOf(ca.leaf([HOST]).cert, {}), 'it is of no certificate here'],
    [
      '3 1 1 of the issuer',
      () => withRoot(ca.leaf([HOST])),
      () => recordOf(ca.root, {}),
      "it is of an issuer, and usage 3 wants the host's own",
    ],
    [
      "2 1 1 of the host's own key",
      () => withRoot(ca.leaf([HOST])),
      (pair) => ({ ...recordOf(pair.cert, {}), usage: 2 }),
      "it is of the host's own certificate, and usage 2 wants an issuer",
    ],
    [
      'RFC 7672 §3.1.2: the issuer is not in the handshake',
      () => ca.leaf([HOST]),
      () => recordOf(ca.root, { usage: 2 }),
      'the issuer that it is of is not in the handshake',
    ],
    [
      'an issuer of the same name with another key',
      () => withRoot(ca.leaf([HOST]), otherCa.root),
      () => recordOf(otherCa.root, { usage: 2 }),
      'not in the handshake|is not signed by certificate 1',
    ],
    [
      'RFC 7672 §3.2.2: usage 2 and another name',
      () => withRoot(ca.leaf([OTHER])),
      () => recordOf(ca.root, { usage: 2 }),
      "the host's certificate is for none of mx1.example.com, example.com, which counts for usage 2",
    ],
    [
      'usage 2 and an expired certificate',
      () => withRoot(ca.leaf([HOST], { to: '20210101000000Z' })),
      () => recordOf(ca.root, { usage: 2 }),
      'certificate 0 has expired 2021-01-01 00:00 UTC, which counts for usage 2',
    ],
    [
      'usage 2 and a certificate that is not valid yet',
      () => withRoot(ca.leaf([HOST], { from: '20480101000000Z' })),
      () => recordOf(ca.root, { usage: 2 }),
      'certificate 0 is not valid before 2048-01-01 00:00 UTC, which counts for usage 2',
    ],
  ])('no match: %s', async (_title, pairOf, record, why) => {
    const pair = pairOf();
    const { ours, theirs } = await verdicts(pair, record(pair));
    expect({ matches: ours.matches, theirs }).toEqual({ matches: false, theirs: false });
    expect(ours.why).toMatch(new RegExp(`^(?:.*)(?:${why})$`));
  });

  test.each<[string, () => Pair]>([
    ['expired', () => ca.leaf([HOST], { to: '20210101000000Z' })],
    ['for another name', () => ca.leaf([OTHER])],
    ['signed by itself', () => ca.selfSigned('x.test')],
  ])('RFC 7671 §5.1: usage 3 takes a certificate that is %s', async (_title, pairOf) => {
    const pair = pairOf();
    const { ours, theirs } = await verdicts(pair, recordOf(pair.cert, {}));
    expect({ matches: ours.matches, theirs }).toEqual({ matches: true, theirs: true });
  });
});

describe('what openssl is not asked', () => {
  test('RFC 7672 §3.1.3: usages 0 and 1 match nothing', () => {
    const { cert } = ca.leaf([HOST]);
    const chain = [new Uint8Array(new X509Certificate(cert).raw)];
    const context = { names: [HOST], nowMs: Date.now() };
    expect(judgeTlsa({ ...recordOf(cert, {}), usage: 1 }, chain, context)).toEqual({
      matches: false,
      why: 'senders of mail do not use usage 1',
    });
  });

  test('RFC 7672 §3.2.2: the domain that mail is for is a name too', async () => {
    const pair = withRoot(ca.leaf(['example.com']));
    const { ours } = await verdicts(pair, recordOf(ca.root, { usage: 2 }));
    expect(ours.matches).toBe(true);
  });

  test('a certificate for people', () => {
    const der = new Uint8Array(new X509Certificate(ca.leaf([HOST], { to: '20491231000000Z' }).cert).raw);
    const { spkiSha256, ...rest } = describeCertificate(der)!;
    expect(rest).toEqual({ subject: `CN=${HOST}`, issuer: 'CN=Throwaway CA', notAfterMs: Date.UTC(2049, 11, 31) });
    expect(spkiSha256).toMatch(/^[0-9A-F]{64}$/);
    expect(describeCertificate(new Uint8Array([1, 2]))).toBeUndefined();
  });
});

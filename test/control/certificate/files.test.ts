/** Certificates from files: installed for their names, watched, and a file that is no good changes nothing. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createLog } from '#base/log.ts';
import { makeCertificateKey, selfSignedCertificate, toPem } from '#certificate/x509.ts';
import { openHostKey } from '#store/tls/host-certificate.ts';
import { HOST, TEST_NOW_MS, ZONE, certificateHouse } from '../../support/acme/certificate-house.ts';
import { good } from '../../support/temporary-control.ts';
import { countedRandom } from '../../support/temporary-store.ts';

const DAY_MS = 86_400_000;

interface Written {
  readonly hosts?: readonly string[];
  readonly notAfterMs?: number;
}

async function pemOf({ hosts = [HOST], notAfterMs = TEST_NOW_MS + DAY_MS }: Written = {}): Promise<{ cert: string; key: string }> {
  const privateKey = await makeCertificateKey('ecdsa-p256');
  const notBeforeMs = TEST_NOW_MS - DAY_MS;
  const der = selfSignedCertificate({ hosts, privateKey, notBeforeMs, notAfterMs, random: countedRandom() });
  return { cert: toPem('CERTIFICATE', der), key: privateKey.export({ type: 'pkcs8', format: 'pem' }) };
}

async function houseWithFile() {
  const made = await certificateHouse({ zones: ['post.example.', 'sub.post.example.'] });
  const folder = mkdtempSync(join(tmpdir(), 'waxseal-cert-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'host.pem');
  let count = 0;
  /** As tools do it: written beside, then renamed. */
  const put = (text: string) => {
    writeFileSync(`${file}.${++count}`, text);
    renameSync(`${file}.${count}`, file);
  };
  const files = made.control.certificateFiles([file], createLog({ level: 'silent' }));
  const alerts = () =>
    made.control.events
      .after(0, 1000)
      .filter(({ kind }) => kind === 'alert')
      .map(({ event, text }) => `${event} ${text}`);
  return { ...made, file, put, files, alerts };
}

describe('a file with chain and key', () => {
  test('becomes the certificate of its names in our zones, and of no other name', async () => {
    const made = await houseWithFile();
    const { cert, key } = await pemOf({ hosts: [HOST, 'www.post.example', 'www.elsewhere.example', '*.sub.post.example'] });
    made.put(`${key}${cert}`);
    await made.files.look();
    expect(made.certificate()).toMatchObject({ origin: 'file', chain: cert, notAfterMs: TEST_NOW_MS + DAY_MS });
    expect(made.control.certificates.list(made.writer.zoneByName(ZONE)!).map(({ host }) => host)).toEqual([HOST, 'www.post.example']);
    const sub = made.writer.zones().find(({ name }) => name === 'sub.post.example.')!;
    expect(made.control.certificates.list(sub).map(({ host }) => host)).toEqual(['bimi.sub.post.example', 'mta-sts.sub.post.example']);
    expect(good(openHostKey(made.writer, made.writer.sealer, made.writer.zoneByName(ZONE)!.id, made.certificate()!)!)).toBeInstanceOf(
      Uint8Array,
    );
  });

  test('is read again when it changes; nothing is written while it does not', async () => {
    const made = await houseWithFile();
    const [first, second] = [await pemOf(), await pemOf()];
    made.put(`${first.cert}${first.key}`);
    await made.files.look();
    const generation = made.writer.generation();
    await made.files.look();
    expect(made.writer.generation()).toBe(generation);
    made.put(`${second.cert}${second.key}`);
    await made.files.look();
    expect(made.certificate()).toMatchObject({ chain: second.cert, keyVersion: 2 });
  });

  test('a zone that is made later gets it too', async () => {
    const made = await houseWithFile();
    const { cert, key } = await pemOf({ hosts: ['www.later.example'] });
    made.put(`${cert}${key}`);
    await made.files.look();
    await made.load('later.example.', '@ 60 SOA ns1 host 1 60 60 600 60\n@ 60 NS ns1\nns1 60 A 192.0.2.1\n', { parent: 'ignore' });
    await made.files.look();
    const later = made.writer.zones().find(({ name }) => name === 'later.example.')!;
    expect(made.control.certificates.list(later)).toMatchObject([{ host: 'www.later.example', served: { origin: 'file' } }]);
  });

  test('no CA is asked for a host that a file covers; when it has ended, one is', async () => {
    const made = await houseWithFile();
    await made.want();
    await made.live(60_000);
    expect(made.certificate()).toMatchObject({ origin: 'acme' });
    const { cert, key } = await pemOf();
    made.put(`${cert}${key}`);
    await made.files.look();
    await made.live(60_000);
    expect(made.certificate()).toMatchObject({ origin: 'file' });
    expect(made.state()!.lifecycle.objects).toEqual([]);
    await made.live(2 * DAY_MS);
    await made.want();
    await made.live(60_000);
    expect(made.certificate()).toMatchObject({ origin: 'acme' });
  });
});

describe('a file that is no good changes nothing, and an alert says once why', () => {
  const bad: [string, string, () => Promise<string>][] = [
    ['no key', 'no private key', async () => (await pemOf()).cert],
    ['no chain', 'no certificate', async () => (await pemOf()).key],
    ['another key', 'another key', async () => `${(await pemOf()).cert}${(await pemOf()).key}`],
    ['ended', 'has expired', async () => Object.values(await pemOf({ notAfterMs: TEST_NOW_MS - 1000 })).join('')],
    [
      'half written',
      'no private key',
      async () =>
        Object.values(await pemOf())
          .join('')
          .slice(0, -200),
    ],
    ['too large', 'octets', () => Promise.resolve('x'.repeat(300_000))],
  ];
  for (const [name, why, text] of bad)
    test(`because of ${name}`, async () => {
      const made = await houseWithFile();
      const first = await pemOf();
      made.put(`${first.cert}${first.key}`);
      await made.files.look();
      made.put(await text());
      await made.files.look();
      await made.files.look();
      expect(made.certificate()).toMatchObject({ chain: first.cert });
      expect(made.alerts()).toEqual([expect.stringContaining(why)]);
      expect(made.alerts()[0]).not.toContain(made.file);
      // It is put right.
      const next = await pemOf();
      made.put(`${next.cert}${next.key}`);
      await made.files.look();
      expect(made.certificate()).toMatchObject({ chain: next.cert });
    });

  test('because it is not there', async () => {
    const made = await houseWithFile();
    await made.files.look();
    expect(made.alerts()).toEqual([expect.stringContaining('CERTIFICATE_FILE')]);
  });
});

test('metrics have when certificates end, and how many are in each stage', async () => {
  const made = await certificateHouse();
  await made.want();
  await made.live(60_000);
  const of = (name: string) => made.control.metrics().find((each) => each.name === name)?.samples;
  expect(of('waxseal_certificate_expiry_timestamp_seconds')).toEqual([
    { labels: { zone: 'post.example.', host: HOST }, value: made.certificate()!.notAfterMs / 1000 },
  ]);
  expect(of('waxseal_certificates')).toEqual([{ labels: { stage: 'in-use' }, value: 1 }]);
  expect(of('waxseal_certificates_failing')).toEqual([{ labels: {}, value: 0 }]);
});

/** A host's certificate and its sealed key: written together, opened by the right key alone, gone with its zone. */
import { expect, test } from 'vitest';
import { createSealer } from '#store/seal.ts';
import { type HostCertificate, hostCertificateWrite, hostKeyWrite, openHostKey, readHostCertificate } from '#store/tls/host-certificate.ts';
import { TEST_NOW_MS, auditEvent, countedRandom, failureOf, nodeWrite, temporaryStore, zoneRecord } from '../../support/temporary-store.ts';

const HOST = 'mta-sts.example.com';
const CERTIFICATE: HostCertificate = {
  host: HOST,
  chain: '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n',
  keyVersion: 3,
  notBeforeMs: TEST_NOW_MS,
  notAfterMs: TEST_NOW_MS + 1000,
  origin: 'acme',
};
const SEALER = createSealer(new Uint8Array(32).fill(9), countedRandom());
const DER = Uint8Array.of(1, 2, 3);

async function storeWithCertificate() {
  const { writer } = temporaryStore();
  await writer.commit({ audit: auditEvent(), zones: { put: [zoneRecord(1, 'example.com.')] }, nodes: [nodeWrite(1, 'example.com.')] });
  await writer.commit({
    audit: auditEvent(),
    documents: [hostCertificateWrite(1, HOST, CERTIFICATE)],
    secrets: [hostKeyWrite(SEALER, 1, HOST, { der: DER, version: 3 })],
  });
  return writer;
}

test('chain and key are read as they were written', async () => {
  const writer = await storeWithCertificate();
  expect(readHostCertificate(writer, 1, HOST)).toEqual(CERTIFICATE);
  expect(openHostKey(writer, SEALER, 1, CERTIFICATE)).toMatchObject({ ok: true, value: DER });
  expect(readHostCertificate(writer, 1, 'other.example.com')).toBeUndefined();
});

test('the key opens neither under the key of DNSSEC keys, nor as another version or another host', async () => {
  const writer = await storeWithCertificate();
  expect(openHostKey(writer, writer.sealer, 1, CERTIFICATE)).toMatchObject({ ok: false });
  expect(openHostKey(writer, SEALER, 1, { ...CERTIFICATE, keyVersion: 2 })).toMatchObject({ ok: false });
  expect(openHostKey(writer, SEALER, 1, { ...CERTIFICATE, host: 'other.example.com' })).toBeUndefined();
});

test('a removed certificate leaves nothing', async () => {
  const writer = await storeWithCertificate();
  const documents = [hostCertificateWrite(1, HOST, null)];
  await writer.commit({ audit: auditEvent(), documents, secrets: [hostKeyWrite(SEALER, 1, HOST, null)] });
  expect(readHostCertificate(writer, 1, HOST)).toBeUndefined();
  expect(openHostKey(writer, SEALER, 1, CERTIFICATE)).toBeUndefined();
});

test('a damaged document is said to be one', async () => {
  const writer = await storeWithCertificate();
  await writer.commit({ audit: auditEvent(), documents: [{ ...hostCertificateWrite(1, HOST, null), value: { version: 1 } }] });
  expect(failureOf(() => readHostCertificate(writer, 1, HOST)).code).toBe('STORE_DAMAGED');
});

/** Certificates from CAs as numbers for Prometheus. */
import { expect, test } from 'vitest';
import { METRIC_ZONES_MAX } from '#base/limits/admin.ts';
import { CertificateCounts } from '#control/certificate/counts.ts';
import { type CertificateObject, newCertificatesState } from '#certificate/state.ts';
import { certificatesWrite } from '#store/tls/certificates.ts';
import { TEST_NOW_MS, temporaryStore, zoneRecord } from '../../support/temporary-store.ts';

const audit = { atMs: TEST_NOW_MS, actor: { kind: 'socket', id: 'test', from: '' }, action: 'test', detail: '' } as const;
const record = (id: number) => ({ ...zoneRecord(id, `z${id}.example.`, 1), dnssec: 'off' as const });

function certificate(id: string, host: string, stage: string, notAfterMs?: number): CertificateObject {
  const issued = { directory: '', keyVersion: 1, serial: '1', issuer: '', notBeforeMs: 0, notAfterMs: notAfterMs ?? 0 };
  const failure = { code: 'ACME_CAA', message: 'no', sinceMs: 0 } as const;
  const data = notAfterMs === undefined ? { host, failure } : { host, issued };
  const times = { createdAtMs: 0, enteredAtMs: 0 };
  return { id, group: host, stage, data, ...times, seen: [], confirmed: {}, overrides: [], history: [] };
}

const state = (...objects: readonly CertificateObject[]) => ({
  ...newCertificatesState(),
  lifecycle: { version: 1 as const, objects },
});

const samplesOf = (counts: CertificateCounts, name: string) => counts.families().find((family) => family.name === name)?.samples;

test('the end of the certificate in use of each host, stages, and those that do not continue', async () => {
  const { writer } = temporaryStore();
  const counts = new CertificateCounts(writer);
  expect(samplesOf(counts, 'waxseal_certificates_failing')).toEqual([{ labels: {}, value: 0 }]);
  const now = state(certificate('c1', 'mx.z1.example', 'in-use', 9000), certificate('c2', 'mx.z1.example', 'wanted'));
  await writer.commit({ audit, zones: { put: [record(1)] }, documents: [certificatesWrite(1, now)] });
  expect(samplesOf(counts, 'waxseal_certificate_expiry_timestamp_seconds')).toEqual([
    { labels: { zone: 'z1.example.', host: 'mx.z1.example' }, value: 9 },
  ]);
  const stages = ['in-use', 'wanted'].map((stage) => ({ labels: { stage }, value: 1 }));
  expect(samplesOf(counts, 'waxseal_certificates')).toEqual(stages);
  expect(samplesOf(counts, 'waxseal_certificates_failing')).toEqual([{ labels: {}, value: 1 }]);
  const next = state(certificate('c2', 'mx.z1.example', 'in-use', 99_000));
  await writer.commit({ audit, documents: [certificatesWrite(1, next)] });
  expect(samplesOf(counts, 'waxseal_certificate_expiry_timestamp_seconds')?.map(({ value }) => value)).toEqual([99]);
  await writer.commit({ audit, zones: { remove: [1] } });
  expect(samplesOf(counts, 'waxseal_certificate_expiry_timestamp_seconds')).toEqual([]);
});

test('of many hosts those that end first; until all zones were read, nothing', async () => {
  const { writer } = temporaryStore();
  const count = METRIC_ZONES_MAX + 1;
  const ids = Array.from({ length: count }, (_, at) => at + 1);
  const documents = ids.map((id) => certificatesWrite(id, state(certificate('c', `h.z${id}`, 'in-use', 1000 * (count - id)))));
  await writer.commit({ audit, zones: { put: ids.map(record) }, documents });
  const counts = new CertificateCounts(writer);
  expect(counts.families()).toEqual([]);
  await expect.poll(() => counts.families().length, { timeout: 20_000, interval: 100 }).toBe(3);
  const ends = samplesOf(counts, 'waxseal_certificate_expiry_timestamp_seconds')!;
  expect([ends.length, ends[0]?.value, ends.at(-1)?.value]).toEqual([METRIC_ZONES_MAX, 0, METRIC_ZONES_MAX - 1]);
});

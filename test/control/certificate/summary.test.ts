/** The certificates of all zones in short: those in trouble first, then those that end first. */
import { expect, test } from 'vitest';
import { CERTIFICATE_STATUS_MAX } from '#base/limits/acme.ts';
import { hostCertificateWrite } from '#store/tls/host-certificate.ts';
import { auditEvent } from '../../support/temporary-store.ts';
import { HOST, TEST_NOW_MS, ZONE, certificateHouse } from '../../support/acme/certificate-house.ts';
import { fullFor, installsCertificate } from '../../support/full-store.ts';

const DAY_MS = 86_400_000;

test('nothing at first; then a host that waits for its first certificate, and one that has it', async () => {
  const made = await certificateHouse();
  const summary = () => made.control.certificates.summary();
  expect(summary()).toEqual({ count: 0, inTrouble: 0, first: [], isPartial: false });
  await made.want();
  const waiting = [{ zone: 'post.example.', host: HOST }];
  expect(summary()).toEqual({ count: 0, inTrouble: 0, first: waiting, isPartial: false });
  await made.live(60_000);
  const { notAfterMs } = made.certificate()!;
  const first = [{ zone: 'post.example.', host: HOST, notAfterMs }];
  expect(summary()).toEqual({ count: 1, inTrouble: 0, nextExpiryMs: notAfterMs, first, isPartial: false });
});

test('those in trouble first: one that the store does not take, one that has ended', async () => {
  const made = await certificateHouse();
  const zoneId = made.writer.zoneByName(ZONE)!.id;
  const value = { chain: '', keyVersion: 1, notBeforeMs: 0, origin: 'file' } as const;
  const hostAt = (at: number) => ({ host: `h${at}.post.example`, days: 50 - at });
  const hosts = Array.from({ length: CERTIFICATE_STATUS_MAX + 5 }, (_, at) => hostAt(at));
  const documents = [...hosts, { host: 'ended.post.example', days: -1 }].map(({ host, days }) =>
    hostCertificateWrite(zoneId, host, { ...value, host, notAfterMs: TEST_NOW_MS + days * DAY_MS }),
  );
  await made.writer.commit({ audit: auditEvent(), documents });
  await made.want();
  fullFor(made.writer, installsCertificate);
  await made.live(60_000);
  const { count, inTrouble, nextExpiryMs, first, isPartial } = made.control.certificates.summary();
  expect({ count, inTrouble, isPartial }).toEqual({ count: hosts.length + 1, inTrouble: 2, isPartial: false });
  expect(nextExpiryMs).toBe(TEST_NOW_MS - DAY_MS);
  expect(first).toHaveLength(CERTIFICATE_STATUS_MAX);
  const [full, ended, ...others] = first;
  expect(full).toMatchObject({ host: HOST, trouble: { code: 'STORE_FULL', message: 'no space is left' } });
  expect(full!.trouble!.retryAtMs! - made.clock.nowMs()).toBeLessThanOrEqual(60_000);
  const end = { code: 'CERTIFICATE_EXPIRING', message: 'it has ended' };
  expect(ended).toMatchObject({ host: 'ended.post.example', trouble: end });
  expect(others.every(({ trouble }) => trouble === undefined)).toBe(true);
  const soonest = hosts.toReversed().slice(0, others.length);
  expect(others.map(({ host }) => host)).toEqual(soonest.map(({ host }) => host));
});

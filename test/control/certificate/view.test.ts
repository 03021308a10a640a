/** How certificates stand, for people. */
import { expect, test } from 'vitest';
import { hostCertificateWrite } from '#store/tls/host-certificate.ts';
import { HOST, TEST_NOW_MS, ZONE, certificateHouse } from '../../support/acme/certificate-house.ts';

test('on its way, in use, and being renewed', async () => {
  const made = await certificateHouse();
  await made.want();
  expect(made.view()).toMatchObject({ host: HOST, reason: 'ordered', stage: 'wanted', coming: 'wanted' });
  expect(made.view()!.lines.slice(0, 2)).toEqual([`${HOST} has no certificate yet`, 'the first one is wanted']);
  await made.live(60_000);
  expect(made.view()!.lines).toEqual([
    `${HOST} has a certificate from a CA (CN=Mock CA) until 2026-03-31 23:00 UTC`,
    expect.stringMatching(/^renewal 2026-02-2\d \d\d:\d\d UTC$/),
  ]);
  await made.want();
  expect(made.view()).toMatchObject({ stage: 'in-use', coming: 'wanted' });
  expect(made.view()!.lines).toContain('the next one is wanted');
});

test('a certificate that comes from elsewhere is shown too', async () => {
  const made = await certificateHouse();
  const zoneId = made.writer.zoneByName(ZONE)!.id;
  const value = { host: HOST, chain: '', keyVersion: 1, notBeforeMs: 0, notAfterMs: TEST_NOW_MS, origin: 'self-signed' } as const;
  await made.writer.commit({ audit: { atMs: 0 }, documents: [hostCertificateWrite(zoneId, HOST, value)] });
  expect(made.view()).toMatchObject({
    stage: 'none',
    lines: [`${HOST} has a certificate signed by this server until 2026-01-01 00:00 UTC`],
  });
});

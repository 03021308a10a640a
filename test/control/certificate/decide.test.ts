/** Commands about certificates: what they change, and what they reject. */
import { expect, test } from 'vitest';
import { CERTIFICATE_HOSTS_PER_ZONE_MAX } from '#base/limits/acme.ts';
import { nameOf } from '#dns/name.ts';
import { HOST, ZONE, certificateHouse } from '../../support/acme/certificate-house.ts';
import { bad, good } from '../../support/temporary-control.ts';

test('an order is taken once: the second changes nothing', async () => {
  const made = await certificateHouse();
  expect(good(await made.run({ kind: 'certificate.want', zone: ZONE, host: HOST }))).toMatchObject({ changed: true });
  expect(good(await made.run({ kind: 'certificate.want', zone: ZONE, host: HOST }))).toMatchObject({ changed: false });
  expect(made.state()!.wishes).toHaveLength(1);
});

test('a dry run changes nothing', async () => {
  const made = await certificateHouse();
  expect(good(await made.run({ kind: 'certificate.renew', zone: ZONE, host: HOST }, { dryRun: true }))).toMatchObject({ changed: true });
  expect(made.state()).toBeUndefined();
});

test('one zone cannot take all: orders have a limit', async () => {
  const made = await certificateHouse();
  for (let at = 0; at < CERTIFICATE_HOSTS_PER_ZONE_MAX; at++)
    good(await made.run({ kind: 'certificate.want', zone: ZONE, host: `h${at}.post.example` }));
  const rejected = bad(await made.run({ kind: 'certificate.want', zone: ZONE, host: 'one-more.post.example' }));
  expect(rejected.map(({ code }) => code)).toEqual(['CERTIFICATE_MANY']);
});

test('a zone that is not served', async () => {
  const made = await certificateHouse();
  const rejected = bad(await made.run({ kind: 'certificate.want', zone: nameOf('other.example.'), host: 'www.other.example' }));
  expect(rejected.map(({ code }) => code)).toEqual(['ZONE_NOT_FOUND']);
});

test('a host below a delegation is the matter of those who serve it', async () => {
  const made = await certificateHouse();
  const records = ['ns1.elsewhere.example.'];
  const operations = [{ op: 'set', name: 'sub', type: 'NS', ttl: 60, records } as const];
  good(await made.run({ kind: 'rrsets.change', zone: ZONE, operations }));
  const rejected = bad(await made.run({ kind: 'certificate.want', zone: ZONE, host: 'www.sub.post.example' }));
  expect(rejected[0]).toMatchObject({ code: 'CERTIFICATE_HOST', message: 'www.sub.post.example stands below a delegation or DNAME' });
});

test('each order stands in the audit log, with who gave it', async () => {
  const made = await certificateHouse();
  await made.want();
  expect(made.control.audit.entries(1)).toMatchObject([
    { action: 'certificate.renew', actor: { id: 'test' }, detail: expect.stringContaining(HOST) },
  ]);
});

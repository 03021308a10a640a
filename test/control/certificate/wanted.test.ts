/** Hosts that want a certificate without being ordered: that of MTA-STS, while it leads to this server. */
import { expect, test } from 'vitest';
import { HOST, ZONE, certificateHouse } from '../../support/acme/certificate-house.ts';
import { good } from '../../support/temporary-control.ts';

const POLICY = { mtaSts: { mode: 'testing' }, dkim: { algorithms: ['ed25519'] } };
const HOUR_MS = 3_600_000;

test('a mail policy with MTA-STS gets its host a certificate by itself, and its life continues with it', async () => {
  const policyHost = { addresses: ['193.0.14.129'], host: undefined, isServing: true };
  const made = await certificateHouse({ policyHost, sources: ['mail', 'certificate'] });
  good(await made.run({ kind: 'mail.apply', zone: ZONE, policy: POLICY }));
  await made.live(3 * HOUR_MS);
  expect(made.view()).toMatchObject({ host: HOST, reason: 'MTA-STS', stage: 'in-use', served: { origin: 'acme' } });
  const host = made.control.mail.view(made.writer.zoneByName(ZONE)!)!.explanations.find((each) => each.machine === 'mta-sts-policy-host');
  expect(host).toMatchObject({ stage: 'ready' });
});

test('without a policy host nothing is wanted for it', async () => {
  const made = await certificateHouse({ sources: ['mail', 'certificate'] });
  good(await made.run({ kind: 'mail.apply', zone: ZONE, policy: POLICY }));
  await made.live(3 * HOUR_MS);
  expect(made.view()).toBeUndefined();
  expect(made.ca.asked).toEqual([]);
});

test('RFC 7858: the host of DNS over TLS gets one, in the zone that it is in and in no other', async () => {
  const dotHost = 'ns1.post.example';
  const made = await certificateHouse({ dotHost, zones: ['post.example.', 'other.example.'], sources: ['mail', 'certificate'] });
  await made.live(3 * HOUR_MS);
  const list = (zone: string) => made.control.certificates.list(made.writer.zones().find(({ name }) => name === zone)!);
  expect(list('post.example.')).toMatchObject([{ host: dotHost, reason: 'DNS over TLS', stage: 'in-use', served: { origin: 'acme' } }]);
  expect(list('other.example.')).toEqual([]);
});

test('a policy that goes takes the certificate with it', async () => {
  const policyHost = { addresses: ['193.0.14.129'], host: undefined, isServing: true };
  const made = await certificateHouse({ policyHost, sources: ['mail', 'certificate'] });
  good(await made.run({ kind: 'mail.apply', zone: ZONE, policy: POLICY }));
  await made.live(3 * HOUR_MS);
  good(await made.run({ kind: 'mail.remove', zone: ZONE, records: 'delete' }));
  await made.live(60_000);
  expect(made.certificate()).toBeUndefined();
  expect(made.view()).toBeUndefined();
});

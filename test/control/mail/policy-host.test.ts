/** The policy host of the configuration: what zones publish of it, how a plan says so, and who is woken when it changes. */
import { describe, expect, test } from 'vitest';
import { policyHostFacts } from '#control/mail/policy-host.ts';
import { formatName, nameOf, ownerKey } from '#dns/name.ts';
import { formatRdata, typeName } from '#dns/registry.ts';
import { hostCertificateWrite } from '#store/tls/host-certificate.ts';
import { fullFor } from '../../support/full-store.ts';
import { auditEvent, temporaryStore } from '../../support/temporary-store.ts';
import { good, MAIL_ZONE_TEXT, temporaryControl, type TestControl } from '../../support/temporary-control.ts';

const ZONE = nameOf('post.example.');
const HOST = nameOf('mta-sts.post.example.');
const POLICY = { dkim: { algorithms: [] }, mtaSts: { mode: 'testing' } };
const ADDRESSES = { addresses: ['9.9.9.9', '2620:fe::9'], host: undefined, isServing: false };
const PROVIDED = { addresses: [], host: 'policy.provider.example', isServing: false };

/** What stands at a host, with the manager. */
function at({ writer }: TestControl, zone = ZONE, host = HOST): string[] {
  const node = writer.view(writer.zoneByName(zone)!).node(ownerKey(host));
  const put = (node?.rrsets ?? []).filter(({ manager }) => manager !== 'dnssec');
  return put.flatMap(({ type, rdatas, manager }) => rdatas.map((rdata) => `${typeName(type)} ${formatRdata(type, rdata)} ${manager}`));
}

test('of a configuration without addresses and host nothing is known', () => {
  const { writer } = temporaryStore();
  expect(policyHostFacts({ addresses: [], host: undefined, isServing: true }, writer, ZONE, 0)).toBeUndefined();
  const facts = policyHostFacts(PROVIDED, writer, ZONE, 0);
  expect([formatName(facts!.host!), facts!.certificate]).toEqual(['policy.provider.example.', undefined]);
});

test('whether there is a certificate that can be used now', async () => {
  const made = temporaryControl({ policyHost: { ...ADDRESSES, isServing: true } });
  await made.load('post.example.', MAIL_ZONE_TEXT);
  const { id } = made.writer.zoneByName(ZONE)!;
  const host = 'mta-sts.post.example';
  const [beginMs, endMs] = [Date.UTC(2026, 10, 1), Date.UTC(2027, 0, 30)];
  const seen = (nowMs: number) => policyHostFacts({ ...ADDRESSES, isServing: true }, made.writer, ZONE, nowMs)?.certificate;
  expect(seen(beginMs)).toEqual({ isThere: false, text: `${host} has no certificate yet: waxseal cert show ${host}` });
  const document = { host, chain: 'PEM', keyVersion: 1, notBeforeMs: beginMs, notAfterMs: endMs, origin: 'acme' } as const;
  await made.writer.commit({ audit: auditEvent(), documents: [hostCertificateWrite(id, host, document)] });
  expect(seen(beginMs)).toEqual({ isThere: true, text: 'its certificate is valid until 2027-01-30 00:00 UTC' });
  expect(seen(beginMs - 1)?.text).toContain('its certificate begins on 2026-11-01 00:00 UTC');
  expect(seen(endMs)?.text).toContain('its certificate ended on 2027-01-30 00:00 UTC');
});

describe('a plan', () => {
  test('has the host’s records, and says when they lead nowhere', async () => {
    const made = temporaryControl({ policyHost: { ...ADDRESSES, addresses: ['9.9.9.9', '10.1.2.3'] } });
    await made.load('post.example.', MAIL_ZONE_TEXT);
    const planned = await made.run({ kind: 'mail.apply', zone: ZONE, policy: POLICY }, { dryRun: true });
    const { changeset, warnings: told } = good(planned);
    const added = changeset.added.filter((line) => /^mta-sts\.post\.example\. 3600 (?:IN )?A /.test(line));
    expect(added.map((line) => line.split(' ').at(-1) ?? '').toSorted()).toEqual(['10.1.2.3', '9.9.9.9']);
    const warnings = told.filter(({ code }) => code === 'MAIL_STS_HOST');
    expect(warnings.map(({ message }) => message)).toEqual(['it gets the address 10.1.2.3, which no sender outside can reach']);
    expect(at(made)).toEqual([]);
  });

  test('leaves a host alone that was imported with its policy', async () => {
    const made = temporaryControl({ policyHost: ADDRESSES });
    await made.load('post.example.', `${MAIL_ZONE_TEXT}\nmta-sts 3600 A 203.0.113.9\n_mta-sts 3600 TXT "v=STSv1; id=1;"\n`);
    const record = made.writer.zoneByName(ZONE)!;
    const { document } = await made.control.mail.proposal(record);
    expect(document.mtaSts).toEqual({ mode: 'external', id: '1' });
    good(await made.run({ kind: 'mail.apply', zone: ZONE, policy: document }));
    expect(at(made)).toEqual(['A 203.0.113.9 manual']);
    // And when this server is to announce it, the host is still the operator's.
    const applied = await made.run({
      kind: 'mail.apply',
      zone: ZONE,
      policy: { ...document, mtaSts: { mode: 'testing' } },
      takeOver: false,
    });
    expect(good(applied).warnings?.map(({ code }) => code)).toContain('MAIL_STS_HOST');
    expect(at(made)).toEqual(['A 203.0.113.9 manual']);
    good(await made.run({ kind: 'mail.apply', zone: ZONE, policy: { ...document, mtaSts: { mode: 'testing' } }, takeOver: true }));
    expect(at(made)).toEqual(['A 9.9.9.9 mail', 'AAAA 2620:fe::9 mail']);
  });
});

describe('records by hand', () => {
  test('a host that is led elsewhere by hand is seen at once', async () => {
    const made = temporaryControl({ policyHost: ADDRESSES });
    await made.load('post.example.', MAIL_ZONE_TEXT);
    good(await made.run({ kind: 'mail.apply', zone: ZONE, policy: POLICY }));
    expect(at(made)).toEqual(['A 9.9.9.9 mail', 'AAAA 2620:fe::9 mail']);
    const changed = await made.run({
      kind: 'rrsets.change',
      zone: ZONE,
      operations: [{ op: 'set', name: 'mta-sts', type: 'A', ttl: 300, records: ['203.0.113.9'] }],
    });
    expect(changed.ok ? [] : changed.problems.map(({ code }) => code)).toEqual(['RRSET_MANAGED']);
  });
});

describe('another configuration', () => {
  test('every zone with a mail policy follows after the start, once', async () => {
    const first = temporaryControl({ policyHost: ADDRESSES, sources: ['mail'] });
    for (const zone of ['post.example.', 'plain.example.']) await first.load(zone, MAIL_ZONE_TEXT);
    good(await first.run({ kind: 'mail.apply', zone: ZONE, policy: POLICY }));
    await first.live(1000);
    await first.control.close();

    const second = temporaryControl({
      in: first.dir,
      nowMs: first.clock.nowMs(),
      policyHost: PROVIDED,
      sources: ['mail'],
    });
    await second.live(60_000);
    expect(at(second)).toEqual(['CNAME policy.provider.example. mail']);
    const { serial } = second.writer.zoneByName(ZONE)!;
    await second.control.close();

    const third = temporaryControl({
      in: first.dir,
      nowMs: second.clock.nowMs(),
      policyHost: PROVIDED,
      sources: ['mail'],
    });
    await third.live(60_000);
    expect(third.writer.zoneByName(ZONE)!.serial).toBe(serial);
    // Without any, what senders look for stays.
    await third.control.close();
    const fourth = temporaryControl({ in: first.dir, nowMs: third.clock.nowMs(), sources: ['mail'] });
    await fourth.live(60_000);
    expect(at(fourth)).toEqual(['CNAME policy.provider.example. mail']);
  });
});

test('another configuration while running: zones with a mail policy follow at once, and not again after a start', async () => {
  const made = temporaryControl({ policyHost: ADDRESSES, sources: ['mail'] });
  for (const zone of ['post.example.', 'plain.example.']) await made.load(zone, MAIL_ZONE_TEXT);
  good(await made.run({ kind: 'mail.apply', zone: ZONE, policy: POLICY }));
  await made.live(1000);
  good(await made.control.publishPolicyHost({ addresses: ['9.9.9.10'], host: undefined }));
  await made.live(1000);
  expect(at(made)).toEqual(['A 9.9.9.10 mail']);
  good(await made.control.publishPolicyHost(PROVIDED));
  await made.live(1000);
  expect(at(made)).toEqual(['CNAME policy.provider.example. mail']);
  // The same again changes nothing.
  const { serial } = made.writer.zoneByName(ZONE)!;
  good(await made.control.publishPolicyHost(PROVIDED));
  await made.live(1000);
  expect(made.writer.zoneByName(ZONE)!.serial).toBe(serial);
  await made.control.close();
  const second = temporaryControl({ in: made.dir, nowMs: made.clock.nowMs(), policyHost: PROVIDED, sources: ['mail'] });
  await second.live(5000);
  expect(second.writer.zoneByName(ZONE)!.serial).toBe(serial);
});

test('another configuration that a full disk does not let be noted: said, and done when it is given again', async () => {
  const made = temporaryControl({ policyHost: ADDRESSES, sources: ['mail'] });
  await made.load('post.example.', MAIL_ZONE_TEXT);
  good(await made.run({ kind: 'mail.apply', zone: ZONE, policy: POLICY }));
  await made.live(1000);
  const full = fullFor(made.writer);
  const told = await made.control.publishPolicyHost(PROVIDED);
  expect(told.ok ? [] : told.problems.map(({ code }) => code)).toEqual(['STORE_FULL']);
  full.mockRestore();
  good(await made.control.publishPolicyHost(PROVIDED));
  await made.live(1000);
  expect(at(made)).toEqual(['CNAME policy.provider.example. mail']);
});

test('a provider’s host in one of our own zones', async () => {
  const made = temporaryControl({ policyHost: PROVIDED });
  await made.load('provider.example.', `${MAIL_ZONE_TEXT}\npolicy 3600 A 9.9.9.9\n`);
  await made.load('post.example.', `${MAIL_ZONE_TEXT}\nmta-sts 3600 A 9.9.9.9\n`);
  const provider = nameOf('provider.example.');
  for (const zone of [ZONE, provider]) good(await made.run({ kind: 'mail.apply', zone, policy: POLICY }));
  expect(at(made, provider, nameOf('mta-sts.provider.example.'))).toEqual(['CNAME policy.provider.example. mail']);
  // The customer put the provider's address there: that leads here too, and stays as it is.
  expect(at(made)).toEqual(['A 9.9.9.9 manual']);
  const view = made.control.mail.view(made.writer.zoneByName(ZONE)!)!;
  expect(view.state.mtaSts.policyHost?.objects[0]).toMatchObject({ stage: 'published', data: { kind: 'here' } });
});

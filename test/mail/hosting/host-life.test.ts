/** Hosts of one domain are apart: the record, certificate and end of one say nothing of the other. */
import { describe, expect, test } from 'vitest';
import { type PolicyHostFacts } from '#mail/hosting/host-life.ts';
import { isBimiHostHere } from '#mail/bimi/host.ts';
import { isPolicyHostHere, isPolicyHostReady } from '#mail/mta-sts/policy-host.ts';
import { BASE, DAY_MS, HOUR_MS, lines, MailDomain, policyOf } from '../../support/mail/mail-domain.ts';

const POLICY = {
  dkim: { algorithms: [] },
  spf: { enabled: false },
  tlsRpt: { rua: [] },
  mtaSts: { mode: 'testing' },
  bimi: { hosted: true },
};
const HAVE = { isThere: true, text: 'valid' };
const HAVE_NOT = { isThere: false, text: 'no certificate yet' };
const BOTH: PolicyHostFacts = { addresses: ['9.9.9.9'], unreachable: [], certificate: HAVE, bimiCertificate: HAVE };

function domainWith(facts: PolicyHostFacts, records: readonly string[] = []): MailDomain {
  const domain = new MailDomain(POLICY, [...BASE, ...records]);
  domain.policyHost = facts;
  domain.bimiUploads = { default: { logo: `${'a'.repeat(32)}.svg` } };
  domain.step();
  domain.look(1000);
  domain.step(HOUR_MS);
  return domain;
}
const stagesOf = ({ state }: MailDomain) => [state.mtaSts.policyHost?.objects[0]?.stage, state.bimi?.host.objects[0]?.stage];
const hosts = (domain: MailDomain) => lines(domain.last!.records).filter((line) => / (?:A|CNAME) /.test(line));

test('both have the addresses of this server, or are aliases of its host', () => {
  const domain = domainWith(BOTH);
  expect(stagesOf(domain)).toEqual(['ready', 'ready']);
  expect(hosts(domain)).toEqual(['bimi 3600 A 9.9.9.9', 'mta-sts 3600 A 9.9.9.9']);
});

test('each waits for its own certificate', () => {
  expect(stagesOf(domainWith({ ...BOTH, bimiCertificate: HAVE_NOT }))).toEqual(['ready', 'visible']);
  expect(stagesOf(domainWith({ ...BOTH, certificate: HAVE_NOT }))).toEqual(['visible', 'ready']);
});

test('a record put by hand at one leaves the other', () => {
  const domain = domainWith(BOTH, ['mta-sts 300 A 192.0.2.77']);
  expect(stagesOf(domain)).toEqual(['elsewhere', 'ready']);
  expect([isPolicyHostHere(domain.state.mtaSts), isBimiHostHere(domain.state.bimi!)]).toEqual([false, true]);
});

describe('the end', () => {
  test('MTA-STS that ends leaves the host of the logo', () => {
    const domain = domainWith(BOTH);
    domain.policy = policyOf({ ...POLICY, mtaSts: { mode: 'off' } });
    domain.step(1000);
    domain.step(DAY_MS);
    expect(stagesOf(domain)).toEqual([undefined, 'ready']);
    expect(hosts(domain)).toEqual(['bimi 3600 A 9.9.9.9']);
  });

  test('a logo that goes leaves the policy host', () => {
    const domain = domainWith(BOTH);
    domain.bimiUploads = {};
    domain.step(1000);
    domain.step(DAY_MS);
    expect(stagesOf(domain)).toEqual(['ready', undefined]);
    expect([hosts(domain), isPolicyHostReady(domain.state.mtaSts)]).toEqual([['mta-sts 3600 A 9.9.9.9'], true]);
  });
});

test('a server that is found nowhere any more leaves the hosts, and says so of each', () => {
  const domain = domainWith(BOTH);
  domain.policyHost = undefined;
  domain.step(1000);
  expect(hosts(domain)).toHaveLength(2);
  const told = domain.last!.problems.filter(({ message }) => message.includes('neither https.addresses nor https.host'));
  expect(told.map(({ code }) => code).toSorted()).toEqual(['MAIL_BIMI_HOST', 'MAIL_STS_HOST']);
});

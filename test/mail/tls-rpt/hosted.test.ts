/** RFC 8460 §3: the address of the policy host among those of a record; and when it is published. */
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { namesReportHost, tlsReportUri } from '#mail/tls-rpt/hosted.ts';
import { HOUR_MS, lines, MailDomain, policyOf } from '../../support/mail/mail-domain.ts';

const HOST = 'mta-sts.example.com';
const OWN = 'https://mta-sts.example.com/tlsrpt';

test('the address is below the policy host', () => {
  expect(tlsReportUri(nameOf('Example.com.'))).toBe(OWN);
});

test.each([
  [OWN, true],
  ['https://MTA-STS.example.com/tlsrpt', true],
  ['https://mta-sts.example.com:443/tlsrpt', true],
  ['http://mta-sts.example.com/tlsrpt', false],
  ['https://mta-sts.example.com:8443/tlsrpt', false],
  ['https://mta-sts.example.com/tlsrpt/', false],
  ['https://mta-sts.example.com/tlsrpt?x', false],
  ['https://mta-sts.example.com.evil.example/tlsrpt', false],
  ['mailto:tls@mta-sts.example.com', false],
  ['nonsense', false],
])('%s names the host: %s', (uri, isIt) => {
  expect(namesReportHost([uri], HOST)).toBe(isIt);
});

describe('tlsRpt.hosted', () => {
  const document = (tlsRpt: object) => ({ dkim: { algorithms: [] }, mtaSts: { mode: 'testing' }, tlsRpt });
  const record = (domain: MailDomain) => lines(domain.last!.records).find((line) => line.startsWith('_smtp._tls'));
  const codes = (domain: MailDomain) => domain.last!.problems.map(({ code }) => code);

  test('alone, or beside others', () => {
    expect(policyOf(document({ hosted: true })).tlsRptUris).toEqual([OWN]);
    expect(policyOf(document({ hosted: true, rua: ['mailto:tls@example.com'] })).tlsRptUris).toEqual(['mailto:tls@example.com', OWN]);
    expect(policyOf(document({ hosted: true, rua: [OWN] })).tlsRptUris).toEqual([OWN]);
    expect(policyOf(document({})).tlsRptUris).toEqual(['mailto:postmaster@example.com']);
  });

  test('is published when senders can post there', () => {
    const domain = new MailDomain(document({ hosted: true }));
    domain.policyHost = { addresses: ['9.9.9.9'], unreachable: [] };
    domain.step();
    expect([record(domain), codes(domain)]).toEqual([undefined, ['MAIL_STS_HOST']]);
    domain.look(1000);
    domain.step(HOUR_MS);
    expect([record(domain), codes(domain)]).toEqual([`_smtp._tls 3600 TXT "v=TLSRPTv1; rua=${OWN}"`, []]);
  });

  test('without a policy host here only the others are', () => {
    const domain = new MailDomain(document({ hosted: true, rua: ['mailto:tls@example.com'] }));
    domain.step();
    expect([record(domain), codes(domain)]).toEqual(['_smtp._tls 3600 TXT "v=TLSRPTv1; rua=mailto:tls@example.com"', ['MAIL_STS_HOST']]);
  });
});

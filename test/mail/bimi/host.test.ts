/** The host of a logo where the zone has something at its name, and where the server cannot be found. */
import { expect, test } from 'vitest';
import { bimiHostRecords, isBimiHostHere } from '#mail/bimi/host.ts';
import { BASE, lines, MailDomain } from '../../support/mail/mail-domain.ts';

const POLICY = {
  dkim: { algorithms: [] },
  dmarc: { policy: 'reject', ramp: { enabled: false }, rua: [] },
  mtaSts: { mode: 'off' },
  tlsRpt: { rua: [] },
  bimi: { hosted: true },
};
const UPLOADS = { default: { logo: `${'a'.repeat(32)}.svg` } };

function domainWith(records: readonly string[], policyHost: MailDomain['policyHost'] = { addresses: ['9.9.9.9'], unreachable: [] }) {
  const domain = new MailDomain(POLICY, [...BASE, ...records]);
  domain.policyHost = policyHost;
  domain.bimiUploads = UPLOADS;
  domain.step();
  return domain;
}
const host = (domain: MailDomain) => domain.state.bimi!.host.objects[0];
const warnings = (domain: MailDomain) =>
  domain.last!.problems.filter(({ code }) => code === 'MAIL_BIMI_HOST').map(({ message }) => message);

test('addresses of this server', () => {
  const domain = domainWith([]);
  expect(lines(domain.last!.changes)).toContain('bimi 3600 A 9.9.9.9');
  expect([isBimiHostHere(domain.state.bimi!), bimiHostRecords(domain.state.bimi!)]).toEqual([true, ['A 9.9.9.9']]);
});

test('a record put by hand that leads elsewhere stays, and is named', () => {
  const domain = domainWith(['bimi 300 A 192.0.2.77']);
  expect([host(domain)?.stage, isBimiHostHere(domain.state.bimi!)]).toEqual(['elsewhere', false]);
  expect(warnings(domain)).toEqual(['bimi.example.com A 192.0.2.77 was put by hand and leads elsewhere']);
});

test('a delegated host belongs to another zone', () => {
  const domain = domainWith(['bimi 300 NS ns.example.net.']);
  expect([host(domain)?.stage, bimiHostRecords(domain.state.bimi!)]).toEqual(['elsewhere', []]);
});

test('no address that receivers can reach', () => {
  expect(warnings(domainWith([], { addresses: ['127.0.0.1'], unreachable: ['127.0.0.1'] }))).toEqual([
    expect.stringContaining('127.0.0.1, which no sender outside can reach'),
  ]);
});

test('a server that says nowhere how it is found publishes no host; the look from outside decides', () => {
  const domain = new MailDomain(POLICY);
  domain.bimiUploads = UPLOADS;
  domain.step();
  expect([host(domain), lines(domain.last!.records).filter((line) => line.startsWith('bimi '))]).toEqual([undefined, []]);
  domain.look(1000);
  expect(lines(domain.last!.records).filter((line) => line.includes('_bimi'))).toHaveLength(1);
});

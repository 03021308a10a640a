/** The records that a policy and the state of its life cycles come to, kind by kind. */
import { describe, expect, test } from 'vitest';
import { formatPlace } from '#base/place.ts';
import { type Name, equalNames, formatName, nameOf } from '#dns/name.ts';
import { formatRdata, typeName } from '#dns/registry.ts';
import { reportConsent, wantedRecords } from '#mail/compile-records.ts';
import { newMailState } from '#mail/state.ts';
import { APEX, BASE, MailDomain, START_MS, lines, policyOf, zoneOf } from '../support/mail/mail-domain.ts';

const OFF = { dkim: { algorithms: [] }, dmarc: { enabled: false }, mtaSts: { mode: 'off' }, tlsRpt: { rua: [] } };
const TLSA = `3 1 1 ${'AB'.repeat(32)}`;

/** `purpose: owner TTL TYPE rdata` of each record, on the first day. */
function wanted(document: object, domain: Name = APEX): string[] {
  const found = wantedRecords(domain, policyOf({ ...OFF, ...document }, domain), newMailState(zoneOf(BASE), APEX, START_MS), () => true);
  expect(found.problems).toEqual([]);
  return found.rrsets.flatMap(({ owner, type, ttl, rdatas, purpose }) =>
    rdatas.map((rdata) => `${purpose}: ${formatName(owner)} ${ttl} ${typeName(type)} ${formatRdata(type, rdata)}`),
  );
}

describe('one kind at a time', () => {
  test.each([
    ['nothing', {}, []],
    [
      'DMARC begins with none',
      { dmarc: { rua: ['mailto:d@example.com'] }, ttl: { dmarc: '5m' } },
      ['DMARC policy none: _dmarc.example.com. 300 TXT "v=DMARC1; p=none; rua=mailto:d@example.com"'],
    ],
    [
      'RFC 9990 §4: consent to reports of another domain, also without DMARC of its own',
      { dmarc: { enabled: false, acceptReportsOf: ['other.example'] } },
      ['consent to DMARC reports: other.example._report._dmarc.example.com. 3600 TXT "v=DMARC1"'],
    ],
    [
      'RFC 8460 §3: TLS reporting',
      { tlsRpt: { rua: ['mailto:t@example.com', 'https://r.example/v1'] } },
      ['TLS reporting: _smtp._tls.example.com. 3600 TXT "v=TLSRPTv1; rua=mailto:t@example.com,https://r.example/v1"'],
    ],
    [
      'RFC 8461 §3.1: MTA-STS that others serve',
      { mtaSts: { mode: 'external', id: 'abc' } },
      ['MTA-STS (served by others): _mta-sts.example.com. 3600 TXT "v=STSv1; id=abc;"'],
    ],
    [
      'RFC 8461 §3.1: MTA-STS that others keep',
      { mtaSts: { mode: 'external', target: 'sts.esp.example' } },
      ['MTA-STS (kept by others): _mta-sts.example.com. 3600 CNAME sts.esp.example.'],
    ],
    ['MTA-STS of our own: no id before its body was seen', { mtaSts: { mode: 'testing' } }, []],
    [
      'RFC 6376 §3.6.2.1: keys of others, with a TTL of their own',
      { dkim: { algorithms: [], external: [{ selector: 'esp', record: 'v=DKIM1; p=', ttl: '5m' }] }, ttl: { dkim: '10m' } },
      ['DKIM selector esp (of others): esp._domainkey.example.com. 300 TXT "v=DKIM1; p="'],
    ],
    [
      'selectors that a service keeps',
      { dkim: { algorithms: [], delegations: [{ selector: 's1', target: 's1.esp.example' }] }, ttl: { dkim: '10m' } },
      ['DKIM selector s1 (kept by others): s1._domainkey.example.com. 600 CNAME s1.esp.example.'],
    ],
    ['BIMI that is declined', { bimi: { decline: true } }, ['BIMI: default._bimi.example.com. 3600 TXT "v=BIMI1; l=; a=;"']],
    [
      'a logo is held while DMARC is not in force',
      { dmarc: {}, tlsRpt: { rua: [] }, bimi: { logo: 'https://example.com/l.svg' } },
      ['DMARC policy none: _dmarc.example.com. 3600 TXT "v=DMARC1; p=none; rua=mailto:postmaster@example.com"'],
    ],
  ])('%s', (_what, document, expected) => expect(wanted(document)).toEqual(expected));

  test('RFC 7505 §3: lockdown has a null MX, and no selector has a key', () => {
    const found = wanted({ lockdown: true, dmarc: {}, ttl: { mx: '2h' } });
    expect(found).toContain('null MX: example.com. 7200 MX 0 .');
    expect(found).toContain('DKIM: no selector has a key: *._domainkey.example.com. 3600 TXT "v=DKIM1; p="');
  });

  test('a name that is too long is a problem with what it is for, and the others are wanted', () => {
    const long = nameOf(Array.from({ length: 4 }, () => 'x'.repeat(61)).join('.'));
    const found = wantedRecords(
      long,
      policyOf({ ...OFF, dmarc: { rua: [] } }, long),
      newMailState(zoneOf(BASE), APEX, START_MS),
      () => true,
    );
    expect(found.rrsets).toEqual([]);
    expect(found.problems.map(({ at }) => formatPlace(at))).toEqual([expect.stringContaining('DMARC policy none')]);
  });
});

describe('DKIM keys', () => {
  test('the purpose says the selector and its stage', () => {
    const domain = new MailDomain({ ...OFF, dkim: { algorithms: ['ed25519'] } });
    domain.step();
    const { rrsets } = wantedRecords(APEX, domain.policy, domain.state, () => true);
    expect(rrsets.map(({ purpose }) => purpose)).toEqual(['DKIM selector e20261121a (published)']);
  });
});

describe('TLSA', () => {
  const keys = [TLSA, `2 1 1 ${'CD'.repeat(32)}`];
  const domain = new MailDomain({ ...OFF, dane: { hosts: { mx1: { keys }, mx2: { keys: [TLSA], port: 465 } } }, ttl: { tlsa: '30m' } });
  domain.step();
  const tlsa = (canHaveTlsa: (host: Name) => boolean) => {
    const { rrsets } = wantedRecords(APEX, domain.policy, domain.state, canHaveTlsa);
    return rrsets.flatMap(({ owner, type, ttl, rdatas }) => lines([{ owner, type, rrset: { ttl, rdatas, manager: 'mail' } }]));
  };

  test('RFC 7671 §8: all keys of a host in one RRset; RFC 6698 §3: port and protocol before the host', () =>
    expect(tlsa(() => true)).toEqual([
      `_25._tcp.mx1 1800 TLSA 2 1 1 ${'CD'.repeat(32)}`,
      `_25._tcp.mx1 1800 TLSA ${TLSA}`,
      `_465._tcp.mx2 1800 TLSA ${TLSA}`,
    ]));

  test('none where TLSA cannot work', () =>
    expect(tlsa((host) => equalNames(host, nameOf('mx2.example.com')))).toEqual([`_465._tcp.mx2 1800 TLSA ${TLSA}`]));
});

test('RFC 9990 §4: a consent says its version and nothing else', () => {
  const { type, ttl, rdatas } = reportConsent(nameOf('a.example._report._dmarc.b.example'), 60);
  expect(lines([{ owner: APEX, type, rrset: { ttl, rdatas, manager: 'mail' } }])).toEqual(['@ 60 TXT "v=DMARC1"']);
});

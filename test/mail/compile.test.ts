/** Policies and the records that they come to, beside what the zone has: conflicts, other TXT, what goes, where TLSA can work. */
import { describe, expect, test } from 'vitest';
import { formatPlace } from '#base/place.ts';
import type { Problem } from '#base/problem.ts';
import { nameOf } from '#dns/name.ts';
import { compileMail } from '#mail/compile.ts';
import { newMailState } from '#mail/state.ts';
import { type ZoneView } from '#zone/view.ts';
import { APEX, BASE, applied, lines, MailDomain, policyOf, START_MS, zoneOf } from '../support/mail/mail-domain.ts';

const codes = (problems: readonly Problem[]) => problems.map(({ severity, code, at }) => `${severity} ${code} ${formatPlace(at)}`);

function compile(document: unknown, view: ZoneView, more: Partial<Parameters<typeof compileMail>[0]> = {}) {
  return compileMail({
    domain: APEX,
    policy: policyOf(document),
    state: newMailState(view, APEX, START_MS),
    view,
    isSigned: true,
    ...more,
  });
}

describe('records', () => {
  test('the default policy on its first day', () => {
    const domain = new MailDomain({});
    const step = domain.step();
    expect(step.problems).toEqual([]);
    expect(lines(step.records).map((line) => line.replace(/ p=(?!none)[^"]+".*/, ' p=…'))).toEqual([
      '@ 3600 TXT "v=spf1 mx ~all"',
      '_dmarc 3600 TXT "v=DMARC1; p=none; rua=mailto:postmaster@example.com"',
      '_smtp._tls 3600 TXT "v=TLSRPTv1; rua=mailto:postmaster@example.com"',
      'e20261121a._domainkey 3600 TXT "v=DKIM1; k=ed25519; p=…',
      'r20261121a._domainkey 3600 TXT "v=DKIM1; k=rsa; p=…',
    ]);
    expect(domain.step().changes).toEqual([]);
  });

  test('a domain that sends nothing', () => {
    const { records, problems } = compile({ profile: 'lockdown' }, zoneOf(BASE.filter((line) => !line.includes(' MX '))));
    expect(lines(records)).toEqual([
      '*._domainkey 3600 TXT "v=DKIM1; p="',
      '@ 3600 MX 0 .',
      '@ 3600 TXT "v=spf1 -all"',
      '_dmarc 3600 TXT "v=DMARC1; p=none"',
    ]);
    expect(codes(problems)).toEqual([]);
    const domain = new MailDomain(
      { profile: 'lockdown' },
      BASE.filter((line) => !line.includes(' MX ')),
    );
    expect(lines(domain.step().records)).toContain('_dmarc 3600 TXT "v=DMARC1; p=reject"');
  });

  test('everything else that a policy can say', () => {
    const view = zoneOf(BASE);
    const document = {
      spf: { mechanisms: ['ip4:192.0.2.0/24', 'include:_spf.Example.net'], all: '-all', flatten: ['_spf.example.net'] },
      dkim: {
        algorithms: [],
        external: [{ selector: 'esp', record: 'v=DKIM1; p=', ttl: '5m' }],
        delegations: [{ selector: 's1', target: 's1.esp.example' }],
      },
      dmarc: { policy: 'none', np: 'reject', rua: ['mailto:r@reports.example.net'], acceptReportsOf: ['other.example'] },
      mtaSts: { mode: 'external', id: 'abc' },
      tlsRpt: { rua: [] },
      bimi: { decline: true },
      ttl: { default: '10m' },
    };
    const domain = new MailDomain(document);
    const networks = ['198.51.100.1', '2001:db8::1'];
    domain.state = { ...domain.state, spf: { parts: [], sources: [{ include: '_spf.example.net', networks, seenAtMs: START_MS }] } };
    expect(lines(domain.step().records)).toEqual([
      '@ 600 TXT "v=spf1 ip4:192.0.2.0/24 ip4:198.51.100.1 ip6:2001:db8::1 -all"',
      '_dmarc 600 TXT "v=DMARC1; p=none; np=reject; rua=mailto:r@reports.example.net"',
      '_mta-sts 600 TXT "v=STSv1; id=abc;"',
      'default._bimi 600 TXT "v=BIMI1; l=; a=;"',
      'esp._domainkey 300 TXT "v=DKIM1; p="',
      'other.example._report._dmarc 600 TXT "v=DMARC1"',
      's1._domainkey 600 CNAME s1.esp.example.',
    ]);
    expect(lines(compile(document, view).records)[0]).toContain('include:_spf.Example.net');
  });

  test('RFC 7208 §3.2: other TXT of the domain stays beside SPF, and is given back when SPF goes', () => {
    const domain = new MailDomain({}, [...BASE, '@ 300 TXT "site-verification=1"', '@ 300 TXT "v=spf1 mx ~all"']);
    const step = domain.step();
    expect(step.problems).toEqual([]);
    expect(lines(step.records.slice(-1))).toEqual(['@ 3600 TXT "site-verification=1"', '@ 3600 TXT "v=spf1 mx ~all"']);
    domain.policy = policyOf({ spf: { enabled: false } });
    const gone = domain.step();
    expect(lines(gone.changes)).toEqual(['@ 3600 TXT "site-verification=1"']);
    expect(gone.changes[0]!.rrset!.manager).toBe('manual');
  });

  test('what the policy no longer wants goes, and only that', () => {
    const domain = new MailDomain({
      bimi: { decline: true },
      dkim: { algorithms: [], external: [{ selector: 'esp', record: 'v=DKIM1; p=' }] },
    });
    domain.step();
    domain.policy = policyOf({ dkim: { algorithms: [] } });
    expect(lines(domain.step().changes)).toEqual(['- default._bimi TXT', '- esp._domainkey TXT']);
  });

  test('RFC 9990 §4: consent to reports where the host is ours, and its name where it is not', () => {
    const reports = zoneOf(['@ 3600 SOA ns hostmaster 1 2 3 4 5', '@ 3600 NS ns.example.com.'], nameOf('example.net'));
    const document = { dmarc: { rua: ['mailto:a@reports.example.net', 'mailto:b@stranger.example', 'mailto:c@sub.example.com'] } };
    const zones = (name: Uint8Array) => (Buffer.from(name).toString('latin1').includes('net') ? reports : undefined);
    const { elsewhere, reportHosts } = compile(document, zoneOf(BASE), { zoneOf: zones, mayChange: () => true });
    expect(elsewhere.map(({ apex, changes }) => lines(changes, apex))).toEqual([
      ['example.com._report._dmarc.reports 3600 TXT "v=DMARC1"'],
    ]);
    expect(reportHosts).toEqual([nameOf('stranger.example')]);
    // Without a right to that zone the consent is shown and waits.
    const waiting = compile(document, zoneOf(BASE), { zoneOf: zones });
    expect(waiting.elsewhere).toEqual([]);
    expect(waiting.problems.map(({ code }) => code)).toContain('MAIL_CONSENT_WAITS');
    const done = applied(reports, elsewhere[0]!.changes);
    expect(compile(document, zoneOf(BASE), { zoneOf: () => done }).elsewhere.flatMap(({ changes }) => lines(changes))).not.toContain(
      expect.stringContaining('reports'),
    );
  });

  test('what somebody has put by hand in its place since then stays', () => {
    const domain = new MailDomain({ dkim: { algorithms: [] }, bimi: { decline: true } });
    domain.step();
    const byHand = zoneOf([...BASE, 'default._bimi 300 TXT "v=BIMI1; l=https://example.com/l.svg"']);
    const { changes } = compile({ dkim: { algorithms: [] } }, byHand, { state: domain.state });
    expect(lines(changes).filter((line) => line.includes('_bimi'))).toEqual([]);
  });
});

describe('conflicts', () => {
  const hand = [...BASE, '@ 300 TXT "v=spf1 -all"', '_dmarc 300 TXT "v=DMARC1; p=none"', '_smtp._tls 300 CNAME tls.example.net.'];
  const places = ['MAIL_CONFLICT _dmarc.example.com. TXT', 'MAIL_CONFLICT _smtp._tls.example.com. TXT', 'MAIL_CONFLICT example.com. TXT'];

  test('records put by hand with other content are not overwritten', () => {
    const { problems } = compile({}, zoneOf(hand));
    expect(codes(problems).toSorted()).toEqual(places.map((each) => `error ${each}`));
  });

  test('unless they may be', () => {
    const { problems, changes } = compile({}, zoneOf(hand), { isTakeOver: true });
    expect(codes(problems).toSorted()).toEqual(places.map((each) => `warning ${each}`));
    expect(lines(changes)).toContain('- _smtp._tls CNAME');
  });

  test('those that say the same are taken over, however they are cut', () => {
    const view = zoneOf([...BASE, '_dmarc 3600 TXT "v=DMARC1;p=none" ";rua=mailto:postmaster@example.com;"']);
    const { problems, changes } = compile({}, view);
    expect(problems).toEqual([]);
    expect(lines(changes)).toContain('_dmarc 3600 TXT "v=DMARC1; p=none; rua=mailto:postmaster@example.com"');
  });

  test('a wildcard that answers for mail records is warned of', () => {
    const { problems } = compile({ dkim: { algorithms: [] } }, zoneOf([...BASE, '* 300 TXT "wild"']));
    expect(codes(problems)).toContain('warning TXT_WILDCARD_SHADOW *.example.com. TXT');
  });
});

describe('RFC 7672 §2.2: where TLSA can work', () => {
  const keys = [`3 1 1 ${'AB'.repeat(32)}`];
  const host = (name: string) => ({ dane: { hosts: { [name]: { keys } } } });
  const step = (document: unknown, base: readonly string[], isSigned: boolean) => {
    const domain = new MailDomain(document, base);
    return domain.step(0, { isSigned });
  };

  test('a host with an address in a signed zone', () => {
    const { records, problems } = step(host('mx1'), BASE, true);
    expect(problems).toEqual([]);
    expect(lines(records)).toContain(`_25._tcp.mx1 3600 TLSA ${keys[0]}`);
  });

  test.each([
    ['an unsigned zone', 'mx1', BASE, false, 'error'],
    ['an alias', 'alias', [...BASE, 'alias 300 CNAME mx1'], true, 'error'],
    ['a host without address', 'mx9', BASE, true, 'warning'],
  ])('%s', (_what, name, base, isSigned, severity) => {
    const { records, problems } = step(host(name), base, isSigned);
    expect(codes(problems)).toEqual([`${severity} MAIL_DANE_HOST ${name}.example.com.`]);
    expect(lines(records).some((line) => line.includes('TLSA'))).toBe(severity === 'warning');
  });
});

describe('what a plan tells of hosts of the zone', () => {
  const told = (document: object, records: readonly string[]) => {
    const view = zoneOf([...BASE, ...records]);
    return codes(compile({ dkim: { algorithms: [] }, mtaSts: { mode: 'off' }, dmarc: { policy: 'none' }, ...document }, view).problems);
  };

  test('RFC 5321 §5.1: report addresses at hosts that take no mail', () => {
    expect(told({ dmarc: { policy: 'none', rua: ['mailto:r@null.example.com'] } }, ['null 60 MX 0 .'])).toEqual([
      'warning MAIL_REPORT_HOST _dmarc.example.com. TXT rua=',
    ]);
    expect(told({ tlsRpt: { rua: ['mailto:r@gone.example.com'] } }, [])).toEqual([
      'warning MAIL_REPORT_HOST _smtp._tls.example.com. TXT rua=',
    ]);
    expect(told({}, [])).toEqual([]);
  });

  test('RFC 2181 §10.3: an alias as mail host, and in MTA-STS', () => {
    expect(told({}, ['alias 60 CNAME mx1', '@ 3600 MX 20 alias'])).toEqual(['warning TARGET_ALIAS example.com. MX']);
    const mtaSts = { mode: 'testing', mx: ['alias.example.com', '*.example.com', 'coming.example.com', 'mx.example.net'] };
    expect(told({ mtaSts }, ['alias 60 CNAME mx1'])).toEqual(['warning TARGET_ALIAS /mtaSts/mx/0']);
  });
});

/** A domain's policy host over time: its record first, its certificate, the body, the id; and all of it backwards. */
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { type LifecycleObservation } from '#lifecycle/state.ts';
import { type PolicyHostFacts } from '#mail/hosting/host-life.ts';
import { explainMail } from '#mail/step.ts';
import { stsMode } from '#mail/mta-sts/lifecycle.ts';
import { applied, BASE, DAY_MS, HOUR_MS, lines, MailDomain, policyOf, zoneOf } from '../../support/mail/mail-domain.ts';

const POLICY = {
  dkim: { algorithms: [] },
  spf: { enabled: false },
  dmarc: { enabled: false },
  tlsRpt: { rua: [] },
  mtaSts: { mode: 'enforce' },
};
const OFF = { ...POLICY, mtaSts: { mode: 'off' } };
const HAVE = { isThere: true, text: 'valid until 2027-02-01' };
const HAVE_NOT = { isThere: false, text: 'mta-sts.example.com has no certificate: waxseal cert show mta-sts.example.com' };
const HERE: PolicyHostFacts = { addresses: ['9.9.9.9'], unreachable: [], certificate: HAVE };

const stage = (domain: MailDomain) => domain.state.mtaSts.policyHost?.objects[0]?.stage;
const records = (domain: MailDomain) => lines(domain.last!.records).map((line) => line.replace(/id=\w+/, 'id=…'));
const problems = (domain: MailDomain) => domain.last!.problems.filter(({ code }) => code === 'MAIL_STS_HOST').map(({ message }) => message);
const status = (domain: MailDomain, object: string) =>
  explainMail(domain.state, domain.context()).find((each) => each.object === object)!.lines;

function hosted(document: object = POLICY, more: readonly string[] = []): MailDomain {
  const domain = new MailDomain(document, [...BASE, ...more]);
  domain.policyHost = HERE;
  return domain;
}

/** In force: host ready, id announced. */
function announced(more: readonly string[] = []): MailDomain {
  const domain = hosted(POLICY, more);
  domain.step();
  domain.look(1000);
  domain.step(HOUR_MS);
  domain.look(1000);
  domain.look(1000);
  return domain;
}

const ID = '_mta-sts 3600 TXT "v=STSv1; id=…;"';
const HOST = 'mta-sts 3600 A 9.9.9.9';

describe('host record → caches → certificate → body seen from outside → id', () => {
  test('each step waits for the one before', () => {
    const domain = hosted();
    domain.policyHost = { ...HERE, certificate: HAVE_NOT };
    domain.step();
    expect([stage(domain), records(domain)]).toEqual(['published', [HOST]]);
    expect(status(domain, 'mta-sts-body-1').join('\n')).toContain('policy-host: waits for the policy host to be known everywhere');
    // Nothing is fetched from a host that is not known yet.
    expect(domain.last!.checks.filter(({ expect: wanted }) => wanted?.kind === 'body')).toEqual([]);

    domain.look(1000);
    expect(stage(domain)).toBe('published');
    expect(status(domain, 'mta-sts-policy-host').join('\n')).toContain('negative-ttl: waits for caches');
    // BASE has a negative TTL of 900 seconds (RFC 2308 §5).
    domain.step(900_000 - 1);
    expect(stage(domain)).toBe('published');
    domain.step(1);
    expect(stage(domain)).toBe('visible');

    domain.look(30 * DAY_MS);
    expect([stage(domain), records(domain)]).toEqual(['visible', [HOST]]);
    expect(status(domain, 'mta-sts-policy-host').join('\n')).toContain(HAVE_NOT.text);
    expect(domain.last!.nextDueMs).toBeLessThanOrEqual(domain.nowMs + 60_000);

    domain.policyHost = HERE;
    domain.step(60_000);
    expect([stage(domain), records(domain)]).toEqual(['ready', [HOST]]);
    domain.look(1000);
    expect(records(domain)).toEqual([ID, HOST]);
  });

  test('one name server that does not show the host holds up the rest', () => {
    const domain = hosted();
    domain.facts = { servers: ['this server', '192.0.2.2:53'], probes: ['probe'] };
    domain.step();
    domain.step(1000);
    const check = domain.last!.checks.filter(({ object }) => object === 'mta-sts-policy-host');
    expect(check.map(({ place, expect: wanted }) => [place, wanted])).toEqual(
      ['this server', '192.0.2.2:53'].map((place) => [
        place,
        expect.objectContaining({ kind: 'record', type: 1, text: '9.9.9.9', serial: 1 }),
      ]),
    );
    const seen: LifecycleObservation = {
      object: 'mta-sts-policy-host',
      what: 'host',
      place: 'this server',
      isGood: true,
      text: '',
      atMs: domain.nowMs,
    };
    domain.step(DAY_MS, { observations: [seen, { ...seen, place: '192.0.2.2:53', isGood: false, text: 'NXDOMAIN' }] });
    domain.step(DAY_MS);
    expect(stage(domain)).toBe('published');
  });

  test('a server that keeps no certificates does not wait for one; the look from outside remains', () => {
    const domain = hosted();
    domain.policyHost = { addresses: ['9.9.9.9'], unreachable: [] };
    domain.step();
    domain.look(1000);
    domain.step(HOUR_MS);
    expect([stage(domain), records(domain)]).toEqual(['ready', [HOST]]);
  });

  test('a change of the policy does not wait for caches again', () => {
    const domain = announced();
    domain.policy = policyOf({ ...POLICY, mtaSts: { mode: 'enforce', mx: ['new.example'] } });
    domain.step();
    domain.look(1000);
    const [, newest] = domain.state.mtaSts.bodies.objects;
    expect([stage(domain), newest?.stage]).toEqual(['ready', 'announced']);
  });
});

describe('RFC 8461 §8.3: backwards', () => {
  test('mode none for the longest max_age, then the id, then host and certificate', () => {
    const domain = announced();
    domain.policy = policyOf(OFF);
    domain.step();
    domain.look(1000);
    expect([stage(domain), records(domain)]).toEqual(['withdrawing', [ID, HOST]]);
    // max_age of a day was served, and the id of before may be cached for an hour.
    domain.step(DAY_MS);
    expect([stsMode(domain.state.mtaSts), stage(domain)]).toEqual(['none', 'withdrawing']);
    domain.step(HOUR_MS);
    expect([stsMode(domain.state.mtaSts), stage(domain), records(domain)]).toEqual(['removed', 'withdrawing', [HOST]]);
    expect(status(domain, 'mta-sts-policy-host').join('\n')).toContain(
      'unneeded: waits for the policy and its id to be gone from every cache',
    );
    domain.look(1000);
    domain.step(HOUR_MS - 2000);
    expect(records(domain)).toEqual([HOST]);
    domain.step(2000);
    expect([stage(domain), records(domain)]).toEqual([undefined, []]);
    expect(lines(domain.last!.changes)).toEqual(['- mta-sts A']);
  });

  test('what was never announced goes at once', () => {
    const domain = hosted();
    domain.step();
    domain.policy = policyOf(OFF);
    domain.step();
    expect([stage(domain), records(domain)]).toEqual([undefined, []]);
  });

  test('wanted again on the way: the host stays', () => {
    const domain = announced();
    domain.policy = policyOf(OFF);
    domain.step();
    expect(stage(domain)).toBe('withdrawing');
    domain.policy = policyOf(POLICY);
    domain.step();
    expect([stage(domain), records(domain)]).toEqual(['ready', [ID, HOST]]);
  });

  test('served by others from now on: the record stays and is the operator’s', () => {
    const domain = announced();
    domain.policy = policyOf({ ...POLICY, mtaSts: { mode: 'external', id: 'abc' } });
    const step = domain.step();
    const host = step.changes.find(({ type }) => type === 1);
    expect([stage(domain), host?.rrset?.manager, lines([host!])]).toEqual([undefined, 'manual', [HOST]]);
    // And it is taken back when this server is to serve again.
    domain.policy = policyOf(POLICY);
    domain.step();
    expect(records(domain)).toContain(HOST);
  });
});

describe('a record put by hand that leads elsewhere', () => {
  const BY_HAND = 'mta-sts 300 A 203.0.113.9';

  test('is respected, explained, and looked at from outside', () => {
    const domain = hosted(POLICY, [BY_HAND]);
    const step = domain.step();
    expect([stage(domain), records(domain)]).toEqual(['elsewhere', []]);
    expect(problems(domain)).toEqual(['mta-sts.example.com A 203.0.113.9 was put by hand and leads elsewhere']);
    expect(step.checks.map(({ expect: wanted }) => wanted?.kind)).toContain('body');
    domain.look(1000);
    expect(records(domain)).toEqual([ID]);
    expect(status(domain, 'mta-sts-policy-host').join('\n')).toMatch(/leads-here: waits for the host mta-sts .*--take-over/);
  });

  test('gives way at the word of the operator', () => {
    const domain = hosted(POLICY, [BY_HAND]);
    domain.step();
    const step = domain.step(0, { isTakeOver: true });
    expect([stage(domain), records(domain), lines(step.changes)]).toEqual(['published', [HOST], [HOST]]);
    expect(step.problems.map(({ severity, code }) => `${severity} ${code}`)).toEqual(['warning MAIL_CONFLICT']);
    domain.step();
    expect(records(domain)).toEqual([HOST]);
  });

  test.each([
    ['an alias for addresses', ['mta-sts 300 CNAME other.example.'], HERE, ['- mta-sts CNAME', HOST]],
    [
      'addresses for an alias',
      [BY_HAND, 'mta-sts 300 AAAA 2001:db8::9'],
      { ...HERE, addresses: [], host: nameOf('policy.example.') },
      ['- mta-sts A', '- mta-sts AAAA', 'mta-sts 3600 CNAME policy.example.'],
    ],
  ])('gives way: %s', (_what, put, facts, changes) => {
    const domain = hosted(POLICY, put);
    domain.policyHost = facts;
    expect(lines(domain.step(0, { isTakeOver: true }).changes)).toEqual(changes);
    expect(domain.step(0).changes).toEqual([]);
  });

  test('is led here by the operator later', () => {
    const domain = hosted(POLICY, [BY_HAND]);
    domain.step();
    domain.view = applied(domain.view, []);
    const away = new Set(['mta-sts']);
    domain.view = zoneOf([...BASE, HOST].filter((line) => !away.has(line)));
    domain.step();
    expect([stage(domain), records(domain), problems(domain)]).toEqual(['published', [HOST], []]);
  });
});

describe('the configuration changes', () => {
  test('other addresses: the record follows, and what is announced stays', () => {
    const domain = announced();
    domain.policyHost = { ...HERE, addresses: ['9.9.9.10', '2620:fe::9'] };
    expect(lines(domain.step().changes)).toEqual(['mta-sts 3600 A 9.9.9.10', 'mta-sts 3600 AAAA 2620:fe::9']);
    expect([stage(domain), records(domain)[0]]).toEqual(['ready', ID]);
  });

  test('an alias instead of addresses, and back', () => {
    const domain = announced();
    domain.policyHost = { ...HERE, addresses: [], host: nameOf('policy.example.') };
    expect(lines(domain.step().changes)).toEqual(['- mta-sts A', 'mta-sts 3600 CNAME policy.example.']);
    domain.policyHost = HERE;
    expect(lines(domain.step().changes)).toEqual(['- mta-sts CNAME', HOST]);
    expect(stage(domain)).toBe('ready');
  });

  test('an alias that cannot stand there: the addresses stay, and why is said', () => {
    const domain = announced(['mta-sts 300 TXT "note"']);
    domain.policyHost = { ...HERE, addresses: [], host: nameOf('policy.example.') };
    expect(domain.step().changes).toEqual([]);
    expect([stage(domain), records(domain), problems(domain)]).toEqual([
      'ready',
      [ID, HOST],
      ['mta-sts.example.com has TXT, and an alias stands alone at its name'],
    ]);
  });

  test('no policy host any more: senders still look for it, so the record stays, and the operator hears of it', () => {
    const domain = announced();
    domain.policyHost = undefined;
    expect(domain.step().changes).toEqual([]);
    expect(problems(domain)).toEqual(['it leads to this server, though neither https.addresses nor https.host is set any more']);
    domain.policy = policyOf(OFF);
    domain.step();
    domain.look(1000);
    domain.step(2 * DAY_MS);
    domain.look(1000);
    domain.step(HOUR_MS);
    expect([stage(domain), records(domain)]).toEqual([undefined, []]);
  });

  test('addresses that no sender reaches are a warning', () => {
    const domain = hosted();
    domain.policyHost = { ...HERE, addresses: ['10.0.0.1'], unreachable: ['10.0.0.1'] };
    domain.step();
    expect(problems(domain)).toEqual(['it gets the address 10.0.0.1, which no sender outside can reach']);
  });

  test('a domain that was served by others all the time is not disturbed', () => {
    const domain = new MailDomain(POLICY, [...BASE, 'mta-sts 300 A 203.0.113.9']);
    domain.step();
    domain.look(1000);
    expect(records(domain)).toEqual([ID]);
    domain.policyHost = HERE;
    expect(domain.step().changes).toEqual([]);
    expect(stage(domain)).toBe('elsewhere');
  });
});

test('without a policy host there is no object and no record', () => {
  const domain = new MailDomain(POLICY);
  domain.step();
  expect([domain.state.mtaSts.policyHost, records(domain)]).toEqual([undefined, []]);
});

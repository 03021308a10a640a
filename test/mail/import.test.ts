/** A policy proposed from a zone says what holds today; applied, it changes nothing that receivers see; what it leaves out is named. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatPlace } from '#base/place.ts';
import { formatName, nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { policyFromZone } from '#mail/import.ts';
import { mailFacts } from '#mail/facts.ts';
import { meansSame } from '#mail/same-record.ts';
import { newMailState } from '#mail/state.ts';
import { stepMail } from '#mail/step.ts';
import { txtText } from '#mail/text/txt.ts';
import { type ZoneView } from '#zone/view.ts';
import { APEX, BASE, MailDomain, START_MS, applied, lines, policyOf, PUBLIC_KEYS, zoneOf } from '../support/mail/mail-domain.ts';

/** The proposal for `records`, and the zone after it was applied without taking anything over. */
function plan(records: readonly string[], isSigned = true) {
  const view = zoneOf([...BASE, ...records]);
  const { document, problems } = policyFromZone(view, isSigned);
  const policy = policyOf(JSON.parse(JSON.stringify(document)));
  const state = newMailState(view, APEX, START_MS);
  const step = stepMail({ domain: APEX, policy, state, view, isSigned, facts: mailFacts(START_MS) });
  const errors = step.problems.filter(({ severity, code }) => severity === 'error' && /^MAIL_/.test(code));
  const told = problems.map(({ at, message }) => `${formatPlace(at)}: ${message}`);
  return { document, told, step, errors, after: applied(view, step.changes), view };
}

function textsAt(view: ZoneView, owner: string): string[] {
  for (const node of view.ascend(view.apexKey))
    if (formatName(node.owner) === owner)
      return node.rrsets.filter(({ type }) => type === TYPE.TXT).flatMap(({ rdatas }) => rdatas.map(txtText));
  return [];
}

describe('what holds today', () => {
  test.each([
    ['v=DMARC1; p=reject; t=y; rua=mailto:r@example.com', 'quarantine', /only to test \(t=y\)/],
    ['v=DMARC1; p=reject; pct=0; rua=mailto:r@example.com', 'quarantine', /pct=0/],
    ['v=DMARC1; p=quarantine; pct=25', 'none', /25 % of the mail/],
    ['v=DMARC1; p=none; sp=reject; t=Y', 'none', /t=y/],
    ['v=DMARC1; t=y; p=quarantine; pct=0', 'none', /t=y.*pct=0/],
  ])('%s', (record, policy, why) => {
    const { document, told, step, after, errors } = plan([`_dmarc 3600 TXT "${record}"`]);
    expect(document.dmarc).toMatchObject({ enabled: false, policy, ramp: { enabled: false } });
    expect(told).toEqual([expect.stringMatching(why)]);
    expect(errors).toEqual([]);
    expect(lines(step.changes)).toEqual([]);
    expect(textsAt(after, '_dmarc.example.com.')).toEqual([record]);
  });

  test.each([
    ['v=DMARC1; p=none; t=y; pct=0', 'none'],
    ['v=DMARC1; p=reject; pct=100; t=n', 'reject'],
    ['v=DMARC1; p=reject; pct=lots', 'reject'],
  ])('%s is nothing but its policy', (record, policy) => {
    const { document, errors } = plan([`_dmarc 3600 TXT "${record}"`]);
    expect(document.dmarc).toMatchObject({ policy });
    expect(document.dmarc).not.toHaveProperty('enabled');
    expect(errors).toEqual([]);
  });

  test('a ramp begins at what holds, not at the p of a domain that only tests', () => {
    const domain = new MailDomain({ dmarc: { policy: 'reject' } }, [...BASE, '_dmarc 3600 TXT "v=DMARC1; p=reject; t=y"']);
    expect(lines(domain.step(0, { isTakeOver: true }).changes)).toContainEqual(expect.stringMatching(/^_dmarc .*p=quarantine/));
  });
});

describe('the same in other words', () => {
  const dmarc = nameOf('_dmarc.example.com.');
  const selector = nameOf('s._domainkey.example.com.');
  const key = PUBLIC_KEYS.ed25519;
  test.each([
    [APEX, 'v=spf1 +mx ip4:192.0.2.1/32 -all', 'V=SPF1 MX ip4:192.0.2.1 -ALL'],
    [APEX, 'v=spf1 a:MAIL.example.net. ip4:192.0.2.77/24 ?all', 'v=spf1 a:mail.example.net ip4:192.0.2.0/24'],
    [APEX, 'v=spf1 mx -all redirect=other.example a', 'v=spf1 mx/32//128 mx -all'],
    [APEX, 'v=spf1 ip6:2001:DB8:0::1/128 ~all', 'v=spf1 ip6:2001:db8::1 ~all'],
    [dmarc, 'v=DMARC1; p=reject; rua=mailto:r@example.com;', 'v=DMARC1;rua=mailto:r@example.com; sp=Reject;adkim=R;P=reject;fo=1'],
    [dmarc, 'v=DMARC1; rua=mailto:r@example.com', 'v=DMARC1; p=none; psd=u; rua=mailto:r@example.com'],
    [selector, `v=DKIM1; k=ed25519; p=${key}`, `k=ed25519; s=*; n=note; p=${key.slice(0, 9)} ${key.slice(9)};`],
    [nameOf('a.example._report._dmarc.example.com.'), 'v=DMARC1', 'v = DMARC1 ; p=none'],
  ])('%s %s is %s', (owner, a, b) => {
    // Names of tags have their case.
    expect(meansSame(owner, a, b.replace('P=', 'p='))).toBe(true);
  });

  test.each([
    [APEX, 'v=spf1 mx -all', 'v=spf1 mx ~all'],
    [APEX, 'v=spf1 mx a -all', 'v=spf1 mx -all a'],
    [APEX, 'v=spf1 mx -all', 'v=spf1 mx -all exp=why.example.com'],
    [APEX, 'v=spf1 exists:%{i}.example.net -all', 'v=spf1 exists:%{I}.example.net -all'],
    [APEX, 'v=spf1 mx -all', 'v=spf1 mx  -all '.replace('mx', 'mx/24')],
    [dmarc, 'v=DMARC1; p=reject', 'v=DMARC1; p=reject; t=y'],
    [dmarc, 'v=DMARC1; p=reject', 'v=DMARC1; p=reject; pct=50'],
    [dmarc, 'v=DMARC1; p=none', 'v=DMARC1'],
    [dmarc, 'v=DMARC1; p=reject; sp=none', 'v=DMARC1; p=reject; np=none'],
    [selector, `v=DKIM1; k=ed25519; p=${key}`, `v=DKIM1; k=ed25519; t=y; p=${key}`],
    [nameOf('a.example._report._dmarc.example.com.'), 'v=DMARC1', 'v=DMARC1; rua=mailto:other@example.com'],
  ])('%s %s is not %s', (owner, a, b) => {
    expect(meansSame(owner, a, b)).toBe(false);
  });
});

test('every mail record of the zone is in the proposal or named as left out', () => {
  const { document, told, errors, step } = plan([
    '@ 300 TXT "v=spf1 mx exp=why.example.com -all"',
    '_dmarc.shop 300 TXT "v=DMARC1; p=none"',
    'shop 300 TXT "v=spf1 -all"',
    's1._domainkey.shop 300 CNAME s1.esp.example.',
    '*._report._dmarc 300 TXT "v=DMARC1"',
    'b.example._report._dmarc 300 TXT "v=DMARC1; rua=mailto:x@example.com"',
    'c.example._report._dmarc 300 TXT "v=DMARC1;"',
    '_domainkey 300 TXT "o=~"',
    'logo._bimi 300 TXT "v=BIMI1; l=https://example.com/l.svg; a=;"',
    '_465._tcp.mx1 300 TLSA 3 1 1 0101010101010101010101010101010101010101010101010101010101010101',
    '_443._tcp.www 300 TLSA 3 1 1 0101010101010101010101010101010101010101010101010101010101010101',
    'www 300 TXT "nothing to do with mail"',
  ]);
  expect(told.map((each) => each.split(': ')[0]!).toSorted()).toEqual([
    '*._report._dmarc.example.com. TXT',
    '_465._tcp.mx1.example.com. TLSA',
    '_dmarc.shop.example.com. TXT',
    '_domainkey.example.com. TXT',
    'b.example._report._dmarc.example.com. TXT',
    'example.com. TXT',
    'logo._bimi.example.com. TXT',
    's1._domainkey.shop.example.com. CNAME',
    'shop.example.com. TXT',
  ]);
  expect(document.dmarc?.acceptReportsOf).toEqual(['c.example.']);
  expect(errors).toEqual([]);
  expect(lines(step.changes)).toEqual(['c.example._report._dmarc 300 TXT "v=DMARC1"']);
});

test('TLSA of a zone that is not signed, or at an alias, is left out: apply would not take it', () => {
  const tlsa = `TLSA 3 1 1 ${'01'.repeat(32)}`;
  const unsigned = plan([`_25._tcp.mx1 300 ${tlsa}`], false);
  expect([unsigned.document.dane, unsigned.errors]).toEqual([undefined, []]);
  expect(unsigned.told).toEqual([expect.stringContaining('_25._tcp.mx1.example.com. TLSA: is nothing in a zone that is not signed')]);
});

test('a key that verifiers ignore is left out, and a stray text beside SPF stops nothing: apply takes the rest', () => {
  const { document, told, step } = plan([
    '@ 300 TXT "v=spf1 +mx -all"',
    '@ 300 TXT " v=spf1 a -all"',
    `k._domainkey 300 TXT "v=DKIM1; k=ed25519; s=other; p=${PUBLIC_KEYS.ed25519}"`,
  ]);
  expect(document.dkim).toEqual({ algorithms: [] });
  expect(told).toContainEqual(expect.stringMatching(/^k\._domainkey.*excludes mail/));
  expect(step.problems.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(lines(step.changes)).toEqual(['@ 300 TXT " v=spf1 a -all"', '@ 300 TXT "v=spf1 mx -all"']);
});

describe('law', () => {
  const spell = (tags: readonly (readonly [string, string])[], order: number, style: number) => {
    const [first, ...rest] = tags;
    const turned = [...rest.slice(order % Math.max(1, rest.length)), ...rest.slice(0, order % Math.max(1, rest.length))];
    const [blank, equals, end] = [style & 1 ? '' : ' ', style & 2 ? ' = ' : '=', style & 4 ? ';' : ''];
    return [first!, ...turned].map(([name, value]) => `${name}${equals}${value}`).join(`;${blank}`) + end;
  };
  const policy = fc.constantFrom('none', 'quarantine', 'Reject', 'reject');
  const optional = <T>(each: fc.Arbitrary<T>) => fc.option(each, { nil: undefined });
  const uri = fc.constantFrom('mailto:r@example.com', 'mailto:r@reports.example.net!10m', 'mailto:a@example.com, mailto:b@example.com');
  const dmarcTexts = fc
    .tuple(
      fc.record({
        p: optional(policy),
        sp: optional(policy),
        np: optional(policy),
        adkim: optional(fc.constantFrom('r', 's', 'S')),
        aspf: optional(fc.constantFrom('r', 's')),
        t: optional(fc.constantFrom('y', 'n')),
        pct: optional(fc.constantFrom('0', '50', '100')),
        psd: optional(fc.constantFrom('y', 'n', 'u')),
        rua: optional(uri),
        ruf: optional(uri),
        fo: optional(fc.constantFrom('0', '1', 'd:s', 's:d:1')),
        ri: optional(fc.constant('86400')),
        xx: optional(fc.constant('1')),
      }),
      fc.nat(12),
      fc.nat(7),
    )
    .map(([tags, order, style]) => {
      const given = Object.entries(tags).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
      return spell([['v', 'DMARC1'], ...given], order, style);
    });
  const term = fc.constantFrom(
    'mx',
    '+MX',
    'a:Mail.example.net',
    'ip4:192.0.2.1/32',
    'ip4:192.0.2.99/24',
    '?include:_spf.example.net',
    'ip6:2001:DB8::/32',
    'exists:%{ir}.%{v}._s.%{d}',
    '-all',
    '~ALL',
    '?all',
    'redirect=_spf.example.org',
    'redirect=%{d}.example.org',
    'exp=why.%{d}',
    'moo=1',
  );
  const spfTexts = fc
    .tuple(fc.constantFrom('v=spf1', 'V=SPF1'), fc.uniqueArray(term, { maxLength: 6 }), fc.constantFrom(' ', '  '))
    .map(([version, terms, blank]) => [version, ...terms].join(blank));
  const dkimTexts = fc.constantFrom(
    `v=DKIM1; k=ed25519; p=${PUBLIC_KEYS.ed25519}`,
    `k=ed25519;t=y:s;s=email;p=${PUBLIC_KEYS.ed25519};`,
    `p=${PUBLIC_KEYS.rsa2048}; h=sha256`,
    'v=DKIM1; p=',
    'p=',
    'not a key',
  );
  const records = fc
    .record({
      spf: optional(spfTexts),
      dmarc: optional(dmarcTexts),
      keys: fc.array(dkimTexts, { maxLength: 2 }),
      all: optional(dkimTexts),
      consent: optional(fc.constantFrom('v=DMARC1', 'v=DMARC1;', 'v=DMARC1; p=none', 'v=DMARC1; rua=mailto:x@example.com')),
      sts: optional(fc.constantFrom('v=STSv1; id=1;', 'v=STSv1;id=1', 'v=STSv1; id=a; x=1;', 'v=STSv1 ; id=1')),
      rpt: optional(fc.constantFrom('v=TLSRPTv1;rua=mailto:r@example.com', 'v=TLSRPTv1; rua=mailto:r@example.com , https://r.example/v1;')),
      bimi: optional(
        fc.constantFrom('v=BIMI1; l=https://example.com/l.svg; a=', 'v=BIMI1; a=;l=;', 'v=BIMI1; l=; a=https://example.com/c.pem'),
      ),
      ttl: fc.constantFrom(60, 3600),
    })
    .map(({ spf, dmarc, keys, all, consent, sts, rpt, bimi, ttl }) =>
      Object.entries({
        '@': spf,
        _dmarc: dmarc,
        ...Object.fromEntries(keys.map((text, at) => [`k${at}._domainkey`, text])),
        '*._domainkey': all,
        'a.example._report._dmarc': consent,
        '_mta-sts': sts,
        '_smtp._tls': rpt,
        'default._bimi': bimi,
      }).flatMap(([owner, text]) =>
        text === undefined
          ? []
          : [
              `${owner} ${ttl} TXT ${text
                .match(/.{1,200}/g)!
                .map((part) => `"${part}"`)
                .join(' ')}`,
            ],
      ),
    );

  test('applied without --take-over, a proposal changes nothing that receivers see', () => {
    fc.assert(
      fc.property(records, (given) => {
        const { view, after, errors, step, told, document } = plan(given);
        expect(errors).toEqual([]);
        for (const { owner, type, rrset } of step.changes) {
          expect([type, rrset === null]).toEqual([TYPE.TXT, false]);
          const name = formatName(owner);
          const [before, now] = [textsAt(view, name), textsAt(after, name)];
          expect([name, before.length]).toEqual([name, 1]);
          expect([name, seenByReceivers(name, now[0]!)]).toEqual([name, seenByReceivers(name, before[0]!)]);
        }
        const changed = new Set(step.changes.map(({ owner }) => formatName(owner)));
        // A logo that DMARC does not allow yet is in the proposal, and held.
        if (document.bimi !== undefined) changed.add('default._bimi.example.com.');
        const named = new Set(told.map((each) => each.split(' TXT')[0]));
        const owners = given.map((line) => formatName(nameOf(`${line.split(' ')[0]}.example.com.`.replace('@.', ''))));
        for (const owner of owners) expect({ owner, is: changed.has(owner) || named.has(owner) }).toEqual({ owner, is: true });
      }),
      { numRuns: 400 },
    );
  });
});

/** The text as its RFC says that receivers read it, apart from the readers under test: defaults filled in, what they ignore left out. */
function seenByReceivers(owner: string, text: string): unknown {
  if (owner.startsWith('_dmarc.')) {
    const {
      p,
      sp,
      np,
      adkim = 'r',
      aspf = 'r',
      psd = 'u',
      rua = '',
      ruf = '',
      fo = '0',
      t = 'n',
      pct = '100',
    } = tagsOf(text.toLowerCase());
    const own = p ?? (rua === '' ? 'nothing' : 'none');
    const below = sp ?? own;
    const addresses = (list: string) => list.split(',').map((each) => each.trim().replace(/!.*/, ''));
    const isMild = [own, below, np ?? below].every((each) => each === 'none' || each === 'nothing');
    const force = isMild ? [] : [t, pct];
    const when = ruf === '' ? '' : fo.split(':').toSorted().join(':');
    return [own, below, np ?? below, adkim, aspf, psd, addresses(rua), addresses(ruf), when, force];
  }
  if (owner === 'example.com.') return spfSeen(text);
  if (owner.includes('_domainkey') || owner.startsWith('default._bimi')) {
    const { p, k = 'rsa', s = '*', t = '', h = '', l, a } = tagsOf(text);
    return [p, k, s, t, h, l ?? '', a ?? ''];
  }
  if (owner.includes('_report')) return /v ?= ?dmarc1/i.test(text) && !text.includes('rua');
  const { id, rua } = tagsOf(text);
  return [id, rua?.split(',').map((each) => each.trim())];
}

function tagsOf(text: string): Record<string, string> {
  const parts = text.split(';').filter((each) => each.includes('='));
  return Object.fromEntries(parts.map((each) => [each.slice(0, each.indexOf('=')).trim(), each.slice(each.indexOf('=') + 1).trim()]));
}

/** RFC 7208 §5.1: what stands behind "all" is never reached; §6.1: nor is redirect beside it; no "all" is neutral. */
function spfSeen(text: string): unknown {
  const terms = text
    .toLowerCase()
    .split(/ +/)
    .slice(1)
    .map((each) => each.replace(/^\+/, '').replace(/\/32$/, '').replace('.99/24', '.0/24'));
  const all = terms.findIndex((each) => /^[-~?]?all$/.test(each));
  const directives = terms.filter((each, at) => !/^[a-z]+=/.test(each) && (all < 0 || at <= all)).filter((each) => each !== '?all');
  const redirect = all < 0 ? terms.filter((each) => each.startsWith('redirect=')) : [];
  // The first term that matches decides: the same once more is never reached.
  return [[...new Set(directives)], redirect, terms.filter((each) => each.startsWith('exp='))];
}

test('a text that is nearly an SPF record is named with the reason', () => {
  const { document, told } = plan(['@ 300 TXT "v=spf1; mx -all"']);
  expect(document.spf).toEqual({ enabled: false });
  expect(told).toEqual([expect.stringMatching(/^example\.com\. TXT: has no SPF record: "v=spf1; mx -all" is meant as one/)]);
});

/** The DMARC tree walk, against the examples of the RFC. */
import { describe, expect, test } from 'vitest';
import { formatName, nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { discoverDmarc, isAligned, organizationalDomain, walkDmarcTree, walkDomains } from '#mail/dmarc/discovery.ts';
import { checkReportAuthorization, externalReportHosts, reportAuthorizationOwner, reportHosts } from '#mail/dmarc/consent-record.ts';
import { parseDmarc } from '#mail/dmarc/record.ts';
import { type TableEntry, tableResolver } from '../../support/table-resolver.ts';

const RECORD = 'v=DMARC1; p=reject; sp=quarantine; np=none';

/** TXT records by name; a string is one record, `fail` a failing server. */
type TextTable = Readonly<Record<string, string | readonly string[] | { readonly fail: true }>>;

function textResolver(table: TextTable) {
  const entries = Object.entries(table).map(([name, value]): [string, TableEntry] => {
    if (typeof value === 'string') return [name, { txt: [value] }];
    return [name, 'fail' in value ? { servfail: true } : { txt: value }];
  });
  return tableResolver(Object.fromEntries(entries));
}

const walkedFrom = async (start: string, table: TextTable) => {
  const resolver = textResolver(table);
  const walk = await walkDmarcTree(resolver, nameOf(start));
  const asked = resolver.asked.map((question) => question.replace(new RegExp(` ${TYPE.TXT}$`), '.'));
  return { asked, organizational: formatName(organizationalDomain(walk)), outcomes: walk.map((step) => step.outcome) };
};

describe('RFC 9989 §4.10: names of the walk', () => {
  test('the example of the RFC: eight queries for thirteen labels', async () => {
    const { asked } = await walkedFrom('a.b.c.d.e.f.g.h.i.j.mail.example.com', {});
    expect(asked).toEqual([
      '_dmarc.a.b.c.d.e.f.g.h.i.j.mail.example.com.',
      '_dmarc.g.h.i.j.mail.example.com.',
      '_dmarc.h.i.j.mail.example.com.',
      '_dmarc.i.j.mail.example.com.',
      '_dmarc.j.mail.example.com.',
      '_dmarc.mail.example.com.',
      '_dmarc.example.com.',
      '_dmarc.com.',
    ]);
  });
  test.each([1, 2, 7, 8, 9, 20, 100])('never more than eight, from %i labels', (labels) => {
    const domains = walkDomains(nameOf(Array.from({ length: labels }, () => 'a').join('.')));
    expect(domains.length).toBe(Math.min(labels, 8));
    expect(formatName(domains.at(-1)!)).toBe('a.');
  });
  test('psd=n and psd=y stop it', async () => {
    const stopped = await walkedFrom('a.b.example.com', { '_dmarc.b.example.com': 'v=DMARC1; p=none; psd=n' });
    expect(stopped.outcomes).toEqual(['none', 'record']);
    expect((await walkedFrom('example.com', { '_dmarc.example.com': 'v=DMARC1; p=none; psd=y' })).outcomes).toEqual(['record']);
  });
  test('several records at one name are none; other texts do not count', async () => {
    expect((await walkedFrom('example.com', { '_dmarc.example.com': [RECORD, 'v=DMARC1; p=none'] })).outcomes).toEqual(['several', 'none']);
    expect((await walkedFrom('example.com', { '_dmarc.example.com': [RECORD, 'v=spf1 -all'] })).outcomes).toEqual(['record', 'none']);
  });
  test('an error ends it: what is above is not known', async () =>
    expect((await walkedFrom('a.example.com', { '_dmarc.example.com': { fail: true } })).outcomes).toEqual(['none', 'error']));
  test('a name too long for _dmarc has no record', async () => {
    const label = 'a'.repeat(63);
    const { asked, outcomes } = await walkedFrom([label, label, label, 'a'.repeat(60)].join('.'), {});
    expect(outcomes[0]).toBe('none');
    expect(asked.length).toBe(3);
  });
});

describe('RFC 9989 §4.10.2: organizational domain', () => {
  test.each<[string, string, TextTable, string]>([
    ['first example', 'a.mail.example.com', { '_dmarc.mail.example.com': RECORD, '_dmarc.example.com': RECORD }, 'example.com.'],
    [
      'second example',
      'a.mail.example.com',
      { '_dmarc.mail.example.com': 'v=DMARC1; p=none; psd=n', '_dmarc.example.com': RECORD },
      'mail.example.com.',
    ],
    ['last example', 'a.mail.example.com', { '_dmarc.com': 'v=DMARC1; p=none; psd=y' }, 'example.com.'],
    ['psd=y between', 'mail.example.com', { '_dmarc.example.com': 'v=DMARC1; p=none; psd=y' }, 'mail.example.com.'],
    ['psd=y where the walk began is the domain itself', 'example.com', { '_dmarc.example.com': 'v=DMARC1; p=none; psd=y' }, 'example.com.'],
    ['no record anywhere', 'a.mail.example.com', {}, 'a.mail.example.com.'],
    ['below a public suffix, from far below', 'a.b.c.d.e.f.g.h.i.example', { '_dmarc.example': 'v=DMARC1; p=none; psd=y' }, 'i.example.'],
  ])('%s', async (_, start, table, expected) => expect((await walkedFrom(start, table)).organizational).toBe(expected));
});

describe('RFC 9989 §4.10.1: policy discovery', () => {
  const discover = async (author: string, table: TextTable) => {
    const found = await discoverDmarc(textResolver(table), nameOf(author));
    if (found.kind !== 'policy') return found.kind;
    return `${found.stated} by ${formatName(found.domain)} as ${found.relation}`;
  };
  test.each<[string, string, TextTable, string]>([
    ['the author domain itself', 'example.com', { '_dmarc.example.com': RECORD }, 'reject by example.com. as self'],
    [
      'an existing subdomain',
      'a.example.com',
      { '_dmarc.example.com': RECORD, 'a.example.com': [] },
      'quarantine by example.com. as existing-subdomain',
    ],
    [
      'an empty non-terminal exists',
      'a.example.com',
      { '_dmarc.example.com': RECORD, 'b.a.example.com': 'x' },
      'quarantine by example.com. as existing-subdomain',
    ],
    ['a subdomain that does not exist', 'a.example.com', { '_dmarc.example.com': RECORD }, 'none by example.com. as nonexistent-subdomain'],
    [
      'not what lies between',
      'a.b.example.com',
      { '_dmarc.b.example.com': 'v=DMARC1; p=none', '_dmarc.example.com': RECORD, 'a.b.example.com': [] },
      'quarantine by example.com. as existing-subdomain',
    ],
    [
      'the public suffix when nobody else',
      'a.example.com',
      { '_dmarc.com': 'v=DMARC1; p=reject; psd=y', 'a.example.com': [] },
      'reject by com. as existing-subdomain',
    ],
    [
      'not the public suffix when the organization has one',
      'a.example.com',
      { '_dmarc.example.com': 'v=DMARC1; p=none', '_dmarc.com': 'v=DMARC1; p=reject; psd=y', 'a.example.com': [] },
      'none by example.com. as existing-subdomain',
    ],
    ['nothing', 'example.com', {}, 'none'],
    [
      'no p but reports: as p=none',
      'example.com',
      { '_dmarc.example.com': 'v=DMARC1; rua=mailto:a@b.example' },
      'none by example.com. as self',
    ],
    [
      'a wrong sp and reports: as p=none',
      'example.com',
      { '_dmarc.example.com': 'v=DMARC1; p=reject; sp=x; rua=mailto:a@b.example' },
      'none by example.com. as self',
    ],
    ['a wrong p and no reports: no DMARC', 'example.com', { '_dmarc.example.com': 'v=DMARC1; p=rejekt' }, 'none'],
    [
      'a wrong adkim is its default',
      'example.com',
      { '_dmarc.example.com': 'v=DMARC1; p=reject; adkim=x' },
      'reject by example.com. as self',
    ],
    ['a failing server', 'example.com', { '_dmarc.example.com': { fail: true } }, 'error'],
    [
      'the own record applies though the parent fails',
      'a.example.com',
      { '_dmarc.a.example.com': RECORD, '_dmarc.example.com': { fail: true } },
      'reject by a.example.com. as self',
    ],
    ['whether it exists cannot be found out', 'a.example.com', { '_dmarc.example.com': RECORD, 'a.example.com': { fail: true } }, 'error'],
  ])('%s', async (_, author, table, expected) => expect(await discover(author, table)).toBe(expected));

  test('§4.10.2: relaxed alignment is the same organizational domain, strict the same domain', async () => {
    const resolver = textResolver({ '_dmarc.example.com': RECORD });
    const [author, sibling, other] = ['a.example.com', 'b.example.com', 'example.org'].map((name) => nameOf(name));
    expect(await isAligned(resolver, author!, sibling!, 'relaxed')).toBe(true);
    expect(await isAligned(resolver, author!, sibling!, 'strict')).toBe(false);
    expect(await isAligned(resolver, author!, nameOf('A.Example.com'), 'strict')).toBe(true);
    expect(await isAligned(resolver, author!, other!, 'relaxed')).toBe(false);
    expect(await isAligned(textResolver({ '_dmarc.example.com': { fail: true } }), author!, sibling!, 'relaxed')).toBeUndefined();
  });
});

describe('RFC 9990 §4: reports to other hosts', () => {
  const [domain, host] = [nameOf('example.com'), nameOf('reports.example.net')];
  const owner = 'example.com._report._dmarc.reports.example.net';
  test('the name of the consent', () => {
    expect(formatName(reportAuthorizationOwner(domain, host)!)).toBe(`${owner}.`);
    const long = nameOf(Array.from({ length: 3 }, () => 'a'.repeat(60)).join('.'));
    expect(reportAuthorizationOwner(long, nameOf(Array.from({ length: 2 }, () => 'b'.repeat(40)).join('.')))).toBeUndefined();
  });
  test('hosts of a record, each once', () => {
    const record = parseDmarc('v=DMARC1; p=none; rua=mailto:a@B.example,mailto:c@b.example; ruf=mailto:d@e.example');
    expect(record.ok && reportHosts(record.value).map(formatName)).toEqual(['b.example.', 'e.example.']);
  });
  test('hosts of the same organization need no consent', async () => {
    const record = parseDmarc('v=DMARC1; p=none; rua=mailto:a@mail.example.com,mailto:c@b.example');
    const table: TextTable = { '_dmarc.example.com': RECORD };
    const found = record.ok ? await externalReportHosts(textResolver(table), domain, record.value) : [];
    expect(found.map(formatName)).toEqual(['b.example.']);
  });
  test.each<[string, TextTable, string, string[]]>([
    ['v=DMARC1 is consent', { [owner]: 'v=DMARC1' }, 'authorized', []],
    ['with a final semicolon too', { [owner]: 'v=DMARC1;' }, 'authorized', []],
    [
      'an override at the same host',
      { [owner]: 'v=DMARC1; rua=mailto:x@Reports.example.net' },
      'authorized',
      ['mailto:x@Reports.example.net'],
    ],
    ['an override elsewhere is passed over', { [owner]: 'v=DMARC1; rua=mailto:x@other.example' }, 'authorized', []],
    ['nothing is no consent', {}, 'refused', []],
    ['another text is none', { [owner]: 'v=spf1 -all' }, 'refused', []],
    ['a broken one is none', { [owner]: 'v=DMARC1; rua' }, 'refused', []],
    ['a failing server says nothing', { [owner]: { fail: true } }, 'error', []],
  ])('%s', async (_, table, kind, overrides) => {
    const found = await checkReportAuthorization(textResolver(table), domain, host);
    expect(found.kind).toBe(kind);
    expect(found.kind === 'authorized' ? found.overrideUris : []).toEqual(overrides);
  });
});

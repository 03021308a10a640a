/** DMARC records and what they mean. */
import { formatPlace } from '#base/place.ts';
import { describe, expect, test } from 'vitest';
import { adviseDmarc, appliedPolicy, statedPolicy } from '#mail/dmarc/advice.ts';
import { type DmarcRecord, formatDmarc, isDmarcText, parseDmarc } from '#mail/dmarc/record.ts';
import { recordTable } from '../../support/mail/record-table.ts';

const { good, bad } = recordTable(parseDmarc, formatDmarc);

const PLAIN: DmarcRecord = {
  policy: 'none',
  dkimAlignment: 'relaxed',
  spfAlignment: 'relaxed',
  isTesting: false,
  aggregateUris: [],
  failureUris: [],
  failureOptions: ['0'],
};

describe('RFC 9989 §4.7–4.8: DMARC record', () => {
  good('v=DMARC1; p=none', PLAIN);
  good('v=DMARC1;p=none;', PLAIN);
  good(' v = DMARC1 ; p = none ; ', PLAIN); // blanks around everything
  good('v=DMARC1; p=Reject', { ...PLAIN, policy: 'reject' }); // values have no case
  good('v=DMARC1; p=quarantine; sp=none; np=reject', {
    ...PLAIN,
    policy: 'quarantine',
    subdomainPolicy: 'none',
    nonexistentPolicy: 'reject',
  });
  good('v=DMARC1; p=none; adkim=s; aspf=r; t=y; psd=u', { ...PLAIN, dkimAlignment: 'strict', isTesting: true }); // u is the default
  good('v=DMARC1; p=none; psd=y', { ...PLAIN, isPublicSuffix: true });
  good('v=DMARC1; p=none; psd=n', { ...PLAIN, isPublicSuffix: false });
  good('v=DMARC1; p=none; rua=mailto:a@b.example , mailto:c@d.example', {
    ...PLAIN,
    aggregateUris: ['mailto:a@b.example', 'mailto:c@d.example'],
  });
  good('v=DMARC1; p=none; ruf=mailto:a@b.example; fo=1:d:s', {
    ...PLAIN,
    failureUris: ['mailto:a@b.example'],
    failureOptions: ['1', 'd', 's'],
  });
  good('v=DMARC1; p=none; fo=s:0', { ...PLAIN, failureOptions: ['s', '0'] });
  good('v=DMARC1; p=none; rua=mailto:a@b.example!10m', { ...PLAIN, aggregateUris: ['mailto:a@b.example'] }, 'DMARC_URI_SIZE'); // RFC 7489
  good('v=DMARC1; p=none; rua=https://b.example/x', { ...PLAIN, aggregateUris: ['https://b.example/x'] }, 'DMARC_URI_SCHEME'); // nobody posts reports
  good('v=DMARC1; p=none; pct=50; rf=afrf; ri=86400', PLAIN, 'DMARC_TAG_REMOVED', 'DMARC_TAG_REMOVED', 'DMARC_TAG_REMOVED'); // RFC 7489
  good('v=DMARC1; rua=mailto:a@b.example; p=none', { ...PLAIN, aggregateUris: ['mailto:a@b.example'] }, 'DMARC_POLICY_SECOND');
  good('v=DMARC1; p=none; x=1', PLAIN, 'DMARC_TAG_UNKNOWN'); // must be ignored
  good('v=DMARC1; p=none; SP=reject', PLAIN, 'DMARC_TAG_UNKNOWN'); // tag names have a case (RFC 6376 §3.2)

  bad('v=dmarc1; p=none', 'DMARC_VERSION'); // its case counts
  bad('v=DMARC2; p=none', 'DMARC_VERSION');
  bad('p=none', 'DMARC_VERSION');
  bad('p=none; v=DMARC1', 'DMARC_VERSION_FIRST'); // receivers ignore all of it
  bad('v=DMARC1; p=rejekt', 'DMARC_POLICY');
  bad('v=DMARC1; p=', 'DMARC_POLICY');
  bad('v=DMARC1; p=none; sp=x; np=y', 'DMARC_POLICY', 'DMARC_POLICY'); // all at once
  bad('v=DMARC1; p=none; adkim=strict', 'DMARC_ALIGNMENT'); // r or s
  bad('v=DMARC1; p=none; psd=yes', 'DMARC_PSD');
  bad('v=DMARC1; p=none; t=1', 'DMARC_TESTING');
  bad('v=DMARC1; p=none; fo=0:1', 'DMARC_FAILURE_OPTIONS'); // one excludes the other
  bad('v=DMARC1; p=none; fo=d:d', 'DMARC_FAILURE_OPTIONS'); // each once
  bad('v=DMARC1; p=none; fo=', 'DMARC_FAILURE_OPTIONS');
  bad('v=DMARC1; p=none; rua=a@b.example', 'DMARC_URI'); // a mailbox is no URI
  bad('v=DMARC1; p=none; rua=', 'DMARC_URI');
  bad('v=DMARC1; p=none; rua=mailto:a@b.example,', 'DMARC_URI'); // nothing after the comma
  bad('v=DMARC1; p=none; p=reject', 'DMARC_TAG_TWICE'); // RFC 6376 §3.2: the whole list is invalid
  bad('v=DMARC1; p=none;; sp=none', 'DMARC_SYNTAX'); // an empty tag
  bad('v=DMARC1; p=none; sp', 'DMARC_SYNTAX'); // no value
  bad('v=DMARC1 p=none', 'DMARC_VERSION', 'DMARC_POLICY_MISSING?'); // the semicolon is missing
  bad('v=DMARC1; p=none; rua=mailto:ä@b.example', 'DMARC_SYNTAX', 'DMARC_URI'); // not ASCII
  bad('', 'DMARC_SYNTAX', 'DMARC_VERSION', 'DMARC_POLICY_MISSING?');

  test('a record that only authorizes reports has no policy', () => {
    const { policy: _, ...rest } = PLAIN;
    expect(parseDmarc('v=DMARC1')).toMatchObject({ ok: true, value: rest });
    expect(formatDmarc(rest)).toBe('v=DMARC1');
  });
  test('p comes second in print, for receivers of RFC 7489', () =>
    expect(
      formatDmarc({
        ...PLAIN,
        policy: 'reject',
        subdomainPolicy: 'quarantine',
        nonexistentPolicy: 'reject',
        isTesting: true,
        isPublicSuffix: false,
        dkimAlignment: 'strict',
        spfAlignment: 'strict',
        aggregateUris: ['mailto:a@b.example', 'mailto:c@d.example'],
        failureUris: ['mailto:e@f.example'],
        failureOptions: ['1', 'd'],
      }),
    ).toBe(
      'v=DMARC1; p=reject; sp=quarantine; np=reject; adkim=s; aspf=s; t=y; psd=n; rua=mailto:a@b.example,mailto:c@d.example; ruf=mailto:e@f.example; fo=1:d',
    ));

  test.each([
    ['v=DMARC1', true],
    ['v=DMARC1;', true],
    ['v = DMARC1 ;p=none', true],
    ['v=DMARC12;', false],
    ['v=dmarc1;', false],
    ['p=none; v=DMARC1', false],
  ])('the tree walk takes %s: %s', (text, expected) => expect(isDmarcText(text)).toBe(expected));
});

describe('RFC 9989 §4.7, §4.10.1: which policy', () => {
  const record: DmarcRecord = { ...PLAIN, policy: 'reject', subdomainPolicy: 'quarantine', nonexistentPolicy: 'none' };
  test.each([
    ['p, sp and np', record, ['reject', 'quarantine', 'none']],
    ['np falls back to sp', { ...PLAIN, policy: 'reject', subdomainPolicy: 'quarantine' }, ['reject', 'quarantine', 'quarantine']],
    ['sp falls back to p', { ...PLAIN, policy: 'reject' }, ['reject', 'reject', 'reject']],
    ['np alone', { ...PLAIN, policy: 'none', nonexistentPolicy: 'reject' }, ['none', 'none', 'reject']],
  ] as const)('%s', (_, each, expected) =>
    expect((['self', 'existing-subdomain', 'nonexistent-subdomain'] as const).map((relation) => statedPolicy(each, relation))).toEqual(
      expected,
    ),
  );
  test('t=y applies the policy one step lower, and none stays none', () => {
    const testing = { ...record, isTesting: true };
    expect((['self', 'existing-subdomain', 'nonexistent-subdomain'] as const).map((relation) => appliedPolicy(testing, relation))).toEqual([
      'quarantine',
      'none',
      'none',
    ]);
  });
});

describe('advice', () => {
  const codes = (record: DmarcRecord) => adviseDmarc(record).map((each) => `${formatPlace(each.at)}${each.code}`);
  const reporting = { ...PLAIN, aggregateUris: ['mailto:a@b.example'] };
  test('a plain monitoring or enforcing record needs none', () => {
    expect(codes(reporting)).toEqual([]);
    expect(codes({ ...reporting, policy: 'reject', nonexistentPolicy: 'reject' })).toEqual([]);
    expect(codes({ ...reporting, policy: 'none', nonexistentPolicy: 'reject' })).toEqual([]);
  });
  test('reports', () => expect(codes(PLAIN)).toEqual(['rua=DMARC_REPORTS_NONE']));
  test('a weaker policy for subdomains', () => {
    expect(codes({ ...reporting, policy: 'reject', subdomainPolicy: 'none' })).toEqual(['sp=DMARC_POLICY_WEAKER']);
    expect(codes({ ...reporting, policy: 'reject', nonexistentPolicy: 'none' })).toEqual(['np=DMARC_POLICY_WEAKER']);
  });
  test('t=y does not soften anything at older receivers', () => {
    expect(codes({ ...reporting, policy: 'reject', isTesting: true })).toEqual(['t=DMARC_TESTING_ENFORCED']);
    expect(codes({ ...reporting, isTesting: true })).toEqual([]);
  });
  test('tags of failure reports that receivers ignore', () => {
    expect(codes({ ...reporting, failureOptions: ['1'] })).toEqual(['fo=DMARC_FAILURE_UNUSED']);
    expect(codes({ ...reporting, isPublicSuffix: true, failureUris: ['mailto:a@b.example'] })).toEqual(['ruf=DMARC_FAILURE_UNUSED']);
  });
});

/** The DMARC section of a policy, and its record at each step of the ramp. */
import { describe, expect, test } from 'vitest';
import { formatPlace } from '#base/place.ts';
import { type Problem } from '#base/problem.ts';
import { formatName, nameOf } from '#dns/name.ts';
import { DMARC_POLICIES, formatDmarc } from '#mail/dmarc/record.ts';
import { dmarcRecordOf, postmaster, settleDmarc } from '#mail/dmarc/settle.ts';
import { DurationReader } from '#mail/policy/duration.ts';
import { type MailPolicyDocument } from '#mail/policy/schema.ts';
import { APEX, DAY_MS } from '../../support/mail/mail-domain.ts';

function settle(dmarc: MailPolicyDocument['dmarc'] = {}, isLockdown = false) {
  const durations = new DurationReader();
  const problems: Problem[] = [];
  const settings = settleDmarc({ dmarc }, APEX, isLockdown, durations, problems);
  return { settings, problems: [...problems, ...durations.problems].map(({ code, at }) => `${code} ${formatPlace(at)}`) };
}

describe('settings', () => {
  test('RFC 9989 §7.4: to reject, a month each; reports to postmaster, no failure reports', () =>
    expect(settle()).toMatchObject({
      settings: {
        isEnabled: true,
        policy: 'reject',
        ramp: { isOn: true, noneForMs: 30 * DAY_MS, quarantineForMs: 30 * DAY_MS },
        dkimAlignment: 'relaxed',
        spfAlignment: 'relaxed',
        aggregateUris: ['mailto:postmaster@example.com'],
        failureUris: [],
        acceptReportsOf: [],
      },
      problems: [],
    }));

  test('lockdown: reject at once, whatever the document says; nobody reads reports', () =>
    expect(settle({ enabled: false, policy: 'none', ramp: { enabled: true } }, true).settings).toMatchObject({
      isEnabled: true,
      policy: 'reject',
      ramp: { isOn: false },
      aggregateUris: [],
    }));

  test('RFC 2142 §5: the mailbox that every domain with mail has', () =>
    expect(postmaster(nameOf('mail.example.org'))).toBe('mailto:postmaster@mail.example.org'));

  test('other domains as names', () =>
    expect(settle({ acceptReportsOf: ['a.example', 'b.example.'] }).settings.acceptReportsOf.map(formatName)).toEqual([
      'a.example.',
      'b.example.',
    ]));

  test.each([
    ['no URI', { rua: ['d@example.com'] }, 'DMARC_URI /dmarc/rua'],
    ['no URI for failures', { ruf: ['d@example.com'] }, 'DMARC_URI /dmarc/ruf'],
    ['no duration', { ramp: { noneFor: 'soon' } }, 'FIELD_VALUE /dmarc/ramp/noneFor'],
  ])('%s, at its place', (_what, dmarc, expected) => expect(settle(dmarc).problems).toEqual([expected]));

  test('a name that is none, at its place', () =>
    expect(settle({ acceptReportsOf: ['a.example', 'x..example'] }).problems).toEqual([
      expect.stringMatching(/ \/dmarc\/acceptReportsOf\/1$/),
    ]));
});

describe('the record on its way', () => {
  const text = (dmarc: MailPolicyDocument['dmarc'], stage: (typeof DMARC_POLICIES)[number]) =>
    formatDmarc(dmarcRecordOf(settle({ rua: [], ...dmarc }).settings, stage));

  test.each([
    // Subdomains do not run ahead of the domain.
    [{ sp: 'reject' }, 'none', 'v=DMARC1; p=none'],
    [{ sp: 'reject' }, 'quarantine', 'v=DMARC1; p=quarantine'],
    [{ sp: 'reject' }, 'reject', 'v=DMARC1; p=reject'],
    // They may stay behind it.
    [{ sp: 'none' }, 'none', 'v=DMARC1; p=none'],
    [{ sp: 'none' }, 'quarantine', 'v=DMARC1; p=quarantine; sp=none'],
    [{ sp: 'quarantine' }, 'reject', 'v=DMARC1; p=reject; sp=quarantine'],
    // Once the domain is where it wants to be, they are as they are told.
    [{ policy: 'quarantine', sp: 'reject' }, 'quarantine', 'v=DMARC1; p=quarantine; sp=reject'],
    // Names that do not exist have no mail to lose.
    [{ np: 'reject' }, 'none', 'v=DMARC1; p=none; np=reject'],
  ] as const)('%j at %s: %s', (dmarc, stage, expected) => expect(text(dmarc, stage)).toBe(expected));

  test('alignment, public suffix, report addresses', () =>
    expect(
      text(
        { adkim: 'strict', aspf: 'strict', psd: 'no', rua: ['mailto:a@example.com'], ruf: ['mailto:f@example.com'], fo: ['1'] },
        'reject',
      ),
    ).toBe('v=DMARC1; p=reject; adkim=s; aspf=s; psd=n; rua=mailto:a@example.com; ruf=mailto:f@example.com; fo=1'));

  test('RFC 9989 §4.7: without addresses for failures "fo" is left out', () =>
    expect(text({ fo: ['1'] }, 'reject')).toBe('v=DMARC1; p=reject'));

  test.each(DMARC_POLICIES)('RFC 9989 §A.6: %s is said in p itself, never by t=y', (stage) =>
    expect(dmarcRecordOf(settle().settings, stage)).toMatchObject({ policy: stage, isTesting: false }),
  );
});

/** MTA-STS records and policies; mailauth reads what we print. */
import { parsePolicy, resolvePolicy, validateMx } from 'mailauth/lib/mta-sts.js';
import { describe, expect, test } from 'vitest';
import { formatName, nameOf } from '#dns/name.ts';
import {
  formatStsPolicy,
  formatStsRecord,
  isMxCovered,
  matchesMxPattern,
  parseStsPolicy,
  parseStsRecord,
  policyId,
  selectSts,
  type StsPolicy,
  stsHost,
  stsRecordOwner,
} from '#mail/mta-sts/record.ts';
import { recordTable } from '../../support/mail/record-table.ts';

describe('RFC 8461 §3.1: STSv1 record', () => {
  const { good, bad } = recordTable(parseStsRecord, formatStsRecord);
  good('v=STSv1; id=20160831085700Z;', { id: '20160831085700Z' }); // the example of the RFC
  good('v=STSv1;id=a', { id: 'a' });
  good('v=STSv1 ; id=a', { id: 'a' }, 'STS_VERSION_BLANK'); // erratum 6285
  good('v=STSv1; id=a; ext=1', { id: 'a' }, 'STS_TAG_UNKNOWN');
  bad('id=a; v=STSv1', 'STS_VERSION_FIRST');
  bad('v=stsv1; id=a', 'STS_VERSION'); // its case counts
  bad('v=STSv2; id=a', 'STS_VERSION');
  bad('v=STSv1;', 'STS_ID_MISSING');
  bad('v=STSv1; id=', 'STS_ID');
  bad('v=STSv1; id=2026-11-21', 'STS_ID'); // letters and digits only
  bad(`v=STSv1; id=${'a'.repeat(33)}`, 'STS_ID'); // at most 32
  bad('v=STSv1; id =a', 'STS_SYNTAX', 'STS_ID_MISSING'); // no blanks around =
  bad('v=STSv1; id=a; id=b', 'STS_TAG_TWICE');
  bad('v=STSv1', 'STS_ID_MISSING');
  test('senders take records that begin with v=STSv1;', () =>
    expect(selectSts(['v=STSv1; id=a', 'v=STSv1 ; id=b', 'v=spf1 -all'])).toEqual(['v=STSv1; id=a']));
  test('names', () => {
    const owner = stsRecordOwner(nameOf('example.com'));
    const host = stsHost(nameOf('example.com'));
    expect([owner.ok && formatName(owner.value), host.ok && formatName(host.value)]).toEqual([
      '_mta-sts.example.com.',
      'mta-sts.example.com.',
    ]);
  });
});

describe('RFC 8461 §3.2: policy body', () => {
  const { good, bad } = recordTable(parseStsPolicy, formatStsPolicy);
  const WEEK = 604_800;
  const head = 'version: STSv1\n';
  good('version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\nmx: backupmx.example.com\nmax_age: 604800\n', {
    mode: 'enforce',
    maxAgeSeconds: WEEK,
    mxPatterns: ['mail.example.com', '*.example.net', 'backupmx.example.com'],
  }); // the example of the RFC
  good('version: STSv1\r\nmode: testing\r\nmx: Mail.Example.COM\r\nmax_age: 86400', {
    mode: 'testing',
    maxAgeSeconds: 86_400,
    mxPatterns: ['mail.example.com'],
  }); // CRLF, no end of line at the end
  good(`${head}mode:none\nmax_age:0`, { mode: 'none', maxAgeSeconds: 0, mxPatterns: [] }); // no blank, no mx
  good(`max_age: 604800\nmx: a.example  \nmode: enforce\n${head}`, { mode: 'enforce', maxAgeSeconds: WEEK, mxPatterns: ['a.example'] }); // any order, blanks at the end
  good(
    `${head}mode: enforce\nmode: none\nmx: a.example\nmax_age: 604800`,
    { mode: 'enforce', maxAgeSeconds: WEEK, mxPatterns: ['a.example'] },
    'STS_POLICY_TWICE',
  ); // the first counts
  good(
    `${head}mode: testing\nmx: a.example\nmax_age: 604800\nx-new: 1`,
    { mode: 'testing', maxAgeSeconds: WEEK, mxPatterns: ['a.example'] },
    'STS_POLICY_KEY',
  ); // extensions are ignored
  good(
    `${head}mode: enforce\nmx: a.example\nmax_age: 3600`,
    { mode: 'enforce', maxAgeSeconds: 3600, mxPatterns: ['a.example'] },
    'STS_MAX_AGE_SHORT',
  );
  good(`${head}mode: enforce\nmx: *.example\nmax_age: 31557600`, { mode: 'enforce', maxAgeSeconds: 31_557_600, mxPatterns: ['*.example'] });
  bad('mode: enforce\nmx: a.example\nmax_age: 604800', 'STS_POLICY_VERSION'); // no version
  bad('version: STSv2\nmode: none\nmax_age: 1', 'STS_POLICY_VERSION');
  bad(`${head}mode: reject\nmx: a.example\nmax_age: 604800`, 'STS_MODE');
  bad(`${head}mx: a.example\nmax_age: 604800`, 'STS_MODE');
  bad(`${head}mode: none`, 'STS_MAX_AGE');
  bad(`${head}mode: none\nmax_age: 31557601`, 'STS_MAX_AGE'); // over a year
  bad(`${head}mode: none\nmax_age: 1 day`, 'STS_MAX_AGE');
  bad(`${head}mode: enforce\nmax_age: 604800`, 'STS_MX_MISSING'); // nobody may take mail
  bad(`${head}mode: enforce\nmx: a.example.\nmax_age: 604800`, 'STS_MX'); // a final dot
  bad(`${head}mode: enforce\nmx: mail.*.example\nmax_age: 604800`, 'STS_MX'); // the star only in front
  bad(`${head}mode: enforce\nmx: .example.com\nmax_age: 604800`, 'STS_MX'); // the form of an old draft
  bad(`${head}mode: enforce\nmx: bücher.example\nmax_age: 604800`, 'STS_MX'); // A-labels
  bad(`${head}mode: enforce\nmx: 192.0.2.1:25\nmax_age: 604800`, 'STS_MX');
  bad(`${head}mode none\nmax_age: 1`, 'STS_LINE', 'STS_MODE'); // no colon
  bad(`${head}\nmode: none\nmax_age: 1`, 'STS_LINE'); // an empty line
  bad('<html>not found</html>', 'STS_LINE', 'STS_POLICY_VERSION', 'STS_MODE', 'STS_MAX_AGE'); // a web server's idea of a 200
  bad('a'.repeat(65_537), 'STS_POLICY_SIZE');

  test('lines end with CRLF', () =>
    expect(formatStsPolicy({ mode: 'enforce', maxAgeSeconds: WEEK, mxPatterns: ['a.example', '*.b.example'] })).toBe(
      'version: STSv1\r\nmode: enforce\r\nmx: a.example\r\nmx: *.b.example\r\nmax_age: 604800\r\n',
    ));
});

describe('the id follows the body', () => {
  const policy: StsPolicy = { mode: 'testing', maxAgeSeconds: 86_400, mxPatterns: ['mx1.example.com'] };
  test('it is a good id, the same for the same body and another for another', () => {
    const id = policyId(formatStsPolicy(policy));
    expect(parseStsRecord(formatStsRecord({ id }))).toMatchObject({ ok: true, value: { id }, warnings: [] });
    expect(policyId(formatStsPolicy({ ...policy }))).toBe(id);
    expect(policyId(formatStsPolicy({ ...policy, mode: 'enforce' }))).not.toBe(id);
    expect(policyId(formatStsPolicy({ ...policy, mxPatterns: [] }))).not.toBe(id);
  });
  test('form and id are pinned: a new release must not make senders fetch what has not changed', () =>
    expect([formatStsPolicy(policy), policyId(formatStsPolicy(policy))]).toEqual([
      'version: STSv1\r\nmode: testing\r\nmx: mx1.example.com\r\nmax_age: 86400\r\n',
      '909b7807395c432ca832884649ec7a7d',
    ]));
});

describe('RFC 8461 §4.1: mx patterns', () => {
  test.each([
    ['mail.example.com', 'mail.example.com', true],
    ['mail.example.com', 'MAIL.example.COM', true],
    ['mail.example.com', 'a.mail.example.com', false],
    ['*.example.com', 'mail.example.com', true],
    ['*.example.com', 'a.mail.example.com', false], // exactly one label
    ['*.example.com', 'example.com', false], // not none
    ['*.example.com', 'mailexample.com', false], // a label, not a string
    ['*.com', 'example.com', true],
  ])('%s and %s: %s', (pattern, host, expected) => expect(matchesMxPattern(pattern, nameOf(host))).toBe(expected));
  test('a policy in mode none covers every host', () => {
    const policy: StsPolicy = { mode: 'enforce', maxAgeSeconds: 1, mxPatterns: ['a.example', '*.b.example'] };
    expect(['a.example', 'x.b.example', 'c.example'].map((mx) => isMxCovered(policy, nameOf(mx)))).toEqual([true, true, false]);
    expect(isMxCovered({ ...policy, mode: 'none' }, nameOf('c.example'))).toBe(true);
  });
});

describe('judge: mailauth', () => {
  const policy: StsPolicy = { mode: 'enforce', maxAgeSeconds: 604_800, mxPatterns: ['mail.example.com', '*.example.net'] };
  test('reads our body', () =>
    expect(parsePolicy(formatStsPolicy(policy))).toMatchObject({
      version: 'STSv1',
      mode: 'enforce',
      maxAge: 604_800,
      mx: ['mail.example.com', '*.example.net'],
    }));
  test('finds our id', async () => {
    const id = policyId(formatStsPolicy(policy));
    const resolver = () => Promise.resolve([[formatStsRecord({ id })]]);
    expect(await resolvePolicy('example.com', { resolver })).toBe(id);
  });
  test.each(['mail.example.com', 'a.example.net', 'example.net', 'mail.example.org'])('agrees on %s', (mx) =>
    expect(validateMx(mx, parsePolicy(formatStsPolicy(policy))).valid).toBe(isMxCovered(policy, nameOf(mx))),
  );
});

/** TLS reports between two processes: cut down to sums, and checked when they arrive. */
import { describe, expect, test } from 'vitest';
import { REPORT_COUNT_MAX } from '#base/limits/reports.ts';
import { compactTlsReport, readCompactTlsReport } from '#mail/reports/compact-tls-report.ts';
import { type TlsReport, type TlsReportPolicy } from '#mail/reports/tls-report.ts';

const policy = (more: Partial<TlsReportPolicy>): TlsReportPolicy => ({ kind: 'sts', succeeded: 0, failed: 0, failures: [], ...more });
const REPORT: TlsReport = {
  organization: 'Company-X',
  id: '5065427c-23d3-47ca-b6e0-946ea0e8c4be',
  beginMs: 1000,
  endMs: 2000,
  policies: [
    policy({ domain: 'example.com', succeeded: 5326, failed: 303, failures: [{ type: 'certificate-expired', sessions: 100 }] }),
    policy({ domain: 'example.com', succeeded: 4, failed: 3, failures: [{ type: 'certificate-expired', sessions: 3 }] }),
    policy({ succeeded: 1, kind: 'tlsa' }),
    policy({ domain: 'other.example', failed: 9 }),
  ],
  leftOut: [{ what: 'a policy', times: 1, amount: 2 }],
};
const COMPACT = compactTlsReport(REPORT, 'example.com')!;

test('sums of one domain, by policy type and failure type', () => {
  expect(COMPACT).toEqual({
    organization: 'Company-X',
    id: '5065427c-23d3-47ca-b6e0-946ea0e8c4be',
    beginMs: 1000,
    endMs: 2000,
    policies: [
      { kind: 'sts', domain: 'example.com', succeeded: 5330, failed: 306, failures: [{ type: 'certificate-expired', sessions: 103 }] },
      { kind: 'tlsa', domain: 'example.com', succeeded: 1, failed: 0, failures: [] },
    ],
    leftOut: [],
  });
  expect(compactTlsReport({ ...REPORT, policies: [policy({ domain: 'other.example' })] }, 'example.com')).toBeUndefined();
});

test('what a stranger makes large is cut, and sums stay counts', () => {
  const large = { ...REPORT, organization: 'x'.repeat(9999), id: 'y'.repeat(9999) };
  const many = Array.from({ length: 900 }, (_, at) => policy({ kind: `k${at}`.repeat(500), failed: REPORT_COUNT_MAX }));
  const types = Array.from({ length: 9000 }, (_, at) => ({ type: 't'.repeat(120) + at, sessions: REPORT_COUNT_MAX }));
  const compact = compactTlsReport(
    { ...large, policies: [policy({ failures: types, failed: REPORT_COUNT_MAX }), ...many] },
    'example.com',
  )!;
  expect(JSON.stringify(compact).length).toBeLessThan(40_000);
  expect(readCompactTlsReport(JSON.parse(JSON.stringify(compact)))).toEqual(compact);
});

describe('what comes from the process that faces strangers', () => {
  test('is taken as it was sent, and nothing else of it', () => {
    expect(readCompactTlsReport(JSON.parse(JSON.stringify(COMPACT)))).toEqual(COMPACT);
    const more = { ...COMPACT, secret: 1, policies: COMPACT.policies.map((each) => ({ ...each, secret: 2 })) };
    expect(readCompactTlsReport(more)).toEqual(COMPACT);
  });

  test.each([
    ['no object', null],
    ['no policies', { ...COMPACT, policies: [] }],
    ['too many policies', { ...COMPACT, policies: Array.from({ length: 9 }, () => COMPACT.policies[0]) }],
    ['a long text', { ...COMPACT, id: 'x'.repeat(501) }],
    ['a time that is none', { ...COMPACT, endMs: 1.5 }],
    ['a count below 0', { ...COMPACT, policies: [policy({ failed: -1 })] }],
    ['a count that is text', { ...COMPACT, policies: [{ ...policy({}), failed: '1' }] }],
    ['a failure without type', { ...COMPACT, policies: [{ ...policy({}), failures: [{ sessions: 1 }] }] }],
    ['a domain that is none', { ...COMPACT, policies: [{ ...policy({}), domain: 7 }] }],
  ])('%s is no report', (_what, value) => {
    expect(readCompactTlsReport(value)).toBeUndefined();
  });
});

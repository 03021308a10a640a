/** TLS reports as senders write them, and as nobody should. */
import { formatPlace } from '#base/place.ts';
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseTlsReport } from '#mail/reports/tls-report.ts';

const good = readFileSync(new URL('../../fixtures/reports/tls-google.json', import.meta.url)).toString();
const problems = (text: string) => {
  const parsed = parseTlsReport(Buffer.from(text));
  return parsed.ok ? [] : parsed.problems.map(({ code, at }) => `${code} ${formatPlace(at)}`.trim());
};

test('RFC 8460 §4.4: one domain, two policies, mx-host as text or list', () => {
  expect(parseTlsReport(Buffer.from(good))).toEqual({
    ok: true,
    warnings: [],
    value: {
      organization: 'Google Inc.',
      id: '2026-01-01T00:00:00Z_post.example',
      domain: 'post.example',
      beginMs: Date.UTC(2026, 0, 1),
      endMs: Date.UTC(2026, 0, 2) - 1000,
      policies: [
        { kind: 'sts', succeeded: 995, failed: 5, failures: [{ type: 'certificate-expired', sessions: 5 }] },
        { kind: 'tlsa', succeeded: 0, failed: 7, failures: [{ type: 'validation-failure', sessions: 7 }] },
      ],
    },
  });
});

describe('what is refused', () => {
  test('every problem at once', () => {
    const bad = good
      .replace('"organization-name": "Google Inc."', '"organization-name": 7')
      .replace('"total-successful-session-count": 995', '"total-successful-session-count": "995"')
      .replace('2026-01-01T23:59:59Z', 'tomorrow')
      .replace('"Post.Example."', '"other.example"');
    expect(problems(bad)).toEqual([
      'REPORT_FORM /policies/0/summary/total-successful-session-count',
      'REPORT_FORM /policies',
      'REPORT_FORM /organization-name',
      'REPORT_FORM /date-range/end-datetime',
    ]);
  });

  test.each(['', '[]', 'null', '7', '{', '{}', '{"policies":[]}', '{"policies":[null]}', good.slice(0, -5)])('%#', (text) => {
    expect(problems(text)[0]).toMatch(/^REPORT_FORM/);
  });

  test('any JSON is read without an exception', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (policy, summary) => {
        const document = { ...(JSON.parse(good) as object), policies: [{ policy, summary }] };
        expect(problems(JSON.stringify(document)).length).toBeGreaterThan(0);
      }),
    );
  });
});

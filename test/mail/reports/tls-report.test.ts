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
      beginMs: Date.UTC(2026, 0, 1),
      endMs: Date.UTC(2026, 0, 2) - 1000,
      policies: [
        { domain: 'post.example', kind: 'sts', succeeded: 995, failed: 5, failures: [{ type: 'certificate-expired', sessions: 5 }] },
        { domain: 'post.example', kind: 'tlsa', succeeded: 0, failed: 7, failures: [{ type: 'validation-failure', sessions: 7 }] },
      ],
      leftOut: [],
    },
  });
});

describe('what differs and still counts', () => {
  const read = (text: string) => {
    const parsed = parseTlsReport(Buffer.from(text));
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    return parsed.value;
  };

  test('counts as text; who sent it by its contact alone; details that are none, or one without a list', () => {
    const text = good
      .replace('"total-successful-session-count": 995', '"total-successful-session-count": "995"')
      .replace('"organization-name": "Google Inc."', '"organization-name": ""');
    expect(read(text)).toMatchObject({ organization: 'google.com', policies: [{ succeeded: 995 }, { failed: 7 }], leftOut: [] });
    const document = JSON.parse(good) as { policies: { 'failure-details': unknown }[] };
    document.policies[0]!['failure-details'] = null;
    document.policies[1]!['failure-details'] = { 'result-type': 'Validation-Failure', 'failed-session-count': 7 };
    expect(read(JSON.stringify(document)).policies.map(({ failures }) => failures)).toEqual([
      [],
      [{ type: 'validation-failure', sessions: 7 }],
    ]);
  });

  test('a policy or a failure that cannot be read is left out and named', () => {
    const text = good
      .replace('"total-failure-session-count": 7', '"total-failure-session-count": "many"')
      .replace('"result-type": "certificate-expired"', '"result-type": ""');
    const { policies, leftOut } = read(text);
    expect(policies).toEqual([{ domain: 'post.example', kind: 'sts', succeeded: 995, failed: 5, failures: [] }]);
    expect(leftOut).toEqual([
      { what: 'policy of "post.example": a failure without result-type and failed-session-count', times: 1, amount: 5 },
      { what: 'policy of "post.example": its summary does not have both counts, from 0 to 1000000000', times: 1, amount: 0 },
    ]);
  });
});

describe('what is refused', () => {
  test('every problem at once', () => {
    const bad = good
      .replace('"organization-name": "Google Inc."', '"organization-name": 7')
      .replace('smtp-tls-reporting@google.com', 'https://google.com')
      .replace('"total-successful-session-count": 995', '"total-successful-session-count": -1')
      .replace('"total-failure-session-count": 7', '"total-failure-session-count": "many"')
      .replace('2026-01-01T23:59:59Z', 'tomorrow');
    expect(problems(bad)).toEqual([
      'REPORT_FORM /organization-name',
      'REPORT_FORM /date-range/end-datetime',
      // Both policies, for the same reason.
      'REPORT_FORM /policies',
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

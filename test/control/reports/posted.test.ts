/** RFC 8460 §5.4: reports that strangers posted, as they come from the process that faces them. */
import { describe, expect, test } from 'vitest';
import { postedReports } from '#control/reports/posted.ts';
import { nameOf } from '#dns/name.ts';
import { readReports } from '#store/mail/reports.ts';
import { good, MAIL_ZONE_TEXT, temporaryControl } from '../../support/temporary-control.ts';
import { TEST_NOW_MS } from '../../support/temporary-store.ts';

const ZONE = nameOf('post.example.');
const DAY_MS = 86_400_000;
const BEGIN_MS = Math.floor(TEST_NOW_MS / DAY_MS) * DAY_MS - DAY_MS;
const POLICY = {
  dkim: { algorithms: [] },
  mtaSts: { mode: 'enforce', testingFor: '4d', shortFor: '4d' },
  tlsRpt: { rua: ['https://mta-sts.post.example/tlsrpt'] },
};
const REPORT = {
  organization: 'Company-X',
  id: '1',
  beginMs: BEGIN_MS,
  endMs: BEGIN_MS + DAY_MS - 1000,
  policies: [{ kind: 'sts', domain: 'post.example', succeeded: 10, failed: 5, failures: [{ type: 'certificate-expired', sessions: 5 }] }],
  leftOut: [],
};

async function house(policy: object = POLICY) {
  const made = temporaryControl({ sources: ['mail'] });
  await made.load('post.example.', MAIL_ZONE_TEXT);
  good(await made.run({ kind: 'mail.apply', zone: ZONE, policy }));
  const handler = postedReports({ reader: made.writer, run: (command, options) => made.control.run(command, options) });
  const send = async (body: object) => Buffer.from(await handler(Buffer.from(JSON.stringify(body)))).toString();
  const post = (more: object = {}) => send({ host: 'mta-sts.post.example', domain: 'post.example', report: REPORT, ...more });
  return { ...made, handler, send, post, reports: () => readReports(made.writer, made.writer.zoneByName(ZONE)!.id) };
}

describe('a posted report', () => {
  test('is counted apart, once, and not in the audit log', async () => {
    const { post, reports, control, writer } = await house();
    const entries = () => control.audit.entries(100).length;
    const before = entries();
    expect([await post(), await post()]).toEqual(['204', '204']);
    expect(reports().tls.days).toEqual([]);
    expect(reports().posted.days).toMatchObject([{ succeeded: 10, failed: 5, types: { 'certificate-expired': 5 } }]);
    expect(entries()).toBe(before);
    const { lines } = control.mail.view(writer.zoneByName(ZONE)!)!.reports.tls;
    expect(lines.at(-1)).toMatch(/^TLS reports by HTTPS, which nothing authenticates: 5 of 15 sessions failed .*"Company-X"/);
  });

  test('that the operator has given already counts there alone', async () => {
    const made = await house();
    const { post, reports } = made;
    good(await made.run({ kind: 'mta-sts.report', zone: ZONE, report: REPORT }));
    expect(await post()).toBe('204');
    expect([reports().tls.days.length, reports().posted.days.length]).toEqual([1, 0]);
  });

  test.each([
    ['for a host that the policy does not name', { host: 'mta-sts.other.example' }, '404'],
    ['for a zone that is not here', { domain: 'other.example' }, '404'],
    ['about the future', { report: { ...REPORT, beginMs: TEST_NOW_MS + 9 * DAY_MS, endMs: TEST_NOW_MS + 10 * DAY_MS } }, '422'],
    ['about another domain', { report: { ...REPORT, policies: [{ ...REPORT.policies[0], domain: 'other.example' }] } }, '422'],
    ['that is none', { report: { ...REPORT, policies: 'x' } }, '400'],
    ['for a domain that is no text', { domain: 7 }, '400'],
    ['for a domain that is no name', { domain: '..' }, '400'],
  ])('%s is rejected', async (_what, more, status) => {
    const { post, reports } = await house();
    expect(await post(more)).toBe(status);
    expect(reports().posted.days).toEqual([]);
  });

  test('of a policy that names no such address is rejected', async () => {
    const { post } = await house({ ...POLICY, tlsRpt: { rua: ['mailto:tls@post.example'] } });
    expect(await post()).toBe('404');
  });

  test('that is no JSON, or too long, is rejected', async () => {
    const { handler } = await house();
    expect(Buffer.from(await handler(Buffer.from('{'))).toString()).toBe('400');
    expect(Buffer.from(await handler(Buffer.alloc(49 * 1024))).toString()).toBe('413');
  });

  test('few are worked on at once', async () => {
    const { post } = await house();
    const statuses = await Promise.all(Array.from({ length: 9 }, (_, at) => post({ report: { ...REPORT, id: String(at) } })));
    expect(statuses.filter((each) => each === '204')).toHaveLength(4);
    expect(statuses.filter((each) => each === '503')).toHaveLength(5);
  });
});

/** RFC 8460 §5.4: what mail senders post, and what they get for it. */
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type CallOutcome } from '#base/ipc/calls.ts';
import { POSTED_PER_DOMAIN_BURST, POSTED_PER_NETWORK_BURST, POSTED_REPORT_BYTES_MAX } from '#base/limits/reports.ts';
import { nameOf } from '#dns/name.ts';
import { ReportRates } from '#policy-host/report-rates.ts';
import { testPolicyHost } from '../support/policy-host.ts';
import { good } from '../support/temporary-control.ts';

const HOST = 'mta-sts.one.example';
const URI = `https://${HOST}/tlsrpt`;
/** RFC 8460 appendix B, for other names. */
const REPORT = {
  'organization-name': 'Company-X',
  'date-range': { 'start-datetime': '2026-01-01T00:00:00Z', 'end-datetime': '2026-01-01T23:59:59Z' },
  'contact-info': 'sts-reporting@company-x.example',
  'report-id': '5065427c-23d3-47ca-b6e0-946ea0e8c4be',
  policies: [
    {
      policy: { 'policy-type': 'sts', 'policy-domain': 'one.example', 'mx-host': ['*.mail.one.example'] },
      summary: { 'total-successful-session-count': 5326, 'total-failure-session-count': 303 },
      'failure-details': [{ 'result-type': 'certificate-expired', 'failed-session-count': 100 }],
    },
  ],
};
const JSON_TYPE = 'application/tlsrpt+json';
const about = (domain: string) => ({
  ...REPORT,
  policies: [{ ...REPORT.policies[0], policy: { ...REPORT.policies[0]!.policy, 'policy-domain': domain } }],
});

async function house(reply: CallOutcome = { ok: true, body: Buffer.from('204') }) {
  const sent: unknown[] = [];
  const made = await testPolicyHost({
    sendReport: (body) => {
      sent.push(JSON.parse(Buffer.from(body).toString('utf8')));
      return Promise.resolve(reply);
    },
  });
  for (const zone of ['one.example', 'two.example'])
    good(await made.run({ kind: 'mail.apply', zone: nameOf(`${zone}.`), policy: { mtaSts: { mode: 'testing' }, tlsRpt: { rua: [URI] } } }));
  made.reader.refresh();
  /** Status, the headers of interest, and the body. */
  const post = async (body: object | Uint8Array, { type = JSON_TYPE, more = '', method = 'POST', path = '/tlsrpt' } = {}) => {
    const octets = body instanceof Uint8Array ? Buffer.from(body) : Buffer.from(JSON.stringify(body));
    const head = `${method} ${path} HTTP/1.1\r\nHost: ${HOST}\r\nContent-Type: ${type}\r\nContent-Length: ${octets.length}\r\n${more}Connection: close\r\n\r\n`;
    const raw = await made.raw(Buffer.concat([Buffer.from(head), octets]));
    const [answer = '', ...rest] = raw.split('\r\n\r\n');
    return `${/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]} ${rest.join('\r\n\r\n')}`.trim();
  };
  return { ...made, sent, post };
}

describe('a report', () => {
  test('is taken in both media types, by what its octets are, and answered 2xx without a body', async () => {
    const { post, sent } = await house();
    expect(await post(REPORT)).toBe('204');
    const packed = gzipSync(JSON.stringify(REPORT));
    expect(await post(packed, { type: 'application/tlsrpt+gzip' })).toBe('204');
    expect(await post(packed, { type: 'Application/TLSRPT+gzip; charset=x' })).toBe('204');
    expect(sent).toHaveLength(3);
    expect(sent[1]).toEqual(sent[0]);
    expect(sent[0]).toMatchObject({
      host: HOST,
      domain: 'one.example',
      report: {
        organization: 'Company-X',
        policies: [{ kind: 'sts', succeeded: 5326, failed: 303, failures: [{ type: 'certificate-expired', sessions: 100 }] }],
      },
    });
  });

  test('about another zone is taken when that zone’s policy names this host', async () => {
    const { post, sent } = await house();
    expect(await post(about('two.example'))).toBe('204');
    expect(sent).toMatchObject([{ host: HOST, domain: 'two.example' }]);
  });

  test.each([
    ['about a zone that is not here', about('three.example'), {}, '404'],
    ['of another media type', REPORT, { type: 'application/json' }, '415'],
    ['with a content coding', REPORT, { more: 'Content-Encoding: gzip\r\n' }, '415'],
    ['that is no JSON', Buffer.from('<xml/>'), {}, '400'],
    ['without a policy', { ...REPORT, policies: [] }, {}, '400'],
    ['that is damaged gzip', Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3]), {}, '400'],
    ['that unpacks to too much', gzipSync(Buffer.alloc(64 * 1024 * 1024)), { type: 'application/tlsrpt+gzip' }, '413'],
    ['at another path', REPORT, { path: '/tlsrpt/' }, '404'],
    ['by PUT', REPORT, { method: 'PUT' }, '404'],
  ])('%s is rejected, without a body', async (_what, body, more, status) => {
    const { post, sent } = await house();
    expect([await post(body, more), sent]).toEqual([status, []]);
  });

  test('that is longer than any is not read', async () => {
    const { raw, sent } = await house();
    const head = `POST /tlsrpt HTTP/1.1\r\nHost: ${HOST}\r\nContent-Type: ${JSON_TYPE}\r\nContent-Length: ${POSTED_REPORT_BYTES_MAX + 1}\r\n\r\n`;
    expect(await raw(head, { ms: 2000 })).toMatch(/^HTTP\/1\.1 413 /);
    expect(sent).toEqual([]);
  });

  test('GET finds nothing where reports are posted', async () => {
    const { raw } = await house();
    expect(await raw(`GET /tlsrpt HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`)).toMatch(/^HTTP\/1\.1 404 /);
  });

  test.each<[string, CallOutcome, string]>([
    ['control is not there', { ok: false, why: 'gone' }, '503'],
    ['control has too much to do', { ok: true, body: Buffer.from('503') }, '503'],
    ['control rejects it', { ok: true, body: Buffer.from('422') }, '422'],
    ['control says nonsense', { ok: true, body: Buffer.from('<script>') }, '503'],
  ])('%s: the sender learns a status', async (_what, reply, status) => {
    const { post } = await house(reply);
    expect(await post(REPORT)).toBe(status);
  });

  test('one client’s flood is told to come later', async () => {
    const { post, sent, raw } = await house();
    for (let at = 0; at < POSTED_PER_NETWORK_BURST + 4; at++) await post(REPORT);
    expect(sent.length).toBeLessThan(POSTED_PER_NETWORK_BURST + 4);
    const octets = JSON.stringify(REPORT);
    const head = `POST /tlsrpt HTTP/1.1\r\nHost: ${HOST}\r\nContent-Type: ${JSON_TYPE}\r\nContent-Length: ${octets.length}\r\nConnection: close\r\n\r\n`;
    const answers = await Promise.all(Array.from({ length: 8 }, () => raw(head + octets)));
    expect(answers.some((each) => /^HTTP\/1\.1 429 [^]*retry-after: 600/.test(each))).toBe(true);
  });
});

test('rates are those of a network and of a domain, and come back with time', () => {
  let nowMs = 0;
  const rates = new ReportRates(() => nowMs);
  const times = (what: () => boolean) => Array.from({ length: 100 }, what).filter(Boolean).length;
  expect(times(() => rates.allowClient('2001:db8::1'))).toBe(POSTED_PER_NETWORK_BURST);
  // The same /64.
  expect(rates.allowClient('2001:db8::2')).toBe(false);
  expect(rates.allowClient('2001:db8:0:1::2')).toBe(true);
  expect(rates.allowClient('192.0.2.1')).toBe(true);
  nowMs += 1000;
  expect(rates.allowClient('2001:db8::1')).toBe(true);
  expect(times(() => rates.allowDomain('one.example'))).toBe(POSTED_PER_DOMAIN_BURST);
  expect(rates.allowDomain('two.example')).toBe(true);
});

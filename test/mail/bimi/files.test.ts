/** Hosted logos over time: host, body, seen from outside, record; another logo; and all of it backwards. */
import { describe, expect, test } from 'vitest';
import { formatPlace } from '#base/place.ts';
import { overrideWait } from '#lifecycle/engine.ts';
import { BIMI_FILES_MACHINE } from '#mail/bimi/files-machine.ts';
import { type BimiUpload, servedFiles } from '#mail/bimi/files.ts';
import { explainMail } from '#mail/step.ts';
import { type PolicyHostFacts } from '#mail/hosting/host-life.ts';
import { DAY_MS, HOUR_MS, lines, MailDomain, policyOf } from '../../support/mail/mail-domain.ts';

const POLICY = {
  dkim: { algorithms: [] },
  spf: { enabled: false },
  dmarc: { policy: 'reject', ramp: { enabled: false }, rua: [] },
  mtaSts: { mode: 'off' },
  tlsRpt: { rua: [] },
  bimi: { hosted: true },
};
const { bimi: _bimi, ...WITHOUT } = POLICY;
const HAVE = { isThere: true, text: 'valid until 2027-02-01' };
const HERE: PolicyHostFacts = { addresses: ['9.9.9.9'], unreachable: [], bimiCertificate: HAVE };
const name = (digit: string, kind = 'svg') => `${digit.repeat(32)}.${kind}`;
const A: BimiUpload = { logo: name('a'), evidence: name('a', 'pem') };
const B: BimiUpload = { logo: name('b') };

const HOST = 'bimi 3600 A 9.9.9.9';
const url = (file: string) => `https://bimi.example.com/bimi/${file}`;
const recordOf = ({ logo, evidence }: BimiUpload, selector = 'default') =>
  `${selector}._bimi 3600 TXT "v=BIMI1; l=${url(logo)}; a=${evidence === undefined ? '' : url(evidence)};"`;
const records = (domain: MailDomain) => lines(domain.last!.records).filter((line) => line.includes('bimi'));
const stages = (domain: MailDomain) => domain.state.bimi?.files.objects.map(({ id, stage }) => `${id} ${stage}`) ?? [];
const hostStage = (domain: MailDomain) => domain.state.bimi?.host.objects[0]?.stage;
const status = (domain: MailDomain, object: string) =>
  explainMail(domain.state, domain.context())
    .find((each) => each.object === object)!
    .lines.join('\n');
const problems = (domain: MailDomain) =>
  domain
    .last!.problems.filter(({ code }) => code.startsWith('MAIL_BIMI'))
    .map(({ code, at, message }) => `${code} ${formatPlace(at)}: ${message}`);

function hosted(uploads: MailDomain['bimiUploads'] = { default: A }, document: object = POLICY): MailDomain {
  const domain = new MailDomain(document);
  domain.policyHost = HERE;
  domain.bimiUploads = uploads;
  return domain;
}

/** In force: host ready, the logo seen, the record there. */
function inForce(): MailDomain {
  const domain = hosted();
  domain.step();
  domain.look(1000);
  domain.step(HOUR_MS);
  domain.look(1000);
  expect(stages(domain)).toEqual(['bimi-logo-1 confirmed']);
  return domain;
}

function overridden(domain: MailDomain, object: string, wait: string): void {
  const bimi = domain.state.bimi!;
  const cause = { reason: 'test', by: 'operator', nowMs: domain.nowMs };
  const files = overrideWait(BIMI_FILES_MACHINE, bimi.files, object, wait, cause);
  if (!files.ok) throw new Error(wait);
  domain.state = { ...domain.state, bimi: { ...bimi, files: files.value } };
}

describe('BIMI §4.3: host record → caches → certificate → logo seen from outside → record', () => {
  test('each step waits for the one before', () => {
    const domain = hosted();
    domain.policyHost = { ...HERE, bimiCertificate: { isThere: false, text: 'bimi.example.com has no certificate yet' } };
    domain.step();
    expect([hostStage(domain), stages(domain), records(domain)]).toEqual(['published', ['bimi-logo-1 served'], [HOST]]);
    expect(status(domain, 'bimi-logo-1')).toContain('host: waits for the host of the logo to be known everywhere, with a certificate');
    expect(domain.last!.checks.filter(({ expect: wanted }) => wanted?.kind === 'files')).toEqual([]);

    domain.look(1000);
    // BASE has a negative TTL of 900 seconds (RFC 2308 §5).
    domain.step(900_000);
    expect([hostStage(domain), records(domain)]).toEqual(['visible', [HOST]]);
    expect(status(domain, 'bimi-host')).toContain('bimi.example.com has no certificate yet');
    expect(domain.last!.nextDueMs).toBeLessThanOrEqual(domain.nowMs + 60_000);

    domain.policyHost = HERE;
    domain.step(1000);
    expect([hostStage(domain), records(domain)]).toEqual(['ready', [HOST]]);
    const [check] = domain.last!.checks.filter(({ expect: wanted }) => wanted?.kind === 'files');
    expect(check).toMatchObject({
      object: 'bimi-logo-1',
      place: 'probe',
      expect: { files: [A.logo, A.evidence!].map((each) => ({ name: each, url: url(each) })) },
    });

    domain.look(1000);
    expect([stages(domain), records(domain)]).toEqual([['bimi-logo-1 confirmed'], [HOST, recordOf(A)]]);
  });

  test('a look that fails holds the record back, and says what was seen', () => {
    const domain = hosted();
    domain.step();
    domain.look(1000);
    domain.step(HOUR_MS);
    const seen = { object: 'bimi-logo-1', what: 'files', place: 'probe', isGood: false, text: 'TLS: no certificate', atMs: domain.nowMs };
    domain.step(0, { observations: [seen] });
    expect([stages(domain), records(domain)]).toEqual([['bimi-logo-1 served'], [HOST]]);
    expect(status(domain, 'bimi-logo-1')).toContain('TLS: no certificate');
  });

  test('without a probe there is no record', () => {
    const domain = hosted();
    domain.facts = { probes: [] };
    domain.step();
    domain.look(1000);
    domain.step(HOUR_MS);
    domain.look(1000);
    expect(records(domain)).toEqual([HOST]);
    expect(status(domain, 'bimi-logo-1')).toContain('probed: waits for a probe outside');
  });

  test('§7.1: DMARC holds the record back as that of any logo, and lets it go again', () => {
    const domain = hosted({ default: A }, { ...POLICY, dmarc: { policy: 'none', rua: [] } });
    domain.step();
    domain.look(1000);
    domain.step(HOUR_MS);
    domain.look(1000);
    expect([stages(domain), records(domain)]).toEqual([['bimi-logo-1 confirmed'], [HOST]]);
    expect(status(domain, 'bimi')).toContain('the DMARC policy is none');
    domain.policy = policyOf(POLICY);
    domain.step();
    expect(records(domain)).toEqual([HOST, recordOf(A)]);
  });

  test('nothing uploaded: no host, no record, and the command that helps', () => {
    const domain = hosted({});
    domain.step();
    expect([domain.state.bimi, records(domain)]).toEqual([undefined, []]);
    expect(problems(domain)).toEqual([
      expect.stringContaining('MAIL_BIMI_UPLOAD /bimi/hosted: no logo was uploaded for the selector default'),
    ]);
  });

  test('uploads for other selectors are not served', () => {
    const domain = hosted({ other: A });
    domain.step();
    expect([domain.state.bimi, records(domain)]).toEqual([undefined, []]);
    const named = hosted({ other: A }, { ...POLICY, bimi: { hosted: true, selector: 'OTHER' } });
    named.step();
    expect(stages(named)).toEqual(['bimi-logo-1 served']);
  });

  test('evidence that ends is warned of in time', () => {
    const domain = hosted();
    const ending = (days: number) => ({ default: { ...A, evidenceEndsMs: domain.nowMs + days * DAY_MS } });
    domain.bimiUploads = ending(46);
    domain.step();
    expect(problems(domain)).toEqual([]);
    domain.bimiUploads = ending(44);
    domain.step();
    expect(problems(domain)).toEqual([expect.stringContaining('ends at')]);
    domain.bimiUploads = ending(-1);
    domain.step();
    expect(problems(domain)).toEqual([expect.stringContaining('has ended at')]);
  });
});

describe('another logo', () => {
  test('the record names the old one until the new one is seen; the old one is served for its time', () => {
    const domain = inForce();
    domain.bimiUploads = { default: B };
    domain.step(1000);
    expect([stages(domain), records(domain)]).toEqual([
      ['bimi-logo-1 confirmed', 'bimi-logo-2 served'],
      [HOST, recordOf(A)],
    ]);
    expect(servedFiles(domain.state.bimi!)).toEqual([A.logo, A.evidence, B.logo]);
    domain.look(1000);
    expect([stages(domain), records(domain)]).toEqual([
      ['bimi-logo-1 superseded', 'bimi-logo-2 confirmed'],
      [HOST, recordOf(B)],
    ]);
    // The old record goes from servers and caches, and mail of before keeps its logo for 30 days.
    domain.look(1000);
    domain.step(30 * DAY_MS - HOUR_MS);
    expect(stages(domain)).toEqual(['bimi-logo-1 superseded', 'bimi-logo-2 confirmed']);
    expect(status(domain, 'bimi-logo-1')).toContain('kept: waits for mail programs that fetch the logo of mail received before');
    domain.step(2 * HOUR_MS);
    expect([stages(domain), servedFiles(domain.state.bimi!)]).toEqual([['bimi-logo-2 confirmed'], [B.logo]]);
  });

  test('one that no record named goes at once', () => {
    const domain = hosted();
    domain.step();
    domain.bimiUploads = { default: B };
    domain.step();
    expect([stages(domain), servedFiles(domain.state.bimi!)]).toEqual([['bimi-logo-2 served'], [B.logo]]);
  });

  test('back to the first while the second is not yet seen: nothing changes for readers', () => {
    const domain = inForce();
    domain.bimiUploads = { default: B };
    domain.step(1000);
    domain.bimiUploads = { default: A };
    domain.step(1000);
    expect([stages(domain), records(domain)]).toEqual([['bimi-logo-1 confirmed'], [HOST, recordOf(A)]]);
  });

  test('back to the first after the second took its place: it is looked at anew, and is never out of service', () => {
    const domain = inForce();
    domain.bimiUploads = { default: B };
    domain.step(1000);
    domain.look(1000);
    domain.bimiUploads = { default: A };
    domain.step(1000);
    expect([stages(domain), records(domain)]).toEqual([
      ['bimi-logo-1 served', 'bimi-logo-2 confirmed'],
      [HOST, recordOf(B)],
    ]);
    domain.look(1000);
    expect([stages(domain), records(domain)]).toEqual([
      ['bimi-logo-1 confirmed', 'bimi-logo-2 superseded'],
      [HOST, recordOf(A)],
    ]);
  });

  test('a logo that gets evidence is another pair with the same logo', () => {
    const domain = hosted({ default: { logo: A.logo } });
    domain.step();
    domain.look(1000);
    domain.step(HOUR_MS);
    domain.look(1000);
    domain.bimiUploads = { default: A };
    domain.step(1000);
    domain.look(1000);
    expect([stages(domain), records(domain)]).toEqual([
      ['bimi-logo-1 superseded', 'bimi-logo-2 confirmed'],
      [HOST, recordOf(A)],
    ]);
  });

  test('another selector: its record takes the place of the first', () => {
    const domain = inForce();
    domain.policy = policyOf({ ...POLICY, bimi: { hosted: true, selector: 'v2' } });
    domain.bimiUploads = { default: A, v2: B };
    domain.step(1000);
    expect(records(domain)).toEqual([HOST, recordOf(A)]);
    domain.look(1000);
    expect(records(domain)).toEqual([HOST, recordOf(B, 'v2')]);
  });
});

describe('removal, backwards: record → caches → time for mail of before → files → host', () => {
  test.each<[string, (domain: MailDomain) => void]>([
    ['the upload is removed', (domain) => void (domain.bimiUploads = {})],
    ['the policy does not have it hosted any more', (domain) => void (domain.policy = policyOf(WITHOUT))],
    [
      'the logo is at another server',
      (domain) => void (domain.policy = policyOf({ ...POLICY, bimi: { logo: 'https://example.net/x.svg' } })),
    ],
  ])('%s', (_what, remove) => {
    const domain = inForce();
    remove(domain);
    domain.step(1000);
    expect([stages(domain), hostStage(domain)]).toEqual([['bimi-logo-1 superseded'], 'withdrawing']);
    expect(records(domain).filter((line) => line.includes(A.logo))).toEqual([]);
    expect(records(domain)).toContain(HOST);
    domain.look(1000);
    domain.step(29 * DAY_MS);
    expect([stages(domain), records(domain).includes(HOST)]).toEqual([['bimi-logo-1 superseded'], true]);
    domain.step(2 * DAY_MS);
    expect([stages(domain), hostStage(domain), records(domain).includes(HOST)]).toEqual([[], undefined, false]);
  });

  test('a server that still shows the old record is waited for, however long; the operator may go ahead', () => {
    const domain = inForce();
    domain.facts = { servers: ['this server', '192.0.2.2:53'], probes: ['probe'] };
    domain.bimiUploads = {};
    domain.step(1000);
    domain.step(90 * DAY_MS);
    expect(stages(domain)).toEqual(['bimi-logo-1 superseded']);
    expect(status(domain, 'bimi-logo-1')).toContain('record-gone: waits for every name server to answer without the old record');
    const checks = domain.last!.checks.filter(({ object }) => object === 'bimi-logo-1');
    expect(checks.map(({ expect: wanted }) => wanted)).toEqual(
      Array.from({ length: 2 }, () => expect.objectContaining({ kind: 'no-record', text: expect.stringContaining(A.logo) })),
    );
    overridden(domain, 'bimi-logo-1', 'record-gone');
    domain.step(HOUR_MS + 1);
    expect(stages(domain)).toEqual([]);
  });

  test('the time for which an old logo is served is a setting of the policy', () => {
    const domain = inForce();
    domain.policy = policyOf({ ...POLICY, bimi: { hosted: true, keepOld: '2h' } });
    domain.bimiUploads = {};
    domain.step(1000);
    domain.look(1000);
    domain.step(HOUR_MS);
    expect(stages(domain)).toEqual(['bimi-logo-1 superseded']);
    domain.step(2 * HOUR_MS);
    expect(stages(domain)).toEqual([]);
  });

  test('wanted again while its host is being withdrawn', () => {
    const domain = inForce();
    domain.bimiUploads = {};
    domain.step(1000);
    domain.bimiUploads = { default: B };
    domain.step(1000);
    expect([hostStage(domain), stages(domain)]).toEqual(['ready', ['bimi-logo-1 superseded', 'bimi-logo-2 served']]);
  });
});

/** The watch over a policy that another server serves: what is news, what is wrong, and when it is looked at again. */
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { formatStsPolicy, policyId } from '#mail/mta-sts/record.ts';
import { type StsSeen, type StsWatch, stsWatchLines, takeStsLook } from '#mail/mta-sts/watch.ts';

const HOST = 'mta-sts.example.com';
const [MINUTE_MS, DAY_MS] = [60_000, 86_400_000];
const body = (mode: 'testing' | 'enforce', maxAgeSeconds = 86_400) =>
  formatStsPolicy({ mode, maxAgeSeconds, mxPatterns: ['mx1.example.com'] });
const MX = [nameOf('mx1.example.com.')];
const NEW: StsWatch = { version: 1, nextMs: 0 };

interface Around {
  readonly nowMs?: number;
  readonly expected?: string;
  readonly mailHosts?: typeof MX;
}

function look(before: StsWatch, seen: StsSeen, { nowMs = 1000, expected, mailHosts = MX }: Around = {}) {
  const watched = expected === undefined ? {} : { expected };
  return takeStsLook({ before, seen, watched, mailHosts, host: HOST, nowMs, wallOffsetMs: 0 });
}

describe('a policy that nobody here keeps', () => {
  test('is noted at the first look, and looked at again in an hour', () => {
    const { watch, alerts, notices } = look(NEW, { body: body('enforce'), certificateEndMs: 90 * DAY_MS });
    expect(watch).toMatchObject({ bodyId: policyId(body('enforce')), mode: 'enforce', nextMs: 1000 + 60 * MINUTE_MS });
    expect([alerts, notices.map(({ event }) => event)]).toEqual([[], ['mail.sts-seen']]);
    expect(stsWatchLines(watch, 0)).toEqual([
      expect.stringMatching(
        /^MTA-STS policy of another server: mode enforce seen 1970.*, its certificate until 1970-04-01.*; next look 1970/,
      ),
    ]);
  });

  test('RFC 8461 §8.1: one that changes is told once, then it is the one that is known', () => {
    const first = look(NEW, { body: body('enforce') }).watch;
    const second = look(first, { body: body('testing') }, { nowMs: 2 * MINUTE_MS });
    expect(second.alerts).toMatchObject([
      { code: 'MAIL_STS_DRIFT', message: expect.stringContaining('from mode enforce to mode testing') },
    ]);
    expect(stsWatchLines(second.watch, 0)[0]).toContain('its policy has changed, from mode enforce to mode testing');
    const third = look(second.watch, { body: body('testing') }, { nowMs: 3 * MINUTE_MS });
    expect([third.alerts, third.notices.map(({ event }) => event)]).toEqual([[], ['mail.sts-recovered']]);
  });
});

test('where DNS announces our own policy, another one is wrong for as long as it is there, and said again after a day', () => {
  const expected = policyId(body('enforce'));
  const first = look(NEW, { body: body('testing') }, { expected });
  expect(first.alerts).toMatchObject([{ code: 'MAIL_STS_DRIFT', message: expect.stringContaining('than the one whose id DNS announces') }]);
  const second = look(first.watch, { body: body('testing') }, { expected, nowMs: 60 * MINUTE_MS });
  expect(second.alerts).toEqual([]);
  expect(look(second.watch, { body: body('testing') }, { expected, nowMs: 2 * DAY_MS }).alerts).toHaveLength(1);
  expect(look(second.watch, { body: body('enforce') }, { expected }).watch).not.toHaveProperty('code');
});

describe('RFC 8461 §4.1: hosts of the MX that the policy does not allow', () => {
  const policy = (mode: 'testing' | 'enforce' | 'none', ...mxPatterns: string[]) =>
    formatStsPolicy({ mode, maxAgeSeconds: 86_400, mxPatterns });
  const told = (text: string, ...hosts: string[]) =>
    look(NEW, { body: text }, { mailHosts: hosts.map((host) => nameOf(`${host}.`)) }).alerts.map(
      ({ code, severity, message }) => `${severity} ${code}: ${message}`,
    );

  test('mode enforce: no mail is delivered there', () => {
    expect(told(policy('enforce', 'mx1.example.com'), 'mx1.example.com', 'mx2.example.com', 'backup.example.net')).toEqual([
      'error MAIL_STS_UNCOVERED: it does not allow mx2.example.com, backup.example.net of the MX: senders that hold it deliver no mail there',
    ]);
  });

  test('mode testing warns, mode none allows all, and without hosts there is nothing to allow', () => {
    expect(told(policy('testing', 'mx1.example.com'), 'mx2.example.com')).toEqual([
      expect.stringMatching(/^warning MAIL_STS_UNCOVERED: .*: senders that hold it report each delivery there as a failure$/),
    ]);
    expect(told(policy('none'), 'mx2.example.com')).toEqual([]);
    expect(told(policy('enforce', 'mx1.example.com'))).toEqual([]);
  });

  test('a wildcard stands for exactly one label', () => {
    const wild = policy('enforce', '*.example.com');
    expect(told(wild, 'mx1.example.com', 'MX2.Example.COM')).toEqual([]);
    expect(told(wild, 'a.mx.example.com')).toHaveLength(1);
    expect(told(wild, 'example.com')).toHaveLength(1);
  });

  test('said once, and again after a day; a policy that changes to this is told with its change', () => {
    const first = look(NEW, { body: body('enforce') }).watch;
    const other = policy('enforce', 'mx9.example.com');
    const second = look(first, { body: other });
    expect(second.alerts).toMatchObject([
      {
        code: 'MAIL_STS_UNCOVERED',
        message: expect.stringMatching(/^its policy has changed, from mode enforce to mode enforce, and it does not/),
      },
    ]);
    expect(look(second.watch, { body: other }, { nowMs: 60 * MINUTE_MS }).alerts).toEqual([]);
    expect(look(second.watch, { body: other }, { nowMs: 2 * DAY_MS }).alerts).toHaveLength(1);
    const back = look(second.watch, { body: other }, { mailHosts: [nameOf('mx9.example.com.')] });
    expect([back.alerts, back.notices.map(({ event }) => event)]).toEqual([[], ['mail.sts-recovered']]);
  });
});

test('what is no policy is told with the reason', () => {
  const { alerts } = look(NEW, { body: '<html>' });
  expect(alerts).toMatchObject([{ code: 'MAIL_STS_DRIFT', message: expect.stringContaining('what it gives is no policy') }]);
});

test('RFC 8461 §3.3: a host that fails is looked at after seconds, then more seldom; the third failure is told, and the end of it', () => {
  const good = look(NEW, { body: body('enforce') }).watch;
  const failure = 'certificate: it, or one above it, has expired';
  const pauses: number[] = [];
  let [watch, nowMs]: [StsWatch, number] = [good, DAY_MS];
  const alerts: string[] = [];
  for (let at = 0; at < 8; at++) {
    const step = look(watch, { failure }, { nowMs });
    alerts.push(...step.alerts.map(({ code, message }) => `${at} ${code} ${message}`));
    pauses.push((step.watch.nextMs - nowMs) / 1000);
    [watch, nowMs] = [step.watch, step.watch.nextMs];
  }
  expect(pauses).toEqual([10, 20, 40, 80, 160, 300, 300, 300]);
  expect(alerts).toEqual([`2 MAIL_STS_UNREACHABLE senders cannot fetch the policy: ${failure}`]);
  expect(stsWatchLines(watch, 0)[0]).toContain(`mode enforce seen 1970-01-01 00:00 UTC; senders cannot fetch the policy: ${failure}`);
  const back = look(watch, { body: body('enforce') }, { nowMs });
  expect(back.notices.map(({ event }) => event)).toEqual(['mail.sts-recovered']);
  expect(back.watch).not.toHaveProperty('failures');
});

test('one failure is not told', () => {
  const good = look(NEW, { body: body('enforce') }).watch;
  const { watch, alerts } = look(good, { failure: 'connect: refused' });
  expect(alerts).toEqual([]);
  const back = look(watch, { body: body('enforce') });
  expect([back.alerts, back.notices]).toEqual([[], []]);
});

test('a certificate that ends in three days has no successor: told once a day', () => {
  const seen = { body: body('enforce'), certificateEndMs: 10 * DAY_MS };
  expect(look(NEW, seen, { nowMs: 6.9 * DAY_MS }).alerts).toEqual([]);
  const late = look(NEW, seen, { nowMs: 7.1 * DAY_MS });
  expect(late.alerts).toMatchObject([{ code: 'MAIL_STS_CERTIFICATE', severity: 'warning' }]);
  expect(look(late.watch, seen, { nowMs: 7.2 * DAY_MS }).alerts).toEqual([]);
});

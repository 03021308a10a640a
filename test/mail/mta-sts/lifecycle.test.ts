/** MTA-STS over time: body before id, modes with their dwell, removal, and which MX changes senders can bear. */
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { announcedBody, checkMxChange, servedBody, stsMode } from '#mail/mta-sts/lifecycle.ts';
import { policyId, formatStsPolicy } from '#mail/mta-sts/record.ts';
import { BASE, DAY_MS, HOUR_MS, lines, MailDomain, policyOf, zoneOf } from '../../support/mail/mail-domain.ts';

const POLICY = { dkim: { algorithms: [] }, mtaSts: { mode: 'enforce' } };
const mode = (domain: MailDomain) => stsMode(domain.state.mtaSts);
const record = (domain: MailDomain) => lines(domain.last!.records).find((line) => line.startsWith('_mta-sts'));
const body = (domain: MailDomain) => {
  const served = servedBody(domain.state.mtaSts);
  return served === undefined ? undefined : formatStsPolicy(served.data.policy);
};

/** Looks good everywhere until nothing is left to be looked at. */
function settle(domain: MailDomain): void {
  for (let round = 0; round < 4; round++) domain.look(1000);
}

/** In enforce with the long max_age. */
function enforced(document: object = POLICY): MailDomain {
  const domain = new MailDomain(document);
  domain.step();
  settle(domain);
  domain.step(14 * DAY_MS);
  settle(domain);
  domain.step(7 * DAY_MS);
  settle(domain);
  domain.step(2 * HOUR_MS);
  return domain;
}

describe('RFC 8461 §8.1: the body first, then the id', () => {
  test('a body is announced when every probe has seen it', () => {
    const domain = new MailDomain(POLICY);
    domain.facts = { probes: ['here', 'there'] };
    const step = domain.step();
    expect(body(domain)).toBe('version: STSv1\r\nmode: testing\r\nmx: mx1.example.com\r\nmax_age: 86400\r\n');
    expect(record(domain)).toBeUndefined();
    const id = policyId(body(domain)!);
    const url = 'https://mta-sts.example.com/.well-known/mta-sts.txt';
    expect(step.checks.map(({ expect: wanted }) => wanted)).toEqual([
      { kind: 'body', url, id },
      { kind: 'body', url, id },
    ]);
    const seen = { object: 'mta-sts-body-1', what: 'body', isGood: true, text: '', atMs: domain.nowMs };
    domain.step(0, { observations: [{ ...seen, place: 'here' }] });
    expect(record(domain)).toBeUndefined();
    domain.step(0, { observations: [{ ...seen, place: 'there' }] });
    expect(record(domain)).toBe(`_mta-sts 3600 TXT "v=STSv1; id=${id};"`);
  });

  test('without anybody who looks from outside, nothing is announced', () => {
    const domain = new MailDomain(POLICY);
    domain.facts = {};
    domain.step();
    domain.step(100 * DAY_MS);
    expect([mode(domain), record(domain)]).toEqual(['testing', undefined]);
  });

  test('a body that comes back has another id while senders may hold the old one', () => {
    const domain = enforced();
    const first = announcedBody(domain.state.mtaSts)!.data;
    const change = (mx: readonly string[]) => {
      domain.policy = policyOf({ ...POLICY, mtaSts: { mode: 'enforce', mx } });
      domain.step();
      settle(domain);
    };
    change(['new.example']);
    change([]);
    const again = announcedBody(domain.state.mtaSts)!.data;
    expect(again.policy).toEqual(first.policy);
    expect(again.id).not.toBe(first.id);
    expect(again.id).toMatch(/^[0-9a-z]{32}$/);
    domain.step(200 * DAY_MS);
    settle(domain);
    domain.step(200 * DAY_MS);
    change(['new.example']);
    change([]);
    expect(announcedBody(domain.state.mtaSts)!.data.id).toBe(first.id);
  });
});

describe('modes', () => {
  test('testing, enforce for a day at a time, enforce for weeks; each counts from its announcement', () => {
    const domain = new MailDomain(POLICY);
    domain.step();
    domain.step(30 * DAY_MS);
    expect(mode(domain)).toBe('testing');
    domain.look(1000);
    domain.step(14 * DAY_MS - 1);
    expect(mode(domain)).toBe('testing');
    domain.step(DAY_MS);
    expect([mode(domain), body(domain)]).toEqual(['enforceShort', expect.stringMatching(/enforce[\s\S]*max_age: 86400\r/)]);
    settle(domain);
    domain.step(8 * DAY_MS);
    expect([mode(domain), body(domain)]).toEqual(['enforceLong', expect.stringContaining('max_age: 7257600\r')]);
  });

  test('TLS reports with failures keep it in testing', () => {
    const domain = new MailDomain(POLICY);
    domain.facts = { probes: ['probe'], tlsReports: ['reports'] };
    domain.step();
    settle(domain);
    domain.step(60 * DAY_MS);
    expect(mode(domain)).toBe('testing');
    domain.step(0, {
      observations: [{ object: 'mta-sts', what: 'tls-clean', place: 'reports', isGood: true, text: '', atMs: domain.nowMs }],
    });
    expect(mode(domain)).toBe('enforceShort');
  });

  test('what strangers post holds a step up for its time once more, and no longer', () => {
    const domain = new MailDomain(POLICY);
    domain.facts = { probes: ['probe'], postedReports: ['posted'] };
    domain.step();
    const check = domain.look(1000).checks;
    expect(check.map(({ what }) => what)).not.toContain('posted-clean');
    domain.step(14 * DAY_MS);
    expect(mode(domain)).toBe('testing');
    const bad = {
      object: 'mta-sts',
      what: 'posted-clean',
      place: 'posted',
      isGood: false,
      text: '9 of 9 sessions failed',
      atMs: domain.nowMs,
    };
    domain.step(0, { observations: [bad] });
    domain.step(14 * DAY_MS - HOUR_MS);
    expect(mode(domain)).toBe('testing');
    domain.step(HOUR_MS);
    expect(mode(domain)).toBe('enforceShort');
  });

  test('RFC 8461 §8.3: removal takes the longest max_age that was ever served', () => {
    const domain = enforced();
    domain.policy = policyOf({ ...POLICY, mtaSts: { mode: 'off' } });
    domain.step();
    expect([mode(domain), body(domain)]).toEqual(['none', 'version: STSv1\r\nmode: none\r\nmax_age: 86400\r\n']);
    settle(domain);
    domain.step(84 * DAY_MS);
    expect([mode(domain), record(domain)]).toEqual(['none', expect.stringContaining('id=')]);
    domain.step(HOUR_MS);
    // Until no cache can hold its id the last body is served: who sees the id does not meet a 404.
    expect([mode(domain), record(domain), body(domain)]).toEqual(['removed', undefined, expect.stringContaining('mode: none')]);
    settle(domain);
    domain.step(HOUR_MS);
    expect([mode(domain), record(domain), body(domain)]).toEqual(['removed', undefined, undefined]);
    domain.policy = policyOf(POLICY);
    domain.step();
    expect(mode(domain)).toBe('testing');
  });

  test('what was never announced is taken back at once', () => {
    const domain = new MailDomain(POLICY);
    domain.step();
    domain.policy = policyOf({ ...POLICY, mtaSts: { mode: 'off' } });
    domain.step();
    expect([mode(domain), body(domain), domain.state.mtaSts.bodies.objects]).toEqual(['off', undefined, []]);
  });

  test('a domain that takes no mail has none', () => {
    const domain = new MailDomain(
      POLICY,
      BASE.map((line) => line.replace('MX 10 mx1', 'MX 0 .')),
    );
    domain.step();
    expect(mode(domain)).toBe('off');
  });
});

describe('MX changes', () => {
  const newMx = nameOf('mx2.example.com');

  test('a host that senders would refuse is no MX before they know of it', () => {
    const domain = enforced();
    expect(checkMxChange(domain.state.mtaSts, [newMx])).toMatchObject([
      { code: 'MAIL_STS_MX', fix: expect.stringContaining('add "mx2.example.com" to mtaSts.mx') },
    ]);
    domain.policy = policyOf({ ...POLICY, mtaSts: { mode: 'enforce', mx: ['mx2.example.com'] } });
    domain.step();
    expect(checkMxChange(domain.state.mtaSts, [newMx])).toMatchObject([{ fix: expect.stringContaining('wait') }]);
    domain.look(1000);
    expect(checkMxChange(domain.state.mtaSts, [newMx])).toHaveLength(1);
    domain.look(1000);
    domain.step(HOUR_MS - 1);
    expect(checkMxChange(domain.state.mtaSts, [newMx])).toHaveLength(1);
    domain.step(1);
    expect(checkMxChange(domain.state.mtaSts, [newMx])).toEqual([]);
  });

  test('in testing nothing bounces', () => {
    const domain = new MailDomain(POLICY);
    domain.step();
    settle(domain);
    expect(checkMxChange(domain.state.mtaSts, [newMx])).toEqual([]);
  });

  test('a host that is gone from the zone stays in the policy until no cache can hold its MX', () => {
    const domain = enforced();
    domain.view = zoneOf(BASE.map((line) => line.replace('MX 10 mx1', 'MX 10 mx2')).concat('mx2 300 A 192.0.2.2'));
    domain.step();
    expect(body(domain)).toContain('mx: mx1.example.com\r\nmx: mx2.example.com');
    domain.look(1000);
    domain.step(HOUR_MS - 1);
    expect(body(domain)).toContain('mx: mx1.');
    domain.step(1);
    expect(body(domain)).not.toContain('mx: mx1.');
  });
});

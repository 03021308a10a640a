/** RFC 9989 §7.4: from none over quarantine to reject, as long as reports agree. */
import { describe, expect, test } from 'vitest';
import { holdLifecycle, resumeLifecycle } from '#lifecycle/state.ts';
import { dmarcStage, dmarcVocabulary, newDmarcRamp, rollBackDmarc } from '#mail/dmarc/ramp.ts';
import { DMARC_POLICIES } from '#mail/dmarc/record.ts';
import { BASE, DAY_MS, lines, MailDomain, policyOf } from '../../support/mail/mail-domain.ts';

const POLICY = { dkim: { algorithms: [] }, mtaSts: { mode: 'off' }, dmarc: { sp: 'reject', np: 'reject' } };
const record = (domain: MailDomain) =>
  /p=[^;]*(; sp=[^;]*)?; np/.exec(lines(domain.last!.records).find((line) => line.startsWith('_dmarc'))!)![0];

describe('the ramp', () => {
  test('a month each, in p itself; subdomains do not run ahead', () => {
    const domain = new MailDomain(POLICY);
    domain.step();
    expect(record(domain)).toBe('p=none; np');
    domain.step(30 * DAY_MS - 1);
    expect(record(domain)).toBe('p=none; np');
    domain.step(1);
    expect(record(domain)).toBe('p=quarantine; np');
    // A wake-up that comes a year late takes one step, not two.
    const late = new MailDomain(POLICY);
    late.step();
    late.step(365 * DAY_MS);
    expect(record(late)).toBe('p=quarantine; np');
    domain.step(30 * DAY_MS);
    expect(record(domain)).toBe('p=reject; np');
    expect(domain.last!.nextDueMs).toBeUndefined();
  });

  test('stops at what the policy wants, and there subdomains are as they are told', () => {
    const domain = new MailDomain({ ...POLICY, dmarc: { policy: 'quarantine', sp: 'reject', np: 'reject' } });
    domain.step();
    domain.step(365 * DAY_MS);
    domain.step(365 * DAY_MS);
    expect(record(domain)).toBe('p=quarantine; sp=reject; np');
  });

  test('off: at once', () => {
    const domain = new MailDomain({ ...POLICY, dmarc: { ramp: { enabled: false }, np: 'none' } });
    domain.step();
    expect(record(domain)).toBe('p=reject; np');
  });

  test('a record that is not published does not go on unseen', () => {
    const domain = new MailDomain({ ...POLICY, dmarc: { enabled: false } });
    domain.step();
    for (let months = 0; months < 12; months++) domain.step(30 * DAY_MS);
    domain.policy = policyOf(POLICY);
    domain.step();
    expect(record(domain)).toBe('p=none; np');
    domain.step(30 * DAY_MS - 1);
    expect(record(domain)).toBe('p=none; np');
  });

  test('begins where the domain is already', () => {
    const domain = new MailDomain(POLICY, [...BASE, '_dmarc 300 TXT "v=DMARC1; p=reject"']);
    domain.step(0, { isTakeOver: true });
    expect(record(domain)).toBe('p=reject; np');
  });

  test('waits for reports where there are any', () => {
    const domain = new MailDomain(POLICY);
    domain.facts = { reportSources: ['reports'] };
    domain.step();
    domain.step(90 * DAY_MS);
    expect(record(domain)).toBe('p=none; np');
    const seen = { object: 'dmarc', what: 'aligned', place: 'reports', text: '99.8 % aligned', atMs: domain.nowMs };
    domain.step(0, { observations: [{ ...seen, isGood: false }] });
    expect(record(domain)).toBe('p=none; np');
    domain.step(0, { observations: [{ ...seen, isGood: true }] });
    expect(record(domain)).toBe('p=quarantine; np');
  });

  test('a policy that wants less gets it at once', () => {
    const domain = new MailDomain({ ...POLICY, dmarc: { ramp: { enabled: false }, np: 'none' } });
    domain.step();
    domain.policy = policyOf({ ...POLICY, dmarc: { policy: 'none', np: 'none' } });
    domain.step();
    expect(record(domain)).toBe('p=none; np');
  });

  test('pause and resume', () => {
    const domain = new MailDomain(POLICY);
    domain.step();
    const held = holdLifecycle(domain.state.dmarc, undefined, { reason: 'sale', by: 'ann', atMs: domain.nowMs });
    domain.state = { ...domain.state, dmarc: held.ok ? held.value : domain.state.dmarc };
    domain.step(60 * DAY_MS);
    expect(record(domain)).toBe('p=none; np');
    const resumed = resumeLifecycle(domain.state.dmarc, undefined);
    domain.state = { ...domain.state, dmarc: resumed.ok ? resumed.value : domain.state.dmarc };
    domain.step();
    expect(record(domain)).toBe('p=quarantine; np');
  });

  test('rollback steps back and stays there', () => {
    const domain = new MailDomain({ ...POLICY, dmarc: { ramp: { enabled: false }, np: 'none' } });
    domain.step();
    const back = rollBackDmarc(domain.state.dmarc, 'none', { reason: 'invoices bounce', by: 'ann', nowMs: domain.nowMs });
    if (!back.ok) return expect.fail('refused');
    domain.state = { ...domain.state, dmarc: back.value };
    domain.step(365 * DAY_MS);
    expect(record(domain)).toBe('p=none; np');
    expect(rollBackDmarc(back.value, 'reject', { reason: 'x', by: 'ann', nowMs: 0 })).toMatchObject({
      problems: [{ code: 'LIFECYCLE_ORDER' }],
    });
  });
});

describe('the stage', () => {
  test.each(DMARC_POLICIES)('a domain that is at %s begins there', (stage) => expect(dmarcStage(newDmarcRamp(stage, 0))).toBe(stage));

  test.each([
    ['none', 'none', false, false],
    ['none', 'quarantine', true, false],
    ['none', 'reject', true, false],
    ['quarantine', 'reject', true, false],
    ['quarantine', 'quarantine', false, false],
    ['reject', 'reject', false, false],
    ['reject', 'quarantine', false, true],
    ['quarantine', 'none', false, true],
  ] as const)('at %s, where the policy wants %s: stricter %j, weaker %j', (stage, policy, isStricter, isWeaker) => {
    const { conditions } = dmarcVocabulary(policyOf({ dmarc: { policy } }).dmarc);
    const state = newDmarcRamp(stage, 0);
    const isMet = (id: string) => conditions[id]!(state.objects[0]!, state).isMet;
    expect([isMet('target'), isMet('weaker')]).toEqual([isStricter, isWeaker]);
  });
});

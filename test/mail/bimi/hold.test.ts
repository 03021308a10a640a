/** The BIMI record follows the DMARC policy: §7.1 of the BIMI draft, over the steps of RFC 9989 §7.4. */
import { formatPlace } from '#base/place.ts';
import { describe, expect, test } from 'vitest';
import { rollBackDmarc } from '#mail/dmarc/ramp.ts';
import { explainMail } from '#mail/step.ts';
import { BASE, DAY_MS, MailDomain, lines } from '../../support/mail/mail-domain.ts';

const BIMI = { logo: 'https://example.com/logo.svg' };
const RECORD = 'default._bimi 3600 TXT "v=BIMI1; l=https://example.com/logo.svg; a=;"';

const bimiLines = (domain: MailDomain) => lines(domain.last!.records).filter((line) => line.includes('_bimi'));
const warnings = (domain: MailDomain) => domain.last!.problems.map(({ severity, code, at }) => `${severity} ${code} ${formatPlace(at)}`);
const told = (domain: MailDomain) => explainMail(domain.state, domain.context()).filter(({ machine }) => machine === 'bimi');

describe('BIMI §7.1: no record before DMARC is quarantine or reject', () => {
  test('held back on the ramp, published by the step that allows it, withdrawn by a rollback', () => {
    const domain = new MailDomain({ bimi: BIMI, dkim: { algorithms: [] } });
    domain.step();
    expect([bimiLines(domain), warnings(domain)]).toEqual([[], []]);
    const [wait, ...more] = told(domain);
    expect(more).toEqual([]);
    expect(wait).toMatchObject({ object: 'bimi', stage: 'held', next: 'published', waits: [{ id: 'dmarc-stage', isOver: false }] });
    expect(wait!.lines.join('\n')).toContain('the DMARC policy is none');
    expect(wait!.lines.join('\n')).toContain('waxseal mail override example.com dmarc dwell');

    const step = domain.step(30 * DAY_MS + 1);
    expect(lines(step.changes)).toEqual([expect.stringContaining('p=quarantine'), RECORD]);
    expect(told(domain)).toEqual([]);

    domain.step(30 * DAY_MS + 1);
    expect(bimiLines(domain)).toEqual([RECORD]);

    const back = rollBackDmarc(domain.state.dmarc, 'none', { reason: 'a source was forgotten', by: 'operator', nowMs: domain.nowMs });
    if (!back.ok) throw new Error('not rolled back');
    domain.state = { ...domain.state, dmarc: back.value };
    expect(lines(domain.step().changes)).toEqual(['- default._bimi TXT', expect.stringContaining('p=none')]);
    expect([warnings(domain), told(domain).length]).toEqual([[], 1]);
  });

  test('who declines, or is at reject already, waits for nothing', () => {
    const declined = new MailDomain({ bimi: { decline: true } });
    declined.step();
    expect(bimiLines(declined)).toEqual(['default._bimi 3600 TXT "v=BIMI1; l=; a=;"']);
    const strict = new MailDomain({ bimi: BIMI, dmarc: { policy: 'reject', ramp: { enabled: false } } });
    strict.step();
    expect(bimiLines(strict)).toEqual([RECORD]);
  });

  test.each([
    ['p=none for good', { policy: 'none' }, 'p='],
    ['sp=none', { policy: 'reject', sp: 'none', ramp: { enabled: false } }, 'sp='],
  ])('a policy that never gets there is warned of: %s', (_what, dmarc, _tag) => {
    const domain = new MailDomain({ bimi: BIMI, dmarc });
    domain.step();
    expect(bimiLines(domain)).toEqual([]);
    expect(warnings(domain)).toContain('warning BIMI_DMARC /bimi');
    expect(told(domain)).toMatchObject([{ stage: 'held', waits: [{ override: expect.stringContaining('mail policy') }] }]);
    expect(told(domain)[0]).not.toHaveProperty('next');
  });

  test.each([
    ['none is in the zone', [], ['warning BIMI_DMARC /bimi']],
    ['it is strict', ['_dmarc 300 TXT "v=DMARC1; p=reject; rua=mailto:r@example.com"'], []],
    ['it is lax', ['_dmarc 300 TXT "v=DMARC1; p=none; rua=mailto:r@example.com"'], ['warning BIMI_DMARC /bimi']],
  ])('a DMARC record that others keep is read, and holds nothing back: %s', (_what, records, expected) => {
    const domain = new MailDomain({ bimi: BIMI, dmarc: { enabled: false } }, [...BASE, ...records]);
    domain.step();
    expect([bimiLines(domain), warnings(domain)]).toEqual([[RECORD], expected]);
  });
});

/** The lives of an MTA-STS mode, a policy body and a mail host as data: which stage follows which, and what each step waits for. */
import { describe, expect, test } from 'vitest';
import { type Machine } from '#lifecycle/machine.ts';
import { STS_BODY_MACHINE, STS_HOST_MACHINE, STS_MODE_MACHINE } from '#mail/mta-sts/machine.ts';

const transition = ({ transitions }: Machine, from: string, to: string) => transitions.find((each) => each.from === from && each.to === to);
const waits = (machine: Machine, from: string, to: string) => transition(machine, from, to)?.waits.map(({ id }) => id);
const wait = (machine: Machine, from: string, to: string, id: string) =>
  transition(machine, from, to)?.waits.find((each) => each.id === id);
const before = (machine: Machine, stage: string) => machine.transitions.filter(({ to }) => to === stage).map(({ from }) => from);

describe('the mode', () => {
  test('enforce comes after testing, and its long max_age after the short one', () => {
    expect(before(STS_MODE_MACHINE, 'enforceShort')).toEqual(['testing']);
    expect(before(STS_MODE_MACHINE, 'enforceLong')).toEqual(['enforceShort']);
  });

  test.each([
    ['testing', 'enforceShort', 'testingFor'],
    ['enforceShort', 'enforceLong', 'shortFor'],
  ])('RFC 8461 §4: from %s to %s it dwells since senders could know, and wants clean reports', (from, to, term) => {
    expect(waits(STS_MODE_MACHINE, from, to)).toEqual(expect.arrayContaining(['announced', 'dwell', 'tls-reports']));
    expect(wait(STS_MODE_MACHINE, from, to, 'dwell')).toMatchObject({ kind: 'time', since: 'announced', terms: [term] });
    expect(wait(STS_MODE_MACHINE, from, to, 'tls-reports')).toMatchObject({ kind: 'gate', places: 'tlsReports' });
  });

  test('RFC 8461 §8.3: removal leads through mode none, for the longest max_age that was ever served', () => {
    expect(before(STS_MODE_MACHINE, 'removed')).toEqual(['none']);
    expect(wait(STS_MODE_MACHINE, 'none', 'removed', 'max-age')).toMatchObject({
      kind: 'time',
      since: 'announced',
      terms: expect.arrayContaining(['longestMaxAge', 'stsTtl']),
    });
  });

  test('back to off only while no body was announced', () => {
    expect(before(STS_MODE_MACHINE, 'off')).toEqual(['testing']);
    expect(waits(STS_MODE_MACHINE, 'testing', 'off')).toContain('unknown');
  });

  test('a weaker mode waits for nothing but the wish', () => {
    for (const from of ['enforceShort', 'enforceLong']) expect(waits(STS_MODE_MACHINE, from, 'testing')).toEqual(['testing-wanted']);
  });
});

describe('a body', () => {
  test('RFC 8461 §8.1: served and seen from outside before its id is announced', () => {
    expect(STS_BODY_MACHINE.first).toBe('served');
    expect(before(STS_BODY_MACHINE, 'announced')).toEqual(['served']);
    expect(wait(STS_BODY_MACHINE, 'served', 'announced', 'seen-outside')).toMatchObject({ kind: 'gate', places: 'probes' });
    // Without a place that looks the gate would be over at once.
    expect(waits(STS_BODY_MACHINE, 'served', 'announced')![0]).toBe('probed');
  });

  test('one is announced, the one before it superseded in the same step', () =>
    expect(STS_BODY_MACHINE.singular).toEqual({ stage: 'announced', displaced: 'superseded' }));

  test('the old id leaves the name servers first, then the caches', () => {
    expect(waits(STS_BODY_MACHINE, 'superseded', 'outdated')).toEqual(['id-gone', 'ttl']);
    expect(wait(STS_BODY_MACHINE, 'superseded', 'outdated', 'ttl')).toMatchObject({ since: 'id-gone', terms: ['stsTtl'] });
  });

  test('RFC 8461 §3.2: its id is kept as long as senders keep the body', () =>
    expect(wait(STS_BODY_MACHINE, 'outdated', 'forgotten', 'max-age')).toMatchObject({ kind: 'time', terms: ['ownMaxAge'] }));
});

describe('a mail host', () => {
  test('it stays in the policy until no cache can hold an MX that names it', () => {
    expect(before(STS_HOST_MACHINE, 'gone')).toEqual(['leaving']);
    expect(waits(STS_HOST_MACHINE, 'leaving', 'gone')).toEqual(['mx-gone', 'ttl']);
    expect(wait(STS_HOST_MACHINE, 'leaving', 'gone', 'ttl')).toMatchObject({ since: 'mx-gone', terms: ['mxTtl'] });
  });

  test('one that comes back is there again', () => expect(waits(STS_HOST_MACHINE, 'leaving', 'present')).toEqual(['back']));
});

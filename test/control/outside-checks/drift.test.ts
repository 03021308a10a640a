/** What is new since the last check of a zone, and what is over. */
import { describe, expect, test } from 'vitest';
import { CHECK_REPORT_MS, CHECK_STANDING_MAX } from '#base/limits/outside.ts';
import { formatPlace } from '#base/place.ts';
import { type CheckResult } from '#control/api/zone-check.ts';
import { CHECKS, type CheckId } from '#control/doctor/checks.ts';
import { failed, passed, untested, warned } from '#control/doctor/results.ts';
import { DRIFT_RULES, driftOf } from '#control/outside-checks/drift.ts';
import { type ZoneDrift } from '#store/alerts/checks.ts';

const CONTEXT = { isDsWatched: false, nowMs: 0 };
const NONE: ZoneDrift = { version: 1, known: [], standing: [] };
const bad = (check: CheckId, subject = 'z.example.'): CheckResult => failed(check, subject, 'seen', 'mend it');

/** Looks one after the other; of each the codes of alerts, and what ended. */
function looks(before: ZoneDrift | undefined, ...all: readonly (readonly CheckResult[])[]) {
  let drift = before;
  return all.map((results) => {
    const { after, alerts, ended, isUnsure } = driftOf(drift, results, CONTEXT);
    drift = after;
    return { alerts: alerts.map(({ code }) => code), ended, isUnsure };
  });
}

describe('what is drift whenever it is there', () => {
  test.each([
    ['CHECK_CHANGED', 'record-not-ours', 2],
    ['CHECK_CHANGED', 'ns-not-ours', 2],
    ['CHECK_BOGUS', 'chain-of-trust', 2],
    ['CHECK_DS', 'ds-no-key', 2],
    ['CHECK_EXPIRY', 'certificate-ending', 2],
    ['CHECK_BEHIND', 'serial-differs', 4],
  ] as const)('%s: %s is an alert after %d looks in a row, once, and over when it is gone', (code, check, wanted) => {
    const all = Array.from({ length: wanted + 1 }, () => [bad(check)]);
    const seen = looks(undefined, ...all, []);
    expect(seen.map(({ alerts }) => alerts)).toEqual([...Array<string[]>(wanted - 1).fill([]), [code], [], []]);
    expect(seen.slice(0, wanted).map(({ isUnsure }) => isUnsure)).toEqual([
      ...Array<boolean>(wanted - 1).fill(true),
      false,
    ]);
    expect(seen.at(-1)!.ended).toEqual([`${check} z.example.`]);
  });

  test('what was there once only is none', () => {
    const seen = looks(NONE, [bad('ns-not-ours')], [], [bad('ns-not-ours')], []);
    expect(seen.flatMap(({ alerts, ended }) => [...alerts, ...ended])).toEqual([]);
  });

  test('the alert says what was seen first, with its source and the fix: figures that change are no news', () => {
    const first = driftOf(NONE, [warned('signature-ending', 'ns1 192.0.2.1', 'ends in 3 days', 'renew')], CONTEXT);
    const next = driftOf(
      first.after,
      [warned('signature-ending', 'ns1 192.0.2.1', 'ends in 2 days', 'renew')],
      CONTEXT,
    );
    expect(next.alerts).toEqual([
      {
        code: 'CHECK_EXPIRY',
        severity: 'error',
        at: expect.anything(),
        message: 'ends in 3 days [RFC 6781 §4.4.2]',
        fix: 'renew',
      },
    ]);
    expect(formatPlace(next.alerts[0]!.at)).toBe('signature-ending ns1 192.0.2.1');
  });

  test('one that stands is reported again before it would end by itself', () => {
    const [, second] = [driftOf(NONE, [bad('ns-not-ours')], CONTEXT), 0];
    expect(second).toBe(0);
    const once = driftOf(driftOf(NONE, [bad('ns-not-ours')], CONTEXT).after, [bad('ns-not-ours')], CONTEXT);
    const soon = driftOf(once.after, [bad('ns-not-ours')], { ...CONTEXT, nowMs: CHECK_REPORT_MS - 1 });
    const later = driftOf(soon.after, [bad('ns-not-ours')], { ...CONTEXT, nowMs: CHECK_REPORT_MS });
    expect([once, soon, later].map(({ alerts }) => alerts.length)).toEqual([1, 0, 1]);
  });

  test('a DS of a zone whose parent is watched by itself is reported there', () => {
    const turn = driftOf(NONE, [bad('ds-no-key')], { ...CONTEXT, isDsWatched: true });
    expect(turn.after.standing).toEqual([]);
  });
});

describe('what fails', () => {
  test('and failed at the first check is no drift; after it was sound it is', () => {
    const seen = looks(
      undefined,
      [bad('spf-missing')],
      [bad('spf-missing')],
      [],
      [bad('spf-missing')],
      [bad('spf-missing')],
    );
    expect(seen.map(({ alerts }) => alerts)).toEqual([[], [], [], [], ['CHECK_FAILED']]);
  });

  test('warnings and notes of other checks are none', () => {
    const results = [warned('ptr-missing', 'mx1 192.0.2.1', 'no name'), passed('spf', 'z.example.', 'sound')];
    expect(looks(NONE, results, results).flatMap(({ alerts }) => alerts)).toEqual([]);
  });
});

test('what could not be looked at is as it was', () => {
  const silent = [untested('delegated', 'z.example.', 'no parent was found')];
  const seen = looks(NONE, [bad('ns-not-ours')], [bad('ns-not-ours')], silent, []);
  expect(seen.map(({ ended }) => ended)).toEqual([[], [], [], ['ns-not-ours z.example.']]);
  const known = driftOf(
    { ...NONE, known: ['spf-missing z.example.'] },
    [untested('spf', 'z.example.', 'timeout')],
    CONTEXT,
  );
  expect(known.after.known).toEqual(['spf-missing z.example.']);
});

test('a check that an older version had is forgotten', () => {
  const before: ZoneDrift = {
    ...NONE,
    known: ['gone z.example.'],
    standing: [{ key: 'toString x', code: 'CHECK_FAILED', text: '', looks: 2 }],
  };
  expect(driftOf(before, [untested('spf', 'z.example.', 'timeout')], CONTEXT).after).toEqual(NONE);
});

test('not more findings than a zone has alerts', () => {
  const many = Array.from({ length: 200 }, (_, at) => bad('record-not-ours', `ns${at}`));
  expect(driftOf(NONE, many, CONTEXT).after.standing).toHaveLength(CHECK_STANDING_MAX);
});

test('each check is of one rule', () => {
  const all = DRIFT_RULES.flatMap(({ checks }) => checks);
  expect(new Set(all).size).toBe(all.length);
  expect(all.filter((check) => !Object.hasOwn(CHECKS, check))).toEqual([]);
});

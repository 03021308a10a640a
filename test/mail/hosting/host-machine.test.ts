/** Hosts of each kind go through the same stages; only the words of their waits differ. */
import { expect, test } from 'vitest';
import { BIMI_HOST_MACHINE } from '#mail/bimi/host-machine.ts';
import { POLICY_HOST_MACHINE } from '#mail/mta-sts/policy-host-machine.ts';

const shape = ({ transitions }: typeof POLICY_HOST_MACHINE) =>
  transitions.map(({ from, to, waits, isQuiet }) => `${from} ${to} ${waits.map(({ id }) => id).join()} ${isQuiet}`);

test('the record first, the certificate last, and back only when nothing needs it', () => {
  expect(shape(BIMI_HOST_MACHINE)).toEqual(shape(POLICY_HOST_MACHINE));
  expect(shape(POLICY_HOST_MACHINE)).toEqual([
    'wanted published leads-here undefined',
    'wanted elsewhere elsewhere true',
    'wanted gone unneeded true',
    'published visible visible,negative-ttl undefined',
    'published elsewhere elsewhere true',
    'published gone unneeded true',
    'visible ready certificate undefined',
    'visible elsewhere elsewhere true',
    'visible gone unneeded true',
    'ready withdrawing leaving true',
    'ready elsewhere elsewhere true',
    'withdrawing ready back true',
    'withdrawing gone unneeded undefined',
    'elsewhere published leads-here undefined',
    'elsewhere gone unneeded true',
  ]);
});

test('each wait says who and why, in words of its host', () => {
  const waits = (machine: typeof POLICY_HOST_MACHINE) => machine.transitions.flatMap((each) => each.waits);
  for (const { who, why } of [...waits(BIMI_HOST_MACHINE), ...waits(POLICY_HOST_MACHINE)]) {
    expect(who).not.toMatch(/undefined|^$/);
    expect(why).not.toMatch(/undefined|^$/);
  }
  expect(waits(BIMI_HOST_MACHINE).find(({ id }) => id === 'leads-here')!.who).toContain('the host bimi of the domain');
  expect(waits(POLICY_HOST_MACHINE).find(({ id }) => id === 'certificate')!.rfc).toBe('RFC 8461 §3.3');
});

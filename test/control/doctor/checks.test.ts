/** The table of checks: docs/check.md has the same one, and each check is met in a world with a fault. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CHECKS } from '#control/doctor/checks.ts';
import { FAULTS, NOTES } from '../../support/doctor-faults.ts';
import { doctorWorld } from '../../support/doctor-world.ts';

test('docs/check.md lists every check as it is', () => {
  const page = readFileSync(new URL('../../../docs/check.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| ([a-z-]+) \| `([a-z-]+)` \| (.+) \| (.+) \|$/gm)].map(([, ...cells]) => cells);
  expect(rows).toEqual(Object.entries(CHECKS).map(([check, { area, says, rfc }]) => [area, check, says, rfc]));
});

test('every check is met in the sound world, in one with a fault, or as a note', async () => {
  const sound = (await (await doctorWorld()).check()).map(({ check }) => check);
  const named = [...FAULTS, ...NOTES].flatMap(([, , ...expected]) => expected.map((each) => each.split(' ')[0]!));
  // Beside `ds-missing`: the zone is signed, and validators do not know it.
  const unsigned = await (await doctorWorld({ parent: (text) => text.replace(/post 3600 DS.*\n/, '') })).check();
  const met = new Set([...sound, ...named, ...unsigned.map(({ check }) => check)]);
  expect(Object.keys(CHECKS).filter((check) => !met.has(check))).toEqual([]);
});

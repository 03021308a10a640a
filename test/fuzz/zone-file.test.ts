/** Zone files damaged at random: never an exception, never without end, and what is called good is good. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { PROBLEMS_SHOWN_MAX } from '#base/limits/limits.ts';
import { ok } from '#base/problem.ts';
import { nameOf } from '#dns/name.ts';
import { formatZoneFile } from '#dns/zone-file-format.ts';
import { parseZoneFile } from '#dns/zone-file.ts';
import { loadZone } from '#zone/assemble.ts';
import { memoryZone, zoneRrsets } from '#zone/zone.ts';

const FOLDER = join(import.meta.dirname, '../fixtures/zones');
const corpus = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.zone') && !file.startsWith('too-many'))
  .map((file) => readFileSync(join(FOLDER, file), 'latin1'));
const APEX = nameOf('example.');

const pieces = fc.oneof(
  fc.constantFrom('(', ')', '"', '\\', ';', '\n', '\r', ' ', '\t', '@', '$', '.', '\\#', '\\256', '\\0', '\u0000', '\u00ff', '*', '-', '0'),
  fc.constantFrom(
    '$ORIGIN',
    '$TTL',
    '$INCLUDE x',
    '$INCLUDE self',
    '$GENERATE 0-200 a$ A 10.0.0.$',
    '${-9,99,n}',
    '4294967296',
    'CLASS1',
    'TYPE1 \\# 4',
    'RRSIG',
    'SVCB 1 .',
  ),
  fc.string({ unit: 'binary', maxLength: 6 }).map((text) => Buffer.from(text).toString('latin1')),
);
/** Anywhere in a text, evenly: without `noBias` most would be at its ends. */
const places = fc.noBias(fc.nat(999_999)).map((millionths) => millionths / 1_000_000);
const edits = (most: number) => fc.array(fc.tuple(places, fc.nat(12), pieces), { minLength: 1, maxLength: most });

/** Pieces put in, or in place of what was there. */
function damage(text: string, at: readonly (readonly [place: number, gone: number, piece: string])[]): string {
  let damaged = text;
  for (const [place, gone, piece] of at) {
    const start = Math.floor(damaged.length * place);
    damaged = damaged.slice(0, start) + piece + damaged.slice(start + gone);
  }
  return damaged;
}

/** Part of one file, then part of another, damaged. */
const damaged = fc
  .tuple(fc.constantFrom(...corpus), fc.constantFrom(...corpus), edits(8), places)
  .map(([first, second, at, share]) =>
    damage(first.slice(0, Math.ceil(first.length * share)) + second.slice(Math.floor(second.length * share)), at),
  );
/** A good file with one or two faults: many still load. */
const scratched = fc
  .tuple(fc.constantFrom(...corpus.filter((text) => !text.includes('; expect: error'))), edits(2))
  .map(([text, at]) => damage(text, at));

test('damaged zone files are read or refused, in bounded time and memory', () => {
  fc.assert(
    fc.property(damaged, (text) => {
      const started = performance.now();
      const include = (path: string) => (path === 'self' ? ok({ text, file: 'self' }) : undefined);
      const file = parseZoneFile(text, { file: 'zone', origin: APEX, include, recordsMax: 3000 });
      expect(file.records.length).toBeLessThanOrEqual(3000);
      expect(file.problems.length).toBeLessThanOrEqual(2 * PROBLEMS_SHOWN_MAX + 2);
      expect(performance.now() - started).toBeLessThan(5000);
    }),
    { numRuns: 1500 },
  );
});

test('whatever is loaded without an error is exported and imported to the same zone', () => {
  let good = 0;
  fc.assert(
    fc.property(scratched, (text) => {
      const loaded = loadZone(text, { file: 'zone', origin: APEX, signed: true, recordsMax: 3000 });
      if (!loaded.ok) return;
      good++;
      const zone = memoryZone(APEX, loaded.value);
      const exported = [...formatZoneFile(zone.ascend(zone.apexKey), { signed: false })].join('');
      const again = loadZone(exported, { file: 'export', origin: APEX, signed: true });
      if (!again.ok) throw new Error(`${JSON.stringify(again.problems)}\n${exported}`);
      expect([...zoneRrsets(memoryZone(APEX, again.value))]).toEqual([...zoneRrsets(zone)]);
    }),
    { numRuns: 1000 },
  );
  // A damage that nearly always kills would prove nothing.
  expect(good).toBeGreaterThan(100);
});

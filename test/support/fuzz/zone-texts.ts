/** Zone files damaged at random, for a reader of zone files: they are read or refused, and what is called good is good. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { PROBLEMS_SHOWN_MAX } from '#base/limits/dns.ts';
import { ok } from '#base/problem.ts';
import { nameOf } from '#dns/name.ts';
import { formatZoneFile } from '#dns/zone-file-format.ts';
import { type ZoneFile, parseZoneFile } from '#dns/zone-file.ts';
import { loadZone } from '#zone/assemble.ts';
import { memoryZone, zoneRrsets } from '#zone/zone.ts';
import { FOLDER } from '../bad-zones.ts';

export type ParseZoneFile = typeof parseZoneFile;
export type LoadZone = typeof loadZone;

const APEX = nameOf('example.');
const RECORDS_MAX = 3000;
/** A file of a few thousand octets takes some milliseconds; a thousand times that is no slow machine, but work without bound. */
const READING_MS_MAX = 5000;

const texts = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.zone') && !file.startsWith('too-many'))
  .map((file) => readFileSync(join(FOLDER, file), 'latin1'));

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
export const damagedTexts = fc
  .tuple(fc.constantFrom(...texts), fc.constantFrom(...texts), edits(8), places)
  .map(([first, second, at, share]) =>
    damage(first.slice(0, Math.ceil(first.length * share)) + second.slice(Math.floor(second.length * share)), at),
  );

/** A good file with one or two faults: many still load. */
export const scratchedTexts = fc
  .tuple(fc.constantFrom(...texts.filter((text) => !text.includes('; expect: error'))), edits(2))
  .map(([text, at]) => damage(text, at));

/** What is wrong with how `parse` reads a text: it ends, within its limits of records and problems. */
export function readingFault(text: string, parse: ParseZoneFile = parseZoneFile, nowMs = () => performance.now()): string | undefined {
  const include = (path: string) => (path === 'self' ? ok({ text, file: 'self' }) : undefined);
  const startedMs = nowMs();
  let file: ZoneFile;
  try {
    file = parse(text, { file: 'zone', origin: APEX, include, recordsMax: RECORDS_MAX });
  } catch (error) {
    return `an exception: ${String(error)}`;
  }
  if (file.records.length > RECORDS_MAX) return `${file.records.length} records`;
  if (file.problems.length > 2 * PROBLEMS_SHOWN_MAX + 2) return `${file.problems.length} problems`;
  const elapsedMs = nowMs() - startedMs;
  return elapsedMs > READING_MS_MAX ? `${elapsedMs} ms` : undefined;
}

/** What is wrong with a zone that was loaded: exported and loaded again it is the same. `bad` where the text did not load. */
export function exportFault(text: string, load: LoadZone = loadZone): 'bad' | { readonly fault: string } | undefined {
  const loaded = load(text, { file: 'zone', origin: APEX, signed: true, recordsMax: RECORDS_MAX });
  if (!loaded.ok) return 'bad';
  const zone = memoryZone(APEX, loaded.value);
  const exported = [...formatZoneFile(zone.ascend(zone.apexKey), { signed: false })].join('');
  const again = load(exported, { file: 'export', origin: APEX, signed: true });
  if (!again.ok) return { fault: `${JSON.stringify(again.problems)}\n${exported}` };
  const shown = (rrsets: Iterable<unknown>) => JSON.stringify([...rrsets]);
  const isSame = shown(zoneRrsets(memoryZone(APEX, again.value))) === shown(zoneRrsets(zone));
  return isSame ? undefined : { fault: `another zone\n${exported}` };
}

export interface TextFault {
  readonly text: string;
  readonly fault: string;
}

/** The smallest text of `runs` for which `faultOf` tells a fault. */
export function fuzzTexts(
  arbitrary: fc.Arbitrary<string>,
  faultOf: (text: string) => string | undefined,
  { seed, runs, shrinks = true }: { readonly seed: number; readonly runs: number; readonly shrinks?: boolean },
): TextFault | undefined {
  // fast-check wants 32 bits with a sign.
  const found = fc.check(
    fc.property(arbitrary, (text) => faultOf(text) === undefined),
    { seed: seed | 0, numRuns: runs, endOnFailure: !shrinks },
  );
  const text = found.counterexample?.[0];
  return text === undefined ? undefined : { text, fault: faultOf(text) ?? 'it did not show again' };
}

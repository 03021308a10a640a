/** The zones of test/fixtures/zones, each named after its fault, with what has to be said about it. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Problem, hasErrors } from '#base/problem.ts';
import { nameOf } from '#dns/name.ts';
import { formatZoneFile } from '#dns/zone-file-format.ts';
import { includeFrom } from '#dns/zone-file-include.ts';
import { type PlacedRrset, loadZone } from '#zone/assemble.ts';
import { type MemoryZone } from '#zone/zone.ts';

export const FOLDER = join(import.meta.dirname, '../fixtures/zones');

export interface Fixture {
  readonly file: string;
  readonly zone: string;
  readonly text: string;
  readonly expected: readonly string[];
  /** Why named-checkzone may judge otherwise. */
  readonly differs: string | undefined;
  /** Why named-compilezone may make another zone of it. */
  readonly zoneDiffers: string | undefined;
}

export const fixtures: readonly Fixture[] = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.zone'))
  .map((file) => {
    const text = readFileSync(join(FOLDER, file), 'latin1');
    return {
      file,
      text,
      zone: /^; zone: (\S+)/m.exec(text)?.[1] ?? 'example.',
      expected: [...text.matchAll(/^; expect: (\S+ \S+)$/gm)].map(([, each]) => each!).toSorted(),
      zoneDiffers: /^; named-compilezone differs: (.+)$/m.exec(text)?.[1],
      differs: /^; named-checkzone differs: (.+)$/m.exec(text)?.[1],
    };
  });

export function load({ file, text, zone }: Fixture): { rrsets: readonly PlacedRrset[]; problems: readonly Problem[] } {
  const result = loadZone(text, { file, origin: nameOf(zone), include: includeFrom(FOLDER, ''), signed: true });
  return result.ok ? { rrsets: result.value, problems: result.warnings } : { rrsets: [], problems: result.problems };
}

/** Those that load, with their records. */
export const loaded = fixtures
  .map((fixture) => ({ fixture, file: fixture.file, ...load(fixture) }))
  .filter(({ problems }) => !hasErrors(problems));

export function exportOf(zone: MemoryZone): string {
  return [...formatZoneFile(zone.ascend(zone.apexKey), { signed: false })].join('');
}

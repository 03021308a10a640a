/**
 * The zones of test/fixtures/zones, each named after its fault: what we say about it, and whether named-checkzone agrees.
 * `; expect: error CODE` lines in a file are all that may be said; `; named-checkzone differs: why` lists the only disagreements.
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { atRrset } from '#base/place.ts';
import { type Problem, hasErrors } from '#base/problem.ts';
import { nameOf } from '#dns/name.ts';
import { formatZoneFile } from '#dns/zone-file-format.ts';
import { includeFrom } from '#dns/zone-file-include.ts';
import { TYPE } from '#dns/types.ts';
import { type PlacedRrset, loadZone } from '#zone/assemble.ts';
import { checkZone } from '#zone/check.ts';
import { type MemoryZone, memoryZone, zoneRrsets } from '#zone/zone.ts';
import { runTool } from '../support/tools.ts';

const FOLDER = join(import.meta.dirname, '../fixtures/zones');

interface Fixture {
  readonly file: string;
  readonly zone: string;
  readonly text: string;
  readonly expected: readonly string[];
  /** Why named-checkzone may judge otherwise. */
  readonly differs: string | undefined;
  /** Why named-compilezone may make another zone of it. */
  readonly zoneDiffers: string | undefined;
}

const fixtures: readonly Fixture[] = readdirSync(FOLDER)
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

function load({ file, text, zone }: Fixture): { rrsets: readonly PlacedRrset[]; problems: readonly Problem[] } {
  const result = loadZone(text, { file, origin: nameOf(zone), include: includeFrom(FOLDER, ''), signed: true });
  return result.ok ? { rrsets: result.value, problems: result.warnings } : { rrsets: [], problems: result.problems };
}

/** One record on each line, sorted; in lower case, because of several spellings of one name or record any may be kept. */
function dumpLines(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.toLowerCase().replaceAll(/\s+/g, ' '))
    .toSorted();
}

let scratch = '';
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'waxseal-check-'));
});
afterAll(() => rmSync(scratch, { recursive: true }));

// Without looking hosts of other zones up: tests have no network, and neither has a server that loads a zone.
const LOCAL = ['-i', 'local'];
/** What named-checkzone prints about a zone without fault. */
const QUIET = /: loaded serial |^OK$|file does not end with newline|^$/;

describe.each(fixtures)('$file', (fixture) => {
  const { problems } = load(fixture);

  test('says what it should', () => {
    expect(problems.map(({ severity, code }) => `${severity} ${code}`).toSorted()).toEqual(fixture.expected);
    // Errors come first.
    expect(problems.map(({ severity }) => severity)).toEqual(problems.map(({ severity }) => severity).toSorted());
    // Every problem has its place; only what is not there at all has none.
    const placed = problems.filter(({ code }) => code !== 'SOA_MISSING' && code !== 'NS_MISSING');
    expect(placed.filter(({ at }) => !(at.kind === 'file' && at.line !== undefined && at.column !== undefined))).toEqual([]);
  });

  test('named-checkzone gives the same verdict', async () => {
    // Who makes two thousand million records does not come to an end; that is no refusal.
    const timeoutMs = fixture.differs === undefined ? 20_000 : 2000;
    const { code, stdout, stderr } = await runTool('named-checkzone', [...LOCAL, fixture.zone, fixture.file], {
      cwd: FOLDER,
      timeoutMs,
    }).catch((failure: unknown) => ({ code: 0, stdout: String(failure), stderr: '' }));
    const said = `${stdout}${stderr}`;
    const refused = code !== 0;
    // A difference that is gone must leave the list, too.
    expect({ said, sameVerdict: refused === hasErrors(problems) }).toEqual({ said, sameVerdict: fixture.differs === undefined });
    // What it warns of, we warn of.
    const warned = said.split('\n').some((line) => !QUIET.test(line));
    expect({ said, silent: problems.length === 0 && warned && fixture.differs === undefined }).toEqual({ said, silent: false });
  });
});

const loaded = fixtures
  .map((fixture) => ({ fixture, file: fixture.file, ...load(fixture) }))
  .filter(({ problems }) => !hasErrors(problems));

describe.each(loaded)('$file, loaded', ({ fixture, rrsets }) => {
  test('what is exported is imported as the same zone', () => {
    const zone = memoryZone(nameOf(fixture.zone), rrsets);
    const again = loadZone(exportOf(zone), { file: 'export', origin: nameOf(fixture.zone), signed: true });
    expect(again.ok && [...zoneRrsets(memoryZone(nameOf(fixture.zone), again.value))]).toEqual([...zoneRrsets(zone)]);
  });
});

// What BIND keeps of the DNSSEC records in a file is not what we sign.
const comparable = loaded.filter(
  ({ fixture: { differs, zoneDiffers }, problems }) =>
    differs === undefined && zoneDiffers === undefined && !problems.some(({ code }) => code === 'DNSSEC_DROPPED'),
);

describe.each(comparable)('$file, compared', ({ fixture, rrsets }) => {
  test('named-compilezone makes the same zone', async () => {
    const path = join(scratch, fixture.file);
    writeFileSync(path, exportOf(memoryZone(nameOf(fixture.zone), rrsets)), 'latin1');
    const [ours, its] = await Promise.all(
      [path, fixture.file].map((file) =>
        runTool('named-compilezone', ['-q', '-i', 'none', '-k', 'ignore', '-n', 'ignore', '-s', 'full', '-o', '-', fixture.zone, file], {
          cwd: FOLDER,
        }),
      ),
    );
    expect(its!.stdout).not.toBe('');
    expect(dumpLines(ours!.stdout)).toEqual(dumpLines(its!.stdout));
  });
});

function exportOf(zone: MemoryZone): string {
  return [...formatZoneFile(zone.ascend(zone.apexKey), { signed: false })].join('');
}

describe('checkZone without a file', () => {
  const apex = nameOf('example.');
  const address = { owner: nameOf('www.example.net.'), type: TYPE.A, ttl: 60, rdatas: [Uint8Array.of(192, 0, 2, 1)] };

  test('data out of the zone is an error, and a problem is at its owner and type', () => {
    const problems = checkZone(apex, [address]);
    expect(problems.map(({ code }) => code)).toEqual(['OUT_OF_ZONE', 'SOA_MISSING', 'NS_MISSING']);
    expect(problems[1]!.at).toEqual(atRrset('example.', 'SOA'));
  });

  test('nothing is said to be missing when the file could not be read whole', () => {
    expect(checkZone(apex, [], { complete: false })).toEqual([]);
  });
});

test('withoutManagedTypes: DNSKEY, CDS and CDNSKEY stay in a zone that is not signed here', () => {
  const fixture = fixtures.find(({ file }) => file === 'dnssec-records.zone')!;
  const result = loadZone(fixture.text, { file: fixture.file, origin: nameOf('example.'), signed: false });
  const types = result.ok ? result.value.map(({ type }) => type) : [];
  expect(types).toEqual([TYPE.SOA, TYPE.NS, TYPE.DNSKEY, TYPE.CDS, TYPE.CDNSKEY, TYPE.A]);
  expect(result.ok && result.warnings.map(({ message }) => message)).toEqual([
    'left out of the file: 2 RRSIG, 1 NSEC, 1 NSEC3PARAM records: the zone is not signed here, and nobody would renew them',
  ]);
});

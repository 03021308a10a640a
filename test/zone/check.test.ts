/**
 * The zones of test/fixtures/zones, each named after its fault: what we say about it, and whether named-checkzone agrees.
 * `; expect: error CODE` lines in a file are all that may be said; `; named-checkzone differs: why` lists the only disagreements.
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Problem, hasErrors } from '#base/problem.ts';
import { nameOf } from '#dns/name.ts';
import { formatZoneFile } from '#dns/zone-file-format.ts';
import { includeFrom } from '#dns/zone-file-include.ts';
import { TYPE } from '#dns/types.ts';
import { type PlacedRrset, loadZone } from '#zone/assemble.ts';
import { checkZone } from '#zone/check.ts';
import { memoryZone } from '#zone/zone.ts';
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
  const { problems, rrsets } = load(fixture);

  test('says what it should', () => {
    expect(problems.map(({ severity, code }) => `${severity} ${code}`).toSorted()).toEqual(fixture.expected);
    const errors = problems.filter(({ severity }) => severity === 'error').length;
    expect(
      problems.slice(0, errors).every(({ severity }) => severity === 'error'),
      'errors come first',
    ).toBe(true);
    // Every problem has its place; only of what is not there at all there is none.
    for (const each of problems)
      if (!['SOA_MISSING', 'NS_MISSING'].includes(each.code)) expect(each.at, each.message).toMatch(/^[^:]+:\d+:\d+$/);
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
    if (fixture.differs !== undefined) {
      // A difference that is gone must leave the list.
      expect(refused, said).not.toBe(hasErrors(problems));
      return;
    }
    expect(refused, said).toBe(hasErrors(problems));
    if (!refused && said.split('\n').some((line) => !QUIET.test(line))) expect(problems, said).not.toEqual([]);
  });

  test('the loaded zone is the one named-compilezone makes', async () => {
    if (hasErrors(problems)) return expect(rrsets).toEqual([]);
    const zone = memoryZone(nameOf(fixture.zone), rrsets);
    const exported = [...formatZoneFile(zone.ascend(zone.apexKey), { signed: false })].join('');
    const path = join(scratch, fixture.file);
    writeFileSync(path, exported, 'latin1');
    const compile = (file: string) =>
      runTool('named-compilezone', ['-q', '-i', 'none', '-k', 'ignore', '-n', 'ignore', '-s', 'full', '-o', '-', fixture.zone, file], {
        cwd: FOLDER,
      });
    const ours = await compile(path);
    if (fixture.differs === undefined) expect(ours.stdout, `${exported}${ours.stderr}`).not.toBe('');
    const again = loadZone(exported, { file: 'export', origin: nameOf(fixture.zone), signed: true });
    expect(again.ok && again.value.map(({ at: _, ...rrset }) => rrset)).toEqual([...withoutPlaces(zone)]);
    if (fixture.differs !== undefined || fixture.zoneDiffers !== undefined || problems.some(({ code }) => code === 'DNSSEC_DROPPED'))
      return undefined;
    expect(dumpLines(ours.stdout)).toEqual(dumpLines((await compile(fixture.file)).stdout));
  });
});

function* withoutPlaces(zone: ReturnType<typeof memoryZone>): Generator<object> {
  for (const node of zone.ascend(zone.apexKey))
    for (const { type, ttl, rdatas } of node.rrsets.toSorted((a, b) => Number(b.type === TYPE.SOA) - Number(a.type === TYPE.SOA)))
      yield { owner: node.owner, type, ttl, rdatas };
}

describe('checkZone without a file', () => {
  const apex = nameOf('example.');
  const address = { owner: nameOf('www.example.net.'), type: TYPE.A, ttl: 60, rdatas: [Uint8Array.of(192, 0, 2, 1)] };

  test('data out of the zone is an error, and a problem is at its owner and type', () => {
    const problems = checkZone(apex, [address]);
    expect(problems.map(({ code }) => code)).toEqual(['OUT_OF_ZONE', 'SOA_MISSING', 'NS_MISSING']);
    expect(problems[1]!.at).toBe('example. SOA');
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

/**
 * BIND judges the zones of test/fixtures/zones: named-checkzone gives our verdict, and named-compilezone makes our zone of them.
 * `; named-checkzone differs: why` and `; named-compilezone differs: why` in a file list the only disagreements.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasErrors } from '#base/problem.ts';
import { nameOf } from '#dns/name.ts';
import { memoryZone } from '#zone/zone.ts';
import { FOLDER, exportOf, fixtures, load, loaded } from '../support/bad-zones.ts';
import { runTool } from '../support/tools.ts';

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

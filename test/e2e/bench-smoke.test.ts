/**
 * `npm run bench` for a moment, waxseal beside NSD: that numbers come out, with the pictures and the verdict. How large they are is
 * nobody's business here: other tests run at the same time.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toolPath } from '../support/tools.ts';

const BENCH = join(import.meta.dirname, '../../bench/run.ts');
const LIMIT_MS = 100_000;

interface Result {
  readonly servers: readonly {
    readonly id: string;
    readonly version: string;
    readonly coreUs: { readonly median: number; readonly count: number };
    readonly queriesPerSecond: { readonly median: number };
    readonly ratio?: { readonly median: number };
    readonly runs: readonly { readonly answered: number; readonly noerror: number; readonly nxdomain: number; readonly busy: number }[];
  }[];
}

test(
  'npm run bench:catalog: zones of a catalog come, change and go, and it says how long that took',
  async () => {
    const words = [join(import.meta.dirname, '../../bench/catalog.ts'), '12', 'waxseal'];
    const { stdout } = await promisify(execFile)(process.execPath, words, { timeout: LIMIT_MS, killSignal: 'SIGTERM' });
    expect(stdout).toMatch(/^12 zones;[^]*waxseal +added \d+\.\d.*changed \d+\.\d.*removed \d+\.\d/);
  },
  LIMIT_MS,
);

describe('npm run bench', () => {
  const out = mkdtempSync(join(tmpdir(), 'waxseal-bench-smoke-'));
  let said = '';

  beforeAll(async () => {
    // Missing programs fail here with the command that installs them.
    for (const program of ['nsd', 'gcc', 'taskset']) toolPath(program);
    const words = ['--names=300', '--rounds=1', '--seconds=1', '--scenarios=signed-mix', '--servers=waxseal-mmsg,nsd', `--out=${out}`];
    const { stdout } = await promisify(execFile)(process.execPath, [BENCH, ...words], { timeout: LIMIT_MS, killSignal: 'SIGTERM' });
    said = stdout;
  }, LIMIT_MS);

  afterAll(() => rmSync(out, { recursive: true, force: true }));

  test('both servers answered, and all they cost is told', () => {
    const { servers } = JSON.parse(readFileSync(join(out, 'signed-mix.json'), 'utf8')) as Result;
    expect(servers.map(({ id }) => id)).toEqual(['waxseal-mmsg', 'nsd']);
    for (const { version, coreUs, queriesPerSecond, runs } of servers) {
      expect(version).toMatch(/\d+\.\d+/);
      expect(coreUs.count).toBe(1);
      expect(coreUs.median).toBeGreaterThan(0);
      expect(queriesPerSecond.median).toBeGreaterThan(0);
      expect(runs[0]!.answered).toBeGreaterThan(0);
      expect(runs[0]!.busy).toBeGreaterThan(0);
      expect(runs[0]!.noerror).toBeGreaterThan(0.8);
      expect(runs[0]!.nxdomain).toBeGreaterThan(0);
    }
    expect(servers[1]!.ratio!.median).toBeCloseTo(servers[0]!.coreUs.median / servers[1]!.coreUs.median, 3);
  });

  test('a table, the verdict and a picture come out', () => {
    expect(said).toContain('### Signed zone, mixed questions with DO');
    expect(said).toMatch(/signed mix ÷ the faster of NSD and Knot, pre-signed +\| +\d/);
    expect(readdirSync(out)).toEqual(expect.arrayContaining(['signed-mix.json', 'signed-mix.svg', 'verdict.json']));
    expect(readFileSync(join(out, 'signed-mix.svg'), 'utf8')).toMatch(/^<svg [^]*class="whisker"[^]*<\/svg>\n$/);
  });
});

test(
  'npm run bench:transfers for a moment: each row has its figures, and queries are answered beside transfers',
  async () => {
    const words = [join(import.meta.dirname, '../../bench/transfers.ts'), '--quick', '--names=500'];
    const { stdout } = await promisify(execFile)(process.execPath, words, { timeout: LIMIT_MS, killSignal: 'SIGTERM' });
    const rows = ['AXFR out, waxseal', 'AXFR out, knot', 'AXFR out, nsd', 'IXFR out, waxseal', 'IXFR out, knot'];
    for (const row of [...rows, 'AXFR in, waxseal', 'AXFR in, knot', 'AXFR in, nsd'])
      expect(stdout).toMatch(new RegExp(`^${row} +\\d+\\.\\d+ s, CPU \\d+\\.\\d+ s, \\d+ MiB`, 'm'));
    expect(Number(/queries: (\d+) a second while 10 secondaries pull/.exec(stdout)?.[1])).toBeGreaterThan(0);
  },
  LIMIT_MS,
);

test(
  'npm run bench:api-changes for a moment: changes, lists and searches beside PowerDNS, each row with two figures',
  async () => {
    const words = [join(import.meta.dirname, '../../bench/api-changes.ts'), '--quick', '--zones=16'];
    const { stdout } = await promisify(execFile)(process.execPath, words, { timeout: LIMIT_MS, killSignal: 'SIGTERM' });
    for (const row of [
      'single changes, one client: a second',
      'request to served, p99',
      'list of 16 zones, median',
      'search-data for a zone, median',
    ])
      expect(stdout).toMatch(new RegExp(`^\\| ${row} \\| \\d+(?:\\.\\d)?(?: ms)? \\| \\d+(?:\\.\\d)?(?: ms)? \\|$`, 'm'));
    // PowerDNS's LMDB store finds no records.
    for (const row of ['search-data for an address', '/v1/search at or below a name', '/v1/search for an address'])
      expect(stdout).toMatch(new RegExp(`^\\| ${row}, median \\| \\d+\\.\\d ms \\| (?:–|\\d+\\.\\d ms) \\|$`, 'm'));
  },
  LIMIT_MS,
);

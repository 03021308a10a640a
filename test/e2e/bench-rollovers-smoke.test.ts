/** `npm run bench:rollovers` for a moment, beside Knot: that numbers come out. How large they are is for a calm machine to say. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { toolPath } from '../support/tools.ts';

const BENCH = join(import.meta.dirname, '../../bench/rollovers.ts');
const LIMIT_MS = 100_000;

interface Result {
  readonly large: { readonly runs: Readonly<Record<string, readonly { readonly tookMs: number; readonly cpuSeconds: number }[]>> };
}

test(
  'both servers roll the ZSK, and what that took comes out',
  async () => {
    const out = mkdtempSync(join(tmpdir(), 'waxseal-bench-rollovers-'));
    try {
      // Missing programs fail here with the command that installs them.
      for (const program of ['knotd', 'gcc', 'taskset']) toolPath(program);
      const words = [BENCH, '--quick', '--only=large', '--names=300', `--out=${out}`];
      const { stdout } = await promisify(execFile)(process.execPath, words, { timeout: LIMIT_MS, killSignal: 'SIGTERM' });
      expect(stdout).toContain('The ZSK of a zone with 300 names is rolled');
      const { large } = JSON.parse(readFileSync(join(out, 'rollovers.json'), 'utf8')) as Result;
      for (const name of ['waxseal', 'Knot']) {
        expect(large.runs[name]).toHaveLength(1);
        // What both wait: TTL and propagation.
        expect(large.runs[name]![0]!.tookMs).toBeGreaterThan(2900);
        expect(large.runs[name]![0]!.cpuSeconds).toBeGreaterThan(0);
      }
    } finally {
      rmSync(out, { recursive: true, force: true });
    }
  },
  LIMIT_MS,
);

/**
 * `npm run bench:policy-host` for a moment, beside nginx: that numbers come out, of everything that it measures. How large they are is not
 * asked: other tests run at the same time.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { toolPath } from '../support/tools.ts';

const BENCH = join(import.meta.dirname, '../../bench/policy-host.ts');
const LIMIT_MS = 200_000;

interface Spread {
  readonly median: number;
  readonly count: number;
}

interface Result {
  readonly peer: string;
  readonly rows: readonly { readonly id: string; readonly waxsealUs: Spread; readonly nginxUs: Spread; readonly ratio: Spread }[];
  readonly latency: { readonly rate: number; readonly waxsealP99Us: Spread; readonly nginxP99Us: Spread };
  readonly dns: { readonly rate: number; readonly quietP99Us: Spread; readonly floodedP99Us: Spread; readonly handshakesPerSecond: number };
  readonly many: { readonly hosts: number; readonly kibAfter: number; readonly contexts: number; readonly servedMs: Spread };
}

test('requests, handshakes, latencies, DNS beside a flood, many hosts: all of it in numbers, and as a table', async () => {
  // Missing programs fail here with the command that installs them.
  for (const program of ['nginx', 'h2load', 'taskset', 'gcc', 'openssl']) toolPath(program);
  const out = mkdtempSync(join(tmpdir(), 'waxseal-bench-smoke-'));
  onTestFinished(() => rmSync(out, { recursive: true, force: true }));
  const words = [BENCH, '--quick', '--hosts=3', `--out=${out}`];
  const { stdout } = await promisify(execFile)(process.execPath, words, { timeout: LIMIT_MS, killSignal: 'SIGTERM' });
  const { peer, rows, latency, dns, many } = JSON.parse(readFileSync(join(out, 'policy-host.json'), 'utf8')) as Result;
  expect(peer).toMatch(/^nginx \d+\.\d+/);
  expect(rows.map(({ id }) => id)).toEqual(['get-http1', 'get-http2', 'new-http1', 'handshake']);
  for (const { id, waxsealUs, nginxUs, ratio } of rows) {
    expect(waxsealUs.count).toBe(1);
    if (id === 'handshake') continue;
    expect(waxsealUs.median).toBeGreaterThan(1);
    expect(nginxUs.median).toBeGreaterThan(1);
    expect(ratio.median).toBeCloseTo(waxsealUs.median / nginxUs.median, 6);
  }
  for (const { median } of [latency.waxsealP99Us, latency.nginxP99Us, dns.quietP99Us, dns.floodedP99Us]) expect(median).toBeGreaterThan(0);
  expect(latency.rate).toBeGreaterThan(0);
  expect(dns.handshakesPerSecond).toBeGreaterThan(0);
  expect(many).toMatchObject({ hosts: 3, servedMs: { count: 3 } });
  expect(many.kibAfter).toBeGreaterThan(10_000);
  expect(many.contexts).toBeGreaterThanOrEqual(3);
  expect(stdout).toContain('### The policy host beside nginx');
  expect(stdout).toMatch(/GET, HTTP\/1\.1, keep-alive +\| +\d/);
});

/**
 * kill -9 of a process at flushes of a CSK rollover, by strace: the next process ends it in the same way, and nothing comes earlier.
 * Every flush, as data files that a kill can leave: crash-at-flush.test.ts. Every flush with a process: WAXSEAL_ROLLOVER_KILLS=all.
 */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { LIFECYCLE_SETTLE_MS } from '#base/limits/lifecycle.ts';
import { verifyStore } from '#store/verify.ts';
import { HOUR_MS, bench, follow, problemsOf, roll, states } from '../../support/dnssec-control.ts';
import { good } from '../../support/temporary-control.ts';
import { temporaryFolder } from '../../support/temporary-store.ts';
import { runTool } from '../../support/tools.ts';

const SCRIPT = new URL('./rollover-script.ts', import.meta.url).pathname;
const CALLS = ['fdatasync', 'fsync', 'msync'];
/** More flushes than the rollover has. */
const FLUSHES_MAX = 200;
/** In the order, in the first step, while the parent is waited for, near the end. */
const SOME = [1, 2, 7, 12];

/** When each state of the keys is there without a kill. */
async function plain(dir: string): Promise<ReadonlyMap<string, number>> {
  const room = await bench({ in: dir });
  const reached = new Map<string, number>();
  follow(room);
  good(await roll(room, 'csk'));
  while (room.control.dnssec.view(room.record()).rollovers.length > 0)
    await room.live(HOUR_MS, () => {
      follow(room);
      const now = states(room).join(', ');
      if (!reached.has(now)) reached.set(now, room.clock.nowMs());
    });
  await room.control.close();
  return reached;
}

/** Kills the script at a flush; what it had said. */
async function killed(dir: string, flush: number): Promise<{ readonly hasEnded: boolean; readonly atMs: number; readonly ds: string }> {
  const inject = CALLS.flatMap((call) => ['-e', `inject=${call}:signal=SIGKILL:when=${flush}`]);
  const words = ['-f', '-o', '/dev/null', '-e', `trace=${CALLS.join()}`, ...inject, process.execPath, SCRIPT, dir];
  const { stdout } = await runTool('strace', words, { timeoutMs: 60_000 });
  const [atMs = '', ds = ''] = (stdout.split('\n').findLast((line) => /^\d+ /.test(line)) ?? '').split(' ');
  return { hasEnded: stdout.includes('ended'), atMs: Number(atMs), ds };
}

test('the same end, nothing earlier, and a zone that validates', async () => {
  const filled = await bench();
  const before = filled.record().keys[0]!.keyTag;
  await filled.control.close();
  const copy = (): string => {
    const dir = join(temporaryFolder(), 'store');
    cpSync(filled.dir, dir, { recursive: true });
    return dir;
  };
  const reached = await plain(copy());
  const isAll = process.env['WAXSEAL_ROLLOVER_KILLS'] === 'all';
  const flushes = isAll ? Array.from({ length: FLUSHES_MAX }, (_, at) => at + 1) : SOME;
  let kills = 0;
  for (const flush of flushes) {
    const dir = copy();
    const { hasEnded, atMs, ds } = await killed(dir, flush);
    if (hasEnded) break;
    kills++;
    const room = await bench({ in: dir, nowMs: atMs });
    onTestFinished(() => room.control.close());
    expect([flush, verifyStore(room.writer).problems, problemsOf(room)]).toEqual([flush, [], []]);
    for (const parent of Object.values(room.parents)) parent.ds = ds.split(',').map((hex) => new Uint8Array(Buffer.from(hex, 'hex')));
    // Killed in the first commit: the order was never taken. In the last one: it is over.
    const isOver = room.record().keys.every(({ keyTag }) => keyTag !== before);
    if (!isOver && room.control.dnssec.view(room.record()).rollovers.length === 0) good(await roll(room, 'csk'));
    while (room.control.dnssec.view(room.record()).rollovers.length > 0)
      await room.live(HOUR_MS, () => {
        const now = states(room).join(', ');
        // Each of two steps before may have been looked at a moment late without the kill.
        const early = room.clock.nowMs() < (reached.get(now) ?? 0) - 2 * LIFECYCLE_SETTLE_MS;
        expect([flush, now, early, problemsOf(room)]).toEqual([flush, now, false, []]);
        follow(room);
      });
    expect([flush, states(room).join(', ')]).toEqual([flush, 'csk 13 active']);
    await room.control.close();
  }
  expect(kills).toBeGreaterThanOrEqual(SOME.length);
}, 600_000);

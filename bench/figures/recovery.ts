/**
 * The process that answers is killed: how long until the next answer. Of those whose supervisor brings it back; tests hold waxseal to what a
 * resolver bears (test/e2e/processes.test.ts).
 */
import { strict as assert } from 'node:assert';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../dns-probe.ts';
import { firstAnswer, startGroup } from '../group.ts';
import { markdown } from '../report.ts';
import { spreadOf } from '../statistics.ts';
import { type Figure, type FigureContext, type FigureResult } from './figure.ts';

/** Between two kills, so that none comes while the supervisor still waits because of the last. */
const CALM_MS = 3000;

export const RECOVERY: Figure = {
  id: 'recovery',
  title: 'From the death of the answering process to the next answer',
  zones: 'names',
  signed: true,
  quick: true,
  measure: measureRecovery,
};

async function measureRecovery({ bench, prepared, peers }: FigureContext): Promise<FigureResult> {
  const taking = peers.filter(({ answering }) => answering !== undefined);
  const contestants = await startGroup(bench, prepared, taking);
  const rows: { readonly id: string; readonly label: string; readonly ms: ReturnType<typeof spreadOf> }[] = [];
  try {
    for (const { peer, daemon } of contestants) {
      const times: number[] = [];
      const [query, limitMs, good] = firstAnswer(prepared, peer);
      daemon.resume();
      for (let round = 0; round < bench.rounds; round++) {
        await delay(CALM_MS);
        const pid = peer.answering?.(daemon);
        assert(pid !== undefined, `${peer.label} has no process that answers`);
        const killedMs = performance.now();
        process.kill(pid, 'SIGKILL');
        times.push(await until(daemon.port, query, good, killedMs, limitMs));
      }
      daemon.pause();
      rows.push({ id: peer.id, label: peer.label, ms: spreadOf(times) });
    }
  } finally {
    await Promise.all(contestants.map(({ daemon }) => daemon.stop()));
  }
  return {
    values: rows,
    table: markdown(
      ['', 'ms'],
      rows.map(({ label, ms }) => [label, `${ms.median.toFixed(0)} (${ms.low.toFixed(0)}–${ms.high.toFixed(0)})`]),
    ),
  };
}

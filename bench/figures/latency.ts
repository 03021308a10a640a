/** How long answers take at half of what a server can do: queries on a timetable, times counted from when each was due. */
import { measure, queriesFile, startGroup } from '../group.ts';
import { OURS } from '../peers/all.ts';
import { markdown } from '../report.ts';
import { SCENARIOS } from '../scenarios.ts';
import { type Spread, spreadOf } from '../statistics.ts';
import { drawBars } from '../svg.ts';
import { type Figure, type FigureContext, type FigureResult } from './figure.ts';

interface Latency {
  readonly id: string;
  readonly label: string;
  /** Queries per second offered. */
  readonly rate: number;
  readonly lost: number;
  readonly p50Us: Spread;
  readonly p99Us: Spread;
  readonly p999Us: Spread;
}

const SCENARIO = SCENARIOS.find(({ id }) => id === 'signed-mix')!;
/** A 99.9th percentile wants some thousands of answers above it. */
const SECONDS_MIN = 1;

export const LATENCY: Figure = {
  id: 'latency',
  title: 'Latency at half load',
  zones: SCENARIO.zones,
  signed: SCENARIO.signed,
  quick: true,
  measure: measureLatency,
};

async function measureLatency({ bench, prepared, peers, results }: FigureContext): Promise<FigureResult> {
  const queries = queriesFile(bench, prepared, SCENARIO);
  const full = results.find(({ id }) => id === SCENARIO.id);
  const contestants = await startGroup(bench, prepared, peers);
  const rows: Latency[] = [];
  try {
    const rates = new Map<string, number>();
    for (const contestant of contestants) {
      const known = full?.servers.find(({ id }) => id === contestant.peer.id)?.queriesPerSecond.median;
      const warm = await measure(bench, contestant, { queries, warmupSeconds: 2 });
      rates.set(contestant.peer.id, (known ?? warm.queriesPerSecond) / 2);
    }
    const runs = new Map(contestants.map(({ peer }) => [peer.id, [] as Awaited<ReturnType<typeof measure>>[]]));
    for (let round = 0; round < bench.rounds; round++)
      for (const contestant of contestants) {
        const rate = rates.get(contestant.peer.id)!;
        const seconds = Math.max(SECONDS_MIN, bench.seconds);
        runs.get(contestant.peer.id)!.push(await measure(bench, contestant, { queries, rate, seconds, seed: 1 + round }));
      }
    for (const { peer } of contestants) {
      const own = runs.get(peer.id)!;
      const figure = (name: 'p50' | 'p99' | 'p999'): Spread => spreadOf(own.map(({ latencyUs }) => latencyUs[name]));
      rows.push({
        id: peer.id,
        label: peer.label,
        rate: Math.round(rates.get(peer.id)!),
        lost: own.reduce((sum, { lost }) => sum + lost, 0),
        p50Us: figure('p50'),
        p99Us: figure('p99'),
        p999Us: figure('p999'),
      });
    }
  } finally {
    await Promise.all(contestants.map(({ daemon }) => daemon.stop()));
  }
  const us = ({ median }: Spread): string => median.toFixed(median < 100 ? 1 : 0);
  return {
    values: rows,
    table: markdown(
      ['', 'offered q/s', 'p50 µs', 'p99 µs', 'p999 µs', 'lost'],
      rows.map(({ label, rate, p50Us, p99Us, p999Us, lost }) => [
        label,
        rate.toLocaleString('en'),
        us(p50Us),
        us(p99Us),
        us(p999Us),
        String(lost),
      ]),
    ),
    pictures: {
      'latency-p99': drawBars({
        title: 'Latency at half load, 99th percentile',
        subtitle: `${SCENARIO.title}; each server offered half of what it can answer on one core`,
        unit: 'microseconds from when the query was due (less is better)',
        bars: rows.map(({ id, label, p99Us }) => ({ label, value: p99Us, note: `${us(p99Us)} µs`, isOurs: id === OURS })),
      }),
    },
  };
}

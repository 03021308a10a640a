/**
 * Two workers on all cores beside one worker, with the load generator on the same cores: on a machine with two cores it takes its part of
 * both, so twice the answers cannot come out. Queries come from many sockets, because the kernel spreads clients over workers by address.
 */
import { measure, queriesFile, startContestant } from '../group.ts';
import { ALL_CORES } from '../cores.ts';
import { markdown } from '../report.ts';
import { SCENARIOS } from '../scenarios.ts';
import { type Spread, ratioOf, spreadOf } from '../statistics.ts';
import { type Figure, type FigureContext, type FigureResult } from './figure.ts';

const SCENARIO = SCENARIOS.find(({ id }) => id === 'unsigned-mix')!;
const SERVERS = ['waxseal-mmsg', 'waxseal-dgram', 'nsd', 'knot'];
const SOCKETS = 32;

export const TWO_WORKERS: Figure = {
  id: 'two-workers',
  title: 'Two workers on all cores, generator included',
  zones: SCENARIO.zones,
  signed: SCENARIO.signed,
  quick: false,
  measure: measureTwoWorkers,
};

async function measureTwoWorkers({ bench, prepared, peers }: FigureContext): Promise<FigureResult> {
  const queries = queriesFile(bench, prepared, SCENARIO);
  const anywhere = { ...bench, cores: { server: bench.cores.server, generator: undefined } };
  const rows: { id: string; label: string; one: Spread; two: Spread; ratio: Spread }[] = [];
  for (const peer of peers.filter(({ id }) => SERVERS.includes(id))) {
    const contestants = [
      await startContestant(bench, prepared, peer, { cores: ALL_CORES, workers: 1 }),
      await startContestant(bench, prepared, peer, { cores: ALL_CORES, workers: 2 }),
    ];
    try {
      const rates: [number[], number[]] = [[], []];
      for (const contestant of contestants)
        await measure(anywhere, contestant, { queries, sockets: SOCKETS, warmupSeconds: 2, seconds: 0.1 });
      for (let round = 0; round < bench.rounds; round++)
        for (const [at, contestant] of contestants.entries())
          rates[at === 0 ? 0 : 1].push((await measure(anywhere, contestant, { queries, sockets: SOCKETS })).queriesPerSecond);
      rows.push({ id: peer.id, label: peer.label, one: spreadOf(rates[0]), two: spreadOf(rates[1]), ratio: ratioOf(rates[1], rates[0]) });
    } finally {
      await Promise.all(contestants.map(({ daemon }) => daemon.stop()));
    }
  }
  const rate = ({ median }: Spread): string => Math.round(median).toLocaleString('en');
  return {
    values: rows,
    table: markdown(
      ['', 'one worker q/s', 'two workers q/s', 'ratio'],
      rows.map(({ label, one, two, ratio }) => [label, rate(one), rate(two), ratio.median.toFixed(2)]),
    ),
  };
}

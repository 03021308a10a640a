/**
 * How a calm client is served while somebody asks for random names as fast as answers come: its times, and what it had to ask again. Tests hold
 * the server to every answer (test/e2e/attacks.test.ts); how long one takes depends on the machine, so it is measured beside others.
 */
import { LOAD, loadServer } from '../generator.ts';
import { queriesFile, startGroup } from '../group.ts';
import { encodeQuery } from '../queries.ts';
import { markdown } from '../report.ts';
import { SCENARIOS } from '../scenarios.ts';
import { type Spread, quantile, spreadOf } from '../statistics.ts';
import { canary } from '../../test/support/flood.ts';
import { ADDRESS } from '../daemon.ts';
import { type Figure, type FigureContext, type FigureResult } from './figure.ts';

/** Queries per second of the calm client: too few to matter, enough for a 99th percentile in some seconds. */
const CALM_PER_SECOND = 250;
const SECONDS_MIN = 1;

const SCENARIO = SCENARIOS.find(({ id }) => id === 'signed-flood')!;

export const UNDER_ATTACK: Figure = {
  id: 'under-attack',
  title: 'A calm client during a flood of random names',
  zones: SCENARIO.zones,
  signed: SCENARIO.signed,
  quick: true,
  measure: measureUnderAttack,
};

interface Round {
  readonly floodPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Parts of the calm client's questions. */
  readonly askedAgain: number;
  readonly unanswered: number;
}

async function measureUnderAttack({ bench, prepared, peers }: FigureContext): Promise<FigureResult> {
  const queries = queriesFile(bench, prepared, SCENARIO);
  const query = encodeQuery({ name: prepared.set.zones[0]!.name, type: 'SOA' }, SCENARIO.signed);
  const contestants = await startGroup(bench, prepared, peers);
  const rounds = new Map(contestants.map(({ peer }) => [peer.id, [] as Round[]]));
  try {
    for (let round = 0; round < bench.rounds; round++)
      for (const { peer, daemon } of contestants) {
        daemon.resume();
        const load = { ...LOAD, queries, window: bench.window, seconds: Math.max(SECONDS_MIN, bench.seconds), seed: 1 + round };
        const flood = loadServer(bench.program, bench.cores, daemon.port, daemon.pids(), load);
        const endpoint = { name: peer.id, address: ADDRESS, port: daemon.port };
        const calm = await canary(endpoint, { from: ADDRESS, query, perSecond: CALM_PER_SECOND, until: flood });
        const { queriesPerSecond } = await flood;
        daemon.pause();
        rounds.get(peer.id)!.push({
          floodPerSecond: queriesPerSecond,
          p50Ms: quantile(calm.timesMs, 0.5),
          p99Ms: quantile(calm.timesMs, 0.99),
          askedAgain: (calm.answered - calm.atOnce) / calm.asked,
          unanswered: (calm.asked - calm.answered) / calm.asked,
        });
      }
  } finally {
    await Promise.all(contestants.map(({ daemon }) => daemon.stop()));
  }
  const rows = contestants.map(({ peer: { id, label } }) => {
    const of = (figure: keyof Round): Spread => spreadOf(rounds.get(id)!.map((round) => round[figure]));
    return {
      id,
      label,
      floodPerSecond: of('floodPerSecond'),
      p50Ms: of('p50Ms'),
      p99Ms: of('p99Ms'),
      askedAgain: of('askedAgain'),
      unanswered: of('unanswered'),
    };
  });
  const percent = ({ median }: Spread): string => `${(100 * median).toFixed(1)} %`;
  return {
    values: rows,
    table: markdown(
      ['', 'flood q/s', 'p50 ms', 'p99 ms', 'asked again', 'unanswered'],
      rows.map(({ label, floodPerSecond, p50Ms, p99Ms, askedAgain, unanswered }) => [
        label,
        Math.round(floodPerSecond.median).toLocaleString('en'),
        p50Ms.median.toFixed(2),
        p99Ms.median.toFixed(2),
        percent(askedAgain),
        percent(unanswered),
      ]),
    ),
  };
}

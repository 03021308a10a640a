/**
 * How honest clients over TCP are served beside clients that ask without end and never read: how many of their questions are answered within a
 * second, each on a connection of its own.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { ipPort } from '#base/address.ts';
import { tcpQuery } from '../../test/support/dns-client.ts';
import { ADDRESS } from '../daemon.ts';
import { startGroup } from '../group.ts';
import { encodeQuery } from '../queries.ts';
import { markdown } from '../report.ts';
import { SCENARIOS } from '../scenarios.ts';
import { spreadOf } from '../statistics.ts';
import { type Figure, type FigureContext, type FigureResult } from './figure.ts';

const CROWDS = [100, 600, 3000];
/** Of the honest client in each round. */
const QUESTIONS = 30;
const PATIENCE_MS = 1000;
/** For the crowd to connect; a server that takes few at a time keeps the rest waiting. */
const CONNECT_MS = 5000;
/** Between two crowds, for the server to be rid of the last one. */
const REST_MS = 1000;

const SCENARIO = SCENARIOS.find(({ id }) => id === 'tcp-connect')!;

export const NEVER_READING: Figure = {
  id: 'never-reading',
  title: 'Honest clients over TCP beside clients that never read',
  zones: SCENARIO.zones,
  signed: SCENARIO.signed,
  quick: true,
  measure: measureNeverReading,
};

async function measureNeverReading({ bench, prepared, peers }: FigureContext): Promise<FigureResult> {
  const query = encodeQuery({ name: prepared.set.zones[0]!.name, type: 'SOA' }, SCENARIO.signed);
  const contestants = await startGroup(bench, prepared, peers);
  const answered = new Map(contestants.map(({ peer }) => [peer.id, CROWDS.map((): number[] => [])]));
  try {
    for (let round = 0; round < bench.rounds; round++)
      for (const [at, crowd] of CROWDS.entries())
        for (const { peer, daemon } of contestants) {
          daemon.resume();
          answered.get(peer.id)![at]!.push(await askBeside(daemon.port, query, crowd));
          await sleep(REST_MS);
          daemon.pause();
        }
  } finally {
    await Promise.all(contestants.map(({ daemon }) => daemon.stop()));
  }
  const rows = contestants.map(({ peer: { id, label } }) => ({ id, label, answered: answered.get(id)!.map((each) => spreadOf(each)) }));
  return {
    values: { crowds: CROWDS, questions: QUESTIONS, rows },
    table: markdown(
      ['', ...CROWDS.map((crowd) => `${crowd} never read`)],
      rows.map(({ label, answered: spreads }) => [label, ...spreads.map(({ median }) => `${Math.round((100 * median) / QUESTIONS)} %`)]),
    ),
  };
}

/** Questions of the honest client that are answered. */
async function askBeside(port: number, query: Buffer, crowd: number): Promise<number> {
  const script = new URL('../never-readers.ts', import.meta.url);
  const child = fork(script, [ADDRESS, String(port), String(crowd), query.toString('hex')], { execArgv: [] });
  try {
    await Promise.race([once(child, 'message'), sleep(CONNECT_MS)]);
    let answered = 0;
    for (let id = 0; id < QUESTIONS; id++) {
      query.writeUInt16BE(id, 0);
      const reply = await tcpQuery(ipPort(ADDRESS, port), query, PATIENCE_MS).catch(() => undefined);
      if (reply?.readUInt16BE(0) === id) answered += 1;
    }
    return answered;
  } finally {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
}

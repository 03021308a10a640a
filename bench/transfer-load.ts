/**
 * Queries beside transfers: how many are answered a second while ten secondaries pull a zone without end, by how many
 * are answered when none does. Server, generator and secondaries share the machine's cores.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LOAD, compileGenerator, loadServer } from './generator.ts';
import { writeQueries } from './queries.ts';
import { seededRandom } from './random.ts';
import { spreadOf } from './statistics.ts';
import { pullZone } from './transfer-client.ts';

const SECONDARIES = 10;
/** As many addresses as have their share of the places for transfers. */
const ADDRESSES = ['127.0.0.1', '127.0.0.2', '127.0.0.3'];

export interface QueriesLeft {
  readonly port: number;
  readonly zone: string;
  readonly names: number;
  readonly rounds: number;
  readonly seconds: number;
}

/** Lines for the report. */
export async function queriesLeft({ port, zone, names, rounds, seconds }: QueriesLeft): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'waxseal-transfer-load-'));
  const program = compileGenerator(folder);
  const queries = join(folder, 'queries');
  const name = (random: () => number): string => `h${Math.floor(random() * names)}.${zone.replace(/\.$/, '')}`;
  writeQueries(queries, 10_000, (random) => ({ name: name(random), type: 'A' }), seededRandom(1), true);
  const rate = async (): Promise<number> => {
    const run = await loadServer(program, { server: 0, generator: undefined }, port, [], { ...LOAD, queries, seconds });
    return run.queriesPerSecond;
  };
  const [alone, beside]: [number[], number[]] = [[], []];
  let pulls = 0;
  try {
    for (let round = 0; round < rounds; round++) {
      alone.push(await rate());
      const stop = new AbortController();
      const pulling = Array.from({ length: SECONDARIES }, async (_, at) => {
        while (!stop.signal.aborted) {
          // SERVFAIL: the place of the transfer before is not free yet.
          const done = await pullZone({ port, zone, from: ADDRESSES[at % ADDRESSES.length]! }).catch(() => undefined);
          if (done !== undefined) pulls += 1;
        }
      });
      beside.push(await rate());
      stop.abort();
      await Promise.all(pulling);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const [before, after] = [spreadOf(alone).median, spreadOf(beside).median];
  const part = ((100 * after) / before).toFixed(0);
  const how = `${Math.round(after)} a second while ${SECONDARIES} secondaries pull (${pulls} transfers), ${Math.round(before)} without`;
  return `queries: ${how}: ${part} % left\n`;
}

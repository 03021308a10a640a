/**
 * Many small zones whose ZSKs roll in the same hour, spread as waxseal spreads them: which part of one core that takes, and so how much
 * throughput is left of a core that is full. Rolls begin at the rate of the hour, long enough before the measurement for all their steps to
 * be under way in it. The time of all processes of the server by answers is taken without rolls and with them: what is more of it, is the
 * rolls'. So it does not matter how much of the core others leave.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { chooseCores } from '../cores.ts';
import { type Run, LOAD, compileGenerator, loadServer } from '../generator.ts';
import { writeQueries } from '../queries.ts';
import { seededRandom } from '../random.ts';
import { markdown } from '../report.ts';
import { type Spread, spreadOf } from '../statistics.ts';
import { zonesSet } from '../zone-sets.ts';
import { signerTag } from './probe.ts';
import { type BenchZone, type Roller, type StartRoller, startKnot, startWaxseal } from './servers.ts';

const HOUR_SECONDS = 3600;
/** The rate that is shown, also with fewer zones: 10,000 in an hour. */
const PER_SECOND = 10_000 / HOUR_SECONDS;
/** A roll has taken all its steps but the last after so long. */
const STEPS_MS = 8000;
const QUERIES = 50_000;
const SEED = 20_261_130;

export interface ManyOptions {
  readonly zones: number;
  readonly seconds: number;
  readonly rounds: number;
  readonly folder: string;
}

export interface ManyResult {
  readonly zones: number;
  readonly servers: readonly {
    readonly name: string;
    /** Part of a core that the rolls take, round by round; what is left of it answers. */
    readonly taken: Spread;
    readonly begun: number;
    /** Of those that had the time, zones with signatures of a new key. */
    readonly rolled: number;
    readonly without: readonly Run[];
    readonly with: readonly Run[];
  }[];
}

export async function measureMany(options: ManyOptions): Promise<ManyResult> {
  const set = zonesSet(options.zones);
  const zones = set.zones.map(({ name, lines }): BenchZone => ({ name, text: `${[...lines()].join('\n')}\n` }));
  const queries = join(options.folder, 'many.queries');
  writeQueries(queries, QUERIES, set.mix, seededRandom(SEED), true);
  const program = compileGenerator(options.folder);
  const servers: ManyResult['servers'][number][] = [];
  const starts: readonly StartRoller[] = [startWaxseal, startKnot];
  for (const start of starts) servers.push(await measureOne(start, zones, { ...options, queries, program }));
  return { zones: options.zones, servers };
}

interface OneOptions extends ManyOptions {
  readonly queries: string;
  readonly program: string;
}

async function measureOne(start: StartRoller, zones: readonly BenchZone[], options: OneOptions): Promise<ManyResult['servers'][number]> {
  const { seconds, rounds, folder, queries, program } = options;
  const cores = chooseCores(undefined, undefined);
  const server = await start(zones, { folder, cores: String(cores.server) });
  const load = (warmupSeconds: number): Promise<Run> =>
    loadServer(program, cores, server.daemon.port, server.daemon.pids(), { ...LOAD, queries, seconds, warmupSeconds });
  const [without, rolling]: [Run[], Run[]] = [[], []];
  const rolls = new Rolls(server, zones);
  try {
    for (let round = 0; round < rounds; round++) {
      without.push(await load(1));
      rolls.begin();
      await delay(STEPS_MS);
      rolling.push(await load(1));
      await rolls.pause();
      await delay(STEPS_MS);
    }
    const rolled = await rolls.rolled();
    const taken = rolling.map(({ ownUs, answered, seconds: took }, round) => ((ownUs - without[round]!.ownUs) * answered) / (1e6 * took));
    return { name: server.name, taken: spreadOf(taken), begun: rolls.begun, rolled, without, with: rolling };
  } finally {
    await rolls.pause();
    await server.stop();
  }
}

/** Begins rolls on a timetable, each zone once. */
class Rolls {
  readonly #server: Roller;
  readonly #zones: readonly BenchZone[];
  /** Key tags before, by zone. */
  readonly #before = new Map<string, number | undefined>();
  #loop: Promise<void> | undefined;
  #isPaused = true;

  constructor(server: Roller, zones: readonly BenchZone[]) {
    this.#server = server;
    this.#zones = zones;
  }

  get begun(): number {
    return this.#before.size;
  }

  begin(): void {
    this.#isPaused = false;
    this.#loop = this.#run();
  }

  async pause(): Promise<void> {
    this.#isPaused = true;
    await this.#loop;
  }

  /** How many zones have signatures of another key now. */
  async rolled(): Promise<number> {
    let count = 0;
    for (const [zone, before] of this.#before) {
      const now = await this.#tag(zone);
      if (now !== undefined && now !== before) count++;
    }
    return count;
  }

  async #run(): Promise<void> {
    const beganMs = performance.now();
    for (let number = 0; !this.#isPaused; number++) {
      const zone = this.#zones[this.#before.size];
      if (zone === undefined) return;
      await delay(Math.max(0, beganMs + (1000 * number) / PER_SECOND - performance.now()));
      this.#before.set(zone.name, await this.#tag(zone.name));
      await this.#server.roll(zone.name);
    }
  }

  #tag(zone: string): Promise<number | undefined> {
    return signerTag(this.#server.daemon.port, { name: `www.${zone}`, type: 'A' });
  }
}

export function formatMany({ zones, servers }: ManyResult): string {
  const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
  const rows = servers.map(({ name, taken, begun, rolled }) => [
    name,
    `${percent(taken.median)} (${percent(taken.low)}–${percent(taken.high)})`,
    `${((1000 * taken.median) / PER_SECOND).toFixed(0)} ms`,
    percent(1 - taken.median),
    `${rolled} of ${begun}`,
  ]);
  const title = `${zones.toLocaleString('en')} small zones; ZSKs roll at the rate of 10,000 in an hour, ${PER_SECOND.toFixed(2)} each second`;
  return `### ${title}\n\n${markdown(['', 'of a core', 'one roll', 'throughput left of a core', 'zones that had rolled at the end'], rows)}`;
}

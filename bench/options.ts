/** The command line of `npm run bench`. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';

export const USAGE = `npm run bench -- [options]            measures waxseal beside NSD, Knot, BIND and PowerDNS; results in bench/results/

  --full                everything: large zones, many zones, more and longer rounds (two hours or so); default: a few minutes
  --scenarios LIST      only these (comma-separated; --list shows them)
  --servers LIST        only these
  --figures LIST        only these of the other figures; "none" for none
  --names N             owner names of the zone (default 100000)
  --many-names N        of the large zone of the full run (default 1000000)
  --many-zones N        small zones of the full run (default 10000)
  --rounds N            interleaved rounds of each scenario (default 3, full 7)
  --seconds S           counting in each run (default 1, full 2)
  --window N            UDP queries under way (default 128)
  --server-core N       core for the servers, and
  --generator-core N    core for the load (default: the two quietest)
  --nice=N              priority of servers and load, -20…19; below 0 (root only) others get out of their way on a busy machine
  --work FOLDER         keep zones, stores and programs there for the next time (default: a new temporary folder)
  --out FOLDER          results (default bench/results)
  --list                names of scenarios, servers and figures

WAXSEAL_BENCH_SOURCE=FOLDER measures the waxseal of another checkout.
`;

export interface Options {
  readonly full: boolean;
  readonly scenarios: readonly string[] | undefined;
  readonly servers: readonly string[] | undefined;
  readonly figures: readonly string[] | undefined;
  readonly names: number;
  readonly manyNames: number;
  readonly manyZones: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly window: number;
  readonly serverCore: number | undefined;
  readonly generatorCore: number | undefined;
  readonly nice: number;
  readonly work: string | undefined;
  readonly out: string;
  readonly list: boolean;
}

const SECONDS_MAX = 60;
const ROUNDS_MAX = 99;
const NAMES_MIN = 100;
const NAMES_MAX = 5_000_000;

/** Throws with what is wrong. */
export function readOptions(words: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...words],
    options: {
      full: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      scenarios: { type: 'string' },
      servers: { type: 'string' },
      figures: { type: 'string' },
      names: { type: 'string', default: '100000' },
      'many-names': { type: 'string', default: '1000000' },
      'many-zones': { type: 'string', default: '10000' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      window: { type: 'string', default: '128' },
      'server-core': { type: 'string' },
      'generator-core': { type: 'string' },
      nice: { type: 'string', default: '0' },
      work: { type: 'string' },
      out: { type: 'string', default: join(import.meta.dirname, 'results') },
    },
  });
  const list = (text: string | undefined): readonly string[] | undefined =>
    text?.split(',').filter((each) => each !== 'none' && each !== '');
  const core = (name: 'server-core' | 'generator-core'): number | undefined =>
    values[name] === undefined ? undefined : numeric(name, values[name], 0, 1023);
  return {
    full: values.full,
    list: values.list,
    scenarios: list(values.scenarios),
    servers: list(values.servers),
    figures: list(values.figures),
    names: numeric('names', values.names, NAMES_MIN, NAMES_MAX),
    manyNames: numeric('many-names', values['many-names'], NAMES_MIN, NAMES_MAX),
    manyZones: numeric('many-zones', values['many-zones'], 1, NAMES_MAX),
    rounds: numeric('rounds', values.rounds ?? (values.full ? '7' : '3'), 1, ROUNDS_MAX),
    seconds: numeric('seconds', values.seconds ?? (values.full ? '2' : '1'), 0.1, SECONDS_MAX),
    window: numeric('window', values.window, 1, 65_536),
    serverCore: core('server-core'),
    generatorCore: core('generator-core'),
    nice: numeric('nice', values.nice, -20, 19),
    work: values.work,
    out: values.out,
  };
}

function numeric(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!(value >= min && value <= max)) throw new Error(`--${name} ${text}: a number from ${min} to ${max} is wanted`);
  return value;
}

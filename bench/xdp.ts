/**
 * `npm run bench:xdp`: waxseal by recvmmsg and by AF_XDP beside Knot, Knot by AF_XDP and NSD, each behind a veth pair of
 * its own between two network namespaces. Needs root. Receive work is done on the server's core, as with a card whose
 * interrupt is there: by threaded NAPI where a program is attached, by RPS elsewhere; delivery to the client is done on
 * the client's core.
 * What it can say and what not: docs/performance.md, “UDP by AF_XDP”.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chooseCores, pin, prioritise } from './cores.ts';
import { Daemon } from './daemon.ts';
import { LOAD, type Run, compileGenerator, loadServer } from './generator.ts';
import { versionLine } from './peers/peer.ts';
import { type Prepared, prepare } from './prepared.ts';
import { writeQueries } from './queries.ts';
import { seededRandom } from './random.ts';
import { QUERIES, SCENARIOS, type Scenario } from './scenarios.ts';
import { CONTESTANTS, type Contestant, PORT, type Pair } from './xdp/contestants.ts';
import { type OpenRun, measureOpen, writeOpenQueries } from './xdp/open-loop.ts';
import { formatOpen, formatRows, writeResults } from './xdp/report.ts';
import { SPACES, makePair, makeSpaces, threadNapi } from './xdp/spaces.ts';
import { type ZoneSet, namesSet } from './zone-sets.ts';

const SEED = 20_261_121;
/** Cold code costs ten times as much. */
const FIRST_WARMUP_SECONDS = 4;
const WARMUP_SECONDS = 0.3;
const START_TRIES_MAX = 300;
const OPEN_SECONDS = 2;
const OPEN_ROUNDS = 3;
/** kxdpgun sends them again and again. */
const OPEN_QUERIES = 50_000;

const say = (text: string): void => void process.stderr.write(`bench: ${text}\n`);
interface Running extends Contestant {
  readonly daemon: Daemon;
  readonly pair: Pair;
  /** By round. */
  readonly runs: Run[];
  readonly open: OpenRun[];
}

interface Bench {
  readonly cores: { readonly server: number; readonly generator: number };
  readonly program: string;
  readonly work: string;
  readonly queries: string;
  /** Priority of all that is measured; 0: that of everything else. */
  readonly nice: number;
}

async function start(prepared: Prepared, each: Contestant, at: number, bench: Bench): Promise<Running> {
  const pair = makePair(at, each, bench.cores);
  const folder = mkdtempSync(join(bench.work, `${each.id}-`));
  const { program, words, environment = {} } = each.command(prepared, pair, folder);
  const inside = ['netns', 'exec', SPACES.server, program, ...words];
  const daemon = new Daemon(PORT, {
    program: 'ip',
    words: inside,
    cores: String(bench.cores.server),
    folder,
    environment,
  });
  const running = { ...each, daemon, pair, runs: [], open: [] };
  for (let look = 0; ; look++) {
    const run = await measure(bench, running, { seconds: 0.05, warmupSeconds: 0.05 }).catch(() => undefined);
    if (run !== undefined && run.noerror + run.nxdomain > 0.9) break;
    if (look > START_TRIES_MAX || !daemon.isRunning) throw new Error(`${each.label} does not answer\n${daemon.log()}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  // Knot pins its workers by itself.
  for (const pid of daemon.pids()) pin(pid, String(bench.cores.server));
  const said = daemon.log().match(/.*XDP.*/g) ?? [];
  say([`${each.label} answers`, ...said].join('\n  '));
  daemon.pause();
  return running;
}

type Length = Pick<typeof LOAD, 'seconds' | 'warmupSeconds'> & { readonly seed?: number };

async function measure(bench: Bench, { daemon, pair }: Running, load: Length): Promise<Run> {
  daemon.resume();
  const napi = threadNapi(SPACES.server, pair.device, bench.cores.server, bench.nice);
  const way = { address: pair.address, source: pair.source, prefix: ['ip', 'netns', 'exec', SPACES.client] };
  const pids = [...daemon.pids(), ...napi];
  return loadServer(bench.program, bench.cores, PORT, pids, { ...LOAD, queries: bench.queries, ...load }, way);
}

/** All rounds, each beginning with another contestant; only the measured one runs. */
async function measureAll(bench: Bench, all: readonly Running[], rounds: number, seconds: number): Promise<void> {
  for (const each of all) {
    await measure(bench, each, { seconds: 0.1, warmupSeconds: FIRST_WARMUP_SECONDS });
    each.daemon.pause();
  }
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < all.length; turn++) {
      const each = all[(turn + round) % all.length]!;
      each.runs.push(await measure(bench, each, { seconds, warmupSeconds: WARMUP_SECONDS, seed: 1 + round }));
      each.daemon.pause();
    }
  }
}

/** The same rate for each, one after the other; not behind an MTU that kxdpgun's own program does not fit behind. */
async function measureOpenLoops(
  { cores, nice, work }: Bench,
  all: readonly Running[],
  rates: readonly number[],
  set: ZoneSet,
  { id, ask, signed }: Scenario,
): Promise<void> {
  const queries = join(work, `${id}.kxdpgun`);
  writeOpenQueries(queries, OPEN_QUERIES, ask(set), seededRandom(SEED), signed);
  const taking = all.filter(({ isGeneric }) => isGeneric !== true);
  for (let round = 0; round < OPEN_ROUNDS; round++)
    for (const rate of rates)
      for (const each of taking) {
        each.daemon.resume();
        threadNapi(SPACES.server, each.pair.device, cores.server, nice);
        const load = { queries, rate, seconds: OPEN_SECONDS, cores, nice };
        each.open.push({ rate, ...(await measureOpen(each.pair, load)) });
        each.daemon.pause();
      }
}

/** Over UDP, of a zone of usual size. */
const UDP_SCENARIOS = SCENARIOS.filter(({ load, zones }) => load.mode === 'udp' && zones === 'names');

/** Those of `all` that the option names, in their order. Throws for a name that none has. */
function chosen<T extends { readonly id: string }>(all: readonly T[], names: string, option: string): readonly T[] {
  const wanted = names.split(',');
  const unknown = wanted.filter((name) => !all.some(({ id }) => id === name));
  if (unknown.length > 0) throw new Error(`--${option}: there is no ${unknown.join(', ')}`);
  return all.filter(({ id }) => wanted.includes(id));
}

const idsOf = (all: readonly { readonly id: string }[]) => all.map(({ id }) => id).join(',');

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      names: { type: 'string', default: '100000' },
      rounds: { type: 'string', default: '7' },
      seconds: { type: 'string', default: '1' },
      // Ratios of the servers' own time: where others use the core too.
      own: { type: 'boolean', default: false },
      nice: { type: 'string', default: '0' },
      work: { type: 'string' },
      // Questions a second that kxdpgun sends, as 60000,120000: an open loop beside the closed one.
      open: { type: 'string', default: '' },
      // Folder for figures and pictures.
      out: { type: 'string' },
      // Some of them, by id.
      only: { type: 'string', default: idsOf(CONTESTANTS) },
      scenarios: { type: 'string', default: idsOf(UDP_SCENARIOS.filter(({ quick }) => quick)) },
    },
  });
  if (values.nice !== '0') prioritise(process.pid, Number(values.nice));
  const contestants = chosen(CONTESTANTS, values.only, 'only');
  const scenarios = chosen(UDP_SCENARIOS, values.scenarios, 'scenarios');
  const work = values.work ?? mkdtempSync(join(tmpdir(), 'waxseal-bench-xdp-'));
  mkdirSync(work, { recursive: true });
  const running = mkdtempSync(join(work, 'run-'));
  const cores = chooseCores(undefined, undefined);
  makeSpaces();
  process.once('exit', () => {
    rmSync(values.work === undefined ? work : running, { recursive: true, force: true, maxRetries: 3 });
  });
  say(`servers and their receive work on core ${cores.server}, the client on core ${cores.generator}`);
  say(`${versionLine('knotd', ['--version'])}; ${versionLine('nsd', ['-v'], /NSD version .*/)}`);
  const program = compileGenerator(running);
  const set = namesSet(Number(values.names));
  const rates = values.open.split(',').filter((each) => each !== '');
  let pairs = 0;
  for (const signed of [false, true]) {
    const asked = scenarios.filter((each) => each.signed === signed);
    if (asked.length === 0) continue;
    const prepared = await prepare(set, signed, work, say);
    const base = { cores, work: running, program, nice: Number(values.nice) };
    const all: Running[] = [];
    try {
      const first = { ...base, queries: queriesFile(running, set, asked[0]!) };
      for (const each of contestants) all.push(await start(prepared, each, pairs++, first));
      for (const scenario of asked) {
        const measured = all.map((each): Running => ({ ...each, runs: [], open: [] }));
        const bench = { ...base, queries: queriesFile(running, set, scenario) };
        await measureAll(bench, measured, Number(values.rounds), Number(values.seconds));
        await measureOpenLoops(bench, measured, rates.map(Number), set, scenario);
        process.stdout.write(`\n${scenario.title}, ${set.title}\n\n${formatRows(measured, values.own)}`);
        if (rates.length > 0)
          process.stdout.write(`\nkxdpgun, part that was answered: median [best]\n\n${formatOpen(measured)}`);
        if (values.out !== undefined) writeResults(values.out, set.title, scenario, measured);
      }
    } finally {
      for (const each of all) await each.daemon.stop();
    }
  }
}

function queriesFile(folder: string, set: ZoneSet, { id, ask, signed }: Scenario): string {
  const file = join(folder, `${id}.queries`);
  writeQueries(file, QUERIES, ask(set), seededRandom(SEED), signed);
  return file;
}

await main();

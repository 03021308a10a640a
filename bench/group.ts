/**
 * All servers that are given one prepared zone set, running side by side on the server's core, all but the measured one stopped; and the
 * interleaved rounds of a scenario on them.
 */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { ALL_CORES, type Cores, pin, prioritise } from './cores.ts';
import { type Daemon } from './daemon.ts';
import { isSignedAnswer, hasAnswer } from './dns-probe.ts';
import { LOAD, type Load, type Run, loadServer } from './generator.ts';
import { type Peer } from './peers/peer.ts';
import { type Prepared } from './prepared.ts';
import { encodeQuery, writeQueries } from './queries.ts';
import { seededRandom } from './random.ts';
import { QUERIES, type Scenario } from './scenarios.ts';

export interface Contestant {
  readonly peer: Peer;
  readonly daemon: Daemon;
  /** From the start of the process to the first answer. */
  readonly startMs: number;
}

export interface Bench {
  readonly cores: Cores;
  readonly program: string;
  readonly work: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly window: number;
  readonly nice: number;
  readonly say: (text: string) => void;
}

/** A run is repeated when others used more than this part of the core's time, or the hypervisor took more than this part of the time. */
const DISTURBED = 0.04;
const REPEATS_MAX = 2;
/** Once, before anything counts: engines that compile while they run, caches that fill. */
const FIRST_WARMUP_SECONDS = 1.5;
/** waxseal reads the names of a large zone into memory while it answers its first queries: some seconds for a million. */
const FIRST_WARMUP_PER_NAME = 8e-6;
/** Of a short run: so many times its counting. */
const FIRST_WARMUP_TIMES = 5;
const WARMUP_SECONDS = 0.3;
const START_MS_MAX = 120_000;
/** Of the queries of a file for a large zone; a sharper mean is worth nothing. */
const SEED = 20_261_121;

/** Does this server take part with these zones? */
export function takesPart(peer: Peer, prepared: Prepared): boolean {
  return (prepared.signed ? peer.signing !== 'never' : peer.plain) && prepared.set.zones.length <= peer.zonesMax;
}

/** Starts those that take part, one after the other. A server that cannot be started is told and left out. */
export async function startGroup(bench: Bench, prepared: Prepared, peers: readonly Peer[]): Promise<Contestant[]> {
  const contestants: Contestant[] = [];
  for (const peer of peers) {
    if (!takesPart(peer, prepared)) continue;
    try {
      contestants.push(await startContestant(bench, prepared, peer, { cores: String(bench.cores.server), workers: 1 }));
    } catch (error) {
      bench.say(`${peer.label} is left out: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return contestants;
}

/** Starts one server, waits for its first good answer, and stops it with SIGSTOP. */
export async function startContestant(
  bench: Bench,
  prepared: Prepared,
  peer: Peer,
  { cores, workers }: { readonly cores: string; readonly workers: number },
): Promise<Contestant> {
  const folder = mkdtempSync(join(bench.work, `${peer.id}-`));
  const daemon = await peer.start(prepared, { folder, cores, workers });
  const startMs = await daemon.ready(...firstAnswer(prepared, peer));
  await peer.settled?.(daemon);
  // Knot pins its workers to cores by itself, the first to core 0, whatever it was started on.
  if (cores !== ALL_CORES) for (const pid of daemon.pids()) pin(pid, cores);
  // It may have made a session of its own.
  if (bench.nice !== 0) for (const pid of daemon.pids()) prioritise(pid, bench.nice);
  daemon.pause();
  return { peer, daemon, startMs };
}

/** What shows that a server has all its zones. */
export function firstAnswer(
  prepared: Prepared,
  peer: Peer,
): [query: Buffer, limitMs: number, good: (answer: Buffer | undefined) => boolean] {
  const { name } = prepared.set.zones.at(-1)!;
  const good = peer.id === 'echo' ? (answer: Buffer | undefined) => answer !== undefined : prepared.signed ? isSignedAnswer : hasAnswer;
  return [encodeQuery({ name, type: 'SOA' }, prepared.signed), START_MS_MAX, good];
}

export function queriesFile(bench: Bench, prepared: Prepared, scenario: Scenario): string {
  const file = join(bench.work, `${scenario.id}.queries`);
  writeQueries(file, QUERIES, scenario.ask(prepared.set), seededRandom(SEED), scenario.signed);
  return file;
}

/** One run against one contestant, which runs only meanwhile. Repeated when it was disturbed. */
export async function measure(
  bench: Bench,
  { daemon }: Contestant,
  load: Partial<Load> & { readonly queries: string },
  { repeats = REPEATS_MAX }: { readonly repeats?: number } = {},
): Promise<Run> {
  daemon.resume();
  try {
    const pids = daemon.pids();
    const whole = { ...LOAD, seconds: bench.seconds, warmupSeconds: WARMUP_SECONDS, window: bench.window, ...load };
    let run = await loadServer(bench.program, bench.cores, daemon.port, pids, whole);
    for (let repeat = 0; repeat < repeats && isDisturbed(run); repeat++)
      run = await loadServer(bench.program, bench.cores, daemon.port, pids, whole);
    return run;
  } finally {
    daemon.pause();
  }
}

export function isDisturbed(run: Run): boolean {
  return run.foreign > DISTURBED || run.steal > DISTURBED;
}

export interface ScenarioRuns {
  readonly scenario: Scenario;
  readonly prepared: Prepared;
  readonly results: readonly { readonly peer: Peer; readonly runs: readonly Run[] }[];
}

/** All rounds of a scenario; in each round every contestant once, beginning with another one each time. */
export async function runScenario(
  bench: Bench,
  prepared: Prepared,
  contestants: readonly Contestant[],
  scenario: Scenario,
): Promise<ScenarioRuns> {
  const taking = contestants.filter(({ peer }) => !scenario.without.includes(peer.id));
  const queries = queriesFile(bench, prepared, scenario);
  const results = taking.map(({ peer }) => ({ peer, runs: new Array<Run>(bench.rounds) }));
  const firstWarmup = Math.min(
    FIRST_WARMUP_SECONDS + FIRST_WARMUP_PER_NAME * prepared.set.names,
    FIRST_WARMUP_TIMES * bench.seconds * Math.max(1, prepared.set.names / 1e5),
  );
  for (const contestant of taking)
    await measure(bench, contestant, { ...scenario.load, queries, warmupSeconds: firstWarmup, seconds: 0.1 });
  for (let round = 0; round < bench.rounds; round++) {
    for (let turn = 0; turn < taking.length; turn++) {
      const at = (turn + round) % taking.length;
      results[at]!.runs[round] = await measure(bench, taking[at]!, { ...scenario.load, queries, seed: 1 + round });
    }
  }
  return { scenario, prepared, results };
}

/**
 * Driver of the load generator (bench/generator/*.c): compiles it, runs it on its core, and makes core time per query of what it counted.
 * The generator reads /proc/stat itself, at both ends of the counting, so that neither warming up nor our own start-up is in it.
 */
import { execFile, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ALL_CORES, type Cores, coreTimes, processSeconds, softirqThreads } from './cores.ts';
import { ADDRESS } from './daemon.ts';

const SOURCES = join(import.meta.dirname, 'generator');
/** Beyond warming up and counting: starting, reading the queries, the last look at /proc. */
const GRACE_MS = 10_000;

export interface Load {
  readonly mode: 'udp' | 'pipeline' | 'connect';
  readonly queries: string;
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly window: number;
  /** Queries per second; 0: as fast as they are answered. */
  readonly rate: number;
  readonly sockets: number;
  readonly connections: number;
  readonly sources: number;
  readonly seed: number;
  /**
   * UDP at a rate: the generator shares its core with another program, before which it comes, and sleeps for
   * NAP_US when there is nothing to do.
   */
  readonly isShared?: boolean;
}

export const LOAD: Omit<Load, 'queries'> = {
  mode: 'udp',
  seconds: 1,
  warmupSeconds: 0.3,
  window: 128,
  rate: 0,
  sockets: 1,
  connections: 16,
  sources: 1,
  seed: 1,
};

/** What the generator prints. */
interface Report {
  readonly seconds: number;
  readonly sent: number;
  readonly answered: number;
  readonly lost: number;
  readonly unexpected: number;
  readonly reconnects: number;
  readonly truncated: number;
  readonly queryBytes: number;
  readonly answerBytes: number;
  readonly answerRecords: number;
  readonly rcodes: readonly number[];
  readonly latencyUs: LatencyUs;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

export interface LatencyUs {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** One run against one server. */
export interface Run {
  readonly seconds: number;
  readonly answered: number;
  readonly lost: number;
  readonly unexpected: number;
  readonly reconnects: number;
  readonly queriesPerSecond: number;
  /** Busy time of the server's core by answered queries, microseconds: the figure everything is about. */
  readonly coreUs: number;
  /** Time of the server's own processes by answered queries: a hint when the core was disturbed, and no more; softirq may be missing. */
  readonly ownUs: number;
  /** The part of `coreUs` that the kernel spent in softirq. */
  readonly softirqUs: number;
  /** Part of the time that the server's core was busy; below 0.95 or so the generator was the limit, and batches were small. */
  readonly busy: number;
  /** Time of the server's processes by the core's busy time; much above 1 when some of them ran elsewhere. */
  readonly ownPart: number;
  /** Part of the core's busy time that belongs to other processes, and part of the time that the hypervisor took. */
  readonly foreign: number;
  readonly steal: number;
  readonly bytesPerAnswer: number;
  readonly recordsPerAnswer: number;
  readonly truncated: number;
  /** Parts of all answers. */
  readonly noerror: number;
  readonly nxdomain: number;
  readonly latencyUs: LatencyUs;
}

const run = promisify(execFile);

const NAP_US = 20;
/** Real-time priority, where this user may give it. */
const FIRST = spawnSync('chrt', ['-f', '1', 'true']).status === 0 ? ['chrt', '-f', '1'] : [];

/** Compiles it into `folder`; gives the program. */
export function compileGenerator(folder: string): string {
  const files = readdirSync(SOURCES)
    .filter((each) => each.endsWith('.c'))
    .map((each) => join(SOURCES, each));
  return compile(files, join(folder, 'load'));
}

export function compile(files: readonly string[], program: string): string {
  const { status, stderr, error } = spawnSync('cc', ['-O2', '-o', program, ...files], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`cc ${files.join(' ')}: ${error?.message ?? stderr}`);
  return program;
}

/** From where to where: over the loopback interface when absent. */
export interface Way {
  readonly address?: string;
  readonly source?: string;
  /** What starts the generator, as `ip netns exec NAME`. */
  readonly prefix?: readonly string[];
}

/** Loads the server on `port` and tells what it cost. */
export async function loadServer(
  program: string,
  cores: Cores,
  port: number,
  pids: readonly number[],
  load: Load,
  { address = ADDRESS, source, prefix = [] }: Way = {},
): Promise<Run> {
  const own = [...pids, ...softirqThreads(cores.server)];
  const words = [
    ...[load.mode, address, String(port), load.queries, `warmup=${ms(load.warmupSeconds)}`, `measure=${ms(load.seconds)}`],
    ...[`window=${load.window}`, `rate=${Math.round(load.rate)}`, `sockets=${load.sockets}`, `connections=${load.connections}`],
    ...[
      `sources=${load.sources}`,
      ...(source === undefined ? [] : [`source=${source}`]),
      `seed=${load.seed}`,
      `nap=${load.isShared === true ? NAP_US : 0}`,
      'snapshot=/proc/stat',
      ...own.map((pid) => `snapshot=/proc/${pid}/stat`),
    ],
  ];
  const place = ['-c', cores.generator === undefined ? ALL_CORES : String(cores.generator)];
  const [first = '', ...rest] = [...prefix, 'taskset', ...place, ...(load.isShared === true ? FIRST : []), program, ...words];
  const { stdout } = await run(first, rest, {
    timeout: ms(load.warmupSeconds + load.seconds) + GRACE_MS,
    killSignal: 'SIGKILL',
    maxBuffer: 16 * 1024 * 1024,
  });
  return evaluate(JSON.parse(stdout) as Report, cores.server);
}

function evaluate(report: Report, core: number): Run {
  const [before, after] = [coreTimes(report.before[0]!, core), coreTimes(report.after[0]!, core)];
  const busy = after.busy - before.busy;
  const softirq = after.softirq - before.softirq;
  const own = report.after.slice(1).reduce((sum, text, at) => sum + processSeconds(text) - processSeconds(report.before[at + 1]!), 0);
  const answered = Math.max(1, report.answered);
  const perAnswer = (seconds: number): number => round((1e6 * seconds) / answered, 4);
  return {
    seconds: round(report.seconds, 3),
    answered: report.answered,
    lost: report.lost,
    unexpected: report.unexpected,
    reconnects: report.reconnects,
    queriesPerSecond: Math.round(report.answered / report.seconds),
    coreUs: perAnswer(busy),
    ownUs: perAnswer(own),
    softirqUs: perAnswer(softirq),
    busy: round(busy / report.seconds, 3),
    ownPart: round(own / Math.max(busy, 0.01), 3),
    // A process's own times are exact and have the softirq in them that came while it ran.
    foreign: round(Math.max(0, busy - own) / Math.max(busy, 0.01), 3),
    steal: round((after.steal - before.steal) / report.seconds, 3),
    bytesPerAnswer: round(report.answerBytes / answered, 1),
    recordsPerAnswer: round(report.answerRecords / answered, 2),
    truncated: round(report.truncated / answered, 4),
    noerror: round(report.rcodes[0]! / answered, 4),
    nxdomain: round(report.rcodes[3]! / answered, 4),
    latencyUs: report.latencyUs,
  };
}

function ms(seconds: number): number {
  return Math.round(1000 * seconds);
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

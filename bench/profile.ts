/**
 * Where each microsecond of waxseal's core goes: samples of the answer process under full load, by part (kernel, engine, store, each file of
 * ours), times the core time per query. The table of docs/performance.md comes from here.
 * Use: node bench/profile.ts [scenario] [names] [folder to keep zones in]        default signed-mix, 100,000
 * Needs perf (Debian: linux-perf) and root or kernel.perf_event_paranoid ≤ 1. The engine's map of names costs some per cent.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ALL_CORES, chooseCores, pin, prioritise } from './cores.ts';
import { compileGenerator } from './generator.ts';
import { type Bench, measure, queriesFile, startContestant } from './group.ts';
import { waxsealPeer } from './peers/waxseal.ts';
import { prepare } from './prepared.ts';
import { markdown } from './report.ts';
import { SCENARIOS, zoneSetOf } from './scenarios.ts';

const SECONDS = 3;
const WARMUP_SECONDS = 8;
/** Samples per second; not a divisor of the tick. */
const FREQUENCY = 1999;
/** Functions shown. */
const FUNCTIONS_MAX = 15;

const [id = 'signed-mix', names = '100000', keep] = process.argv.slice(2);
const scenario = SCENARIOS.find((each) => each.id === id);
if (scenario === undefined) throw new Error(`there is no scenario ${id}`);
const say = (text: string): void => void process.stderr.write(`profile: ${text}\n`);
const work = keep ?? mkdtempSync(join(tmpdir(), 'waxseal-profile-'));
mkdirSync(work, { recursive: true });
const running = mkdtempSync(join(work, 'run-'));
process.once('exit', () => rmSync(keep === undefined ? work : running, { recursive: true, force: true, maxRetries: 3 }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const nice = Number(process.env['NICE'] ?? 0);
if (nice !== 0) prioritise(process.pid, nice);
const cores = chooseCores(undefined, undefined);
const bench: Bench = { cores, program: compileGenerator(running), work: running, rounds: 1, seconds: SECONDS, window: 128, nice, say };
const prepared = await prepare(
  zoneSetOf(scenario.zones, { names: Number(names), manyNames: Number(names), manyZones: Number(names) }),
  scenario.signed,
  work,
  say,
);
pin(process.pid, String(cores.generator));
// With the option the engine writes /tmp/perf-PID.map, which perf reads.
const contestant = await startContestant(bench, prepared, waxsealPeer('mmsg', ['--perf-basic-prof']), {
  cores: String(cores.server),
  workers: 1,
});
try {
  const queries = queriesFile(bench, prepared, scenario);
  await measure(bench, contestant, { ...scenario.load, queries, warmupSeconds: WARMUP_SECONDS, seconds: 0.1 });
  const data = join(running, 'perf.data');
  const recorder = record(contestant.daemon.pids(), data);
  const run = await measure(bench, contestant, { ...scenario.load, queries }, { repeats: 0 });
  const ended = new Promise((resolve) => void recorder.once('exit', resolve));
  recorder.kill('SIGINT');
  await ended;
  const samples = readSamples(data);
  process.stdout.write(
    `\n${scenario.title}, ${prepared.set.title}: ${run.coreUs.toFixed(2)} µs of the core for each query, of which ${run.ownUs.toFixed(2)} in waxseal's processes; ${samples.length} samples\n\n`,
  );
  process.stdout.write(table('part', samples.map(partOf), run.ownUs, Infinity));
  process.stdout.write('\n');
  process.stdout.write(
    table(
      'function',
      samples.map(({ leaf }) => functionOf(leaf)),
      run.ownUs,
      FUNCTIONS_MAX,
    ),
  );
} finally {
  await contestant.daemon.stop();
}

function record(pids: readonly number[], file: string): ChildProcess {
  const words = [
    '-c',
    ALL_CORES,
    'perf',
    'record',
    '-q',
    '-o',
    file,
    '-e',
    'cpu-clock',
    '-F',
    String(FREQUENCY),
    '-g',
    '-p',
    pids.join(','),
  ];
  return spawn('taskset', words, { stdio: 'ignore' });
}

interface Frame {
  readonly symbol: string;
  readonly object: string;
}

interface Sample {
  readonly leaf: Frame;
  /** The leaf first. */
  readonly frames: readonly Frame[];
}

function readSamples(file: string): Sample[] {
  const { stdout, stderr, status } = spawnSync('perf', ['script', '-i', file, '-F', 'ip,sym,dso'], {
    encoding: 'latin1',
    maxBuffer: 2 ** 30,
  });
  if (status !== 0) throw new Error(`perf script: ${stderr}`);
  return stdout.split('\n\n').flatMap((block) => {
    const frames = [...block.matchAll(/^\s*[0-9a-f]+ (.*) \((.*)\)$/gm)].map(([, symbol, object]) => ({
      symbol: symbol!,
      object: object!,
    }));
    return frames[0] === undefined ? [] : [{ leaf: frames[0], frames }];
  });
}

/** The kernel by system call, and what it does meanwhile in softirq (delivery to the client) apart; ours by file; the rest by library. */
function partOf({ leaf, frames }: Sample): string {
  const { symbol, object } = leaf;
  const own = ourFile(symbol);
  if (own !== undefined) return own;
  if (object.includes('kernel')) {
    const call = frames.map((frame) => /^__(?:x64|arm64)_sys_(\w+)/.exec(frame.symbol)?.[1]).find((each) => each !== undefined);
    const isSoftirq = frames.some((frame) => /do_softirq|net_rx_action|handle_softirqs/.test(frame.symbol));
    return `kernel: ${call ?? 'other'}${isSoftirq ? ', softirq' : ''}`;
  }
  if (symbol.startsWith('Builtins_') || /\/node$/.test(object)) return 'node: engine and bindings';
  if (object.includes('node.napi')) return 'LMDB';
  if (object.includes('koffi')) return 'koffi';
  if (/perf-\d+\.map/.test(object) || object.includes('JIT')) return 'node: compiled library code';
  return 'libc and others';
}

/** `answer/cache/cache.ts` from `JS:*'findExact file:///…/src/answer/cache.ts:139:12`. */
function ourFile(symbol: string): string | undefined {
  return /\/(src\/[a-z/-]+\.ts):/.exec(symbol)?.[1];
}

function functionOf({ symbol, object }: Frame): string {
  const file = ourFile(symbol);
  if (file === undefined) return `${symbol.slice(0, 60)} (${object.split('/').at(-1)!.replaceAll(/[[\]]/g, '')})`;
  return `${/^JS:\W*(.*?) file:/.exec(symbol)?.[1] ?? '?'} (${file})`;
}

function table(head: string, parts: readonly string[], us: number, max: number): string {
  const counts = new Map<string, number>();
  for (const part of parts) counts.set(part, (counts.get(part) ?? 0) + 1);
  const rows = [...counts]
    .toSorted((a, b) => b[1] - a[1])
    .slice(0, max)
    .map(([part, count]) => [part, ((us * count) / parts.length).toFixed(3), `${((100 * count) / parts.length).toFixed(1)} %`]);
  return markdown([head, 'µs per query', ''], rows);
}

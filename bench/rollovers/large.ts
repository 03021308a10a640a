/**
 * The ZSK of one large zone is rolled: how long from the order until its records have signatures of the new key (the waits, the same for
 * both, are told apart), what time of the processors and memory that takes, and how late answers are meanwhile.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { largeZone, largeZoneOwner } from '../large-zone.ts';
import { markdown } from '../report.ts';
import { type Spread, ratioOf, spreadOf } from '../statistics.ts';
import { type Ask } from '../zone-sets.ts';
import { type Latency, LatencyProbe, MemoryProbe, cpuSeconds, signerTag } from './probe.ts';
import { type BenchZone, type Place, type Roller, type StartRoller, WAIT_MS, startKnot, startWaxseal } from './servers.ts';

const ZONE = 'large.example';
const PROBE: Ask = { name: `ns2.${ZONE}`, type: 'A' };
const LOOK_EVERY_MS = 20;
const LIMIT_MS = 600_000;
const ASKED_NAMES = 2000;
const QUESTIONS_PER_SECOND = 500;
const QUIET_MS = 3000;

export interface LargeRoll {
  readonly tookMs: number;
  /** Of all processes, from the order until the new signatures are there. */
  readonly cpuSeconds: number;
  readonly beforeMiB: number;
  readonly peakMiB: number;
  readonly quiet: Latency;
  readonly rolling: Latency;
}

export interface LargeResult {
  readonly names: number;
  readonly runs: Readonly<Record<string, readonly LargeRoll[]>>;
}

const SERVERS: readonly (readonly [string, StartRoller])[] = [
  ['waxseal', startWaxseal],
  ['Knot', startKnot],
];

/** Both in each round, another one first each time. */
export async function measureLarge(names: number, rounds: number, place: Place): Promise<LargeResult> {
  const zone: BenchZone = { name: ZONE, text: `${[...largeZone(names, `${ZONE}.`)].join('\n')}\n` };
  const runs: Record<string, LargeRoll[]> = { waxseal: [], Knot: [] };
  for (let round = 0; round < rounds; round++)
    for (const [name, start] of round % 2 === 0 ? SERVERS : SERVERS.toReversed()) {
      const server = await start([zone], place);
      try {
        runs[name]!.push(await rollOnce(server, names));
      } finally {
        await server.stop();
      }
    }
  return { names, runs };
}

async function rollOnce(server: Roller, names: number): Promise<LargeRoll> {
  const { daemon } = server;
  // Hosts, which have an address each: kinds 0 to 8 of twenty.
  const hosts = Array.from({ length: Math.min(ASKED_NAMES, names - 2) }, (_, at) => largeZoneOwner(at)).filter(({ kind }) => kind < 9);
  const questions = hosts.map(({ label }): Ask => ({ name: `${label}.${ZONE}`, type: 'A' }));
  const quiet = await latencyOf(daemon.port, questions, () => delay(QUIET_MS));
  const before = await signerTag(daemon.port, PROBE);
  const memory = new MemoryProbe(daemon);
  const beganSeconds = cpuSeconds(daemon);
  const beganMs = performance.now();
  let tookMs = NaN;
  let endedSeconds = NaN;
  const rolling = await latencyOf(daemon.port, questions, async () => {
    await server.roll(ZONE);
    for (;;) {
      const tag = await signerTag(daemon.port, PROBE);
      tookMs = performance.now() - beganMs;
      endedSeconds = cpuSeconds(daemon);
      if (tag !== undefined && tag !== before) return;
      if (tookMs > LIMIT_MS) throw new Error('the ZSK does not roll');
      await delay(LOOK_EVERY_MS);
    }
  });
  const peakMiB = memory.stop();
  return { tookMs, cpuSeconds: endedSeconds - beganSeconds, beforeMiB: memory.beforeMiB, peakMiB, quiet, rolling };
}

async function latencyOf(port: number, questions: readonly Ask[], during: () => Promise<unknown>): Promise<Latency> {
  const probe = new LatencyProbe(port, questions, QUESTIONS_PER_SECOND);
  try {
    await during();
  } catch (error) {
    await probe.stop();
    throw error;
  }
  return probe.stop();
}

export function formatLarge({ names, runs }: LargeResult): string {
  const [ours, theirs] = [runs['waxseal']!, runs['Knot']!];
  const row = (what: string, of: (run: LargeRoll) => number, unit: string, digits: number): string[] => {
    const text = ({ median, low, high }: Spread): string =>
      `${median.toFixed(digits)} ${unit} (${low.toFixed(digits)}–${high.toFixed(digits)})`;
    const [a, b] = [ours.map(of), theirs.map(of)];
    return [what, text(spreadOf(a)), text(spreadOf(b)), ratioOf(a, b).median.toFixed(2)];
  };
  const rows = [
    row(`order to new signatures, less the ${WAIT_MS / 1000} s of waiting`, ({ tookMs }) => (tookMs - WAIT_MS) / 1000, 's', 2),
    row('time of the processors for it', (run) => run.cpuSeconds, 's', 2),
    row('own memory before', ({ beforeMiB }) => beforeMiB, 'MiB', 0),
    row('own memory, most meanwhile', ({ peakMiB }) => peakMiB, 'MiB', 0),
    row('an answer before, p99', ({ quiet }) => quiet.p99Ms, 'ms', 2),
    row('an answer meanwhile, p99', ({ rolling }) => rolling.p99Ms, 'ms', 2),
    row('an answer meanwhile, latest', ({ rolling }) => rolling.maxMs, 'ms', 1),
    row('questions without an answer within 1 s', ({ rolling }) => rolling.lost, '', 0),
  ];
  const head = ['', 'waxseal', 'Knot', 'ratio'];
  return `### The ZSK of a zone with ${names.toLocaleString('en')} names is rolled (${ours.length} rounds)\n\n${markdown(head, rows)}`;
}

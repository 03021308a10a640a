/**
 * The oracle of key rollovers over many random zones: policies, TTLs, parents, crashes, reboots, wrong clocks; every combination of DS,
 * DNSKEY and RRset that a cache may hold must validate. The same as test/laws/bogus-window.test.ts, on all cores, for as long as is wanted.
 * Use: npm run bogus-window -- [seeds] [first seed]     default 100,000 from 1; exit code 1 when a zone is bogus somewhere
 *   --without-waits: no time is waited for, which must be found: that the oracle can find fault
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { ROLLOVER_MACHINES, type RolloverKind } from '#dnssec/rollover/machine.ts';
import { type Machine } from '#lifecycle/machine.ts';
import { findBogus } from '../test/support/simulation/rollover-judge.ts';
import { rolloverOf } from '../test/support/simulation/rollover-world.ts';

interface Part {
  readonly from: number;
  readonly to: number;
  readonly step: number;
  readonly isHasty: boolean;
}

type Report = { readonly done: number } | { readonly seed: number; readonly found: string };

const REPORT_EVERY = 250;

/** The machines with every wait of time taken out. */
function hasty(): Readonly<Record<RolloverKind, Machine>> {
  const without = ({ transitions, ...machine }: Machine): Machine => ({
    ...machine,
    transitions: transitions.map((each) => ({ ...each, waits: each.waits.filter(({ kind }) => kind !== 'time') })),
  });
  return Object.fromEntries(Object.entries(ROLLOVER_MACHINES).map(([kind, machine]) => [kind, without(machine)])) as Record<
    RolloverKind,
    Machine
  >;
}

function judge({ from, to, step, isHasty }: Part, tell: (report: Report) => void): void {
  const machines = isHasty ? hasty() : ROLLOVER_MACHINES;
  let done = 0;
  for (let seed = from; seed <= to; seed += step) {
    const diary = rolloverOf(seed, machines);
    const bogus = findBogus(diary);
    if (bogus.length > 0) tell({ seed, found: JSON.stringify(bogus[0]) });
    else if (!diary.isDone) tell({ seed, found: `it does not end: ${diary.stages.join(', ')}` });
    if (++done % REPORT_EVERY === 0) tell({ done: REPORT_EVERY });
  }
  tell({ done: done % REPORT_EVERY });
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ options: { 'without-waits': { type: 'boolean', default: false } }, allowPositionals: true });
  const [seeds = 100_000, first = 1] = positionals.map(Number);
  if (!(seeds >= 1 && first >= 1)) throw new Error('seeds and first seed are numbers from 1 on');
  const startedMs = performance.now();
  const jobs = Math.min(availableParallelism(), seeds);
  let [done, failed] = [0, 0];
  const say = (): void => {
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
    process.stderr.write(`${done} of ${seeds} rollovers after ${seconds} s, ${failed} of them bogus somewhere\n`);
  };
  const timer = setInterval(say, 10_000);
  await Promise.all(
    Array.from({ length: jobs }, (_, job) => {
      const part: Part = { from: first + job, to: first + seeds - 1, step: jobs, isHasty: values['without-waits'] };
      const worker = new Worker(new URL(import.meta.url), { workerData: part });
      worker.on('message', (report: Report) => {
        if ('done' in report) done += report.done;
        else {
          failed++;
          if (failed <= 20) process.stdout.write(`seed ${report.seed}: ${report.found}\n`);
        }
      });
      return new Promise<void>((resolve, reject) => {
        worker.once('error', reject);
        worker.once('exit', () => resolve());
      });
    }),
  );
  clearInterval(timer);
  process.stdout.write(`${done} rollovers, ${failed} of them bogus somewhere\n`);
  process.exitCode = failed > 0 || done !== seeds ? 1 : 0;
}

if (isMainThread) await main();
else judge(workerData as Part, (report) => parentPort!.postMessage(report));

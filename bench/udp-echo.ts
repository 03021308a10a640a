/**
 * What a query costs before anybody answers it: the time on the processor, user and system, that an echo takes for each query with the batched
 * socket, with node:dgram, and with a C program that does the same system calls (echo.c, if there is a C compiler).
 *   node bench/udp-echo.ts [--rounds 5] [--seconds 2] [--rate 0]     rate 0: as fast as dnsperf can
 * All run on one core and dnsperf on another where there are two; rounds are interleaved, and ratios are between neighbours of one round.
 * Processes' own times leave out what the kernel does for them in softirq; the real comparison with other servers counts it (`npm run bench`).
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ipPort } from '#base/address.ts';
import { SERVER_SLOT_COUNT } from '#server/counters.ts';
import { settleAddresses } from '#server/listen.ts';
import { type QueryResponder } from '#server/listener.ts';
import { openUdp as openDgram } from '#server/udp/dgram.ts';
import { serveSockets } from '#server/udp/mmsg.ts';
import { openSockets } from '#server/udp/mmsg-socket.ts';
import { loadSyscalls } from '#server/udp/mmsg-syscalls.ts';
import { ratioOf, spreadOf } from './statistics.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    rate: { type: 'string', default: '0' },
    serve: { type: 'string' },
    port: { type: 'string', default: '0' },
  },
});

const echo: QueryResponder = {
  respond(query, length, out) {
    for (let at = 0; at < length; at++) out[at] = query[at]!;
    out[2] = query[2]! | 0x80;
    return length;
  },
};

if (values.serve === undefined) await compare(Number(values.rounds), Number(values.seconds), Number(values.rate));
else await serve(values.serve, Number(values.port));

async function serve(kind: string, port: number): Promise<void> {
  const addresses = [ipPort('127.0.0.1', port)];
  const counters = new Float64Array(SERVER_SLOT_COUNT);
  if (kind === 'dgram') await openDgram(addresses, echo, counters);
  else {
    const sockets = openSockets(loadSyscalls(), addresses);
    serveSockets(sockets, sockets.addresses, echo, counters);
  }
}

interface Run {
  readonly microseconds: number;
  readonly queriesPerSecond: number;
}

async function compare(rounds: number, seconds: number, rate: number): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'udp-echo-'));
  const floor = compileFloor(dir);
  const subjects = [...(floor === undefined ? [] : ['C']), 'mmsg', 'dgram'];
  const pinned = availableParallelism() > 1 && spawnSync('taskset', ['--version']).error === undefined;
  const queries = join(dir, 'queries');
  execFileSync('sh', ['-c', `seq 1 1000 | sed 's/.*/name-&.example.test A/' > ${queries}`]);
  const runs = new Map<string, Run[]>(subjects.map((each) => [each, []]));
  try {
    for (let round = 0; round < rounds; round++) {
      for (const subject of subjects) {
        const settled = await settleAddresses([ipPort('127.0.0.1', 0)]);
        if (!settled.ok) throw new Error('no free port');
        const { port } = settled.value[0]!;
        const server = start(pinned, subject, port, floor);
        try {
          await sleep(500);
          // The first load lets the just-in-time compiler do its work.
          loadWith(pinned, port, queries, 1, rate);
          const before = cpuNanoseconds(server.pid!);
          const { completed, queriesPerSecond } = loadWith(pinned, port, queries, seconds, rate);
          const microseconds = (cpuNanoseconds(server.pid!) - before) / 1000 / completed;
          runs.get(subject)!.push({ microseconds, queriesPerSecond });
          process.stdout.write(`${subject}: ${microseconds.toFixed(2)} µs, ${Math.round(queriesPerSecond)}/s\n`);
        } finally {
          server.kill('SIGKILL');
        }
      }
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  const base = runs.get(subjects[0]!)!.map((each) => each.microseconds);
  for (const [subject, all] of runs) {
    const cost = spreadOf(all.map((each) => each.microseconds));
    const ratio = ratioOf(
      all.map((each) => each.microseconds),
      base,
    );
    process.stdout.write(
      `${subject.padEnd(6)} ${cost.median.toFixed(2)} µs a query (quartiles ${cost.low.toFixed(2)}–${cost.high.toFixed(2)}), ` +
        `${ratio.median.toFixed(2)} × ${subjects[0]}, ${Math.round(spreadOf(all.map((each) => each.queriesPerSecond)).median)} queries/s\n`,
    );
  }
}

/** The C program, or undefined without a compiler. */
function compileFloor(dir: string): string | undefined {
  const program = join(dir, 'echo');
  const { status, error } = spawnSync('cc', ['-O2', '-o', program, join(import.meta.dirname, 'echo.c')], { stdio: 'inherit' });
  if (error === undefined && status === 0) return program;
  process.stdout.write('no C compiler: measuring without the floor\n');
  return undefined;
}

function start(pinned: boolean, subject: string, port: number, floor: string | undefined): ChildProcess {
  const command =
    subject === 'C' ? [floor!, String(port)] : [process.execPath, import.meta.filename, '--serve', subject, '--port', String(port)];
  const [program, ...args] = pinned ? ['taskset', '-c', '0', ...command] : command;
  return spawn(program!, args, { stdio: ['ignore', 'inherit', 'inherit'] });
}

function loadWith(pinned: boolean, port: number, queries: string, seconds: number, rate: number) {
  const dnsperf = ['dnsperf', '-s', '127.0.0.1', '-p', String(port), '-d', queries, '-l', String(seconds), '-c', '4', '-q', '400'];
  const command = [...(pinned ? ['taskset', '-c', '1'] : []), ...dnsperf, ...(rate > 0 ? ['-Q', String(rate)] : [])];
  const { stdout, error } = spawnSync(command[0]!, command.slice(1), { encoding: 'utf8' });
  if (error !== undefined) throw new Error(`dnsperf: ${error.message}`);
  const number = (pattern: RegExp) => Number(pattern.exec(stdout)?.[1] ?? NaN);
  return { completed: number(/Queries completed:\s+(\d+)/), queriesPerSecond: number(/Queries per second:\s+([\d.]+)/) };
}

/** Time on the processor of all threads of a process so far. */
function cpuNanoseconds(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce(
    (sum, task) => sum + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ')[0]),
    0,
  );
}

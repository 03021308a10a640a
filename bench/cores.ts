/**
 * Which core does what, and how busy it was. Busy is user + nice + system + irq + softirq of /proc/stat: the times of a process alone
 * miss what the kernel does for it in softirq. What processes other than the server's used on the core is "foreign"; a run with much of
 * it counts for nothing.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';

export interface Cores {
  readonly server: number;
  /** Undefined: any. */
  readonly generator: number | undefined;
}

/** Units of /proc/stat: USER_HZ, 100 on every Linux we know; asked all the same. */
const TICKS_PER_SECOND = Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout.trim() || '100');

/** One core's times since the machine started, seconds. */
export interface CoreTimes {
  readonly busy: number;
  readonly softirq: number;
  readonly idle: number;
  readonly steal: number;
}

/** The line of `core` in the text of /proc/stat. */
export function coreTimes(text: string, core: number): CoreTimes {
  const line = text.split('\n').find((each) => each.startsWith(`cpu${core} `));
  if (line === undefined) throw new Error(`/proc/stat has no cpu${core}`);
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = line
    .split(/\s+/)
    .slice(1)
    .map((each) => Number(each) / TICKS_PER_SECOND);
  return { busy: user + nice + system + irq + softirq, softirq, idle: idle + iowait, steal };
}

/** Seconds of user and system time in the text of /proc/PID/stat; 0 when the process has gone. */
export function processSeconds(text: string): number {
  return statSeconds(text, 2);
}

/** The same with the times of its children that have ended (fields 16 and 17, cutime and cstime). */
export function familySeconds(text: string): number {
  return statSeconds(text, 4);
}

/** The first `count` times of a process: the name in field 2 may hold anything, so fields are counted from its end; utime is field 14. */
function statSeconds(text: string, count: number): number {
  const times = text
    .split(') ')
    .at(-1)!
    .split(' ')
    .slice(11, 11 + count);
  return times.reduce((sum, each) => sum + Number(each), 0) / TICKS_PER_SECOND;
}

/** Cores this process may use, in the form of taskset. A container may have fewer than the machine. */
export const ALL_CORES = taskset('-c', '-p', String(process.pid)).split(':').at(-1)!.trim();

/** The two cores with the least interrupts so far: the quieter one for the server. On a machine with one core both are it. */
export function chooseCores(
  server: number | undefined,
  generator: number | undefined,
): { readonly server: number; readonly generator: number } {
  const allowed = new Set(coreNumbers(ALL_CORES));
  const all = [...readFileSync('/proc/stat', 'latin1').matchAll(/^cpu(\d+) (.*)$/gm)]
    .map(([, core, times]) => {
      const [, , , , , irq = 0, softirq = 0] = times!.split(' ').map(Number);
      return { core: Number(core), interrupts: irq + softirq };
    })
    .filter(({ core }) => allowed.has(core))
    .toSorted((a, b) => a.interrupts - b.interrupts)
    .map(({ core }) => core);
  const chosen = server ?? all.find((each) => each !== generator) ?? all[0]!;
  return { server: chosen, generator: generator ?? all.find((each) => each !== chosen) ?? chosen };
}

/** `0-2,5` is 0, 1, 2, 5. */
function coreNumbers(list: string): number[] {
  return list.split(',').flatMap((part) => {
    const [first = 0, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, at) => first + at);
  });
}

/** Puts a process, all its threads, and what it starts from now on, on these cores. */
export function pin(pid: number, cores: string): void {
  taskset('-a', '-c', '-p', cores, String(pid));
}

/** Priority of a process and of what it starts. Where the kernel divides time by session first (autogroups), of the session too. */
export function prioritise(pid: number, nice: number): void {
  try {
    setPriority(pid, nice);
    writeFileSync(`/proc/${pid}/autogroup`, String(nice));
  } catch {
    // There are none, or this user may not.
  }
}

function taskset(...words: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync('taskset', [...words], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`taskset ${words.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}

/** A process and all below it. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const parent = Number(readProc(`/proc/${entry}/stat`).split(') ').at(-1)!.split(' ')[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const tree = [root];
  for (const each of tree) tree.push(...(children.get(each) ?? []));
  return tree;
}

/** Kernel threads that do the network's work for a core: their time is the server's. */
export function softirqThreads(core: number): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && readProc(`/proc/${entry}/comm`).trim() === `ksoftirqd/${core}`)
    .map(Number);
}

function readProc(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

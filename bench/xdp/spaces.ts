/**
 * Two network namespaces for `npm run bench:xdp`, and for each server a veth pair between them, with the work of
 * receiving on a core of choice.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { type Cores, pin, prioritise } from '../cores.ts';
import { type Contestant, type Pair } from './contestants.ts';

/** A driver's program does not fit behind a peer of this MTU: what is left is the kernel's generic one. */
const MTU_WITHOUT_NATIVE = 9000;
/** After it has received, the interface gathers packets for so long before it says that there are some. */
const DEFER_NANOSECONDS = 200_000;
/** Times that it does so with nothing there before each packet is told at once again. */
const DEFER_TIMES = 2;

export const SPACES = { server: `bench-${process.pid}-s`, client: `bench-${process.pid}-c` };
export const ip = (...words: readonly (string | number)[]): string =>
  execFileSync('ip', words.map(String), { encoding: 'utf8' });

/** Both, until the process ends. */
export function makeSpaces(): void {
  for (const space of Object.values(SPACES)) {
    ip('netns', 'add', space);
    ip('-n', space, 'link', 'set', 'lo', 'up');
  }
  process.once('exit', () => {
    for (const space of Object.values(SPACES)) spawnSync('ip', ['netns', 'del', space]);
  });
}

export function inSpace(space: string, script: string): string {
  return execFileSync('ip', ['netns', 'exec', space, 'sh', '-c', script], { encoding: 'utf8' });
}

type TwoCores = Readonly<Record<keyof Cores, number>>;

export function makePair(at: number, { isGeneric, isDeferred }: Contestant, { server, generator }: TwoCores): Pair {
  const [device, peer] = [`srv${at}`, `cli${at}`];
  const pair = { device, address: `10.53.${at}.1`, source: `10.53.${at}.2` };
  const queues = ['numrxqueues', 1, 'numtxqueues', 1];
  ip(
    '-n',
    SPACES.server,
    'link',
    'add',
    device,
    ...queues,
    'type',
    'veth',
    'peer',
    'name',
    peer,
    'netns',
    SPACES.client,
    ...queues,
  );
  for (const [space, name, address, core] of [
    [SPACES.server, device, pair.address, server],
    [SPACES.client, peer, pair.source, generator],
  ] as const) {
    ip('-n', space, 'addr', 'add', `${address}/24`, 'dev', name);
    if (isGeneric === true) ip('-n', space, 'link', 'set', name, 'mtu', MTU_WITHOUT_NATIVE);
    ip('-n', space, 'link', 'set', name, 'up');
    inSpace(space, `echo ${(1 << core).toString(16)} > /sys/class/net/${name}/queues/rx-0/rps_cpus`);
  }
  if (isDeferred === true) {
    const folder = `/sys/class/net/${device}`;
    const set = `echo ${DEFER_TIMES} > ${folder}/napi_defer_hard_irqs; echo ${DEFER_NANOSECONDS} > ${folder}/gro_flush_timeout`;
    inSpace(SPACES.server, set);
  }
  return pair;
}

/**
 * The thread that receives for an interface, on `core`: veth has one while a program is attached. With the priority of
 * the server, because other work on the machine would stand between a packet and its answer.
 */
export function threadNapi(space: string, device: string, core: number, nice: number): readonly number[] {
  // Without a program it has nothing that could be a thread.
  inSpace(space, `{ echo 1 > /sys/class/net/${device}/threaded; } 2> /dev/null || true`);
  const pids = readdirSync('/proc').filter((each) => /^\d+$/.test(each) && nameOf(each).startsWith(`napi/${device}-`));
  for (const pid of pids) {
    pin(Number(pid), String(core));
    if (nice !== 0) prioritise(Number(pid), nice);
  }
  return pids.map(Number);
}

function nameOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'latin1');
  } catch {
    return '';
  }
}

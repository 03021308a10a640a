/**
 * Opens AF_XDP at interfaces, which takes capabilities that the process gives up afterwards: sockets with their memory,
 * a program, and the link that owns the program's place at the interface. When the last descriptor of the link is
 * closed, however the process ends, the program is gone. Sockets are not bound here: binding takes no capability, can
 * be tried again, and is done when a thread answers (xdp-interface.ts).
 * Not here: the program (xdp-program.ts), mapping and using the sockets (xdp-memory.ts, xdp-batch.ts).
 */
import {
  XDP_ATTACH_EVERY_MS,
  XDP_ATTACH_WAIT_MS,
  XDP_LOAD_TRIES_MAX,
  XDP_CHUNK_BYTES,
  XDP_QUEUES_MAX,
  XDP_RECEIVE_FRAMES,
  XDP_SEND_FRAMES,
} from '#base/limits/server.ts';
import { readFileSync, readdirSync } from 'node:fs';
import { NUMBER } from './mmsg-layout.ts';
import { type NativeMemory, nativeMemory, systemError } from './mmsg-syscalls.ts';
import { BPF_INSTRUCTION_BYTES } from './xdp-assembler.ts';
import { CONTROL } from './xdp-control.ts';
import { BPF_ATTR, BPF_ATTR_BYTES, BPF_COMMAND, XDP_MAX_TX_SKB_BUDGET, XDP_NUMBER } from './xdp-layout.ts';
import { FRAMES_BYTES, SOCKET_MEMORY_BYTES, registerMemory } from './xdp-memory.ts';
import { type Link } from './xdp-netlink.ts';
import { NetworkReader, openNetlink } from './xdp-network.ts';
import { xdpProgram } from './xdp-program.ts';
import { type XdpSyscalls, mapShared, putWide, textMemory } from './xdp-syscalls.ts';
import { firstLineOf } from '#base/visible.ts';

/** What is wanted. Plain JSON, as is what is opened: both go from one program to the next as an argument. */
export interface XdpOrder {
  readonly interfaces: readonly string[];
  /** Of `dns.listen`. */
  readonly ports: readonly number[];
  /** For OpenedXdp. */
  readonly handOverFd?: number | undefined;
}

/** Descriptors of this process. */
export interface OpenedXdp {
  /** rtnetlink; −1: AF_XDP could not be opened at all. */
  readonly netlinkFd: number;
  /** Where interfaces that are opened later come from (xdp-hand-over.ts); absent: from nowhere. */
  readonly handOverFd?: number | undefined;
  readonly interfaces: readonly (OpenedInterface | RefusedInterface)[];
}

export interface RefusedInterface {
  readonly name: string;
  readonly refusal: string;
  /** It is not there, and may come. */
  readonly isMissing?: boolean;
}

export interface OpenedInterface {
  readonly name: string;
  readonly index: number;
  /** By the interface's driver, or by the kernel for any driver. */
  readonly mode: 'native' | 'generic';
  /** Why not native. */
  readonly notNative?: string | undefined;
  readonly linkFd: number;
  readonly controlFd: number;
  /** By receive queue. */
  readonly queues: readonly { readonly fd: number; readonly memoryFd: number }[];
  /** Receive queues that get no socket: the kernel has them. */
  readonly queuesLeft: number;
}

const MEBIBYTE = 1024 * 1024;

/** Every descriptor that is to stay open. */
export function descriptorsOfXdp({ netlinkFd, handOverFd = -1, interfaces }: OpenedXdp): readonly number[] {
  const all = interfaces.flatMap((each) => ('refusal' in each ? [] : descriptorsOfInterface(each)));
  return [...[netlinkFd, handOverFd].filter((fd) => fd >= 0), ...all];
}

export function descriptorsOfInterface({ linkFd, controlFd, queues }: OpenedInterface): readonly number[] {
  return [linkFd, controlFd, ...queues.flatMap(({ fd, memoryFd }) => [fd, memoryFd])];
}

/** Each interface, or why it cannot be had; never throws. May wait a little for an interface that is just in use. */
export async function openXdp(calls: XdpSyscalls, { interfaces, ports, handOverFd }: XdpOrder): Promise<OpenedXdp> {
  let netlinkFd = -1;
  try {
    netlinkFd = openNetlink(calls);
    const network = new NetworkReader(calls, netlinkFd).read();
    if (network === undefined) throw new Error('the interfaces change too often to be listed');
    const opened: (OpenedInterface | RefusedInterface)[] = [];
    for (const name of interfaces) opened.push(await openInterface(calls, name, network.links, ports));
    return { netlinkFd, handOverFd, interfaces: opened };
  } catch (error) {
    if (netlinkFd >= 0) calls.close(netlinkFd);
    return { netlinkFd: -1, handOverFd, interfaces: interfaces.map((name) => ({ name, refusal: reasonOf(error) })) };
  }
}

async function openInterface(
  calls: XdpSyscalls,
  name: string,
  links: readonly Link[],
  ports: readonly number[],
): Promise<OpenedInterface | RefusedInterface> {
  const link = links.find((each) => each.name === name);
  if (link === undefined) return { name, refusal: 'there is no such interface (see: ip link)', isMissing: true };
  const refusal = unsuitable(link);
  if (refusal !== undefined) return { name, refusal };
  const open: number[] = [];
  try {
    return await openSuitable(calls, link, ports, (fd) => void open.push(fd));
  } catch (error) {
    for (const fd of open) calls.close(fd);
    return { name, refusal: reasonOf(error) };
  }
}

/** What no fall-back helps against. */
export function unsuitable({ kind, isEthernet, mac }: Link): string | undefined {
  if (kind === 'vlan') return 'it is a VLAN: its packets arrive without their tag, and answers need one';
  return isEthernet && mac.length === 6 ? undefined : 'it is not Ethernet';
}

async function openSuitable(
  calls: XdpSyscalls,
  { index, name, receiveQueues }: Link,
  ports: readonly number[],
  keep: (fd: number) => void,
): Promise<OpenedInterface> {
  const kept = (fd: number) => {
    keep(fd);
    return fd;
  };
  const all = queuesInUse(name, index) ?? receiveQueues;
  const count = Math.max(1, Math.min(all, XDP_QUEUES_MAX));
  const { BPF_MAP_TYPE_XSKMAP, BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE } = XDP_NUMBER;
  const queues = Array.from({ length: count }, () => openQueue(calls, count, kept));
  const control = createMap(calls, {
    type: BPF_MAP_TYPE_ARRAY,
    valueBytes: CONTROL.SIZE_BYTES,
    entries: 1,
    flags: BPF_F_MMAPABLE,
  });
  const controlFd = kept(control);
  const sockets = createMap(calls, { type: BPF_MAP_TYPE_XSKMAP, valueBytes: 4, entries: count, flags: 0 });
  try {
    for (const [queue, { fd }] of queues.entries()) putSocket(calls, sockets, queue, fd);
    const program = loadProgram(calls, xdpProgram({ sockets, control: controlFd }, ports));
    try {
      const attached = await attach(calls, program, index);
      kept(attached.linkFd);
      return { name, index, ...attached, controlFd, queues, queuesLeft: all - count };
    } finally {
      // The link has it.
      calls.close(program);
    }
  } finally {
    // The program has it.
    calls.close(sockets);
  }
}

export function openQueue(
  calls: XdpSyscalls,
  count: number,
  kept: (fd: number) => number,
): { readonly fd: number; readonly memoryFd: number } {
  const { AF_XDP, SOCK_RAW, MFD_CLOEXEC, SOL_XDP } = XDP_NUMBER;
  const fd = calls.socket(AF_XDP, SOCK_RAW | NUMBER.SOCK_CLOEXEC, 0);
  if (fd < 0) throw systemError(calls, 'socket', 'for AF_XDP');
  kept(fd);
  const memoryFd = calls.memfd_create(textMemory('waxseal-xdp').address, MFD_CLOEXEC);
  if (memoryFd < 0) throw systemError(calls, 'memfd_create');
  kept(memoryFd);
  if (calls.ftruncate(memoryFd, SOCKET_MEMORY_BYTES) !== 0) throw systemError(calls, 'ftruncate');
  const frames = mapShared(calls, memoryFd, FRAMES_BYTES);
  try {
    registerMemory(calls, fd, frames);
  } catch (error) {
    if (isError(error, 'ENOBUFS')) throw new Error(memoryText(count), { cause: error });
    throw error;
  } finally {
    // The kernel has its own hold on the pages.
    calls.munmap(frames.address, frames.sizeBytes);
  }
  // Optional: without it more calls are needed.
  const budget = nativeMemory(8);
  budget.words[0] = XDP_SEND_FRAMES;
  calls.setsockopt(fd, SOL_XDP, XDP_MAX_TX_SKB_BUDGET, budget.address, 4);
  return { fd, memoryFd };
}

/** The limit counts all of a user's processes. */
function memoryText(queues: number): string {
  const needed = Math.ceil((queues * FRAMES_BYTES) / MEBIBYTE);
  const each = Math.ceil(((XDP_RECEIVE_FRAMES + XDP_SEND_FRAMES) * XDP_CHUNK_BYTES) / MEBIBYTE);
  return (
    `its ${queues} queue${queues === 1 ? '' : 's'} need ${needed} MiB of locked memory (${each} MiB each), and the ` +
    `limit is ${lockedMemoryLimit()}; raise it (systemd: LimitMEMLOCK=${needed + each}M)`
  );
}

function lockedMemoryLimit(): string {
  try {
    const soft = /^Max locked memory\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return soft === undefined || soft === 'unlimited' ? 'reached' : `${Math.floor(Number(soft) / MEBIBYTE)} MiB`;
  } catch {
    return 'lower';
  }
}

/** Undefined where /sys shows another network namespace; all queues that the interface was made with count then. */
function queuesInUse(name: string, index: number): number | undefined {
  const folder = `/sys/class/net/${name}`;
  try {
    if (Number(readFileSync(`${folder}/ifindex`, 'latin1')) !== index) return undefined;
    return readdirSync(`${folder}/queues`).filter((each) => each.startsWith('rx-')).length;
  } catch {
    return undefined;
  }
}

interface MapForm {
  readonly type: number;
  readonly valueBytes: number;
  readonly entries: number;
  readonly flags: number;
}

export function createMap(calls: XdpSyscalls, { type, valueBytes, entries, flags }: MapForm): number {
  const { map_type, key_size, value_size, max_entries, map_flags, map_name } = BPF_ATTR.BPF_MAP_CREATE;
  const attr = nativeMemory(BPF_ATTR_BYTES);
  attr.words[map_type / 4] = type;
  attr.words[key_size / 4] = 4;
  attr.words[value_size / 4] = valueBytes;
  attr.words[max_entries / 4] = entries;
  attr.words[map_flags / 4] = flags;
  attr.octets.set(Buffer.from('waxseal'), map_name);
  return runBpf(calls, 'BPF_MAP_CREATE', attr);
}

export function putSocket(calls: XdpSyscalls, map: number, queue: number, fd: number): void {
  const at = BPF_ATTR.BPF_MAP_UPDATE_ELEM;
  const attr = nativeMemory(BPF_ATTR_BYTES);
  const pair = nativeMemory(8);
  pair.words[0] = queue;
  pair.words[1] = fd;
  attr.words[at.map_fd / 4] = map;
  putWide(attr, at.key, pair.address);
  putWide(attr, at.value, pair.address + 4);
  runBpf(calls, 'BPF_MAP_UPDATE_ELEM', attr);
}

/** Throws with the last of what the verifier says when it rejects the program. */
export function loadProgram(calls: XdpSyscalls, octets: Uint8Array): number {
  const at = BPF_ATTR.BPF_PROG_LOAD;
  const attr = nativeMemory(BPF_ATTR_BYTES);
  const program = nativeMemory(octets.length);
  program.octets.set(octets);
  const license = textMemory('MIT');
  const log = nativeMemory(MEBIBYTE);
  attr.words[at.prog_type / 4] = XDP_NUMBER.BPF_PROG_TYPE_XDP;
  attr.words[at.insn_cnt / 4] = octets.length / BPF_INSTRUCTION_BYTES;
  putWide(attr, at.insns, program.address);
  putWide(attr, at.license, license.address);
  attr.words[at.expected_attach_type / 4] = XDP_NUMBER.BPF_XDP;
  attr.octets.set(Buffer.from('waxseal_dns'), at.prog_name);
  try {
    return loadNow(calls, attr);
  } catch (error) {
    if (!isError(error, 'EINVAL') && !isError(error, 'EACCES')) throw error;
    attr.words[at.log_level / 4] = 1;
    attr.words[at.log_size / 4] = log.octets.length;
    putWide(attr, at.log_buf, log.address);
    return loadAgain(calls, attr, log);
  }
}

/** The verifier gives up with EAGAIN when a signal comes while it works; libbpf tries five times too. */
function loadNow(calls: XdpSyscalls, attr: NativeMemory): number {
  for (let tries = 1; ; tries++)
    try {
      return runBpf(calls, 'BPF_PROG_LOAD', attr);
    } catch (error) {
      if (!isError(error, 'EAGAIN') || tries === XDP_LOAD_TRIES_MAX) throw error;
    }
}

function loadAgain(calls: XdpSyscalls, attr: NativeMemory, log: NativeMemory): number {
  try {
    return loadNow(calls, attr);
  } catch (error) {
    const text = Buffer.from(log.octets).toString('latin1').replace(/\0.*$/s, '').trim();
    throw new Error(`${reasonOf(error)}: ${text.split('\n').slice(-4).join(' / ')}`, { cause: error });
  }
}

type Attached = Pick<OpenedInterface, 'linkFd' | 'mode' | 'notNative'>;

/** The driver's place first; where there is none, the kernel's. */
async function attach(calls: XdpSyscalls, program: number, index: number): Promise<Attached> {
  const until = performance.now() + XDP_ATTACH_WAIT_MS;
  for (;;) {
    try {
      return attachNow(calls, program, index);
    } catch (error) {
      const isBusy = isError(error, 'EBUSY') || isError(error, 'EEXIST');
      if (!isBusy) throw error;
      const fix = `detach it (ip link show; ip link set dev NAME xdp off), then restart waxseal`;
      if (performance.now() > until) throw new Error(`another XDP program is attached to it; ${fix}`, { cause: error });
    }
    await new Promise((resolve) => setTimeout(resolve, XDP_ATTACH_EVERY_MS));
  }
}

function attachNow(calls: XdpSyscalls, program: number, index: number): Attached {
  const { XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE } = XDP_NUMBER;
  try {
    return { mode: 'native', linkFd: createLink(calls, program, index, XDP_FLAGS_DRV_MODE) };
  } catch (error) {
    if (isError(error, 'EBUSY') || isError(error, 'EEXIST') || isError(error, 'EPERM')) throw error;
    const linkFd = createLink(calls, program, index, XDP_FLAGS_SKB_MODE);
    return { mode: 'generic', notNative: reasonOf(error), linkFd };
  }
}

function createLink(calls: XdpSyscalls, program: number, index: number, flags: number): number {
  const at = BPF_ATTR.BPF_LINK_CREATE;
  const attr = nativeMemory(BPF_ATTR_BYTES);
  attr.words[at.prog_fd / 4] = program;
  attr.words[at.target_ifindex / 4] = index;
  attr.words[at.attach_type / 4] = XDP_NUMBER.BPF_XDP;
  attr.words[at.flags / 4] = flags;
  return runBpf(calls, 'BPF_LINK_CREATE', attr);
}

export function runBpf(calls: XdpSyscalls, command: keyof typeof BPF_COMMAND, attr: NativeMemory): number {
  const result = calls.bpf(BPF_COMMAND[command], attr.address, BPF_ATTR_BYTES);
  if (result < 0) throw systemError(calls, 'bpf', command);
  return result;
}

export function isError(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** What an operator can do about it comes with it. */
export function reasonOf(error: unknown): string {
  const text = firstLineOf(error);
  if (isError(error, 'EPERM') || isError(error, 'EACCES'))
    return `${text}: it takes CAP_NET_RAW, CAP_BPF and CAP_NET_ADMIN at the start (systemd: AmbientCapabilities=)`;
  if (isError(error, 'EAFNOSUPPORT')) return `${text}: this kernel has no AF_XDP (CONFIG_XDP_SOCKETS)`;
  return text;
}

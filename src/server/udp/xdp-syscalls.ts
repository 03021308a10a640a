/**
 * The system calls that AF_XDP takes beside those of sockets, through koffi. Importing this throws where koffi has no
 * binary.
 * Not here: what the structures mean (xdp-layout.ts), when each is made (xdp-open.ts, xdp-memory.ts).
 */
import koffi from 'koffi';
import { assert } from '#base/assert.ts';
import { XDP_NUMBER } from './xdp-layout.ts';
import { type NativeMemory, type Syscalls, loadSyscalls, nativeMemory, systemError } from './mmsg-syscalls.ts';

/** As in the manual pages: −1 for an error. */
export interface XdpSyscalls extends Syscalls {
  getsockopt(fd: number, level: number, option: number, valueAddress: number, lengthAddress: number): number;
  /** The address, or −1. */
  mmap(wanted: 0, lengthBytes: number, protection: number, flags: number, fd: number, offset: number): number;
  munmap(address: number, lengthBytes: number): number;
  memfd_create(nameAddress: number, flags: number): number;
  ftruncate(fd: number, lengthBytes: number): number;
  recv(fd: number, address: number, sizeBytes: number, flags: number): number;
  sendmsg(fd: number, headerAddress: number, flags: number): number;
  recvmsg(fd: number, headerAddress: number, flags: number): number;
  bpf(command: number, attrAddress: number, sizeBytes: number): number;
  /** Less than a second. */
  usleep(microseconds: number): number;
  prctl(option: number, ...values: readonly [number, number, number, number]): number;
}

/** bpf(2) is in no C library. */
const BPF_NUMBER: Readonly<Record<string, number>> = { x64: 321, arm64: 280 };

/** The calls. Throws with the reason where this machine is not one that we know. */
export function loadXdpSyscalls(): XdpSyscalls {
  const calls = loadSyscalls();
  const number = BPF_NUMBER[process.arch];
  assert(number !== undefined, 'loadSyscalls takes machines that are known');
  const library = koffi.load(null);
  const call = (name: string, result: string, ...types: string[]) => library.func(name, result, types);
  const syscall = call('syscall', 'long', 'long', 'int', 'uintptr_t', 'uint');
  return {
    ...calls,
    getsockopt: call('getsockopt', 'int', 'int', 'int', 'int', 'uintptr_t', 'uintptr_t'),
    mmap: call('mmap', 'intptr_t', 'uintptr_t', 'size_t', 'int', 'int', 'int', 'int64_t'),
    munmap: call('munmap', 'int', 'uintptr_t', 'size_t'),
    memfd_create: call('memfd_create', 'int', 'uintptr_t', 'uint'),
    ftruncate: call('ftruncate', 'int', 'int', 'int64_t'),
    // ssize_t, of at most XDP_NETLINK_BYTES_MAX.
    recv: call('recv', 'int', 'int', 'uintptr_t', 'size_t', 'int'),
    // ssize_t as well, of at most XDP_HANDED_BYTES_MAX.
    sendmsg: call('sendmsg', 'int', 'int', 'uintptr_t', 'int'),
    recvmsg: call('recvmsg', 'int', 'int', 'uintptr_t', 'int'),
    usleep: call('usleep', 'int', 'uint'),
    prctl: call('prctl', 'int', 'int', 'ulong', 'ulong', 'ulong', 'ulong'),
    bpf: (command, attrAddress, sizeBytes) => Number(syscall(number, command, attrAddress, sizeBytes)),
  };
}

/** Memory of the process that others have too: the kernel, other threads. */
export interface MappedMemory {
  readonly address: number;
  readonly sizeBytes: number;
}

/** Maps what stands behind `fd`, for reading and writing. Throws the system's error. */
export function mapShared(calls: XdpSyscalls, fd: number, sizeBytes: number, offset = 0): MappedMemory {
  const { PROT_READ, PROT_WRITE, MAP_SHARED, MAP_POPULATE } = XDP_NUMBER;
  const address = calls.mmap(0, sizeBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, offset);
  if (address === -1) throw systemError(calls, 'mmap');
  return { address, sizeBytes };
}

/** The octets of mapped memory in this thread. The memory must stay mapped for as long as they are used. */
export function viewMemory({ address, sizeBytes }: MappedMemory): ArrayBuffer {
  return koffi.view(address, sizeBytes);
}

/** A text with its final zero, for a call that reads one. */
export function textMemory(text: string): NativeMemory {
  const octets = Buffer.from(`${text}\0`, 'latin1');
  const memory = nativeMemory(Math.ceil(octets.length / 8) * 8);
  memory.octets.set(octets);
  return memory;
}

/** Writes 64 bits. */
export function putWide({ words }: NativeMemory, offset: number, value: number): void {
  words[offset / 4] = value % 2 ** 32;
  words[offset / 4 + 1] = Math.floor(value / 2 ** 32);
}

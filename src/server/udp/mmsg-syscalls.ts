/**
 * The system calls of the batched UDP socket, through koffi. Importing this throws where koffi has no binary.
 *
 * Only synchronous calls: those take 0.1–0.2 µs and work in any thread, while koffi's asynchronous calls have crashed in worker threads.
 * Addresses are numbers (user space ends at 2⁴⁷) given as uintptr_t: a bigint or an array for each call would cost more than the call.
 * Not here: what the structures mean (mmsg-layout.ts), sockets (mmsg-socket.ts).
 */
import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import koffi, { type TypeObject } from 'koffi';
import { assert } from '#base/assert.ts';
import { ARCHITECTURES, STRUCTURES, type Structure } from './mmsg-layout.ts';

/** As in the manual pages: −1 for an error, which `errno` then names. Addresses are those of a `NativeMemory`. */
export interface Syscalls {
  socket(family: number, type: number, protocol: number): number;
  setsockopt(fd: number, level: number, option: number, valueAddress: number, lengthBytes: number): number;
  bind(fd: number, nameAddress: number, lengthBytes: number): number;
  getsockname(fd: number, nameAddress: number, lengthAddress: number): number;
  recvmmsg(fd: number, headersAddress: number, count: number, flags: number, timeoutAddress: 0): number;
  sendmmsg(fd: number, headersAddress: number, count: number, flags: number): number;
  sendto(fd: number, bufferAddress: number, sizeBytes: number, flags: number, nameAddress: number, nameBytes: number): number;
  poll(pollfdsAddress: number, count: number, timeoutMs: number): number;
  eventfd(initial: number, flags: number): number;
  read(fd: number, bufferAddress: number, sizeBytes: number): number;
  close(fd: number): number;
  dup(fd: number): number;
  /** Of this thread's last call that failed; meaningless after one that did not. */
  errno(): number;
}

/** Memory that the kernel reads and writes by address. It does not move, and lives as long as this object does. */
export interface NativeMemory {
  readonly octets: Uint8Array;
  /** The same octets four at a time, in the machine's order. */
  readonly words: Uint32Array;
  readonly address: number;
}

/** The calls. Throws with the reason unless it is certain that this machine's structures are the ones we write. */
export function loadSyscalls(): Syscalls {
  if (process.platform !== 'linux') throw new Error(`recvmmsg is Linux only, this is ${process.platform}`);
  if (!ARCHITECTURES.includes(process.arch)) throw new Error(`the structures for ${process.arch} are not known`);
  const wrong = layoutDifferences();
  if (wrong.length > 0) throw new Error(`structures are laid out differently here: ${wrong.join(', ')}`);
  // The program itself: it is linked with the C library, glibc or musl.
  const library = koffi.load(null);
  const call = (name: string, ...types: string[]) => library.func(name, 'int', types);
  return {
    socket: call('socket', 'int', 'int', 'int'),
    setsockopt: call('setsockopt', 'int', 'int', 'int', 'uintptr_t', 'uint'),
    bind: call('bind', 'int', 'uintptr_t', 'uint'),
    getsockname: call('getsockname', 'int', 'uintptr_t', 'uintptr_t'),
    recvmmsg: call('recvmmsg', 'int', 'uintptr_t', 'uint', 'int', 'uintptr_t'),
    sendmmsg: call('sendmmsg', 'int', 'uintptr_t', 'uint', 'int'),
    // ssize_t, as of read: never more than the few octets asked for.
    sendto: call('sendto', 'int', 'uintptr_t', 'size_t', 'int', 'uintptr_t', 'uint'),
    poll: call('poll', 'uintptr_t', 'ulong', 'int'),
    eventfd: call('eventfd', 'uint', 'int'),
    read: call('read', 'int', 'uintptr_t', 'size_t'),
    close: call('close', 'int'),
    dup: call('dup', 'int'),
    errno: () => koffi.errno(),
  };
}

/** Zeroed. */
export function nativeMemory(sizeBytes: number): NativeMemory {
  const buffer = new ArrayBuffer(sizeBytes);
  const address = Number(koffi.address(buffer));
  assert(Number.isSafeInteger(address) && address > 0 && address % 8 === 0, `memory at address ${address}`);
  return { octets: new Uint8Array(buffer), words: new Uint32Array(buffer), address };
}

/** What node would throw for the same failure: `code` as EADDRINUSE, `errno` negative, `syscall`. */
export function systemError(calls: Syscalls, syscall: string, about = ''): Error {
  const errno = calls.errno();
  const code = errno > 0 ? getSystemErrorName(-errno) : 'UNKNOWN';
  return Object.assign(new Error(`${syscall} ${code}${about === '' ? '' : ` ${about}`}`), { code, errno: -errno, syscall });
}

/** Descriptors that are closed together. */
export class OpenDescriptors {
  readonly #calls: Syscalls;
  readonly #open: number[] = [];

  constructor(calls: Syscalls) {
    this.#calls = calls;
  }

  /** Nothing was opened, or all is closed. */
  get isEmpty(): boolean {
    return this.#open.length === 0;
  }

  /** `fd`, as `syscall` returned it; throws the system's error when that is none. */
  keep(fd: number, syscall: string, about = ''): number {
    if (fd < 0) throw systemError(this.#calls, syscall, about);
    this.#open.push(fd);
    return fd;
  }

  close(): void {
    for (const fd of this.#open.splice(0)) this.#calls.close(fd);
  }
}

/** Errno values by name. */
export const ERRNO = constants.errno;

/** Every size and offset that the platform's ABI makes different from ours, in words. */
function layoutDifferences(): string[] {
  if (koffi.sizeof('void *') !== 8) return ['pointers are not 64 bits'];
  if (new Uint8Array(new Uint16Array([1]).buffer)[0] !== 1) return ['numbers are big-endian'];
  const types = new Map<string, TypeObject>();
  return Object.entries<Structure>(STRUCTURES).flatMap(([name, { members, sizeBytes }]) => {
    const declared = Object.entries(members).map(([member, { type: typeName, count }]) => {
      const memberType = types.get(typeName) ?? typeName;
      return [member, count === undefined ? memberType : koffi.array(memberType, count)] as const;
    });
    const type = koffi.struct(Object.fromEntries(declared));
    types.set(name, type);
    const wrong = Object.entries(members).filter(([member, { offset }]) => koffi.offsetof(type, member) !== offset);
    return [
      ...wrong.map(([member, { offset }]) => `${name}.${member} is at ${koffi.offsetof(type, member)}, not ${offset}`),
      ...(koffi.sizeof(type) === sizeBytes ? [] : [`${name} has ${koffi.sizeof(type)} octets, not ${sizeBytes}`]),
    ];
  });
}

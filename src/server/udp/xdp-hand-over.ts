/**
 * An interface that was opened after the answer process had begun, handed over from the program that opened it: its
 * facts as one JSON text over a Unix socket, with its descriptors beside it.
 * Implements: unix(7) SCM_RIGHTS, cmsg(3).
 * Not here: opening (xdp-open.ts), who does it (process/confine/open-xdp.ts), what becomes of it (xdp-service.ts).
 */
import { XDP_HANDED_BYTES_MAX, XDP_HANDED_DESCRIPTORS_MAX } from '#base/limits/server.ts';
import { NUMBER, STRUCTURES } from './mmsg-layout.ts';
import { ERRNO, type NativeMemory, nativeMemory, systemError } from './mmsg-syscalls.ts';
import { type OpenedInterface, type RefusedInterface, descriptorsOfInterface } from './xdp-open.ts';
import { type XdpSyscalls, putWide } from './xdp-syscalls.ts';

export type HandedInterface = OpenedInterface | RefusedInterface;

const HEADER = STRUCTURES.msghdr;
const CONTROL = STRUCTURES.cmsghdr;
const IOVEC_AT = 64;
const CONTROL_AT = 80;
const CONTROL_BYTES = CONTROL.sizeBytes + 4 * XDP_HANDED_DESCRIPTORS_MAX;
const TEXT_AT = Math.ceil((CONTROL_AT + CONTROL_BYTES) / 8) * 8;

/** A message header, one piece of memory for its text, and space for descriptors. */
function messageMemory(): NativeMemory {
  const memory = nativeMemory(TEXT_AT + XDP_HANDED_BYTES_MAX);
  const { msg_iov, msg_iovlen, msg_control, msg_controllen } = HEADER.members;
  putWide(memory, msg_iov.offset, memory.address + IOVEC_AT);
  putWide(memory, msg_iovlen.offset, 1);
  putWide(memory, msg_control.offset, memory.address + CONTROL_AT);
  putWide(memory, msg_controllen.offset, CONTROL_BYTES);
  putWide(memory, IOVEC_AT, memory.address + TEXT_AT);
  putWide(memory, IOVEC_AT + 8, XDP_HANDED_BYTES_MAX);
  return memory;
}

/** The sender's copies of the descriptors stay open. Throws the system's error. */
export function handOver(calls: XdpSyscalls, socket: number, handed: HandedInterface): void {
  const descriptors = 'refusal' in handed ? [] : descriptorsOfInterface(handed);
  const text = Buffer.from(`${asciiOf(JSON.stringify(handed))}\n`, 'latin1');
  if (text.length > XDP_HANDED_BYTES_MAX || descriptors.length > XDP_HANDED_DESCRIPTORS_MAX)
    throw new Error(`${handed.name} has ${descriptors.length} descriptors, which do not fit into one message`);
  const memory = messageMemory();
  memory.octets.set(text, TEXT_AT);
  putWide(memory, IOVEC_AT + 8, text.length);
  const controlBytes = descriptors.length === 0 ? 0 : CONTROL.sizeBytes + 4 * descriptors.length;
  putWide(memory, HEADER.members.msg_controllen.offset, controlBytes);
  putWide(memory, CONTROL_AT, controlBytes);
  memory.words[(CONTROL_AT + CONTROL.members.cmsg_level.offset) / 4] = NUMBER.SOL_SOCKET;
  memory.words[(CONTROL_AT + CONTROL.members.cmsg_type.offset) / 4] = NUMBER.SCM_RIGHTS;
  memory.words.set(descriptors, (CONTROL_AT + CONTROL.sizeBytes) / 4);
  if (calls.sendmsg(socket, memory.address, 0) !== text.length) throw systemError(calls, 'sendmsg', handed.name);
}

/**
 * The receiver's end. The socket is a stream: texts may come in one piece or in many. Descriptors come with the first
 * octet of theirs, so each text, which is a line, has those that came first.
 */
export class HandOverReader {
  readonly #calls: XdpSyscalls;
  readonly #socket: number;
  readonly #memory = messageMemory();
  #text = '';
  #descriptors: number[] = [];

  /** Does not close the socket. */
  constructor(calls: XdpSyscalls, socket: number) {
    this.#calls = calls;
    this.#socket = socket;
  }

  /**
   * What waits next, its descriptors being this process's own from here on; undefined: nothing, or the other end is
   * closed. Throws for what has no such form, and nothing of it stays open.
   */
  next(): HandedInterface | undefined {
    while (!this.#text.includes('\n')) {
      const wasRead = this.#read();
      if (!wasRead) return undefined;
      if (this.#text.length > 2 * XDP_HANDED_BYTES_MAX) this.#reject();
    }
    const end = this.#text.indexOf('\n');
    const line = this.#text.slice(0, end);
    this.#text = this.#text.slice(end + 1);
    try {
      return this.#withDescriptors(JSON.parse(line) as HandedInterface);
    } catch (error) {
      return this.#reject(error);
    }
  }

  #read(): boolean {
    const calls = this.#calls;
    const memory = this.#memory;
    putWide(memory, HEADER.members.msg_controllen.offset, CONTROL_BYTES);
    const length = calls.recvmsg(this.#socket, memory.address, NUMBER.MSG_DONTWAIT | NUMBER.MSG_CMSG_CLOEXEC);
    if (length < 0 && calls.errno() !== ERRNO.EAGAIN && calls.errno() !== ERRNO.EINTR)
      throw systemError(calls, 'recvmsg');
    if (length <= 0) return false;
    this.#descriptors.push(...readDescriptors(memory));
    this.#text += Buffer.from(memory.octets.subarray(TEXT_AT, TEXT_AT + length)).toString('latin1');
    return true;
  }

  /** The sender's numbers, in the order of descriptorsOfInterface, become the receiver's. */
  #withDescriptors(handed: HandedInterface): HandedInterface {
    if ('refusal' in handed) return handed;
    const count = descriptorsOfInterface(handed).length;
    if (count > this.#descriptors.length) throw new Error(`${this.#descriptors.length} of ${count} descriptors came`);
    const next = () => this.#descriptors.shift()!;
    const [linkFd, controlFd] = [next(), next()];
    return { ...handed, linkFd, controlFd, queues: handed.queues.map(() => ({ fd: next(), memoryFd: next() })) };
  }

  #reject(cause?: unknown): never {
    for (const fd of this.#descriptors) this.#calls.close(fd);
    this.#descriptors = [];
    this.#text = '';
    throw new Error('an interface was handed over in a form that is none', { cause });
  }
}

/** A reason may have other characters; JSON can do without them. */
function asciiOf(json: string): string {
  return json.replaceAll(/[^ -~]/g, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function readDescriptors({ words }: NativeMemory): readonly number[] {
  const bytes = words[HEADER.members.msg_controllen.offset / 4]!;
  if (bytes < CONTROL.sizeBytes) return [];
  const isRights = words[(CONTROL_AT + CONTROL.members.cmsg_type.offset) / 4] === NUMBER.SCM_RIGHTS;
  const count = isRights ? (words[CONTROL_AT / 4]! - CONTROL.sizeBytes) >>> 2 : 0;
  const from = (CONTROL_AT + CONTROL.sizeBytes) / 4;
  return [...words.subarray(from, from + Math.min(count, XDP_HANDED_DESCRIPTORS_MAX))];
}

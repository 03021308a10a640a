/**
 * One datagram to a Unix socket, which Node has no function for: by system calls (process/confine/kernel.ts).
 * Implements: unix(7) (addresses), send(2).
 */
import { constants } from 'node:os';
import { SOCKET_PATH_BYTES_MAX } from '#base/limits/process.ts';
import { type Kernel, succeed } from '#process/confine/system-call.ts';
import { syscallNumber } from '#process/confine/syscall-numbers.ts';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;
const FAMILY_BYTES = 2;

/** `sockaddr_un`: a path with its end, or a name that begins with octet 0 in place of `@`. */
export function unixAddress(address: string): Uint8Array<ArrayBuffer> {
  const name = Buffer.from(address);
  const isAbstract = name[0] === '@'.charCodeAt(0);
  if (isAbstract) name[0] = 0;
  // Octets in an ArrayBuffer of their own, which does not move.
  const octets = new Uint8Array(new ArrayBuffer(FAMILY_BYTES + SOCKET_PATH_BYTES_MAX + 1));
  // In the machine's order, little-endian on all machines that process/confine/kernel.ts knows.
  octets[0] = AF_UNIX;
  octets.set(name, FAMILY_BYTES);
  return octets.subarray(0, FAMILY_BYTES + name.length + (isAbstract ? 0 : 1));
}

/**
 * Sends `text` to `address`. Never waits: false when the receiver's queue is full. Throws the system's error when there
 * is no such socket.
 */
export function sendDatagram(kernel: Kernel, address: string, text: string): boolean {
  const number = (name: 'close' | 'sendto' | 'socket') => syscallNumber(name, kernel.machine.column)!;
  const octets = new Uint8Array(new ArrayBuffer(Buffer.byteLength(text)));
  octets.set(Buffer.from(text));
  const to = unixAddress(address);
  const type = SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  const fd = succeed('socket', kernel.call(number('socket'), AF_UNIX, type, 0));
  try {
    const words = [fd, kernel.address(octets), octets.length, MSG_NOSIGNAL, kernel.address(to), to.length] as const;
    const sent = kernel.call(number('sendto'), ...words);
    if (sent === -constants.errno.EAGAIN) return false;
    succeed('sendto', sent);
    return true;
  } finally {
    kernel.call(number('close'), fd);
  }
}

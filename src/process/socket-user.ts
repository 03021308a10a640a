/**
 * Whose process opened a connection of the admin socket, as the kernel noted it when the connection was made: root may
 * open the socket beside the server's own user, and the audit log says which of the two it was.
 * Implements: unix(7) (SO_PEERCRED), passwd(5).
 * Not here: what is done with it (admin/http/access.ts).
 */
import { type Socket } from 'node:net';
import { type Kernel } from '#process/confine/system-call.ts';
import { syscallNumber } from '#process/confine/syscall-numbers.ts';
import { readPasswd } from './users.ts';

/** asm-generic/socket.h. */
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** `struct ucred`: an i32 and two u32. */
const UCRED = { BYTES: 12, PID: 0, UID: 4 };

/** `root (0), pid 4321`; undefined where the system does not say. Never rejects. */
export type SocketUser = (socket: Socket) => Promise<string | undefined>;

/** Who asks first loads what asks the kernel: a server to which only tokens speak does without. */
export function socketUser(loadKernel: () => Promise<Kernel> = findKernel): SocketUser {
  let kernel: Promise<Kernel | undefined> | undefined;
  const known = new WeakMap<Socket, string | undefined>();
  return async (socket) => {
    kernel ??= loadKernel().catch(() => undefined);
    const found = await kernel;
    if (found === undefined) return undefined;
    // The descriptor is read and used in one turn: it cannot be closed, and be that of another file, in between.
    if (!known.has(socket)) known.set(socket, userAt(found, socket));
    return known.get(socket);
  };
}

async function findKernel(): Promise<Kernel> {
  return (await import('#process/confine/kernel.ts')).loadKernel();
}

function userAt(kernel: Kernel, socket: Socket): string | undefined {
  const fd = descriptorOf(socket);
  const number = syscallNumber('getsockopt', kernel.machine.column);
  if (fd === undefined || number === undefined) return undefined;
  const ucred = new Uint8Array(new ArrayBuffer(UCRED.BYTES));
  // In the machine's order, little-endian on all machines that process/confine/kernel.ts knows.
  const length = new Uint8Array(new Uint32Array([UCRED.BYTES]).buffer);
  const words = [fd, SOL_SOCKET, SO_PEERCRED, kernel.address(ucred), kernel.address(length)] as const;
  if (kernel.call(number, ...words) < 0 || length[0] !== UCRED.BYTES) return undefined;
  const view = new DataView(ucred.buffer);
  const [pid, uid] = [view.getInt32(UCRED.PID, true), view.getUint32(UCRED.UID, true)];
  const name = nameOf(uid, readPasswd());
  // 0: a process of another PID namespace, as from outside of a container.
  return `${name === undefined ? `uid ${uid}` : `${name} (${uid})`}${pid > 0 ? `, pid ${pid}` : ''}`;
}

/** Node has no function for it; libuv's handle has it as a property on all systems with descriptors. */
function descriptorOf(socket: Socket): number | undefined {
  const handle: unknown = Reflect.get(socket, '_handle');
  const fd: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : undefined;
  return typeof fd === 'number' && Number.isInteger(fd) && fd >= 0 ? fd : undefined;
}

/** The first name that has this number. */
function nameOf(uid: number, passwd: string): string | undefined {
  const [name] = passwd
    .split('\n')
    .map((line) => line.split(':'))
    .find((entry) => entry.length > 3 && entry[2] === String(uid)) ?? [undefined];
  return name;
}

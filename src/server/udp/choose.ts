/**
 * Which of the two UDP sockets this process uses: the batched one where koffi, Linux and a try with real packets allow it, else node:dgram.
 * Not here: the sockets (mmsg.ts, dgram.ts).
 */
import { type IpPort } from '#base/address.ts';
import { firstLineOf } from '#base/visible.ts';
import { type InheritedFds, type UdpKind } from '#base/ipc/messages.ts';
// `import type`, which leaves nothing behind: the module itself needs koffi.
import type { MmsgSockets } from './mmsg-socket.ts';
import type { XdpService, XdpServiceOptions } from './xdp-service.ts';

/** Opens the sockets of one blocking thread; undefined stands for node:dgram, which opens its own. */
export type OpenMmsg = (addresses: readonly IpPort[], inherited?: InheritedFds) => MmsgSockets;

export interface UdpChoice {
  readonly openMmsg: OpenMmsg | undefined;
  /** Why the batched socket, which was asked for or would have been better, cannot be had. */
  readonly refusal: string | undefined;
}

/** Loads koffi, checks the machine's structures and sends packets to itself; all of it takes some milliseconds. Never rejects. */
export async function chooseUdp(wanted: UdpKind): Promise<UdpChoice> {
  if (wanted === 'dgram') return { openMmsg: undefined, refusal: undefined };
  try {
    const { loadSyscalls } = await import('./mmsg-syscalls.ts');
    const { openSockets } = await import('./mmsg-socket.ts');
    const { tryPackets } = await import('./mmsg-trial.ts');
    const calls = loadSyscalls();
    tryPackets(calls);
    return { openMmsg: (addresses, inherited) => openSockets(calls, addresses, inherited), refusal: undefined };
  } catch (error) {
    return { openMmsg: undefined, refusal: firstLineOf(error) };
  }
}

/** AF_XDP at the interfaces that were opened before this program began; undefined where it cannot be had. */
export async function chooseXdp(options: XdpServiceOptions): Promise<XdpService | undefined> {
  const { startXdp } = await import('./xdp-service.ts');
  return startXdp(options);
}

/** Copies a descriptor. Rejects where the system call cannot be made. */
export async function loadDuplicate(): Promise<(fd: number) => number> {
  const { loadSyscalls, systemError } = await import('./mmsg-syscalls.ts');
  const calls = loadSyscalls();
  return (fd) => {
    const copy = calls.dup(fd);
    if (copy < 0) throw systemError(calls, 'dup');
    return copy;
  };
}

/**
 * Which of the two ways TCP is served by in this process: epoll where koffi, Linux and a try allow it, else node:net.
 * Not here: the ways (epoll.ts, tcp.ts).
 */
import { type IpPort } from '#base/address.ts';
import { firstLineOf } from '#base/visible.ts';
import { type InheritedFds, type TcpKind } from '#base/ipc/messages.ts';
// `import type`, which leaves nothing behind: the module itself needs koffi.
import type { EpollSockets } from './epoll-sockets.ts';

/** Opens the sockets of one thread that serves TCP by epoll. Throws the system's error. */
export type OpenEpoll = (addresses: readonly IpPort[], inherited?: InheritedFds) => EpollSockets;

export interface TcpChoice {
  /** Undefined stands for node:net, which opens its own. */
  readonly openEpoll: OpenEpoll | undefined;
  /** Why epoll, which was asked for or would have been better, cannot be had. */
  readonly refusal: string | undefined;
}

/** Loads koffi and makes each call once; all of it takes some milliseconds. Never rejects. */
export async function chooseTcp(wanted: TcpKind): Promise<TcpChoice> {
  if (wanted === 'net') return { openEpoll: undefined, refusal: undefined };
  try {
    const { loadEpollSyscalls } = await import('./epoll-syscalls.ts');
    const { openEpollSockets } = await import('./epoll-sockets.ts');
    const { tryEpoll } = await import('./epoll-trial.ts');
    const calls = loadEpollSyscalls();
    tryEpoll(calls);
    return { openEpoll: (...opened) => openEpollSockets(calls, ...opened), refusal: undefined };
  } catch (error) {
    return { openEpoll: undefined, refusal: firstLineOf(error) };
  }
}

/**
 * Descriptors that a program must not take along when it starts another one, or becomes another one: those that came
 * from outside (the service manager's sockets) are not closed by themselves, as those that Node opens are.
 * Implements: fcntl(2) F_SETFD.
 */
import { readdirSync } from 'node:fs';
import { syscallNumber } from './syscall-numbers.ts';
import { type Kernel } from './system-call.ts';

const F_SETFD = 2;
const FD_CLOEXEC = 1;
const STANDARD_END = 3;

export function setCloseOnExec(kernel: Kernel, fds: readonly number[], isClosed: boolean): void {
  const fcntl = syscallNumber('fcntl', kernel.machine.column)!;
  for (const fd of fds) kernel.call(fcntl, fd, F_SETFD, isClosed ? FD_CLOEXEC : 0);
}

/** All that are open now, but standard input and output, and `kept`, which stay. */
export function keepOnly(kernel: Kernel, kept: readonly number[]): void {
  const open = readdirSync('/proc/self/fd')
    .map(Number)
    .filter((fd) => fd >= STANDARD_END);
  const others = open.filter((fd) => !kept.includes(fd));
  setCloseOnExec(kernel, others, true);
  setCloseOnExec(kernel, kept, false);
}

/** Where the kernel can be asked; elsewhere the children have them too, and do nothing with them. */
export async function keepFromChildren(fds: readonly number[]): Promise<void> {
  if (fds.length === 0) return;
  try {
    setCloseOnExec((await import('./kernel.ts')).loadKernel(), fds, true);
  } catch {
    // No koffi on this machine.
  }
}

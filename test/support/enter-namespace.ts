/** Network namespaces, entered by one thread: setns(2) with CLONE_NEWNET. Needs root. */
import { closeSync, openSync } from 'node:fs';
import { loadKernel } from '#process/confine/kernel.ts';
import { syscallNumber } from '#process/confine/syscall-numbers.ts';
import { succeed } from '#process/confine/system-call.ts';

const CLONE_NEWNET = 0x4000_0000;

/** The thread that calls goes into the namespace behind this path, with the sockets that it opens from now on; returns the way back. */
export function enterNamespace(path: string): () => void {
  const before = openSync('/proc/thread-self/ns/net', 'r');
  const fd = openSync(path, 'r');
  enter(fd);
  closeSync(fd);
  return () => {
    enter(before);
    closeSync(before);
  };
}

function enter(fd: number): void {
  const kernel = loadKernel();
  succeed('setns', kernel.call(syscallNumber('setns', kernel.machine.column)!, fd, CLONE_NEWNET));
}

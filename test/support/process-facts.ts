/** What a process holds, as /proc tells. */
import { readFileSync, readdirSync } from 'node:fs';

/** Memory in use (RSS) in octets. Throws when the process has gone. */
export function memoryBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
  if (line === null) throw new Error(`process ${pid} has no memory`);
  return Number(line[1]) * 1024;
}

/** Open file descriptors. */
export function descriptorCount(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

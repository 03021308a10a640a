/** What a process holds, as /proc tells. */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** Memory in use (RSS) in octets. Throws when the process has gone. */
export function memoryBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
  if (line === null) throw new Error(`process ${pid} has no memory`);
  return Number(line[1]) * 1024;
}

/** Memory of its own in octets: without the pages of files, as the store's. Throws when the process has gone. */
export function ownMemoryBytes(pid: number): number {
  const line = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
  if (line === null) throw new Error(`process ${pid} has no memory`);
  return Number(line[1]) * 1024;
}

/** Open file descriptors. */
export function descriptorCount(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Ports of the TCP sockets that this process alone listens at, in order. */
export function listeningPorts(pid: number): number[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      } catch {
        // Closed meanwhile.
        return undefined;
      }
    }),
  );
  const ports = ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'latin1')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      // proc(5): local address, state 0A is LISTEN, field 9 the inode.
      .filter((fields) => fields[3] === '0A' && inodes.has(fields[9]))
      .map((fields) => parseInt(fields[1]!.split(':')[1]!, 16)),
  );
  return ports.toSorted((a, b) => a - b);
}

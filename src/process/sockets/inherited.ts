/**
 * Sockets that the service manager opened before this process was there (systemd's socket activation): which they are,
 * by what the kernel says of them, and never by what their names promise.
 * Implements: sd_listen_fds(3) (LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES), proc(5) net/tcp and net/udp.
 * Not here: what each is for (assign.ts).
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { type IpPort, ipPort } from '#base/address.ts';
import { INHERITED_SOCKETS_MAX } from '#base/limits/process.ts';
import { atVariable } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';

export interface InheritedSocket {
  readonly fd: number;
  /** FileDescriptorName=, or the name of the socket unit. */
  readonly name: string;
  readonly transport: 'TCP' | 'UDP';
  readonly address: IpPort;
}

/** What is asked of the system; another one in tests. */
export interface SocketFacts {
  /** Of /proc/self/fd; throws the system's error. */
  readonly linkOf: (fd: number) => string;
  /** /proc/self/net/tcp and its like; empty: there is none. */
  readonly table: (name: string) => string;
}

type Environment = Readonly<Record<string, string | undefined>>;

const FIRST_FD = 3;
const VARIABLES = ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES', 'LISTEN_PIDFDID'] as const;
const LISTENING = '0A';
const FIX = {
  accept: 'Accept=no in the socket unit: waxseal accepts connections itself',
  inet: 'give it ListenStream= or ListenDatagram= with an address and a port, and PrivateNetwork=no',
};

/** None when they are for another process, or there are none; else all of them, or what is wrong with each. */
export function inheritedSockets(
  own: { readonly pid: number; readonly env: Environment },
  facts = SYSTEM,
): Result<readonly InheritedSocket[]> {
  const { LISTEN_PID: pid, LISTEN_FDS: fds, LISTEN_FDNAMES: names } = own.env;
  if (pid === undefined || Number(pid) !== own.pid || fds === undefined) return ok([]);
  const count = Number(fds);
  if (!/^\d{1,4}$/.test(fds) || count > INHERITED_SOCKETS_MAX) {
    const why = `LISTEN_FDS is "${fds}", and may be 0 to ${INHERITED_SOCKETS_MAX}`;
    return fail(problem('SOCKET_TYPE', atVariable('LISTEN_FDS'), why));
  }
  const listed = names === undefined || names === '' ? [] : names.split(':');
  const found: InheritedSocket[] = [];
  const problems: Problem[] = [];
  const tables = readTables(facts);
  for (let at = 0; at < count; at++) {
    const fd = FIRST_FD + at;
    const name = listed[at] ?? 'unknown';
    const socket = lookUp(fd, tables, facts);
    if (typeof socket === 'string') problems.push(notUsable(fd, name, socket));
    else found.push({ fd, name, ...socket });
  }
  return problems.length > 0 ? fail(...problems) : ok(found);
}

/** Taken once: what this process starts has no sockets by these names. */
export function forgetVariables(environment: Record<string, string | undefined>): void {
  for (const name of VARIABLES) delete environment[name];
}

type Found = Pick<InheritedSocket, 'transport' | 'address'> & { readonly isListening: boolean };

/** By inode. */
function readTables({ table }: SocketFacts): ReadonlyMap<string, Found> {
  const all = new Map<string, Found>();
  for (const [name, transport, family] of [
    ['tcp', 'TCP', 4],
    ['tcp6', 'TCP', 6],
    ['udp', 'UDP', 4],
    ['udp6', 'UDP', 6],
  ] as const) {
    for (const line of table(name).split('\n').slice(1)) {
      const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
      if (inode === undefined) continue;
      all.set(inode, { transport, address: readAddress(local, family), isListening: state === LISTENING });
    }
  }
  return all;
}

/** What is wrong with it as text. */
function lookUp(fd: number, tables: ReadonlyMap<string, Found>, { linkOf }: SocketFacts): Found | string {
  let link: string;
  try {
    link = linkOf(fd);
  } catch {
    return 'is not open';
  }
  const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1];
  if (inode === undefined) return `is no socket but ${link}`;
  const found = tables.get(inode);
  if (found === undefined) return 'is no TCP or UDP socket with an address in this network';
  return found.transport === 'TCP' && !found.isListening ? 'is a connection and does not listen' : found;
}

function notUsable(fd: number, name: string, why: string): Problem {
  const fix = why.includes('connection') ? FIX.accept : FIX.inet;
  const text = `the service manager gave descriptor ${fd} ("${name}"), which ${why}; waxseal has not started`;
  return problem('SOCKET_TYPE', atVariable('LISTEN_FDS'), text, { fix });
}

/** `0100007F:01BB`: words of 32 bits in the machine's order, little-endian on all machines that we know. */
function readAddress(text: string, family: 4 | 6): IpPort {
  const [hex = '', port = ''] = text.split(':');
  const octets = Buffer.from(hex, 'hex').swap32();
  const groups = Array.from({ length: octets.length / 2 }, (_, at) => octets.readUInt16BE(2 * at).toString(16));
  return ipPort(family === 4 ? octets.join('.') : groups.join(':'), Number.parseInt(port, 16));
}

const SYSTEM: SocketFacts = {
  linkOf: (fd) => readlinkSync(`/proc/self/fd/${fd}`),
  table(name) {
    try {
      return readFileSync(`/proc/self/net/${name}`, 'latin1');
    } catch {
      return '';
    }
  },
};

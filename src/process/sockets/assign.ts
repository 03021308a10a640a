/**
 * What each socket of the service manager is for: by its name, and its address in the configuration. A socket that
 * is not wanted is a mistake in a unit: its clients would wait for ever, so the server does not start.
 * Not here: which sockets there are (inherited.ts), the processes that serve them.
 */
import { type IpPort, formatIpPort } from '#base/address.ts';
import { type InheritedFds } from '#base/ipc/messages.ts';
import { atVariable } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { type InheritedSocket } from './inherited.ts';

/** Where the configuration listens. */
export interface WantedAddresses {
  readonly dns: readonly IpPort[];
  /** DNS over TLS. */
  readonly tls: readonly IpPort[];
  readonly https: readonly IpPort[];
  readonly admin: readonly IpPort[];
}

/** Descriptors of this process by `ADDR:PORT`. */
export interface AssignedSockets {
  readonly dns: InheritedFds;
  readonly tls: InheritedFds;
  readonly https: InheritedFds;
  readonly admin: InheritedFds;
}

type Purpose = keyof WantedAddresses;

const PURPOSES: readonly Purpose[] = ['dns', 'tls', 'https', 'admin'];
const isPurpose = (name: string): name is Purpose => PURPOSES.some((each) => each === name);

export const NO_SOCKETS: AssignedSockets = { dns: {}, tls: {}, https: {}, admin: {} };

/** All that is wrong, or where each of them belongs. */
export function assignSockets(sockets: readonly InheritedSocket[], wanted: WantedAddresses): Result<AssignedSockets> {
  type Kept = Record<string, { tcp?: number; udp?: number }>;
  const assigned: Record<Purpose, Kept> = { dns: {}, tls: {}, https: {}, admin: {} };
  const problems: Problem[] = [];
  const refuse = ({ fd, name, transport, address }: InheritedSocket, why: string, fix: string) => {
    const what = `${transport} ${formatIpPort(address)} (descriptor ${fd}, "${name}")`;
    problems.push(notStarted(`the service manager gave ${what}, ${why}`, fix));
  };
  for (const socket of sockets) {
    const { fd, name, transport } = socket;
    const at = formatIpPort(socket.address);
    if (!isPurpose(name)) {
      const fix = `write FileDescriptorName=${PURPOSES.join(', or ')} into its socket unit, or take it out of Sockets=`;
      refuse(socket, 'and no part of waxseal has this name', fix);
      continue;
    }
    const listed = wanted[name].map(formatIpPort);
    const kept = (assigned[name][at] ??= {});
    const key = transport === 'TCP' ? 'tcp' : 'udp';
    if (name !== 'dns' && transport === 'UDP') {
      refuse(socket, `and ${name} is served over TCP`, 'write ListenStream= in its place');
    } else if (!listed.includes(at)) {
      const has = listed.length === 0 ? 'is off' : `has ${listed.join(', ')}`;
      const setting = name === 'tls' ? 'dns.tls_listen' : `${name}.listen`;
      const fix = `put ${at} into ${setting}, or change the socket unit`;
      refuse(socket, `and ${setting} does not have it: it ${has}`, fix);
    } else if (kept[key] !== undefined) {
      refuse(socket, 'a second time', 'name it once; waxseal shares it among its threads');
    } else kept[key] = fd;
  }
  for (const [at, { tcp, udp }] of Object.entries(assigned.dns)) {
    if ((tcp === undefined) === (udp === undefined)) continue;
    const [there, missing] = tcp === undefined ? ['UDP', 'ListenStream'] : ['TCP', 'ListenDatagram'];
    const what = `the service manager gave ${at} for dns over ${there} alone, and DNS needs both`;
    const fix = `add ${missing}=${at} to the socket unit`;
    problems.push(notStarted(what, fix));
  }
  return problems.length > 0 ? fail(...problems) : ok(assigned);
}

function notStarted(what: string, fix: string): Problem {
  return problem('SOCKET_UNWANTED', atVariable('LISTEN_FDNAMES'), `${what}; waxseal has not started`, { fix });
}

/** Of a child that gets them in the order of `descriptors`, its own first one being `first`. */
export function renumber(fds: InheritedFds, descriptors: readonly number[], first: number): InheritedFds {
  const own = (fd: number | undefined) => (fd === undefined ? undefined : first + descriptors.indexOf(fd));
  const pairs = Object.entries(fds).map(([at, { tcp, udp }]) => [at, { tcp: own(tcp), udp: own(udp) }] as const);
  return Object.fromEntries(pairs);
}

export function descriptorsOf(fds: InheritedFds): readonly number[] {
  return Object.values(fds).flatMap(({ tcp, udp }) => [tcp, udp].filter((fd) => fd !== undefined));
}

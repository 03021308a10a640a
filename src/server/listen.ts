/**
 * The addresses to listen on: settled before any worker starts, then opened by each worker.
 *
 * Workers share an address by SO_REUSEPORT, and so could a second daemon of the same user, silently taking half of the
 * queries. So each address is first bound exclusively, which fails if a process has it; port 0 becomes a real port
 * here, free on UDP and TCP together.
 */
import { createSocket } from 'node:dgram';
import { closeSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { formatIpPort, type IpPort } from '#base/address.ts';
import { assert } from '#base/assert.ts';
import { type InheritedFds } from '#base/ipc/messages.ts';
import { PORT_ATTEMPTS_MAX } from '#base/limits/server.ts';
import { atAddress } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { type Listener, type OpenUdp, type QueryResponder } from './listener.ts';
import { type CountQueries } from '#server/tcp/stream-pace.ts';
import { netCarrier } from '#server/tcp/tcp.ts';
import { type TcpCarrier } from '#server/tcp/tcp-socket.ts';
import { type TcpLimits, TcpTable } from '#server/tcp/table.ts';
import { openUdp as openDgram } from '#server/udp/dgram.ts';

/** What listens at addresses, and the setting that names them. */
interface AddressUse {
  readonly hasUdp: boolean;
  readonly setting: string;
}

const DNS_ADDRESSES: AddressUse = { hasUdp: true, setting: 'with --dns ADDR:PORT' };
/** DNS over TLS. */
export const TLS_ADDRESSES: AddressUse = { hasUdp: false, setting: 'in dns.tls_listen' };

/**
 * The same addresses with ports settled, each once; or every problem there is, one per address that cannot be had.
 * Those that are `inherited` are open.
 */
export async function settleAddresses(
  wanted: readonly IpPort[],
  inherited: InheritedFds = {}, // by ADDR:PORT
  use: AddressUse = DNS_ADDRESSES,
): Promise<Result<readonly IpPort[]>> {
  const settled = new Map<string, IpPort>();
  const problems: Problem[] = [];
  for (const address of wanted) {
    if (settled.has(formatIpPort(address))) continue;
    const result = inherited[formatIpPort(address)] === undefined ? await settleAddress(address, use) : ok(address);
    if (result.ok) settled.set(formatIpPort(result.value), result.value);
    else problems.push(...result.problems);
  }
  return problems.length > 0 ? fail(...problems) : ok([...settled.values()]);
}

async function settleAddress(address: IpPort, { hasUdp, setting }: AddressUse): Promise<Result<IpPort>> {
  const attempts = address.port === 0 ? PORT_ATTEMPTS_MAX : 1;
  for (let attempt = 1; ; attempt++) {
    let transport = 'UDP';
    try {
      const port = hasUdp ? await probeUdp(address) : address.port;
      transport = 'TCP';
      return ok({ ...address, port: await probeTcp({ ...address, port }) });
    } catch (error) {
      // With port 0, UDP may have picked a port that is taken on TCP: another one will do.
      if (attempt < attempts && errorCode(error) === 'EADDRINUSE') continue;
      return fail(listenProblem(address, transport, error, setting));
    }
  }
}

/** Binds without SO_REUSEPORT and lets go again; gives the port. */
function probeUdp({ ip, family, port }: IpPort): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: family === 6 ? 'udp6' : 'udp4', ipv6Only: family === 6 });
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ address: ip, port, exclusive: true }, () => {
      const bound = socket.address().port;
      socket.close(() => resolve(bound));
    });
  });
}

/**
 * The address with a real port in the place of 0, free when it was looked at. An address that cannot be bound stays as
 * it is: who listens there says why.
 */
export async function settleTcpPort(address: IpPort): Promise<IpPort> {
  if (address.port !== 0) return address;
  return { ...address, port: await probeTcp(address).catch(() => 0) };
}

/** Binds exclusively and lets go again; gives the port. */
function probeTcp({ ip, family, port }: IpPort): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host: ip, port, ipv6Only: family === 6, exclusive: true }, () => {
      const { port: bound } = server.address() as AddressInfo;
      server.close(() => resolve(bound));
    });
  });
}

/** The system's error as a problem that names the address and what to do; `setting`: where another one is chosen. */
export function listenProblem(address: IpPort, transport: string, error: unknown, setting = DNS_ADDRESSES.setting): Problem {
  const at = formatIpPort(address);
  const another = `choose another address ${setting}`;
  const code = errorCode(error);
  switch (code) {
    case 'EADDRINUSE':
      return problem('ADDRESS_IN_USE', atAddress(at), `another program listens on ${transport} ${at}; waxseal has not started`, {
        fix: `stop it (find it with: ss -lpn 'sport = :${address.port}') or ${another}`,
      });
    case 'EACCES':
    case 'EPERM':
      return problem('ADDRESS_DENIED', atAddress(at), `the system does not let this user listen on ${transport} ${at}`, {
        fix:
          address.port < 1024
            ? 'ports below 1024 need CAP_NET_BIND_SERVICE (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE), or choose a port from 1024 up'
            : `see whether a security policy (SELinux, AppArmor, seccomp) forbids it, or ${another}`,
      });
    case 'EADDRNOTAVAIL':
      return problem('ADDRESS_MISSING', atAddress(at), `no interface of this machine has the address ${address.ip}`, {
        fix: 'choose one of `ip address`, or 0.0.0.0 and [::] for all',
      });
    default:
      return problem(
        'ADDRESS_UNUSABLE',
        atAddress(at),
        `cannot listen on ${transport} ${at}: ${error instanceof Error ? error.message : String(error)}`,
      );
  }
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** All sockets of one thread. */
export interface WorkerListeners {
  /** In the order given, as bound. */
  readonly addresses: readonly IpPort[];
  readonly table: TcpTable;
  /** Stops taking queries, finishes those under way within `graceMs`, and closes everything. */
  close(graceMs: number): Promise<void>;
}

export interface WorkerListenersOptions {
  readonly responder: QueryResponder;
  readonly addresses: readonly IpPort[];
  /** This thread's row (counters.ts). */
  readonly counters: Float64Array;
  /** How UDP is served; by node:dgram when absent, not at all (another thread does it) when null. */
  readonly openUdp?: OpenUdp | null;
  /** What carries TCP; node:net when absent; null where another thread serves it. */
  readonly tcp?: TcpCarrier | null;
  readonly tcpLimits?: TcpLimits;
  /** Queries over UDP of all threads, for which transfers rest (tcp/stream-pace.ts); absent: they do not. */
  readonly udpQueries?: CountQueries;
  /** Sockets of addresses that are open already, for this thread alone. */
  readonly inherited?: InheritedFds | undefined;
}

/** Opens UDP and TCP on every address (settled), shared with other workers. Rejects with the system's error, leaving nothing open. */
export async function startWorkerListeners(options: WorkerListenersOptions): Promise<WorkerListeners> {
  const { responder, counters, addresses, openUdp = openDgram, inherited = {} } = options;
  for (const address of addresses) assert(address.port !== 0, `unsettled address ${formatIpPort(address)}`);
  const carrier = options.tcp === undefined ? netCarrier() : options.tcp;
  const { rounds, transport } = carrier ?? netCarrier();
  const { tcpLimits: limits, udpQueries } = options;
  const table = new TcpTable({ responder, counters, limits, transport, rounds, udpQueries });
  const listeners: Listener[] = [];
  const unused: Record<string, { tcp?: number | undefined; udp?: number | undefined }> = structuredClone(inherited);
  const close = async (graceMs: number) => {
    await Promise.all([...listeners.map((each) => each.close(graceMs)), table.close(graceMs)]);
    await carrier?.close();
  };
  try {
    if (openUdp !== null) {
      for (const each of Object.values(unused)) delete each.udp;
      listeners.push(await openUdp(addresses, responder, counters, inherited));
    }
    if (carrier !== null) {
      for (const address of addresses) {
        const given = inherited[formatIpPort(address)]?.tcp;
        delete unused[formatIpPort(address)]?.tcp;
        listeners.push(await carrier.listen(address, table, given));
      }
    }
  } catch (error) {
    await close(0);
    throw error;
  } finally {
    closeInherited(unused);
  }
  return { addresses, table, close };
}

/** Closes descriptors that were copied for a thread and that it does not use. */
export function closeInherited(inherited: InheritedFds = {}): void {
  for (const { tcp, udp } of Object.values(inherited)) for (const fd of [tcp, udp]) if (fd !== undefined) closeSync(fd);
}

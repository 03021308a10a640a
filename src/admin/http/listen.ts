/**
 * The listeners of the admin API: a TCP address (every request needs a token) and the Unix socket (a process that may
 * open it is the administrator). Two HTTP servers share one app; that of the address may speak TLS. Only the server
 * that accepted a connection marks it as the socket's.
 */
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { type ServerOptions, type Server, createServer } from 'node:http';
import * as https from 'node:https';
import { type Socket, connect } from 'node:net';
import { type IpPort, clientNetwork, formatIpPort, ipPort } from '#base/address.ts';
import { assert } from '#base/assert.ts';
import {
  ADMIN_CONNECTIONS_MAX,
  ADMIN_CONNECTIONS_PER_NETWORK_MAX,
  HTTP_HEADERS_MS_MAX,
  HTTP_HEADER_BYTES_MAX,
  HTTP_IDLE_MS_MAX,
  HTTP_REQUEST_MS_MAX,
} from '#base/limits/admin.ts';
import { SOCKET_PATH_BYTES_MAX } from '#base/limits/process.ts';
import type { AdminApp } from './admin-app.ts';
import { markUnixConnection } from './identity.ts';

export interface ListenOptions {
  /** Undefined: only the Unix socket. */
  readonly tcp: IpPort | undefined;
  /** Path of the Unix socket; undefined: only TCP. */
  readonly socketPath: string | undefined;
  readonly requestMsMax?: number;
  /** Of a connection on which nothing comes and nothing goes; a test has a shorter one. */
  readonly idleMsMax?: number;
  /** Descriptor of a socket that is open at `tcp` already. */
  readonly tcpFd?: number | undefined;
  /** The TCP listener speaks TLS; absent: plain HTTP. */
  readonly tls?: TlsOfListener | undefined;
  /** Whether an address is that of a proxy for many clients: it has no share of connections. */
  readonly isProxy?: (address: string) => boolean;
}

/** A certificate, now and when it is renewed (admin/tls/). */
export interface TlsOfListener {
  serverOptions(): https.ServerOptions;
  start(server: https.Server): void;
  stop(): void;
}

export interface AdminListeners {
  /** `127.0.0.1:8053` as bound, empty without TCP. */
  readonly address: string;
  /** Stops accepting, lets running requests end (at most `graceMs`), then closes what is left. */
  close(graceMs: number): Promise<void>;
}

/** Binds both. Throws the system's error (address in use, no permission), and when another server has the socket. */
export async function listenAdmin(app: AdminApp, options: ListenOptions): Promise<AdminListeners> {
  const { tcp, socketPath, tcpFd, tls, isProxy } = options;
  const servers: Server[] = [];
  let address = '';
  try {
    if (socketPath !== undefined) {
      const server = newServer(app, options);
      server.on('connection', markUnixConnection);
      servers.push(server);
      await freeSocketPath(socketPath);
      await bindSocket(server, socketPath);
    }
    if (tcp !== undefined) {
      const server = tls === undefined ? newServer(app, options) : newTlsServer(app, tls, options);
      server.on('connection', shareConnections(isProxy));
      servers.push(server);
      const where = tcpFd === undefined ? { host: tcp.ip, port: tcp.port, exclusive: true } : { fd: tcpFd };
      await bound(server, () => server.listen(where));
      const at = server.address();
      assert(typeof at === 'object' && at !== null, 'a TCP listener has an address');
      address = formatIpPort(ipPort(at.address, at.port));
    }
  } catch (error) {
    tls?.stop();
    for (const server of servers) server.close();
    throw error;
  }
  return {
    address,
    close: async (graceMs) => {
      tls?.stop();
      await Promise.all(servers.map((server) => closeServer(server, graceMs)));
      await app.close();
    },
  };
}

type Times = Pick<ListenOptions, 'requestMsMax' | 'idleMsMax'>;

function newServer(app: AdminApp, times: Times): Server {
  const server = createServer(httpOptions(times), (request, response) => app.routing(request, response));
  return bounded(server, times);
}

function newTlsServer(app: AdminApp, tls: TlsOfListener, times: Times): Server {
  const options = { ...httpOptions(times), ...tls.serverOptions() };
  const server = https.createServer(options, (request, response) => app.routing(request, response));
  // A client that does not speak TLS, or has no certificate: its connection is closed, and that is all.
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  tls.start(server);
  return bounded(server, times);
}

function httpOptions({ requestMsMax = HTTP_REQUEST_MS_MAX }: Times): ServerOptions {
  return {
    maxHeaderSize: HTTP_HEADER_BYTES_MAX,
    headersTimeout: Math.min(HTTP_HEADERS_MS_MAX, requestMsMax),
    requestTimeout: requestMsMax,
    connectionsCheckingInterval: 1000,
  };
}

function bounded<T extends Server>(server: T, { idleMsMax = HTTP_IDLE_MS_MAX }: Times): T {
  server.maxConnections = ADMIN_CONNECTIONS_MAX;
  // As many as HTTP_HEADER_BYTES_MAX has: what is beyond a number of them would be left out without a word.
  server.maxHeadersCount = 0;
  server.timeout = idleMsMax;
  return server;
}

/** 127.0.0.0/8 and ::1; an IPv4 address at an IPv6 socket has a prefix. */
const LOOPBACK = /^(?:::ffff:)?127\.|^::1$/;

/** Closes a connection of a network that has its share already. */
export function shareConnections(isProxy: (address: string) => boolean = () => false): (socket: Socket) => void {
  const open = new Map<string, number>();
  const count = (network: string, by: number) => {
    const now = (open.get(network) ?? 0) + by;
    if (now === 0) open.delete(network);
    else open.set(network, now);
    return now;
  };
  return (socket) => {
    const { remoteAddress = '' } = socket;
    if (remoteAddress === '' || LOOPBACK.test(remoteAddress) || isProxy(remoteAddress)) return;
    const network = clientNetwork(remoteAddress);
    if (count(network, 1) > ADMIN_CONNECTIONS_PER_NETWORK_MAX) socket.destroy();
    socket.once('close', () => count(network, -1));
  };
}

/** Binds with mode 0600 from the first moment on: between a bind and a chmod every user could connect. */
async function bindSocket(server: Server, path: string): Promise<void> {
  const mask = process.umask(0o177);
  let listening: Promise<void>;
  try {
    listening = bound(server, () => server.listen({ path }));
  } finally {
    // The bind itself is synchronous; nothing else may be made under this mask.
    process.umask(mask);
  }
  await listening;
  chmodSync(path, 0o600);
}

/** Removes the socket that a killed server left behind; throws when another server still answers there. */
async function freeSocketPath(path: string): Promise<void> {
  if (Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX)
    throw new Error(`the path of the admin socket is longer than ${SOCKET_PATH_BYTES_MAX} octets: ${path}; use a shorter data directory`);
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket()) throw new Error(`${path} is in the way: it is not a socket`);
  const answered = await new Promise<boolean>((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
  if (answered) throw new Error(`another server is running on ${path}`);
  unlinkSync(path);
}

function bound(server: Server, listen: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      resolve();
    });
    listen();
  });
}

async function closeServer(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  const deadline = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(deadline);
}

/** A policy host in the test's own process, over a temporary control: zones with policies, certificates, and raw connections. */
import { randomBytes } from 'node:crypto';
import { type AddressInfo, createServer } from 'node:net';
import { type TLSSocket, connect } from 'node:tls';
import { onTestFinished } from 'vitest';
import { type CallOutcome } from '#base/ipc/calls.ts';
import { createLog } from '#base/log.ts';
import { ok } from '#base/problem.ts';
import { nameOf } from '#dns/name.ts';
import { CONNECTION_LIMITS } from '#policy-host/connections.ts';
import { type HostedSource } from '#policy-host/hosted.ts';
import { makePolicyHost } from '#policy-host/host.ts';
import { openReader } from '#store/reader.ts';
import { createSealer } from '#store/seal.ts';
import { MAIL_ZONE_TEXT, good, temporaryControl } from './temporary-control.ts';

export const PATH = '/.well-known/mta-sts.txt';
const LOOK_MS = 20;
const READ_MS = 20_000;

export interface TestPolicyHostOptions {
  /** Zones with a policy in mode testing; each has another mail host, so that bodies differ. */
  readonly zones?: readonly string[];
  readonly limits?: Partial<typeof CONNECTION_LIMITS>;
  readonly sources?: readonly HostedSource[];
  readonly sendReport?: (body: Uint8Array) => Promise<CallOutcome>;
  readonly isSelfSigned?: boolean;
  readonly nowMs?: () => number;
  readonly isAccessLogged?: boolean;
  /** Where clients seem to be; that of the socket when absent. */
  readonly clientAddress?: string;
}

export async function testPolicyHost(options: TestPolicyHostOptions = {}) {
  const { zones = ['one.example', 'two.example'], isSelfSigned = true, limits = {}, sources = [] } = options;
  const control = temporaryControl();
  const random = (bytes: number): Uint8Array => new Uint8Array(randomBytes(bytes));
  const sealer = createSealer(random(32), random);
  const signer = control.control.selfSigner(() => ok(sealer), createLog({ level: 'silent' }));
  const addZone = async (zone: string) => {
    await control.load(`${zone}.`, MAIL_ZONE_TEXT);
    good(await control.run({ kind: 'mail.apply', zone: nameOf(`${zone}.`), policy: { mtaSts: { mode: 'testing' } } }));
    good(await signer.signSome());
  };
  for (const zone of zones) await addZone(zone);
  const reader = openReader(control.dir);
  const complaints: string[] = [];
  const lines: string[] = [];
  const accessLog = createLog({ level: 'info', to: { write: (line) => void lines.push(line) } });
  const host = await makePolicyHost({
    reader,
    sealer: () => ok(sealer),
    isSelfSigned,
    accessLog: options.isAccessLogged === false ? undefined : accessLog,
    complain: (name, text) => complaints.push(`${name}: ${text}`),
    random,
    nowMs: options.nowMs ?? (() => performance.now()),
    wallClockMs: () => Date.now(),
    limits: { ...CONNECTION_LIMITS, ...limits },
    sources,
    sendReport: options.sendReport,
  });
  const { clientAddress } = options;
  const server = createServer((socket) => {
    if (clientAddress !== undefined) Object.defineProperty(socket, 'remoteAddress', { value: clientAddress });
    host.take(socket);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const timer = setInterval(() => host.connections.look(), LOOK_MS);
  onTestFinished(async () => {
    clearInterval(timer);
    host.connections.destroyAll();
    await new Promise((resolve) => void server.close(resolve));
    await reader.close();
  });
  return {
    run: (command: Parameters<typeof control.run>[0]) => control.run(command),
    writer: control.writer,
    addZone,
    /** Self-signed certificates for what is hosted since. */
    signHosts: async () => void good(await signer.signSome()),
    sealer,
    host,
    port,
    reader,
    complaints,
    lines,
    count: (slot: string) => host.count()[slot] ?? Number.NaN,
    /** A TLS connection that asked for `serverName`; rejects when the handshake fails. */
    shake: (serverName: string | undefined, more: object = {}) => shake(port, serverName, more),
    /** Writes `octets` on a connection of HTTP/1.1 and returns all that comes until the server closes, or `ms` are over. */
    raw: async (octets: string | Uint8Array, { serverName = 'mta-sts.one.example', ms = READ_MS } = {}): Promise<string> => {
      const socket = await shake(port, serverName, { ALPNProtocols: ['http/1.1'] });
      socket.write(typeof octets === 'string' ? Buffer.from(octets, 'latin1') : octets);
      return readAll(socket, ms);
    },
  };
}

export type TestPolicyHost = Awaited<ReturnType<typeof testPolicyHost>>;

export function bodyOf(zone: string): string {
  return ['version: STSv1', 'mode: testing', `mx: mx1.${zone}`, 'max_age: 86400', ''].join('\r\n');
}

function shake(port: number, serverName: string | undefined, more: object): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, rejectUnauthorized: false, ...(serverName === undefined ? {} : { servername: serverName }) };
    const socket = connect({ ...options, ...more }, () => {
      socket.off('error', reject);
      socket.on('error', () => undefined);
      resolve(socket);
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed')));
  });
}

export function readAll(socket: TLSSocket, ms: number): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const timer = setTimeout(() => socket.destroy(), ms);
    socket.on('data', (part: Buffer) => (text += part.toString('latin1')));
    socket.once('close', () => {
      clearTimeout(timer);
      resolve(text);
    });
  });
}

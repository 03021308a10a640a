/**
 * NSD, Knot and BIND as judges: each started on a free loopback port with the zones it is given, in a directory of its own.
 *
 * Options that decide how answers look are chosen so that the three can be compared with each other and with waxseal:
 * - no rate limits (NSD rrl-ratelimit 0; Knot loads no mod-rrl; BIND has no rate-limit block), no cookies, no NSID, no version;
 * - UDP answers up to 1232 octets, as ours (RFC 9715 §3.1);
 * - minimal answers: BIND `minimal-responses no-auth` and NSD `minimal-responses: yes` leave out the apex NS RRset of positive answers, which
 *   Knot never adds. NSD then also leaves out addresses for MX and SRV; Knot and BIND give them: additional data other than glue is
 *   compared by a rule of its own (differential.ts);
 * - minimal ANY (RFC 8482): Knot always, BIND `minimal-any yes`, NSD as built.
 * - BIND `zero-no-soa-ttl no`: NXDOMAIN to an SOA question has the SOA's negative TTL as every other (RFC 2308 §3);
 * - checks that would refuse strange but legal zones are off.
 * All run in the foreground as the user who runs the tests, drop no privileges, and keep pid, log and databases in the directory.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, closeSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Endpoint, exchangeUdp } from './exchange.ts';
import { BIND_LOGGING, bindHead, knotHead, nsdHead } from './peer-configs.ts';
import { type PeerKind } from './peer-kinds.ts';
import { toolPath } from './tools.ts';
import { buildQuery, parseMessage } from './wire.ts';

/** A zone to load: absolute name with the last dot, and its text. */
export interface PeerZone {
  readonly name: string;
  readonly text: string;
}

/** A running peer. `stop` ends it and removes its directory; it may be called twice. */
export interface Peer extends Endpoint {
  readonly name: PeerKind;
  readonly directory: string;
  log(): string;
  stop(): Promise<void>;
}

const READY_MS = 30_000;
/** A zone that has not come this long after the last one came is not coming: its file is refused. */
const STALLED_MS = 3000;
const ADDRESS = '127.0.0.1';

/** A port free for UDP and TCP on 127.0.0.1 at this moment. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const server = createServer();
    await new Promise<void>((resolve) => void server.listen(0, ADDRESS, resolve));
    const bound = server.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
    const socket = createSocket('udp4');
    const isFree = await new Promise<boolean>((resolve) => {
      socket.once('error', () => resolve(false));
      socket.bind(port, ADDRESS, () => resolve(true));
    });
    socket.close();
    await new Promise<void>((resolve) => void server.close(() => resolve()));
    if (isFree) return port;
  }
  throw new Error('no port free for both UDP and TCP in 50 attempts');
}

function nsdConfig(directory: string, port: number, zones: readonly { name: string; file: string }[]): string {
  return `${nsdHead(directory, port)}  tcp-count: 100
  tcp-query-count: 0
  tcp-timeout: 60
  ipv4-edns-size: 1232
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
  minimal-responses: yes
  refuse-any: no
  answer-cookie: no
  hide-version: yes
  hide-identity: yes
remote-control:
  control-enable: no
${zones.map((zone) => `zone:\n  name: "${zone.name}"\n  zonefile: "${zone.file}"\n  provide-xfr: 127.0.0.1 NOKEY\n`).join('')}`;
}

function knotConfig(directory: string, port: number, zones: readonly { name: string; file: string }[]): string {
  return `${knotHead(directory, port, { server: '  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n  udp-max-payload: 1232\n  tcp-idle-timeout: 60\n  tcp-remote-io-timeout: 10000\n' })}acl:
  - id: transfer
    address: 127.0.0.1
    action: transfer
template:
  - id: default
    storage: "${directory}"
    journal-content: none
    zonefile-load: whole
    zonefile-sync: -1
    semantic-checks: off
    acl: transfer
zone:
${zones.map((zone) => `  - domain: "${zone.name.replaceAll('\\', '\\\\')}"\n    file: "${zone.file}"\n`).join('')}`;
}

function bindConfig(directory: string, port: number, zones: readonly { name: string; file: string }[]): string {
  return `${bindHead(directory, port)}  allow-transfer { any; };
  notify no;
  dnssec-validation no;
  empty-zones-enable no;
  answer-cookie no;
  minimal-responses no-auth;
  minimal-any yes;
  zero-no-soa-ttl no;
  max-udp-size 1232;
  edns-udp-size 1232;
  version none;
  hostname none;
  zone-statistics none;
  rrset-order { order none; };
  check-integrity no;
  check-mx ignore;
  check-mx-cname ignore;
  check-srv-cname ignore;
  check-sibling no;
  check-spf ignore;
  check-wildcard no;
  check-names primary ignore;
  check-dup-records ignore;
  max-records-per-type 0;
  max-types-per-name 0;
  masterfile-format text;
};
controls { };
${BIND_LOGGING}${zones.map((zone) => `zone "${zone.name}" { type primary; file "${zone.file}"; };\n`).join('')}`;
}

const KINDS = {
  nsd: { program: 'nsd', config: nsdConfig, argumentList: (file: string) => ['-d', '-c', file] },
  knot: { program: 'knotd', config: knotConfig, argumentList: (file: string) => ['-c', file] },
  bind: { program: 'named', config: bindConfig, argumentList: (file: string) => ['-f', '-n', '1', '-c', file] },
} as const;

/** Starts one peer and waits until it answers for every zone. Throws with the end of its log when it does not. */
export function startPeer(kind: PeerKind, zones: readonly PeerZone[], { expectAllZones = true } = {}): Promise<Peer> {
  const { config } = KINDS[kind];
  return startConfigured(kind, expectAllZones ? zones : zones.slice(0, 1), (directory, port) => {
    const files = zones.map((zone, at) => {
      const file = join(directory, `zone${at}`);
      writeFileSync(file, zone.text, 'latin1');
      return { name: zone.name, file };
    });
    return config(directory, port, files);
  });
}

/** A peer with the configuration that `configOf` gives for its directory and port; ready when it answers for `awaited`. */
export async function startConfigured(
  kind: PeerKind,
  awaited: readonly Pick<PeerZone, 'name'>[],
  configOf: (directory: string, port: number) => string,
): Promise<Peer> {
  const directory = mkdtempSync(join(tmpdir(), `waxseal-${kind}-`));
  mkdirSync(join(directory, 'db'));
  const port = await freePort();
  const { program, argumentList } = KINDS[kind];
  const configFile = join(directory, 'config');
  const logFile = join(directory, 'log');
  writeFileSync(configFile, configOf(directory, port));
  const log = openSync(logFile, 'w');
  const child = spawn(toolPath(program), argumentList(configFile), { stdio: ['ignore', log, log], cwd: directory });
  closeSync(log);
  // A test process that dies must not leave servers behind.
  const killAtExit = () => void child.kill('SIGKILL');
  process.once('exit', killAtExit);
  child.once('exit', () => process.off('exit', killAtExit));
  const readLog = () => readFileSync(logFile, 'latin1');
  let stopped: Promise<void> | undefined;
  const peer: Peer = {
    name: kind,
    address: ADDRESS,
    port,
    directory,
    log: readLog,
    stop: () => (stopped ??= stopChild(child).then(() => rmSync(directory, { recursive: true, force: true }))),
  };
  try {
    await waitReady(peer, child, awaited);
  } catch (error) {
    const tail = readLog().split('\n').slice(-40).join('\n');
    await peer.stop();
    throw new Error(`${kind} did not start: ${error instanceof Error ? error.message : String(error)}\n${tail}`, { cause: error });
  }
  return peer;
}

/** Starts several peers at once, each with the zones it can load; if one fails, none stays. */
export async function startPeers(kinds: readonly PeerKind[], zonesFor: (kind: PeerKind) => readonly PeerZone[]): Promise<Peer[]> {
  const started = await Promise.allSettled(kinds.map((kind) => startPeer(kind, zonesFor(kind))));
  const peers = started.filter((each) => each.status === 'fulfilled').map((each) => each.value);
  const failed = started.find((each) => each.status === 'rejected');
  if (failed === undefined) return peers;
  await Promise.all(peers.map((peer) => peer.stop()));
  throw failed.reason;
}

async function waitReady(peer: Peer, child: ChildProcess, zones: readonly Pick<PeerZone, 'name'>[]): Promise<void> {
  const until = Date.now() + READY_MS;
  const queries = zones.map((zone) => buildQuery({ name: zone.name, type: 'SOA' }));
  let waiting = zones;
  let progressAt = Number.POSITIVE_INFINITY;
  while (Date.now() < until && Date.now() - progressAt < STALLED_MS) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`ended with ${child.exitCode ?? child.signalCode}`);
    // One question first: a port nobody listens on yet would cost a time-out for every zone.
    const [first] = await exchangeUdp(peer, queries.slice(0, 1), { timeoutMs: 200, attempts: 1 }).catch(() => [undefined]);
    if (first !== undefined || zones.length === 0) {
      const replies = await exchangeUdp(peer, queries, { timeoutMs: 1000, attempts: 2 });
      const before = waiting.length;
      waiting = zones.filter((_, at) => {
        const reply = replies[at];
        if (reply === undefined) return true;
        const message = parseMessage(reply);
        return message.rcode !== 'NOERROR' || !message.flags.has('AA');
      });
      if (waiting.length === 0) return;
      if (progressAt === Number.POSITIVE_INFINITY || waiting.length < before) progressAt = Date.now();
    }
    await delay(50);
  }
  throw new Error(`no authoritative SOA for ${waiting.map((zone) => zone.name).join(' ')}`);
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => void child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const killer = setTimeout(() => child.kill('SIGKILL'), 5000);
  await ended;
  clearTimeout(killer);
}

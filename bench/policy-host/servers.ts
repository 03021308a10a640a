/**
 * The policy host and nginx from Debian, with the same certificate and the same file, both on the server's core. Each has one process that
 * serves; only that one is measured.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:tls';
import { freePort } from '../../test/support/peers.ts';
import { AdminClient } from '../admin-client.ts';
import { ALL_CORES, pin } from '../cores.ts';
import { ADDRESS, Daemon } from '../daemon.ts';
import { waxsealEnvironment, waxsealWords } from '../peers/waxseal-command.ts';

export const ZONE = 'bench.example';
export const HOST = `mta-sts.${ZONE}`;
export const PATH = '/.well-known/mta-sts.txt';
/** What both serve. */
export const BODY = ['version: STSv1', 'mode: testing', `mx: mx1.${ZONE}`, `mx: mx2.${ZONE}`, 'max_age: 86400', ''].join('\r\n');
/** Without DKIM keys: an RSA key takes longer to make than all that is measured here. */
const POLICY = JSON.stringify({ mtaSts: { mode: 'testing' }, dkim: { algorithms: [] } });
const READY_MS_MAX = 300_000;
const LOOK_EVERY_MS = 50;

export interface HttpsServer {
  readonly id: 'waxseal' | 'nginx';
  readonly label: string;
  readonly daemon: Daemon;
  readonly httpsPort: number;
  /** The process that serves, now. */
  pid(): number;
}

export interface Waxseal extends HttpsServer {
  readonly api: AdminClient;
}

/** A self-signed certificate, ECDSA P-256, as `cert` and `key`; `both` is the two in one file. */
export function makeCertificate(folder: string): { readonly cert: string; readonly key: string; readonly both: string } {
  const [cert, key, both] = ['cert.pem', 'key.pem', 'both.pem'].map((each) => join(folder, each)) as [string, string, string];
  const words = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30'];
  const names = ['-subj', `/CN=${HOST}`, '-addext', `subjectAltName=DNS:${HOST}`];
  execFileSync('openssl', [...words, '-keyout', key, '-out', cert, ...names], { stdio: 'ignore' });
  writeFileSync(both, readFileSync(cert, 'latin1') + readFileSync(key, 'latin1'), { mode: 0o600 });
  return { cert, key, both };
}

export function zoneText(zone: string): string {
  return [
    `$ORIGIN ${zone}.`,
    '@ 3600 SOA ns1 hostmaster 1 7200 3600 1209600 300',
    '@ 3600 NS ns1',
    'ns1 3600 A 192.0.2.53',
    ...['@ 3600 MX 10 mx1', '@ 3600 MX 20 mx2', 'mx1 3600 A 192.0.2.25', 'mx2 3600 A 192.0.2.26', 'mta-sts 3600 A 127.0.0.1', ''],
  ].join('\n');
}

/** A zone with a policy: its host gets a certificate that waxseal signs itself, unless there is a file. */
export async function addZone(api: AdminClient, zone: string): Promise<void> {
  await api.call('PUT', `/v1/zones/${zone}/zonefile?dnssec=off`, zoneText(zone), 'text/dns');
  await api.call('PUT', `/v1/zones/${zone}/mail`, POLICY);
}

/** Started on all cores, which is faster; `core` is its place from then on. */
export async function startWaxseal(work: string, core: string, certificate: string): Promise<Waxseal> {
  const folder = join(work, 'waxseal');
  mkdirSync(folder, { recursive: true });
  const [port, httpsPort] = [await freePort(), await freePort()];
  const { program, words } = waxsealWords({ data: join(folder, 'data'), port, udp: 'mmsg', workers: 1 });
  const own = words.map((word, at) => (words[at - 1] === '--https' ? `${ADDRESS}:${httpsPort}` : word));
  const environment = {
    ...waxsealEnvironment(join(folder, 'kek')),
    WAXSEAL_HTTPS__CERTIFICATE_FILES: certificate,
    WAXSEAL_HTTPS__SELF_SIGNED: 'true',
    WAXSEAL_HTTPS__ACCESS_LOG: 'false',
  };
  const daemon = new Daemon(port, { program, words: own, cores: ALL_CORES, folder, environment });
  const api = new AdminClient(join(folder, 'data'));
  await api.ready();
  await addZone(api, ZONE);
  const pid = (): number => pidOf(daemon, 'waxseal policy-host');
  const server: Waxseal = { id: 'waxseal', label: 'waxseal', daemon, api, httpsPort, pid };
  await serves(server);
  for (const each of daemon.pids()) pin(each, core);
  return server;
}

export async function startNginx(work: string, cores: string, { cert, key }: { readonly cert: string; readonly key: string }) {
  const folder = join(work, 'nginx');
  mkdirSync(join(folder, 'www/.well-known'), { recursive: true });
  writeFileSync(join(folder, 'www', PATH), BODY);
  const httpsPort = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((each) => `${each}_temp_path ${folder}/${each};`).join(' ');
  // The user that started it: a worker of another user could not read the folder. Requests for each connection: as many as the policy host gives.
  const config = `
daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr;
${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 1000; types { text/plain txt; } ${temporary}
  server {
    listen ${ADDRESS}:${httpsPort} ssl http2; server_name ${HOST}; root ${folder}/www;
    ssl_certificate ${cert}; ssl_certificate_key ${key}; ssl_protocols TLSv1.2 TLSv1.3;
    add_header cache-control no-store; add_header x-content-type-options nosniff;
  }
}
`;
  writeFileSync(join(folder, 'nginx.conf'), config);
  const words = ['-c', join(folder, 'nginx.conf'), '-e', 'stderr'];
  const daemon = new Daemon(httpsPort, { program: 'nginx', words, cores, folder });
  const pid = (): number => pidOf(daemon, 'nginx: worker process');
  const server: HttpsServer = { id: 'nginx', label: `nginx ${nginxVersion()}`, daemon, httpsPort, pid };
  return server;
}

export function nginxVersion(): string {
  const { stderr } = spawnSync('/usr/sbin/nginx', ['-v'], { encoding: 'utf8' });
  return /nginx\/(\S+)/.exec(stderr)?.[1] ?? 'unknown';
}

/** Waits until it serves the body. Rejects with the end of its log. */
export async function serves({ httpsPort, daemon }: HttpsServer): Promise<void> {
  for (const startedMs = performance.now(); ; await delay(LOOK_EVERY_MS)) {
    if ((await fetchBody(httpsPort, HOST)) === BODY) return;
    if (performance.now() - startedMs > READY_MS_MAX) throw new Error(`port ${httpsPort} does not serve\n${daemon.log().slice(-2000)}`);
  }
}

/** The body of one GET on a connection of its own; undefined: there is none. */
export function fetchBody(port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: ADDRESS, port, servername: host, rejectUnauthorized: false, timeout: 5_000 });
    let text = '';
    socket.on('secureConnect', () => void socket.write(`GET ${PATH} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`));
    socket.on('data', (part: Buffer) => (text += part.toString('latin1')));
    socket.on('timeout', () => socket.destroy());
    socket.on('error', () => undefined);
    socket.once('close', () => resolve(/^HTTP\/1\.1 200 [^]*?\r\n\r\n([^]*)$/.exec(text)?.[1]));
  });
}

function pidOf(daemon: Daemon, title: string): number {
  const pid = daemon.pids().find((each) => read(`/proc/${each}/cmdline`).replaceAll('\0', ' ').startsWith(title));
  if (pid === undefined) throw new Error(`there is no process "${title}"\n${daemon.log().slice(-2000)}`);
  return pid;
}

/** Nanoseconds that all threads of a process have run. */
export function cpuNs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.reduce((sum, thread) => sum + Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0] || 0), 0);
}

export function residentKib(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

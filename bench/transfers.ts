/**
 * Zone transfers: AXFR of a large signed zone out and in, IXFR of 10,000 changes, and what ten secondaries that pull
 * leave of the throughput of queries. waxseal beside Knot and NSD with the same records, in turns; time, CPU of all
 * processes of the server, and the most memory that it had.
 * Use: node bench/transfers.ts [--quick] [--names=N] [--rounds=N]     250,000 names are a million records when signed
 */
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { othersBeside } from './beside.ts';
import { familySeconds, processTree } from './cores.ts';
import { type Peer, startConfigured } from '../test/support/peers.ts';
import { knotHead, nsdHead } from '../test/support/peer-configs.ts';
import { type RunningServer, startServer } from '../test/support/running-server.ts';
import { signMessage, updateMessage } from '../test/support/update-client.ts';
import { startUpdatePeer } from '../test/support/update-peers.ts';
import { queriesLeft } from './transfer-load.ts';
import { spreadOf } from './statistics.ts';
import { type Pull, pullZone } from './transfer-client.ts';
import { connect } from 'node:net';

const { values } = parseArgs({
  options: { quick: { type: 'boolean' }, names: { type: 'string' }, rounds: { type: 'string' } },
});
const isQuick = values.quick === true;
const NAMES = Number(values.names ?? (isQuick ? 2_000 : 249_000));
const ROUNDS = Number(values.rounds ?? (isQuick ? 1 : 3));
const CHANGES = isQuick ? 500 : 10_000;
/** Of one UPDATE message. */
const CHANGES_PER_STEP = isQuick ? 250 : 500;
const ZONE = 'axfr.bench.';
const PLAIN = 'ixfr.bench.';
const HEAD = '$TTL 300\n@ SOA ns1 host 1 3600 600 864000 300\n@ NS ns1\nns1 A 192.0.2.1\n';

/** A server under test: its processes begin with these. */
interface Server {
  readonly name: string;
  readonly port: number;
  readonly pids: () => readonly number[];
}

interface Cost {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMib: number;
  readonly note: string;
}

const run = promisify(execFile);

const treeOf = (roots: readonly number[]): readonly number[] => roots.flatMap((root) => processTree(root));

/** With those of helpers that have ended: their times are their parents' then. */
function cpuSeconds(server: Server): number {
  return treeOf(server.pids()).reduce((sum, pid) => sum + familySeconds(readProc(`/proc/${pid}/stat`)), 0);
}

/** The most that each process has had since the last call of `forgetPeak`, added up. */
function peakMib(server: Server): number {
  return treeOf(server.pids()).reduce((sum, pid) => {
    const [, kib = '0'] = /^VmHWM:\s+(\d+) kB$/m.exec(readProc(`/proc/${pid}/status`)) ?? [];
    return sum + Number(kib) / 1024;
  }, 0);
}

/** proc(5): 5 in clear_refs resets VmHWM. */
function forgetPeak(server: Server): void {
  for (const pid of treeOf(server.pids())) writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

function readProc(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

async function cost(server: Server, work: () => Promise<string>): Promise<Cost> {
  forgetPeak(server);
  const [cpuBefore, startedMs] = [cpuSeconds(server), performance.now()];
  const note = await work();
  const seconds = (performance.now() - startedMs) / 1000;
  return { seconds, cpuSeconds: cpuSeconds(server) - cpuBefore, peakMib: peakMib(server), note };
}

const figures = new Map<string, Cost[]>();

function keep(row: string, figure: Cost): void {
  figures.set(row, [...(figures.get(row) ?? []), figure]);
  const { seconds, cpuSeconds: cpu, peakMib: mib, note } = figure;
  process.stderr.write(`${row}: ${seconds.toFixed(2)} s, CPU ${cpu.toFixed(2)} s, ${Math.round(mib)} MiB, ${note}\n`);
}

async function pulled(pull: Pull): Promise<string> {
  const { messages, bytes, records } = await pullZone(pull);
  return `${records} records, ${messages} messages, ${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

const peers: Peer[] = [];
const servers: RunningServer[] = [];

function ofPeer(peer: Peer): Server {
  peers.push(peer);
  const file = join(peer.directory, `${peer.name}.pid`);
  return { name: peer.name, port: peer.port, pids: () => [Number(readFileSync(file, 'utf8'))] };
}

async function ourServer(): Promise<RunningServer> {
  const own = await startServer({ workers: 1, config: '[admin]\nrequest_timeout = "30m"\n' });
  servers.push(own);
  return own;
}

function ofOurs(own: RunningServer): Server {
  return { name: 'waxseal', port: own.port, pids: () => [own.child.pid!] };
}

const nsdZone = (file: string): string =>
  `remote-control:\n  control-enable: no\nzone:\n  name: "${ZONE}"\n  zonefile: "${file}"\n  provide-xfr: 127.0.0.1 NOKEY\n`;

const knotZone = (file: string): string => `acl:
  - id: transfer
    address: 127.0.0.1
    action: transfer
zone:
  - domain: "${ZONE}"
    file: "${file}"
    acl: transfer
    semantic-checks: off
`;

/** Knot and NSD with the records that waxseal has. */
async function startPrimaries(file: string): Promise<readonly Server[]> {
  const knot = await startConfigured(
    'knot',
    [{ name: ZONE }],
    (folder, port) => knotHead(folder, port) + knotZone(file),
  );
  const nsd = await startConfigured(
    'nsd',
    [{ name: ZONE }],
    (folder, port) => `${nsdHead(folder, port)}${nsdZone(file)}`,
  );
  return [ofPeer(knot), ofPeer(nsd)];
}

/** Waits as long as it takes. */
async function importZone(own: RunningServer, zone: string, text: string, dnssec: 'on' | 'off'): Promise<void> {
  const url = `http://127.0.0.1:${own.adminPort}/v1/zones/${zone}/zonefile?dnssec=${dnssec}&parent=ignore&wait=served`;
  const authorization = `Bearer ${readFileSync(join(own.directory, 'admin.token'), 'utf8').trim()}`;
  const headers = { authorization, 'content-type': 'text/dns' };
  const done = await fetch(url, { method: 'PUT', headers, body: `$ORIGIN ${zone}\n${HEAD}${text}` });
  if (!done.ok) throw new Error(`${zone}: ${done.status} ${await done.text()}`);
}

async function benchOut(): Promise<{ readonly own: RunningServer; readonly primary: Server }> {
  const own = await ourServer();
  const text = Array.from({ length: NAMES }, (_, at) => `h${at} A 192.0.2.${at % 250}\n`).join('');
  await importZone(own, ZONE, text, 'on');
  for (const from of ['127.0.0.1', '127.0.0.2', '127.0.0.3'])
    await own.api('PUT', `/v1/zones/${ZONE}/secondaries/${from}?wait=served`, '{}');
  const file = join(own.folder, 'zone');
  const dig = `dig @127.0.0.1 -p ${own.port} ${ZONE} AXFR +onesoa +nocomments +nocmd +nostats +time=600 > ${file}`;
  execFileSync('sh', ['-c', dig]);
  const others = await startPrimaries(file);
  for (let round = 0; round < ROUNDS; round++)
    for (const server of [ofOurs(own), ...others])
      keep(`AXFR out, ${server.name}`, await cost(server, () => pulled({ port: server.port, zone: ZONE })));
  return { own, primary: others[0]! };
}

/** Without a turn of this process: others are measured meanwhile. */
const isThere = async (port: number, zone: string): Promise<boolean> => {
  const words = ['@127.0.0.1', '-p', String(port), zone, 'SOA', '+time=1', '+tries=1', '+short'];
  const { stdout } = await run('sh', ['-c', `dig ${words.join(' ')} || true`], { encoding: 'latin1' });
  return /^\S+ \S+ \d+ /.test(stdout);
};

async function untilThere(port: number, zone = ZONE): Promise<string> {
  for (const untilMs = performance.now() + 600_000; performance.now() < untilMs;) {
    if (await isThere(port, zone)) return 'served';
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`port ${port} does not serve the zone`);
}

/** The same primary for all; each begins without the zone. What others of waxseal waited when the zone came again. */
async function benchIn({ port }: Server): Promise<string> {
  const own = await ourServer();
  const body = JSON.stringify({ name: ZONE, primaries: [{ address: '127.0.0.1', port }] });
  const come = async (server: RunningServer): Promise<string> => {
    const { status } = await server.api('POST', '/v1/zones', body);
    if (status !== 201) throw new Error(`POST /v1/zones: ${status}`);
    return untilThere(server.port);
  };
  keep('AXFR in, waxseal', await cost(ofOurs(own), () => come(own)));
  const watched = await ourServer();
  await importZone(watched, PLAIN, 'www A 192.0.2.1\n', 'off');
  const others = await othersBeside(watched, PLAIN, come(watched));
  const knotRemote = `remote:\n  - id: primary\n    address: 127.0.0.1@${port}\n`;
  await benchSecondary('knot', (folder, at) => {
    const zone = `zone:\n  - domain: "${ZONE}"\n    storage: "${folder}"\n    master: primary\n    semantic-checks: off\n`;
    return `${knotHead(folder, at)}${knotRemote}${zone}`;
  });
  await benchSecondary('nsd', (folder, at) => {
    const zone = `zone:\n  name: "${ZONE}"\n  zonefile: "z"\n  request-xfr: AXFR 127.0.0.1@${port} NOKEY\n`;
    return `${nsdHead(folder, at)}  xfrd-reload-timeout: 0\nremote-control:\n  control-enable: no\n${zone}`;
  });
  return `beside an AXFR in:\n${others}\n`;
}

async function benchSecondary(kind: 'knot' | 'nsd', configOf: (folder: string, port: number) => string): Promise<void> {
  let startedMs = 0;
  const peer = await startConfigured(kind, [], (folder, at) => {
    startedMs = performance.now();
    return configOf(folder, at);
  });
  const server = ofPeer(peer);
  await untilThere(server.port);
  const seconds = (performance.now() - startedMs) / 1000;
  const note = 'served, from its start';
  keep(`AXFR in, ${kind}`, { seconds, cpuSeconds: cpuSeconds(server), peakMib: peakMib(server), note });
}

interface Key {
  readonly name: string;
  readonly secret: string;
}

/** CHANGES records, in messages of CHANGES_PER_STEP. */
async function changeRecords(port: number, key: Key): Promise<void> {
  for (let from = 0; from < CHANGES; from += CHANGES_PER_STEP) {
    const lines = Array.from({ length: CHANGES_PER_STEP }, (_, at) => `add c${from + at} 60 A 192.0.2.2`).join('\n');
    const message = signMessage(updateMessage(PLAIN, lines, { edns: false }), key, Math.floor(Date.now() / 1000));
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const socket = connect({ host: '127.0.0.1', port }, () => {
      socket.write(Buffer.concat([Buffer.of(message.length >> 8, message.length & 255), message]));
    });
    socket.once('error', reject);
    socket.once('data', (answer: Buffer) => resolve(answer[5]! & 0x0f));
    const rcode = await promise;
    socket.destroy();
    if (rcode !== 0) throw new Error(`UPDATE: rcode ${rcode}`);
  }
}

async function benchDifferences(own: RunningServer): Promise<void> {
  const names = Array.from({ length: 5 * CHANGES }, (_, at) => `h${at} A 192.0.2.1\n`).join('');
  await importZone(own, PLAIN, names, 'off');
  const text = `$ORIGIN ${PLAIN}\n${HEAD}${names}`;
  await own.api('PUT', `/v1/zones/${PLAIN}/secondaries/127.0.0.1`, '{}');
  const made = await own.cli('tsig', 'generate', 'k.bench', '--all-zones', '--for', 'update');
  const [, name = '', secret = ''] = made.out.trim().split(':');
  const knot = await startUpdatePeer('knot', { name: PLAIN, text }, { name, secret });
  const both = [ofOurs(own), ofPeer(knot)];
  const since = new Map<string, number>();
  for (const { name: who, port } of both) {
    const short = execFileSync('dig', ['@127.0.0.1', '-p', String(port), PLAIN, 'SOA', '+short'], {
      encoding: 'latin1',
    });
    since.set(who, Number(short.split(' ')[2]));
    await changeRecords(port, { name, secret });
  }
  for (let round = 0; round < ROUNDS; round++)
    for (const server of both) {
      const pull = { port: server.port, zone: PLAIN, since: since.get(server.name)! };
      keep(`IXFR out, ${server.name}`, await cost(server, () => pulled(pull)));
    }
}

function report(): void {
  process.stdout.write(`${NAMES} names, median (quartiles) of the rounds\n`);
  for (const [row, all] of figures) {
    const of = (pick: (figure: Cost) => number, digits: number): string => {
      const { median, low, high } = spreadOf(all.map(pick));
      return all.length === 1
        ? median.toFixed(digits)
        : `${median.toFixed(digits)} (${low.toFixed(digits)} – ${high.toFixed(digits)})`;
    };
    const parts = [`${of((each) => each.seconds, 2)} s`, `CPU ${of((each) => each.cpuSeconds, 2)} s`];
    process.stdout.write(
      `${row.padEnd(20)} ${parts.join(', ')}, ${of((each) => each.peakMib, 0)} MiB, ${all[0]!.note}\n`,
    );
  }
}

try {
  const { own, primary } = await benchOut();
  await benchDifferences(own);
  const left = await queriesLeft({
    port: own.port,
    zone: ZONE,
    names: NAMES,
    rounds: ROUNDS,
    seconds: isQuick ? 1 : 4,
  });
  const others = await benchIn(primary);
  report();
  process.stdout.write(left + others);
} finally {
  await Promise.all([...servers.map((each) => each.stop()), ...peers.map((each) => each.stop())]);
}

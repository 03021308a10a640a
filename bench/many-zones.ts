/**
 * How fast many small signed zones come in: N zones of seven records each are taken in, signed with a key of their own, durable
 * and served. waxseal gets them by the admin API from 16 clients at once; Knot finds them in its configuration at its start and
 * signs them with the same algorithm (one ECDSA P-256 key each, NSEC). Both are ready when each zone answers with a signature.
 * Use: node bench/many-zones.ts [zones] [rounds]      default 1000 zones, 3 rounds, in turns; needs knotd
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quietPort, startServer } from '../test/support/running-server.ts';
import { isSignedAnswer, signedQuery, until } from './dns-probe.ts';
import { spreadOf } from './statistics.ts';

const [zones = 1000, rounds = 3] = process.argv.slice(2).map(Number);
const CLIENTS = 16;
const TYPE_SOA = 6;
const LIMIT_MS = 900_000;
const TEXT =
  '$TTL 3600\n@ SOA ns1 host 1 3600 600 86400 60\n@ NS ns1\nns1 A 192.0.2.1\n@ MX 10 mx\nmx A 192.0.2.2\nwww A 192.0.2.3\n' +
  '@ TXT "v=spf1 mx -all"\n';
const names = Array.from({ length: zones }, (_, each) => `z${each}.example`);

/** Until every zone has answered with a signature. */
async function allServed(port: number, startedMs: number): Promise<void> {
  for (const name of names) await until(port, signedQuery(name, TYPE_SOA), isSignedAnswer, startedMs, LIMIT_MS);
}

async function measureWaxseal(): Promise<number> {
  const own = await startServer({ workers: 1 });
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  const put = (name: string): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const path = `/v1/zones/${name}/zonefile?dnssec=on&parent=ignore`;
    const headers = { 'content-type': 'text/dns', 'content-length': TEXT.length };
    const asked = request({ socketPath: join(own.directory, 'admin.sock'), agent, method: 'PUT', path, headers }, (answer) => {
      answer.resume();
      answer.once('end', () => (answer.statusCode! < 300 ? resolve() : reject(new Error(`${name}: ${answer.statusCode}`))));
    });
    asked.once('error', reject);
    asked.end(TEXT);
    return promise;
  };
  try {
    const startedMs = performance.now();
    const left = [...names];
    const client = async (): Promise<void> => {
      for (let name = left.shift(); name !== undefined; name = left.shift()) await put(name);
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    await allServed(own.port, startedMs);
    return performance.now() - startedMs;
  } finally {
    agent.destroy();
    await own.stop();
  }
}

async function measureKnot(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'waxseal-bench-'));
  const port = await quietPort();
  mkdirSync(join(folder, 'knot'));
  writeFileSync(join(folder, 'zone'), TEXT);
  const head = `server:\n  listen: 127.0.0.1@${port}\n  rundir: ${folder}/knot\n  pidfile: knot.pid\ndatabase:\n  storage: ${folder}/knot
policy:\n  - id: p\n    algorithm: ecdsap256sha256\n    single-type-signing: on\n    nsec3: off
template:\n  - id: default\n    storage: ${folder}/knot\n    dnssec-signing: on\n    dnssec-policy: p\n    zonefile-load: whole
    zonefile-sync: -1\n    journal-content: changes\nlog:\n  - target: stderr\n    any: error\nzone:\n`;
  writeFileSync(join(folder, 'conf'), head + names.map((name) => `  - domain: ${name}\n    file: ${folder}/zone\n`).join(''));
  const startedMs = performance.now();
  const server = spawn('knotd', ['-c', join(folder, 'conf')], { stdio: ['ignore', 'ignore', 'inherit'] });
  try {
    await allServed(port, startedMs);
    return performance.now() - startedMs;
  } finally {
    await ended(server);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function ended(server: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => void server.once('exit', resolve));
  if (server.exitCode === null && server.signalCode === null) {
    server.kill('SIGTERM');
    await gone;
  }
}

const figures = { waxseal: [] as number[], knot: [] as number[] };
for (let round = 0; round < rounds; round++) {
  figures.waxseal.push(await measureWaxseal());
  figures.knot.push(await measureKnot());
  process.stderr.write(`${(figures.waxseal.at(-1)! / 1000).toFixed(1)} s, Knot ${(figures.knot.at(-1)! / 1000).toFixed(1)} s\n`);
}
process.stdout.write(`${zones} signed zones until all are served, seconds, median (quartiles) of ${rounds} rounds\n`);
const ratios = figures.waxseal.map((ours, round) => ours / figures.knot[round]!);
for (const [name, values, unit] of [
  ['waxseal', figures.waxseal, 1000],
  ['Knot', figures.knot, 1000],
  ['ratio', ratios, 1],
] as const) {
  const { median, low, high } = spreadOf(values);
  process.stdout.write(`${name.padEnd(8)} ${(median / unit).toFixed(2)} (${(low / unit).toFixed(2)} – ${(high / unit).toFixed(2)})\n`);
}

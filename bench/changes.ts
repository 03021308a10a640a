/**
 * How fast a large zone is imported, signed and served; how fast one change is; how fast a restart is. Knot does the same beside us, in
 * the same run: it signs the same zone with the same algorithm (one ECDSA P-256 key, NSEC).
 * Use: npm run bench:changes -- [names]        default 100,000; prints a table and writes bench/results/changes.json
 * Needs knotd and knotc. Everything on 127.0.0.1; both servers are stopped at the end.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ask, hasAnswer, isSignedAnswer, median, signedQuery, until } from './dns-probe.ts';
import { largeZone } from './large-zone.ts';

const ROOT = join(import.meta.dirname, '..');
const ZONE = 'large.example';
const NAMES = Number(process.argv[2] ?? 100_000);
const CHANGES = 100;
const RESTARTS = 5;
const LIMIT_MS = 300_000;
const PORTS = { waxseal: 5391, knot: 5392 } as const;
const TYPE_A = 1;
const PROBE = signedQuery(`ns2.${ZONE}`, TYPE_A);

interface Figures {
  readonly importMs: number;
  readonly changeMs: readonly number[];
  readonly restartMs: readonly number[];
  readonly rssMiB: number;
}

const text = [...largeZone(NAMES, `${ZONE}.`)].join('\n') + '\n';
const folder = mkdtempSync(join(tmpdir(), 'waxseal-bench-'));
writeFileSync(join(folder, 'zone'), text);
try {
  const results = { waxseal: await measureWaxseal(), knot: await measureKnot() };
  report(results);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function measureWaxseal(): Promise<Figures> {
  const data = join(folder, 'waxseal');
  const start = (): ChildProcess =>
    spawn(
      process.execPath,
      [join(ROOT, 'src/main.ts'), 'serve', '--data', data, '--dns', `127.0.0.1:${PORTS.waxseal}`, '--admin', 'off', '--https', 'off'],
      {
        env: { ...process.env, WAXSEAL_KEYS__KEK_FILE: join(folder, 'kek'), WAXSEAL_LOG__LEVEL: 'warn' },
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    );
  const api = (method: string, path: string, type: string, body: string): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const call = request(
      { socketPath: join(data, 'admin.sock'), method, path, headers: { 'content-type': type, 'content-length': Buffer.byteLength(body) } },
      (answer) => {
        let said = '';
        answer.on('data', (part: Buffer) => (said += part.toString()));
        answer.on('end', () => (answer.statusCode! < 300 ? resolve() : reject(new Error(`${answer.statusCode} ${said.slice(0, 500)}`))));
      },
    );
    call.on('error', reject);
    call.end(body);
    return promise;
  };
  let server = start();
  try {
    for (let tries = 0; ; tries++) {
      const up = await api('GET', '/livez', 'text/plain', '').then(
        () => true,
        () => false,
      );
      if (up) break;
      if (tries > 1200) throw new Error('waxseal does not start');
      await delay(50);
    }
    const startedMs = performance.now();
    await api('PUT', `/v1/zones/${ZONE}/zonefile`, 'text/dns', text);
    const importMs = await until(PORTS.waxseal, PROBE, isSignedAnswer, startedMs, LIMIT_MS);
    const changeMs = await changes(PORTS.waxseal, (name, address) =>
      api('PUT', `/v1/zones/${ZONE}/rrsets/${name}/A?wait=served`, 'application/json', JSON.stringify({ ttl: 60, records: [address] })),
    );
    const rssMiB = residentMiB(server.pid!);
    const restartMs: number[] = [];
    for (let each = 0; each < RESTARTS; each++) {
      await stop(server);
      const beganMs = performance.now();
      server = start();
      restartMs.push(await until(PORTS.waxseal, PROBE, isSignedAnswer, beganMs, LIMIT_MS));
    }
    return { importMs, changeMs, restartMs, rssMiB };
  } finally {
    await stop(server);
  }
}

async function measureKnot(): Promise<Figures> {
  const config = join(folder, 'knot.conf');
  writeFileSync(
    config,
    `server:
  listen: 127.0.0.1@${PORTS.knot}
  rundir: ${folder}/knot
  pidfile: knot.pid
control:
  listen: ${folder}/knot.sock
database:
  storage: ${folder}/knot
policy:
  - id: p
    algorithm: ecdsap256sha256
    single-type-signing: on
    nsec3: off
    signing-threads: ${availableParallelism()}
template:
  - id: default
    storage: ${folder}/knot
    dnssec-signing: on
    dnssec-policy: p
    zonefile-load: whole
    zonefile-sync: -1
    journal-content: changes
zone:
  - domain: ${ZONE}
    file: ${folder}/zone
log:
  - target: stderr
    any: error
`,
  );
  mkdirSync(join(folder, 'knot'));
  const start = (): ChildProcess => spawn('knotd', ['-c', config], { stdio: ['ignore', 'ignore', 'inherit'] });
  const knotc = (...args: readonly string[]): void => {
    const { status, stderr } = spawnSync('knotc', ['-s', join(folder, 'knot.sock'), ...args], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`knotc ${args.join(' ')}: ${stderr}`);
  };
  const startedMs = performance.now();
  let server = start();
  try {
    const importMs = await until(PORTS.knot, PROBE, isSignedAnswer, startedMs, LIMIT_MS);
    const changeMs = await changes(PORTS.knot, (name, address) => {
      knotc('zone-begin', ZONE);
      knotc('zone-set', ZONE, name, '60', 'A', address);
      knotc('zone-commit', ZONE);
      return Promise.resolve();
    });
    const rssMiB = residentMiB(server.pid!);
    const restartMs: number[] = [];
    for (let each = 0; each < RESTARTS; each++) {
      await stop(server);
      const beganMs = performance.now();
      server = start();
      restartMs.push(await until(PORTS.knot, PROBE, isSignedAnswer, beganMs, LIMIT_MS));
    }
    return { importMs, changeMs, restartMs, rssMiB };
  } finally {
    await stop(server);
  }
}

/** Milliseconds from the request to the new, signed answer on the wire, for each of CHANGES new names. */
async function changes(port: number, change: (name: string, address: string) => Promise<void>): Promise<number[]> {
  const took: number[] = [];
  for (let each = 0; each < CHANGES; each++) {
    const name = `change-${each}`;
    const query = signedQuery(`${name}.${ZONE}`, TYPE_A);
    if (hasAnswer(await ask(port, query, 1000))) throw new Error(`${name} is there already`);
    const startedMs = performance.now();
    await change(name, `192.0.2.${each}`);
    took.push(await until(port, query, isSignedAnswer, startedMs, LIMIT_MS));
  }
  return took;
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = new Promise((resolve) => void server.once('exit', resolve));
  server.kill('SIGTERM');
  await ended;
}

/** Resident memory of a process and its children. */
function residentMiB(pid: number): number {
  const pids = [
    pid,
    ...spawnSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
      .stdout.split('\n')
      .filter(Boolean)
      .map(Number),
  ];
  const kib = pids.map((each) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${each}/status`, 'utf8'))?.[1] ?? 0));
  return kib.reduce((sum, each) => sum + each, 0) / 1024;
}

function report(results: Readonly<Record<'waxseal' | 'knot', Figures>>): void {
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
  const milliseconds = (ms: number): string => `${ms.toFixed(1)} ms`;
  const row = (what: string, figure: (figures: Figures) => number, unit: (value: number) => string): string => {
    const [ours, theirs] = [figure(results.waxseal), figure(results.knot)];
    return `| ${what.padEnd(52)} | ${unit(ours).padStart(10)} | ${unit(theirs).padStart(10)} | ${(ours / theirs).toFixed(2).padStart(6)} |`;
  };
  process.stdout.write(
    [
      `${NAMES} names, ${availableParallelism()} cores (${cpus()[0]!.model.trim()}), Node ${process.version}, knotd ${spawnSync('knotd', ['--version'], { encoding: 'utf8' }).stdout.trim()}`,
      `| ${''.padEnd(52)} | ${'waxseal'.padStart(10)} | ${'Knot'.padStart(10)} | ${'ratio'.padStart(6)} |`,
      `|${'-'.repeat(54)}|${'-'.repeat(11)}:|${'-'.repeat(11)}:|${'-'.repeat(7)}:|`,
      row('zone file to signed, durable and served', ({ importMs }) => importMs, seconds),
      row(`one change durable and served, median of ${CHANGES}`, ({ changeMs }) => median(changeMs), milliseconds),
      row('one change, slowest', ({ changeMs }) => Math.max(...changeMs), milliseconds),
      row(`restart to the first answer, median of ${RESTARTS}`, ({ restartMs }) => median(restartMs), milliseconds),
      row(
        'resident memory after the changes',
        ({ rssMiB }) => rssMiB,
        (value) => `${value.toFixed(0)} MiB`,
      ),
      '',
    ].join('\n'),
  );
  mkdirSync(join(ROOT, 'bench/results'), { recursive: true });
  writeFileSync(
    join(ROOT, 'bench/results/changes.json'),
    `${JSON.stringify({ names: NAMES, at: new Date().toISOString(), ...results }, undefined, 1)}\n`,
  );
}

/**
 * `npm run bench:policy-host`: the policy host beside nginx from Debian, with the same file and the same certificate on one core; what an
 * HTTPS flood does to DNS; ten thousand host names. Everything is on 127.0.0.1, bounded in time, and stopped at the end. What is measured
 * and why: docs/performance.md.
 *
 *   --quick              a moment of everything, for a look whether it works
 *   --rounds=N           interleaved rounds (7)
 *   --hosts=N            host names (10000)
 *   --out=FOLDER         where policy-host.json goes (bench/results)
 *   --server-core=N --generator-core=N
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chooseCores, pin } from './cores.ts';
import { LOAD, compileGenerator, loadServer } from './generator.ts';
import { KINDS, type LoadRun, flood, latencies, loadHttps } from './policy-host/load.ts';
import { type ManyHosts, measureManyHosts } from './policy-host/many-hosts.ts';
import { type HttpsServer, type Waxseal, ZONE, makeCertificate, serves, startNginx, startWaxseal } from './policy-host/servers.ts';
import { writeQueries } from './queries.ts';
import { seededRandom } from './random.ts';
import { MACHINE, markdown, writeJson } from './report.ts';
import { type Spread, quantile, ratioOf, spreadOf } from './statistics.ts';

/** Of the second half: a program that compiles while it runs is measured when it has. */
const WARMUP_RUNS = 3;
const GET = KINDS[0]!.id;
const NEW = KINDS.find(({ id }) => id === 'new-http1')!.id;
const FLOOD_STARTS_MS = 500;

interface Settings {
  readonly rounds: number;
  /** Of the usual number of requests. */
  readonly part: number;
  readonly times: number;
  readonly seconds: number;
  readonly hosts: number;
  /** New hosts that are waited for. */
  readonly fresh: number;
}

interface Bench extends Settings {
  readonly work: string;
  readonly cores: { readonly server: number; readonly generator: number };
  readonly say: (text: string) => void;
}

interface Compared {
  readonly id: string;
  readonly title: string;
  readonly waxsealUs: Spread;
  readonly nginxUs: Spread;
  readonly ratio: Spread;
}

/** Each kind of load on each server in turn, in each round beginning with another one. */
async function compare(bench: Bench, servers: readonly HttpsServer[]): Promise<{ rows: Compared[]; runs: Runs }> {
  const { cores, part, times, rounds } = bench;
  const runs: Runs = new Map(KINDS.map(({ id }) => [id, new Map(servers.map((server) => [server.id, [] as LoadRun[]]))]));
  for (const server of servers) for (const kind of KINDS) await loadHttps(server, cores.generator, kind, part, part < 1 ? 1 : WARMUP_RUNS);
  for (let round = 0; round < rounds; round++) {
    for (const kind of KINDS)
      for (let turn = 0; turn < servers.length; turn++) {
        const server = servers[(round + turn) % servers.length]!;
        runs
          .get(kind.id)!
          .get(server.id)!
          .push(await loadHttps(server, cores.generator, kind, part, times));
      }
    bench.say(`round ${round + 1} of ${rounds}`);
  }
  const us = (kind: string, server: 'waxseal' | 'nginx') =>
    runs
      .get(kind)!
      .get(server)!
      .map(({ cpuUs }) => cpuUs);
  const row = (id: string, title: string, waxseal: readonly number[], nginx: readonly number[]): Compared => {
    return { id, title, waxsealUs: spreadOf(waxseal), nginxUs: spreadOf(nginx), ratio: ratioOf(waxseal, nginx) };
  };
  const handshakes = (server: 'waxseal' | 'nginx') => us(NEW, server).map((each, at) => each - us(GET, server)[at]!);
  return {
    runs,
    rows: [
      ...KINDS.map(({ id, title }) => row(id, title, us(id, 'waxseal'), us(id, 'nginx'))),
      row('handshake', 'TCP, full TLS 1.3 handshake and end: the new connection less the GET', handshakes('waxseal'), handshakes('nginx')),
    ],
  };
}

type Runs = Map<string, Map<string, LoadRun[]>>;

interface Latency {
  readonly rate: number;
  readonly waxsealP99Us: Spread;
  readonly nginxP99Us: Spread;
  readonly ratio: Spread;
}

/** At half of what the slower of the two can do on a core. */
async function compareLatency(bench: Bench, servers: readonly HttpsServer[], rows: readonly Compared[]): Promise<Latency> {
  const get = rows.find(({ id }) => id === GET)!;
  const rate = Math.round(1e6 / Math.max(get.waxsealUs.median, get.nginxUs.median) / 2);
  const p99 = new Map(servers.map(({ id }) => [id as string, [] as number[]]));
  for (let round = 0; round < bench.rounds; round++)
    for (let turn = 0; turn < servers.length; turn++) {
      const server = servers[(round + turn) % servers.length]!;
      p99.get(server.id)!.push(quantile(await latencies(server, bench.cores.generator, rate, bench.seconds, bench.work), 0.99));
    }
  const [ours, theirs] = [p99.get('waxseal')!, p99.get('nginx')!];
  return { rate, waxsealP99Us: spreadOf(ours), nginxP99Us: spreadOf(theirs), ratio: ratioOf(ours, theirs) };
}

interface DnsUnderFlood {
  readonly rate: number;
  readonly quietP99Us: Spread;
  readonly floodedP99Us: Spread;
  readonly ratio: Spread;
  readonly lostQuiet: number;
  readonly lostFlooded: number;
  /** Handshakes a second that the policy host did meanwhile. */
  readonly handshakesPerSecond: number;
}

/** DNS at half load, in turn alone and beside connections to the policy host as fast as it takes them, all on the server's core. */
async function dnsUnderFlood(bench: Bench, server: Waxseal): Promise<DnsUnderFlood> {
  const program = compileGenerator(bench.work);
  const queries = join(bench.work, 'queries');
  writeQueries(queries, 1000, () => ({ name: ZONE, type: 'MX' }), seededRandom(1), true);
  const { daemon } = server;
  const load = (rate: number, seed: number) =>
    loadServer(program, bench.cores, daemon.port, daemon.pids(), {
      ...LOAD,
      queries,
      rate,
      seconds: bench.seconds,
      seed,
      isShared: rate > 0,
    });
  const rate = (await load(0, 0)).queriesPerSecond / 2;
  const handshakes = async (): Promise<number> =>
    Number(/^waxseal_https_handshakes_total\{result="ok"\} (\d+)/m.exec(await server.api.call('GET', '/metrics'))?.[1] ?? 0);
  const [quiet, flooded]: [number[], number[]] = [[], []];
  const lost = { quiet: 0, flooded: 0 };
  let [made, seconds] = [0, 0];
  for (let round = 0; round < bench.rounds; round++) {
    const calm = await load(rate, 1 + round);
    quiet.push(calm.latencyUs.p99);
    lost.quiet += calm.lost;
    const [before, startedMs] = [await handshakes(), performance.now()];
    const attacker = flood(server, bench.cores.generator, 0);
    try {
      await new Promise((resolve) => setTimeout(resolve, FLOOD_STARTS_MS));
      const run = await load(rate, 1 + round);
      flooded.push(run.latencyUs.p99);
      lost.flooded += run.lost;
    } finally {
      attacker.kill('SIGKILL');
    }
    // Its counters are a second old at most.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    made += (await handshakes()) - before;
    seconds += (performance.now() - startedMs) / 1000 - 1.1;
  }
  return {
    rate: Math.round(rate),
    quietP99Us: spreadOf(quiet),
    floodedP99Us: spreadOf(flooded),
    ratio: ratioOf(flooded, quiet),
    lostQuiet: lost.quiet,
    lostFlooded: lost.flooded,
    handshakesPerSecond: Math.round(made / seconds),
  };
}

function report(rows: readonly Compared[], latency: Latency, dns: DnsUnderFlood, many: ManyHosts, label: string): string {
  const us = ({ median }: Spread): string => median.toFixed(median < 100 ? 1 : 0);
  const ratio = ({ median, low, high }: Spread): string => `${median.toFixed(2)} (${low.toFixed(2)}…${high.toFixed(2)})`;
  const perHost = (1024 * (many.kibAfter - many.kibBefore)) / Math.max(1, many.hosts) / 1024;
  return [
    `### The policy host beside ${label}, ${MACHINE}`,
    markdown(
      ['time of the serving process', 'waxseal µs', 'nginx µs', 'ratio (quartiles)', 'a second on one core'],
      rows.map((row) => [
        row.title,
        us(row.waxsealUs),
        us(row.nginxUs),
        ratio(row.ratio),
        Math.round(1e6 / row.waxsealUs.median).toLocaleString('en'),
      ]),
    ),
    `p99 of GETs at half load (${latency.rate}/s): waxseal ${us(latency.waxsealP99Us)} µs, nginx ${us(latency.nginxP99Us)} µs, ratio ${ratio(latency.ratio)}`,
    `DNS p99 at half load (${dns.rate}/s): alone ${us(dns.quietP99Us)} µs (${dns.lostQuiet} lost), during ${dns.handshakesPerSecond} handshakes/s ` +
      `${us(dns.floodedP99Us)} µs (${dns.lostFlooded} lost), ratio ${ratio(dns.ratio)}`,
    `${many.hosts} host names: ${(many.kibBefore / 1024).toFixed(0)} MiB before, ${(many.kibAfter / 1024).toFixed(0)} MiB after each was asked for ` +
      `(${many.contexts} contexts in memory, ${perHost.toFixed(1)} KiB a host)`,
    `a new host: served ${us(many.servedMs)} ms after its certificate is in the store, ${us(many.wholeMs)} ms after its policy`,
    '',
  ].join('\n');
}

async function main(out: string, settings: Settings, serverCore?: number, generatorCore?: number): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'waxseal-bench-'));
  process.once('exit', () => rmSync(work, { recursive: true, force: true, maxRetries: 3 }));
  const cores = chooseCores(serverCore, generatorCore);
  const say = (text: string): void => void process.stderr.write(`bench: ${text}\n`);
  const bench: Bench = { ...settings, work, cores, say };
  pin(process.pid, String(cores.generator));
  const certificate = makeCertificate(work);
  const core = String(cores.server);
  const nginx = await startNginx(work, core, certificate);
  const stops = [() => nginx.daemon.stop()];
  try {
    const waxseal = await startWaxseal(work, core, certificate.both);
    stops.push(() => waxseal.daemon.stop());
    const servers: readonly HttpsServer[] = [waxseal, nginx];
    for (const server of servers) await serves(server);
    say(`both serve on core ${core}, load on core ${cores.generator}`);
    const { rows, runs } = await compare(bench, servers);
    const latency = await compareLatency(bench, servers, rows);
    const dns = await dnsUnderFlood(bench, waxseal);
    const many = await measureManyHosts(waxseal, settings.hosts, settings.fresh, say);
    waxseal.api.close();
    const all = Object.fromEntries([...runs].map(([kind, of]) => [kind, Object.fromEntries(of)]));
    writeJson(out, 'policy-host', {
      at: new Date().toISOString(),
      machine: MACHINE,
      peer: nginx.label,
      rows,
      latency,
      dns,
      many,
      runs: all,
    });
    process.stdout.write(report(rows, latency, dns, many, nginx.label));
  } finally {
    await Promise.all(stops.map((stop) => stop()));
  }
}

// Interrupted, it still ends what it started: the handlers of `exit` do that.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));
const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    hosts: { type: 'string' },
    out: { type: 'string', default: join(import.meta.dirname, 'results') },
    'server-core': { type: 'string' },
    'generator-core': { type: 'string' },
  },
});
const number = (text: string | undefined, otherwise: number): number => (text === undefined ? otherwise : Number(text));
const core = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));
const settings: Settings = values.quick
  ? { rounds: number(values.rounds, 1), part: 0.05, times: 1, seconds: 0.3, hosts: number(values.hosts, 10), fresh: 3 }
  : { rounds: number(values.rounds, 7), part: 1, times: 3, seconds: 2, hosts: number(values.hosts, 10_000), fresh: 15 };
mkdirSync(values.out, { recursive: true });
await main(values.out, settings, core(values['server-core']), core(values['generator-core']));

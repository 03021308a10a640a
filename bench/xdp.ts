/**
 * `npm run bench:xdp`: waxseal by recvmmsg and by AF_XDP beside Knot, Knot by AF_XDP and NSD, each behind a veth pair of
 * its own between two network namespaces. Needs root. Receive work is done on the server's core, as with a card whose
 * interrupt is there: by threaded NAPI where a program is attached, by RPS elsewhere; delivery to the client is done on
 * the client's core.
 * What it can say and what not: docs/performance.md, “UDP by AF_XDP”.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chooseCores, pin, prioritise } from './cores.ts';
import { Daemon } from './daemon.ts';
import { LOAD, type Run, compileGenerator, loadServer } from './generator.ts';
import { versionLine } from './peers/peer.ts';
import { waxsealEnvironment, waxsealWords } from './peers/waxseal-command.ts';
import { type Prepared, prepare } from './prepared.ts';
import { writeQueries } from './queries.ts';
import { seededRandom } from './random.ts';
import { QUERIES } from './scenarios.ts';
import { ratioOf, spreadOf } from './statistics.ts';
import { namesSet } from './zone-sets.ts';

const PORT = 53;
const SEED = 20_261_121;
/** Cold code costs ten times as much. */
const FIRST_WARMUP_SECONDS = 4;
const WARMUP_SECONDS = 0.3;
const START_TRIES_MAX = 300;
/** A driver's program does not fit behind a peer of this MTU: what is left is the kernel's generic one. */
const MTU_WITHOUT_NATIVE = 9000;

const SPACES = { server: `bench-${process.pid}-s`, client: `bench-${process.pid}-c` };
const say = (text: string): void => void process.stderr.write(`bench: ${text}\n`);
const ip = (...words: readonly (string | number)[]): string =>
  execFileSync('ip', words.map(String), { encoding: 'utf8' });

/** Where one contestant is: its pair of interfaces. */
interface Pair {
  readonly device: string;
  readonly address: string;
  readonly source: string;
}

interface Command {
  readonly program: string;
  readonly words: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

interface Contestant {
  readonly id: string;
  readonly label: string;
  readonly isGeneric?: boolean;
  readonly command: (prepared: Prepared, pair: Pair, folder: string) => Command;
}

function waxseal(udp: 'mmsg' | 'xdp'): Contestant['command'] {
  return ({ data, kekFile }, { device, address }, folder) => {
    const own = join(folder, 'data');
    spawnSync('cp', ['-r', '--reflink=auto', data, own]);
    const { program, words } = waxsealWords({ data: own, port: PORT, address, udp, workers: 1 });
    // Clients of 127.0.0.0/8 are not limited by default; these are their like here.
    const limits = { WAXSEAL_LOG__LEVEL: 'info', WAXSEAL_RRL__ALLOW: '10.0.0.0/8' };
    const interfaces = udp === 'xdp' ? ['--xdp-interfaces', device] : [];
    return { program, words: [...words, ...interfaces], environment: { ...waxsealEnvironment(kekFile), ...limits } };
  };
}

function knot(isXdp: boolean): Contestant['command'] {
  return ({ servedFiles }, { device, address }, folder) => {
    const file = join(folder, 'knot.conf');
    mkdirSync(join(folder, 'db'));
    const zones = servedFiles.map(({ name, file: zone }) => `  - domain: "${name}"\n    file: "${zone}"`);
    const lines = [
      ...['server:', `  rundir: "${folder}"`, `  listen: ${address}@${PORT}`, '  udp-workers: 1', '  tcp-workers: 1'],
      ...['  background-workers: 1', '  udp-max-payload: 1232'],
      ...(isXdp ? ['xdp:', `  listen: ${device}@${PORT}`] : []),
      ...['log:', '  - target: stderr', '    any: info', 'control:', `  listen: "${folder}/knot.sock"`],
      ...['database:', `  storage: "${folder}/db"`, 'template:', '  - id: default', `    storage: "${folder}"`],
      ...['    journal-content: none', '    zonefile-load: whole', '    zonefile-sync: -1', '    semantic-checks: off'],
      ...['zone:', ...zones, ''],
    ];
    writeFileSync(file, lines.join('\n'));
    return { program: 'knotd', words: ['-c', file] };
  };
}

const nsd: Contestant['command'] = ({ servedFiles }, { address }, folder) => {
  const file = join(folder, 'nsd.conf');
  const zones = servedFiles.flatMap(({ name, file: zone }) => ['zone:', `  name: "${name}"`, `  zonefile: "${zone}"`]);
  const lines = [
    ...[
      'server:',
      `  ip-address: ${address}@${PORT}`,
      '  do-ip6: no',
      '  username: ""',
      '  chroot: ""',
      '  database: ""',
    ],
    ...[`  zonesdir: "${folder}"`, `  pidfile: "${folder}/nsd.pid"`, `  xfrdfile: "${folder}/xfrd.state"`],
    ...[
      `  xfrdir: "${folder}"`,
      `  zonelistfile: "${folder}/zone.list"`,
      '  server-count: 1',
      '  ipv4-edns-size: 1232',
    ],
    ...['  rrl-ratelimit: 1000000000', '  rrl-whitelist-ratelimit: 1000000000', '  minimal-responses: yes'],
    ...['remote-control:', '  control-enable: no', ...zones, ''],
  ];
  writeFileSync(file, lines.join('\n'));
  return { program: 'nsd', words: ['-d', '-c', file] };
};

const CONTESTANTS: readonly Contestant[] = [
  { id: 'waxseal-mmsg', label: 'waxseal, recvmmsg', command: waxseal('mmsg') },
  { id: 'waxseal-xdp', label: 'waxseal, AF_XDP native', command: waxseal('xdp') },
  { id: 'waxseal-xdp-generic', label: 'waxseal, AF_XDP generic', isGeneric: true, command: waxseal('xdp') },
  { id: 'knot', label: 'Knot DNS', command: knot(false) },
  { id: 'knot-xdp', label: 'Knot DNS, AF_XDP', command: knot(true) },
  { id: 'nsd', label: 'NSD', command: nsd },
];
/** Those that the others are compared with. */
const COMPARED = ['waxseal-mmsg', 'knot', 'nsd', 'knot-xdp'] as const;

interface Running extends Contestant {
  readonly daemon: Daemon;
  readonly pair: Pair;
  /** By round. */
  readonly runs: Run[];
}

interface Bench {
  readonly cores: { readonly server: number; readonly generator: number };
  readonly program: string;
  readonly work: string;
  readonly queries: string;
}

function inSpace(space: string, script: string): string {
  return execFileSync('ip', ['netns', 'exec', space, 'sh', '-c', script], { encoding: 'utf8' });
}

function makePair(at: number, isGeneric: boolean, { server, generator }: Bench['cores']): Pair {
  const [device, peer] = [`srv${at}`, `cli${at}`];
  const pair = { device, address: `10.53.${at}.1`, source: `10.53.${at}.2` };
  const queues = ['numrxqueues', 1, 'numtxqueues', 1];
  ip(
    '-n',
    SPACES.server,
    'link',
    'add',
    device,
    ...queues,
    'type',
    'veth',
    'peer',
    'name',
    peer,
    'netns',
    SPACES.client,
    ...queues,
  );
  for (const [space, name, address, core] of [
    [SPACES.server, device, pair.address, server],
    [SPACES.client, peer, pair.source, generator],
  ] as const) {
    ip('-n', space, 'addr', 'add', `${address}/24`, 'dev', name);
    if (isGeneric) ip('-n', space, 'link', 'set', name, 'mtu', MTU_WITHOUT_NATIVE);
    ip('-n', space, 'link', 'set', name, 'up');
    inSpace(space, `echo ${(1 << core).toString(16)} > /sys/class/net/${name}/queues/rx-0/rps_cpus`);
  }
  return pair;
}

/** The thread that receives for the interface, on the server's core: veth has one while a program is attached. */
function threadNapi({ device }: Pair, core: number): readonly number[] {
  // Without a program it has nothing that could be a thread.
  inSpace(SPACES.server, `{ echo 1 > /sys/class/net/${device}/threaded; } 2> /dev/null || true`);
  const pids = readdirSync('/proc').filter((each) => /^\d+$/.test(each) && nameOf(each).startsWith(`napi/${device}-`));
  for (const pid of pids) pin(Number(pid), String(core));
  return pids.map(Number);
}

function nameOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'latin1');
  } catch {
    return '';
  }
}

async function start(prepared: Prepared, each: Contestant, at: number, bench: Bench): Promise<Running> {
  const pair = makePair(at, each.isGeneric === true, bench.cores);
  const folder = mkdtempSync(join(bench.work, `${each.id}-`));
  const { program, words, environment = {} } = each.command(prepared, pair, folder);
  const inside = ['netns', 'exec', SPACES.server, program, ...words];
  const daemon = new Daemon(PORT, {
    program: 'ip',
    words: inside,
    cores: String(bench.cores.server),
    folder,
    environment,
  });
  const running = { ...each, daemon, pair, runs: [] };
  for (let look = 0; ; look++) {
    const run = await measure(bench, running, { seconds: 0.05, warmupSeconds: 0.05 }).catch(() => undefined);
    if (run !== undefined && run.noerror > 0.3) break;
    if (look > START_TRIES_MAX || !daemon.isRunning) throw new Error(`${each.label} does not answer\n${daemon.log()}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  // Knot pins its workers by itself.
  for (const pid of daemon.pids()) pin(pid, String(bench.cores.server));
  const said = daemon.log().match(/.*XDP.*/g) ?? [];
  say([`${each.label} answers`, ...said].join('\n  '));
  daemon.pause();
  return running;
}

type Length = Pick<typeof LOAD, 'seconds' | 'warmupSeconds'> & { readonly seed?: number };

async function measure(bench: Bench, { daemon, pair }: Running, load: Length): Promise<Run> {
  daemon.resume();
  const napi = threadNapi(pair, bench.cores.server);
  const way = { address: pair.address, source: pair.source, prefix: ['ip', 'netns', 'exec', SPACES.client] };
  const pids = [...daemon.pids(), ...napi];
  return loadServer(bench.program, bench.cores, PORT, pids, { ...LOAD, queries: bench.queries, ...load }, way);
}

/** All rounds, each beginning with another contestant; only the measured one runs. */
async function measureAll(bench: Bench, all: readonly Running[], rounds: number, seconds: number): Promise<void> {
  for (const each of all) {
    await measure(bench, each, { seconds: 0.1, warmupSeconds: FIRST_WARMUP_SECONDS });
    each.daemon.pause();
  }
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < all.length; turn++) {
      const each = all[(turn + round) % all.length]!;
      each.runs.push(await measure(bench, each, { seconds, warmupSeconds: WARMUP_SECONDS, seed: 1 + round }));
      each.daemon.pause();
    }
  }
}

/** One row for each: medians with quartiles, and ratios made round by round. */
function formatRows(all: readonly Running[], isOwn: boolean): string {
  const timeUs = (of: Running | undefined) => of?.runs.map((run) => (isOwn ? run.ownUs : run.coreUs)) ?? [];
  const coreUs = (of: Running) => of.runs.map((run) => run.coreUs);
  const find = (id: string) => all.find((each) => each.id === id);
  const heads = [
    'core time µs',
    'own µs',
    'q/s',
    'busy',
    ...COMPARED.map((id) => `${isOwn ? 'own ' : ''}÷ ${find(id)?.label ?? id}`),
  ];
  const rows = all.map((each) => {
    const { median, low, high } = spreadOf(coreUs(each));
    const middle = (of: (run: Run) => number) => spreadOf(each.runs.map(of)).median;
    const cells = [
      `${median.toFixed(2)} [${low.toFixed(2)}–${high.toFixed(2)}]`,
      middle(({ ownUs }) => ownUs).toFixed(2),
      `${Math.round(middle(({ queriesPerSecond }) => queriesPerSecond) / 1000)}k`,
      middle(({ busy }) => busy).toFixed(2),
      ...COMPARED.map((id) => ratioOf(timeUs(each), timeUs(find(id))).median.toFixed(2)),
    ];
    return `| ${each.label} | ${cells.join(' | ')} |`;
  });
  return [`| | ${heads.join(' | ')} |`, `|---|${heads.map(() => '--:').join('|')}|`, ...rows, ''].join('\n');
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      names: { type: 'string', default: '100000' },
      rounds: { type: 'string', default: '7' },
      seconds: { type: 'string', default: '1' },
      // Ratios of the servers' own time: where others use the core too.
      own: { type: 'boolean', default: false },
      nice: { type: 'string', default: '0' },
      work: { type: 'string' },
    },
  });
  if (values.nice !== '0') prioritise(process.pid, Number(values.nice));
  const work = values.work ?? mkdtempSync(join(tmpdir(), 'waxseal-bench-xdp-'));
  mkdirSync(work, { recursive: true });
  const running = mkdtempSync(join(work, 'run-'));
  const cores = chooseCores(undefined, undefined);
  for (const space of Object.values(SPACES)) {
    ip('netns', 'add', space);
    ip('-n', space, 'link', 'set', 'lo', 'up');
  }
  process.once('exit', () => {
    for (const space of Object.values(SPACES)) spawnSync('ip', ['netns', 'del', space]);
    rmSync(values.work === undefined ? work : running, { recursive: true, force: true, maxRetries: 3 });
  });
  say(`servers and their receive work on core ${cores.server}, the client on core ${cores.generator}`);
  say(`${versionLine('knotd', ['--version'])}; ${versionLine('nsd', ['-v'], /NSD version .*/)}`);
  const program = compileGenerator(running);
  const set = namesSet(Number(values.names));
  let pairs = 0;
  for (const signed of [false, true]) {
    const prepared = await prepare(set, signed, work, say);
    const queries = join(running, `${signed}.queries`);
    writeQueries(queries, QUERIES, (random) => set.mix(random), seededRandom(SEED), signed);
    const bench: Bench = { cores, work: running, program, queries };
    const all: Running[] = [];
    try {
      for (const each of CONTESTANTS) all.push(await start(prepared, each, pairs++, bench));
      await measureAll(bench, all, Number(values.rounds), Number(values.seconds));
      process.stdout.write(
        `\n${set.title}, ${signed ? 'signed, DO' : 'unsigned'}, mixed questions\n\n${formatRows(all, values.own)}`,
      );
    } finally {
      for (const each of all) await each.daemon.stop();
    }
  }
}

await main();

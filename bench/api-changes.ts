/**
 * Changes, lists and searches by API: waxseal beside PowerDNS with its LMDB store, unsigned zones, in one run of interleaved rounds.
 * Both answer when the change is on disk (LMDB's flush). PowerDNS has its caches off, or it would answer from before the
 * change; its REST requests are the same ones that waxseal takes below `/v1`. The searches are PowerDNS's request to both,
 * by name and by content; below `/v1` the name is found by its key, and the content page by page.
 * Use: node bench/api-changes.ts [--quick] [--looks] [--zones=N]      needs pdns_server with the LMDB backend (npm run bench installs it)
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ask, hasAnswer, signedQuery } from './dns-probe.ts';
import { processTree } from './cores.ts';
import { quantile, spreadOf } from './statistics.ts';
import { quietPort, startServer } from '../test/support/running-server.ts';

const IS_QUICK = process.argv.includes('--quick');
/** Only lists and searches. */
const ONLY_LOOKS = process.argv.includes('--looks');
const ROUNDS = ONLY_LOOKS ? 0 : IS_QUICK ? 1 : 3;
const SECONDS = IS_QUICK ? 0.5 : 1.5;
const BATCH = 100;
const AT_ONCE = 8;
const SERVED = IS_QUICK ? 20 : 100;
const MANY_ZONES = Number(
  process.argv.find((word) => word.startsWith('--zones='))?.slice(8) ?? (IS_QUICK ? 200 : 10_000),
);
const LISTS = IS_QUICK ? 2 : 10;
const TYPE_A = 1;
/** Ticks of /proc/PID/stat in a second. */
const TICKS = 100;

interface Subject {
  readonly name: string;
  readonly dnsPort: number;
  readonly pid: number;
  /** Sets A records at new names of a zone, in one request. */
  set(zone: number, names: readonly string[], wait?: boolean): Promise<void>;
  addZone(name: string): Promise<void>;
  /** Sets one A record. */
  setAt(record: { readonly zone: string; readonly label: string; readonly address: string }): Promise<void>;
  /** Reads the names of all zones; how many there are. */
  listZones(): Promise<number>;
  /** The same as PowerDNS's own request; how many records were found. */
  searchData(text: string, kind: 'zone' | 'record'): Promise<number>;
  /** In the API of its own, where it has another one. */
  readonly search?: (what: 'name' | 'q', text: string) => Promise<number>;
  stop(): Promise<void>;
}

type Call = (method: string, path: string, body?: unknown) => Promise<string>;

/** Where requests go. */
type Target = { readonly socketPath: string } | { readonly host: string; readonly port: number };

/** Requests over connections that stay open. */
function caller(target: Target, headers: Readonly<Record<string, string>> = {}): { call: Call; close: () => void } {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const call: Call = (method, path, body) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const text = body === undefined ? '' : JSON.stringify(body);
    const length = { 'content-length': Buffer.byteLength(text), 'content-type': 'application/json' };
    const sent = request({ ...target, method, path, agent, headers: { ...headers, ...length } }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.once('end', () => {
        const said = Buffer.concat(parts).toString();
        if (answer.statusCode! < 300) resolve(said);
        else reject(new Error(`${method} ${path}: ${answer.statusCode} ${said.slice(0, 300)}`));
      });
    });
    sent.once('error', reject);
    sent.end(text);
    return promise;
  };
  return { call, close: () => agent.destroy() };
}

/** Of a search of PowerDNS's API. */
async function searchData(call: Call, text: string, kind: 'zone' | 'record'): Promise<number> {
  const query = `q=${text}&max=100&object_type=${kind}`;
  return (JSON.parse(await call('GET', `/api/v1/servers/localhost/search-data?${query}`)) as []).length;
}

async function startWaxseal(): Promise<Subject> {
  const server = await startServer({ workers: 1 });
  // The administrator's socket has no limit of requests, and PowerDNS has none either.
  const { call: overSocket, close } = caller({ socketPath: join(server.directory, 'admin.sock') });
  return {
    name: 'waxseal',
    dnsPort: server.port,
    pid: server.child.pid!,
    addZone: async (name) => {
      await overSocket('POST', '/v1/zones', { name, dnssec: 'off', nameservers: ['ns.example.net.'] });
    },
    set: async (zone, names, wait = false) => {
      const operations = names.map((name) => ({ op: 'set', name, type: 'A', ttl: 60, records: ['192.0.2.1'] }));
      await overSocket('PATCH', `/v1/zones/z${zone}.example/rrsets${wait ? '?wait=served' : ''}`, operations);
    },
    setAt: async ({ zone, label, address }) => {
      const operation = { op: 'set', name: label, type: 'A', ttl: 60, records: [address] };
      await overSocket('PATCH', `/v1/zones/${zone}/rrsets`, [operation]);
    },
    listZones: async () => {
      let count = 0;
      for (let cursor = ''; ;) {
        const page = JSON.parse(await overSocket('GET', `/v1/zones?limit=1000${cursor}`)) as {
          zones: [];
          next?: string;
        };
        count += page.zones.length;
        if (page.next === undefined) return count;
        cursor = `&cursor=${encodeURIComponent(page.next)}`;
      }
    },
    searchData: (text, kind) => searchData(overSocket, text, kind),
    search: async (what, text) => {
      let count = 0;
      for (let cursor = ''; ;) {
        const said = await overSocket('GET', `/v1/search?${what}=${text}&limit=100${cursor}`);
        const page = JSON.parse(said) as { rrsets: []; next?: string };
        count += page.rrsets.length;
        if (page.next === undefined) return count;
        cursor = `&cursor=${encodeURIComponent(page.next)}`;
      }
    },
    stop: async () => {
      close();
      await server.stop();
    },
  };
}

async function startPowerdns(): Promise<Subject> {
  const folder = mkdtempSync(join(tmpdir(), 'waxseal-bench-pdns-'));
  const [dnsPort, apiPort] = [await quietPort(), await quietPort()];
  const settings = {
    launch: 'lmdb',
    'lmdb-filename': join(folder, 'db'),
    'local-address': '127.0.0.1',
    'local-port': dnsPort,
    'socket-dir': folder,
    guardian: 'no',
    daemon: 'no',
    api: 'yes',
    'api-key': 'bench',
    webserver: 'yes',
    'webserver-address': '127.0.0.1',
    'webserver-port': apiPort,
    'webserver-loglevel': 'none',
    'disable-syslog': 'yes',
    'zone-cache-refresh-interval': 0,
    'cache-ttl': 0,
    'query-cache-ttl': 0,
    'negquery-cache-ttl': 0,
  };
  writeFileSync(
    join(folder, 'pdns.conf'),
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` };
  const child: ChildProcess = spawn('pdns_server', [`--config-dir=${folder}`], { env, stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => void child.once('exit', () => resolve()));
  process.once('exit', () => child.kill('SIGKILL'));
  const { call, close } = caller({ host: '127.0.0.1', port: apiPort }, { 'x-api-key': 'bench' });
  for (let tries = 0; ; tries++) {
    const isUp = await call('GET', '/api/v1/servers/localhost').then(
      () => true,
      () => false,
    );
    if (isUp) break;
    if (tries > 100) throw new Error('PowerDNS does not start');
    await delay(100);
  }
  const zones = '/api/v1/servers/localhost/zones';
  return {
    name: 'PowerDNS',
    dnsPort,
    pid: child.pid!,
    addZone: async (name) => {
      await call('POST', zones, { name: `${name}.`, kind: 'Native', nameservers: ['ns.example.net.'] });
    },
    set: async (zone, names) => {
      const rrsets = names.map((name) => ({
        name: `${name}.z${zone}.example.`,
        type: 'A',
        ttl: 60,
        changetype: 'REPLACE',
        records: [{ content: '192.0.2.1', disabled: false }],
      }));
      await call('PATCH', `${zones}/z${zone}.example.`, { rrsets });
    },
    setAt: async ({ zone, label, address }) => {
      const records = [{ content: address, disabled: false }];
      const rrset = { name: `${label}.${zone}.`, type: 'A', ttl: 60, changetype: 'REPLACE', records };
      await call('PATCH', `${zones}/${zone}.`, { rrsets: [rrset] });
    },
    listZones: async () => (JSON.parse(await call('GET', `${zones}?dnssec=false`)) as []).length,
    searchData: (text, kind) => searchData(call, text, kind),
    stop: async () => {
      close();
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

let names = 0;
const newNames = (count: number): string[] => Array.from({ length: count }, () => `n${names++}`);

/** Seconds of processor time of a process and its children. */
function cpuSeconds(pid: number): number {
  const ticks = processTree(pid).flatMap((each) => {
    try {
      const fields = readFileSync(`/proc/${each}/stat`, 'utf8').split(') ')[1]!.split(' ');
      return [Number(fields[11]) + Number(fields[12])];
    } catch {
      return [];
    }
  });
  return ticks.reduce((sum, each) => sum + each, 0) / TICKS;
}

interface Rate {
  readonly perSecond: number;
  /** Milliseconds of processor time for each. */
  readonly cpuMs: number;
}

/** Clients that each send the next change when the last one is answered, one zone for each. */
async function changeRate(subject: Subject, clients: number, batch: number): Promise<Rate> {
  const startedMs = performance.now();
  const cpuBefore = cpuSeconds(subject.pid);
  const untilMs = startedMs + SECONDS * 1000;
  let count = 0;
  const client = async (zone: number): Promise<void> => {
    while (performance.now() < untilMs) {
      await subject.set(zone, newNames(batch));
      count += batch;
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, zone) => client(zone)));
  const seconds = (performance.now() - startedMs) / 1000;
  return { perSecond: count / seconds, cpuMs: ((cpuSeconds(subject.pid) - cpuBefore) * 1000) / count };
}

/** Milliseconds from a request to the first DNS answer that has the change. */
async function servedMs(subject: Subject): Promise<number[]> {
  const took: number[] = [];
  for (let each = 0; each < SERVED; each++) {
    const [name = ''] = newNames(1);
    const query = signedQuery(`${name}.z0.example`, TYPE_A);
    const startedMs = performance.now();
    await subject.set(0, [name], true);
    while (!hasAnswer(await ask(subject.dnsPort, query, 200))) await delay(0);
    took.push(performance.now() - startedMs);
  }
  return took;
}

/** In one zone of many, in the middle of their order. */
const NEEDLE = { zone: `z${Math.floor(MANY_ZONES / 2)}.example`, label: 'needle', address: '198.51.100.77' };

/** What is read over all zones, and how many there must be at least. */
const LOOKS: readonly (readonly [string, (subject: Subject) => Promise<number> | undefined, number])[] = [
  [`list of ${MANY_ZONES} zones`, (subject) => subject.listZones(), MANY_ZONES],
  ['search-data for a zone', (subject) => subject.searchData(NEEDLE.zone, 'zone'), 1],
  ['search-data for a name', (subject) => subject.searchData(`${NEEDLE.label}.${NEEDLE.zone}`, 'record'), 1],
  ['search-data for an address', (subject) => subject.searchData(NEEDLE.address, 'record'), 1],
  ['/v1/search at or below a name', (subject) => subject.search?.('name', `${NEEDLE.label}.${NEEDLE.zone}`), 1],
  ['/v1/search for an address', (subject) => subject.search?.('q', NEEDLE.address), 1],
];

/** Milliseconds of each look; none where a server cannot, or does not find what is there (PowerDNS's LMDB has no search for records). */
async function lookMs(subject: Subject): Promise<Map<string, number>> {
  const took = new Map<string, number>();
  for (const [what, look, least] of LOOKS) {
    const startedMs = performance.now();
    const count = await look(subject);
    if (count !== undefined && count >= least) took.set(what, performance.now() - startedMs);
  }
  return took;
}

const SCENARIOS: readonly (readonly [string, number, number])[] = [
  ['single changes, one client', 1, 1],
  [`changes in batches of ${BATCH}, one client`, 1, BATCH],
  [`single changes, ${AT_ONCE} zones at once`, AT_ONCE, 1],
];

const subjects = [await startWaxseal(), await startPowerdns()];
try {
  for (const subject of subjects) for (let zone = 0; zone < AT_ONCE; zone++) await subject.addZone(`z${zone}.example`);
  // What is compiled while it runs is not what is measured.
  for (const subject of ONLY_LOOKS ? [] : subjects) await changeRate(subject, AT_ONCE, 1);
  const rates = new Map<string, Rate[]>();
  const served = new Map<string, number[]>();
  for (let round = 0; round < ROUNDS; round++)
    for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
      for (const [what, clients, batch] of SCENARIOS) {
        const key = `${subject.name} ${what}`;
        rates.set(key, [...(rates.get(key) ?? []), await changeRate(subject, clients, batch)]);
      }
      served.set(subject.name, [...(served.get(subject.name) ?? []), ...(await servedMs(subject))]);
    }
  for (const subject of subjects)
    for (let zone = AT_ONCE; zone < MANY_ZONES; zone += AT_ONCE)
      await Promise.all(Array.from({ length: AT_ONCE }, (_, at) => subject.addZone(`z${zone + at}.example`)));
  for (const subject of subjects) await subject.setAt(NEEDLE);
  const looks = new Map<string, number[]>();
  for (let round = 0; round < LISTS; round++)
    for (const subject of round % 2 === 0 ? subjects : subjects.toReversed())
      for (const [what, ms] of await lookMs(subject)) {
        const key = `${subject.name} ${what}`;
        looks.set(key, [...(looks.get(key) ?? []), ms]);
      }
  report(rates, served, looks);
} finally {
  for (const subject of subjects) await subject.stop();
}

function report(
  rates: ReadonlyMap<string, readonly Rate[]>,
  served: ReadonlyMap<string, readonly number[]>,
  looks: ReadonlyMap<string, readonly number[]>,
): void {
  const rows: [string, string, string][] = [];
  const row = (what: string, of: (name: string) => string) => void rows.push([what, of('waxseal'), of('PowerDNS')]);
  for (const [what] of ONLY_LOOKS ? [] : SCENARIOS) {
    const of = (name: string) => rates.get(`${name} ${what}`)!;
    row(`${what}: a second`, (name) => spreadOf(of(name).map(({ perSecond }) => perSecond)).median.toFixed(0));
    row(`${what}: CPU of each`, (name) => `${spreadOf(of(name).map(({ cpuMs }) => cpuMs)).median.toFixed(2)} ms`);
  }
  for (const [what, share] of ONLY_LOOKS
    ? []
    : ([
        ['median', 0.5],
        ['p99', 0.99],
      ] as const))
    row(`request to served, ${what}`, (name) => `${quantile(served.get(name)!, share).toFixed(1)} ms`);
  for (const [what] of LOOKS)
    row(`${what}, median`, (name) => {
      const took = looks.get(`${name} ${what}`);
      return took === undefined ? '–' : `${quantile(took, 0.5).toFixed(1)} ms`;
    });
  const lines = rows.map(([what, ours, theirs]) => `| ${what} | ${ours} | ${theirs} |`);
  const head = `${availableParallelism()} cores, Node ${process.version}, ${ROUNDS} rounds of ${SECONDS} s\n`;
  process.stdout.write(`${head}| | waxseal | PowerDNS, LMDB |\n|---|---:|---:|\n${lines.join('\n')}\n`);
  const results = join(import.meta.dirname, 'results');
  mkdirSync(results, { recursive: true });
  if (IS_QUICK || ONLY_LOOKS) return;
  const values = { at: new Date().toISOString(), rows };
  writeFileSync(join(results, 'api-changes.json'), `${JSON.stringify(values, undefined, 1)}\n`);
}

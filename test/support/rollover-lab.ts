/**
 * A world for rollovers with times of seconds: `example.` signed by ldns and served by two NSDs as the parent, one of which lags, and two
 * validating unbounds that know the parent's key alone: one keeps what it gets for all of its TTL, one keeps nothing.
 * Not here: the zones below, and who rolls their keys.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { unboundHead } from './peer-configs.ts';
import { dig } from './dig.ts';
import { type Endpoint } from './exchange.ts';
import { quietPort } from './running-server.ts';
import { toolPath } from './tools.ts';

/** TTL of DS records. */
const DS_TTL = 2;
/** The second server of the parent has a change so much later. */
const LAG_MS = 2000;

export interface RolloverLab {
  readonly parents: readonly [Endpoint, Endpoint];
  /** `warm` caches, `cold` does not. */
  readonly resolvers: { readonly warm: Endpoint; readonly cold: Endpoint };
  /** DNSKEY line of the parent. */
  readonly anchor: string;
  /** The parent's zone as its first server has it now, signed. */
  parentText(): string;
  /** The parent's DS records of one zone from now on; the second server has them later. */
  setDs(zone: string, ds: readonly string[]): void;
  /** The second server of the parent does not answer for so long. */
  fail(ms: number): Promise<void>;
  stop(): Promise<void>;
}

/** `zones`: below `example.`, with last dots, all served by `child`. */
export async function startRolloverLab(child: Endpoint, zones: readonly string[]): Promise<RolloverLab> {
  const folder = mkdtempSync(join(tmpdir(), 'waxseal-rollover-lab-'));
  const processes: ChildProcess[] = [];
  const run = (program: string, words: readonly string[]): ChildProcess => {
    const started = spawn(toolPath(program), words, { stdio: 'ignore' });
    processes.push(started);
    return started;
  };
  const [first, second, warmPort, coldPort] = [await quietPort(), await quietPort(), await quietPort(), await quietPort()];
  execFileSync(toolPath('ldns-keygen'), ['-a', 'ECDSAP256SHA256', '-k', 'example.'], { cwd: folder });
  const key = readdirSync(folder)
    .find((each) => each.endsWith('.key'))!
    .slice(0, -'.key'.length);
  const ds = new Map<string, readonly string[]>();
  let serial = 0;
  const sign = (): void => {
    serial++;
    const soa = `example. 60 IN SOA ns.example. host.example. ${serial} 3600 600 86400 2\nexample. 60 IN NS ns.example.\nns.example. 60 IN A 127.0.0.1\n`;
    const below = zones.map((zone) => {
      const records = (ds.get(zone) ?? []).map((each) => `${zone} ${DS_TTL} IN DS ${each}\n`).join('');
      return `${zone} 60 IN NS ns.${zone}\nns.${zone} 60 IN A 127.0.0.1\n${records}`;
    });
    writeFileSync(join(folder, 'plain'), soa + below.join(''));
    execFileSync(toolPath('ldns-signzone'), ['-f', join(folder, 'signed'), '-o', 'example.', join(folder, 'plain'), key], { cwd: folder });
    copyFileSync(join(folder, 'signed'), join(folder, 'new'));
  };
  const serve = (name: string): void => {
    copyFileSync(join(folder, 'new'), join(folder, `${name}.tmp`));
    renameSync(join(folder, `${name}.tmp`), join(folder, `${name}.zone`));
  };
  sign();
  const [parentA, parentB] = (['a', 'b'] as const).map((name, at) => {
    serve(name);
    const port = [first, second][at]!;
    writeFileSync(join(folder, `${name}.conf`), nsdText(folder, name, port));
    return { process: run('nsd', ['-d', '-c', join(folder, `${name}.conf`)]), endpoint: { name, address: '127.0.0.1', port } };
  }) as [{ process: ChildProcess; endpoint: Endpoint }, { process: ChildProcess; endpoint: Endpoint }];
  const anchor = readFileSync(join(folder, `${key}.key`), 'utf8').trim();
  const parents = [parentA.endpoint, parentB.endpoint] as const;
  const resolver = (name: string, port: number, isCold: boolean): Endpoint => {
    writeFileSync(join(folder, `${name}.conf`), unboundText({ folder, port, anchor, zones, child, parents, isCold }));
    run('unbound', ['-d', '-c', join(folder, `${name}.conf`)]);
    return { name, address: '127.0.0.1', port };
  };
  const resolvers = { warm: resolver('warm', warmPort, false), cold: resolver('cold', coldPort, true) };
  for (const each of parents) await answers(each, 'example.');
  for (const each of Object.values(resolvers)) await answers(each, 'example.');
  const timers = new Set<NodeJS.Timeout>();
  return {
    parents,
    resolvers,
    anchor,
    parentText: () => readFileSync(join(folder, 'a.zone'), 'utf8'),
    setDs(zone, records) {
      ds.set(zone, records);
      sign();
      serve('a');
      parentA.process.kill('SIGHUP');
      const timer = setTimeout(() => {
        timers.delete(timer);
        serve('b');
        parentB.process.kill('SIGHUP');
      }, LAG_MS);
      timers.add(timer);
    },
    async fail(ms) {
      // All of its processes: NSD answers from children.
      const group = childrenOf(parentB.process.pid!);
      for (const pid of group) process.kill(pid, 'SIGSTOP');
      await delay(ms);
      for (const pid of group) process.kill(pid, 'SIGCONT');
    },
    async stop() {
      timers.forEach((each) => clearTimeout(each));
      const ended = processes.map((each) => new Promise((resolve) => void each.once('exit', resolve)));
      for (const each of processes) each.kill('SIGTERM');
      await Promise.race([Promise.all(ended), delay(3000)]);
      for (const each of processes) if (each.exitCode === null) each.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function nsdText(folder: string, name: string, port: number): string {
  const files = `pidfile: ""\n  xfrdfile: "${folder}/${name}.xfrd"\n  xfrdir: "${folder}"\n  zonelistfile: "${folder}/${name}.list"`;
  return `server:\n  ip-address: 127.0.0.1@${port}\n  username: ""\n  chroot: ""\n  zonesdir: "${folder}"\n  database: ""\n  ${files}\n  server-count: 1\nremote-control:\n  control-enable: no\nzone:\n  name: example.\n  zonefile: ${name}.zone\n`;
}

interface UnboundOptions {
  readonly folder: string;
  readonly port: number;
  readonly anchor: string;
  readonly zones: readonly string[];
  readonly child: Endpoint;
  readonly parents: readonly Endpoint[];
  readonly isCold: boolean;
}

function unboundText({ folder, port, anchor, zones, child, parents, isCold }: UnboundOptions): string {
  const stub = (name: string, servers: readonly Endpoint[]): string =>
    `stub-zone:\n  name: "${name}"\n${servers.map((each) => `  stub-addr: ${each.address}@${each.port}\n`).join('')}`;
  return `${unboundHead(folder, `127.0.0.1@${port}`)}  prefetch: no
  ${isCold ? 'cache-max-ttl: 0\n  cache-max-negative-ttl: 0' : 'cache-min-ttl: 0'}
  val-bogus-ttl: 1
  infra-host-ttl: 1
  trust-anchor: "${anchor}"
remote-control:
  control-enable: no
${stub('example.', parents)}${zones.map((each) => stub(each, [child])).join('')}`;
}

function childrenOf(pid: number): number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  const children = readFileSync(file, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  return [pid, ...children.flatMap(childrenOf)];
}

async function answers(at: Endpoint, zone: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if ((await dig(at, [zone, 'SOA', '+tries=1', '+time=1', '+recurse'])).status === 'NOERROR') return;
    await delay(50);
  }
  throw new Error(`${at.name} does not answer for ${zone}`);
}

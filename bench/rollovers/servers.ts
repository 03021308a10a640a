/**
 * waxseal and Knot DNS with zones that each has a KSK and a ZSK, ECDSA P-256, NSEC, and the same waits: TTL of DNSKEY 2 s, propagation 1 s.
 * Not here: what is measured (large.ts, many.ts).
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../test/support/peers.ts';
import { AdminClient } from '../admin-client.ts';
import { ADDRESS, Daemon } from '../daemon.ts';
import { isSignedAnswer } from '../dns-probe.ts';
import { waxsealEnvironment, waxsealWords } from '../peers/waxseal-command.ts';
import { encodeQuery } from '../queries.ts';

/** What both wait before a new ZSK signs: TTL of DNSKEY and propagation. */
export const WAIT_MS = 3000;
const LIMIT_MS = 900_000;
const IMPORTS_AT_ONCE = 4;

export interface BenchZone {
  /** Without the last dot. */
  readonly name: string;
  /** A zone file. */
  readonly text: string;
}

export interface Roller {
  readonly name: string;
  readonly daemon: Daemon;
  /** Orders a rollover of the zone's ZSK. */
  roll(zone: string): Promise<void>;
  stop(): Promise<void>;
}

export interface Place {
  readonly folder: string;
  /** In the form of taskset. */
  readonly cores: string;
}

export type StartRoller = (zones: readonly BenchZone[], place: Place) => Promise<Roller>;

/** Starts it with the zones, and waits until all are signed. */
export async function startWaxseal(zones: readonly BenchZone[], { folder: above, cores }: Place): Promise<Roller> {
  const folder = mkdtempSync(join(above, 'waxseal-'));
  const data = join(folder, 'data');
  const port = await freePort();
  const { program, words } = waxsealWords({ data, port, udp: 'mmsg', workers: 1 });
  const environment = waxsealEnvironment(join(folder, 'kek'));
  const daemon = new Daemon(port, { program, words, cores, folder, environment });
  const api = new AdminClient(data);
  const stop = async (): Promise<void> => {
    api.close();
    await daemon.stop();
  };
  try {
    await api.ready();
    const policy = { keys: 'ksk+zsk', keyTtlSeconds: 2, propagationSeconds: 1 };
    await api.call('PATCH', '/v1/dnssec/policies/default', JSON.stringify(policy));
    const waiting = [...zones];
    const importSome = async (): Promise<void> => {
      for (let zone = waiting.shift(); zone !== undefined; zone = waiting.shift())
        await api.call('PUT', `/v1/zones/${zone.name}/zonefile`, zone.text, 'text/dns');
    };
    await Promise.all(Array.from({ length: IMPORTS_AT_ONCE }, importSome));
    await allSigned(daemon, zones);
  } catch (error) {
    await stop();
    throw error;
  }
  const order = JSON.stringify({ role: 'zsk' });
  return {
    name: 'waxseal',
    daemon,
    roll: async (zone) => void (await api.call('POST', `/v1/zones/${zone}/dnssec/roll`, order)),
    stop,
  };
}

/** The same. Its journal keeps changes, as waxseal's does. */
export async function startKnot(zones: readonly BenchZone[], { folder: above, cores }: Place): Promise<Roller> {
  const folder = mkdtempSync(join(above, 'knot-'));
  const port = await freePort();
  mkdirSync(join(folder, 'db'));
  for (const { name, text } of zones) writeFileSync(join(folder, `${name}.zone`), text);
  writeFileSync(join(folder, 'knot.conf'), knotText(folder, port, zones));
  const daemon = new Daemon(port, { program: 'knotd', words: ['-c', join(folder, 'knot.conf')], cores, folder });
  try {
    await allSigned(daemon, zones);
  } catch (error) {
    await daemon.stop();
    throw error;
  }
  return {
    name: 'Knot',
    daemon,
    async roll(zone) {
      const words = ['-s', join(folder, 'knot.sock'), 'zone-key-rollover', zone, 'zsk'];
      const { status, stderr } = spawnSync('knotc', words, { encoding: 'utf8' });
      if (status !== 0) throw new Error(`knotc zone-key-rollover ${zone}: ${stderr}`);
      await Promise.resolve();
    },
    stop: () => daemon.stop(),
  };
}

async function allSigned(daemon: Daemon, zones: readonly BenchZone[]): Promise<void> {
  for (const { name } of zones) await daemon.ready(encodeQuery({ name, type: 'SOA' }, true), LIMIT_MS, isSignedAnswer);
  // What goes on after the first signed answer: journals, checks.
  await delay(1000);
}

function knotText(folder: string, port: number, zones: readonly BenchZone[]): string {
  return `server:
  rundir: "${folder}"
  pidfile: "${folder}/knot.pid"
  listen: ${ADDRESS}@${port}
  udp-workers: 1
  udp-max-payload: 1232
log:
  - target: stderr
    any: error
control:
  listen: "${folder}/knot.sock"
database:
  storage: "${folder}/db"
policy:
  - id: p
    algorithm: ecdsap256sha256
    nsec3: off
    dnskey-ttl: 2
    propagation-delay: 1
    zsk-lifetime: 0
    ksk-lifetime: 0
    signing-threads: ${availableParallelism()}
template:
  - id: default
    storage: "${folder}"
    dnssec-signing: on
    dnssec-policy: p
    zonefile-load: whole
    zonefile-sync: -1
    journal-content: changes
zone:
${zones.map(({ name }) => `  - domain: "${name}"\n    file: "${folder}/${name}.zone"\n`).join('')}`;
}

/** Many host names: what each costs the policy host in memory, and how soon a new one is served. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Spread, spreadOf } from '../statistics.ts';
import { type Waxseal, addZone, fetchBody, residentKib } from './servers.ts';

/** Zones that are put in at once; handshakes at once. */
const AT_ONCE = 8;
const LOOK_EVERY_MS = 4;
const LIMIT_MS = 60_000;

export interface ManyHosts {
  readonly hosts: number;
  readonly kibBefore: number;
  /** After each host was asked for once. */
  readonly kibAfter: number;
  /** Of those in memory at once; `base/limits/https.ts` bounds their number. */
  readonly contexts: number;
  /** From the certificate in the store, as the API shows it, to the first answer with it. */
  readonly servedMs: Spread;
  /** From the policy that was put in, its certificate not yet made, to the first answer. */
  readonly wholeMs: Spread;
}

const zoneOf = (at: number): string => `zone-${at}.bench`;
const hostOf = (zone: string): string => `mta-sts.${zone}`;

/** `fresh`: new hosts that are waited for, one after the other. */
export async function measureManyHosts(server: Waxseal, hosts: number, fresh: number, say: (text: string) => void): Promise<ManyHosts> {
  const startedMs = performance.now();
  await forEach(hosts, async (at) => {
    await addZone(server.api, zoneOf(at));
    if ((at + 1) % 1000 === 0) say(`${at + 1} zones after ${((performance.now() - startedMs) / 1000).toFixed(0)} s`);
  });
  // The last one has its certificate when all have.
  for (const at of [hosts - 1, 0]) await until(async () => (await fetchBody(server.httpsPort, hostOf(zoneOf(at)))) !== undefined);
  await delay(1000);
  const kibBefore = residentKib(server.pid());
  let missing = 0;
  await forEach(hosts, async (at) => {
    const body = await fetchBody(server.httpsPort, hostOf(zoneOf(at)));
    if (body?.includes(`mx: mx1.${zoneOf(at)}`) !== true) missing += 1;
  });
  if (missing > 0) throw new Error(`${missing} of ${hosts} hosts were not served`);
  await delay(1500);
  const kibAfter = residentKib(server.pid());
  const contexts = Number(/^waxseal_https_contexts (\d+)/m.exec(await server.api.call('GET', '/metrics'))?.[1] ?? NaN);
  const [servedMs, wholeMs]: [number[], number[]] = [[], []];
  for (let each = 0; each < fresh; each++) {
    const zone = `new-${each}.bench`;
    const beganMs = performance.now();
    await addZone(server.api, zone);
    const stored = until(async () => (await server.api.call('GET', `/v1/zones/${zone}/certificates`)).includes('"notAfter"'));
    const served = until(async () => (await fetchBody(server.httpsPort, hostOf(zone))) !== undefined);
    const [storedMs, endMs] = await Promise.all([stored, served]);
    servedMs.push(Math.max(0, endMs - storedMs));
    wholeMs.push(endMs - beganMs);
  }
  return { hosts, kibBefore, kibAfter, contexts, servedMs: spreadOf(servedMs), wholeMs: spreadOf(wholeMs) };
}

/** The time at which it was first true, in the clock of `performance`. */
async function until(isTrue: () => Promise<boolean>): Promise<number> {
  for (const startedMs = performance.now(); ; await delay(LOOK_EVERY_MS)) {
    if (await isTrue()) return performance.now();
    if (performance.now() - startedMs > LIMIT_MS) throw new Error('a new host is not served after a minute');
  }
}

async function forEach(count: number, work: (at: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

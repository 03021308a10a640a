/**
 * Certificates on the real server, with Debian's pebble as CA that validates through our own DNS: half of all calls fail for a while, nonces are
 * rejected, validations sleep, and each process is killed on the way.
 * Not here: renewal information, profiles and lies, which pebble 2.4 cannot do (test/control/certificate/).
 */
import { execFileSync } from 'node:child_process';
import { X509Certificate, randomInt } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, truncateSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type TLSSocket, connect } from 'node:tls';
import { dataFile, dataFileUse } from '#store/data-file.ts';
import { openReader } from '#store/reader.ts';
import { verifyStore } from '#store/verify.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Pebble } from '../support/acme/pebble.ts';
import { RunningServer, quietPort } from '../support/running-server.ts';

const ZONES = ['post.test', 'mail.test'];
const HOSTS = ZONES.flatMap((zone) => Array.from({ length: 20 }, (_, at) => ({ zone, host: `h${at}.${zone}` })));
const FAILING = 0.6;
/** Long enough for every step of an order to meet faults; after it, waits that have doubled a few times come to their end. */
const FAULTS_MS = 5_000;
const LIMIT_MS = 200_000;
const DISK_BYTES = 192 * 1024 * 1024;

const zoneText = (zone: string) => `$TTL 60
@ SOA ns1 host 1 3600 600 86400 1
@ NS ns1
@ CAA 0 issue "pebble.example"
ns1 A 127.0.0.1
www.${zone}. A 192.0.2.1
`;

interface Listed {
  readonly host: string;
  readonly stage: string;
  readonly serial?: string;
  readonly coming?: string;
  readonly problem?: Readonly<Record<'code' | 'message', string> & Partial<Record<'fix' | 'nextTry', string>>>;
}

const KILLED = ['control', 'answer', 'policyHost', 'supervisor'] as const;
/** Between two deaths: a server that has been started again is at work on its orders. */
const KILL_AFTER_MS = [300, 1500] as const;

const zoneOf = (host: string) => ZONES.find((zone) => host.endsWith(zone))!;

let pebble: Pebble;
let server: RunningServer;

beforeAll(async () => {
  const [dns, admin, https] = [await quietPort(), await quietPort(), await quietPort()];
  pebble = await Pebble.start({ dns: `127.0.0.1:${dns}`, failing: FAILING, rejectedNonces: 15, sleepSeconds: 1 });
  const config = `[acme]
directories = ["${pebble.directory}"]
contacts = ["mailto:hostmaster@post.test"]
terms_agreed = true
ca_file = "${pebble.rootFile}"
[mail]
resolvers = ["127.0.0.1:${dns}"]
`;
  const folder = mkdtempSync(join(tmpdir(), 'waxseal-acme-'));
  server = new RunningServer(folder, { dns, admin, https }, { config, workers: 1 });
  // A disk of its own, which can be full.
  mkdirSync(server.directory, { mode: 0o700 });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', server.directory]);
  await server.start();
  for (const zone of ZONES) {
    const made = await server.api('PUT', `/v1/zones/${zone}/zonefile?parent=ignore&wait=served`, zoneText(zone), 'text/dns');
    if (!made.ok) throw new Error(await made.text());
  }
});

afterAll(async () => {
  await server?.terminate();
  execFileSync('umount', ['--lazy', server.directory]);
  await server.stop();
  await pebble?.stop();
});

async function list(): Promise<Listed[]> {
  const answers = await Promise.all(ZONES.map((zone) => server.api('GET', `/v1/zones/${zone}/certificates`).catch(() => undefined)));
  const bodies = await Promise.all(answers.map(async (each) => (each?.ok === true ? await each.json() : undefined)));
  return bodies.flatMap((each) => (each as { certificates: Listed[] } | undefined)?.certificates ?? []);
}

/** Waits until every host has a certificate that `isNew` takes, and nothing is on its way. */
async function allDone(isNew: (each: Listed) => boolean): Promise<Listed[]> {
  let listed: Listed[] = [];
  const isDone = await server.eventually(async () => {
    await delay(200);
    listed = await list();
    await orderRejected(listed);
    return listed.length === HOSTS.length && listed.every((each) => each.stage === 'in-use' && each.coming === undefined && isNew(each));
  }, LIMIT_MS);
  const left = listed.filter((each) => each.stage !== 'in-use' || each.coming !== undefined || !isNew(each));
  if (!isDone) throw new Error(`not done: ${JSON.stringify(left, null, 1)}\n${server.log().slice(-3000)}`);
  return listed;
}

/** Calls fail for FAULTS_MS and until there were many, then no more; how many were asked and failed in that time. */
async function faults(): Promise<{ readonly asked: number; readonly failed: number }> {
  const before = { ...pebble.count };
  pebble.failing = FAILING;
  await delay(FAULTS_MS);
  await server.eventually(() => pebble.count.asked - before.asked > 3 * HOSTS.length, LIMIT_MS);
  pebble.failing = 0;
  return { asked: pebble.count.asked - before.asked, failed: pebble.count.failed - before.failed };
}

/** A command, again until the control process that may be dead is back. */
async function order(zone: string, host: string): Promise<void> {
  const isTaken = await server.eventually(async () => {
    const answer = await server.api('POST', `/v1/zones/${zone}/certificates/${host}/renew`, '{}').catch(() => undefined);
    return answer?.ok === true;
  }, 60_000);
  if (!isTaken) throw new Error(`no order for ${host}`);
}

/** Each of these processes dies once, in any order, at any moment of the orders under way. */
async function killEach(roles: readonly (typeof KILLED)[number][]): Promise<void> {
  for (const role of roles.toSorted(() => randomInt(3) - 1)) {
    await delay(randomInt(...KILL_AFTER_MS));
    if (role === 'supervisor') {
      if (!(await server.killSupervisor())) throw new Error(`processes outlive it\n${server.log().slice(-3000)}`);
      await server.start();
    } else {
      const isThere = await server.eventually(() => server.pids()[role] !== undefined, 60_000);
      if (!isThere) throw new Error(`no ${role} process`);
      await server.killChild(role);
      await server.ready();
    }
  }
}

/** The CA looked for a challenge while no process answered: it rejects the order, and the operator asks for another. */
async function orderRejected(listed: readonly Listed[]): Promise<void> {
  for (const { host, problem } of listed) {
    const waitMs = Date.parse(problem?.nextTry ?? '') - Date.now();
    if (waitMs > 60_000) await order(zoneOf(host), host);
  }
}

/** Number of the certificate that the policy host shows for the host, verified under pebble's root. */
async function shownSerial(host: string, ca: string): Promise<string> {
  const socket = await new Promise<TLSSocket>((resolve, reject) => {
    const options = { host: '127.0.0.1', port: server.httpsPort, servername: host, ca, timeout: 10_000 };
    const tried: TLSSocket = connect(options, () => resolve(tried));
    tried.once('error', reject).once('timeout', () => tried.destroy(new Error(`no handshake for ${host}`)));
  });
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber.toLowerCase();
}

/** What is listed is what is served. */
async function expectServed(listed: readonly Listed[]): Promise<void> {
  const root = await pebble.issuingRoot();
  const expectShown = async ({ host, serial }: Listed) => {
    const isShown = () =>
      shownSerial(host, root).then(
        (shown) => shown === serial,
        () => false,
      );
    expect({ host, isShown: await server.eventually(isShown, 60_000) }).toEqual({ host, isShown: true });
  };
  await Promise.all(listed.map(expectShown));
}

describe('pebble, half of all calls failing', () => {
  test('40 hosts are issued certificates through our own DNS, each process being killed on the way', async () => {
    const faulty = faults();
    const killing = killEach(KILLED);
    await Promise.all(HOSTS.map(({ zone, host }) => order(zone, host)));
    await killing;
    const listed = await allDone(() => true);
    await expectServed(listed);
    const chainOf = async ({ host, serial }: Listed) => {
      const zone = zoneOf(host);
      const answer = await server.api('GET', `/v1/zones/${zone}/certificates/${host}`);
      const { chain } = (await answer.json()) as { chain: string };
      const [own, ...others] = chain.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g)!.map((each) => new X509Certificate(each));
      expect(own!.checkHost(host, { subject: 'never' })).toBe(host);
      expect(own!.serialNumber.toLowerCase()).toBe(serial);
      expect(others.length).toBeGreaterThan(0);
    };
    await Promise.all(listed.map(chainOf));
    const { asked, failed } = await faulty;
    expect(asked).toBeGreaterThan(HOSTS.length);
    expect(failed / asked).toBeGreaterThan(0.35);
  });

  test('all of them are renewed, and the certificates in use stay until then', async () => {
    const before = new Map((await list()).map(({ host, serial }) => [host, serial]));
    const faulty = faults();
    await Promise.all(HOSTS.map(({ zone, host }) => order(zone, host)));
    expect((await list()).every(({ stage }) => stage === 'in-use')).toBe(true);
    await killEach(['control', 'policyHost']);
    await expectServed(await allDone(({ host, serial }) => serial !== before.get(host)));
    const { asked, failed } = await faulty;
    expect(failed / asked).toBeGreaterThan(0.35);
  });

  test('each host had one order at a time: each certificate was finalized once', () => {
    const finalized = pebble.passed.filter(({ payload }) => payload.includes('"csr"')).map(({ path }) => path);
    const orders = new Set(finalized);
    // One for the first certificate and one for the renewal of each host; no order that was left was ever continued.
    expect(orders.size).toBe(2 * HOSTS.length);
  });

  test('never two orders at once: once there is a next one for a host, no earlier one is touched any more', () => {
    const latest = new Map<string, string>();
    const hostOf = new Map<string, string>();
    const faulty: string[] = [];
    for (const { path, payload, made } of pebble.passed) {
      const host = /"identifiers":\[\{[^}]*"value":"([^"]+)"/.exec(payload)?.[1];
      if (host !== undefined && made !== undefined) {
        hostOf.set(made, host);
        latest.set(host, made);
      }
      const id = /^\/(?:my-order|finalize-order)\/([^/]+)$/.exec(path)?.[1];
      const touched = id === undefined ? undefined : `/my-order/${id}`;
      const owner = touched === undefined ? undefined : hostOf.get(touched);
      if (owner === undefined || latest.get(owner) === touched) continue;
      faulty.push(`${owner}: ${path} after ${latest.get(owner)}`);
    }
    expect(latest.size).toBe(HOSTS.length);
    expect(faulty).toEqual([]);
  });

  test('no challenge is left in any zone, and one account was made', async () => {
    for (const zone of ZONES) {
      const text = await (await server.api('GET', `/v1/zones/${zone}/zonefile`)).text();
      expect(text).not.toContain('_acme-challenge');
    }
    const accounts = pebble.passed.filter(({ payload }) => payload.includes('termsOfServiceAgreed'));
    expect(accounts.length).toBeGreaterThan(0);
    expect(server.log()).not.toMatch(/PRIVATE KEY|uncaught/i);
  });
});

test('the command line shows what there is', async () => {
  const [all, shown, alone, renewed, nothing] = await Promise.all([
    server.cli('cert', 'list', 'post.test'),
    server.cli('cert', 'show', 'post.test', 'h0.post.test'),
    server.cli('cert', 'show', 'h0.post.test'),
    server.cli('cert', 'renew', 'post.test', 'h0.post.test', '--dry-run'),
    server.cli('cert', 'show', 'post.test', 'nothing.post.test'),
  ]);
  expect(all.exit).toBe(0);
  expect(all.out).toMatch(/^HOST +STAGE +FROM +UNTIL +RENEWAL +PROBLEM\nh0\.post\.test +in-use +acme /);
  expect(shown.out).toContain('h0.post.test has a certificate from a CA (CN=Pebble Intermediate CA');
  expect(alone.out).toBe(shown.out);
  expect([renewed.exit, renewed.err]).toEqual([0, '']);
  expect(nothing.exit).toBe(3);
});

/** No octet is left, nor the room that the store has in its file for some rounds of upkeep. Returns what is in the way. */
function fillDisk(): string {
  const storeDir = join(server.directory, 'store');
  truncateSync(dataFile(storeDir), dataFileUse(storeDir).usedBytes);
  const path = join(server.directory, 'in-the-way');
  const file = openSync(path, 'w');
  try {
    for (let bytes = 1024 * 1024; bytes >= 4096;) {
      try {
        if (writeSync(file, Buffer.alloc(bytes)) < bytes) bytes /= 2;
      } catch {
        bytes /= 2;
      }
    }
  } finally {
    closeSync(file);
  }
  return path;
}

test('a full disk while a certificate is installed: the old one is served, and what is wrong is told', async () => {
  const { zone, host } = HOSTS[0]!;
  const before = (await list()).find((each) => each.host === host)!;
  const orders = pebble.ordersFor(host);
  pebble.held = /^\/certZ\//;
  await order(zone, host);
  expect(await server.eventually(() => pebble.waiting > 0, 60_000)).toBe(true);
  const inTheWay = fillDisk();
  pebble.held = undefined;
  const shown = async () => (await list()).find((each) => each.host === host)!;
  expect(await server.eventually(async () => (await shown()).problem?.code === 'STORE_FULL', 60_000)).toBe(true);
  const { stage, serial, coming, problem } = await shown();
  expect({ stage, serial, coming }).toEqual({ stage: 'in-use', serial: before.serial, coming: 'visible' });
  expect(problem!.message).toMatch(/there is no room under .*Nothing was changed/);
  expect(problem!.fix).toMatch(/^make room on that file system; it is tried again by itself, and at once with: /);
  expect(Math.abs(Date.parse(problem!.nextTry!) - Date.now())).toBeLessThan(61_000);
  await expectServed([before]);
  const words = (await server.cli('cert', 'show', zone, host)).out;
  expect(words).toContain('there is no room under');
  expect(words).toContain('tried again 20');
  // Nor is anything else taken, and it is said why.
  const other = HOSTS[1]!;
  const refused = await server.cli('cert', 'renew', zone, other.host);
  expect(refused).toMatchObject({ exit: 1, err: expect.stringContaining('STORE_FULL') });
  expect(pebble.ordersFor(host)).toBe(orders + 1);
  rmSync(inTheWay);
  // On a slow machine its own next try may have come first: an order by hand would then be for one more.
  if ((await shown()).serial === before.serial) await order(zone, host);
  await expectServed(await allDone((each) => each.host !== host || each.serial !== before.serial));
});

test('nothing is half installed: the store is whole, and no key of an order is left in it', async () => {
  expect(await server.terminate()).toBe(0);
  const reader = openReader(join(server.directory, 'store'));
  try {
    expect(verifyStore(reader).problems).toEqual([]);
    const zones = new Map(reader.zones().map(({ name, id }) => [name, id]));
    for (const { zone, host } of HOSTS) {
      const left = reader.sealedSecret(zones.get(`${zone}.`)!, `acme-order/${host}`);
      expect({ host, left }).toEqual({ host, left: undefined });
    }
  } finally {
    await reader.close();
  }
});

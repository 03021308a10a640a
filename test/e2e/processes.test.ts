/**
 * The processes under bad treatment: killed in part or whole, drained under load, configured badly, started twice. What the issue promises:
 * no zone data is lost, DNS goes on without the control process, an acknowledged change is on disk, a served change is served everywhere.
 */
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KeyRing } from '#control/signing/keys.ts';
import { readKek } from '#store/kek.ts';
import { openReader } from '#store/reader.ts';
import { createSealer } from '#store/seal.ts';
import { verifyStore } from '#store/verify.ts';
import { dnssecVerify } from '../support/dig.ts';
import { TcpClient, framed } from '../support/dns-client.ts';
import { exchangeTcp, exchangeUdp } from '../support/exchange.ts';
import { Ledger } from '../support/ledger.ts';
import { QueryLoad } from '../support/query-load.ts';
import { seededRandom, seedOfRun } from '../support/random.ts';
import { type RunningServer, isAlive, quietPort, runWaxseal, startServer } from '../support/running-server.ts';
import { good } from '../support/temporary-control.ts';
import { exportSigned, putZones } from '../support/waxseal.ts';
import { buildQuery, parseMessage } from '../support/wire.ts';

const ZONE = 'work.test.';
const TEXT = `$TTL 3600
@ SOA ns host 1 3600 600 86400 300
@ NS ns
ns A 192.0.2.1
www A 192.0.2.2
`;
const WWW = buildQuery({ name: `www.${ZONE}`, type: 'A', edns: { size: 1232, dnssecOk: true } });
const EVERY_MS = 5;
/** Answers after which a load of queries is under way. */
const UNDER_WAY = 20;
/** A query that waits longer has seen a gap. On a busy machine a process may not run for a while. */
const ANSWER_MS_MAX = 1000;
/**
 * Resolvers ask again for this long before they give a client an error (BIND's resolver-query-timeout; Unbound asks for longer): a server that
 * is back by then has failed nobody. How soon it really is back is measured by `npm run bench`.
 */
const RESOLVER_PATIENCE_MS = 10_000;

/** The answer to one question, as lines; undefined without an answer in time. */
async function answerOf(server: RunningServer, query = WWW, timeoutMs = 2000): Promise<string[] | undefined> {
  const [reply] = await exchangeUdp(server, [query], { timeoutMs, attempts: 1 });
  return reply === undefined ? undefined : parseMessage(reply).answer.map(({ owner, type, rdata }) => `${owner} ${type} ${rdata}`);
}

describe('one process dies', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer({ workers: 2 });
    await putZones(server, [{ name: ZONE, text: TEXT }], 'on');
  });
  afterAll(async () => {
    await server.stop();
  });

  test('control: every query is answered as before, control comes back with the zone, and changes are served again', async () => {
    const before = await answerOf(server);
    expect(before).toHaveLength(2);
    const load = new QueryLoad(server, WWW, EVERY_MS);
    expect(await server.eventually(() => load.answered > UNDER_WAY)).toBe(true);
    const pid = await server.killChild('control');
    expect(server.pids().answer).toBeDefined();
    expect(await server.eventually(() => server.pids().control !== undefined)).toBe(true);
    expect(server.pids().control).not.toBe(pid);
    await server.ready();
    const report = await load.stop();
    expect(report.unanswered).toEqual([]);
    expect(report.sent).toBeGreaterThan(50);
    expect(report.slowestMs).toBeLessThan(ANSWER_MS_MAX);
    expect(await answerOf(server)).toEqual(before);
    const change = await server.api('PUT', `/v1/zones/${ZONE}/rrsets/after/A?wait=served`, '{"ttl":60,"records":["192.0.2.3"]}');
    expect(change.status).toBe(201);
    expect(await answerOf(server, buildQuery({ name: `after.${ZONE}`, type: 'A' }))).toEqual([`after.${ZONE} A c0000203`]);
  });

  test('answer: back before a resolver gives up, with the same zone; control did not notice', async () => {
    const before = await answerOf(server);
    const control = server.pids().control;
    await server.killChild('answer');
    const isBack = await server.eventually(async () => (await answerOf(server, WWW, 50)) !== undefined, RESOLVER_PATIENCE_MS);
    expect(isBack).toBe(true);
    expect(await answerOf(server)).toEqual(before);
    expect(server.pids().control).toBe(control);
    // Ready means every socket: UDP may be heard before TCP.
    await server.ready();
    expect((await exchangeTcp(server, [WWW])).every((reply) => reply !== undefined)).toBe(true);
    const change = await server.api('PUT', `/v1/zones/${ZONE}/rrsets/again/A?wait=served`, '{"ttl":60,"records":["192.0.2.4"]}');
    expect(await change.json()).toMatchObject({ served: true });
    expect(await answerOf(server, buildQuery({ name: `again.${ZONE}`, type: 'A' }))).toEqual([`again.${ZONE} A c0000204`]);
  });

  test('the supervisor: both children end by themselves, and a new one can start at once', async () => {
    const { control, answer } = server.pids();
    server.child.kill('SIGKILL');
    const gone = await server.eventually(() => [control, answer].every((pid) => !isAlive(pid!)));
    expect(gone).toBe(true);
    await server.killAll();
    await server.start();
    expect(await answerOf(server)).toHaveLength(2);
  });
});

describe('everything is killed while changes are written', () => {
  const KILLS = 9;
  /** On a busy machine there are fewer, but each kind at least once. */
  const TIME_MS = 30_000;

  /** In turn: control alone, both children, everything. The supervisor brings children back; without it the test does. */
  async function killInTurn(server: RunningServer, turn: number): Promise<void> {
    if (turn % 3 === 0) {
      await server.killAll();
      server.launch();
    } else
      await Promise.all((turn % 3 === 1 ? (['control'] as const) : (['control', 'answer'] as const)).map((role) => server.killChild(role)));
  }

  /** With the server's last words when it does not come. */
  async function expectSoon(server: RunningServer, what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    if (!(await server.eventually(holds, 25_000))) throw new Error(`not within 25 s: ${what}\n${server.log().slice(-3000)}`);
  }

  async function killAgainAndAgain(
    server: RunningServer,
    pauses: () => number,
  ): Promise<{ readonly ledger: Ledger; readonly kills: number }> {
    await putZones(server, [{ name: ZONE, text: TEXT }], 'on');
    const ledger = new Ledger(server, ZONE);
    const until = performance.now() + TIME_MS;
    let kills = 0;
    while (kills < KILLS && (kills < 3 || performance.now() < until)) {
      kills++;
      let isOver = false;
      const before = ledger.acknowledged;
      const writers = Array.from({ length: 3 }, () => ledger.write(() => isOver));
      await expectSoon(server, 'a change is acknowledged', () => ledger.acknowledged > before);
      await delay(pauses());
      await killInTurn(server, kills);
      isOver = true;
      await Promise.all(writers);
      await expectSoon(server, 'the last acknowledged serial is served', async () => (await ledger.servedSerial()) >= ledger.serial);
      expect(await ledger.wrongNames()).toEqual([]);
      // TCP may be heard before UDP.
      await expectSoon(server, 'UDP answers', async () => (await answerOf(server, WWW, 200))?.length === 2);
    }
    return { ledger, kills };
  }

  test(`every acknowledged change is there after up to ${2 * KILLS} kills, and the stores are whole`, { timeout: 120_000 }, async () => {
    const servers: RunningServer[] = [];
    const seed = seedOfRun('WAXSEAL_KILL_SEED');
    try {
      for (let each = 0; each < 2; each++) servers.push(await startServer());
      const outcomes = await Promise.allSettled(
        servers.map((server, at) => {
          const random = seededRandom(seed + at);
          return killAgainAndAgain(server, () => (at === 0 ? 5 : 100) + random() * 200);
        }),
      );
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
      const results = outcomes.filter((outcome) => outcome.status === 'fulfilled').map(({ value }) => value);
      for (const [at, server] of servers.entries()) {
        const { ledger, kills } = results[at]!;
        expect(kills).toBeGreaterThanOrEqual(3);
        expect(ledger.acknowledged).toBeGreaterThanOrEqual(kills);
        await server.ready();
        // The ledger notices a value that nobody acknowledged.
        await server.api('PUT', `/v1/zones/${ZONE}/rrsets/n0/TXT?wait=served`, '{"ttl":60,"records":["tampered"]}');
        expect(await ledger.wrongNames()).toHaveLength(1);
        const signed = await exportSigned(server, ZONE);
        expect(await dnssecVerify(ZONE, signed)).toMatchObject({ code: 0 });
        expect(await server.terminate()).toBe(0);
        const reader = openReader(join(server.directory, 'store'));
        expect(verifyStore(reader).problems).toEqual([]);
        await reader.close();
      }
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
    }
  });
});

describe('signals', () => {
  test('TERM under load: what was asked is answered, exit code 0, nothing is left', async () => {
    const server = await startServer({ workers: 2 });
    try {
      await putZones(server, [{ name: ZONE, text: TEXT }], 'on');
      const load = new QueryLoad(server, WWW, EVERY_MS);
      const client = await TcpClient.open({ ip: server.address, family: 4, port: server.port });
      expect(await server.eventually(() => load.answered > UNDER_WAY)).toBe(true);
      client.send(Buffer.concat(Array.from({ length: 200 }, () => framed(WWW))));
      expect(await client.receive(1)).toHaveLength(1);
      expect(await server.eventually(() => server.pids().policyHost !== undefined, 60_000)).toBe(true);
      const pids = Object.values(server.pids());
      const signalledAtMs = load.now();
      const [code, rest] = await Promise.all([server.terminate(), client.receive(199)]);
      expect(code).toBe(0);
      expect(rest).toHaveLength(199);
      expect(await client.ending()).toBe('end');
      const report = await load.stop(0);
      expect(report.sent - report.unanswered.length).toBeGreaterThan(20);
      expect(report.unanswered.filter((sentAtMs) => sentAtMs < signalledAtMs - 20)).toEqual([]);
      expect(pids.map((pid) => isAlive(pid!))).toEqual([false, false, false]);
      expect(server.log()).not.toContain('"level":"error"');
    } finally {
      await server.stop();
    }
  });

  test('HUP with a bad configuration: the running one stays, and it says what is wrong; with a good one: taken', async () => {
    const server = await startServer({ config: '[log]\nlevel = "info"\n' });
    try {
      await putZones(server, [{ name: ZONE, text: TEXT }], 'on');
      const { control, answer } = server.pids();
      const refusals = () => server.log().split('config.refused').length - 1;
      const refuse = async () => {
        const before = refusals();
        writeFileSync(server.configFile, '[log]\nlevel = "loud"\nlevle = "info"\n');
        server.child.kill('SIGHUP');
        expect(await server.eventually(() => refusals() > before)).toBe(true);
      };
      await refuse();
      expect(server.log()).toContain('log.level');
      expect(server.log()).toContain('levle');
      expect(await answerOf(server)).toHaveLength(2);
      // A change: reads are logged at level debug only.
      const change = () => server.api('PUT', `/v1/zones/${ZONE}/rrsets/logged/A`, '{"ttl":60,"records":["192.0.2.9"]}');
      await change();
      expect(await server.eventually(() => server.log().includes('/rrsets/logged/A'))).toBe(true);
      // A log level above info hides the message that it was taken: what shows is that a request is no longer logged before the next refusal.
      expect(
        await server.eventually(async () => {
          writeFileSync(server.configFile, '[log]\nlevel = "warn"\n[dns]\nworkers = 3\n');
          server.child.kill('SIGHUP');
          const before = server.log().length;
          await change();
          await refuse();
          return !server.log().slice(before).includes('/rrsets/logged/A');
        }),
      ).toBe(true);
      expect(server.pids()).toMatchObject({ control, answer });
    } finally {
      await server.stop();
    }
  });
});

describe('two servers', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer();
    await putZones(server, [{ name: ZONE, text: TEXT }], 'on');
  });
  afterAll(async () => {
    await server.stop();
  });

  async function second(change: (words: string[]) => string[], ...more: string[]) {
    return runWaxseal([...change(server.words()), ...more], { environment: server.environment, cwd: server.folder });
  }
  const at = (words: readonly string[], flag: string, value: string) =>
    words.map((word, index) => (words[index - 1] === flag ? value : word));

  test('the same data directory: refused, with who has it, and the first goes on', async () => {
    const [dns, admin] = [await quietPort(), await quietPort()];
    const { exit, err } = await second((words) => at(at(words, '--dns', `127.0.0.1:${dns}`), '--admin', `127.0.0.1:${admin}`));
    expect(err).toContain('[STORE_LOCKED]');
    expect(err).toMatch(new RegExp(`process ${server.child.pid} .*already serves the data in ${server.directory}`));
    // Not 78: when the other one stops, this one can start.
    expect(exit).toBe(4);
    expect(await answerOf(server)).toHaveLength(2);
    // The socket is still the first one's.
    expect((await server.cli('zone', 'list')).exit).toBe(0);
  });

  test('a DNS port that is taken: which one, and what to do; exit code of the catalogue', async () => {
    const { exit, err } = await second((words) => at(at(words, '--data', join(server.folder, 'other')), '--admin', 'off'));
    expect(err).toContain(`another program listens on UDP 127.0.0.1:${server.port}`);
    expect(err).toContain(`sport = :${server.port}`);
    expect(err).toContain('[ADDRESS_IN_USE]');
    expect(exit).toBe(4);
    expect(await answerOf(server)).toHaveLength(2);
  });

  test('a DNS port that is taken on TCP alone is found too', async () => {
    const taken = createServer();
    const port = await quietPort();
    await new Promise<void>((resolve) => void taken.listen(port, '127.0.0.1', resolve));
    const { exit, err } = await second((words) =>
      at(at(at(words, '--data', join(server.folder, 'other')), '--admin', 'off'), '--dns', `127.0.0.1:${port}`),
    );
    taken.close();
    expect(err).toContain(`another program listens on TCP 127.0.0.1:${port}`);
    expect(exit).toBe(4);
  });

  test('an admin port that is taken: which one, and what to do', async () => {
    const dns = await quietPort();
    const { exit, err } = await second((words) => at(at(words, '--data', join(server.folder, 'other')), '--dns', `127.0.0.1:${dns}`));
    expect(err).toContain(`127.0.0.1:${server.adminPort}`);
    expect(err).toContain('--admin');
    expect(err).toContain('[ADDRESS_IN_USE]');
    expect(exit).toBe(4);
  });
});

describe('a change with ?wait=served', () => {
  test.each(['mmsg', 'dgram'] as const)('is in the very next answer of every worker, over UDP (%s) and TCP', async (udp) => {
    const server = await startServer({ workers: 4, udp });
    try {
      await putZones(server, [{ name: ZONE, text: TEXT }], 'on');
      const question = buildQuery({ name: `counter.${ZONE}`, type: 'TXT' });
      const stale: string[] = [];
      for (let round = 1; round <= 25; round++) {
        const body = JSON.stringify({ ttl: 60, records: [`"${round}"`] });
        const change = await server.api('PUT', `/v1/zones/${ZONE}/rrsets/counter/TXT?wait=served`, body);
        expect(await change.json()).toMatchObject({ served: true, changed: true });
        // The kernel spreads sockets over the workers: of 24 ports, each of four workers gets one but in one of a thousand rounds.
        const exchanges = Array.from({ length: 24 }, (_, each) => (each < 16 ? exchangeUdp : exchangeTcp)(server, [question]));
        for (const [reply] of await Promise.all(exchanges)) {
          const [record] = parseMessage(reply!).answer;
          const text = record === undefined ? 'nothing' : Buffer.from(record.rdata, 'hex').toString('latin1', 1);
          if (text !== String(round)) stale.push(`round ${round}: ${text}`);
        }
      }
      expect(stale).toEqual([]);
      const status: { workers: { alive: boolean }[] } = JSON.parse(await (await server.api('GET', '/v1/status')).text());
      expect(status.workers.length).toBeGreaterThanOrEqual(4);
      expect(status.workers.every(({ alive }) => alive)).toBe(true);
    } finally {
      await server.stop();
    }
  });
});

describe('secrets', () => {
  let server: RunningServer;
  const answers: string[] = [];
  beforeAll(async () => {
    server = await startServer({ config: '[log]\nlevel = "trace"\n' });
    await putZones(server, [{ name: ZONE, text: TEXT }], 'on');
    const paths = [
      '/v1/zones',
      `/v1/zones/${ZONE}`,
      `/v1/zones/${ZONE}/dnssec`,
      `/v1/zones/${ZONE}/dnssec/ds`,
      `/v1/zones/${ZONE}/rrsets?signed=1`,
    ];
    paths.push(`/v1/zones/${ZONE}/zonefile?signed=1`, `/v1/zones/${ZONE}/changes`, '/v1/audit', '/v1/tokens', '/v1/status', '/metrics');
    for (const path of paths) {
      const answer = await server.api('GET', path);
      if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
      answers.push(await answer.text());
    }
  });
  afterAll(async () => {
    await server.stop();
  });

  test('no file of the data directory or the keys can be read or written by group or others', () => {
    const files = [server.directory, join(server.folder, 'keys')].flatMap((folder) => [
      folder,
      ...readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
    ]);
    expect(files.length).toBeGreaterThan(6);
    const loose = files.map((file) => `${(statSync(file).mode & 0o777).toString(8)} ${file}`).filter((line) => !/^[0-7]00 /.test(line));
    expect(loose).toEqual([]);
  });

  test('neither the signing key, the key-encryption key nor the token is in the log, the API’s answers or the store', async () => {
    const token = readFileSync(join(server.directory, 'admin.token'), 'utf8').trim();
    expect(await server.terminate()).toBe(0);
    const kek = good(readKek(server.kekFile));
    const reader = openReader(join(server.directory, 'store'));
    const ring = new KeyRing(
      createSealer(kek, () => new Uint8Array(12)),
      (zoneId, id) => reader.sealedSecret(zoneId, id),
    );
    const [signing] = ring.keysOf(reader.zones()[0]!);
    await reader.close();
    expect(signing!.secret).toHaveLength(32);
    const store = readdirSync(join(server.directory, 'store')).map((file) => readFileSync(join(server.directory, 'store', file)));
    const places = { log: [Buffer.from(server.log())], answers: answers.map((text) => Buffer.from(text)), store };
    const secrets = { signing: Buffer.from(signing!.secret), kek: Buffer.from(kek), token: Buffer.from(token) };
    const found: string[] = [];
    for (const [what, secret] of Object.entries(secrets))
      for (const [where, octets] of Object.entries(places))
        if (formsOf(secret).some((form) => octets.some((each) => each.includes(form)))) found.push(`${what} in ${where}`);
    expect(found).toEqual([]);
    // The search finds what is there: the public key is in the store and in the answers.
    const publicKey = Buffer.from(signing!.key.dnskey).subarray(4);
    for (const where of ['answers', 'store'] as const)
      expect(formsOf(publicKey).some((form) => places[where].some((each) => each.includes(form)))).toBe(true);
  });
});

/** Ways in which octets may be written. */
function formsOf(octets: Buffer): Buffer[] {
  const texts = [
    octets.toString('hex'),
    octets.toString('hex').toUpperCase(),
    octets.toString('base64').replace(/=+$/, ''),
    octets.toString('base64url'),
  ];
  return [octets, ...texts.map((text) => Buffer.from(text))];
}

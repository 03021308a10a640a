/**
 * RFC 7671 §8.1 as senders of mail meet it: Postfix's posttls-finger at level dane-only, behind a validating unbound with its cache, connects
 * all the time while the key of a real STARTTLS server changes by `cert deploy-hook`. At no moment does it fail; in a sabotaged order it does.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DaneSender, daneSender, ownLoopback } from '../support/mail/dane-sender.ts';
import { type StarttlsServer, starttlsServer } from '../support/mail/starttls-server.ts';
import { type Finished, type RunningServer, runWaxseal, startServer } from '../support/running-server.ts';
import { type Pair, type ThrowawayCa, throwawayCa } from '../support/throwaway-ca.ts';

const ZONE = 'dane.example';
const HOST = `mx1.${ZONE}`;
/** Of the records: all that is waited for is some of these. */
const TTL_SECONDS = 2;
const MX_ADDRESS = ownLoopback();
const SENDER_ADDRESS = ownLoopback();

let ca: ThrowawayCa;
let server: RunningServer;
let mx: StarttlsServer;
let sender: DaneSender;
/** The certificate that the mail server has. */
let deployed: Pair;
let token: string;

interface Listed {
  readonly records: readonly { readonly object: string; readonly stage: string; readonly record: string }[];
}

const listed = async () => (JSON.parse((await server.cli('tlsa', 'list', ZONE, '--json')).out) as Listed).records;
const stages = async () => (await listed()).map(({ stage }) => stage);
const use = (pair: Pair) => {
  deployed = pair;
  mx.present(pair);
};

beforeAll(async () => {
  ca = throwawayCa();
  deployed = ca.leaf([HOST]);
  const config = `[mail]\nresolvers = ["${SENDER_ADDRESS}:53"]\nprobe = false\nstarttls_probe = true\nprobe_networks = ["127.0.0.0/8"]\n`;
  server = await startServer({ workers: 1, config });
  mx = await starttlsServer(deployed, {}, { ip: MX_ADDRESS, port: 25 });
  const zone = `$TTL 60\n@ SOA ns1 host 1 3600 600 86400 1\n@ NS ns1\n@ MX 10 mx1\nns1 A 127.0.0.1\nmx1 A ${MX_ADDRESS}\n`;
  writeFileSync(join(server.folder, 'mx.pem'), deployed.cert);
  const policy = {
    ttl: { default: `${TTL_SECONDS}s` },
    dkim: { algorithms: [], signerLag: '1s' },
    mtaSts: { mode: 'off' },
    dane: { hosts: { mx1: { keys: [deployed.cert] } } },
  };
  const imported = await server.api('PUT', `/v1/zones/${ZONE}/zonefile`, zone, 'text/dns');
  if (!imported.ok) throw new Error(await imported.text());
  const applied = await server.api('PUT', `/v1/zones/${ZONE}/mail`, JSON.stringify(policy));
  if (!applied.ok) throw new Error(await applied.text());
  const { ds } = (await (await server.api('GET', `/v1/zones/${ZONE}/dnssec/ds`)).json()) as { ds: { record: string }[] };
  const making = server.cli('token', 'create', 'hook', '--scope', `zone:${ZONE}`);
  sender = await daneSender(SENDER_ADDRESS, { zone: ZONE, server, anchors: ds.map(({ record }) => record) });
  const made = await making;
  token = join(server.folder, 'hook.token');
  writeFileSync(token, made.out, { mode: 0o600 });
});
afterAll(async () => {
  await mx?.stop();
  await sender?.stop();
  await server?.stop();
  ca.remove();
});

/** The hook as an ACME client on another machine runs it: over TCP, with a token for the zone and nothing more. */
function hook(words: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Finished> {
  const address = ['--server', `http://127.0.0.1:${server.adminPort}`, '--token-file', token];
  return runWaxseal(['cert', 'deploy-hook', ...address, ...words], { cwd: server.folder, environment });
}

/** The lineage of certbot with `pair` in it. */
function lineage(pair: Pair): Record<string, string> {
  const folder = join(server.folder, 'live', HOST);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'fullchain.pem'), `${pair.cert}${ca.root}`);
  writeFileSync(join(folder, 'privkey.pem'), pair.key, { mode: 0o600 });
  return { RENEWED_LINEAGE: folder, RENEWED_DOMAINS: HOST };
}

/** `--then`: copies the lineage beside the mail server, which a test picks up; a real one is reloaded. */
const THEN = `cp live/${HOST}/fullchain.pem mx.pem.new && mv mx.pem.new mx.pem`;
const isInstalled = (pair: Pair) => readFileSync(join(server.folder, 'mx.pem'), 'utf8').startsWith(pair.cert);

/** What a reload of the mail server would do, as soon as the files are there. */
async function reloadWhenInstalled(pair: Pair): Promise<void> {
  if (await server.eventually(() => isInstalled(pair), 120_000)) use(pair);
}

/** Connects without a pause until `isDone`; what was seen when it was not verified. */
async function sendersAllTheTime(isDone: () => boolean): Promise<{ readonly looks: number; readonly failures: string[] }> {
  const failures: string[] = [];
  let looks = 0;
  for (; !isDone(); looks++) {
    const { isVerified, text } = await sender.look(HOST);
    if (!isVerified) failures.push(text);
    await delay(100);
  }
  return { looks, failures };
}

describe('RFC 7671 §8.1: a key change by cert deploy-hook', () => {
  test('before, during and after it, no sender fails; and at the end the record of the old key is gone', { timeout: 300_000 }, async () => {
    expect(await server.eventually(async () => (await sender.look(HOST)).isVerified, 60_000)).toBe(true);
    const next = ca.leaf([HOST]);
    let isDone = false;
    const senders = sendersAllTheTime(() => isDone);
    const environment = lineage(next);
    const early = await hook(['--then', THEN], environment);
    expect(early).toMatchObject({ exit: 7, err: expect.stringMatching(/not before 20\d\d-/) });
    expect(isInstalled(next)).toBe(false);
    const waiting = hook(['--wait', '5m', '--then', THEN], environment);
    const reloaded = reloadWhenInstalled(next);
    expect(await waiting).toMatchObject({ exit: 0, err: '' });
    await reloaded;
    expect(await server.eventually(async () => (await stages()).join() === 'current', 120_000)).toBe(true);
    await delay((TTL_SECONDS + 1) * 1000);
    isDone = true;
    const { looks, failures } = await senders;
    expect(failures).toEqual([]);
    expect(looks).toBeGreaterThan(20);
    expect(await server.cli('tlsa', 'list', ZONE, '--live')).toMatchObject({ exit: 0, err: '' });
  });

  test(
    'a hook that is killed at any point, and a control process too: the next run leads to the same end',
    { timeout: 300_000 },
    async () => {
      const next = ca.leaf([HOST]);
      const environment = lineage(next);
      let isDone = false;
      const senders = sendersAllTheTime(() => isDone);
      for (const afterMs of [300, 900, 1700]) {
        const address = ['--data', server.directory];
        const child = spawn(join(import.meta.dirname, '../../waxseal'), ['cert', 'deploy-hook', ...address, '--wait', '--then', 'exit 1'], {
          cwd: server.folder,
          env: { PATH: process.env['PATH'], ...environment },
          stdio: 'ignore',
        });
        await delay(afterMs);
        child.kill('SIGKILL');
        await new Promise((resolve) => (child.exitCode === null && child.signalCode === null ? child.once('exit', resolve) : resolve(0)));
      }
      await server.killChild('control');
      const waiting = hook(['--wait', '5m', '--then', THEN], environment);
      const reloaded = reloadWhenInstalled(next);
      expect(await waiting).toMatchObject({ exit: 0 });
      await reloaded;
      expect((await listed()).filter(({ stage }) => stage === 'current')).toHaveLength(1);
      expect(await server.eventually(async () => (await stages()).join() === 'current', 120_000)).toBe(true);
      isDone = true;
      expect((await senders).failures).toEqual([]);
    },
  );
});

describe('the judge can say no', () => {
  test(
    'a key that is used as soon as its record is published: senders with the old set in their cache fail',
    { timeout: 120_000 },
    async () => {
      const before = deployed;
      expect((await sender.look(HOST)).isVerified).toBe(true);
      const next = ca.leaf([HOST]);
      // The hook without its wait.
      const early = hook([], lineage(next));
      use(next);
      const endMs = performance.now() + 2500;
      const { failures } = await sendersAllTheTime(() => performance.now() > endMs);
      await early;
      expect(failures.length).toBeGreaterThan(0);
      expect(failures[0]).toMatch(/Untrusted|not trusted|not verified|unable|failed/i);
      use(before);
      expect(await server.cli('tlsa', 'abandon', ZONE, 'mx1', '--yes')).toMatchObject({ exit: 0 });
    },
  );

  test('a key without a record: senders fail, and tlsa list --live is exit code 6', { timeout: 120_000 }, async () => {
    const before = deployed;
    use(ca.leaf([HOST]));
    expect((await sender.look(HOST)).isVerified).toBe(false);
    expect(await server.cli('tlsa', 'list', ZONE, '--live')).toMatchObject({ exit: 6, out: expect.stringContaining('no-match: ') });
    use(before);
    expect(await server.eventually(async () => (await sender.look(HOST)).isVerified, 30_000)).toBe(true);
    expect(await server.cli('tlsa', 'list', ZONE, '--live')).toMatchObject({ exit: 0 });
  });
});

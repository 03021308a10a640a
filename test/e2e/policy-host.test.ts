/** The policy host as its users meet it: the real server, curl, openssl; and what its death or its absence means to DNS. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { QueryLoad } from '../support/query-load.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';
import { toolPath } from '../support/tools.ts';
import { buildQuery } from '../support/wire.ts';
import { dig } from '../support/dig.ts';

const ZONES = join(import.meta.dirname, '../../zones');
const HOST = 'mta-sts.meridian-post.example';
const PATH = '/.well-known/mta-sts.txt';
const BODY = [
  ...['version: STSv1', 'mode: testing', 'mx: mx1.meridian-post.example', 'mx: mx2.meridian-post.example', 'max_age: 86400', ''],
].join('\r\n');

const QUERY = buildQuery({ name: 'meridian-post.example.', type: 'MX', edns: { size: 1232, dnssecOk: true } });
const EVERY_MS = 5;

function curl(server: RunningServer, ...words: string[]): { readonly exit: number | null; readonly out: string } {
  const resolve = ['--resolve', `${HOST}:${server.httpsPort}:127.0.0.1`];
  const done = spawnSync(toolPath('curl'), ['-sk', '--max-time', '20', ...resolve, ...words], { encoding: 'latin1' });
  return { exit: done.status, out: done.stdout };
}
const url = (server: RunningServer, path = PATH) => `https://${HOST}:${server.httpsPort}${path}`;
/** A request, and whether the log has `text` after it. */
const asks = (server: RunningServer, text: string) => curl(server, url(server)).exit !== 0 && server.log().includes(text);
const isServing = (server: RunningServer) => server.eventually(() => curl(server, url(server)).out === BODY, 120_000);

/** The policy host is past the launcher, which has restricted it, and its own program has not begun. */
function isBeingConfined(server: RunningServer): boolean {
  const { pid } = server.child;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ');
  const words = children.map((each) => readFileSync(`/proc/${each}/cmdline`, 'latin1'));
  return words.some((each) => /\/confined\.(?:ts|js)\0[^\0]*"role":"policy-host"/.test(each));
}

describe('https.self_signed, as npm start sets it', () => {
  let server: RunningServer;
  beforeAll(async () => {
    // The screen is for people: in the log's form of a program there is none.
    const environment = { WAXSEAL_HTTPS__SELF_SIGNED: 'true', WAXSEAL_LOG__FORMAT: 'text' };
    server = await startServer({ zones: ZONES, environment });
  });
  afterAll(() => server?.stop());

  test("the line of the ready screen shows the example's policy", async () => {
    const line = () => /curl -k (--resolve \S+) (https:\S+)/.exec(server.log());
    expect(await server.eventually(() => line() !== null)).toBe(true);
    expect(await isServing(server)).toBe(true);
    const [, resolve = '', target = ''] = line()!;
    const shown = execFileSync(toolPath('curl'), ['-sk', ...resolve.split(' '), target], { encoding: 'latin1' });
    expect(shown).toBe(BODY);
  });

  test.each(['--http1.0 --no-alpn', '--http1.1', '--http2'])('curl %s: 200 and the octets of the body', (version) => {
    const { exit, out } = curl(server, ...version.split(' '), '-w', '%{http_code} %{content_type} %{num_redirects}', url(server));
    expect({ exit, out }).toEqual({ exit: 0, out: `${BODY}200 text/plain; charset=utf-8 0` });
  });

  test.each(['/', '/.well-known/mta-sts.txt/', '/.well-known//mta-sts.txt', '/.well-known/mta-sts.txt?x', '/healthz', '/favicon.ico'])(
    '%s is 404 without a body',
    (path) => {
      const { out } = curl(server, '--path-as-is', '-w', '%{http_code} %{size_download} %{redirect_url}', url(server, path));
      expect(out).toBe('404 0 ');
    },
  );

  test('openssl s_client: the host has its certificate, verified by itself as root; another host has none', () => {
    const client = (name: string) =>
      spawnSync(toolPath('openssl'), ['s_client', '-connect', `127.0.0.1:${server.httpsPort}`, '-servername', name, '-alpn', 'h2'], {
        input: '',
        encoding: 'latin1',
      });
    const good = client(HOST);
    expect(good.stdout).toContain(`subject=CN = ${HOST}`);
    expect(good.stdout).toContain('ALPN protocol: h2');
    expect(good.stdout).toContain('TLSv1.3');
    for (const name of ['mta-sts.example.com', 'meridian-post.example']) expect(client(name).stderr).toContain('handshake failure');
  });

  test('kill -9: it is back in a second or so, and DNS has answered all the while', async () => {
    expect(await isServing(server)).toBe(true);
    const load = new QueryLoad(server, QUERY, EVERY_MS);
    const before = await server.killChild('policyHost');
    const killedMs = performance.now();
    expect(await server.eventually(() => curl(server, url(server)).out === BODY, 60_000)).toBe(true);
    expect(performance.now() - killedMs).toBeLessThan(20_000);
    expect(server.pids().policyHost).not.toBe(before);
    const report = await load.stop(2_000);
    expect(report.sent).toBeGreaterThan(20);
    expect(report.unanswered).toEqual([]);
  });

  test('kill -9 of control: it serves on', async () => {
    await server.killChild('control');
    expect(curl(server, url(server)).out).toBe(BODY);
    await server.ready();
    expect(curl(server, url(server)).out).toBe(BODY);
  });

  test('/metrics counts its requests', async () => {
    curl(server, url(server));
    const text = async () => (await server.api('GET', '/metrics')).text();
    expect(await server.eventually(async () => /waxseal_https_requests_total\{status="200"\} [1-9]/.test(await text()))).toBe(true);
  });
});

describe('what stands in its way', () => {
  const answers = (server: RunningServer) => dig(server, ['meridian-post.example', 'MX']).then(({ status }) => status === 'NOERROR');

  test('a taken port: DNS and the API work, the log says who and how to find out, and it listens when the port is free', async () => {
    const server = await startServer({ zones: ZONES, environment: { WAXSEAL_HTTPS__SELF_SIGNED: 'true' } });
    try {
      expect(await isServing(server)).toBe(true);
      await server.terminate();
      const other = createServer();
      await new Promise<void>((resolve) => void other.listen(server.httpsPort, '127.0.0.1', resolve));
      await server.start();
      expect(await server.eventually(() => server.log().includes('https.listen-failed'), 120_000)).toBe(true);
      expect(server.log()).toContain('EADDRINUSE');
      expect(server.log()).toContain(`sport = :${server.httpsPort}`);
      expect(await answers(server)).toBe(true);
      await new Promise((resolve) => void other.close(resolve));
      expect(await isServing(server)).toBe(true);
    } finally {
      await server.stop();
    }
  });

  test('a key file that is gone, then open to others, then another: DNS works, the log says what, and what is put right is taken', async () => {
    const server = await startServer({ zones: ZONES, environment: { WAXSEAL_HTTPS__SELF_SIGNED: 'true' } });
    try {
      const keyFile = join(server.folder, 'keys', 'policy-host');
      expect(await isServing(server)).toBe(true);
      expect(statSync(keyFile).mode & 0o777).toBe(0o600);
      const key = readFileSync(keyFile);
      chmodSync(keyFile, 0o644);
      await server.killChild('policyHost');
      expect(await server.eventually(() => asks(server, 'HTTPS_KEY_PERMISSIONS'), 30_000)).toBe(true);
      expect(curl(server, url(server)).exit).not.toBe(0);
      expect(await answers(server)).toBe(true);
      chmodSync(keyFile, 0o600);
      expect(await isServing(server)).toBe(true);
      writeFileSync(keyFile, Buffer.alloc(32, 1));
      await server.killChild('policyHost');
      expect(await server.eventually(() => asks(server, 'SECRET_SEALED'), 120_000)).toBe(true);
      expect(await answers(server)).toBe(true);
      // Put back, the same process serves again, or a new one.
      writeFileSync(keyFile, key);
      await server.killChild('policyHost');
      expect(await isServing(server)).toBe(true);
      rmSync(keyFile);
      await server.killChild('policyHost');
      expect(await server.eventually(() => asks(server, 'HTTPS_KEY_FILE'), 120_000)).toBe(true);
      // Made when the next process is confined already and has not looked yet: the kernel keeps the file from it.
      expect(await server.eventually(() => server.pids().policyHost !== undefined, 60_000)).toBe(true);
      await server.killChild('policyHost');
      expect(await server.eventually(() => isBeingConfined(server), 30_000)).toBe(true);
      writeFileSync(keyFile, key, { mode: 0o600 });
      expect(await isServing(server)).toBe(true);
      expect(server.log()).toContain('https.key-replaced');
    } finally {
      await server.stop();
    }
  });
});

test('without https.self_signed the example has no certificate, and none is made', async () => {
  const server = await startServer({ zones: ZONES, config: '' });
  try {
    expect(await server.eventually(() => server.pids().policyHost !== undefined)).toBe(true);
    expect(await server.eventually(() => curl(server, `https://localhost:${server.httpsPort}/healthz`).out === 'ok\n', 120_000)).toBe(true);
    expect(curl(server, url(server)).exit).toBe(35);
    expect(server.log()).not.toContain('certificate.self-signed');
    // On HUP its host's records follow the configuration, without a restart; a bad file changes nothing.
    const records = async (type: string) => {
      const { answer } = await dig(server, [HOST, type]);
      return answer.map((each) => each.split(' ').slice(3).join(' '));
    };
    const publishes = async (https: string, type: string, expected: string) => {
      writeFileSync(server.configFile, `[https]\n${https}\n`);
      server.child.kill('SIGHUP');
      return server.eventually(async () => (await records(type)).join() === expected, 60_000);
    };
    for (const type of ['A', 'AAAA'])
      expect(await server.cli('rrset', 'delete', 'meridian-post.example', 'mta-sts', type, '--yes')).toMatchObject({ exit: 0 });
    expect(await publishes('addresses = ["192.0.2.81"]', 'A', 'A 192.0.2.81')).toBe(true);
    expect(await publishes('addresses = ["192.0.2.82", "2001:db8::82"]', 'A', 'A 192.0.2.82')).toBe(true);
    expect(await records('AAAA')).toEqual(['AAAA 2001:db8::82']);
    expect(await publishes('host = "policy.provider.invalid"', 'CNAME', 'CNAME policy.provider.invalid.')).toBe(true);
    writeFileSync(server.configFile, '[https]\naddresses = ["192.0.2.83"]\nhost = "policy.provider.invalid"\n');
    server.child.kill('SIGHUP');
    expect(await server.eventually(() => server.log().includes('config.refused'))).toBe(true);
    expect(await records('CNAME')).toEqual(['CNAME policy.provider.invalid.']);
    expect(server.log()).not.toContain('a restart is needed for');
  } finally {
    await server.stop();
  }
});

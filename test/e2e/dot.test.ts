/** DNS over TLS as others speak it: kdig, dig, unbound, BIND and NSD as clients that check who the server is. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dig, kdig } from '../support/dig.ts';
import { type RunningServer, quietPort, runWaxseal, startServer } from '../support/running-server.ts';
import { startSecondary } from '../support/secondary-peers.ts';
import { type ThrowawayCa, throwawayCa } from '../support/throwaway-ca.ts';
import { toolPath } from '../support/tools.ts';
import { signMessage, updateMessage } from '../support/update-client.ts';
import { validatingResolver } from '../support/validating-resolver.ts';
import { putZones } from '../support/waxseal.ts';

const HOST = 'ns1.dot.example';
const ZONE = `$ORIGIN dot.example.\n@ 300 SOA ns1 host 1 3600 600 86400 300\n@ 300 NS ns1\nns1 300 A 127.0.0.1
www 300 A 192.0.2.1\n${Array.from({ length: 100 }, (_, at) => `big 300 TXT "${String(at).padStart(200, 'x')}"`).join('\n')}\n`;
const folder = mkdtempSync(join(tmpdir(), 'waxseal-dot-'));
const certificateFile = join(folder, 'ns1.pem');
let ca: ThrowawayCa;
let caFile: string;
let server: RunningServer;
let overTls: { name: 'waxseal'; address: string; port: number };

/** As the tools that renew certificates do: written beside, then renamed. */
function installCertificate(): string {
  const { cert, key } = ca.leaf([HOST]);
  writeFileSync(`${certificateFile}.new`, `${cert}${key}`, { mode: 0o600 });
  renameSync(`${certificateFile}.new`, certificateFile);
  return cert.trim();
}

/** The certificate that a client is shown now. */
function shown(): string | undefined {
  const words = ['-c', `${toolPath('openssl')} s_client -connect 127.0.0.1:${overTls.port} -alpn dot </dev/null 2>/dev/null || true`];
  const text = execFileSync('sh', words, { encoding: 'latin1' });
  return /-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/.exec(text)?.[0];
}

beforeAll(async () => {
  ca = throwawayCa();
  caFile = join(ca.folder, 'ca.pem');
  const port = await quietPort();
  overTls = { name: 'waxseal', address: '127.0.0.1', port };
  const cert = installCertificate();
  const config = `[dns]\ntls_listen = ["127.0.0.1:${port}"]\ntls_host = "${HOST}"\n[https]\ncertificate_files = ["${certificateFile}"]\n`;
  server = await startServer({ config, workers: 1 });
  await putZones(server, [{ name: 'dot.example.', text: ZONE }], 'on');
  if (!(await server.eventually(() => shown() === cert, 30_000))) throw new Error(server.log());
}, 120_000);
afterAll(async () => {
  await server?.stop();
  ca?.remove();
  rmSync(folder, { recursive: true, force: true });
});

test('RFC 8310 §5: kdig and dig take the certificate, and get over TLS what they get over TCP', async () => {
  const strict = ['+tls-ca=' + caFile, `+tls-hostname=${HOST}`];
  for (const question of [
    ['www.dot.example', 'A', '+dnssec'],
    ['nothing.dot.example', 'A', '+dnssec'],
    ['big.dot.example', 'TXT'],
  ]) {
    const plain = await dig(server, [...question, '+tcp']);
    expect(plain.status).toMatch(/NOERROR|NXDOMAIN/);
    const over = await dig(overTls, [...question, '+tls', ...strict]);
    expect([over.status, over.flags, over.answer, over.authority]).toEqual([plain.status, plain.flags, plain.answer, plain.authority]);
    const second = await kdig(overTls, [...question, '+tls', ...strict]);
    expect([second.status, second.answer.length]).toEqual([plain.status, plain.answer.length]);
  }
  expect((await kdig(overTls, ['www.dot.example', '+tls', '+tls-ca=' + caFile, '+tls-hostname=other.example'])).status).toBe('');
});

test('RFC 8467 §4.1: answers to who pads have 468 octets or a multiple, and say nothing by their length', async () => {
  for (const name of ['www.dot.example', 'nothing.dot.example', 'dot.example']) {
    const { text } = await kdig(overTls, [name, 'ANY', '+tls', '+padding=64', '+dnssec', '+stats']);
    expect(text).toContain('PADDING');
    expect(Number(/Received (\d+) B/.exec(text)?.[1]) % 468).toBe(0);
  }
  expect((await kdig(server, ['www.dot.example', '+tcp', '+padding=64'])).text).not.toContain('PADDING');
});

test('unbound asks over TLS alone, checks the name, and validates', async () => {
  const [ds = ''] = /^\S+ \d+ IN DS .*$/m.exec((await server.cli('dnssec', 'ds', 'dot.example')).out) ?? [];
  const resolver = await validatingResolver('dot.example.', [overTls], [ds], false, { host: HOST, caFile });
  try {
    expect(await resolver.ask('www.dot.example', 'A')).toBe('secure');
    expect(await resolver.ask('nothing.dot.example', 'A')).toBe('secure');
  } finally {
    await resolver.stop();
  }
});

/** The answer to one message over TLS, from a server that shows HOST's certificate. */
function askOverTls(message: Uint8Array): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const options = { host: '127.0.0.1', port: overTls.port, servername: HOST, ca: readFileSync(caFile), ALPNProtocols: ['dot'] };
  const socket = connect(options, () => socket.write(Buffer.concat([Buffer.of(message.length >> 8, message.length & 255), message])));
  socket.setTimeout(20_000, () => socket.destroy(new Error('no answer over TLS')));
  socket.once('error', reject);
  socket.once('data', (octets: Buffer) => {
    socket.destroy();
    resolve(octets.subarray(2));
  });
  return promise;
}

test('RFC 2136 §6.2, RFC 7858: an UPDATE over TLS is carried out, one without a key is REFUSED', async () => {
  const made = await server.cli('tsig', 'generate', 'update.example', '--zone', 'dot.example', '--for', 'update');
  const [, name = '', secret = ''] = made.out.trim().split(':');
  const message = () => updateMessage('dot.example.', 'add tls 60 A 192.0.2.53', { edns: false });
  expect((await askOverTls(message()))[3]! & 15).toBe(5);
  const now = () => Math.floor(Date.now() / 1000);
  const send = async () => (await askOverTls(signMessage(message(), { name, secret }, now())))[3]! & 15;
  // The answer process has the name of a new key in a moment; until then it is NOTAUTH.
  expect(await server.eventually(async () => (await send()) === 0)).toBe(true);
  expect((await dig(server, ['tls.dot.example', 'A', '+short'])).text.trim()).toBe('192.0.2.53');
});

test('RFC 9103: BIND and NSD transfer over TLS by key, and follow a change', async () => {
  const made = await server.cli('tsig', 'generate', 'xot.example', '--zone', 'dot.example');
  const [algorithm = '', name = '', secret = ''] = made.out.trim().split(':');
  const key = { name, algorithm, secret };
  const tls = { port: overTls.port, host: HOST, caFile };
  const hasKey = async () => /XFR size/.test((await dig(server, ['-y', made.out.trim(), 'dot.example', 'AXFR'])).text);
  expect(await server.eventually(hasKey)).toBe(true);
  for (const [at, kind] of (['bind', 'nsd'] as const).entries()) {
    const peer = await startSecondary(kind, { port: server.port, zones: ['dot.example.'], key, tls });
    try {
      const words = ['secondary', 'add', 'dot.example', '127.0.0.1', '--port', String(peer.port), '--tsig', 'xot.example', '--yes'];
      expect(await server.cli(...words)).toMatchObject({ exit: 0 });
      const address = `192.0.2.${80 + at}`;
      expect((await server.cli('rrset', 'set', 'dot.example', 'new', 'A', '300', address, '--yes')).exit).toBe(0);
      const follows = async () => (await dig(peer, ['new.dot.example', 'A'])).answer.join().includes(address);
      expect(await server.eventually(follows, 30_000), `${kind}\n${peer.log()}`).toBe(true);
    } finally {
      await peer.stop();
    }
  }
  const metrics = await (await server.api('GET', '/metrics')).text();
  expect(Number(/^waxseal_requests_total\{transport="tls"\} (\d+)/m.exec(metrics)?.[1])).toBeGreaterThan(2);
});

test('a renewed certificate is shown within seconds; kills of control and of the answer process are got over', async () => {
  const cert = installCertificate();
  expect(await server.eventually(() => shown() === cert, 30_000)).toBe(true);
  await server.killChild('control');
  expect(shown()).toBe(cert);
  await server.killChild('answer');
  expect(await server.eventually(() => shown() === cert, 30_000)).toBe(true);
  expect(server.log()).not.toContain('PRIVATE');
});

test('a configuration that cannot serve TLS says so', async () => {
  const file = join(folder, 'waxseal.toml');
  const start = (text: string) => {
    writeFileSync(file, `data = "${join(folder, 'none')}"\n${text}`);
    return runWaxseal(['serve', '--config', file]);
  };
  const nameless = await start('[dns]\ntls_listen = ["127.0.0.1:8853"]\n');
  expect(nameless.exit).toBe(78);
  expect(nameless.err).toContain('dns.tls_listen needs dns.tls_host');
  const idle = await start(`[dns]\ntls_host = "${HOST}"\n`);
  expect(idle.exit).toBe(78);
  expect(idle.err).toContain('dns.tls_host has no effect without dns.tls_listen');
  const taken = await start(`[dns]\nlisten = ["127.0.0.1:0"]\ntls_listen = ["127.0.0.1:${overTls.port}"]\ntls_host = "${HOST}"\n`);
  expect(taken.exit).not.toBe(0);
  expect(taken.err).toMatch(/TCP 127\.0\.0\.1:\d+.*choose another address in dns\.tls_listen/s);
});

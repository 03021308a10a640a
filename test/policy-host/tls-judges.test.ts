/**
 * TLS of the policy host as sslscan and openssl see it: versions, suites, known faults; and sessions, which are resumed with their own host
 * for as long as their keys live, and with no other.
 */
import { type ExecFileException, execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { HTTPS_TICKET_KEYS_MS } from '#base/limits/https.ts';
import { PATH, bodyOf, testPolicyHost } from '../support/policy-host.ts';
import { toolPath } from '../support/tools.ts';

const HOST = 'mta-sts.one.example';
const OTHER = 'mta-sts.two.example';
const LIMIT_MS = 30_000;

/** What a program wrote. Its end is not judged: openssl ends with 1 for a handshake that failed. */
function run(tool: string, words: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const ended = (error: ExecFileException | null, stdout: string, stderr: string): void => {
      if (typeof error?.code === 'string' || error?.killed === true) reject(error);
      else resolve(stdout + stderr);
    };
    execFile(toolPath(tool), [...words], { timeout: LIMIT_MS, encoding: 'latin1' }, ended).stdin!.end(input);
  });
}

/** Each element of that name, as its attributes. */
function elements(xml: string, name: string): Record<string, string>[] {
  return [...xml.matchAll(new RegExp(`<${name} ([^>]*?)/?>`, 'g'))].map(([, attributes]) =>
    Object.fromEntries([...attributes!.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key!, value!])),
  );
}

test('sslscan: TLS 1.2 and 1.3 only, AEAD with forward secrecy, no renegotiation, no heartbeat, no compression, strong signatures', async () => {
  const { port, count, raw } = await testPolicyHost();
  const xml = await run('sslscan', ['--xml=-', '--show-sigs', '--no-colour', `--sni-name=${HOST}`, `127.0.0.1:${port}`]);
  const versions = elements(xml, 'protocol').map(({ type, version, enabled }) => `${type} ${version} ${enabled}`);
  expect(versions).toEqual(['ssl 2 0', 'ssl 3 0', 'tls 1.0 0', 'tls 1.1 0', 'tls 1.2 1', 'tls 1.3 1']);
  expect(elements(xml, 'renegotiation')).toEqual([{ supported: '0', secure: '0' }]);
  const beats = elements(xml, 'heartbleed');
  expect(beats.map(({ vulnerable }) => vulnerable)).toEqual(['0', '0']);
  expect(elements(xml, 'compression').filter(({ supported }) => supported !== '0')).toEqual([]);
  expect(elements(xml, 'fallback').filter(({ supported }) => supported !== '1')).toEqual([]);
  const suites = elements(xml, 'cipher');
  expect(suites.filter(({ sslversion }) => sslversion === 'TLSv1.3')).toHaveLength(3);
  expect(suites.filter(({ sslversion }) => sslversion === 'TLSv1.2').length).toBeGreaterThanOrEqual(3);
  for (const { cipher, bits, strength } of suites) {
    expect(cipher).toMatch(/^TLS_(?:AES|CHACHA20)|^ECDHE-(?:ECDSA|RSA)-(?:AES(?:128|256)-GCM|CHACHA20-POLY1305)/);
    expect(Number(bits)).toBeGreaterThanOrEqual(128);
    expect(['acceptable', 'strong']).toContain(strength);
  }
  for (const { name } of elements(xml, 'group')) expect(name).toMatch(/x25519|P-256|P-384/);
  const signatures = elements(xml, 'connection-signature-algorithm');
  expect(signatures.length).toBeGreaterThan(0);
  for (const { name } of signatures) expect(name).not.toMatch(/sha1|sha224|md5|dsa_sha|Any/i);
  expect(elements(xml, 'pk')).toMatchObject([{ error: 'false', type: 'EC', bits: '128' }]);
  expect(count('httpsHandshake.protocol')).toBeGreaterThan(0);
  const get = `GET ${PATH} HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`;
  expect((await raw(get)).endsWith(bodyOf('one.example'))).toBe(true);
});

test.each(['-tls1_2', '-tls1_3'])(
  'openssl s_client %s: a session is resumed with its host until its keys are an hour old, and never with another host',
  async (version) => {
    let laterMs = 0;
    const { port, addZone } = await testPolicyHost({ nowMs: () => performance.now() + laterMs });
    const folder = mkdtempSync(join(tmpdir(), 'waxseal-session-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const ask = async (host: string, ...more: readonly string[]): Promise<string> => {
      const words = ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', host, version, '-ign_eof', ...more];
      const zone = host.replace('mta-sts.', '');
      const said = await run('openssl', words, `GET ${PATH} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      // Resumed or not, the host's own policy comes.
      expect(said).toContain(bodyOf(zone));
      return /^(New|Reused), TLS/m.exec(said)![1]!;
    };
    const [first, second] = [join(folder, 'first'), join(folder, 'second')];
    expect(await ask(HOST, '-sess_out', first)).toBe('New');
    expect(await ask(HOST, '-sess_in', first)).toBe('Reused');
    expect(await ask(OTHER, '-sess_in', first)).toBe('New');
    // Another generation of the store changes nothing, as long as the certificate is the same.
    await addZone('three.example');
    expect(await ask(HOST, '-sess_in', first)).toBe('Reused');
    laterMs += HTTPS_TICKET_KEYS_MS;
    expect(await ask(HOST, '-sess_in', first, '-sess_out', second)).toBe('New');
    expect(await ask(HOST, '-sess_in', second)).toBe('Reused');
  },
);

test('no early data, which could be a repetition, and no compression', async () => {
  const { port } = await testPolicyHost();
  const said = await run('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', HOST, '-tls1_3']);
  expect(said).toContain('Early data was not sent');
  expect(said).not.toMatch(/Max Early Data: [1-9]/);
  expect(said).toContain('Compression: NONE');
});

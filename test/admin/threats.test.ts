/**
 * What an attacker of the admin plane may try, and the tests that show the defence; those that stand nowhere else are
 * here. A test that is named and gone, or has another name, fails this one.
 */
import { connect } from 'node:net';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createLog } from '#base/log.ts';
import { ipPort } from '#base/address.ts';
import { AUTH_FAILURES_PER_MINUTE_MAX } from '#base/limits/admin.ts';
import { buildAdmin } from '#admin/app.ts';
import { listenAdmin } from '#admin/http/listen.ts';
import { bench } from '../support/admin/bench.ts';
import { fakeWithZone } from '../support/admin/fake-control.ts';

/** Threat, then file and a part of the test's name. */
const SHOWN: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  'guessed, stolen and leaked tokens': [
    ['control/tokens/tokens.test.ts', 'only a hash of the secret is kept'],
    ['admin/http/access.test.ts', 'are limited by client network, without locking out who has a good token'],
    ['admin/http/access.test.ts', 'are limited by token too, from however many addresses'],
    ['admin/http/guesses.test.ts', 'guesses'],
    ['admin/http/guesses.test.ts', 'how much of a secret is right takes no other time to find out'],
    ['admin/http/identity.test.ts', 'rejects a request with a token in the URL'],
    ['admin/forwarded.test.ts', 'networks of a token and limits are those of the client'],
    ['admin/http/hostile.test.ts', 'a token where it does not belong'],
  ],
  'web pages, frames and DNS rebinding': [
    ['admin/http/hostile.test.ts', 'a web page in the browser of an operator'],
    ['admin/known-hosts.test.ts', 'is 421 on every path'],
    ['admin/app.test.ts', 'carry the headers that keep browsers from misreading them'],
  ],
  'large, slow and many requests': [
    ['admin/http/hostile.test.ts', 'slow and silent clients'],
    ['admin/http/listen.test.ts', 'ends a body that is longer than it may be'],
    ['admin/app.test.ts', '429 when a token asks too often'],
    ['admin/v1/events.test.ts', 'a token of one zone gets a quarter of the streams'],
  ],
  'types and forms of bodies': [
    ['admin/http/json-body.test.ts', 'RFC 9110 §8.3: content types of JSON resources'],
    ['admin/hidden-text.test.ts', 'a body of more levels than any document has'],
  ],
  'requests that two programs read differently': [['admin/http/hostile.test.ts', 'requests that two programs read differently']],
  'forged addresses': [
    ['admin/forwarded.test.ts', 'what is no list of addresses is rejected from a proxy'],
    ['admin/http/hostile.test.ts', 'what a client says of addresses, hosts and schemes counts for nothing'],
  ],
  'addresses inside that the server is made to ask': [
    ['control/alerts/webhook.test.ts', 'a private address is refused unless its network is allowed'],
    ['control/alerts/webhook.test.ts', 'a redirect is not followed'],
  ],
  'secrets on disks and in logs': [
    ['store/seal.test.ts', 'leave no plain key octets in any file of the store'],
    ['store/backup/make.test.ts', 'others can read none of it'],
    ['control/audit/heads.test.ts', 'its private half is nowhere in the clear'],
    ['admin/request-log.test.ts', 'at level info: what changes something, once'],
  ],
  'an audit log that is changed': [
    ['e2e/many-clients.test.ts', 'every change has one entry'],
    ['store/crash-processes.test.ts', 'the log is in order, with its removals or without the last'],
  ],
  'a route without a check': [['admin/http/access.test.ts', 'has a policy for each route of the OpenAPI document']],
  'texts that a browser, a terminal or a log reads otherwise': [
    ['admin/hidden-text.test.ts', 'rejects hidden characters in every text of its body'],
    ['control/audit/attempts.test.ts', 'a text that would forge a line is shown'],
  ],
};

test.each(Object.entries(SHOWN))('%s: the tests are there', (_, tests) => {
  const missing = tests.filter(([file, name]) => {
    const path = join(import.meta.dirname, '..', file);
    return !existsSync(path) || !readFileSync(path, 'utf8').includes(name);
  });
  expect(missing).toEqual([]);
});

async function listening() {
  const { control, tokens } = await fakeWithZone();
  const app = await buildAdmin({ control });
  const listeners = await listenAdmin(app, { tcp: ipPort('127.0.0.1', 0), socketPath: undefined });
  onTestFinished(() => listeners.close(0));
  return { port: Number(listeners.address.split(':')[1]), tokens };
}

/** Writes `chunk` until the server has had enough; what it answered, and how much it took. */
function flood(port: number, head: string, chunk: string): Promise<{ readonly text: string; readonly bytes: number }> {
  return new Promise((resolve) => {
    let text = '';
    let isOver = false;
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(head);
      more();
    });
    const more = (): void => {
      let takesMore = true;
      while (takesMore) takesMore = !isOver && socket.write(chunk);
    };
    socket
      .on('drain', more)
      .on('data', (octets) => (text += octets.toString()))
      .on('error', () => undefined)
      .on('close', () => {
        isOver = true;
        resolve({ text, bytes: socket.bytesWritten });
      });
  });
}

describe('what has no end', () => {
  const head = (token: string) =>
    `POST /v1/zones HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n`;
  const chunk = 'x'.repeat(65_536);

  test('a body in chunks is cut off soon after its limit, and takes no memory', async () => {
    const { port, tokens } = await listening();
    const before = process.memoryUsage().rss;
    const { text, bytes } = await flood(port, `${head(tokens.admin)}Transfer-Encoding: chunked\r\n\r\n`, `10000\r\n${chunk}\r\n`);
    // The end may be a reset, with what was still under way.
    if (text !== '') expect(text).toMatch(/^HTTP\/1\.1 413 /);
    expect(bytes).toBeLessThan(32 * 2 ** 20);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20);
  });

  test('so are a head of a hundred thousand fields, and a line', async () => {
    const { port, tokens } = await listening();
    for (const part of ['a: b\r\n'.repeat(1000), chunk]) {
      const { text, bytes } = await flood(port, head(tokens.admin), part);
      if (text !== '') expect(text).toMatch(/^HTTP\/1\.1 431 /);
      expect(bytes).toBeLessThan(32 * 2 ** 20);
    }
  });
});

test('thousands of guesses of one network: ten are looked at in a minute, and a good token works from there all the same', async () => {
  const { app, tokens } = await bench();
  const statuses = new Map<number, number>();
  const ask = async (token: string) =>
    (await app.inject({ url: '/v1/zones', headers: { authorization: `Bearer ${token}` }, remoteAddress: '198.51.100.7' })).statusCode;
  for (let guess = 0; guess < 2000; guess++) {
    const status = await ask(`wax_${guess.toString(16).padStart(16, '0')}_x`);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  expect(Object.fromEntries(statuses)).toEqual({ 401: AUTH_FAILURES_PER_MINUTE_MAX, 429: 2000 - AUTH_FAILURES_PER_MINUTE_MAX });
  expect(await ask(tokens.read)).toBe(200);
});

test('keys that change what objects are, in any spelling of the type, are rejected alike', async () => {
  const { call, control } = await bench();
  const before = control.commands.length;
  const types = ['application/json', 'Application/JSON', 'application/json;charset=utf-8', 'application/json ; x=1', 'application/json\t;'];
  const bodies = ['{"__proto__":{"isAdmin":true}}', '{"ttl":60,"records":["192.0.2.1"],"constructor":{"prototype":{"x":1}}}'];
  for (const type of types)
    for (const payload of bodies) {
      const answer = await call('PUT', '/v1/zones/example.com/rrsets/www/A', { headers: { 'content-type': type }, payload });
      expect([type, payload, answer.statusCode]).toEqual([type, payload, 400]);
    }
  expect([control.commands.length, 'isAdmin' in {}, 'x' in {}]).toEqual([before, false, false]);
});

test('markup and escapes in records and names are data: JSON that no browser takes for a page, and one line of the log for each request', async () => {
  const lines: string[] = [];
  const log = createLog({ level: 'debug', fields: { process: 'control' }, to: { write: (line: string) => void lines.push(line) } });
  const { call } = await bench({ logger: log.with({ part: 'admin' }).pino });
  const markup = '"<img src=x onerror=alert(1)>"';
  await call('PUT', '/v1/zones/example.com/rrsets/xss/TXT', { payload: { ttl: 60, records: [markup] } });
  const answer = await call('GET', '/v1/zones/example.com/rrsets/xss/TXT');
  expect(answer.json()).toMatchObject({ records: [markup] });
  expect(answer.headers).toMatchObject({
    'content-type': expect.stringContaining('application/json'),
    'x-content-type-options': 'nosniff',
  });
  expect(String(answer.headers['content-security-policy'])).toMatch(/script-src 'self';/);
  for (const path of ['%1b[31mred', 'a%0d%0aSet-Cookie:%20x=1', '%e2%80%ae'])
    for (const url of [`/v1/zones/${path}`, `/v1/zones/example.com/rrsets/${path}/A`]) {
      const { statusCode, headers } = await call('GET', url);
      expect([url, statusCode >= 400 && statusCode < 500, headers['set-cookie']]).toEqual([url, true, undefined]);
    }
  for (const line of lines) {
    expect(line.trimEnd().split('\n')).toHaveLength(1);
    expect(() => JSON.parse(line) as unknown).not.toThrow();
    for (const hidden of ['\u001b', '\u202e']) expect(line).not.toContain(hidden);
  }
});

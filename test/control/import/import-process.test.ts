/** Large imports in a process of their own, on a running server: who else waits, and what is left when a part is killed. */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dig } from '../../support/dig.ts';
import { importChild, importLitter } from '../../support/import-child.ts';
import { type RunningServer, isAlive, startServer } from '../../support/running-server.ts';

const HEAD = '@ 3600 SOA ns1 host 1 7200 900 1209600 900\n@ NS ns1\nns1 A 192.0.2.1\nwww A 192.0.2.1\n';
const LARGE = `$TTL 3600\n${HEAD}$GENERATE 1-15000 h$ A 192.0.2.7\n`;

let server: RunningServer;
beforeEach(async () => {
  server = await startServer();
});
afterEach(async () => {
  await server?.stop();
}, 30_000);

const put = (zone: string, text: string) => server.api('PUT', `/v1/zones/${zone}/zonefile`, text, 'text/dns');
const www = async (zone: string) => (await dig(server, [`www.${zone}`, 'A', '+dnssec'])).answer.join(' ');

test('a large import: /livez answers, another zone is changed meanwhile, and all of it is served', async () => {
  expect((await put('small.test', HEAD)).status).toBe(201);
  const state = { isDone: false };
  const imported = put('large.test', LARGE).finally(() => (state.isDone = true));
  const pid = await importChild(server);
  let changes = 0;
  while (!state.isDone) {
    expect((await fetch(`http://127.0.0.1:${server.adminPort}/livez`)).ok).toBe(true);
    const operations = [{ op: 'set', name: 'www', type: 'A', ttl: 60, records: [`192.0.2.${(changes % 250) + 1}`] }];
    const answer = await server.api('PATCH', '/v1/zones/small.test/rrsets', JSON.stringify(operations));
    expect(answer.status).toBe(200);
    // Those that were answered before the import was.
    if (!state.isDone) changes++;
    await delay(20);
  }
  expect((await imported).status).toBe(201);
  expect(changes).toBeGreaterThan(2);
  expect(await server.eventually(async () => (await www('large.test')).includes('RRSIG'))).toBe(true);
  expect((await dig(server, ['h15000.large.test', 'A'])).answer.join()).toContain('192.0.2.7');
  expect(await server.eventually(() => !isAlive(pid))).toBe(true);
  expect(importLitter(server)).toEqual([]);
});

test('its process is killed: nothing was changed, the zone is served as before, and the next import is made', async () => {
  expect((await put('large.test', HEAD)).status).toBe(201);
  const imported = put('large.test', LARGE);
  process.kill(await importChild(server), 'SIGKILL');
  const answer = await imported;
  expect([answer.status, await answer.json()]).toMatchObject([
    500,
    { code: 'IMPORT_FAILED', detail: expect.stringMatching(/ended early \(SIGKILL\).*nothing was changed/) },
  ]);
  expect(await www('large.test')).toContain('192.0.2.1');
  expect((await dig(server, ['h1.large.test', 'A'])).status).toBe('NXDOMAIN');
  expect((await put('large.test', LARGE)).status).toBe(200);
  expect(importLitter(server)).toEqual([]);
});

test('the control process is killed: the import ends with it, and nothing of it is there', async () => {
  const imported = put('large.test', LARGE).then(
    () => 'answered',
    () => 'gone',
  );
  const pid = await importChild(server);
  await server.killChild('control');
  expect(await imported).toBe('gone');
  expect(await server.eventually(() => !isAlive(pid))).toBe(true);
  await server.ready();
  expect((await server.api('GET', '/v1/zones/large.test')).status).toBe(404);
  expect(importLitter(server)).toEqual([]);
  expect((await put('large.test', LARGE)).status).toBe(201);
});

test('a client that goes ends its import; a server that stops does not wait for one', async () => {
  const gone = new AbortController();
  const token = readFileSync(join(server.directory, 'admin.token'), 'utf8').trim();
  const sent = fetch(`http://127.0.0.1:${server.adminPort}/v1/zones/large.test/zonefile`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'text/dns' },
    body: LARGE,
    signal: gone.signal,
  }).catch(() => 'gone');
  const first = await importChild(server);
  gone.abort();
  expect(await sent).toBe('gone');
  expect(await server.eventually(() => !isAlive(first))).toBe(true);
  expect((await server.api('GET', '/v1/zones/large.test')).status).toBe(404);
  const imported = put('large.test', LARGE).catch(() => undefined);
  const second = await importChild(server);
  const started = performance.now();
  expect(await server.terminate()).toBe(0);
  expect(performance.now() - started).toBeLessThan(10_000);
  expect(await server.eventually(() => !isAlive(second))).toBe(true);
  await imported;
});

const CLI = join(import.meta.dirname, '../../../waxseal');

test('Ctrl-C at a terminal: the line that says how far it is goes, the import ends, exit code 130', async () => {
  const file = join(server.folder, 'large.zone');
  writeFileSync(file, LARGE);
  const command = `${CLI} zone import large.test ${file} --server unix:${join(server.directory, 'admin.sock')}`;
  const child = spawn('script', ['-qec', command, '/dev/null'], { env: { ...process.env, TERM: 'xterm' } });
  let shown = '';
  child.stdout.on('data', (octets: Buffer) => (shown += octets.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const pid = await importChild(server).catch(() => Promise.reject(new Error(`no import: ${shown}`)));
  // It gets no further, for as long as the line is looked at.
  process.kill(pid, 'SIGSTOP');
  expect(await server.eventually(() => /\rlarge\.test: [^\r\n]+ \(\d+ s; Ctrl-C ends it\)/.test(shown), 20_000)).toBe(true);
  // The line counts seconds; the first event comes after one.
  let first: string | undefined;
  const hasEvent = async () => {
    const events = await (await server.api('GET', '/v1/events?follow=0&after=0&kind=import&zone=large.test')).text();
    [first] = /(?<=^data: ).*/m.exec(events) ?? [];
    return first !== undefined;
  };
  await expect.poll(hasEvent, { timeout: 20_000, interval: 200 }).toBe(true);
  expect(JSON.parse(first!)).toMatchObject({ kind: 'import', event: 'progress', zone: 'large.test.' });
  child.stdin.write('\u0003');
  expect(await ended).toBe(130);
  // The line is free again before the sentence.
  const [, said] = shown.split('\r\u001b[K');
  expect(said).toMatch(/^waxseal: stopped: the server ends the import of large\.test and changes nothing, unless [^\n]*\n$/);
  expect(await server.eventually(() => !isAlive(pid))).toBe(true);
  expect((await server.api('GET', '/v1/zones/large.test')).status).toBe(404);
  expect(importLitter(server)).toEqual([]);
});

/**
 * A signer's folder whose disk never answers, with the server as it runs: the process that touches folders is stopped
 * whenever there is one, as the kernel stops those that wait for a dead disk. Nothing else waits for it, a new order is
 * not stored, and a stored one is taken back with the server killed.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exchangeUdp } from '../support/exchange.ts';
import { type RunningServer, isAlive, startServer } from '../support/running-server.ts';
import { buildQuery, parseMessage } from '../support/wire.ts';

const ZONE = '@ 1 SOA ns1 host 10 7200 900 1209600 1\n@ 1 NS ns1\n@ 1 MX 10 mx1\nns1 1 A 127.0.0.1\nmx1 1 A 127.0.0.1\n';
const POLICY = { ttl: { default: '1s' }, mtaSts: { mode: 'off' }, dkim: { signers: ['mx1'], algorithms: ['ed25519'] } };
const LOOK_EVERY_MS = 10;

let server: RunningServer;
const stopped = new Set<number>();
let stopper: NodeJS.Timeout | undefined;

const folderProcesses = () =>
  readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
        return /folder-child|waxseal signer files/.test(words) && groupOf(pid) === server.child.pid;
      } catch {
        return false;
      }
    });
/** proc(5): the third field from the state on. */
const groupOf = (pid: number) => Number(readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)!.split(' ')[2]);

function stopFolders(): void {
  stopper = setInterval(() => {
    for (const pid of folderProcesses().filter((each) => !stopped.has(each))) {
      stopped.add(pid);
      process.kill(pid, 'SIGSTOP');
    }
  }, LOOK_EVERY_MS);
}

async function answers(): Promise<boolean> {
  const [reply] = await exchangeUdp(server, [buildQuery({ name: 'mx1.post.example', type: 'A' })], { timeoutMs: 2000, attempts: 1 });
  return reply !== undefined && parseMessage(reply).answer.length === 1;
}

async function signers(): Promise<readonly { readonly name: string }[]> {
  return ((await (await server.api('GET', '/v1/signers')).json()) as { readonly signers: readonly { readonly name: string }[] }).signers;
}

beforeAll(async () => {
  server = await startServer();
});

afterAll(async () => {
  clearInterval(stopper);
  await server.stop();
  for (const pid of stopped) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
});

test('a zone, and a signer that reads files', async () => {
  const put = await server.api('PUT', '/v1/zones/post.example/zonefile', ZONE, 'text/dns');
  expect(put.status).toBe(201);
  expect((await server.cli('dkim', 'signer', 'add', 'mx1', '--domain', 'post.example', '--files', 'exim', '--yes')).exit).toBe(0);
  expect((await server.api('PUT', '/v1/zones/post.example/mail', JSON.stringify(POLICY))).status).toBe(201);
});

test('a folder that never answers: a new order is not stored, and nobody waits for it or for a stored one', async () => {
  stopFolders();
  const folder = join(server.folder, 'dead-disk');
  const adding = server.cli('dkim', 'signer', 'add', 'mx2', '--domain', 'post.example', '--files', 'exim', '--folder', folder, '--yes');
  expect(await server.eventually(() => stopped.size > 0)).toBe(true);
  // It waits for the disk; these do not.
  const startedMs = performance.now();
  const change = await server.api('PUT', '/v1/zones/post.example/rrsets/www/A?wait=served', '{"ttl":1,"records":["192.0.2.7"]}');
  expect([change.status, await answers()]).toEqual([201, true]);
  expect(performance.now() - startedMs).toBeLessThan(5000);
  const added = await adding;
  expect([added.exit, added.err]).toEqual([7, expect.stringContaining('SIGNER_FOLDER_SLOW')]);
  expect((await signers()).map(({ name }) => name)).toEqual(['mx1']);
});

test('the stored one is taken back with the server killed; the next start knows nothing of it', async () => {
  const offline = ['dkim', 'signer', 'remove', 'mx1', '--offline', '--json', '--yes'];
  const seen = stopped.size;
  const exporting = server.api('POST', '/v1/signers/mx1/export').catch(() => undefined);
  // Under way when the server is killed.
  expect(await server.eventually(() => stopped.size > seen)).toBe(true);
  await server.killAll();
  expect((await exporting)?.ok).not.toBe(true);
  const removed = await server.cli(...offline);
  expect([removed.exit, JSON.parse(removed.out)]).toMatchObject([
    0,
    { name: 'mx1', removed: true, warnings: [{ code: 'SIGNER_NOT_FOUND' }] },
  ]);
  const before = stopped.size;
  await server.start();
  expect(await server.eventually(answers)).toBe(true);
  expect(await signers()).toEqual([]);
  expect(await (await server.api('GET', '/v1/audit')).text()).toMatch(/"offline"[^}]*\}[^}]*"signer.remove"/);
  expect(stopped.size).toBe(before);
});

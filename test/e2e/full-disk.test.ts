/**
 * A small disk that fills up under a running server (tmpfs in a mount namespace of its own): DNS is answered, changes and backups are
 * rejected with the reason, and both work again when there is space, without a restart.
 */
import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { expect, onTestFinished, test } from 'vitest';
import { dig } from '../support/dig.ts';
import { startServer } from '../support/running-server.ts';
import { toolPath } from '../support/tools.ts';

const ZONE = 'small.example.';
const TEXT = `$ORIGIN ${ZONE}\n@ 60 SOA ns host 1 3600 600 86400 60\n@ 60 NS ns\nns 60 A 192.0.2.1\n`;

test('changes stop with STORE_FULL, DNS goes on, and space brings changes back', { timeout: 120_000 }, async () => {
  const disk = mkdtempSync(join(tmpdir(), 'waxseal-small-disk-'));
  onTestFinished(() => rmSync(disk, { recursive: true, force: true }));
  // The server alone sees the disk; its data directory lies there.
  const start = `mount -t tmpfs -o size=24m tmpfs ${disk} && exec "$0" "$@"`;
  const program = [toolPath('unshare'), '-m', 'sh', '-c', start, join(import.meta.dirname, '../../waxseal')] as const;
  const server = await startServer({ program: [...program], words: ['--data', join(disk, 'data')] });
  onTestFinished(async () => void (await server.stop()));
  const inside = (...words: readonly string[]) =>
    execFileSync(toolPath('nsenter'), ['-m', '-t', String(server.pids().control!), ...words], { encoding: 'utf8' });
  const token = inside('cat', join(disk, 'data', 'admin.token')).trim();
  const api = (method: string, path: string, body: string, type = 'application/json') =>
    fetch(`http://127.0.0.1:${server.adminPort}${path}`, {
      method,
      body,
      headers: { authorization: `Bearer ${token}`, 'content-type': type },
    });
  expect((await api('PUT', `/v1/zones/${ZONE}/zonefile?wait=served`, TEXT, 'text/dns')).ok).toBe(true);
  const set = (name: string) =>
    api('PUT', `/v1/zones/${ZONE}/rrsets/${name}/A?wait=served`, JSON.stringify({ ttl: 60, records: ['192.0.2.7'] }));
  expect((await set('before')).ok).toBe(true);

  inside('sh', '-c', `dd if=/dev/zero of=${disk}/filler bs=64k 2>/dev/null || true`);
  const refused = await set('meanwhile');
  expect([refused.status, await refused.json()]).toMatchObject([507, { code: 'STORE_FULL' }]);
  const backup = await api('POST', '/v1/backups', '{}');
  expect([backup.status, await backup.json()]).toMatchObject([500, { code: 'BACKUP_FAILED' }]);
  expect((await dig(server, [`before.${ZONE}`, 'A'])).answer.join()).toContain('192.0.2.7');
  expect((await fetch(`http://127.0.0.1:${server.adminPort}/readyz`)).ok).toBe(true);
  const pid = server.pids().control;

  inside('rm', join(disk, 'filler'));
  expect(await server.eventually(async () => (await set('after')).ok, 10_000)).toBe(true);
  expect((await api('POST', '/v1/backups', '{}')).status).toBe(201);
  expect([
    (await dig(server, [`after.${ZONE}`, 'A'])).answer.length,
    (await dig(server, [`meanwhile.${ZONE}`, 'A'])).answer.length,
  ]).toEqual([1, 0]);
  expect(server.pids().control).toBe(pid);
  expect(statfsSync(disk).blocks).toBeGreaterThan(0);
});

/**
 * LMDB's lock, shared by a process that has no thread in the store: another program cannot have it for itself, and
 * every thread of the answer process has a place of its own in LMDB's table of readers. Python's fcntl judges.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { StoreHold } from '#process/store-hold.ts';
import { openReader } from '#store/reader.ts';
import { startServer } from '../support/running-server.ts';
import { toolPath } from '../support/tools.ts';
import { putZones } from '../support/waxseal.ts';

const PYTHON = toolPath('python3');

function lockFolder(): { readonly dir: string; readonly file: string } {
  const dir = mkdtempSync(join(tmpdir(), 'waxseal-hold-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const file = join(dir, 'lock.mdb');
  writeFileSync(file, '');
  return { dir, file };
}

/** Whether another process gets this kind of lock on the first octet now. */
function isGiven(file: string, kind: 'LOCK_EX' | 'LOCK_SH'): boolean {
  const program = `
import fcntl, sys
try:
  fcntl.lockf(open(sys.argv[1], 'r+'), fcntl.${kind} | fcntl.LOCK_NB, 1, 0)
  print('given')
except OSError:
  print('kept')`;
  return execFileSync(PYTHON, ['-c', program, file], { encoding: 'utf8' }) === 'given\n';
}

test('another process may share the lock, and cannot have it for itself', async () => {
  const { dir, file } = lockFolder();
  expect(isGiven(file, 'LOCK_EX')).toBe(true);
  const failures: string[] = [];
  await new StoreHold(dir, (why) => failures.push(why)).hold();
  expect(failures).toEqual([]);
  expect(isGiven(file, 'LOCK_EX')).toBe(false);
  expect(isGiven(file, 'LOCK_SH')).toBe(true);
});

test('it waits while another process makes the table', async () => {
  const { dir, file } = lockFolder();
  const program = `import fcntl, sys
file = open(sys.argv[1], 'r+')
fcntl.lockf(file, fcntl.LOCK_EX, 1, 0)
print('has it', flush=True)
sys.stdin.read()`;
  const other = spawn(PYTHON, ['-c', program, file]);
  await once(other.stdout, 'data');
  let isHeld = false;
  const held = new StoreHold(dir, () => undefined).hold().then(() => (isHeld = true));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(isHeld).toBe(false);
  other.stdin.end();
  await held;
  expect(isGiven(file, 'LOCK_EX')).toBe(false);
});

test('without a file there is a reason, once, and no wait', async () => {
  const { dir, file } = lockFolder();
  rmSync(file);
  const failures: string[] = [];
  const hold = new StoreHold(dir, (why) => failures.push(why));
  await hold.hold();
  await hold.hold();
  expect(failures).toEqual([expect.stringContaining('ENOENT')]);
});

test('after a start with nobody else at the store, each thread of the answer process holds a snapshot of its own', async () => {
  const server = await startServer({ workers: 3 });
  onTestFinished(() => void server.stop());
  await putZones(server, [{ name: 'a.test.', text: '@ 60 SOA ns host 1 3600 600 86400 60\n@ 60 NS ns\nns 60 A 192.0.2.1\n' }], 'off');
  await server.terminate();
  await server.start();
  const reader = openReader(join(server.directory, 'store'));
  onTestFinished(() => reader.close());
  const { answer } = server.pids();
  const ofAnswer = () => new Set(reader.snapshots().flatMap(({ pid, thread }) => (pid === answer ? [thread] : [])));
  // Three that serve UDP, and two for TCP: one for two workers (ADR 0048).
  expect(await server.eventually(() => ofAnswer().size === 5)).toBe(true);
});

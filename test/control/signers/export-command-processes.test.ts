/** The command after an export: its words, its time, what it says, and that nothing of it stays. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runAfterExport } from '#control/signers/export-command.ts';
import { temporaryFolder } from '../../support/temporary-store.ts';

const { signal } = new AbortController();

test('it runs in the folder, and words are words: there is no shell of ours', async () => {
  const folder = temporaryFolder();
  expect(await runAfterExport(['/usr/bin/touch', '--', '$(touch injected); x'], folder, signal)).toBeUndefined();
  expect(readdirSync(folder)).toEqual(['$(touch injected); x']);
});

test('of the environment it has PATH alone', async () => {
  const folder = temporaryFolder();
  // A shell adds these three itself.
  expect(await runAfterExport(['/bin/sh', '-c', 'env | grep -vE "^(PWD|SHLVL|_)=" > said'], folder, signal)).toBeUndefined();
  expect(readFileSync(join(folder, 'said'), 'utf8')).toBe('PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n');
});

test('one that does not end: it and what it started are killed', async () => {
  const folder = temporaryFolder();
  const pid = join(folder, 'pid');
  const command = ['/bin/sh', '-c', 'sleep 60 & echo $! > "$0"; wait', pid];
  const stopping = new AbortController();
  expect(await runAfterExport(command, folder, stopping.signal, 300)).toBe('/bin/sh did not end within 300 ms and was killed');
  // Gone, or dead and waiting for whoever inherited it.
  const stat = `/proc/${readFileSync(pid, 'utf8').trim()}/stat`;
  const state = () => (existsSync(stat) ? readFileSync(stat, 'latin1').split(') ').at(-1)![0] : 'gone');
  // The kernel ends it when it has a core for it.
  await expect.poll(state, { timeout: 20_000 }).toMatch(/^(?:Z|gone)$/);
  const stopped = runAfterExport(['/bin/sleep', '60'], folder, stopping.signal);
  stopping.abort();
  expect(await stopped).toBe('/bin/sleep was killed: the server stops');
});

test('one that does not exist, or says more than one can read', async () => {
  expect(await runAfterExport(['/nowhere/x'], '/', signal)).toContain('cannot be run');
  const told = await runAfterExport(['/bin/sh', '-c', 'yes | head -c 1000000; echo end >&2; exit 3'], '/', signal);
  expect(told).toMatch(/^\/bin\/sh ended with exit code 3: /);
  expect(told!.length).toBeLessThan(2200);
});

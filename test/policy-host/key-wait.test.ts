/** The file of the key: waited for, told about, and when this process cannot reach it, its end. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { atPath } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import { type Sealer } from '#store/seal.ts';
import { waitForKey } from '#policy-host/key-wait.ts';

const SOON = { timeout: 10_000 };

function waiting(sealer: (file: string) => Result<Sealer>, startedMs: number, name = 'key') {
  const folder = mkdtempSync(join(tmpdir(), 'waxseal-key-'));
  const file = join(folder, name);
  const seen: string[] = [];
  const begin = () => {
    const end = waitForKey({
      file,
      startedMs,
      sealer: () => sealer(file),
      ready: () => seen.push('ready'),
      missed: ({ message }) => seen.push(message),
      replaced: () => seen.push('replaced'),
    });
    onTestFinished(() => {
      end();
      rmSync(folder, { recursive: true, force: true });
    });
  };
  return { file, seen, begin };
}

const missing = (file: string) => fail(problem('HTTPS_KEY_FILE', atPath(file, 'the key'), 'it cannot be read'));

test('it is told once why the key is not there, and taken when it is', async () => {
  let isThere = false;
  const { seen, begin } = waiting((file) => (isThere ? ok({} as Sealer) : missing(file)), Date.now());
  begin();
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(seen).toEqual(['it cannot be read']);
  isThere = true;
  await expect.poll(() => seen, SOON).toEqual(['it cannot be read', 'ready']);
});

test('a file that comes later is another one than this process may read: it ends, to be started again', async () => {
  const { file, seen, begin } = waiting(missing, 0);
  begin();
  writeFileSync(file, 'key');
  await expect.poll(() => seen, SOON).toEqual(['it cannot be read', 'replaced']);
});

test('a file that can be opened and is no key is told about, however young', async () => {
  const { file, seen, begin } = waiting(missing, Date.now());
  writeFileSync(file, 'no key');
  begin();
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(seen).toEqual(['it cannot be read']);
});

test('a file that was made while the process was being confined, and cannot be opened: it ends, to be started again', async () => {
  // A socket cannot be opened by anybody, also not by root: it stands for what Landlock refuses.
  const young = waiting(missing, Date.now());
  const old = waiting(missing, Date.now() + 3_600_000);
  for (const { file } of [young, old]) {
    const server = createServer();
    await new Promise<void>((resolve) => void server.listen(file, resolve));
    onTestFinished(() => void server.close());
  }
  young.begin();
  old.begin();
  expect(young.seen).toEqual(['replaced']);
  expect(old.seen).toEqual(['it cannot be read']);
});

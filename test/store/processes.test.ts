/** A store that several processes have open: one writes, any number read. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { openWriter } from '#store/writer.ts';
import { auditEvent, failureOf, temporaryFolder, temporaryStore, writerOptions } from '../support/temporary-store.ts';

test('a second process is refused, naming the first; after kill -9 of the holder the next takes over and says from whom', async () => {
  const dir = join(temporaryFolder(), 'store');
  const holder = script('hold', dir);
  expect(await holder.line()).toBe('held');
  const failure = failureOf(() => openWriter(dir, writerOptions()));
  expect(failure.code).toBe('STORE_LOCKED');
  expect(failure.message).toContain(`process ${holder.pid} on `);
  holder.kill();
  await holder.exited;
  expect(existsSync(join(dir, 'writer.json'))).toBe(true);
  const writer = openWriter(dir, writerOptions());
  expect(writer.abandonedBy?.pid).toBe(holder.pid);
  await writer.commit({ audit: auditEvent() });
  await writer.close();
  expect(existsSync(join(dir, 'writer.json'))).toBe(false);
});

test('in another process and in a worker thread follow the writer', async () => {
  const { dir, writer } = temporaryStore();
  await writer.commit({ audit: auditEvent() });
  const child = script('follow', dir, '4');
  const worker = new Worker(FOLLOWER, { argv: ['follow-thread', dir, '4'] });
  onTestFinished(async () => void (await worker.terminate()));
  const said: string[] = [];
  worker.on('message', (text: string) => said.push(text));
  await Promise.all([child.line(), once(worker, 'message')]);
  const ended = Promise.all([child.exited, once(worker, 'exit')]);
  for (let commit = 0; commit < 3; commit++) await writer.commit({ audit: auditEvent() });
  await ended;
  expect(child.lines.at(-1)).toBe('generation 4');
  expect(said.at(-1)).toBe('generation 4');
});

const FOLLOWER = new URL('./store-script.ts', import.meta.url);

/** Runs store-script.ts in a process of its own. */
function script(...argumentList: string[]) {
  const child = spawn(process.execPath, ['--expose-gc', FOLLOWER.pathname, ...argumentList], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop()!;
    lines.push(...parts);
  });
  return {
    pid: child.pid,
    lines,
    exited: once(child, 'exit'),
    kill: () => child.kill('SIGKILL'),
    async line() {
      while (lines.length === 0) await once(child.stdout, 'data');
      return lines[0]!;
    },
  };
}

/** SECURITY.md: no process opens a debugger. Test of the long-lived ones as they run: test/process/debugger.test.ts. */
import { readFileSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runChildJob } from '#base/ipc/child-job.ts';
import { safeNodeOptions } from '#base/ipc/node-options.ts';

const ROOT = join(import.meta.dirname, '../../..');

test('options that open a debugger are left out, others stay', () => {
  expect(safeNodeOptions([])).toEqual(['--disable-sigusr1']);
  expect(safeNodeOptions(['--inspect-brk', '--max-old-space-size=64', '--disable-sigusr1', '--inspect-port=1'])).toEqual([
    '--disable-sigusr1',
    '--max-old-space-size=64',
  ]);
});

test('who starts a program of Node gives it such options', () => {
  const starting = globSync('src/**/*.ts', { cwd: ROOT }).filter((file) =>
    /\bfork\(\s*|spawn\(process\.execPath/.test(readFileSync(join(ROOT, file), 'utf8').replaceAll(/^\s*(?:\*|\/\/).*$/gm, '')),
  );
  expect(starting.length).toBeGreaterThan(3);
  // Theirs come from src/process/child-programs.ts.
  const given = ['src/process/children/supervised-child.ts', 'src/process/children/xdp-opener.ts'];
  const unsafe = starting.filter((file) => !given.includes(file) && !readFileSync(join(ROOT, file), 'utf8').includes('safeNodeOptions('));
  expect(unsafe).toEqual([]);
});

test.each([
  ['by an option', false, ['--inspect=127.0.0.1:0']],
  ['by USR1', true, []],
])('a job of a process of its own opens no debugger %s', async (_how, isSignalled, execArgv) => {
  const ports = await runChildJob<readonly number[]>(
    new URL('fixtures/signalled-job.ts', import.meta.url),
    { isSignalled },
    { limitMs: 30_000, signal: new AbortController().signal, stopped: 'stopped', execArgv },
  );
  expect(ports).toEqual([]);
});

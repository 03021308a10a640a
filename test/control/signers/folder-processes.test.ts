/** The process that touches signers' folders: what it does, and that no folder can hold the control process up. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { FolderRefusal } from '#control/signers/export-folder.ts';
import { FolderProcesses, type FolderProcessesOptions, FolderTimeout } from '#control/signers/folder-processes.ts';
import { temporaryFolder } from '../../support/temporary-store.ts';

const script = (name: string) => new URL(`../../support/signers/${name}.ts`, import.meta.url);

function folders(options: FolderProcessesOptions = {}): FolderProcesses {
  const process = new FolderProcesses(options);
  onTestFinished(() => process.stop());
  return process;
}

const prepare = (folder: string) =>
  ({ kind: 'prepare', owner: { folder, installation: 'ours' }, others: [], command: [], isDryRun: false }) as const;

test('jobs given at once are done one after the other, by one process', async () => {
  const root = temporaryFolder();
  const one = folders();
  const names = ['a', 'b', 'c'];
  const made = await Promise.all(names.map((name) => one.run(prepare(join(root, name)))));
  expect(made).toEqual(names.map((name) => ({ realFolder: join(root, name) })));
  expect(await one.run({ kind: 'look', owner: prepare(join(root, 'a')).owner })).toEqual({});
});

test('what cannot be done is refused with its reason; a program that is not there too', async () => {
  const one = folders();
  await expect(one.run(prepare('/proc/waxseal/mx1'))).rejects.toThrow(FolderRefusal);
  const folder = join(temporaryFolder(), 'mx1');
  const noProgram = one.run({ ...prepare(folder), command: ['/nowhere/reload'] });
  await expect(noProgram).rejects.toThrow('the command /nowhere/reload cannot be run');
  await expect(
    one.run({
      kind: 'place',
      owner: { folder: '/dev/null/x', installation: 'ours' },
      fresh: { files: [], description: '', nowMs: 0, unique: 'aa' },
    }),
  ).rejects.toThrow('/dev/null');
});

test('a job that never ends is given up after its time, its process killed, and this one stays free meanwhile', async () => {
  const one = folders({ script: script('spin'), timeoutMs: 1500 });
  let ticks = 0;
  const timer = setInterval(() => ticks++, 20);
  onTestFinished(() => clearInterval(timer));
  await expect(one.run(prepare('/anywhere'))).rejects.toThrow(FolderTimeout);
  expect(ticks).toBeGreaterThan(10);
  // It does not spin on.
  await expect
    .poll(() => execFileSync('ps', ['-e', '-o', 'args'], { encoding: 'utf8' }).includes('support/signers/spin.ts'), { timeout: 20_000 })
    .toBe(false);
  // The next try has a process of its own.
  await expect(one.run(prepare('/anywhere'))).rejects.toThrow('did not end within 1.5 s');
});

test('a process that dies is a failure of its job alone', async () => {
  const one = folders({ script: script('die') });
  await expect(one.run(prepare('/anywhere'))).rejects.toThrow('has ended');
  await expect(one.run(prepare('/anywhere'))).rejects.toThrow('has ended');
});

test('a stop ends the job that runs and the command that it started, and takes no further one', async () => {
  const spinning = folders({ script: script('spin') });
  const job = spinning.run(prepare('/anywhere'));
  setTimeout(() => spinning.stop(), 300);
  await expect(job).rejects.toThrow('has ended');
  await expect(spinning.run(prepare('/anywhere'))).rejects.toThrow('the server stops');
  const folder = temporaryFolder();
  const running = folders();
  const command = running.run({ kind: 'command', folder, command: ['/bin/sh', '-c', 'touch started; sleep 60'] });
  await expect.poll(() => readdirSync(folder), { timeout: 20_000 }).toEqual(['started']);
  running.stop();
  expect(await command).toEqual({ failure: '/bin/sh was killed: the server stops' });
});

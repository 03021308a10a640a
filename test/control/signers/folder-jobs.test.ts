/** What a job in a signer's folder returns, and how it says that it could not be done. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { doFolderJob } from '#control/signers/folder-jobs.ts';
import { temporaryFolder } from '../../support/temporary-store.ts';

const { signal } = new AbortController();

test('a signer’s folder from its making to an export that is done', async () => {
  const folder = join(temporaryFolder(), 'mx1');
  const owner = { folder, installation: 'ours' };
  const prepare = { kind: 'prepare', owner, others: [], command: ['/bin/true'] } as const;
  expect(await doFolderJob({ ...prepare, isDryRun: true }, signal)).toEqual({ kind: 'returned', result: {} });
  expect(await doFolderJob({ ...prepare, isDryRun: false }, signal)).toEqual({ kind: 'returned', result: { realFolder: folder } });
  expect(await doFolderJob({ kind: 'look', owner }, signal)).toEqual({ kind: 'returned', result: {} });
  const fresh = { files: [['a', 'text']], description: 'd', nowMs: 0, unique: 'aa' } as const;
  const version = 'v-19700101000000-aa';
  expect(await doFolderJob({ kind: 'place', owner, fresh }, signal)).toEqual({ kind: 'returned', result: { version } });
  expect(await doFolderJob({ kind: 'command', folder, command: [] }, signal)).toEqual({ kind: 'returned', result: {} });
  expect(await doFolderJob({ kind: 'finish', owner, version }, signal)).toEqual({ kind: 'returned', result: {} });
  const inPlace = { version, description: 'd', isDone: true };
  expect(await doFolderJob({ kind: 'look', owner }, signal)).toEqual({ kind: 'returned', result: { inPlace } });
});

test.each([
  ['/proc/waxseal/mx1', [], 'cannot be made'],
  ['/tmp', [], 'everyone may write to /tmp'],
  [join('/tmp', 'waxseal-none'), ['/nowhere/reload'], 'the command /nowhere/reload cannot be run'],
])('%s with %j is refused', async (folder, command, message) => {
  const owner = { folder, installation: 'ours' };
  const reply = await doFolderJob({ kind: 'prepare', owner, others: [], command, isDryRun: false }, signal);
  expect(reply).toMatchObject({ kind: 'refused', isTaken: false });
  expect(JSON.stringify(reply)).toContain(message);
});

test('what the disk says is a failure', async () => {
  const owner = { folder: temporaryFolder(), installation: 'ours' };
  const fresh = { files: [['../../x', '']], description: '', nowMs: 0, unique: 'x/y' } as const;
  expect(await doFolderJob({ kind: 'place', owner, fresh }, signal)).toMatchObject({
    kind: 'failed',
    message: expect.stringContaining('ENOENT'),
  });
});

import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder } from '#base/folder.ts';
import { temporaryFolder } from '../support/temporary-store.ts';

test('makes what is missing, with its mode, and leaves what is there', () => {
  const root = temporaryFolder();
  mkdirSync(join(root, 'a'), { mode: 0o755 });
  makeFolder(join(root, 'a', 'b', 'c'));
  const modes = ['a', 'a/b', 'a/b/c'].map((each) => (statSync(join(root, each)).mode & 0o777).toString(8));
  expect(modes).toEqual(['755', '700', '700']);
  makeFolder(join(root, 'a'));
  makeFolder('/');
});

test.each([
  ['/proc/none/a/b', 'ENOENT'],
  ['/dev/null/a', 'EEXIST'],
])('%s: %s, at once', (path, code) => {
  expect(() => makeFolder(path)).toThrow(expect.objectContaining({ code }) as Error);
});

test('a file in the way is an error', () => {
  const root = temporaryFolder();
  writeFileSync(join(root, 'file'), '');
  expect(() => makeFolder(join(root, 'file'))).toThrow(expect.objectContaining({ code: 'EEXIST' }) as Error);
  expect(() => makeFolder(join(root, 'file', 'below'))).toThrow(/E(?:NOTDIR|EXIST)/);
  expect(existsSync(join(root, 'below'))).toBe(false);
});

/** A pipe in the folder of a zone file: only the program mkfifo makes one. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { includeFrom } from '#dns/zone-file-include.ts';

test('a pipe is refused, and not waited for', () => {
  const root = mkdtempSync(join(tmpdir(), 'waxseal-include-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  expect(spawnSync('mkfifo', [join(root, 'pipe')]).status).toBe(0);
  const result = includeFrom(root)('pipe');
  expect(!result.ok && result.problems.map(({ code, message }) => [code, message])).toEqual([
    ['INCLUDE_REFUSED', '"pipe" is not included: it is not a file'],
  ]);
});

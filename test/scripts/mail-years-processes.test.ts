/** `npm run mail-years` for a moment: that it lives through years, and says what it found. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const SCRIPT = join(import.meta.dirname, '../../scripts/mail-years.ts');

function run(...words: readonly string[]): Promise<{ readonly code: unknown; readonly stdout: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [SCRIPT, ...words], { timeout: 60_000 }, (error, stdout) => resolve({ code: error?.code ?? 0, stdout }));
  });
}

test('mail domains as they are: none is harmed', async () => {
  expect(await run('1', '1147')).toEqual({ code: 0, stdout: '1 domains for a year, 0 of them harmed\n' });
});

test('what is no number is rejected', async () => {
  expect((await run('many')).code).toBe(1);
});

/** `npm run bogus-window` for a moment: that it counts, and that it finds fault where there is one. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const SCRIPT = join(import.meta.dirname, '../../scripts/bogus-window.ts');

function run(...words: readonly string[]): Promise<{ readonly code: unknown; readonly stdout: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [SCRIPT, ...words], { timeout: 60_000 }, (error, stdout) => resolve({ code: error?.code ?? 0, stdout }));
  });
}

test('rollovers as they are: none is bogus', async () => {
  expect(await run('60', '900000')).toEqual({ code: 0, stdout: '60 rollovers, 0 of them bogus somewhere\n' });
});

test('without the waits it finds the zones that are', async () => {
  const { code, stdout } = await run('60', '900000', '--without-waits');
  expect(code).toBe(1);
  expect(stdout).toMatch(/^seed 9000\d\d: .*\n/);
});

/** `waxseal serve` that cannot start, from outside: the exit code of the catalogue, one clear text, no stack trace. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { quietPort, runWaxseal } from '../support/running-server.ts';
import { temporaryFolder } from '../support/temporary-store.ts';

async function serve(change: (words: Record<string, string>, folder: string) => void) {
  const folder = temporaryFolder();
  const words: Record<string, string> = {
    data: join(folder, 'data'),
    dns: `127.0.0.1:${await quietPort()}`,
    admin: `127.0.0.1:${await quietPort()}`,
    https: 'off',
    workers: '1',
  };
  change(words, folder);
  const finished = await runWaxseal(['serve', ...Object.entries(words).flatMap(([flag, value]) => [`--${flag}`, value])]);
  return { ...finished, folder };
}

/** Text of a stack trace, or of what Node itself says about a program that failed. */
const TRACE = /^\s+at .*:\d+|Node\.js v\d|unhandled/im;

describe('78: starting again cannot help', () => {
  test.each([
    ['the data directory cannot be made', (words: Record<string, string>) => void (words['data'] = '/proc/waxseal'), 'STORE_FOLDER'],
    ['a file is in its place', (words: Record<string, string>) => void (words['data'] = '/dev/null/data'), 'STORE_FOLDER'],
    [
      'a file is where the store belongs',
      (words: Record<string, string>) => {
        mkdirSync(words['data']!);
        writeFileSync(join(words['data']!, 'store'), '');
      },
      'STORE_FOLDER',
    ],
    [
      'the key of a new store cannot be made',
      (words: Record<string, string>, folder: string) => writeFileSync(join(folder, 'keys'), words['data']!),
      'KEK_FILE',
    ],
    // Linux takes 107 octets for the path of a socket.
    [
      'the data directory is too deep for its socket',
      (words: Record<string, string>) => void (words['data'] = `${words['data']}/${'deep'.repeat(30)}`),
      'CONFIG_VALUE',
    ],
    ['more workers than there can be', (words: Record<string, string>) => void (words['workers'] = '65'), 'CONFIG_VALUE'],
    ['an address is not one', (words: Record<string, string>) => void (words['dns'] = 'localhost'), 'CONFIG_VALUE'],
  ])('%s', async (_, change, code) => {
    const { exit, out, err } = await serve(change);
    expect(err).toContain(`[${code}]`);
    expect(err).not.toMatch(TRACE);
    expect([exit, out]).toEqual([78, '']);
  });
});

describe('not 78: it may pass by itself', () => {
  test('4: the admin port is taken', async () => {
    const taken = createServer();
    const port = await quietPort();
    await new Promise<void>((resolve) => void taken.listen(port, '127.0.0.1', resolve));
    const { exit, err } = await serve((words) => void (words['admin'] = `127.0.0.1:${port}`));
    taken.close();
    expect(err).toContain('[ADDRESS_IN_USE]');
    expect(err).not.toMatch(TRACE);
    expect(exit).toBe(4);
  });

  test('1: no interface has the address', async () => {
    const { exit, err } = await serve((words) => void (words['dns'] = '192.0.2.1:5300'));
    expect(err).toContain('[ADDRESS_MISSING]');
    expect(exit).toBe(1);
  });
});

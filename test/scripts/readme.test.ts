/** README's first minute: what it shows is what a clone has and what the server prints. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readyScreen } from '#process/ready-screen.ts';
import { run } from '../support/cli-server.ts';
import { temporaryControl } from '../support/temporary-control.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const README = readFileSync(`${ROOT}/README.md`, 'utf8');

test('the dig lines are those of the first screen', async () => {
  const server = temporaryControl();
  const text = `${readFileSync(`${ROOT}/zones/meridian-post.example.zone`, 'utf8')}_dmarc IN TXT "v=DMARC1; p=none"\n`;
  await server.load('meridian-post.example.', text);
  const screen = readyScreen(server.control, { tokenFile: 't', kekMadeIn: undefined, dns: ['127.0.0.1:5300'], admin: '' });
  const digs = (shown: string) => [...shown.matchAll(/^ *(dig @.*)$/gm)].map(([, line]) => line);
  expect(digs(screen)).toHaveLength(3);
  expect(digs(README)).toEqual(digs(screen));
});

test('the zone file of the import is there, and good', async () => {
  const [, zone = '', file = ''] = /waxseal zone import (\S+) (\S+)/.exec(README) ?? [];
  expect(existsSync(`${ROOT}/${file}`)).toBe(true);
  expect(await run(['zone', 'check', zone, file], { cwd: ROOT })).toMatchObject({ exit: 0 });
});

test('the lock file has builds for other platforms and names no registry', () => {
  const lock = readFileSync(`${ROOT}/package-lock.json`, 'utf8');
  expect(lock).not.toContain('"resolved"');
  for (const platform of ['darwin-arm64', 'linux-arm64', 'linux-x64', 'win32-x64'])
    expect(lock).toContain(`node_modules/@lmdb/lmdb-${platform}"`);
  expect(readFileSync(`${ROOT}/.npmrc`, 'utf8')).toContain('omit-lockfile-registry-resolved=true');
});

/** README's first minute: what it shows is what a clone has and what the server prints. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { parsePolicyToml } from '#mail/policy/schema.ts';
import { readyScreen } from '#process/ready-screen.ts';
import { run } from '../support/cli-server.ts';
import { good, temporaryControl } from '../support/temporary-control.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const README = readFileSync(`${ROOT}/README.md`, 'utf8');

test('the lines to try are those of the first screen', async () => {
  const server = temporaryControl();
  await server.load('meridian-post.example.', readFileSync(`${ROOT}/zones/meridian-post.example.zone`, 'utf8'));
  const policy = parsePolicyToml(readFileSync(`${ROOT}/zones/meridian-post.example.mail.toml`, 'utf8'), 'policy');
  good(await server.run({ kind: 'mail.apply', zone: nameOf('meridian-post.example.'), policy: good(policy) }));
  const facts = { tokenFile: 't', kekMadeIn: undefined, dns: ['127.0.0.1:5300'], admin: '' };
  const screen = readyScreen(server.control, { ...facts, https: '127.0.0.1:8443', isSelfSigned: true });
  const digs = (shown: string) => [...shown.matchAll(/^ *((?:dig @|curl -k ).*)$/gm)].map(([, line]) => line);
  expect(digs(screen)).toHaveLength(4);
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

/** `./waxseal` as a process: how it is found and started, and what it reads from standard input. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { useServer } from '../support/cli-server.ts';
import { runWaxseal } from '../support/running-server.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

describe('the launcher', () => {
  test('works through a symbolic link, from any folder', () => {
    const folder = mkdtempSync(join(tmpdir(), 'waxseal-link-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    symlinkSync(join(ROOT, 'waxseal'), join(folder, 'wx'));
    symlinkSync('wx', join(folder, 'again'));
    const { status, stdout } = spawnSync('./again', ['version'], { cwd: folder, encoding: 'utf8' });
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^waxseal /)]);
  });

  test.each(['v20.19.0', 'v24.11.9', 'v9.0.0', ''])('says in one line that Node %s is too old, exit code 78', (version) => {
    const folder = mkdtempSync(join(tmpdir(), 'waxseal-node-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    // A checkout before `npm install`, on a machine with this Node: the launcher alone, and a `node` that knows only its version.
    cpSync(join(ROOT, 'waxseal'), join(folder, 'waxseal'));
    writeFileSync(join(folder, 'node'), version === '' ? '#!/bin/sh\nexit 1\n' : `#!/bin/sh\necho ${version}\n`, { mode: 0o755 });
    const { status, stdout, stderr } = spawnSync(join(folder, 'waxseal'), ['version'], {
      env: { PATH: `${folder}:/usr/bin:/bin` },
      encoding: 'utf8',
    });
    expect([status, stdout]).toEqual([78, '']);
    expect(stderr).toMatch(/^waxseal: needs Node 24\.12 or newer, found [^\n]+\n$/);
    expect(stderr).toContain(version === '' ? 'none' : version);
  });

  test.each(['v24.12.0', 'v26.10.0', 'v30.0.0'])('takes Node %s from the PATH, and says when packages are missing', (version) => {
    const folder = mkdtempSync(join(tmpdir(), 'waxseal-node-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    cpSync(join(ROOT, 'waxseal'), join(folder, 'waxseal'));
    writeFileSync(join(folder, 'node'), `#!/bin/sh\necho ${version}\n`, { mode: 0o755 });
    const { status, stderr } = spawnSync(join(folder, 'waxseal'), ['version'], {
      env: { PATH: `${folder}:/usr/bin:/bin` },
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([78, expect.stringMatching(/packages are not installed/)]);
  });
});

describe('standard input', () => {
  const server = useServer();
  const zone = '$TTL 60\n@ SOA ns host 1 3600 600 86400 300\n@ NS ns\nns A 192.0.2.1\n';

  test('a zone file', async () => {
    const { exit } = await runWaxseal(['zone', 'import', 'stdin.test', '-', '--data', server.data], { input: zone });
    expect([exit, server.control.zoneMap.has('stdin.test.')]).toEqual([0, true]);
  });

  test('a report', async () => {
    const words = ['dmarc', 'report', 'example.com', '-', '--data', server.data];
    const piped = await runWaxseal(words, { input: '<feedback></feedback>' });
    expect(piped).toMatchObject({ exit: 1, out: '', err: expect.stringContaining('[REPORT_FORM, RFC 9990 §3.1]') });
    expect(piped.err).toContain('-: line 1: <feedback> has no record');
  });
});

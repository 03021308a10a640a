/** `./waxseal` as a process: how it is found and started, and what it reads from standard input. */
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
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

describe('the package on a Node that is too old', () => {
  /** The entry as published, types blanked out, in a folder without anything else. */
  function published(): string {
    const folder = mkdtempSync(join(tmpdir(), 'waxseal-old-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    writeFileSync(join(folder, 'main.js'), stripTypeScriptTypes(readFileSync(join(ROOT, 'src/main.ts'), 'utf8')));
    return folder;
  }
  const TOO_OLD = /^waxseal: needs Node 24\.12 or newer, this is [\d.]+\n$/;

  test('says so in one line, exit code 78: nothing is imported that an old one lacks', () => {
    const folder = published();
    // As Node 20 is: without what came later, and with its version.
    const old = "Object.defineProperty(process.versions, 'node', { value: '20.19.0' });";
    writeFileSync(join(folder, 'old.mjs'), old);
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', './old.mjs', 'main.js', 'version'], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect([status, stdout]).toEqual([78, '']);
    expect(stderr).toMatch(TOO_OLD);
    // A name that a module does not export is an error before the first line runs.
    const named = [...readFileSync(join(folder, 'main.js'), 'utf8').matchAll(/^import (.+) from '(.+)';$/gm)].map(
      ([, what, from]) => `${what} ${from}`,
    );
    expect(named).toEqual(['module node:module', '{ fileURLToPath } node:url']);
  });

  test('every other Node of this machine that is too old says the same', () => {
    const folder = published();
    const others = (process.env['PATH'] ?? '').split(':').map((each) => join(each, 'node'));
    for (const node of new Set(others.filter((each) => existsSync(each)))) {
      const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim();
      if (Number(/^v(\d+)/.exec(version)?.[1]) >= 24) continue;
      const { status, stderr } = spawnSync(node, ['main.js', 'version'], { cwd: folder, encoding: 'utf8' });
      expect([version, status, stderr]).toEqual([version, 78, expect.stringMatching(TOO_OLD)]);
    }
  });
});

describe('a question at a terminal', () => {
  const server = useServer();
  const ZONE = 'example.com.';

  /** Runs a command that asks, on a terminal of its own, and sends `keys` when it has asked. */
  async function answer(keys: string) {
    const command = `${join(ROOT, 'waxseal')} zone remove ${ZONE} --data ${server.data}`;
    const child = spawn('script', ['-qec', command, '/dev/null'], { stdio: 'pipe' });
    let said = '';
    let hasAnswered = false;
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        if (!said.includes('[y/N]') || hasAnswered) return;
        hasAnswered = true;
        child.stdin.write(keys);
      });
    const exit = await new Promise<number | null>((resolve) => void child.once('close', resolve));
    return { exit, said };
  }

  test.each([
    ['Ctrl-C', '\u0003', 130],
    ['Ctrl-D', '\u0004', 1],
    ['no', 'n\n', 1],
    ['yes', 'y\n', 0],
  ])('%s', async (_, keys, exit) => {
    const outcome = await answer(keys);
    expect([outcome.exit, outcome.said]).toEqual([exit, expect.not.stringMatching(/\bat .*:\d+|unsettled/)]);
    expect(server.control.zoneMap.has(ZONE)).toBe(exit !== 0);
  });
});

describe('what failed at a terminal', () => {
  const failed = async (environment: Record<string, string>): Promise<string> => {
    const command = `${join(ROOT, 'waxseal')} zone explode`;
    const { NO_COLOR: _none, ...own } = process.env;
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...own, TERM: 'xterm', ...environment },
    });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    await new Promise((resolve) => void child.once('close', resolve));
    return said;
  };

  test.each([
    ['is red', {}, '\u001b[31mwaxseal:\u001b[39m '],
    ['is not with NO_COLOR', { NO_COLOR: '1' }, 'waxseal: '],
    ['is not where there are no colours', { TERM: 'dumb' }, 'waxseal: '],
  ])('%s', async (_, environment, start) => {
    const said = await failed(environment);
    expect(said.slice(0, start.length)).toBe(start);
    expect(said).toContain('[CLI_USAGE]');
  });

  test('has no colours where it goes elsewhere', async () => {
    expect((await runWaxseal(['zone', 'explode'])).err).toMatch(/^waxseal: .*\n(?: {2}.*\n)* {2}\[CLI_USAGE\]\n$/);
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

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { run } from '../support/cli-server.ts';

/** Every command of interface.md that is built. */
const COMMANDS = [
  ['init'],
  ['serve'],
  ['status'],
  ['check'],
  ['query'],
  ['search'],
  ['version'],
  ...['add', 'remove', 'list', 'show', 'import', 'export', 'check', 'diff'].map((verb) => ['zone', verb]),
  ...['list', 'get', 'set', 'delete'].map((verb) => ['rrset', verb]),
  ...['status', 'ds', 'timeline'].map((verb) => ['dnssec', verb]),
  ...['create', 'list', 'revoke'].map((verb) => ['token', verb]),
  ...['tail', 'verify', 'export'].map((verb) => ['audit', verb]),
  ...['check', 'show'].map((verb) => ['config', verb]),
];

describe('help', () => {
  test.each(COMMANDS.map((words) => [words.join(' '), words] as const))(
    '%s --help shows an example and the shared options',
    async (name, words) => {
      const { exit, out, err } = await run([...words, '--help']);
      expect([exit, err]).toEqual([0, '']);
      expect(out).toMatch(new RegExp(`Example:\\n {2}\\$ waxseal ${name}\\b`));
      if (name !== 'serve') expect(out).toContain('--json');
      const local = ['serve', 'version', 'zone check', 'config check', 'config show'].includes(name);
      expect(out.includes('--server')).toBe(!local);
      const changes = [
        'init',
        'zone add',
        'zone remove',
        'zone import',
        'rrset set',
        'rrset delete',
        'token create',
        'token revoke',
      ].includes(name);
      expect(out.includes('--dry-run') && out.includes('--yes')).toBe(changes);
    },
  );

  test('lists every noun', async () => {
    const { exit, out } = await run(['--help']);
    expect(exit).toBe(0);
    for (const noun of new Set(COMMANDS.map((words) => words[0]!))) expect(out).toMatch(new RegExp(`^  ${noun} `, 'm'));
    expect((await run(['help', 'zone'])).out).toContain('waxseal zone');
  });
});

describe('usage: exit code 2', () => {
  test.each([
    [['zon', 'list'], 'Did you mean zone?'],
    [['zone', 'lst'], 'Did you mean list?'],
    [['zone'], 'see waxseal zone --help'],
    [['zone', 'list', '--jsn'], 'Did you mean --json?'],
    [['zone', 'show'], "missing required argument 'zone'"],
    [['zone', 'show', 'a', 'b'], 'too many arguments'],
    [['mail', 'plan', 'example.com'], 'mail plan needs a policy file'],
    [['rrset', 'set', 'example.com', 'www', 'A', 'soon', '192.0.2.1'], 'as in 3600 or 1h30m'],
    [['status', '--server', 'localhost'], 'neither a URL nor unix:PATH'],
    [['status', '--server', 'http://user:secret@localhost/'], 'use --token-file'],
    [['audit', 'tail', '-n', '0'], 'whole number'],
    [['token', 'create'], "missing required argument 'name'"],
  ] as const)('%j', async (words, text) => {
    const { exit, out, err } = await run(words);
    expect(exit).toBe(2);
    expect(out).toBe('');
    expect(err).toMatch(/^waxseal: /);
    expect(err).toMatch(/\[CLI_USAGE\]\n$/);
    expect(err).toContain(text);
  });

  test('is one JSON document with --json', async () => {
    const { exit, out } = await run(['zone', 'lst', '--json']);
    expect([exit, JSON.parse(out)]).toMatchObject([2, { ok: false, exit: 2, code: 'CLI_USAGE' }]);
  });
});

describe('version', () => {
  test('is that of package.json, and needs no server', async () => {
    expect((await run(['version'])).out).toMatch(/^waxseal [0-9]+\.[0-9]+\.[0-9]+ \(Node [0-9.]+\)\n$/);
    expect(JSON.parse((await run(['version', '--json'])).out)).toHaveProperty('waxseal');
  });
});

describe('config', () => {
  test('check is 0 or 78', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'waxseal-config-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'waxseal.toml');
    writeFileSync(file, '[dns]\nlisten = ["127.0.0.1:5399"]\n');
    expect(await run(['config', 'check'], { cwd: folder })).toMatchObject({ exit: 0, out: `${file}: ok\n` });
    expect(JSON.parse((await run(['config', 'show', '--json'], { cwd: folder })).out)).toMatchObject({
      dns: { listen: ['127.0.0.1:5399'] },
    });
    writeFileSync(file, '[dns]\nlistn = ["127.0.0.1:5399"]\nworkers = "x"\n');
    const bad = await run(['config', 'check', '--config', file]);
    expect(bad.exit).toBe(78);
    expect(bad.err).toContain(`${file}:2: unknown key dns.listn.\n    did you mean dns.listen?\n    [CONFIG_KEY]`);
    expect(bad.err).toContain(`${file}:3: `);
    expect((await run(['status'], { cwd: folder })).exit).toBe(78);
    expect((await run(['config', 'show', '--config', '/nowhere/x.toml'])).exit).toBe(78);
  });

  test('show prints TOML that means the same', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'waxseal-config-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const first = await run(['config', 'show'], { cwd: folder });
    writeFileSync(join(folder, 'waxseal.toml'), first.out);
    expect(await run(['config', 'show'], { cwd: folder })).toEqual(first);
  });
});

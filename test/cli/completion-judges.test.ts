/** Completions and the manual, made of the command line itself; bash and groff judge them. */
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { commandTree } from '#cli/command-tree.ts';
import { completionScript } from '#cli/completion-scripts.ts';
import { manualPage } from '#cli/manual-page.ts';
import { addNouns } from '#cli/program.ts';
import { run } from '../support/cli-server.ts';
import { temporaryFolder } from '../support/temporary-store.ts';

const terminal = {
  environment: {},
  workingDirectory: '/',
  out: () => undefined,
  err: () => undefined,
  interactive: false,
  ask: () => Promise.resolve(false),
  prompt: () => Promise.resolve(''),
};

/** Bold and underlined, as a terminal or a printer of long ago shows them. */
const MARKS = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m|.${String.fromCharCode(8)}`, 'g');

let tree: Awaited<ReturnType<typeof commandTree>>;
beforeAll(async () => void (tree = await commandTree(addNouns, terminal)));

/** What bash offers after these words, the last of which is being typed. */
function completed(script: string, words: readonly string[]): string[] {
  const file = join(temporaryFolder(), 'waxseal.bash');
  writeFileSync(file, script);
  const line = words.map((each) => `'${each}'`).join(' ');
  const program = `source ${file}; COMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _waxseal; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', program], { encoding: 'utf8', cwd: temporaryFolder() }).split('\n').filter(Boolean);
}

describe('bash', () => {
  test.each([
    [['waxseal', 'zo'], ['zone']],
    [['waxseal', 'zone', 'imp'], ['import']],
    [['waxseal', 'zone', 'import', '--dr'], ['--dry-run']],
    [['waxseal', 'zone', 'import', 'example.com', '--pre'], ['--presigned']],
    [['waxseal', 'dnssec', 'children', 'se'], ['set']],
    [['waxseal', 'zone', 'list', '--presig'], []],
  ] as const)('%j', (words, offered) => {
    expect(completed(completionScript('bash', tree), words)).toEqual(offered);
  });

  test('every noun and every verb', () => {
    const script = completionScript('bash', tree);
    expect(completed(script, ['waxseal', '']).filter((each) => !each.startsWith('-'))).toEqual(tree.commands.map(({ name }) => name));
    const zone = tree.commands.find(({ name }) => name === 'zone')!;
    expect(completed(script, ['waxseal', 'zone', '']).filter((each) => !each.startsWith('-'))).toEqual(
      zone.commands.map(({ name }) => name),
    );
  });
});

test('zsh and fish have each command and each option, with quotes that end', () => {
  for (const shell of ['zsh', 'fish'] as const) {
    const script = completionScript(shell, tree);
    for (const { name, commands } of tree.commands) {
      expect(script).toContain(name);
      for (const each of commands) expect(script).toContain(each.name);
    }
    const unescaped = script.replaceAll(shell === 'fish' ? String.raw`\'` : String.raw`'\''`, '');
    for (const line of unescaped.split('\n')) expect([line, line.split("'").length % 2]).toEqual([line, 1]);
  }
});

test('groff finds nothing to warn of in the manual, which has each command with its example', () => {
  const page = manualPage(tree);
  const judged = spawnSync('groff', ['-man', '-ww', '-Tutf8'], { input: page, encoding: 'utf8' });
  expect([judged.status, judged.stderr]).toEqual([0, '']);
  const text = judged.stdout.replaceAll(MARKS, '');
  expect(text).toContain('waxseal zone import zone file');
  expect(text).toContain('waxseal zone import example.com example.com.zone');
  expect(text).toMatch(/--dry-run\s+show what would change, change nothing/);
});

test('the commands print them; another shell is named', async () => {
  expect((await run(['completion', 'fish'])).out).toContain('complete -c waxseal');
  expect((await run(['manual'])).out).toMatch(/^\.TH WAXSEAL 1/);
  expect(await run(['completion', 'csh'])).toMatchObject({ exit: 2, err: expect.stringContaining('bash, zsh, fish') });
});

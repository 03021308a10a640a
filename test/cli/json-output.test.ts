/** `--json`: exactly one JSON document on stdout, whatever happens; made from the table of commands. */
import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { addNouns } from '#cli/program.ts';
import type { Terminal } from '#cli/terminal.ts';
import { run } from '../support/cli-server.ts';

const SILENT: Terminal = {
  environment: {},
  workingDirectory: '/',
  out: () => undefined,
  err: () => undefined,
  interactive: false,
  prompt: () => Promise.resolve(''),
  ask: () => Promise.resolve(false),
};
const program = new Command('waxseal');
await addNouns(program, SILENT, () => true);

interface Leaf {
  readonly words: readonly string[];
  readonly command: Command;
}

function leaves(command: Command, words: readonly string[] = []): Leaf[] {
  if (command.commands.length === 0) return [{ words, command }];
  return command.commands.flatMap((each) => leaves(each, [...words, each.name()]));
}

/** The words with every argument and option that the command must have; nothing listens on port 1, and there is no file of this name. */
function complete({ words, command }: Leaf): string[] {
  const has = (flag: string) => command.options.some(({ long }) => long === flag);
  return [
    ...words,
    ...command.registeredArguments.filter(({ required }) => required).map(() => 'no-such.example'),
    ...command.options.filter(({ mandatory }) => mandatory).flatMap(({ long }) => [long!, 'no-such.example']),
    ...(has('--server') ? ['--server', 'http://127.0.0.1:1'] : []),
    ...(has('--yes') ? ['--yes'] : []),
    ...(has('--config') && !has('--server') ? ['--config', '/no-such/waxseal.toml'] : []),
    '--json',
  ];
}

const LEAVES = leaves(program).map((leaf) => [leaf.words.join(' '), leaf] as const);

test('looks at every command', () => {
  expect(LEAVES.length).toBeGreaterThan(40);
});

describe.each(LEAVES)('waxseal %s --json', (name, leaf) => {
  test('prints one document when its server or file is not there', async () => {
    const { exit, out } = await run(complete(leaf));
    const document: unknown = JSON.parse(out);
    if (name === 'version') expect([exit, document]).toEqual([0, { waxseal: expect.any(String), node: expect.any(String) }]);
    else expect([exit === 0, document]).toMatchObject([false, { ok: false }]);
  });

  test('prints one document when its arguments are wrong', async () => {
    for (const words of [
      [...complete(leaf), '--no-such-option'],
      [...leaf.words, '--json', ...Array.from({ length: 9 }, () => 'x')],
    ]) {
      const { exit, out } = await run(words);
      expect(JSON.parse(out)).toMatchObject({ ok: false, code: expect.any(String) });
      expect(exit).toBeGreaterThan(0);
    }
  });
});

test.each([[['--json']], [['zone', '--json']], [['no-such-noun', '--json']], [['zone', 'no-such-verb', '--json']]])(
  'waxseal %j prints one document',
  async (words) => {
    const { exit, out } = await run(words);
    expect([exit, JSON.parse(out)]).toMatchObject([2, { ok: false, code: 'CLI_USAGE' }]);
  },
);

test('waxseal --version is waxseal version', async () => {
  expect(await run(['--version'])).toEqual(await run(['version']));
  expect((await run(['--version'])).out).toMatch(/^waxseal \d+\.\d+\.\d+/);
  expect(JSON.parse((await run(['-V', '--json'])).out)).toMatchObject({ waxseal: expect.any(String) });
});

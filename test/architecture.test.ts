/** The source tree keeps the house rules; and the rules can fail. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findFolderCircles, SUB_FOLDERS } from './support/architecture/sub-folders.ts';
import { checkArchitecture, FOLDER_FILES_MAX, LINES_MAX } from './support/architecture-rules.ts';

const SOURCE = join(import.meta.dirname, '../src');

function readSources(): Map<string, string> {
  return new Map(
    readdirSync(SOURCE, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [relative(SOURCE, path).split(sep).join('/'), readFileSync(path, 'utf8')]),
  );
}

test('src/ keeps the rules of the house', () => {
  const sources = readSources();
  expect(sources.size).toBeGreaterThan(50);
  expect(checkArchitecture(sources, ['main.ts'])).toEqual([]);
});

test.each(Object.entries(SUB_FOLDERS))('the sub-folders of %s stand on floors: no circle in their table', (_room, table) => {
  expect(findFolderCircles(table)).toEqual([]);
});

describe('the rules can fail', () => {
  const HEAD = '/** Head. */\n';
  const GOOD = {
    'main.ts': `${HEAD}import { run } from '#cli/run.ts';\nrun();\n`,
    'cli/run.ts': `${HEAD}import { name } from '#dns/name.ts';\nimport { help } from './help.ts';\nexport const run = () => [name, help];\n`,
    'cli/help.ts': `${HEAD}export const help = 'import "lmdb" any: any';\n// a comment about : any import('lmdb')\n`,
    'dns/name.ts': `${HEAD}export const name = new URL('./worker.ts', import.meta.url);\n`,
    'dns/worker.ts': `${HEAD}export const work = 1;\n`,
  };
  const check = (changes: Record<string, string>) => checkArchitecture(new Map(Object.entries({ ...GOOD, ...changes })), ['main.ts']);

  test('a good tree has no violation', () => expect(check({})).toEqual([]));

  test('a circle in the table of sub-folders is found, one through a single file is not one', () => {
    expect(findFolderCircles({ zone: ['mail'], mail: ['zone'] })).toContain('zone → mail → zone');
    expect(findFolderCircles({ tcp: ['listener.ts'], '.': ['tcp'] })).toEqual([]);
  });

  test.each<[string, Record<string, string>, string]>([
    ['upwards', { 'dns/worker.ts': `${HEAD}import { help } from '#cli/help.ts';\nexport const work = help;\n` }, 'imports go down only'],
    [
      'control and server meet',
      {
        'cli/help.ts': `${HEAD}import { a } from '#server/a.ts';\nexport const help = a;\n`,
        'server/a.ts': `${HEAD}import { b } from '#control/b.ts';\nexport const a = b;\n`,
        'control/b.ts': `${HEAD}export const b = 1;\n`,
      },
      'rooms of one floor never meet',
    ],
    [
      'lmdb outside store',
      { 'cli/help.ts': `${HEAD}import { open } from 'lmdb';\nexport const help = open;\n` },
      'only store/ may import lmdb',
    ],
    ['lmdb by dynamic import', { 'cli/help.ts': `${HEAD}export const help = await import('lmdb');\n` }, 'only store/ may import lmdb'],
    [
      'koffi outside server',
      { 'dns/worker.ts': `${HEAD}import koffi from 'koffi';\nexport const work = koffi;\n` },
      'only server/ may import koffi',
    ],
    [
      'a relative path into another room',
      { 'cli/help.ts': `${HEAD}import { name } from '../dns/name.ts';\nexport const help = name;\n` },
      'as #folder/file.ts',
    ],
    [
      'a sibling by room name',
      { 'cli/run.ts': `${HEAD}import { help } from '#cli/help.ts';\nimport '#dns/name.ts';\nexport const run = () => help;\n` },
      'as ./file.ts',
    ],
    ['a missing file', { 'cli/help.ts': `${HEAD}import { x } from './gone.ts';\nexport const help = x;\n` }, 'there is no src/cli/gone.ts'],
    [
      'a sub-folder that its table does not let in',
      {
        'cli/help.ts': `${HEAD}import { a } from '#mail/policy/a.ts';\nexport const help = a;\n`,
        'mail/policy/a.ts': `${HEAD}import { b } from '#mail/dane/b.ts';\nexport const a = b;\n`,
        'mail/dane/b.ts': `${HEAD}export const b = 1;\n`,
      },
      'mail/policy/a.ts:2: imports #mail/dane/b.ts: mail/policy may not import mail/dane',
    ],
    [
      'a file of the room itself that its table does not let in',
      {
        'cli/help.ts': `${HEAD}import { a } from '#server/tcp/a.ts';\nexport const help = a;\n`,
        'server/tcp/a.ts': `${HEAD}import { b } from '#server/b.ts';\nexport const a = b;\n`,
        'server/b.ts': `${HEAD}export const b = 1;\n`,
      },
      'server/tcp may not import the files of server itself',
    ],
    [
      'a sub-folder without a row',
      {
        'cli/help.ts': `${HEAD}import { a } from '#cli/nouns/a.ts';\nexport const help = a;\n`,
        'cli/nouns/a.ts': `${HEAD}export const a = 1;\n`,
      },
      'cli/nouns: this sub-folder has no row',
    ],
    [
      'a folder too full',
      Object.fromEntries(Array.from({ length: FOLDER_FILES_MAX + 1 }, (_, at) => [`zone/z${at}.ts`, `${HEAD}export const z = ${at};\n`])),
      `zone: ${FOLDER_FILES_MAX + 1} files, at most ${FOLDER_FILES_MAX}`,
    ],
    ['a dead file', { 'dns/dead.ts': `${HEAD}export const dead = 1;\n` }, 'dns/dead.ts: dead'],
    ['an unknown room', { 'attic/box.ts': `${HEAD}export const box = 1;\n` }, 'has no floor'],
    [
      'a cycle',
      { 'cli/help.ts': `${HEAD}import { run } from './run.ts';\nexport const help = run;\n` },
      'cycle: cli/run.ts → cli/help.ts → cli/run.ts',
    ],
    ['a default export', { 'cli/help.ts': `${HEAD}export const help = 1;\nexport default help;\n` }, 'default export'],
    ['a barrel', { 'cli/help.ts': `${HEAD}export { name as help } from '#dns/name.ts';\n` }, 'a barrel'],
    ['export *', { 'cli/help.ts': `${HEAD}export const help = 1;\nexport * from '#dns/name.ts';\n` }, 're-exports everything'],
    ['no head comment', { 'cli/help.ts': 'export const help = 1;\n' }, 'no head comment'],
    ['any as a type', { 'cli/help.ts': `${HEAD}export const help = (x: any) => x;\n` }, 'cli/help.ts: any'],
    ['any by assertion', { 'cli/help.ts': `${HEAD}export const help = (x: unknown) => x as any;\n` }, 'cli/help.ts: any'],
    ['any as a type argument', { 'cli/help.ts': `${HEAD}export const help = new Set<any>();\n` }, 'cli/help.ts: any'],
    ['the type checker off', { 'cli/help.ts': `${HEAD}// @ts-ignore\nexport const help = 1;\n` }, 'switches the type checker off'],
    ['the linter off', { 'cli/help.ts': `${HEAD}// oxlint-disable-next-line\nexport const help = 1;\n` }, 'switches the linter off'],
    ['too long', { 'cli/help.ts': `${HEAD}${'// line\n'.repeat(LINES_MAX)}export const help = 1;\n` }, `at most ${LINES_MAX}`],
    [
      'camelCase file',
      {
        'cli/run.ts': `${HEAD}import { help } from './helpText.ts';\nimport '#dns/name.ts';\nimport './help.ts';\nexport const run = () => help;\n`,
        'cli/helpText.ts': `${HEAD}export const help = 1;\n`,
      },
      'kebab-case',
    ],
    [
      'a started script that is not there',
      { 'dns/name.ts': `${HEAD}export const name = siblingModule(import.meta.url, 'gone');\n` },
      'starts src/dns/gone.ts',
    ],
  ])('%s', (_what, changes, violation) => {
    expect(check(changes).join('\n')).toContain(violation);
  });
});

/** The source tree keeps the house rules; and the rules can fail. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkArchitecture, FOLDER_FILES_MAX, LINES_MAX } from './support/architecture-rules.ts';
import { findLimitsElsewhere } from './support/architecture/limits.ts';
import { findLongFunctions, FUNCTION_LINES_MAX } from './support/architecture/long-functions.ts';
import {
  compareRatchets,
  countRatchets,
  findLongLines,
  findUntested,
  HOW_TO_LOWER,
  lowerRatchets,
  type Ratchets,
  readRatchets,
} from './support/architecture/ratchets.ts';
import {
  findDeadDocumentReferences,
  findDeadFileReferences,
  findUndescribedFolders,
  findUnlistedRfcs,
} from './support/architecture/references.ts';
import { readFolder } from './support/architecture/sources.ts';
import { findFolderCircles, SUB_FOLDERS } from './support/architecture/sub-folders.ts';
import { findPhrases, findRoomNames } from './support/architecture/words.ts';

const sources = readFolder('src', '.ts');
const documents = readFolder('docs', '.md');
/** By their path in the repository; this file without its text, which has dead references planted in it. */
const files = new Map(
  ['bench', 'scripts', 'src', 'test'].flatMap((folder) =>
    [...readFolder(folder, '.ts')].map(([path, text]) => [`${folder}/${path}`, text]),
  ),
);
files.set('test/architecture.test.ts', '');

test('src/ keeps the rules of the house', () => {
  expect(sources.size).toBeGreaterThan(50);
  expect(checkArchitecture(sources, ['main.ts'])).toEqual([]);
});

test('files named in comments and documents are there', () => {
  expect(findDeadFileReferences(files)).toEqual([]);
  expect(documents.size).toBeGreaterThan(5);
  expect(findDeadDocumentReferences(documents, files)).toEqual([]);
});

test('docs/architecture.md has a line for every folder', () => {
  expect(findUndescribedFolders(sources, documents.get('architecture.md')!)).toEqual([]);
});

test('docs/rfc.md lists every RFC that src/ cites', () => {
  expect(findUnlistedRfcs(sources, documents.get('rfc.md')!)).toEqual([]);
});

test('limits stand in base/limits/', () => {
  expect(findLimitsElsewhere(sources)).toEqual([]);
});

test('no name of control, mail and admin has "room" in it', () => {
  expect(findRoomNames(sources)).toEqual([]);
});

test('what is counted in test/support/architecture/ratchets.json only falls', () => {
  expect(compareRatchets(readRatchets(), countRatchets())).toEqual([]);
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
      'folders of one floor never meet',
    ],
    [
      'lmdb outside store',
      { 'cli/help.ts': `${HEAD}import { open } from 'lmdb';\nexport const help = open;\n` },
      'only store/ may import lmdb',
    ],
    ['lmdb by dynamic import', { 'cli/help.ts': `${HEAD}export const help = await import('lmdb');\n` }, 'only store/ may import lmdb'],
    [
      'koffi outside server and process',
      { 'dns/worker.ts': `${HEAD}import koffi from 'koffi';\nexport const work = koffi;\n` },
      'only server and process/ may import koffi',
    ],
    [
      'a relative path into another folder',
      { 'cli/help.ts': `${HEAD}import { name } from '../dns/name.ts';\nexport const help = name;\n` },
      'as #folder/file.ts',
    ],
    [
      'a sibling by the name of its folder',
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
      'a file of the folder itself that its table does not let in',
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
    ['an unknown folder', { 'attic/box.ts': `${HEAD}export const box = 1;\n` }, 'has no floor'],
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

describe('references can be found dead', () => {
  const tree = new Map([
    ['src/zone/cut.ts', '/** Not here: looking it up (lookup.ts). */\nexport const cut = 1;\n'],
    ['src/zone/lookup.ts', '/** See zone/cut.ts,\n * and test/laws/law.test.ts. */\nexport const lookup = 1; // src/zone/cut.ts\n'],
    ['test/laws/law.test.ts', '/** The law of zone/lookup.ts. */\n'],
  ]);
  const withFile = (text: string) => findDeadFileReferences(new Map([...tree, ['src/dns/name.ts', text]]));

  test('beside the file, in src/, in the repository: all there', () => expect(withFile('/** Head. */\n')).toEqual([]));
  test.each<[string, string, string[]]>([
    ['a file of another folder by its bare name', '/**\n * Not here: cuts (cut.ts).\n */\n', ['src/dns/name.ts:2: there is no cut.ts']],
    ['a file that moved', '/** Head. */\nconst a = 1; // as zone/old/cut.ts does\n', ['src/dns/name.ts:2: there is no zone/old/cut.ts']],
    ['a test that is gone', '/** Head (test/laws/gone.test.ts). */\n', ['src/dns/name.ts:1: there is no test/laws/gone.test.ts']],
    ['none in code, and none for a whole kind of files', "/** Of zone/<name>.ts. */\nimport './cut.ts';\n", []],
  ])('%s', (_what, text, dead) => expect(withFile(text)).toEqual(dead));

  test('in a document', () => {
    expect(findDeadDocumentReferences(new Map([['a.md', '`zone/cut.ts`, `src/zone/cut.ts`, `zone/gone.ts`']]), tree)).toEqual([
      'a.md: there is no zone/gone.ts',
    ]);
  });

  test('a folder that the picture lacks', () => {
    const one = new Map([['zone/cut.ts', '']]);
    expect(findUndescribedFolders(one, '| 2 | `dns/` |')).toEqual(['docs/architecture.md has no line for zone/']);
    expect(findUndescribedFolders(one, '| 2 | `zone/` |')).toEqual([]);
  });

  test('an RFC that the table lacks, alone or in a list', () => {
    const cites = new Map([['a.ts', '/** RFC 1035 §3, RFCs 4033, 4034 and 4035; RFC 9 of nothing. */']]);
    expect(findUnlistedRfcs(cites, '| 1035, 4034 |')).toEqual([
      'docs/rfc.md does not list RFC 4033 (a.ts)',
      'docs/rfc.md does not list RFC 4035 (a.ts)',
    ]);
  });
});

describe('what is counted is found', () => {
  const one = (text: string) => new Map([['control/a.ts', text]]);

  test('functions by name, with and without one, methods too; one of the allowed length is not', () => {
    const folder = mkdtempSync(join(tmpdir(), 'planted-'));
    const body = (lines: number) => 'x();\n'.repeat(lines);
    const long = body(FUNCTION_LINES_MAX - 1);
    writeFileSync(
      join(folder, 'a.ts'),
      [
        `export function exact() {\n${body(FUNCTION_LINES_MAX - 2)}}`,
        `export async function long() {\n${long}}`,
        `export class A {\n  #method() {\n${long}}\n}`,
        `export const arrow = () => {\n${long}};`,
        `run(() => {\n${long}});`,
      ].join('\n'),
    );
    try {
      expect(findLongFunctions(folder)).toEqual(['a.ts (without a name)', 'a.ts (without a name) again', 'a.ts long', 'a.ts method']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('lines over 120 columns', () => {
    expect(findLongLines(one(`${'x'.repeat(120)}\n${'x'.repeat(121)}\n`))).toEqual(['control/a.ts:2']);
  });

  test.each<[string, string[]]>([
    ['/** Nobody knows. */', ['control/a.ts: nobody']],
    ["const text = 'the worker is not told';", ['control/a.ts: is not told']],
    ['/**\n * What it comes\n * to.\n */', ['control/a.ts: comes to']],
    ['// the control\n// room', ['control/a.ts: control room']],
    ['/** Somebody else goes on; another zone refuses. */', ['control/a.ts: somebody', 'control/a.ts: goes on', 'control/a.ts: refuses']],
    ['/** There is no room on the disk; the query is refused; told apart. */', []],
  ])('phrases that docs/style.md replaces: %j', (text, found) => expect(findPhrases(one(text))).toEqual(found));

  test('names with "room" in code, not in comments and texts', () => {
    expect(findRoomNames(one("/** A room. */\nconst mailRoom: MailRoom = { room: 'no room' };"))).toEqual([
      'control/a.ts: mailRoom',
      'control/a.ts: MailRoom',
      'control/a.ts: room',
    ]);
  });

  test.each<[string, string[]]>([
    ['const QUEUE_MAX = 100;', ['control/a.ts QUEUE_MAX']],
    ['export const LOOK_MS: number = 2 * 86_400_000;', ['control/a.ts LOOK_MS']],
    ['const BUFFER_BYTES = 64 * 1024;', ['control/a.ts BUFFER_BYTES']],
    ['const HEADER_BYTES = 12;', []],
    ['const NAMES_MAX = ALIAS_STEPS_MAX + 2;', []],
    ['/* const QUEUE_MAX = 100; */', []],
  ])('limits: %s', (text, found) => expect(findLimitsElsewhere(one(text))).toEqual(found));

  test('limits in base/limits/ are at home', () => {
    expect(findLimitsElsewhere(new Map([['base/limits/queue.ts', 'export const QUEUE_MAX = 100;']]))).toEqual([]);
  });

  test('long modules of control, mail and admin without a test of their own name', () => {
    const long = `const a = 1;\n${'// line\n'.repeat(80)}`;
    const modules = new Map([
      ['control/a.ts', long],
      ['control/b.ts', long],
      ['control/short.ts', 'const a = 1;\n'],
      ['control/types.ts', `export interface A {}\n${'// line\n'.repeat(80)}`],
      ['dns/c.ts', long],
    ]);
    expect(findUntested(modules, new Set(['control/b.test.ts']))).toEqual(['control/a.ts']);
  });
});

describe('counts only fall', () => {
  const ratchets = (longLines: Record<string, number>, untested: string[]): Ratchets => ({
    counts: { longLines, phrases: {} },
    lists: { longFunctions: [], untested },
  });
  const kept = ratchets({ control: 5, mail: 2 }, ['control/a.ts']);

  test('the same: nothing to say', () => expect(compareRatchets(kept, kept)).toEqual([]));
  test('a rise, also in a folder that had none', () => {
    expect(compareRatchets(kept, ratchets({ control: 6, dns: 1, mail: 2 }, ['control/a.ts', 'control/b.ts']))).toEqual([
      'longLines (over 120 columns): control/ has 6, at most 5 are allowed',
      'longLines (over 120 columns): dns/ has 1, at most 0 are allowed',
      'untested (over 80 lines, no test file of the same name): control/b.ts is new',
    ]);
  });
  test('a fall says what to write down', () => {
    expect(compareRatchets(kept, ratchets({ control: 3 }, []))).toEqual([
      'longLines (over 120 columns): control/ has fewer: lower the number to 3',
      'longLines (over 120 columns): mail/ has fewer: lower the number to 0',
      'untested (over 80 lines, no test file of the same name): control/a.ts is no more: take it from the list',
      HOW_TO_LOWER,
    ]);
  });
  test('lowering follows falls and moves between folders, and rejects growth', () => {
    const moved = ratchets({ control: 4, process: 3 }, ['process/a.ts']);
    expect(lowerRatchets(kept, moved)).toBe(moved);
    expect(lowerRatchets(kept, ratchets({ control: 8 }, []))).toBe('longLines (over 120 columns): 8 in all, at most 7 are allowed');
    expect(lowerRatchets(kept, ratchets({}, ['a.ts', 'b.ts']))).toBe(
      'untested (over 80 lines, no test file of the same name): 2 in all, at most 1 are allowed',
    );
  });
});

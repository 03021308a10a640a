/**
 * Ratchets: faults that are counted instead of forbidden, and whose count may only fall. ratchets.json keeps the counts; when one falls,
 * `npx node test/support/architecture/lower-ratchets.ts` writes the new ones.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FUNCTION_LINES_MAX, findLongFunctions } from './long-functions.ts';
import { REPOSITORY, type Sources, readFolder, topFolderOf, withoutComments } from './sources.ts';
import { findPhrases } from './words.ts';

export const RATCHETS_FILE = join(import.meta.dirname, 'ratchets.json');

/** Columns of a line: two windows side by side. */
export const COLUMNS_MAX = 120;
/** Lines from which on a module of the private side has a test file of its own name. */
export const UNTESTED_LINES_MAX = 80;
/** Where a failing test must point at one module. */
const TESTED_FOLDERS: readonly string[] = ['control', 'mail', 'admin'];

/** Not in modules of types alone, which no test can run. */
const HAS_CODE = /^\s*(?:export )?(?:async )?(?:const|function|class)\b/m;

/** What is counted in each folder of src/. */
export interface Counts {
  /** Lines longer than COLUMNS_MAX. */
  readonly longLines: Readonly<Record<string, number>>;
  /** Phrases that docs/style.md replaces. */
  readonly phrases: Readonly<Record<string, number>>;
}

/** What is listed by name. */
export interface Lists {
  /** Functions longer than FUNCTION_LINES_MAX. */
  readonly longFunctions: readonly string[];
  /** Modules longer than UNTESTED_LINES_MAX without a test file of their own name. */
  readonly untested: readonly string[];
}

export interface Ratchets {
  readonly counts: Counts;
  readonly lists: Lists;
}

function perFolder(paths: Iterable<string>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const path of paths) counts[topFolderOf(path) ?? 'src'] = (counts[topFolderOf(path) ?? 'src'] ?? 0) + 1;
  return Object.fromEntries(Object.entries(counts).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

export function findLongLines(sources: Sources): string[] {
  return [...sources].flatMap(([path, source]) =>
    source.split('\n').flatMap((line, index) => (line.length > COLUMNS_MAX ? [`${path}:${index + 1}`] : [])),
  );
}

/** `tests`: paths relative to test/. */
export function findUntested(sources: Sources, tests: ReadonlySet<string>): string[] {
  return [...sources]
    .filter(([path]) => TESTED_FOLDERS.includes(topFolderOf(path) ?? ''))
    .filter(([, source]) => source.split('\n').length - 1 > UNTESTED_LINES_MAX && HAS_CODE.test(withoutComments(source)))
    .map(([path]) => path)
    .filter((path) => !tests.has(path.replace(/\.ts$/, '.test.ts')))
    .toSorted();
}

/** The source tree as it is. */
export function countRatchets(): Ratchets {
  const sources = readFolder('src', '.ts');
  return {
    counts: {
      longLines: perFolder(findLongLines(sources)),
      phrases: perFolder(findPhrases(sources)),
    },
    lists: {
      longFunctions: findLongFunctions(join(REPOSITORY, 'src')),
      untested: findUntested(sources, new Set(readFolder('test', '.test.ts').keys())),
    },
  };
}

export function readRatchets(): Ratchets {
  return JSON.parse(readFileSync(RATCHETS_FILE, 'utf8')) as Ratchets;
}

/** What the names in ratchets.json mean, for who reads a failure. */
const MEANING: Readonly<Record<keyof Counts | keyof Lists, string>> = {
  longLines: `longLines (over ${COLUMNS_MAX} columns)`,
  phrases: 'phrases (docs/style.md, "Words")',
  longFunctions: `longFunctions (over ${FUNCTION_LINES_MAX} lines)`,
  untested: `untested (over ${UNTESTED_LINES_MAX} lines, no test file of the same name)`,
};
export const HOW_TO_LOWER = 'to lower numbers and lists: npx node test/support/architecture/lower-ratchets.ts';

/** Where `now` differs from what is `kept`: what rose must be mended, what fell must be written down. */
export function compareRatchets(kept: Ratchets, now: Ratchets): string[] {
  const rises: string[] = [];
  const falls: string[] = [];
  for (const name of Object.keys(now.counts) as (keyof Counts)[]) {
    for (const folder of new Set([...Object.keys(kept.counts[name]), ...Object.keys(now.counts[name])])) {
      const [before, after] = [kept.counts[name][folder] ?? 0, now.counts[name][folder] ?? 0];
      if (after > before) rises.push(`${MEANING[name]}: ${folder}/ has ${after}, at most ${before} are allowed`);
      if (after < before) falls.push(`${MEANING[name]}: ${folder}/ has fewer: lower the number to ${after}`);
    }
  }
  for (const name of Object.keys(now.lists) as (keyof Lists)[]) {
    const [before, after] = [kept.lists[name], now.lists[name]];
    rises.push(...after.filter((each) => !before.includes(each)).map((each) => `${MEANING[name]}: ${each} is new`));
    const gone = before.filter((each) => !after.includes(each));
    falls.push(...gone.map((each) => `${MEANING[name]}: ${each} is no more: take it from the list`));
  }
  return falls.length === 0 ? rises : [...rises, ...falls, HOW_TO_LOWER];
}

/** The ratchets that follow `kept` when the tree is `now`, or why there are none: the sum over all folders, or a list, would grow. */
export function lowerRatchets(kept: Ratchets, now: Ratchets): Ratchets | string {
  const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((all, each) => all + each, 0);
  for (const name of Object.keys(now.counts) as (keyof Counts)[]) {
    const [before, after] = [sum(kept.counts[name]), sum(now.counts[name])];
    if (after > before) return `${MEANING[name]}: ${after} in all, at most ${before} are allowed`;
  }
  for (const name of Object.keys(now.lists) as (keyof Lists)[]) {
    const [before, after] = [kept.lists[name], now.lists[name]];
    if (after.length > before.length) return `${MEANING[name]}: ${after.length} in all, at most ${before.length} are allowed`;
  }
  return now;
}

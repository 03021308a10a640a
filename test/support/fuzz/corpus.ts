/**
 * The seed of a fuzzer's run, and the inputs that found a fault once: they stand in test/fuzz/corpus/ and are tried first in every run.
 * A new fault is written there; commit it with what mends it.
 */
import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seedOfRun } from '../random.ts';

export const CORPUS_FOLDER = join(import.meta.dirname, '../../fuzz/corpus');
const SEED_AT_HOME = 20_261_121;

/** WAXSEAL_FUZZ_SEED; without it one seed at home, so that a change is judged by the same inputs as before, and another in each run of CI. */
export function fuzzSeed(): number {
  return process.env['CI'] === undefined ? seedOfRun('WAXSEAL_FUZZ_SEED', SEED_AT_HOME) : seedOfRun('WAXSEAL_FUZZ_SEED');
}

/** Lines of a file of the corpus, without comments (from `;` on) and what is empty. */
export function corpusLines(file: string): string[] {
  return readFileSync(join(CORPUS_FOLDER, file), 'latin1')
    .split('\n')
    .map((line) => line.replace(/\s*;.*$/, ''))
    .filter((line) => line !== '');
}

/** Adds a line; returns the file's path. */
export function keepLine(file: string, line: string): string {
  const path = join(CORPUS_FOLDER, file);
  appendFileSync(path, `${line}\n`, 'latin1');
  return path;
}

/** Texts of a folder of the corpus. */
export function corpusTexts(folder: string): string[] {
  const path = join(CORPUS_FOLDER, folder);
  return readdirSync(path).map((file) => readFileSync(join(path, file), 'latin1'));
}

/** Writes a text under the name of its digest; returns the file's path. */
export function keepText(folder: string, text: string): string {
  const digest = createHash('sha256').update(text, 'latin1').digest('hex').slice(0, 16);
  const path = join(CORPUS_FOLDER, folder, `${digest}.zone`);
  writeFileSync(path, text, 'latin1');
  return path;
}

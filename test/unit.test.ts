/**
 * `npm run test:unit` starts no process: no file of it reaches node:child_process over the helpers in test/, by an import that brings values.
 * What src/ and bench/ may start is not looked at: their tests give them something else to run.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, matchesGlob } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LONGEST, NOT_UNIT, WAITING } from '../vitest.config.ts';

const ROOT = join(import.meta.dirname, '..');
const STARTS_PROCESSES = 'node:child_process';

/** Text of a file, by its path from the root; undefined where there is none. */
type Read = (file: string) => string | undefined;

/** What a file imports as values: paths from the root, and names of packages. */
function importsOf(file: string, text: string): string[] {
  const statements = [
    ...text.matchAll(/^(?:import|export)\s([^'";]*?)(?:from\s+)?'([^']+)'/gm),
    ...text.matchAll(/\b(import)\('([^']+)'\)/g),
  ];
  return statements
    .filter(([, names = '']) => !areTypes(names))
    .map(([, , specifier = '']) => {
      return specifier.startsWith('.') ? join(dirname(file), specifier) : specifier;
    });
}

/** `type { A }`, or a list in which each has its own `type`. */
function areTypes(names: string): boolean {
  const list = /\{([^}]*)\}/
    .exec(names)?.[1]
    ?.split(',')
    .map((name) => name.trim()) ?? [''];
  return names.startsWith('type ') || list.every((name, at) => name.startsWith('type ') || (name === '' && at > 0));
}

/** The way from `file` to node:child_process, or undefined. */
function wayToProcesses(file: string, read: Read): string[] | undefined {
  const ways: string[][] = [[file]];
  const seen = new Set<string>();
  for (let way = ways.shift(); way !== undefined; way = ways.shift()) {
    const last = way.at(-1)!;
    if (last === STARTS_PROCESSES) return way;
    const text = seen.has(last) ? undefined : read(last);
    seen.add(last);
    if (text !== undefined) ways.push(...importsOf(last, text).map((next) => [...way, next]));
  }
  return undefined;
}

/** The one exception: it asks oxlint for the lengths of functions. */
const ASKS_OXLINT = 'test/architecture.test.ts';

const isUnit = (file: string): boolean => file !== ASKS_OXLINT && !NOT_UNIT.some((glob) => matchesGlob(file, glob));

describe('npm run test:unit', () => {
  const files = globSync('test/**/*.test.ts', { cwd: ROOT });
  const read: Read = (file) =>
    /^test\/.*\.ts$/.test(file) && existsSync(join(ROOT, file)) ? readFileSync(join(ROOT, file), 'utf8') : undefined;

  test('no file of it starts a process', () => {
    const unit = files.filter(isUnit);
    expect(unit.length).toBeGreaterThan(100);
    expect(unit.flatMap((file) => wayToProcesses(file, read)?.join(' → ') ?? [])).toEqual([]);
  });

  test('what is left out is there', () => {
    expect(NOT_UNIT.filter((glob) => !files.some((file) => matchesGlob(file, glob)))).toEqual([]);
  });

  test('files that wait, and the longest, are there and left out', () => {
    expect([...WAITING, ...LONGEST].filter((file) => !files.includes(file) || isUnit(file))).toEqual([]);
  });

  test('the way to a process is found over helpers, and not over types', () => {
    const helper = `import { spawn } from 'node:child_process';`;
    const way = (line: string) => wayToProcesses('test/x/a.test.ts', (file) => ({ 'test/x/a.test.ts': line, 'test/b.ts': helper })[file]);
    expect(way(`import { type T, run } from '../b.ts';`)).toEqual(['test/x/a.test.ts', 'test/b.ts', STARTS_PROCESSES]);
    expect(way(`import * as b from '../b.ts';`)).toHaveLength(3);
    expect(way(`const b = await import('../b.ts');`)).toHaveLength(3);
    expect(way(`import '../b.ts';`)).toHaveLength(3);
    expect(way(`import { type A, type B } from '../b.ts';`)).toBeUndefined();
    expect(way(`import type { A } from '../b.ts';`)).toBeUndefined();
  });
});

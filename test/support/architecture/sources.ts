/** The text of src/ and of the documents, for the architecture rules. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

export const REPOSITORY = join(import.meta.dirname, '../../..');

/** Sources by path relative to src/, e.g. `dns/name.ts`. */
export type Sources = ReadonlyMap<string, string>;

/** Files below `folder` of the repository that end in `ending`, by their path inside the folder. */
export function readFolder(folder: string, ending: string): Map<string, string> {
  const root = join(REPOSITORY, folder);
  return new Map(
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [relative(root, path).split(sep).join('/'), readFileSync(path, 'utf8')]),
  );
}

/** First part of a path: `control/zone/decide.ts` → `control`; undefined for a file of src/ itself. */
export function topFolderOf(path: string): string | undefined {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : undefined;
}

const COMMENT = /\/\*[\s\S]*?\*\/|(?<=^|[\s;{},()[\]])\/\/[^\n]*/gm;

/** `source` without comments; line numbers stay. Quotes are respected well enough for our own formatted code. */
export function withoutComments(source: string): string {
  return source.replaceAll(COMMENT, (comment) => comment.replaceAll(/[^\n]/g, ' '));
}

/** Comments of `source`, each with the number of its first line. */
export function commentsOf(source: string): { readonly line: number; readonly text: string }[] {
  return [...source.matchAll(COMMENT)].map((match) => ({ line: source.slice(0, match.index).split('\n').length, text: match[0] }));
}

/** `code` with empty strings. */
export function withoutStrings(code: string): string {
  return code.replaceAll(/'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g, "''");
}

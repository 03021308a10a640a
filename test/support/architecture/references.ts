/** What comments and documents refer to is there: files of the tree, and RFCs in docs/rfc.md. */
import { posix } from 'node:path';
import { type Sources, commentsOf } from './sources.ts';

/** A path that ends in .ts; not the end of a longer word, a pattern or a specifier. */
const FILE = /(?<![\w#./*<>-])(?:[\w.-]+\/)*[\w.-]+\.ts\b/g;
/** `RFC 1035`, `RFCs 4033, 4034 and 4035`. */
const RFC = /\bRFCs?\s(?:\*\s)?(\d{3,5})((?:(?:, | and |, and )\d{3,5}\b)*)/g;

/**
 * Files named in comments of `files` that are not there: neither beside the file, nor in src/, nor by their path in the repository.
 * All paths begin at the repository.
 */
export function findDeadFileReferences(files: Sources): string[] {
  return [...files].flatMap(([path, source]) =>
    commentsOf(source).flatMap(({ line, text }) =>
      [...text.matchAll(FILE)]
        .filter(([name]) => !isThere(name, posix.dirname(path), files))
        .map((match) => `${path}:${line + text.slice(0, match.index).split('\n').length - 1}: there is no ${match[0]}`),
    ),
  );
}

/** The same for all of the text of `documents`. */
export function findDeadDocumentReferences(documents: Sources, files: Sources): string[] {
  return [...documents].flatMap(([path, text]) =>
    [...text.matchAll(FILE)].filter(([name]) => !isThere(name, '.', files)).map(([name]) => `${path}: there is no ${name}`),
  );
}

function isThere(name: string, folder: string, files: Sources): boolean {
  return [folder, 'src', '.'].some((from) => files.has(posix.join(from, name)));
}

/** Folders of `sources` that `page`, the text of docs/architecture.md, has no line for. */
export function findUndescribedFolders(sources: Sources, page: string): string[] {
  const folders = new Set([...sources.keys()].map((path) => posix.dirname(path)).filter((folder) => folder !== '.'));
  return [...folders]
    .filter((folder) => !page.includes(`\`${folder}/\``))
    .map((folder) => `docs/architecture.md has no line for ${folder}/`);
}

/** RFCs that `sources` cite and `table`, the text of docs/rfc.md, does not list. */
export function findUnlistedRfcs(sources: Sources, table: string): string[] {
  const listed = new Set(table.match(/\b\d{3,5}\b/g));
  const citedBy = new Map<string, string>();
  for (const [path, source] of sources)
    for (const [, first, more] of source.matchAll(RFC))
      for (const number of `${first}${more}`.match(/\d{3,5}/g) ?? []) citedBy.set(number, path);
  return [...citedBy]
    .filter(([number]) => !listed.has(number))
    .map(([number, path]) => `docs/rfc.md does not list RFC ${number} (${path})`)
    .toSorted();
}

/**
 * Phrases that docs/style.md replaces, found in comments and texts of src/, and names with "room" in them.
 * Not here: how many phrases are left (ratchets.json).
 */
import { type Sources, topFolderOf, withoutComments, withoutStrings } from './sources.ts';

/** The table of docs/style.md, as far as a pattern can tell. Space and line ends between words are the same. */
const PHRASES: readonly RegExp[] = [
  /\b(?:nobody|somebody|anybody|whoever)\b/gi,
  /\b(?:is|are|was|were|be|been)\s(?:not\s)?told\b/gi,
  /\b(?:come|comes|came)\s(?:about|to)\b/gi,
  /\b(?:go|goes|went)\son\b/gi,
  /\brefuses\b/gi,
  /\b(?:answer|control|mail|own|pure|same|that|these|this)\srooms?\b/gi,
];

/** A line end inside a comment, as one blank. */
const FOLD = /\n\s*(?:\*(?!\/)|\/\/)?\s*/g;

/** Each phrase as `path: phrase`. */
export function findPhrases(sources: Sources): string[] {
  return [...sources].flatMap(([path, source]) => {
    const text = source.replaceAll(FOLD, ' ');
    return PHRASES.flatMap((phrase) => [...text.matchAll(phrase)].map((match) => `${path}: ${match[0].toLowerCase()}`));
  });
}

/** Where "room" was a metaphor for a part of the program; elsewhere it is space on a disk. */
const ROOMLESS_FOLDERS: readonly string[] = ['control', 'mail', 'admin'];

/** Each place in code where a name has "room" in it, as `path: name`. */
export function findRoomNames(sources: Sources): string[] {
  return [...sources]
    .filter(([path]) => ROOMLESS_FOLDERS.includes(topFolderOf(path) ?? ''))
    .flatMap(([path, source]) =>
      [...withoutStrings(withoutComments(source)).matchAll(/\b\w*(?:Room|room|ROOM)\w*\b/g)].map((match) => `${path}: ${match[0]}`),
    );
}

/** "Did you mean …": the known word closest to a mistyped one. */
import { NEAREST_WORD_CHARACTERS_MAX } from '#base/limits/admin.ts';

/** The candidate with the fewest single-character edits from `word`, if that is few enough to be a slip; case does not count. */
export function nearestWord(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > NEAREST_WORD_CHARACTERS_MAX) return undefined;
  let nearest: string | undefined;
  // A third of the word, at least 2: `listn` finds `listen`, `xyz` finds nothing.
  let least = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < least && distance < candidate.length) [nearest, least] = [candidate, distance];
  }
  return nearest;
}

/** Insertions, deletions and substitutions that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}

/** "Did you mean …": the known word or name that a mistyped one is a slip away from. */
import { NEAREST_WORD_CHARACTERS_MAX } from '#base/limits/admin.ts';

/** The candidate with the fewest slips from `word`, if they are few enough; case does not count. */
export function nearestWord(word: string, candidates: readonly string[]): string | undefined {
  return nearest(candidates.map((candidate) => ({ candidate, from: word.toLowerCase(), to: candidate.toLowerCase() })));
}

/** The same for domain names: only the labels before those that both end in are compared. */
export function nearestName(name: string, candidates: readonly string[]): string | undefined {
  return nearest(
    candidates.map((candidate) => {
      const [from, to] = [name, candidate].map((each) => each.toLowerCase().split('.')) as [string[], string[]];
      while (from.length > 0 && from.at(-1) === to.at(-1)) {
        from.pop();
        to.pop();
      }
      return { candidate, from: from.join('.'), to: to.join('.') };
    }),
  );
}

interface Pair {
  readonly candidate: string;
  readonly from: string;
  readonly to: string;
}

function nearest(pairs: readonly Pair[]): string | undefined {
  let found: string | undefined;
  let least = Infinity;
  for (const { candidate, from, to } of pairs) {
    if (from.length > NEAREST_WORD_CHARACTERS_MAX || to.length > NEAREST_WORD_CHARACTERS_MAX) continue;
    const slips = countSlips(from, to);
    if (slips <= slipsAllowed(Math.min(from.length, to.length)) && slips < least) [found, least] = [candidate, slips];
  }
  return found;
}

/** One slip in a short word, two in a long one: with more it is another word. In two letters or one, each slip makes another. */
function slipsAllowed(characters: number): number {
  return characters < 3 ? 0 : characters < 8 ? 1 : 2;
}

/** Insertions, deletions, substitutions, and two neighbours that changed places, that turn `a` into `b` (optimal string alignment). */
function countSlips(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      let slips = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) slips = Math.min(slips, before[j - 2]! + 1);
      next.push(slips);
    }
    [before, row] = [row, next];
  }
  return row[b.length]!;
}

/**
 * Hashing a question where it stands in the packet: lower-cased, four octets at a time.
 * Implements: RFC 4343 §3 (only ASCII letters have a case).
 * Keyed with a number that is random for each process, so that no client can aim at one place of a table;
 * what collides nevertheless costs a miss, never a wrong answer.
 */
const SPREAD = 0x9e37_79b1;
const MIX = 0x85eb_ca6b;

/** Lower case of four octets at once: 0x20 is added where an octet is between 'A' and 'Z'. Length octets of labels are below 'A'. */
export function lowerWord(word: number): number {
  const low = word & 0x7f7f_7f7f;
  // Bit 7 of each octet: at or above 'A', and above 'Z'.
  const isUpper = ((low + 0x3f3f_3f3f) ^ (low + 0x2525_2525)) & ~word & 0x8080_8080;
  return word | (isUpper >>> 2);
}

/** One more word into a hash. */
export function mixWord(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, SPREAD);
  return mixed ^ (mixed >>> 15);
}

/** The end of a hash: every bit of it has seen every word. */
export function finishHash(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 16), MIX);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}

/**
 * Lower-cases the `length` octets at `octets[at]` into `words`, the last word filled with zeros, and returns their hash with what is in
 * `seed` already.
 */
export function hashName(seed: number, octets: Uint8Array, at: number, length: number, words: Int32Array): number {
  let hash = seed;
  let from = at;
  let word = 0;
  for (const wholeEnd = at + (length & ~3); from < wholeEnd; from += 4) {
    const lower = lowerWord(octets[from]! | (octets[from + 1]! << 8) | (octets[from + 2]! << 16) | (octets[from + 3]! << 24));
    words[word++] = lower;
    hash = mixWord(hash, lower);
  }
  const rest = length & 3;
  if (rest > 0) {
    let last = octets[from]!;
    if (rest > 1) last |= octets[from + 1]! << 8;
    if (rest > 2) last |= octets[from + 2]! << 16;
    const lower = lowerWord(last);
    words[word] = lower;
    hash = mixWord(hash, lower);
  }
  return hash;
}

/** The same for a label in any case. */
export function hashLabel(octets: Uint8Array, at: number): number {
  let hash = octets[at]!;
  for (let each = at + 1, end = at + octets[at]!; each <= end; each++) {
    const octet = octets[each]!;
    hash = Math.imul(hash ^ (octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet), SPREAD);
  }
  return finishHash(hash);
}

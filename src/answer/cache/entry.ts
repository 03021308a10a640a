/**
 * An entry of the answer cache, as it lies in the ring: ten words of head, then its key, dependencies, labels, pointers and the body.
 * Not here: finding and storing entries (cache.ts).
 */

/** What an entry answers. Exact ones are by name; the others by numbers of nodes. */
export const ENTRY = { EXACT: 0, SOA: 2, NOTHING: 4, WILDCARD: 6, REFERRAL: 8 } as const;
export const WITH_DNSSEC = 1;

/** Bits of `flags`. */
export const BODY = { AUTHORITATIVE: 1, TRUNCATED: 2, NEEDS_SOA: 4, COUNTED: 8 } as const;

/** Words of an entry's head. */
export const HASH = 0;
/** Type, length of the name it was made for, ENTRY and WITH_DNSSEC. */
export const KEY = 1;
/** The last epoch in which it was known to hold. */
export const EPOCH = 2;
/** Octets of the body, dependencies, pointers. */
export const SIZES = 3;
export const COUNTS = 4;
/** Additional records, rcode, flags. */
export const RCODE = 5;
/** Number of labels; the limit it was made for when something did not fit, 0 when it is complete; what it is to the rate limit. */
export const LIMIT = 6;
export const SUBJECT = 7;
/** Zone id; needed for the SOA block. */
export const ZONE = 8;
/** Stands for the names and the length of the SOA block before it, with NEEDS_SOA; the slot that counts it, with COUNTED. Never both. */
export const SOA_MARK = 9;
export const HEAD_WORDS = 10;
export const NEAR_KEY_WORDS = 3;

/** What is said of a body besides its octets; filled in before `store`. */
export interface EntryFacts {
  answer: number;
  authority: number;
  additional: number;
  rcode: number;
  flags: number;
  limit: number;
  subjectKind: number;
  subject: number;
  zoneId: number;
  soaMark: number;
}

export function newFacts(): EntryFacts {
  return { answer: 0, authority: 0, additional: 0, rcode: 0, flags: 0, limit: 0, subjectKind: 0, subject: 0, zoneId: 0, soaMark: 0 };
}

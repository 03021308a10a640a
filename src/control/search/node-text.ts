/**
 * What is searched of a name, as one text: the name, and its records as zone files have them, each between two marks.
 * A pattern becomes parts; a text that fits the pattern stands in a text that contains them all. Parts and texts are
 * found by grams, which are three characters in a row.
 * Not here: whether a text fits (admin/search/search.ts).
 */
import { SEARCH_GRAM_CHARACTERS } from '#base/limits/search.ts';
import { formatName, lowerName } from '#dns/name.ts';
import { formatRdata } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';
import { MANAGERS } from '#store/node-codec.ts';
import { type NodeRrset, type ZoneNode } from '#zone/view.ts';
import { type WantedContents } from '#control/api/search.ts';

/** Before and after each name and record; neither is in the text of one. */
const START = '\u0002';
const END = '\u0003';
const END_CODE = 3;

/** Bits of a character in a gram's number. Others than ASCII share numbers, on both sides. */
const BITS = 7;
const MASK = (1 << BITS) - 1;
const GRAMS = 1 << (SEARCH_GRAM_CHARACTERS * BITS);
const FIRST_MANAGER = GRAMS + 0x1_0000;
/** Numbers of grams, types and managers are below this; the last is that of a manager that no record has. */
export const CODES = FIRST_MANAGER + MANAGERS.length + 1;

/** The whole text of a name, lower-case. */
export function textOfNode({ owner, rrsets }: Pick<ZoneNode, 'owner' | 'rrsets'>): string {
  const name = formatName(lowerName(owner)).toLowerCase();
  let text = `${START}${name}${END}${START}${name.slice(0, -1)}${END}`;
  for (const rrset of rrsets)
    if (isSearched(rrset))
      for (const rdata of rrset.rdatas) text += `${START}${formatRdata(rrset.type, rdata).toLowerCase()}${END}`;
  return text;
}

/** NSEC records that the signer makes are found by no search. */
function isSearched({ type, manager }: NodeRrset): boolean {
  return type !== TYPE.NSEC || manager !== 'dnssec';
}

/** Calls `take` with the number of each gram, type and manager, again for one that is there twice. */
export function eachCode(text: string, rrsets: readonly NodeRrset[], take: (code: number) => void): void {
  eachGram(text, take);
  for (const { type, manager } of rrsets) {
    take(GRAMS + type);
    take(managerCode(manager));
  }
}

function managerCode(manager: string): number {
  const place = MANAGERS.findIndex((each) => each === manager);
  return FIRST_MANAGER + (place < 0 ? MANAGERS.length : place);
}

function eachGram(text: string, take: (code: number) => void): void {
  let first = 0;
  let second = 0;
  for (let at = 0; at < text.length; at++) {
    const third = text.charCodeAt(at);
    // None spans two records.
    if (at >= SEARCH_GRAM_CHARACTERS - 1 && first !== END_CODE && second !== END_CODE)
      take(((first & MASK) << (2 * BITS)) | ((second & MASK) << BITS) | (third & MASK));
    [first, second] = [second, third];
  }
}

/** What is in every text that a pattern fits. One without `*` and `?` that is not whole fits a part of a text. */
function partsOf(pattern: string, isWhole: boolean): readonly string[] {
  const lower = pattern.toLowerCase();
  if (!isWhole && !/[*?]/.test(lower)) return [lower];
  return `${START}${lower}${END}`.split(/[*?]+/).filter((part) => part.length > 1 || (part !== START && part !== END));
}

/** Numbers that a name must have; empty when nothing is known of what is wanted. */
export function codesOf({ parts, type, manager }: WantedContents): readonly number[] {
  const codes = new Set<number>();
  for (const part of parts) eachGram(part, (code) => codes.add(code));
  if (type !== undefined) codes.add(GRAMS + type);
  if (manager !== undefined) codes.add(managerCode(manager));
  return [...codes];
}

/** What an index can tell of a search; undefined: nothing, all that is wanted is a text too short for a gram. */
export function wantedContents(
  pattern: { readonly text: string; readonly isWhole: boolean } | undefined,
  more: Pick<WantedContents, 'type' | 'manager'> = {},
): WantedContents | undefined {
  const parts = pattern === undefined ? [] : partsOf(pattern.text, pattern.isWhole);
  const contents = { parts, ...more };
  return codesOf(contents).length === 0 ? undefined : contents;
}

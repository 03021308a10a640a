/** A part finds the blocks that have all codes, as a plain look at the texts does. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { SEARCH_BLOCK_NAMES } from '#base/limits/search.ts';
import { codesOf, wantedContents } from '#control/search/node-text.ts';
import { EMPTY_PART, type Part, PartBuilder } from '#control/search/part.ts';
import { TYPE } from '#dns/types.ts';

const codes = (text: string) => codesOf({ parts: [text] });

function found(part: Part, wanted: readonly number[]): readonly string[] {
  const blocks: string[] = [];
  part.find(wanted, (zoneId, first, last) => blocks.push(`${zoneId} ${first} ${last}`));
  return blocks;
}

const key = (at: number) => String(at).padStart(6, '0');

test('names in blocks, zone by zone', () => {
  const builder = new PartBuilder();
  for (let at = 0; at < SEARCH_BLOCK_NAMES + 1; at++) builder.add(1, key(at), `name ${at}`, []);
  builder.add(2, key(0), 'other', []);
  const part = builder.finish();
  const last = SEARCH_BLOCK_NAMES - 1;
  expect(found(part, [])).toEqual([
    `1 ${key(0)} ${key(last)}`,
    `1 ${key(last + 1)} ${key(last + 1)}`,
    `2 ${key(0)} ${key(0)}`,
  ]);
  expect(found(part, codes('name'))).toHaveLength(2);
  expect(found(part, codes('other'))).toEqual([`2 ${key(0)} ${key(0)}`]);
  expect(found(part, codes('none'))).toEqual([]);
  expect([part.names, part.entries]).toEqual([SEARCH_BLOCK_NAMES + 2, 3]);
});

test('random texts: no block with the text is left out, and all that are found have its grams', () => {
  const anyText = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '.'), minLength: 3, maxLength: 20 });
  fc.assert(
    fc.property(fc.array(anyText, { maxLength: 300 }), anyText, (texts, wanted) => {
      const builder = new PartBuilder();
      for (const [at, text] of texts.entries()) builder.add(1 + (at >> 7), key(at), text, []);
      const part = builder.finish();
      const blocks = found(part, codes(wanted)).map((line) => line.split(' ').slice(1));
      for (const [at, text] of texts.entries())
        if (text.includes(wanted)) expect(blocks.some(([from, to]) => from! <= key(at) && key(at) <= to!)).toBe(true);
      for (const [from, to] of blocks) {
        const all = texts.filter((_, at) => from! <= key(at) && key(at) <= to!);
        for (const code of codes(wanted).slice(0, 12))
          expect(all.some((text) => codes(text).includes(code))).toBe(true);
      }
    }),
    { numRuns: 200 },
  );
});

test('blocks far from each other: differences of more than one octet', () => {
  const builder = new PartBuilder();
  for (let at = 0; at < 40_000; at++) builder.add(at, key(at), at % 20_000 === 7 ? 'needle' : 'hay', []);
  expect(found(builder.finish(), codes('needle'))).toEqual([
    `7 ${key(7)} ${key(7)}`,
    `20007 ${key(20_007)} ${key(20_007)}`,
  ]);
});

test('types; builders after each other, finished or dropped, know nothing of each other', () => {
  const dropped = new PartBuilder();
  dropped.add(1, key(0), 'first', []);
  dropped.drop();
  const builder = new PartBuilder();
  builder.add(1, key(1), 'second', [{ type: TYPE.CAA, ttl: 1, rdatas: [], signatures: [], manager: 'manual' }]);
  const part = builder.finish();
  expect(found(part, codes('first'))).toEqual([]);
  const type = (of: typeof TYPE.CAA | typeof TYPE.A) => codesOf(wantedContents(undefined, { type: of })!);
  expect([found(part, type(TYPE.CAA)).length, found(part, type(TYPE.A)).length]).toEqual([1, 0]);
  expect(found(EMPTY_PART, codes('first'))).toEqual([]);
});

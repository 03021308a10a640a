/** The fast compression is the plain one: the same octets for the same names, whatever is written and taken back. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { NameTable } from '#answer/write/name-table.ts';
import { CompressionMap } from '#dns/compression.ts';
import { nameOf } from '#dns/name.ts';

const name = fc
  .array(fc.constantFrom('a', 'A', 'b', 'ab', 'c'.repeat(20)), { maxLength: 5 })
  .map((labels) => nameOf(`${labels.join('.')}.`));
/** A name after some other octets, or a step back to a mark. */
const step = fc.record({ name, gap: fc.constantFrom(0, 1, 10, 10, 4000, 8000), back: fc.double({ min: 0, max: 1, noNaN: true }) });

test('RFC 1035 §4.1.4: NameTable and CompressionMap write the same', () => {
  const table = new NameTable();
  const out = new Uint8Array(200_000);
  fc.assert(
    fc.property(fc.array(step, { minLength: 10, maxLength: 40, size: 'max' }), (steps) => {
      table.begin(out);
      const names = new CompressionMap();
      let at = 12;
      let marked = { at: 12, mark: table.mark() };
      for (const each of steps) {
        if (each.back < 0.1) {
          table.forgetFrom(marked.mark);
          names.forgetFrom(marked.at);
          at = marked.at;
        } else if (each.back < 0.3) marked = { at, mark: table.mark() };
        const expected = names.compress(each.name, at);
        const end = table.write(each.name, 0, at, out.length);
        expect(Buffer.from(out.subarray(at, end)).toString('hex')).toBe(Buffer.from(expected).toString('hex'));
        at = end + each.gap;
      }
    }),
    { numRuns: 300 },
  );
});

test('a name that does not fit is not written', () => {
  const table = new NameTable();
  const out = new Uint8Array(40);
  table.begin(out);
  expect(table.write(nameOf('abc.'), 0, 12, 16)).toBe(-1);
  expect(table.write(nameOf('abc.'), 0, 12, 17)).toBe(17);
  expect(table.write(nameOf('abc.'), 0, 17, 18)).toBe(-1);
  expect(table.write(nameOf('abc.'), 0, 17, 19)).toBe(19);
  expect([...out.subarray(0, 20)]).toEqual([...new Uint8Array(12), 3, 0x61, 0x62, 0x63, 0, 0xc0, 12, 0]);
});

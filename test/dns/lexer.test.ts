/** RFC 1035 §5.1: words, strings, parentheses, comments. */
import { formatPlace } from '#base/place.ts';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { latin1 } from '#base/bytes.ts';
import { lexEntries, lexRdata, type Token, unescape } from '#dns/lexer.ts';

const shown = ({ text, quoted }: Token) => (quoted ? `"${text}"` : text);
const lines = (text: string) =>
  lexEntries(text, 'f').entries.map(({ tokens, blankOwner }) => [...(blankOwner ? ['_'] : []), ...tokens.map(shown)]);
const codes = (text: string) => lexEntries(text, 'f').problems.map(({ code, at }) => `${formatPlace(at)} ${code}`);
const words = (text: string) => {
  const result = lexRdata(text);
  return result.ok ? result.value.map(shown) : result.problems.map(({ code }) => code);
};

describe('RFC 1035 §5.1: entries', () => {
  test.each([
    [
      'a b\nc d',
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
    ['a b\r\nc\r\n', [['a', 'b'], ['c']]],
    [' a\n\tb\nc', [['_', 'a'], ['_', 'b'], ['c']]],
    ['\n\n  \n; all comment\na ; rest\n', [['a']]],
    ['a ( b\n  c ; not d\n) e\nf', [['a', 'b', 'c', 'e'], ['f']]],
    ['a (b)c', [['a', 'b', 'c']]],
    ['a ((b\n)\n) c', [['a', 'b', 'c']]],
    ['(\na b)', [['a', 'b']]],
    ['a "b c" d', [['a', '"b c"', 'd']]],
    ['a "b;(c" d', [['a', '"b;(c"', 'd']]],
    ['a "b\\"c"', [['a', '"b\\"c"']]],
    ['a "" b', [['a', '""', 'b']]],
    ['a"b"c', [['a', '"b"', 'c']]],
    ['alpn="h2 h3" x', [['alpn="h2 h3"', 'x']]], // RFC 9460 §2.1
    ['a\\ b c\\;d \\(e', [['a\\ b', 'c\\;d', '\\(e']]],
    ['a\\', [['a\\']]],
    ['', []],
  ])('%j', (text, entries) => {
    expect(lexEntries(text, 'f').problems).toEqual([]);
    expect(lines(text)).toEqual(entries);
  });
  test('line and column of each word, 1-based', () => {
    const [entry] = lexEntries('\na (\n  "b" )', 'f').entries;
    expect(entry).toMatchObject({
      line: 2,
      tokens: [
        { line: 2, column: 1 },
        { line: 3, column: 3, quoted: true },
      ],
    });
  });
  test.each([
    [
      'a "b\nc d',
      ['f:1:3 TEXT_QUOTE_OPEN'],
      [
        ['a', '"b"'],
        ['c', 'd'],
      ],
    ],
    ['k="b\nc', ['f:1:1 TEXT_QUOTE_OPEN'], [['k="b'], ['c']]],
    ['a )\nb', ['f:1:3 TEXT_PAREN_CLOSE'], [['a'], ['b']]],
    ['a (\nb', ['f:1:3 TEXT_PAREN_OPEN'], [['a', 'b']]],
  ])('%j has a problem, and the entries around it', (text, problems, entries) => {
    expect(codes(text)).toEqual(problems);
    expect(lines(text)).toEqual(entries);
  });
  test('any text: nothing throws, every place is inside it', () => {
    const soup = fc
      .array(fc.constantFrom('a', ' ', '\n', '(', ')', '"', '\\', ';', '=', '\t', '\r', '\u00ff', '1'))
      .map((all) => all.join(''));
    fc.assert(
      fc.property(soup, (text) => {
        const { entries } = lexEntries(text, 'f');
        const count = text.split(/\r\n|[\r\n]/).length;
        expect(
          entries.every((entry) => entry.tokens.length > 0 && entry.tokens.every(({ line, column }) => line <= count && column >= 1)),
        ).toBe(true);
        expect(lexRdata(text)).toHaveProperty('ok');
      }),
      { numRuns: 1000 },
    );
  });
});

describe('lexRdata: one record’s data', () => {
  test.each([
    ['10 mail', ['10', 'mail']],
    ['a\nb ; c', ['a', 'b']],
    ['a ( b\n) c', ['a', 'b', 'c']],
    ['', []],
    ['a )', ['TEXT_PAREN_CLOSE']],
    ['a ) ( b', ['TEXT_PAREN_CLOSE', 'TEXT_PAREN_OPEN']],
    ['"a', ['TEXT_QUOTE_OPEN']],
  ])('%j', (text, expected) => {
    expect(words(text)).toEqual(expected);
  });
});

describe('unescape', () => {
  test.each([
    ['abc', 'abc'],
    ['\\065\\.\\\\\\"', 'A.\\"'],
    ['\\000\\255', '\u0000\u00ff'],
    ['', ''],
  ])('%j', (text, octets) => {
    expect(latin1(unescape(text)!)).toBe(octets);
  });
  test.each(['\\', 'a\\', '\\256', '\\1', '\\12', '\\12a', '→'])('not %j', (text) => {
    expect(unescape(text)).toBeUndefined();
  });
});

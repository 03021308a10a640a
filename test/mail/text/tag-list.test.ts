/** The tag=value grammar of mail records. */
import { describe, expect, test } from 'vitest';
import { readTagList, splitList, type TagGrammar, trimBlanks } from '#mail/text/tag-list.ts';

const SPACED: TagGrammar = {
  version: 'V1',
  known: ['a', 'rua', 'a_b'],
  equals: 'spaced',
  isTwiceFatal: true,
  rfc: 'RFC 6376 §3.2',
  codes: {
    syntax: 'DKIM_SYNTAX',
    twice: 'DKIM_TAG_TWICE',
    unknown: 'DKIM_TAG_UNKNOWN',
    version: 'DKIM_VERSION',
    versionFirst: 'DKIM_VERSION_FIRST',
  },
};
const read = (text: string, grammar: TagGrammar = SPACED) => {
  const list = readTagList(text, grammar);
  return [Object.fromEntries(list.tags), ...list.problems.map((each) => each.code)];
};

describe('RFC 6376 §3.2: tag-list', () => {
  test.each([
    ['v=V1', { v: 'V1' }],
    ['v=V1;', { v: 'V1' }],
    ['v=V1; ', { v: 'V1' }],
    [' v = V1 ;\r\n\ta =  x y  ', { v: 'V1', a: 'x y' }], // folding white space around everything, kept inside
    ['v=V1; a=b=c', { v: 'V1', a: 'b=c' }], // only the first equals sign ends the name
    ['v=V1; a=', { v: 'V1', a: '' }],
    ['v=V1; a_b=1', { v: 'V1', a_b: '1' }],
  ])('%j', (text, tags) => expect(read(text)).toEqual([tags]));
  test.each<[string, object, string[]]>([
    ['', {}, ['DKIM_SYNTAX', 'DKIM_VERSION']],
    ['v=V1;;', { v: 'V1' }, ['DKIM_SYNTAX']],
    ['v=V1; a', { v: 'V1' }, ['DKIM_SYNTAX']],
    ['v=V1; =x', { v: 'V1' }, ['DKIM_SYNTAX']],
    ['v=V1; 1=x', { v: 'V1' }, ['DKIM_SYNTAX']],
    ['v=V1; a=\u{0}', { v: 'V1', a: '\u{0}' }, ['DKIM_SYNTAX']],
    ['v=V1; a=\u{a0}', { v: 'V1', a: '\u{a0}' }, ['DKIM_SYNTAX']], // a no-break space from a web page
    ['v=V1; a=“x”', { v: 'V1', a: '“x”' }, ['DKIM_SYNTAX']], // quotes of a word processor
    ['v=V1; a=1; a=2', { v: 'V1', a: '1' }, ['DKIM_TAG_TWICE']],
    ['v=V1; z=1', { v: 'V1', z: '1' }, ['DKIM_TAG_UNKNOWN']],
    ['v=V1; __proto__=1', { v: 'V1' }, ['DKIM_SYNTAX']],
    ['v=V1; constructor=1', { v: 'V1', constructor: '1' }, ['DKIM_TAG_UNKNOWN']],
    ['a=1; v=V1', { a: '1', v: 'V1' }, ['DKIM_VERSION_FIRST']],
    ['v=v1', { v: 'v1' }, ['DKIM_VERSION']],
    ['a=1', { a: '1' }, ['DKIM_VERSION']],
  ])('%j', (text, tags, codes) => expect(read(text)).toEqual([tags, ...codes]));
  test('mistyped tags get a hint', () => {
    expect(readTagList('v=V1; RUA=x', SPACED).problems[0]).toMatchObject({ severity: 'warning', fix: 'write rua=' });
    expect(readTagList('v=V1; ruae=x', SPACED).problems[0]).toMatchObject({ fix: 'write rua=' });
    expect(readTagList('v=V1; q=x', SPACED).problems[0]).not.toHaveProperty('fix');
  });
});

describe('RFC 8461 §3.1, RFC 8460 §3: fields', () => {
  const TIGHT: TagGrammar = { ...SPACED, equals: 'tight', isTwiceFatal: false };
  test.each<[string, Record<string, string>, string[]]>([
    ['v=V1 ; a=1 ; ', { v: 'V1', a: '1' }, []],
    ['v=V1; x-y.z=1', { v: 'V1', 'x-y.z': '1' }, ['DKIM_TAG_UNKNOWN']],
    ['v=V1; a =1', { v: 'V1' }, ['DKIM_SYNTAX']],
    ['v=V1; a= 1', { v: 'V1' }, ['DKIM_SYNTAX']],
    ['v=V1; a=1; a=2', { v: 'V1', a: '1' }, ['DKIM_TAG_TWICE']],
  ])('%j', (text, tags, codes) => expect(read(text, TIGHT)).toEqual([tags, ...codes]));
});

test('lists and blanks', () => {
  expect(splitList(' a : b:', ':')).toEqual(['a', 'b', '']);
  expect(splitList(' ', ':')).toEqual([]);
  expect(trimBlanks('\t a \u{a0}\r\n')).toBe('a \u{a0}');
});
test('long runs of blanks take no quadratic time', () => {
  const start = performance.now();
  readTagList(`v=V1; a=${' '.repeat(65_000)}x`, SPACED);
  readTagList(`v=V1; a${' '.repeat(65_000)}`, SPACED);
  readTagList(';'.repeat(65_000), SPACED);
  expect(performance.now() - start).toBeLessThan(1000);
});

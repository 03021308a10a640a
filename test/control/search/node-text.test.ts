/** The text of a name and its codes: what fits a pattern has every part and every code of it. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { textMatcher } from '#admin/search/search.ts';
import { codesOf, eachCode, textOfNode, wantedContents } from '#control/search/node-text.ts';
import { nameOf } from '#dns/name.ts';
import { parseRdataText } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';
import type { NodeRrset } from '#zone/view.ts';

const rrset = (type: NodeRrset['type'], text: string, manager: NodeRrset['manager'] = 'manual'): NodeRrset => {
  const rdata = parseRdataText(type, text, nameOf('example.'));
  return { type, ttl: 60, rdatas: rdata.ok ? [rdata.value] : [], signatures: [], manager };
};

test('a text has the name with and without its last dot, and each record, lower-case', () => {
  const owner = nameOf('Www.Example.');
  const text = textOfNode({ owner, rrsets: [rrset(TYPE.A, '192.0.2.1'), rrset(TYPE.TXT, '"Hello"')] });
  expect(text.split('\u0003')).toEqual([
    '\u0002www.example.',
    '\u0002www.example',
    '\u0002192.0.2.1',
    '\u0002"hello"',
    '',
  ]);
});

test('NSEC records of the signer are not searched', () => {
  const nsec = rrset(TYPE.NSEC, 'a.example. A NSEC', 'dnssec');
  expect(textOfNode({ owner: nameOf('b.example.'), rrsets: [nsec] })).not.toContain('a.example');
});

test.each([
  ['ab', false, undefined],
  ['*', true, undefined],
  ['ab*', false, ['\u0002ab']],
  ['a', true, ['\u0002a\u0003']],
  ['192.0.2.1', false, ['192.0.2.1']],
  ['*.Example.*', false, ['.example.']],
  ['w?w*net', true, ['\u0002w', 'w', 'net\u0003']],
] as const)('of %s, whole: %s, an index knows %s', (text, isWhole, parts) => {
  expect(wantedContents({ text, isWhole })?.parts).toEqual(parts);
});

test('a type is enough, and so is a manager', () => {
  expect(wantedContents(undefined, { type: TYPE.CAA })).toEqual({ parts: [], type: TYPE.CAA });
  expect(wantedContents(undefined, { manager: 'mail' })).toEqual({ parts: [], manager: 'mail' });
  expect(wantedContents({ text: 'ab', isWhole: false })).toBeUndefined();
});

test('whatever fits a pattern has all its parts and codes', () => {
  const anyText = fc.string({ unit: fc.constantFrom('a', 'b', '.', '1', 'É'), maxLength: 12 });
  const anyPattern = fc.string({
    unit: fc.constantFrom('a', 'b', '.', '1', 'É', '*', '?'),
    minLength: 1,
    maxLength: 6,
  });
  let fits = 0;
  fc.assert(
    fc.property(anyText, anyPattern, fc.boolean(), (text, pattern, isWhole) => {
      if (!textMatcher(pattern, isWhole)(text)) return;
      fits++;
      const marked = `\u0002other\u0003\u0002${text.toLowerCase()}\u0003`;
      const codes = new Set<number>();
      eachCode(marked, [], (code) => codes.add(code));
      const wanted = wantedContents({ text: pattern, isWhole });
      for (const part of wanted?.parts ?? []) expect(marked).toContain(part);
      for (const code of wanted === undefined ? [] : codesOf(wanted)) expect(codes.has(code)).toBe(true);
    }),
    { numRuns: 5000 },
  );
  expect(fits).toBeGreaterThan(300);
});

/** Macro strings: the examples of RFC 7208 §7.4, what is no macro, and that what is printed is read as the same. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseIp } from '#mail/spf/ip.ts';
import { type MacroContext, expandMacros, formatMacros, parseMacros, plainText, usesLetter } from '#mail/spf/macro.ts';
import { EXAMPLE_DOMAIN, EXAMPLE_IPV4, EXAMPLE_IPV6, EXAMPLE_SENDER, MACRO_EXAMPLES } from '../../support/mail/spf-rfc-examples.ts';

const CONTEXT: MacroContext = {
  ip: parseIp(EXAMPLE_IPV4)!,
  sender: EXAMPLE_SENDER,
  helo: 'mx.example.org',
  domain: EXAMPLE_DOMAIN,
  validatedName: 'mx.example.org',
  receiver: 'receiver.example.net',
  nowSeconds: 1_767_225_600,
};
const V6: MacroContext = { ...CONTEXT, ip: parseIp(EXAMPLE_IPV6)! };

function expand(text: string, context = CONTEXT, inExplanation = false): string {
  const { macros, mistakes } = parseMacros(text, inExplanation);
  expect(mistakes).toEqual([]);
  return expandMacros(macros, context);
}

test.each(MACRO_EXAMPLES)('RFC 7208 §7.4: %s of %s is %s', (text, ip, expected) =>
  expect(expand(text, { ...CONTEXT, ip: parseIp(ip)! })).toBe(expected),
);

describe('RFC 7208 §7.2, §7.3', () => {
  test('letters of an explanation', () => {
    expect(expand('%{c} %{r} %{t} %{h} %{p}', V6, true)).toBe(
      '2001:db8::cb01 receiver.example.net 1767225600 mx.example.org mx.example.org',
    );
  });
  test('escapes, and upper case is URL-escaped', () => {
    expect(expand('100%%%_of%-it')).toBe('100% of%20it');
    expect(expand('%{D1} %{L}')).toBe('com strong-bad');
    expect(expand('%{S}')).toBe('strong-bad%40email.example.com');
    expect(expand('%{S}', { ...CONTEXT, sender: "o'n~e_2@a.example" })).toBe('o%27n~e_2%40a.example');
  });
  test('the address as it is, in any case, and by nibbles', () => {
    const context = { ...CONTEXT, ip: parseIp('2001:DB8::CB01')! };
    expect(expand('%{c} %{i}', context, true)).toBe('2001:db8::cb01 2.0.0.1.0.d.b.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.c.b.0.1');
    expect(expand('%{c}', CONTEXT, true)).toBe('192.0.2.3');
  });
  test('several delimiters; a number above all parts keeps all', () => {
    expect(expand('%{l2r+-}', { ...CONTEXT, sender: 'a+b-c@x.example' })).toBe('b.a');
    expect(expand('%{d999}')).toBe('email.example.com');
  });
  test.each([
    ['%', 0, 'RFC 7208 §7.1'],
    ['a%b', 1, 'RFC 7208 §7.1'],
    ['%{d', 0, 'RFC 7208 §7.1'],
    ['%{}', 0, 'RFC 7208 §7.1'],
    ['%{dx}', 0, 'RFC 7208 §7.1'],
    ['%{x}', 0, 'RFC 7208 §7.2'], // no such letter
    ['ok.%{d0}', 3, 'RFC 7208 §7.2'], // zero parts
    ['%{c}', 0, 'RFC 7208 §7.2'], // only in an explanation
    ['%{R}', 0, 'RFC 7208 §7.2'],
  ])('%s is no macro', (text, offset, rfc) => {
    expect(parseMacros(text, false).mistakes.map((mistake) => [mistake.offset, mistake.rfc])).toEqual([[offset, rfc]]);
  });
  test('all mistakes are told', () => expect(parseMacros('%{x}.%.%{d0}', false).mistakes).toHaveLength(3));
});

test('what is asked of a string', () => {
  const of = (text: string) => parseMacros(text, false).macros;
  expect(plainText(of('_spf.example.com'))).toBe('_spf.example.com');
  expect(plainText(of('%{d}'))).toBeUndefined();
  expect([usesLetter(of('%{P}.x'), 'p'), usesLetter(of('p.%{d}'), 'p'), usesLetter(of('%{ir}'), 's', 'i')]).toEqual([true, false, true]);
});

test('parse∘format = id', () => {
  const part = fc.oneof(
    fc.constantFrom('a', '.', 'x-y', '%%', '%_', '%-'),
    fc
      .tuple(
        fc.constantFrom(...'slodiphvSLODIPHV'.split('')),
        fc.constantFrom('', '1', '2', '127'),
        fc.constantFrom('', 'r'),
        fc.constantFrom('', '-', '.-', '+_='),
      )
      .map((parts) => `%{${parts.join('')}}`),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
      const { macros, mistakes } = parseMacros(parts.join(''), false);
      expect(mistakes).toEqual([]);
      expect(parseMacros(formatMacros(macros), false).macros).toEqual(macros);
    }),
  );
});

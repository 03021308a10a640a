/** Patterns of names: what they stand for, and what is no pattern. */
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { nameMatcher, parseNamePattern } from '#dns/name-pattern.ts';
import { bad, good } from '../support/temporary-control.ts';

const APEX = nameOf('example.com.');

describe('a pattern', () => {
  test.each([
    ['_acme-challenge.*', '_acme-challenge.example.com.', true],
    ['_acme-challenge.*', '_ACME-challenge.a.b.example.com.', true],
    ['_acme-challenge.*', '_acme-challenge.', false],
    ['_acme-challenge.*', 'x._acme-challenge.example.com.', false],
    ['_acme-challenge.*', 'x_acme-challenge.example.com.', false],
    ['_*._acme-challenge.*', '_ujmmovf2vn55tgye._acme-challenge.example.com.', true],
    ['_*._acme-challenge.*', 'x._acme-challenge.example.com.', false],
    ['_*._acme-challenge.*', '_a._b._acme-challenge.example.com.', false],
    ['www', 'www.example.com.', true],
    ['WWW.example.com', 'www.example.com.', true],
    ['www', 'www.www.example.com.', false],
    ['@', 'example.com.', true],
    ['*.dyn.example.com', 'a.b.dyn.example.com.', true],
    ['*.dyn.example.com', '*.dyn.example.com.', true],
    ['*.dyn.example.com', 'dyn.example.com.', false],
    ['h*t*', 'host.example.com.', true],
    ['h*t*', 'hos.example.com.', false],
    ['*', 'example.com.', true],
    ['a*b*c*d.*', 'aaaabbbbccccdddd.example.com.', true],
    ['a*b*c*d.*', 'aaaabbbbccccddde.example.com.', false],
  ])('%s, %s: %s', (text, owner, expected) => {
    expect(nameMatcher(good(parseNamePattern(text, APEX)))(nameOf(owner))).toBe(expected);
  });

  test('of every zone is absolute, or ends in *', () => {
    expect(good(parseNamePattern('www.Example.com.', undefined))).toBe('www.example.com.');
    expect(nameMatcher('.')(nameOf('.'))).toBe(true);
    expect(bad(parseNamePattern('www', undefined))).toMatchObject([{ code: 'FIELD_VALUE' }]);
  });

  test.each([
    ['\\*.example.com', 'a plain asterisk cannot be meant'],
    ['www.other.test.', 'another zone'],
    ['a.b', 'two readings'],
    ['*a*b*c*d*', 'too many asterisks'],
    ['a..*', 'an empty label'],
    ['bücher', 'not ASCII'],
    ['bücher.*', 'not ASCII'],
    ['a b.*', 'a blank'],
    ['me@x.*', 'a mailbox'],
    ['a;b.*', 'a character that names have with a backslash'],
  ])('is not %s: %s', (text) => {
    expect(parseNamePattern(text, APEX).ok).toBe(false);
  });

  test('of 63 stars and letters takes no longer than its length says', () => {
    const owner = nameOf(`${'a'.repeat(60)}.${'a'.repeat(60)}.${'a'.repeat(60)}.example.com.`);
    const start = performance.now();
    for (let n = 0; n < 1000; n++) nameMatcher('*a*a*a*b.*')(owner);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});

/** SPF records: which TXT are SPF, which terms count, which have a say, the canonical text. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseSpf } from '#mail/spf/parse.ts';
import {
  type SpfRecord,
  costsLookup,
  effectiveTerms,
  formatSpf,
  formatTerm,
  isDirective,
  isSpfText,
  modifierOf,
  redirectOf,
  selectSpf,
} from '#mail/spf/spf.ts';
import { txtRdata } from '#mail/text/txt.ts';

function recordOf(terms: string): SpfRecord {
  const parsed = parseSpf(`v=spf1 ${terms}`);
  if (!parsed.ok) throw new Error(`bad record in the test: ${terms}`);
  return parsed.value;
}

describe('RFC 7208 §4.5: what is an SPF record', () => {
  test.each([
    ['v=spf1', true],
    ['V=SpF1 -all', true],
    ['v=spf1  -all', true],
    ['v=spf10', false], // another version
    ['v=spf1-all', false], // neither space nor end
    [' v=spf1 -all', false], // must begin with it
    ['v=spf1\t-all', false], // only a space ends the version
    ['spf2.0/pra -all', false],
    ['', false],
  ])('%j: %j', (text, expected) => expect(isSpfText(text)).toBe(expected));

  test('strings of one TXT record are joined with nothing between them (§3.3)', () => {
    const rdata = Uint8Array.from([6, ...Buffer.from('v=spf1'), 5, ...Buffer.from(' -all')]);
    expect(selectSpf([rdata, txtRdata('v=spf10 -all'), txtRdata('hello')])).toEqual(['v=spf1 -all']);
    expect(selectSpf([Uint8Array.from([6, ...Buffer.from('v=spf1'), 4, ...Buffer.from('-all')])])).toEqual([]);
  });
});

describe('RFC 7208 §4.6.4: terms that cause look-ups', () => {
  test.each([
    ['include:x.example', true],
    ['a', true],
    ['mx', true],
    ['ptr', true],
    ['exists:x.example', true],
    ['redirect=x.example', true],
    ['all', false],
    ['ip4:192.0.2.1', false],
    ['ip6:2001:db8::1', false],
    ['exp=x.example', false],
    ['moo=x', false],
  ])('%s: %j', (text, expected) => expect(costsLookup(recordOf(text).terms[0]!)).toBe(expected));
});

describe('terms that have a say', () => {
  const effective = (terms: string) => effectiveTerms(recordOf(terms)).map(formatTerm).join(' ');
  test.each([
    ['modifiers are no directives', 'mx moo=x exp=e.example', 'mx'],
    ['§5.1: what stands behind all is never reached', 'mx -all a ip4:192.0.2.1', 'mx -all'],
    ['of two all the first', '~all -all', '~all'],
    ['§6: a redirect comes last, wherever it stands', 'redirect=r.example mx a', 'mx a redirect=r.example'],
    ['§6.1: a redirect beside all is ignored', 'redirect=r.example mx -all', 'mx -all'],
    ['nothing', '', ''],
  ])('%s', (_what, terms, expected) => expect(effective(terms)).toBe(expected));

  test('the redirect that counts, and the modifiers as they stand', () => {
    const record = recordOf('redirect=r.example exp=e.example -all');
    expect(redirectOf(record)).toBeUndefined();
    expect(formatTerm(modifierOf(record, 'redirect')!)).toBe('redirect=r.example');
    expect(formatTerm(modifierOf(record, 'exp')!)).toBe('exp=e.example');
    expect(modifierOf(recordOf('mx'), 'exp')).toBeUndefined();
    expect(record.terms.map(isDirective)).toEqual([false, false, true]);
  });
});

describe('canonical text', () => {
  test.each([
    ['+all', 'all'],
    ['-MX', '-mx'],
    ['a/32', 'a'],
    ['a//128', 'a'],
    ['a/24//64', 'a/24//64'],
    ['mx:x.example/32//64', 'mx:x.example//64'],
    ['ip4:192.0.2.0/32', 'ip4:192.0.2.0'],
    ['ip4:192.0.2.0/24', 'ip4:192.0.2.0/24'],
    ['ip6:2001:DB8:0:0::1/128', 'ip6:2001:db8::1'],
    ['Redirect=%{d}.x.example', 'redirect=%{d}.x.example'],
    ['MOO=Cow', 'moo=Cow'],
  ])('%s → %s', (text, expected) => expect(formatSpf(recordOf(text))).toBe(`v=spf1 ${expected}`));

  test('law: what is printed is read as the same record', () => {
    const term = fc
      .tuple(
        fc.constantFrom('', '+', '-', '~', '?'),
        fc.constantFrom(
          'all',
          'a',
          'mx',
          'ptr',
          'a:x.example/24',
          'mx//64',
          'ip4:192.0.2.7/8',
          'ip6:2001:db8::/33',
          'exists:%{ir}.x.example',
        ),
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.array(term, { maxLength: 8 }), fc.boolean(), (terms, hasRedirect) => {
        const record = recordOf([...terms, ...(hasRedirect ? ['redirect=r.example'] : [])].join(' '));
        const again = parseSpf(formatSpf(record));
        expect(again.ok && again.value).toEqual(record);
      }),
    );
  });
});

/** Tables of good and bad SPF records. */
import { describe, expect, test } from 'vitest';
import { atRrset } from '#base/place.ts';
import { type ProblemCode } from '#base/problem-codes.ts';
import { formatSpf } from '#mail/spf/spf.ts';
import { parseSpf } from '#mail/spf/parse.ts';

/** The record is good, without warnings, and its canonical text is `canonical`. */
function good(text: string, canonical: string = text): void {
  test(`good: ${text}`, () => {
    const result = parseSpf(text);
    expect(result).toMatchObject({ ok: true, warnings: [] });
    expect(result.ok && formatSpf(result.value)).toBe(canonical);
  });
}

/** The record is refused for exactly these reasons, in this order. */
function bad(text: string, ...codes: ProblemCode[]): void {
  test(`bad: ${text}`, () => {
    const result = parseSpf(text);
    expect(result.ok ? 'good' : result.problems.map((each) => each.code)).toEqual(codes);
    expect(!result.ok && result.problems.every((each) => each.severity === 'error' && each.rfc !== undefined)).toBe(true);
  });
}

/** The record is good, and these warnings are given. */
function doubtful(text: string, ...codes: ProblemCode[]): void {
  test(`doubtful: ${text}`, () => {
    const result = parseSpf(text);
    expect(result.ok && result.warnings.map((each) => each.code)).toEqual(codes);
  });
}

describe('RFC 7208 §4.6.1: terms', () => {
  good('v=spf1 -all');
  good('V=SPF1  +A   MX:Example.COM  -ALL  ', 'v=spf1 a mx:Example.COM -all');
  good('v=spf1 ?all moo.cow-far_out=man:dog/cat', 'v=spf1 ?all moo.cow-far_out=man:dog/cat');
  bad('v=spf1 -all moo', 'SPF_TERM'); // no such mechanism, even behind "all"
  bad('v=spf1 moo.cow/far_out=man:dog/cat -all', 'SPF_TERM'); // "=" not right after the name: a mechanism
  bad('v=spf1 moo.cow:far_out=man:dog/cat -all', 'SPF_TERM');
  bad('v=spf1 =all', 'SPF_MODIFIER'); // a name is missing
  bad('v=spf1 1up=foo -all', 'SPF_MODIFIER'); // a name begins with a letter
  bad('v=spf1 redirect:example.com', 'SPF_TERM'); // a modifier written as a mechanism
  bad('v=spf1 !a -all', 'SPF_TERM'); // no such qualifier
  bad('v=spf1 - all', 'SPF_TERM'); // a qualifier alone; its "all" is then another term
  bad('v=spf1 include:example.com,a -all', 'SPF_DOMAIN'); // a comma separates nothing
  bad('v=spf1 a:ctrl.example.com\rptr -all', 'SPF_CHARACTER'); // only spaces go between terms
  bad('v=spf1\u00a0-all', 'SPF_VERSION'); // a no-break space is no space
  bad('v=spf1 a:\u00ef\u00bb\u00bfexample.com -all', 'SPF_CHARACTER'); // §3.1: ASCII only
  bad('v=spf1 \u0080a:example.net moo -all', 'SPF_CHARACTER', 'SPF_TERM'); // all problems at once
  bad('spf1 -all', 'SPF_VERSION');
});

describe('RFC 7208 §5.1: all', () => {
  good('v=spf1 ~all');
  bad('v=spf1 -all.', 'SPF_TERM');
  bad('v=spf1 -all:foobar', 'SPF_ARGUMENT'); // "all" takes nothing
  bad('v=spf1 -all/8', 'SPF_ARGUMENT');
});

describe('RFC 7208 §5.2: include, §5.7: exists', () => {
  good('v=spf1 include:_spf.example.com. -all', 'v=spf1 include:_spf.example.com -all');
  good('v=spf1 exists:%{ir}.sbl.example.org -all');
  bad('v=spf1 include -all', 'SPF_ARGUMENT'); // include of what?
  bad('v=spf1 include: -all', 'SPF_DOMAIN');
  bad('v=spf1 include:ip5.example.com/24 -all', 'SPF_DOMAIN'); // no prefix length here, so "com/24" is the top label
  bad('v=spf1 exists -all', 'SPF_ARGUMENT');
  bad('v=spf1 exists:mail.example.com/24 -all', 'SPF_DOMAIN');
});

describe('RFC 7208 §5.3: a, §5.4: mx', () => {
  good('v=spf1 a/24//64 mx//64 a:example.com/32//128 mx/0 -all', 'v=spf1 a/24//64 mx//64 a:example.com mx/0 -all');
  good('v=spf1 a:foo:bar/baz.example.com/24 -all'); // any visible character may be in a name
  good('v=spf1 a:%{d}/24 -all');
  bad('v=spf1 a/33 -all', 'SPF_CIDR');
  bad('v=spf1 mx//129 -all', 'SPF_CIDR');
  bad('v=spf1 a/024 -all', 'SPF_CIDR'); // no leading zeros
  bad('v=spf1 a/24/64 -all', 'SPF_CIDR', 'SPF_CIDR'); // the second has two slashes
  bad('v=spf1 a/ -all', 'SPF_CIDR'); // a slash and no length
  bad('v=spf1 a: -all', 'SPF_DOMAIN');
  bad('v=spf1 mx:', 'SPF_DOMAIN');
});

describe('RFC 7208 §5.5: ptr', () => {
  doubtful('v=spf1 ptr -all', 'SPF_PTR'); // should not be published
  doubtful('v=spf1 ptr:example.com -all', 'SPF_PTR');
  bad('v=spf1 ptr/0 -all', 'SPF_ARGUMENT');
  bad('v=spf1 ptr: -all', 'SPF_DOMAIN');
});

describe('RFC 7208 §5.6: ip4, ip6', () => {
  good(
    'v=spf1 ip4:192.0.2.1/32 ip6:2001:DB8:0:0::/32 ip6:2001:db8::1/128 -all',
    'v=spf1 ip4:192.0.2.1 ip6:2001:db8::/32 ip6:2001:db8::1 -all',
  );
  good('v=spf1 ip6:2001:db8::192.0.2.1 -all', 'v=spf1 ip6:2001:db8::c000:201 -all');
  bad('v=spf1 ip4 -all', 'SPF_ARGUMENT');
  bad('v=spf1 ip4:192.0.2 -all', 'SPF_IP'); // all four parts
  bad('v=spf1 ip4:192.0.2.001 -all', 'SPF_IP'); // no leading zeros: some read them as octal
  bad('v=spf1 ip4:192.0.2.1:8080 -all', 'SPF_IP');
  bad('v=spf1 ip4:192.0.2.1/33 -all', 'SPF_CIDR');
  bad('v=spf1 ip4:192.0.2.1//32 -all', 'SPF_CIDR'); // no dual length here
  bad('v=spf1 ip4:192.0.2.1/ -all', 'SPF_CIDR');
  bad('v=spf1 ip4:2001:db8::1 -all', 'SPF_IP'); // the other family
  bad('v=spf1 ip6::CAFE::BABE -all', 'SPF_IP');
  bad('v=spf1 ip6:::1.1.1.1//33 -all', 'SPF_CIDR');
  bad('v=spf1 ip6:2001:db8::/129 -all', 'SPF_CIDR');
  bad('v=spf1 ip6:fe80::1%eth0 -all', 'SPF_IP');
  doubtful('v=spf1 ip4:192.0.2.1/24 -all', 'SPF_HOST_BITS');
  doubtful('v=spf1 ip6:::ffff:192.0.2.1 -all', 'SPF_IP'); // mapped clients are IPv4 clients (§5)
});

describe('RFC 7208 §6: modifiers', () => {
  good('v=spf1 mx redirect=_spf.example.com');
  good('v=spf1 EXP=explain._spf.%{d} -all', 'v=spf1 exp=explain._spf.%{d} -all');
  good('v=spf1 -all default=+ x=', 'v=spf1 -all default=+ x=');
  bad('v=spf1 redirect= -all', 'SPF_DOMAIN');
  bad('v=spf1 redirect=-all', 'SPF_DOMAIN'); // a known name with bad syntax is not an unknown modifier
  bad('v=spf1 exp= -all', 'SPF_DOMAIN');
  bad('v=spf1 exp=a.example exp=b.example -all', 'SPF_MODIFIER_TWICE');
  bad('v=spf1 redirect=a.example redirect=a.example', 'SPF_MODIFIER_TWICE');
  bad('v=spf1 -all foo=%abc', 'SPF_MACRO'); // unknown, but its macros must be well formed
  doubtful('v=spf1 mx -all redirect=_spf.example.com', 'SPF_AFTER_ALL'); // §6.1: ignored
});

describe('RFC 7208 §7.1–7.3: domains and macros', () => {
  good('v=spf1 exists:%{L1R+-}.%{d2}.example -all', 'v=spf1 exists:%{L1r+-}.%{d2}.example -all');
  good('v=spf1 a:%{d200r..}%%%_%-.example.com -all', 'v=spf1 a:%{d128r}%%%_%-.example.com -all');
  good('v=spf1 a:foo.example.xn--zckzah -all'); // hyphens in the top label
  bad('v=spf1 a:museum -all', 'SPF_DOMAIN'); // no dot
  bad('v=spf1 a:museum. -all', 'SPF_DOMAIN'); // the last dot does not help
  bad('v=spf1 a:192.0.2.1 -all', 'SPF_DOMAIN'); // an address; the fix says ip4:
  bad('v=spf1 a:abc.123 -all', 'SPF_DOMAIN'); // all digits
  bad('v=spf1 a:example.-com -all', 'SPF_DOMAIN');
  bad('v=spf1 a:example.com- -all', 'SPF_DOMAIN');
  bad('v=spf1 a:example.com:8080 -all', 'SPF_DOMAIN');
  bad('v=spf1 a:%{d}com -all', 'SPF_DOMAIN'); // ends neither in a macro nor in a top label
  bad('v=spf1 a:%{d}. -all', 'SPF_DOMAIN'); // a dot alone is not a top label
  bad('v=spf1 exists:%(ir).sbl.example.com -all', 'SPF_MACRO');
  bad('v=spf1 exists:foo%.sbl.example.com -all', 'SPF_MACRO');
  bad('v=spf1 a:%{a}.example.com -all', 'SPF_MACRO'); // no such letter
  bad('v=spf1 exists:%{i.example.com -all', 'SPF_MACRO'); // not closed
  bad('v=spf1 exists:%{d0}.example.com -all', 'SPF_MACRO'); // zero parts
  bad('v=spf1 exists:%{dr2}.example.com -all', 'SPF_MACRO'); // number before "r"
  bad('v=spf1 -all exp=%{r}.example.com', 'SPF_MACRO'); // c, r, t are for the explanation's text
  bad('v=spf1 a:%{x}.%{y}.example.com -all', 'SPF_MACRO', 'SPF_MACRO');
  doubtful('v=spf1 exists:%{p}.example.com -all', 'SPF_PTR');
  doubtful(`v=spf1 a:${'a'.repeat(64)}.example.com -all`, 'SPF_LABEL'); // §4.8: receivers differ
  doubtful('v=spf1 a:mail.example...com -all', 'SPF_LABEL');
});

describe('lawful and surely not meant', () => {
  doubtful('v=spf1', 'SPF_NO_ALL'); // §4.7: neutral for everybody
  doubtful('v=spf1 +all', 'SPF_EVERYBODY');
  doubtful('v=spf1 ip4:0.0.0.0/0 -all', 'SPF_EVERYBODY');
  doubtful('v=spf1 -all mx', 'SPF_AFTER_ALL');
});

test('positions are columns, with the place the caller gives', () => {
  const result = parseSpf('v=spf1 mx  moo a:%{x}.example -all', atRrset('example.com', 'TXT'));
  expect(!result.ok && result.problems.map((each) => each.at)).toEqual(
    [12, 16].map((column) => atRrset('example.com', 'TXT', { kind: 'column', column })),
  );
});

test('an address where a name belongs: the fix says what to write', () => {
  const result = parseSpf('v=spf1 a:192.0.2.1 -all');
  expect(!result.ok && result.problems[0]?.fix).toBe('write ip4:192.0.2.1');
});

test('hostile records of 60,000 octets are read in no time, and their problems are a list of readable length', () => {
  const hostile = [
    'a:.' + 'a'.repeat(60_000) + '!',
    'a:.' + 'a1'.repeat(30_000) + '-',
    'a:' + '/1'.repeat(30_000),
    '%{d'.repeat(20_000),
    'x=%{d' + '1'.repeat(60_000),
    'mo '.repeat(20_000),
  ];
  for (const terms of hostile) {
    const started = performance.now();
    const result = parseSpf(`v=spf1 ${terms}`);
    expect(result.ok || result.problems.length <= 101).toBe(true);
    expect(performance.now() - started).toBeLessThan(500);
  }
});

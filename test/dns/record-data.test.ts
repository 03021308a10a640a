/**
 * One record's data as requests and command lines give it: taken as given, or rejected with the fix; nothing is ever cut.
 * Expected values are RFC 1035 §5.1 with the rule of docs/records.md.
 */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { parseRecordData } from '#dns/record-data.ts';
import { checkRdata, formatRdata, parseRdataText, typeCode } from '#dns/registry.ts';
import { rdataTexts } from '../support/rdata-arbitraries.ts';

const APEX = nameOf('api.test');
const parse = (mnemonic: string, text: string) => parseRecordData(typeCode(mnemonic)!, text, APEX);
const stored = (mnemonic: string, text: string) => {
  const result = parse(mnemonic, text);
  return result.ok ? formatRdata(typeCode(mnemonic)!, result.value) : result.problems.map(({ code }) => code).join();
};
const refusal = (mnemonic: string, text: string) => {
  const result = parse(mnemonic, text);
  return result.ok ? undefined : result.problems[0];
};
const warnings = (mnemonic: string, text: string) => {
  const result = parse(mnemonic, text);
  return result.ok ? result.warnings.map(({ message }) => message) : [];
};

describe('TXT and its kind: an unquoted string is one text', () => {
  test.each([
    ['v=DMARC1; p=reject; rua=mailto:r@x.example', '"v=DMARC1; p=reject; rua=mailto:r@x.example"'],
    ['v=spf1 mx -all', '"v=spf1 mx -all"'],
    ['v=DKIM1; k=rsa; p=MIGf', '"v=DKIM1; k=rsa; p=MIGf"'],
    ['a=1;b=999', '"a=1;b=999"'],
    ['v=STSv1; id=1;', '"v=STSv1; id=1;"'],
    ['(not a zone file)', '"(not a zone file)"'],
    ['two  blanks', '"two  blanks"'],
    ['say "hi"', String.raw`"say \"hi\""`],
    ['it\'s 5" long', String.raw`"it's 5\" long"`],
    [String.raw`C:\dir`, String.raw`"C:\\dir"`],
    ['grüße', String.raw`"gr\195\188\195\159e"`],
    ['$INCLUDE x', '"$INCLUDE x"'],
    ['@', '"@"'],
    ['', '""'],
    ['; only', '"; only"'],
    ['x'.repeat(255), `"${'x'.repeat(255)}"`],
    ['x'.repeat(256), `"${'x'.repeat(255)}" "x"`],
    ['x'.repeat(600), `"${'x'.repeat(255)}" "${'x'.repeat(255)}" "${'x'.repeat(90)}"`],
    ['ü'.repeat(128), `"${String.raw`\195\188`.repeat(127)}${String.raw`\195`}" "${String.raw`\188`}"`], // octets are split, not characters
  ])('%j', (text, shown) => {
    for (const mnemonic of ['TXT', 'SPF', 'AVC', 'NINFO', 'TYPE16']) expect([mnemonic, stored(mnemonic, text)]).toEqual([mnemonic, shown]);
  });

  test.each([
    ['"v=DMARC1; p=reject"', '"v=DMARC1; p=reject"'],
    ['"a" "b"', '"a" "b"'],
    ['  "a"\t"b"  ', '"a" "b"'],
    ['""', '""'],
    ['"" "a"', '"" "a"'],
    [String.raw`"say \"hi\" \\ \; \065\010"`, String.raw`"say \"hi\" \\ ; A\010"`],
    ['"(a);b"', '"(a);b"'],
    [`"${'x'.repeat(300)}"`, `"${'x'.repeat(255)}" "${'x'.repeat(45)}"`],
    [`"a" "${'x'.repeat(256)}" "b"`, `"a" "${'x'.repeat(255)}" "x" "b"`],
    [String.raw`"${String.raw`\200`.repeat(256)}"`, `"${String.raw`\200`.repeat(255)}" "${String.raw`\200`}"`],
    ['"grüße"', String.raw`"gr\195\188\195\159e"`],
  ])('quoted strings are taken as written: %j', (text, shown) => {
    expect(stored('TXT', text)).toBe(shown);
  });

  test.each([
    ['"a" b', 'RDATA_SYNTAX', 'quotes'],
    ['"a" ; comment', 'RDATA_SYNTAX', 'quotes'],
    ['"a" )', 'RDATA_SYNTAX', 'quotes'],
    ['"a"b', 'RDATA_SYNTAX', 'quotes'],
    ['"a""b"', 'RDATA_SYNTAX', String.raw`\"`], // two strings, or a doubled quote: both are usual
    ['"a', 'TEXT_QUOTE_OPEN', 'close'],
    [String.raw`"a\"`, 'TEXT_QUOTE_OPEN', 'close'],
    ['"', 'TEXT_QUOTE_OPEN', 'close'],
    [String.raw`"\999"`, 'TEXT_ESCAPE', String.raw`\DDD`],
    ['( "v=DKIM1; " "p=x" )', 'RDATA_SYNTAX', 'zone file'],
    ['("a")', 'RDATA_SYNTAX', 'zone file'],
    ['v=DKIM1;\np=x', 'RDATA_SYNTAX', String.raw`\010`],
    ['a\r\n', 'RDATA_SYNTAX', String.raw`\013`],
    ['a\tb', 'RDATA_SYNTAX', String.raw`\009`],
    ['a\u0000b', 'RDATA_SYNTAX', String.raw`\000`],
    ['a\u007fb', 'RDATA_SYNTAX', String.raw`\127`],
    ['"a\nb"', 'RDATA_SYNTAX', String.raw`\010`],
    ['"a\u001b[31m"', 'RDATA_SYNTAX', String.raw`\027`],
    [String.raw`v=DMARC1\; p=none`, 'RDATA_SYNTAX', String.raw`"v=DMARC1; p=none"`],
    [String.raw`a\"b\"`, 'RDATA_SYNTAX', String.raw`"a\"b\""`],
    [String.raw`a\\b`, 'RDATA_SYNTAX', String.raw`"a\\b"`],
    [String.raw`a\065`, 'RDATA_SYNTAX', '"aA"'],
    ['a\ud800b', 'RDATA_SYNTAX', String.raw`\DDD`], // half a surrogate pair is no text
    ['a\ufffdb', 'RDATA_SYNTAX', String.raw`\239\191\189`], // what decoders put where octets were not UTF-8
    ['x'.repeat(70_000), 'RDATA_VALUE', undefined],
    [`"${'x'.repeat(70_000)}"`, 'RDATA_VALUE', undefined],
  ])('rejected with the fix: %j', (text, code, fix) => {
    const problem = refusal('TXT', text);
    expect(problem?.code).toBe(code);
    if (fix !== undefined) expect(problem?.fix).toContain(fix);
  });

  test('a lone backslash that escapes nothing is a backslash; both readings of any other are told', () => {
    expect(stored('TXT', String.raw`\o/`)).toBe(String.raw`"\\o/"`);
    expect(refusal('TXT', String.raw`v=DMARC1\; p=none`)?.fix).toContain(String.raw`"v=DMARC1\\; p=none"`);
  });

  test('blanks at the ends and an empty text are kept and told', () => {
    expect(stored('TXT', ' v=spf1 -all')).toBe('" v=spf1 -all"');
    expect(warnings('TXT', ' v=spf1 -all')).toEqual([expect.stringContaining('begins or ends with a blank')]);
    expect(warnings('TXT', 'x ')).toHaveLength(1);
    expect(warnings('TXT', '')).toEqual([expect.stringContaining('empty')]);
    expect(warnings('TXT', '""')).toEqual([]);
    expect(warnings('TXT', '" x"')).toEqual([]);
    expect(warnings('TXT', 'v=spf1 -all')).toEqual([]);
  });
});

describe('every other type: words as in RFC 1035 §5.1, and nothing that only a file has', () => {
  test.each([
    ['A', '192.0.2.1', '192.0.2.1'],
    ['A', ' 192.0.2.1 ', '192.0.2.1'],
    ['CAA', '0 issue "ca.example; validationmethods=dns-01"', '0 issue "ca.example; validationmethods=dns-01"'],
    ['CAA', String.raw`0 issue ca.example\;validationmethods=dns-01`, '0 issue "ca.example;validationmethods=dns-01"'],
    ['CAA', '0 issue ";"', '0 issue ";"'],
    ['CAA', '128 issue ca.example', '128 issue "ca.example"'],
    ['CAA', '0 iodef mailto:sec@example.com', '0 iodef "mailto:sec@example.com"'],
    ['HTTPS', '1 . alpn=h2 port=8443', '1 . alpn="h2" port=8443'],
    ['HTTPS', '1 . alpn="h2,h3" ipv4hint=192.0.2.1', '1 . alpn="h2,h3" ipv4hint=192.0.2.1'],
    ['SVCB', '1 svc key667="a; (b)"', '1 svc.api.test. key667="a; (b)"'],
    ['URI', '10 1 "https://x.example/a;b?(c)"', '10 1 "https://x.example/a;b?(c)"'],
    ['NAPTR', '100 10 "U" "E2U+sip" "!^.*$!sip:info@example.com!" .', '100 10 "U" "E2U+sip" "!^.*$!sip:info@example.com!" .'],
    ['HINFO', 'PC "Debian; GNU/Linux"', '"PC" "Debian; GNU/Linux"'],
    // RFC 9606 §4: each key stands in a string of its own, so blanks divide.
    ['RESINFO', 'qnamemin exterr=15-17', '"qnamemin" "exterr=15-17"'],
    ['WALLET', 'BTC bc1q', '"BTC" "bc1q"'],
    ['TLSA', `3 1 1 ${'00'.repeat(16)} ${'00'.repeat(16)}`, `3 1 1 ${'00'.repeat(32)}`],
    ['CERT', 'PKIX 0 0 AQ ID', 'PKIX 0 0 AQID'],
  ])('%s %s', (mnemonic, text, shown) => {
    expect(stored(mnemonic, text)).toBe(shown);
  });

  test.each([
    ['CAA', '0 issue ca.example; validationmethods=dns-01', 'write: 0 issue "ca.example; validationmethods=dns-01"'],
    ['CAA', '0 issue letsencrypt.org ; accounturi=x', 'write: 0 issue "letsencrypt.org ; accounturi=x"'],
    ['CAA', '0 issue ;', 'write: 0 issue ";"'],
    ['CAA', '0 issue ca.example (x)', 'write: 0 issue "ca.example (x)"'],
    ['HTTPS', '1 . alpn=h2 ; port=8443', 'blanks'],
    ['HTTPS', '1 . alpn=h2;port=8443', 'blanks'],
    ['SVCB', '1 . alpn=h2 (port=8443)', 'blanks'],
    ['URI', '10 1 https://x.example/a;b', 'write: 10 1 "https://x.example/a;b"'],
    ['A', '192.0.2.1 ; web server', 'comment'],
    ['A', '192.0.2.1;192.0.2.2', 'comment'],
    ['MX', '10 mail ; primary', 'comment'],
    ['MX', '10 mail\n20 backup', 'one string for each record'],
    ['MX', '10 mail\r\n', 'one string for each record'],
    ['SOA', 'ns host ( 1 3600 600 86400 300 )', 'parentheses'],
    ['NAPTR', '100 10 U E2U+sip !^(.*)$!sip:x! .', 'quotes'],
    ['HINFO', 'PC Debian;Linux', 'quotes'],
    ['RESINFO', 'qnamemin; exterr=15', 'quotes'],
    ['TYPE65280', String.raw`\# 3 010203 ; three octets`, 'comment'],
    ['TXT', String.raw`\# 2 0161 ; a`, 'comment'],
    ['A', String.raw`\# 4 ( c0000201 )`, 'parentheses'],
  ])('%s %j is rejected with the fix', (mnemonic, text, fix) => {
    expect(refusal(mnemonic, text)).toMatchObject({ code: 'RDATA_SYNTAX', fix: expect.stringContaining(fix) });
  });

  test.each([
    ['CAA', '0 issue "ca.example', 'TEXT_QUOTE_OPEN'],
    ['CAA', '0 issue "ca.example" x', 'RDATA_TRAILING'],
    ['CAA', '0 issue "ca.example"x', 'RDATA_SYNTAX'],
    ['CAA', '0 issue ca"x"', 'RDATA_SYNTAX'],
    ['CAA', '0 issue "ca\nx"', 'RDATA_SYNTAX'],
    ['CAA', '0 issue ca.example validationmethods=x', 'RDATA_TRAILING'],
    ['HTTPS', '1 . alpn="h2', 'TEXT_QUOTE_OPEN'],
    ['A', '', 'RDATA_MISSING'],
    ['MX', '10 ma\u0000il', 'RDATA_SYNTAX'],
    ['MX', '10 mail\ufffd.', 'RDATA_SYNTAX'],
    ['HINFO', 'PC Debian Linux', 'RDATA_TRAILING'],
    ['TYPE65280', 'abc', 'RDATA_SYNTAX'],
    ['TXT', String.raw`\# 3 0161`, 'RDATA_VALUE'],
    ['TXT', String.raw`\# x`, 'RDATA_VALUE'],
  ])('%s %j is rejected: %s', (mnemonic, text, code) => {
    expect(refusal(mnemonic, text)?.code).toBe(code);
  });

  test('data that is lawful and surely not meant is taken with its warning', () => {
    expect(warnings('TLSA', '3 1 1 00')).toEqual([expect.stringContaining('32 octets')]);
  });
});

describe(String.raw`RFC 3597 §5: \# for every type`, () => {
  test.each([
    ['TXT', String.raw`\# 2 0161`, '"a"'],
    ['TXT', String.raw` \# 4 01 61 01 62`, '"a" "b"'],
    ['A', String.raw`\# 4 c0000201`, '192.0.2.1'],
    ['TYPE28', String.raw`\# 16 20010db8000000000000000000000001`, '2001:db8::1'],
    ['TYPE65280', String.raw`\# 0`, String.raw`\# 0`],
    ['TYPE65280', String.raw`\# 3 010203`, String.raw`\# 3 010203`],
    ['TXT', String.raw`"\\# 2 0161"`, String.raw`"\\# 2 0161"`], // in quotes it is a text
    ['TXT', String.raw`\#2`, String.raw`"\\#2"`], // not the form: no blank
  ])('%s %s', (mnemonic, text, shown) => {
    expect(stored(mnemonic, text)).toBe(shown);
  });
});

describe('names in data follow the one rule', () => {
  const cases: readonly (readonly [string, (name: string) => string])[] = [
    ['CNAME', (name) => name],
    ['NS', (name) => name],
    ['PTR', (name) => name],
    ['DNAME', (name) => name],
    ['MX', (name) => `10 ${name}`],
    ['SRV', (name) => `1 2 443 ${name}`],
    ['HTTPS', (name) => `1 ${name}`],
    ['SVCB', (name) => `0 ${name}`],
    ['SOA', (name) => `${name} host. 1 2 3 4 5`],
    ['SOA', (name) => `ns. ${name} 1 2 3 4 5`],
    ['NAPTR', (name) => `1 2 "" "" "" ${name}`],
    ['RP', (name) => `${name} .`],
    ['RP', (name) => `. ${name}`],
    ['MINFO', (name) => `${name} .`],
    ['AFSDB', (name) => `1 ${name}`],
    ['KX', (name) => `1 ${name}`],
    ['RT', (name) => `1 ${name}`],
    ['LP', (name) => `1 ${name}`],
    ['PX', (name) => `1 ${name} .`],
    ['TALINK', (name) => `. ${name}`],
    ['NSAP-PTR', (name) => name],
    ['DSYNC', (name) => `CDS NOTIFY 5300 ${name}`],
    ['IPSECKEY', (name) => `1 3 2 ${name} AQID`],
    ['AMTRELAY', (name) => `1 0 3 ${name}`],
    ['HIP', (name) => `2 20 AQID ${name}`],
    ['A6', (name) => `64 ::1 ${name}`],
  ];
  test.each(cases)('%s', (mnemonic, data) => {
    const written = (name: string) => stored(mnemonic, data(name));
    const absolute = (name: string) => {
      const form = stored(mnemonic, data(name));
      expect(form).toContain(name);
      return form;
    };
    expect(written('api.test')).toBe(absolute('api.test.'));
    expect(written('www.api.test')).toBe(absolute('www.api.test.'));
    expect(written('www')).toBe(absolute('www.api.test.'));
    expect(written('@')).toBe(absolute('api.test.'));
    expect(written('other.example.')).toBe(absolute('other.example.'));
    const twofold = refusal(mnemonic, data('other.example'));
    expect(twofold?.code).toBe('NAME_AMBIGUOUS');
    expect(twofold?.fix).toContain('other.example.');
    expect(twofold?.fix).toContain('other.example.api.test.');
    expect(refusal(mnemonic, data('bücher'))).toMatchObject({ code: 'NAME_ESCAPE', fix: expect.stringContaining('xn--bcher-kva') });
  });

  test('a target "." is the root', () => {
    expect(stored('HTTPS', '1 . port=8443')).toBe('1 . port=8443');
    expect(stored('MX', '0 .')).toBe('0 .');
  });
});

describe('what an answer shows can be given back', () => {
  test.each(Object.keys(rdataTexts))('%s: parse∘format = id', (mnemonic) => {
    const type = typeCode(mnemonic)!;
    fc.assert(
      fc.property(rdataTexts[mnemonic]!, fc.uint8Array({ maxLength: 3 }), fc.nat(400), (text, extra, cut) => {
        const wire = parseRdataText(type, text, APEX);
        if (!wire.ok) throw new Error(`${mnemonic} ${text}`);
        for (const octets of [wire.value, new Uint8Array([...wire.value.slice(0, cut), ...extra])]) {
          if (checkRdata(type, octets).length > 0) continue;
          expect(parseRecordData(type, formatRdata(type, octets), APEX)).toMatchObject({ ok: true, value: octets });
        }
      }),
      { numRuns: 60 },
    );
  });

  test('a text of any characters is one text, or rejected: never another text', () => {
    const characters = fc.constantFrom('a', ' ', ';', '"', '\\', '(', ')', '\n', '\t', '=', 'ü', '1', '#', '@', '\u0000', '\ufffd');
    fc.assert(
      fc.property(
        fc.array(characters, { maxLength: 12 }).map((all) => all.join('')),
        (text) => {
          const result = parse('TXT', text);
          if (/^[ \t]*(?:"|\\#(?:[ \t]|$))/.test(text)) return;
          if (!result.ok) {
            expect(result.problems.every(({ fix, message }) => fix !== undefined && message !== '')).toBe(true);
            return;
          }
          const octets = Buffer.from(result.value);
          expect(octets.subarray(1).toString('utf8')).toBe(text);
        },
      ),
      { numRuns: 3000 },
    );
  });

  test('words of any kind never throw; what is taken is well formed, and every character of it is in the data', () => {
    const junk = fc
      .array(
        fc.oneof(fc.string({ unit: 'binary', maxLength: 12 }), fc.constantFrom(String.raw`\#`, '"', '0', '-', '.', '(', '"x"', 'key1=')),
        { maxLength: 8 },
      )
      .map((all) => all.join(' '));
    for (const mnemonic of Object.keys(rdataTexts))
      fc.assert(
        fc.property(junk, (text) => {
          const result = parse(mnemonic, text);
          if (result.ok) expect(checkRdata(typeCode(mnemonic)!, result.value)).toEqual([]);
          else expect(result.problems.every(({ message }) => message !== '')).toBe(true);
        }),
        { numRuns: 30 },
      );
  });
});

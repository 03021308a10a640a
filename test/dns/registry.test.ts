/** Laws of the table of types, for every type in it. */
import { inFile } from '#base/place.ts';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lexRdata } from '#dns/lexer.ts';
import { formatName, nameLengthAt, nameOf, ROOT } from '#dns/name.ts';
import {
  canonicalRdata,
  checkRdata,
  formatRdata,
  isMetaType,
  parseRdata,
  parseRdataText,
  rdataNames,
  readRdata,
  typeCode,
  typeName,
} from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';
import { rdataTexts } from '../support/rdata-arbitraries.ts';

const ORIGIN = nameOf('example.');
const KNOWN = Object.entries(rdataTexts).map(([mnemonic, texts]) => ({ mnemonic, type: typeCode(mnemonic)!, texts }));

function parsed(type: number, text: string): Uint8Array {
  const result = parseRdataText(type, text, ORIGIN);
  if (!result.ok) throw new Error(`${typeName(type)} ${text}: ${result.problems.map((each) => each.message).join('; ')}`);
  return result.value;
}

const bytes = (hex: string) => new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

describe('RFC 3597 §5: types by name and number', () => {
  test('any case, TYPE<n>, and names with a hyphen', () => {
    expect(typeCode('mx')).toBe(TYPE.MX);
    expect(typeCode('TYPE15')).toBe(TYPE.MX);
    expect(typeCode('type65280')).toBe(65_280);
    expect(typeCode('nsap-ptr')).toBe(TYPE.NSAP_PTR);
    expect(typeName(TYPE.NSAP_PTR)).toBe('NSAP-PTR');
    expect(typeName(65_280)).toBe('TYPE65280');
  });
  test.each(['TYPE65536', 'TYPE', 'TYPE-1', 'NSAP_PTR', 'NOSUCH', '', 'constructor'])('%j is no type', (text) => {
    expect(typeCode(text)).toBeUndefined();
  });
  test('every number comes back through its name', () => {
    const lost = Array.from({ length: 0x1_0000 }, (_, type) => type).filter((type) => typeCode(typeName(type)) !== type);
    expect(lost).toEqual([]);
  });
  test('RFC 6895 §3.1: meta types are never data', () => {
    for (const type of [0, TYPE.OPT, TYPE.ANY, TYPE.AXFR, TYPE.TSIG, TYPE.NXNAME]) {
      expect(isMetaType(type)).toBe(true);
      expect(parseRdataText(type, '\\# 0', ROOT)).toMatchObject({ ok: false, problems: [{ code: 'TYPE_META' }] });
      expect(checkRdata(type, new Uint8Array())).toMatchObject([{ code: 'TYPE_META' }]);
    }
    expect([TYPE.A, TYPE.CAA, 127, 256, 65_535].some(isMetaType)).toBe(false);
  });
});

describe('every type: text → wire → text → wire is a fixpoint', () => {
  test('every type with a name has texts in rdata-arbitraries.ts, for these laws and for every judge that reads zones', () => {
    // IANA has these four as reserved: their data has no form.
    const formless: readonly number[] = [TYPE.UINFO, TYPE.UID, TYPE.GID, TYPE.UNSPEC];
    const named = Object.values(TYPE).filter((type) => !isMetaType(type) && !formless.includes(type));
    expect(named.filter((type) => !KNOWN.some((known) => known.type === type)).map(typeName)).toEqual([]);
  });
  test.each(KNOWN)('$mnemonic', ({ type, texts }) => {
    fc.assert(
      fc.property(texts, (text) => {
        const wire = parsed(type, text);
        expect(checkRdata(type, wire)).toEqual([]);
        const shown = formatRdata(type, wire);
        expect(shown).not.toMatch(/[\n\r\t]|[^ -~]/);
        expect(parsed(type, shown)).toEqual(wire);
        expect(formatRdata(type, parsed(type, shown))).toBe(shown);
        // RFC 3597 §5: the same data as octets.
        expect(parsed(type, `\\# ${wire.length} ${Buffer.from(wire).toString('hex')}`)).toEqual(wire);
        expect(readRdata(type, { message: wire, offset: 0, length: wire.length })).toEqual(wire);
        for (const { offset, length } of rdataNames(type, wire)) expect(nameLengthAt(wire, offset)).toBe(length);
        const canonical = canonicalRdata(type, wire);
        expect(checkRdata(type, canonical)).toEqual([]);
        expect(canonicalRdata(type, canonical)).toEqual(canonical);
      }),
      { numRuns: 60 },
    );
  });
});

describe('every type: octets of any kind', () => {
  const mutations = (wire: Uint8Array) =>
    fc.oneof(
      fc.nat(wire.length).map((size) => wire.slice(0, size)),
      fc.uint8Array({ minLength: 1, maxLength: 3 }).map((more) => new Uint8Array([...wire, ...more])),
      fc
        .tuple(fc.nat(Math.max(0, wire.length - 1)), fc.nat(255))
        .map(([at, octet]) => wire.map((old, each) => (each === at ? octet : old))),
    );
  test.each(KNOWN)('$mnemonic: nothing throws; what checkRdata takes survives the way through text', ({ type, texts }) => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 60 }),
          texts.chain((text) => mutations(parsed(type, text))),
        ),
        (octets) => {
          const problems = checkRdata(type, octets);
          const shown = formatRdata(type, octets);
          canonicalRdata(type, octets);
          rdataNames(type, octets);
          const back = parseRdataText(type, shown, ORIGIN);
          const good = problems.length === 0;
          // What is taken comes back; what is refused is shown as octets, and refused again.
          expect(back.ok ? back.value : undefined).toEqual(good ? octets : undefined);
          expect(readRdata(type, { message: octets, offset: 0, length: octets.length })).toEqual(good ? octets : undefined);
          expect(good || shown.startsWith('\\# ')).toBe(true);
        },
      ),
      { numRuns: 120 },
    );
  });
  test.each(KNOWN)('$mnemonic: words of any kind never throw, and what is taken is well formed', ({ type, texts }) => {
    const junk = fc.array(
      fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom('\\#', '"', '0', '-', '.', '(', '::', '"x"', '1', 'key1=')),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          junk.map((words) => words.join(' ')),
          fc.tuple(texts, fc.nat(60)).map(([text, size]) => text.slice(0, size)),
        ),
        (text) => {
          const result = parseRdataText(type, text, ORIGIN);
          const wrong = result.ok
            ? checkRdata(type, result.value)
            : result.problems.filter((each) => each.message === '' || !(each.at.kind === 'file' && each.at.file === 'rdata'));
          expect(wrong).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('parseRdata: problems', () => {
  test('at file:line:column of the word, all at once', () => {
    const tokens = lexRdata('70000\n mail.. extra');
    expect(tokens.ok && parseRdata(TYPE.MX, tokens.value, ORIGIN, 'db.example')).toMatchObject({
      ok: false,
      problems: [
        { code: 'RDATA_VALUE', at: inFile('db.example', 1, 1), severity: 'error' },
        { code: 'NAME_EMPTY_LABEL', at: inFile('db.example', 2, 2) },
      ],
    });
  });
  test.each([
    ['MX', '', 'RDATA_MISSING'],
    ['MX', '10', 'RDATA_MISSING'],
    ['MX', '10 a b', 'RDATA_TRAILING'],
    ['MX', '"10" a', 'RDATA_SYNTAX'],
    ['A', '\\# 3 010203', 'RDATA_WIRE'],
    ['A', '\\# 4 0102', 'RDATA_VALUE'],
    ['A', '\\# 4 0102030', 'RDATA_SYNTAX'],
    ['MX', '\\# 5 000a016100', ''],
    ['MX', '\\# 4 000ac000', 'RDATA_WIRE'],
    ['TYPE65280', 'abc', 'RDATA_SYNTAX'],
    ['TYPE65280', '"\\#" 0', 'RDATA_SYNTAX'],
    ['TYPE65280', '\\# 65536 00', 'RDATA_VALUE'],
  ])('%s %s', (mnemonic, text, code) => {
    const result = parseRdataText(typeCode(mnemonic)!, text, ORIGIN);
    expect(result.ok ? '' : result.problems[0]!.code).toBe(code);
  });
  test('RFC 1035 §3.2.1: 65,535 octets at most, said once', () => {
    const strings = (count: number) =>
      Array(count)
        .fill(`"${'x'.repeat(254)}"`)
        .join(' ');
    expect(parsed(TYPE.TXT, strings(257)).length).toBe(65_535);
    const result = parseRdataText(TYPE.TXT, strings(260), ORIGIN);
    expect(result).toMatchObject({ ok: false, problems: [{ code: 'RDATA_VALUE' }] });
  });
  test('relative names are completed by the origin', () => {
    expect(formatRdata(TYPE.MX, parsed(TYPE.MX, '10 mail'))).toBe('10 mail.example.');
    expect(formatRdata(TYPE.NS, parsed(TYPE.NS, '@'))).toBe('example.');
  });
});

describe('RFC 1035 §4.1.4, RFC 3597 §4: reading compressed names', () => {
  // At 0: example. ; at 9: mail.<pointer to 0>
  const before = bytes('07 65 78 61 6d 70 6c 65 00 04 6d 61 69 6c c0 00');
  const message = (rdata: string) => new Uint8Array([...before, ...bytes(rdata)]);
  const read = (type: number, rdata: string, size = bytes(rdata).length) => {
    const octets = readRdata(type, { message: message(rdata), offset: before.length, length: size });
    return octets === undefined ? undefined : formatRdata(type, octets);
  };
  test('types of RFC 1035, and the older ones that were sent so', () => {
    expect(read(TYPE.MX, '000a c009')).toBe('10 mail.example.');
    expect(read(TYPE.MX, '000a 01 61 c000')).toBe('10 a.example.');
    expect(read(TYPE.SOA, 'c000 c009 00000001 00000002 00000003 00000004 00000005')).toBe('example. mail.example. 1 2 3 4 5');
    // One name is an octet shorter when it is whole, the other an octet longer.
    expect(read(TYPE.SOA, '01 78 c008 c010 00000001 00000002 00000003 00000004 00000005')).toBe('x. x. 1 2 3 4 5');
    expect(read(TYPE.SRV, '0001 0002 0003 c009')).toBe('1 2 3 mail.example.');
    expect(read(TYPE.NAPTR, '0001 0002 00 00 00 c009')).toBe('1 2 "" "" "" mail.example.');
    expect(read(TYPE.A6, '80 c009')).toBeUndefined();
  });
  test.each([TYPE.DNAME, TYPE.RRSIG, TYPE.NSEC, TYPE.SVCB])('TYPE%i is never compressed', (type) => {
    expect(read(type, type === TYPE.SVCB ? '0001 c009' : 'c009')).toBeUndefined();
  });
  test('pointers only go back, and further back each time', () => {
    expect(read(TYPE.NS, 'c010')).toBeUndefined(); // to itself
    expect(read(TYPE.NS, 'c012 00')).toBeUndefined(); // forward
    expect(read(TYPE.NS, '01 61 c010')).toBeUndefined(); // to its own start
    expect(read(TYPE.NS, 'c0')).toBeUndefined(); // half a pointer
    expect(read(TYPE.NS, '40 61')).toBeUndefined(); // reserved label type
    expect(read(TYPE.NS, '01 61 00', 2)).toBeUndefined(); // the name passes RDLENGTH
    expect(read(TYPE.NS, 'c000 00')).toBeUndefined(); // octets left over
    expect(readRdata(TYPE.NS, { message: message('c000'), offset: before.length, length: 3 })).toBeUndefined(); // RDLENGTH passes the message
  });
  test('a name that grows past 255 octets through a pointer is refused', () => {
    const long = `3f${'61'.repeat(63)}`.repeat(3);
    const octets = bytes(`${long} 3c${'62'.repeat(60)} 00 01 63 c000`);
    expect(readRdata(TYPE.NS, { message: octets, offset: 254, length: 4 })).toBeUndefined();
    expect(readRdata(TYPE.NS, { message: octets, offset: 254, length: 3 })).toBeUndefined();
  });
});

describe('RFC 4034 §6.2 with RFC 6840 §5.1: canonical form', () => {
  test.each([
    ['NS', 'Ns.EXAMPLE.', 'ns.example.'],
    ['SOA', 'NS. Host. 1 2 3 4 5', 'ns. host. 1 2 3 4 5'],
    ['MX', '10 MAIL.', '10 mail.'],
    ['DNAME', 'OTHER.', 'other.'],
    ['SRV', '1 2 3 TARGET.', '1 2 3 target.'],
    ['NAPTR', '1 2 "U" "E2U" "" HOST.', '1 2 "U" "E2U" "" host.'],
    ['RRSIG', 'A 13 2 60 20300101000000 20200101000000 1 EXAMPLE. AQID', 'A 13 2 60 20300101000000 20200101000000 1 example. AQID'],
    ['A6', '64 ::1 NAME.', '64 ::1 name.'],
    ['NSEC', 'NEXT. A', 'NEXT. A'], // RFC 6840 §5.1
    ['SVCB', '1 Target.', '1 Target.'],
    ['HIP', '2 20 AQID RVS.', '2 20 AQID RVS.'],
    ['TXT', '"ABC"', '"ABC"'],
  ])('%s %s', (mnemonic, text, canonical) => {
    const type = typeCode(mnemonic)!;
    expect(formatRdata(type, canonicalRdata(type, parsed(type, text)))).toBe(canonical);
  });
});

describe('rdataNames', () => {
  test.each([
    [
      'SOA',
      'a. b. 1 2 3 4 5',
      [
        ['a.', true],
        ['b.', true],
      ],
    ],
    ['MX', '1 a.', [['a.', true]]],
    ['SRV', '1 2 3 a.', [['a.', false]]],
    ['DNAME', 'a.', [['a.', false]]],
    ['HTTPS', '1 . alpn=h2', [['.', false]]],
    [
      'HIP',
      '2 20 AQID a. b.',
      [
        ['a.', false],
        ['b.', false],
      ],
    ],
    ['IPSECKEY', '1 3 1 gw. AQID', [['gw.', false]]],
    ['IPSECKEY', '1 1 1 192.0.2.1 AQID', []],
    ['A6', '0 ::1', []],
    ['A', '192.0.2.1', []],
  ] as const)('%s %s', (mnemonic, text, names) => {
    const type = typeCode(mnemonic)!;
    const rdata = parsed(type, text);
    const found = rdataNames(type, rdata).map(({ offset, length, compressible }) => [
      formatName(rdata.subarray(offset, offset + length)),
      compressible,
    ]);
    expect(found).toEqual(names);
  });
});

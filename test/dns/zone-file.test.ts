/** Reading zone files. Which files are good and which are bad, with BIND as the judge, is test/zone/check.test.ts. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { INCLUDE_DEPTH_MAX, PROBLEMS_SHOWN_MAX } from '#base/limits/dns.ts';
import { formatPlace, inFile } from '#base/place.ts';
import { ok } from '#base/problem.ts';
import { formatName, nameOf } from '#dns/name.ts';
import { formatRdata, typeName } from '#dns/registry.ts';
import { type ZoneFileOptions, parseZoneFile } from '#dns/zone-file.ts';
import { includeFrom } from '#dns/zone-file-include.ts';

function parse(text: string, options: Partial<ZoneFileOptions> = {}) {
  return parseZoneFile(text, { file: 'zone', origin: nameOf('example.'), defaultTtl: 60, ...options });
}

/** The records as text; asserts that there is no problem. */
function records(text: string, options: Partial<ZoneFileOptions> = {}): string[] {
  const file = parse(text, options);
  expect(file.problems).toEqual([]);
  return file.records.map(({ owner, ttl, type, rdata }) => `${formatName(owner)} ${ttl} ${typeName(type)} ${formatRdata(type, rdata)}`);
}

/** `code at` of each problem. */
function problems(text: string, options: Partial<ZoneFileOptions> = {}): string[] {
  return parse(text, options).problems.map(({ code, at }) => `${code} ${formatPlace(at)}`);
}

describe('RFC 1035 §5.1: entries', () => {
  test('every problem at once, at its file, line and column', () => {
    const text = [
      'a A 192.0.2',
      'b FOO x',
      '  A 192.0.2.1 y',
      '',
      'c..d TXT x',
      'e TXT (',
      ' "x" ) ; comment',
      'f MX 70000 g',
      '$FOO',
      '',
    ].join('\n');
    expect(problems(text)).toEqual([
      'RDATA_VALUE zone:1:5',
      'TYPE_UNKNOWN zone:2:3',
      'RDATA_TRAILING zone:3:15',
      'NAME_EMPTY_LABEL zone:5:1',
      'RDATA_VALUE zone:8:6',
      'ZONE_FILE_DIRECTIVE zone:9:1',
    ]);
  });

  test('records say where they begin', () => {
    expect(parse('a TXT x\n  TXT (\n y )\n $x\n').records.map(({ at }) => at)).toEqual([inFile('zone', 1, 1), inFile('zone', 2, 3)]);
  });

  test('the case of names is kept (RFC 4343)', () => {
    expect(records('WWW CNAME Host.Example.NET.\n')).toEqual(['WWW.example. 60 CNAME Host.Example.NET.']);
  });

  test('a bad owner is told once, and the lines that inherit it are read', () => {
    expect(problems('a..b TXT x\n TXT y\n A 1.2.3\n')).toEqual(['NAME_EMPTY_LABEL zone:1:1', 'RDATA_VALUE zone:3:4']);
    expect(parse('a TXT x\na..b TXT x\n TXT y\n').records).toHaveLength(1);
  });

  test('@ and blank owners follow $ORIGIN', () => {
    expect(records('$ORIGIN a.example.\n@ TXT x\n$ORIGIN b\n@ TXT y\nc TXT z\n')).toEqual([
      'a.example. 60 TXT "x"',
      'b.a.example. 60 TXT "y"',
      'c.b.a.example. 60 TXT "z"',
    ]);
  });

  test('the same owner text under another origin is another name', () => {
    expect(records('a TXT x\n$ORIGIN b\na TXT y\n')).toEqual(['a.example. 60 TXT "x"', 'a.b.example. 60 TXT "y"']);
  });

  test.each(['\n', '\r\n', '\r'])('line ends %j, the last one missing', (end) => {
    expect(records(['a TXT x ; c', 'b TXT (y', 'z)'].join(end))).toHaveLength(2);
    expect(problems(['', '', ' ', 'a FOO'].join(end))).toEqual(['TYPE_UNKNOWN zone:4:3']);
  });

  test('a byte order mark is no part of the first owner; UTF-16 is told as what it is', () => {
    expect(records('\u00ef\u00bb\u00bfa TXT x\n')).toEqual(['a.example. 60 TXT "x"']);
    const utf16 = Buffer.from('\ufeffa TXT x\nb TXT y\n', 'utf16le').toString('latin1');
    expect(problems(utf16)).toEqual(['TEXT_NUL zone:1:4']);
  });
});

describe('RFC 2308 §4, RFC 2181 §8: TTLs', () => {
  test('$TTL holds from its line on, and is what defaultTtl says at the end', () => {
    const text = 'a TXT x\n$TTL 1h\nb TXT x\nc 5 TXT x\nd TXT x\n$TTL 2\ne TXT x\n';
    expect(parse(text).records.map(({ ttl }) => ttl)).toEqual([60, 3600, 5, 3600, 2]);
    expect(parse(text).defaultTtl).toBe(2);
  });

  test('nothing anywhere: an error for each record, but an SOA has its minimum', () => {
    const text = 'a TXT x\n@ SOA a b 1 2 3 4 77\nb TXT x\n';
    const file = parseZoneFile(text, { file: 'zone', origin: nameOf('example.') });
    expect(file.problems.map(({ code, severity, at }) => `${severity} ${code} ${formatPlace(at)}`)).toEqual([
      'error TTL_MISSING zone:1:3',
      'warning TTL_MISSING zone:2:3',
    ]);
    expect(file.records.map(({ ttl }) => ttl)).toEqual([77, 77]);
    expect(file.defaultTtl).toBe(77);
  });

  test('above 2³¹−1 counts as 0', () => {
    expect(parse('a 2147483647 TXT x\nb 2147483648 TXT x\n').records.map(({ ttl }) => ttl)).toEqual([2_147_483_647, 0]);
  });
});

describe('RFC 1035 §5.1: $INCLUDE', () => {
  const files: Record<string, string> = {
    a: 'x TXT a\n$ORIGIN deep\n$INCLUDE b\nz TXT a\n',
    b: '$TTL 7\ny TXT b\n',
    self: '$INCLUDE self\n',
    bomb: '$INCLUDE bomb\n'.repeat(10),
  };
  const include = (path: string) => (files[path] === undefined ? undefined : ok({ text: files[path], file: path }));

  test('origin and owner come back, $TTL does not', () => {
    expect(records('o TXT o\n$INCLUDE a sub\nafter TXT o\n', { include })).toEqual([
      'o.example. 60 TXT "o"',
      'x.sub.example. 60 TXT "a"',
      'y.deep.sub.example. 7 TXT "b"',
      'z.deep.sub.example. 7 TXT "a"',
      'after.example. 7 TXT "o"',
    ]);
  });

  test('problems are told at the included file, and nothing can be included where no folder is', () => {
    expect(
      problems('$INCLUDE c\n\n$INCLUDE d\n', { include: (path) => (path === 'c' ? ok({ text: '\nq FOO\n', file: 'c' }) : undefined) }),
    ).toEqual(['TYPE_UNKNOWN c:2:3', 'INCLUDE_REFUSED zone:3:10']);
    expect(problems('$INCLUDE c\n')).toEqual(['INCLUDE_REFUSED zone:1:10']);
  });

  test('files that include themselves end', () => {
    expect(problems('$INCLUDE self\na FOO\n', { include })).toEqual(['INCLUDE_LIMIT self:1:10']);
    let reads = 0;
    parse('$INCLUDE bomb\n', { include: (path) => (reads++, include(path)) });
    expect(reads).toBe(INCLUDE_DEPTH_MAX);
  });

  describe('includeFrom', () => {
    let root = '';
    beforeAll(() => {
      root = mkdtempSync(join(tmpdir(), 'waxseal-include-'));
      mkdirSync(join(root, 'zones/sub'), { recursive: true });
      writeFileSync(join(root, 'secret'), 'a TXT secret\n');
      writeFileSync(join(root, 'zones/good'), 'a TXT \u00fc\n', 'latin1');
      writeFileSync(join(root, 'zones/sub/good'), 'b TXT good\n');
      symlinkSync('../secret', join(root, 'zones/link-out'));
      symlinkSync('..', join(root, 'zones/folder-out'));
      symlinkSync('sub/good', join(root, 'zones/link-in'));
    });
    afterAll(() => rmSync(root, { recursive: true }));

    test('reads octets as they are, in the folder, below it and through links inside it', () => {
      const read = includeFrom(join(root, 'zones'), 'shown');
      expect(read('good')).toEqual(ok({ text: 'a TXT \u00fc\n', file: 'shown/good' }));
      const texts = ['sub/good', './sub/good', 'link-in'].map((path) => read(path)).map((each) => each.ok && each.value.text);
      expect(texts).toEqual(['b TXT good\n', 'b TXT good\n', 'b TXT good\n']);
    });

    test.each([
      '../secret',
      '/etc/passwd',
      'sub/../../secret',
      '..',
      'link-out',
      'folder-out/secret',
      'sub',
      '.',
      '',
      'none',
      'good/x',
      '..\\secret',
    ])('refuses %j without a word of its contents', (path) => {
      const result = includeFrom(join(root, 'zones'))(path);
      expect(result.ok).toBe(false);
      expect(JSON.stringify(result)).toContain('INCLUDE_REFUSED');
      expect(JSON.stringify(result)).not.toContain('TXT');
    });
  });
});

describe('$GENERATE', () => {
  test('what one command may make by it has a bound of its own, over all lines', () => {
    const text = '$TTL 5\n$GENERATE 1-6 a$ A 192.0.2.$\n$GENERATE 1-6 b$ A 192.0.2.$\n';
    const read = (generatedMax: number) => parseZoneFile(text, { file: 'zone', origin: nameOf('example.'), generatedMax });
    expect(read(12).problems).toEqual([]);
    expect(read(12).records).toHaveLength(12);
    expect(read(11).problems).toMatchObject([{ code: 'ZONE_RECORDS_LIMIT', message: expect.stringContaining('11 records by $GENERATE') }]);
    expect(read(11).records).toHaveLength(11);
  });

  test('a dollar sign is the number; the line is where its records are', () => {
    const file = parse('\n$GENERATE 8-10/2 h$ 5 A 192.0.2.$\n');
    expect(file.records.map(({ owner, ttl, at }) => `${formatName(owner)} ${ttl} ${formatPlace(at)}`)).toEqual([
      'h8.example. 5 zone:2:1',
      'h10.example. 5 zone:2:1',
    ]);
  });

  test('the first record that cannot be made is told, once', () => {
    expect(parse('$GENERATE 250-300 h$ A 192.0.2.$\n').problems.map(({ message }) => message)).toEqual([
      expect.stringContaining('with 256 for $: '),
    ]);
  });

  test('is bounded by itself and by the records of the zone', () => {
    expect(problems('$GENERATE 1-131072 a$ TXT x\n')).toEqual([]);
    expect(problems('$GENERATE 0-131072 a$ TXT x\n')).toEqual(['GENERATE_RANGE zone:1:11']);
    const file = parse('$GENERATE 1-100 a$ TXT x\n$GENERATE 1-100 b$ TXT x\n', { recordsMax: 50 });
    expect(file.records).toHaveLength(50);
    expect(file.problems.map(({ code }) => code)).toEqual(['ZONE_RECORDS_LIMIT']);
  });
});

describe('bounds', () => {
  test('a hundred errors and a hundred warnings are shown, then their number', () => {
    const file = parse(`${'a 4294967295 TXT x\n'.repeat(150)}${'a FOO\n'.repeat(1234)}`);
    expect(file.problems).toHaveLength(2 * PROBLEMS_SHOWN_MAX + 2);
    expect(file.problems.slice(-2).map(({ severity, message }) => `${severity}: ${message}`)).toEqual([
      'error: and 1134 more errors',
      'warning: and 50 more warnings',
    ]);
  });

  test('an entry without end takes no more words than a record can hold', () => {
    expect(problems(`a TYPE731 \\# 1 (${' 00'.repeat(100_000)}`)).toContain('TEXT_ENTRY_LONG zone:1:196806');
  });
});

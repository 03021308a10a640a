/** Names: presentation, limits, canonical order, keys. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareBytes } from '#base/bytes.ts';
import {
  compareKeys,
  equalNames,
  formatName,
  isAtOrBelow,
  isWildcard,
  labelCount,
  labelOffsets,
  lowerName,
  type Name,
  nameLengthAt,
  nameOf,
  nameOfKey,
  ownerKey,
  parentKey,
  parentName,
  parseName,
  ROOT,
  wildcardOf,
} from '#dns/name.ts';

/** Wire form of any octets, up to 255 octets. */
const names: fc.Arbitrary<Name> = fc
  .array(
    fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 63 }),
      fc.stringMatching(/^[aAbB*]{1,3}$/).map((text) => new Uint8Array(Buffer.from(text))),
    ),
    {
      maxLength: 8,
    },
  )
  .map((labels) => {
    const octets: number[] = [];
    for (const label of labels) if (octets.length + label.length + 2 <= 255) octets.push(label.length, ...label);
    return new Uint8Array([...octets, 0]);
  });
/** Few labels from few octets, so that names share ancestors. */
const kin: fc.Arbitrary<Name> = fc
  .array(
    fc.uint8Array({ minLength: 1, maxLength: 2 }).map((label) => label.map((octet) => [0, 1, 2, 0x41, 0x61, 0xff][octet % 6]!)),
    { maxLength: 3 },
  )
  .map((labels) => new Uint8Array([...labels.flatMap((label) => [label.length, ...label]), 0]));

const labelsOf = (name: Name) => labelOffsets(name).map((at) => lowerName(name.slice(at + 1, at + 1 + name[at]!)));

/** RFC 4034 §6.1, word for word: right to left, label by label, each as left-justified octets with A–Z lower-cased, absent first. */
function compareCanonically(a: Name, b: Name): number {
  const [left, right] = [labelsOf(a).toReversed(), labelsOf(b).toReversed()];
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const order = compareBytes(left[at]!, right[at]!);
    if (order !== 0) return order;
  }
  return Math.sign(left.length - right.length);
}

describe('RFC 1035 §5.1: presentation form', () => {
  test.each([
    ['.', '.', [0]],
    ['a.', 'a.', [1, 0x61, 0]],
    ['A.b.', 'A.b.', [1, 0x41, 1, 0x62, 0]],
    ['a\\.b.', 'a\\.b.', [3, 0x61, 0x2e, 0x62, 0]],
    ['\\000\\255.', '\\000\\255.', [2, 0, 255, 0]],
    ['\\065.', 'A.', [1, 0x41, 0]],
    ['\\@.', '\\@.', [1, 0x40, 0]],
    ['\\a.', 'a.', [1, 0x61, 0]],
    ['a b.', 'a\\032b.', [3, 0x61, 0x20, 0x62, 0]],
    ['*.', '*.', [1, 0x2a, 0]],
  ])('%s', (text, shown, octets) => {
    const result = parseName(text);
    expect(result).toMatchObject({ ok: true, value: new Uint8Array(octets) });
    expect(formatName(new Uint8Array(octets))).toBe(shown);
  });
  test('relative names and @ take the origin', () => {
    const origin = nameOf('example.');
    expect(parseName('a', origin)).toMatchObject({ ok: true, value: nameOf('a.example.') });
    expect(parseName('@', origin)).toMatchObject({ ok: true, value: origin });
    expect(parseName('a.', origin)).toMatchObject({ ok: true, value: nameOf('a.') });
    expect(parseName('a\\.', ROOT)).toMatchObject({ ok: true, value: new Uint8Array([2, 0x61, 0x2e, 0]) });
  });
  test.each([
    ['', 'NAME_EMPTY_LABEL'],
    ['a..b.', 'NAME_EMPTY_LABEL'],
    ['.a.', 'NAME_EMPTY_LABEL'],
    ['..', 'NAME_EMPTY_LABEL'],
    ['a', 'NAME_RELATIVE'],
    ['@', 'NAME_RELATIVE'],
    ['a\\', 'NAME_ESCAPE'],
    ['\\256.', 'NAME_ESCAPE'],
    ['\\1.', 'NAME_ESCAPE'],
    ['\\12a.', 'NAME_ESCAPE'],
    ['bücher→.', 'NAME_ESCAPE'], // IDNs come as A-labels
    [`${'x'.repeat(64)}.`, 'NAME_LABEL_LONG'],
    [`${'x'.repeat(63)}.`.repeat(4), 'NAME_LONG'],
  ])('not %s', (text, code) => {
    expect(parseName(text)).toMatchObject({ ok: false, problems: [{ code }] });
  });
  test('any octets: parseName∘formatName = id, printable ASCII only', () => {
    fc.assert(
      fc.property(names, (name) => {
        const text = formatName(name);
        expect(text).toMatch(/^[!-~]+$/);
        expect(parseName(text)).toMatchObject({ ok: true, value: name });
      }),
    );
  });
  test('any text: a name or problems, never an exception', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (text) => {
        const result = parseName(text, nameOf('example.'));
        const sound = result.ok ? nameLengthAt(result.value, 0) === result.value.length : result.problems.length > 0;
        expect(sound).toBe(true);
      }),
    );
  });
});

describe('RFC 1035 §2.3.4: limits', () => {
  const label63 = 'x'.repeat(63);
  const name255 = `${label63}.${label63}.${label63}.${'y'.repeat(61)}`;
  test('255 octets are a name, 256 are none; with a final dot or by the origin', () => {
    expect(nameOf(name255)).toHaveLength(255);
    expect(parseName(`${name255}.`)).toMatchObject({ ok: true });
    expect(parseName(`${name255}z.`)).toMatchObject({ ok: false, problems: [{ code: 'NAME_LONG' }] });
    expect(parseName(`${name255}z`, ROOT)).toMatchObject({ ok: false, problems: [{ code: 'NAME_LONG' }] });
    expect(parseName(name255, nameOf('a.'))).toMatchObject({ ok: false, problems: [{ code: 'NAME_LONG' }] });
    expect(labelCount(nameOf('a.'.repeat(127)))).toBe(127);
    expect(parseName('a.'.repeat(128))).toMatchObject({ ok: false, problems: [{ code: 'NAME_LONG' }] });
  });
  test('nameLengthAt: whole names only', () => {
    expect(nameLengthAt(nameOf(name255), 0)).toBe(255);
    expect(nameLengthAt(new Uint8Array([9, 9, 1, 0x61, 0, 7]), 2)).toBe(3);
    expect(nameLengthAt(new Uint8Array([1, 0x61]), 0)).toBe(0); // cut short
    expect(nameLengthAt(new Uint8Array([2, 0x61, 0]), 0)).toBe(0);
    expect(nameLengthAt(new Uint8Array([0xc0, 0]), 0)).toBe(0); // compressed
    expect(nameLengthAt(new Uint8Array([0x40, ...Array<number>(64).fill(1), 0]), 0)).toBe(0);
    expect(
      nameLengthAt(
        new Uint8Array([
          ...Array<number[]>(4)
            .fill([63, ...Array<number>(63).fill(1)])
            .flat(),
          0,
        ]),
        0,
      ),
    ).toBe(0); // 257 octets
    expect(nameLengthAt(new Uint8Array(), 0)).toBe(0);
  });
  test('wildcardOf a name of 254 octets is none', () => {
    expect(wildcardOf(nameOf(name255.slice(2)))).toHaveLength(255);
    expect(wildcardOf(nameOf(name255.slice(1)))).toBeUndefined();
  });
});

describe('RFC 4034 §6.1: canonical order', () => {
  test('the RFC’s own list', () => {
    const list = [
      'example',
      'a.example',
      'yljkjljk.a.example',
      'Z.a.example',
      'zABC.a.EXAMPLE',
      'z.example',
      '\\001.z.example',
      '*.z.example',
      '\\200.z.example',
    ];
    const sorted = list.map((text) => nameOf(text)).toSorted((a, b) => compareKeys(ownerKey(b), ownerKey(a))); // from the wrong end
    expect(sorted.toSorted((a, b) => compareKeys(ownerKey(a), ownerKey(b))).map(formatName)).toEqual(
      list.map((text) => formatName(nameOf(text))),
    );
  });
  test('order of keys = order label by label', () => {
    fc.assert(
      fc.property(fc.oneof(fc.tuple(kin, kin), fc.tuple(names, names)), ([a, b]) => {
        expect(compareKeys(ownerKey(a), ownerKey(b))).toBe(compareCanonically(a, b));
        // The same in memory, as LMDB compares keys.
        expect(Buffer.compare(Buffer.from(ownerKey(a), 'latin1'), Buffer.from(ownerKey(b), 'latin1'))).toBe(compareCanonically(a, b));
        expect(ownerKey(a) === ownerKey(b)).toBe(equalNames(a, b));
      }),
      { numRuns: 1000 },
    );
  });
  test('nameOfKey∘ownerKey lower-cases, and nothing else', () => {
    fc.assert(
      fc.property(names, (name) => {
        expect(nameOfKey(ownerKey(name))).toEqual(lowerName(name));
      }),
    );
  });
  test('"is at or below" = the labels end alike', () => {
    fc.assert(
      fc.property(kin, kin, (a, b) => {
        const below =
          labelCount(a) >= labelCount(b) &&
          labelsOf(b).every((label, at) => compareBytes(label, labelsOf(a)[labelCount(a) - labelCount(b) + at]!) === 0);
        expect(isAtOrBelow(ownerKey(a), ownerKey(b))).toBe(below);
      }),
      { numRuns: 1000 },
    );
  });
  test('parents by name and by key agree', () => {
    fc.assert(
      fc.property(
        names.filter((name) => name.length > 1),
        (name) => {
          expect(parentKey(ownerKey(name))).toBe(ownerKey(parentName(name)));
          expect(labelCount(parentName(name))).toBe(labelCount(name) - 1);
        },
      ),
    );
    expect(() => parentName(ROOT)).toThrow('no parent');
    expect(() => parentKey('')).toThrow('no parent');
  });
});

describe('RFC 4343 §3: case', () => {
  test('only A–Z are folded', () => {
    expect(equalNames(nameOf('WWW.Example.'), nameOf('www.eXAMPLE.'))).toBe(true);
    expect(equalNames(nameOf('\\192.'), nameOf('\\224.'))).toBe(false); // À and à in latin1
    expect(equalNames(nameOf('\\@.'), nameOf('`.'))).toBe(false);
    expect(equalNames(nameOf('[.'), nameOf('{.'))).toBe(false);
  });
});

describe('RFC 4592 §2.1.1: wildcards', () => {
  test('the first label is one asterisk', () => {
    expect(isWildcard(nameOf('*.example.'))).toBe(true);
    expect(['**.example.', 'a.*.example.', 'example.', '*a.example.'].some((text) => isWildcard(nameOf(text)))).toBe(false);
    expect(formatName(wildcardOf(nameOf('example.'))!)).toBe('*.example.');
  });
});

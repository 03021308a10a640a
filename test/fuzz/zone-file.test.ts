/** Zone files damaged at random: never an exception, never without end, and what is called good is good; and faults that the fuzzers must find. */
import { describe, expect, test } from 'vitest';
import { ok } from '#base/problem.ts';
import { parseZoneFile } from '#dns/zone-file.ts';
import { loadZone } from '#zone/assemble.ts';
import { corpusTexts, fuzzSeed, keepText } from '../support/fuzz/corpus.ts';
import {
  type LoadZone,
  type ParseZoneFile,
  type TextFault,
  damagedTexts,
  exportFault,
  fuzzTexts,
  readingFault,
  scratchedTexts,
} from '../support/fuzz/zone-texts.ts';

const FOLDER = 'zone-files';
const SEED = fuzzSeed();
const READING = { seed: SEED, runs: 1500 };
const EXPORTING = { seed: SEED, runs: 1000 };

/** What failed, for people; the text is kept. */
function told(found: TextFault | undefined): string {
  return found === undefined ? '' : `${found.fault}\nfor ${JSON.stringify(found.text)}\nkept in ${keepText(FOLDER, found.text)}`;
}

const exportFaultOf = (text: string, load?: LoadZone): string | undefined => {
  const found = exportFault(text, load);
  return typeof found === 'object' ? found.fault : undefined;
};

test('texts of the corpus', () => {
  const kept = corpusTexts(FOLDER);
  expect(kept.length).toBeGreaterThan(0);
  expect(kept.map((text) => readingFault(text) ?? exportFaultOf(text)).filter((fault) => fault !== undefined)).toEqual([]);
});

test('damaged zone files are read or refused, in bounded time and memory', () => {
  expect(told(fuzzTexts(damagedTexts, (text) => readingFault(text), READING))).toBe('');
});

test('whatever is loaded without an error is exported and imported to the same zone', () => {
  let good = 0;
  const found = fuzzTexts(
    scratchedTexts,
    (text) => {
      const fault = exportFault(text);
      if (fault !== 'bad') good++;
      return typeof fault === 'object' ? fault.fault : undefined;
    },
    EXPORTING,
  );
  expect(told(found)).toBe('');
  // A damage that nearly always kills would prove nothing.
  expect(good).toBeGreaterThan(100);
});

describe('the fuzzer finds a reader that', () => {
  let nowMs = 0;

  test.each<[string, RegExp, ParseZoneFile]>([
    [
      'throws for an octet above 255',
      /an exception: RangeError/,
      (text, options) => {
        if (/\\[3-9]\d\d|\\2[6-9]\d|\\25[6-9]/.test(text)) Buffer.alloc(1).writeUInt8(256);
        return parseZoneFile(text, options);
      },
    ],
    [
      'forgets the limit of records',
      /^\d+ records$/,
      (text, options) =>
        parseZoneFile(text.includes('$GENERATE') ? `${text}\n$GENERATE 0-4000 a$ A 192.0.2.1\n` : text, { ...options, recordsMax: 10_000 }),
    ],
    [
      'tells every problem of a file that includes itself',
      /^\d+ problems$/,
      (text, options) => {
        const file = parseZoneFile(text, options);
        const problems = file.problems.flatMap((each) =>
          text.includes('$INCLUDE self') ? Array.from({ length: 200 }, () => each) : [each],
        );
        return { ...file, problems };
      },
    ],
    [
      'takes its time over a parenthesis that is not closed',
      /^\d+\S* ms$/,
      (text, options) => {
        const file = parseZoneFile(text, options);
        if (file.problems.some(({ code }) => code === 'TEXT_PAREN_OPEN')) nowMs += 10_000;
        return file;
      },
    ],
  ])('%s', (_, fault, parse) => {
    expect(fuzzTexts(damagedTexts, (text) => readingFault(text, parse, () => nowMs), { ...READING, shrinks: false })?.fault).toMatch(fault);
  });

  test.each<[string, RegExp, LoadZone]>([
    [
      'forgets the largest TTL',
      /another zone/,
      (text, options) => {
        const loaded = loadZone(text, options);
        if (!loaded.ok || options.file === 'zone') return loaded;
        return ok(loaded.value.map((rrset) => ({ ...rrset, ttl: rrset.ttl % 86_400 })));
      },
    ],
    [
      'keeps one record of each set of its own export',
      /another zone/,
      (text, options) => {
        const loaded = loadZone(text, options);
        if (!loaded.ok || options.file === 'zone') return loaded;
        return ok(loaded.value.map((rrset) => ({ ...rrset, rdatas: rrset.rdatas.slice(0, 1) })));
      },
    ],
    [
      'does not read what it writes of odd octets',
      /TTL|SYNTAX|code/,
      (text, options) => loadZone(options.file === 'export' && text.includes('\\') ? `${text}x x x\n` : text, options),
    ],
  ])('%s', (_, fault, load) => {
    expect(fuzzTexts(scratchedTexts, (text) => exportFaultOf(text, load), { ...EXPORTING, shrinks: false })?.fault).toMatch(fault);
  });
});

/** Text of zones, mail and other people at a terminal: it stays in its row. */
import { describe, expect, test } from 'vitest';
import { failure, formatFailure } from '#cli/failure.ts';
import { formatFields, formatJson, formatLine, formatLines, formatTable, formatText } from '#cli/terminal.ts';

/** What forged a row of `audit tail`: the reason of a hold, with a line of its own in it. */
const FORGED = 'mailing\n99  2026-01-01T00:00:00Z  token:ci  zone.remove  example.com.';

describe('a text with a line break', () => {
  test('is one row of a table, and its columns stay in place', () => {
    const table = formatTable(
      ['ACTION', 'DETAIL'],
      [
        ['hold', FORGED],
        ['resume', 'ok'],
      ],
    );
    expect(table.split('\n')).toHaveLength(4);
    expect(table).toContain(String.raw`hold    mailing\x0a99  2026`);
  });

  test('is one line everywhere else', () => {
    expect(formatFields([['reason', FORGED]]).split('\n')).toHaveLength(2);
    expect(formatLine(FORGED).split('\n')).toHaveLength(2);
    expect(formatLines([FORGED, 'b']).split('\n')).toHaveLength(3);
    expect(formatFailure(failure('CLI_SERVER', FORGED)).split('\n')).toHaveLength(3);
  });
});

test.each([
  ['\u001b[31m', String.raw`\x1b[31m`],
  ['\u009b31m', String.raw`\x9b31m`],
  ['a\tb', String.raw`a\x09b`],
  ['a\u2028b', String.raw`a\u2028b`],
  ['\u202etxt.exe', String.raw`\u202etxt.exe`],
  ['\u2066x\u2069', String.raw`\u2066x\u2069`],
  ['grüße 郵便', 'grüße 郵便'],
])('%j is shown as %s', (text, shown) => {
  expect(formatLine(text)).toBe(`${shown}\n`);
});

test('a text of several lines keeps its line breaks and tabs, and no other control', () => {
  expect(formatText('a\tb\nc\r\u001b')).toBe('a\tb\nc\\x0d\\x1b');
});

test('RFC 8259 §7: the JSON document has them as escapes, and means the same', () => {
  const value = { text: 'a\n\u009b\u2028\u202e' };
  expect(formatJson(value)).toBe('{\n  "text": "a\\n\\u009b\\u2028\\u202e"\n}\n');
  expect(JSON.parse(formatJson(value))).toEqual(value);
});

describe('a table at a terminal', () => {
  const heading = ['ID', 'TEXT'];
  const rows = [
    ['a', 'one two three four five'],
    ['b', 'x'],
  ];
  test('that is wide enough, and one that goes elsewhere, is one line for each row', () => {
    expect(formatTable(heading, rows, 80)).toBe(formatTable(heading, rows, undefined));
    expect(formatTable(heading, rows, undefined).split('\n')).toHaveLength(4);
  });

  test('that is too narrow: the widest column continues below, at blanks, and nothing is cut', () => {
    expect(formatTable(heading, rows, 18)).toBe(['ID  TEXT', 'a   one two three', '    four five', 'b   x', ''].join('\n'));
    const long = 'y'.repeat(50);
    const table = formatTable(heading, [['c', long]], 30);
    for (const line of table.split('\n')) expect(line.length).toBeLessThanOrEqual(30);
    expect(table.replaceAll(/[^y]/g, '')).toBe(long);
  });

  test('of no width worth the name is as wide as its columns must be', () => {
    expect(formatTable(['A', 'B'], [['a'.repeat(40), 'b'.repeat(40)]], 5).replaceAll(/[^a]/g, '')).toHaveLength(40);
  });
});

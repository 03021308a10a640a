/** What is kept of DMARC reports: each report once, each total right, and the largest sources visible whatever strangers send. */
import { describe, expect, test } from 'vitest';
import { SOURCES_KNOWN_PER_DAY_MAX, SOURCES_UNKNOWN_PER_DAY_MAX } from '#base/limits/reports.ts';
import { type DmarcReport } from '#mail/reports/dmarc-aggregate.ts';
import {
  type DmarcBook,
  type DmarcGround,
  newDmarcBook,
  upgradeDmarcBook,
  withDeclaration,
  withDmarcReport,
} from '#mail/reports/dmarc-book.ts';
import { isKnownReport } from '#mail/reports/book.ts';
import { dayReport, reportRow, shareOf, signedBy } from '../../support/mail/report-rows.ts';

const DAY = 20_454;
const GROUND: DmarcGround = { domain: 'post.example', isOurs: () => false, isEd25519: (selector: string) => selector.startsWith('e') };
const take = (book: DmarcBook, report: DmarcReport, ground = GROUND): DmarcBook =>
  withDmarcReport(book, report, ground, { nowMs: 0, firstDay: DAY });
const totals = ({ days }: DmarcBook) => {
  const [day] = days;
  const all = [...day!.sources, day!.rest.known, { ...day!.rest.unknown, aligned: 0 }];
  return { messages: all.reduce((sum, each) => sum + each.messages, 0), aligned: all.reduce((sum, each) => sum + each.aligned, 0) };
};
const hex = (at: number) => `2001:db8:${at.toString(16)}::1`;

describe('RFC 9990 §3.5.4: which report is the same one', () => {
  const report = dayReport(DAY, shareOf('192.0.2.1', 10, 9));
  const book = take(newDmarcBook(), report);

  test('organization, id and time together', () => {
    expect(isKnownReport(book, report)).toBe(true);
    expect(isKnownReport(book, { ...report, organization: 'other.example' })).toBe(false);
    expect(isKnownReport(book, { ...report, id: 'other' })).toBe(false);
    // Some receivers count their ids from 1 every day, and some of them send two reports a day.
    expect(isKnownReport(book, { ...report, beginMs: report.beginMs + 43_200_000 })).toBe(false);
    expect(isKnownReport(book, { ...dayReport(DAY + 1, []), id: report.id })).toBe(false);
  });

  test('a book of version 1 knew organization and id; its reports still count once, and the same id of another day is new', () => {
    // sha256("receiver.example\nreport-20454"), 24 digits.
    const known = [['132613c9ff6dbf5df200d203', DAY]] as const;
    const old = upgradeDmarcBook({ version: 1, known, last: [], days: [] });
    expect(isKnownReport(old, report)).toBe(true);
    expect(isKnownReport(old, { ...dayReport(DAY + 1, []), id: report.id })).toBe(false);
  });
});

describe('sources', () => {
  test('two hundred addresses of one service are one source; its only address is kept as long as it is the only one', () => {
    const esp = Array.from({ length: 200 }, (_, at) => shareOf(`198.51.${100 + (at % 2)}.${at}`, 9, 5, signedBy('esp.example'))).flat();
    const [day] = take(newDmarcBook(), dayReport(DAY, [...esp, ...shareOf('192.0.2.1', 3, 3)])).days;
    expect(day!.sources).toEqual([
      { name: 'esp.example', kind: 'domain', messages: 1800, aligned: 1000, forwarded: 0 },
      { name: '192.0.2.0/24', kind: 'network', address: '192.0.2.1', messages: 3, aligned: 3, forwarded: 0 },
    ]);
  });

  test('what is forwarded and what SPF names is kept with the counts; a selector counts when its signature verified', () => {
    const ground = { ...GROUND, isOurs: (address: string) => address === '192.0.2.1' };
    const rows = [
      reportRow('192.0.2.1', { messages: 5, isForwarded: true }),
      reportRow('192.0.2.1', { messages: 7, isSpfAligned: true, isForwarded: true, ...signedBy('post.example', 'r1') }),
      reportRow('192.0.2.1', { messages: 1, ...signedBy('post.example', '') }),
    ];
    const [day] = take(newDmarcBook(), dayReport(DAY, rows), ground).days;
    expect(day).toMatchObject({
      sources: [{ name: '192.0.2.1', messages: 13, aligned: 7, forwarded: 5, isNamed: true }],
      selectors: { r1: 7 },
    });
  });

  test('RFC 8463 §3: mail that passed by RSA is not counted again for the Ed25519 signature', () => {
    const rows = [
      reportRow('192.0.2.1', { messages: 10, isDkimAligned: true, ...signedBy('post.example', 'r1') }),
      reportRow('192.0.2.1', { messages: 10, failed: signedBy('post.example', 'e1').signatures }),
    ];
    expect(totals(take(newDmarcBook(), dayReport(DAY, rows)))).toEqual({ messages: 10, aligned: 10 });
  });
});

describe('budgets', () => {
  const known = Array.from({ length: 500 }, (_, at) => shareOf(hex(at), 10 + at, 10 + at)).flat();
  const forged = Array.from({ length: 3000 }, (_, at) => reportRow(hex(0x1000 + at), { messages: 2 }));
  const domains = Array.from({ length: 300 }, (_, at) => reportRow(hex(at), { messages: 3, ...signedBy(`s${at}.spam.example`) }));
  const largest = [
    reportRow('203.0.113.9', { messages: 90_000 }),
    reportRow('198.51.100.9', { messages: 80_000, ...signedBy('unknown-esp.example') }),
  ];

  test('known sources, unknown domains and unknown networks do not push each other out, and all mail is counted', () => {
    const rows = [...known, ...forged, ...domains, ...largest];
    const book = take(newDmarcBook(), dayReport(DAY, rows));
    const { sources, rest } = book.days[0]!;
    const unknown = sources.filter(({ aligned }) => aligned === 0);
    expect([sources.length - unknown.length, unknown.length]).toEqual([SOURCES_KNOWN_PER_DAY_MAX, 2 * SOURCES_UNKNOWN_PER_DAY_MAX]);
    expect(unknown.map(({ name }) => name)).toEqual(expect.arrayContaining(['203.0.113.0/24', 'unknown-esp.example']));
    // The hundred largest of 500 that have 10 to 509 messages each are kept.
    const small = Array.from({ length: 400 }, (_, at) => 10 + at).reduce((sum, each) => sum + each, 0);
    expect(rest.known).toEqual({ messages: small, aligned: small });
    expect(totals(book)).toEqual({
      messages: rows.reduce((sum, each) => sum + each.messages, 0),
      aligned: known.reduce((sum, each) => sum + each.messages, 0),
    });
  });

  test('a small source that was there on other days stays through a flood', () => {
    const steady = reportRow('192.0.2.200', { messages: 1 });
    let book = take(newDmarcBook(), dayReport(DAY, [steady]));
    book = take(book, dayReport(DAY + 1, [...forged, steady]));
    expect(book.days[1]!.sources.map(({ name }) => name)).toContain('192.0.2.0/24');
  });

  test('a source that comes in many small reports is not lost among those of one large report', () => {
    const steady = reportRow('192.0.2.200', { messages: 1 });
    let book = take(newDmarcBook(), dayReport(DAY, [steady]));
    for (let at = 0; at < 20; at++) book = take(book, dayReport(DAY + 1, at === 0 ? forged : [steady], { id: `part ${at}` }));
    expect(book.days[1]!.sources.find(({ name }) => name === '192.0.2.0/24')).toMatchObject({ messages: 19 });
  });
});

test('the last word on a source counts, and there are so many words', () => {
  const declared = (name: string, isOurs: boolean) => ({ name, isOurs, reason: 'test', by: 'administrator', atMs: 0 });
  let book: DmarcBook | undefined = newDmarcBook();
  book = withDeclaration(withDeclaration(book, declared('a.example', true))!, declared('a.example', false))!;
  expect(book.declared).toEqual([declared('a.example', false)]);
  for (let at = 1; at < 200; at++) book = withDeclaration(book!, declared(`${at}.example`, true));
  expect(withDeclaration(book!, declared('one-more.example', true))).toBeUndefined();
  expect(withDeclaration(book!, declared('a.example', true))?.declared).toHaveLength(200);
  // It stays when reports come in.
  expect(take(book!, dayReport(DAY, [reportRow('192.0.2.1')])).declared).toHaveLength(200);
});

test('a book of version 1 keeps its counts, address by address', () => {
  const sources = [{ address: '192.0.2.1', messages: 10, aligned: 8, dkim: 8, spf: 0, forwarded: 1 }];
  const days = [{ day: DAY, sources, selectors: { r1: 8 } }];
  const note = { organization: 'o', id: 'i', beginMs: 0, endMs: 0, takenAtMs: 0 };
  expect(upgradeDmarcBook({ version: 1, known: [['aa', DAY]], last: [note], days })).toEqual({
    version: 2,
    known: [['aa', DAY]],
    last: [note],
    declared: [],
    days: [
      {
        day: DAY,
        sources: [{ name: '192.0.2.1', kind: 'network', address: '192.0.2.1', messages: 10, aligned: 8, forwarded: 1 }],
        rest: { known: { messages: 0, aligned: 0 }, unknown: { messages: 0 } },
        selectors: { r1: 8 },
      },
    ],
  });
});

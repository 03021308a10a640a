/** Who is known, who is undecided, who is in the way of a stricter DMARC policy, and from which numbers on. */
import { describe, expect, test } from 'vitest';
import { type Declaration, type DmarcBook, newDmarcBook, withDeclaration, withDmarcReport } from '#mail/reports/dmarc-book.ts';
import { type DmarcRow } from '#mail/reports/dmarc-record.ts';
import { alignedVerdict, judgeSources } from '#mail/reports/judgement.ts';
import { dayReport, reportRow, shareOf, signedBy } from '../../support/mail/report-rows.ts';

const DAY = 20_454;
const none = () => false;

/** A book with a report for each of the days, one after the other. */
function book(days: readonly (readonly DmarcRow[])[], isOurs: (address: string) => boolean = none): DmarcBook {
  const ground = { domain: 'post.example', isOurs, isEd25519: none };
  return days.reduce(
    (kept, rows, at) => withDmarcReport(kept, dayReport(DAY + at, rows), ground, { nowMs: 0, firstDay: DAY }),
    newDmarcBook(),
  );
}
const judge = (days: readonly (readonly DmarcRow[])[], isOurs: (address: string) => boolean = none) =>
  judgeSources(book(days, isOurs), DAY, isOurs);
/** Names of sources in the way. */
const holding = (rows: readonly DmarcRow[], isOurs?: (address: string) => boolean) =>
  judge([rows], isOurs).sources.flatMap(({ name, isHolding }) => (isHolding ? [name] : []));
const standing = (days: readonly (readonly DmarcRow[])[]) =>
  Object.fromEntries(judge(days).sources.map((each) => [each.name, each.standing]));
const repeat = (count: number, rows: readonly DmarcRow[]) => Array.from({ length: count }, () => rows);

const declared = (name: string, isOurs: boolean): Declaration => ({ name, isOurs, reason: 'test', by: 'administrator', atMs: 0 });
const OWN = shareOf('192.0.2.1', 1000, 1000);

describe('RFC 9989 §7.4: known sources', () => {
  test('98 of 100 is enough, 97 is not', () => {
    expect(holding(shareOf('192.0.2.1', 100, 98))).toEqual([]);
    expect(holding(shareOf('192.0.2.1', 100, 97))).toEqual(['192.0.2.0/24']);
  });

  test('one in a hundred of all known mail counts, or ten a day; less does not', () => {
    expect(holding([...shareOf('192.0.2.1', 991, 991), ...shareOf('198.51.100.2', 9, 1)])).toEqual([]);
    expect(holding([...shareOf('192.0.2.1', 989, 989), ...shareOf('198.51.100.2', 11, 1)])).toEqual(['198.51.100.0/24']);
    expect(holding([...shareOf('192.0.2.1', 99_990, 99_990), ...shareOf('198.51.100.2', 10, 1)])).toEqual(['198.51.100.0/24']);
  });

  test('a network is one source, and each address that SPF names is one', () => {
    const rows = [...shareOf('192.0.2.1', 5000, 5000), ...shareOf('192.0.2.2', 50, 0)];
    expect(holding(rows)).toEqual([]);
    expect(holding(rows, (address) => address.startsWith('192.0.2.'))).toEqual(['192.0.2.2']);
  });

  test('what SPF names is known, though never aligned; what was forwarded does not count', () => {
    expect(judge([shareOf('192.0.2.1', 3, 0, { isForwarded: true })]).sources).toEqual([]);
    expect(holding(shareOf('192.0.2.1', 5, 0), (address) => address === '192.0.2.1')).toEqual(['192.0.2.1']);
    expect(holding([...shareOf('192.0.2.1', 5, 5), ...shareOf('192.0.2.1', 5, 0, { isForwarded: true })])).toEqual([]);
  });

  test('only days of the window; sums over them', () => {
    const days = book([shareOf('192.0.2.1', 100, 0), shareOf('192.0.2.1', 50, 50), shareOf('192.0.2.1', 50, 50)]);
    expect(judgeSources(days, DAY + 1, none).sources).toMatchObject([{ messages: 100, aligned: 100, days: 2, isHolding: false }]);
    expect(judgeSources(days, DAY, none).sources).toMatchObject([{ messages: 200, aligned: 100, days: 3, isHolding: true }]);
  });
});

describe('the sum', () => {
  test('two hundred sources with 5 aligned and 4 failing each hold it, though each is small', () => {
    const small = Array.from({ length: 200 }, (_, at) => shareOf(`10.${at}.0.1`, 9, 5)).flat();
    const judged = judge([[...shareOf('192.0.2.1', 2000, 2000), ...small]]);
    expect(judged.sources.some(({ isHolding }) => isHolding)).toBe(false);
    expect(judged.isShort).toBe(true);
    expect(alignedVerdict(judged)).toEqual({ isGood: false, text: 'too few in all: 3000 of 3800 messages of known sources aligned' });
  });

  test('sources that are not kept one by one count in it', () => {
    const many = Array.from({ length: 1000 }, (_, at) => shareOf(`10.${at % 250}.${Math.floor(at / 250)}.1`, 9, 5)).flat();
    const { known, rest, isShort } = judge([many]);
    expect([known, rest, isShort]).toEqual([{ messages: 9000, aligned: 5000 }, { messages: 8100, aligned: 4500 }, true]);
  });
});

describe('unknown sources', () => {
  test('forgers neither hold anything up nor make others look small', () => {
    const forged = shareOf('198.51.100.1', 1_000_000, 0);
    expect(holding([...forged, ...shareOf('192.0.2.1', 50, 49), ...shareOf('203.0.113.2', 5, 4)])).toEqual(['203.0.113.0/24']);
    expect(alignedVerdict(judge(repeat(30, [...forged, ...OWN])))).toEqual({
      isGood: true,
      text: '30000 of 30000 messages of known sources aligned; not waited for: 30000000 messages of unknown sources',
    });
  });

  test.each<[string, Partial<DmarcRow>, string]>([
    ['that signs with DKIM', signedBy('esp.example'), 'esp.example'],
    ['whose envelope passes SPF', { envelope: 'b1.esp.example' }, 'esp.example'],
  ])('a large and steady one %s is undecided, and the ramp waits', (_what, given, name) => {
    const unknown = (messages: number) => [...OWN, reportRow('198.51.100.1', { messages, ...given })];
    expect(standing(repeat(3, unknown(10)))[name]).toBe('undecided');
    // A hundredth of the known mail is 30 in three days.
    expect(standing(repeat(3, unknown(9)))[name]).toBe('unknown');
    expect(standing([unknown(30), unknown(30), OWN])[name]).toBe('unknown');
    // A newsletter that comes once a month: a tenth of all known mail.
    expect(standing([unknown(300), OWN, OWN])[name]).toBe('undecided');
    expect(standing([unknown(299), OWN, OWN])[name]).toBe('unknown');
    expect(alignedVerdict(judge(repeat(3, unknown(10))))).toEqual({
      isGood: false,
      text: `undecided, ours or not ours: ${name} 30 messages on 3 days`,
    });
  });

  test('where no mail at all is aligned every authenticated source is asked about', () => {
    expect(standing([[reportRow('198.51.100.1', { messages: 10, ...signedBy('esp.example') })]])).toEqual({ 'esp.example': 'undecided' });
    expect(standing([[reportRow('198.51.100.1', { messages: 9, ...signedBy('esp.example') })]])).toEqual({ 'esp.example': 'unknown' });
  });

  test('some aligned mail makes it known: then it must be aligned', () => {
    expect(standing(repeat(3, [...OWN, ...shareOf('198.51.100.1', 50, 1, signedBy('esp.example'))]))['esp.example']).toBe('known');
    expect(holding([...OWN, ...shareOf('198.51.100.1', 50, 1, signedBy('esp.example'))])).toEqual(['esp.example']);
  });
});

describe('the word of the operator', () => {
  const days = repeat(3, [...OWN, reportRow('198.51.100.1', { messages: 50, ...signedBy('esp.example') })]);
  const after = (name: string, isOurs: boolean, base = book(days)) =>
    judgeSources(withDeclaration(base, declared(name, isOurs))!, DAY, none);

  test('ours: it is known, and in the way until its mail is aligned', () => {
    const judged = after('esp.example', true);
    expect(judged.sources[0]).toMatchObject({ name: 'esp.example', standing: 'known', isHolding: true });
    expect(alignedVerdict(judged).text).toContain('too few messages aligned: esp.example 0 of 150');
  });

  test('not ours: it holds nothing up, also when some of its mail is aligned', () => {
    expect(alignedVerdict(after('esp.example', false)).isGood).toBe(true);
    const list = book(repeat(3, [...OWN, ...shareOf('198.51.100.1', 90, 30, signedBy('lists.example'))]));
    expect(alignedVerdict(judgeSources(list, DAY, none)).isGood).toBe(false);
    const judged = after('lists.example', false, list);
    expect(judged.sources.at(-1)).toMatchObject({ name: 'lists.example', standing: 'not-ours', isHolding: false });
    expect([judged.isShort, alignedVerdict(judged).isGood]).toEqual([false, true]);
  });

  test('of another source changes nothing', () => {
    expect(after('other.example', false).sources[0]).toMatchObject({ name: 'esp.example', standing: 'undecided' });
  });
});

test('the text names some and counts the rest, by address where a network has one', () => {
  const rows = Array.from({ length: 6 }, (_, at) => shareOf(`192.0.${at}.7`, 100 - at, 1)).flat();
  expect(alignedVerdict(judge([rows])).text).toBe(
    'too few in all: 6 of 585 messages of known sources aligned; ' +
      'too few messages aligned: 192.0.0.7 1 of 100, 192.0.1.7 1 of 99, 192.0.2.7 1 of 98, 192.0.3.7 1 of 97 and 2 more sources',
  );
});

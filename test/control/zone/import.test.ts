/** A zone file becomes the RRsets that change: what it has is set, what it no longer has goes, what others manage stays. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { importChanges } from '#control/zone/import.ts';
import { type ZoneView } from '#zone/view.ts';
import { memoryZone, zoneRrsets } from '#zone/zone.ts';
import { APEX, BASE, applied, lines, zoneOf } from '../../support/mail/mail-domain.ts';
import { bad, good } from '../../support/temporary-control.ts';

const EMPTY = memoryZone(APEX, []);
const VIEW = zoneOf([...BASE, 'www 300 A 192.0.2.1', 't 300 TXT "one"']);

const source = (records: readonly string[]) => ({ text: records.join('\n'), file: 'x.zone' });
const imported = (view: ZoneView, records: readonly string[], signed = false) => {
  const changes = importChanges(view, source(records), { signed, recordsPerRrsetMax: 1000 });
  return changes.ok ? { ...changes, value: [...changes.value] } : changes;
};
/** The zone's records as lines, as the import makes them. */
const after = (view: ZoneView, records: readonly string[]) => recordsOf(applied(view, good(imported(view, records))));
const recordsOf = (view: ZoneView) =>
  lines([...zoneRrsets(view)].map(({ owner, type, ttl, rdatas, manager }) => ({ owner, type, rrset: { ttl, rdatas, manager } })));

function warningsOf(view: ZoneView, records: readonly string[]): string[] {
  const result = imported(view, records);
  return result.ok ? result.warnings.map(({ code }) => code) : [];
}

describe('manual records', () => {
  test.each<[string, ZoneView, readonly string[], readonly string[]]>([
    ['of a new zone are those of the file', EMPTY, BASE, []],
    ['that the file has not, go', VIEW, BASE, ['- t TXT', '- www A']],
    ['of one type go, the others of the name stay', VIEW, [...BASE, 'www 300 AAAA 2001:db8::1', 't 300 TXT "one"'], ['- www A']],
    ['are found whatever case the file writes (RFC 4343)', VIEW, [...BASE, 'WWW 300 A 192.0.2.1', 'T 300 TXT "one"'], []],
  ])('%s', (_, view, file, gone) => {
    const changes = lines(good(imported(view, file)));
    expect(changes.filter((line) => line.startsWith('-'))).toEqual(gone);
    expect(changes.filter((line) => !line.startsWith('-')).map((line) => line.toLowerCase())).toEqual(
      recordsOf(zoneOf(file)).map((line) => line.toLowerCase()),
    );
  });

  test('an RRset is replaced as a whole, TTL and records', () => {
    expect(after(VIEW, [...BASE, 'www 60 A 192.0.2.7', 'www 60 A 192.0.2.8'])).toEqual(
      recordsOf(zoneOf([...BASE, 'www 60 A 192.0.2.7', 'www 60 A 192.0.2.8'])),
    );
  });

  test('whatever was there: afterwards the zone has the records of the file', () => {
    const records = fc.uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c.d'), fc.constantFrom('1', '2', '3')), {
      selector: (each) => each.join(' '),
    });
    const zone = (pairs: readonly (readonly [string, string])[]) => [
      ...BASE,
      ...pairs.map(([owner, host]) => `${owner} 60 A 192.0.2.${host}`),
    ];
    fc.assert(
      fc.property(records, records, (before, file) => {
        expect(after(zoneOf(zone(before)), zone(file))).toEqual(recordsOf(zoneOf(zone(file))));
      }),
      { numRuns: 50 },
    );
  });
});

describe('what does not come in', () => {
  test.each<[string, readonly string[], string]>([
    ['a file without SOA', BASE.slice(1), 'SOA_MISSING'],
    ['RFC 1034 §3.6.2: CNAME and other data', [...BASE, 'mx1 60 CNAME ns'], 'CNAME_OTHER_DATA'],
  ])('%s', (_, file, code) => {
    expect(bad(imported(VIEW, file)).map((each) => each.code)).toContain(code);
  });

  test('data out of the zone is left out, and that is told', () => {
    const file = [...BASE, 'www.example.net. 60 A 192.0.2.1'];
    expect(after(EMPTY, file)).toEqual(recordsOf(zoneOf(BASE)));
    expect(warningsOf(EMPTY, file)).toContain('OUT_OF_ZONE');
  });

  test('every error is told with its line', () => {
    const problems = bad(imported(VIEW, [...BASE, 'x 60 A 1.2.3', 'y 60 A 192.0.2.1', 'z 60 AAAA 1']));
    expect(problems.map(({ at }) => at)).toMatchObject([
      { file: 'x.zone', line: BASE.length + 1 },
      { file: 'x.zone', line: BASE.length + 3 },
    ]);
  });

  test('RFC 1982 §3.2: a serial that is older than the served one is told', () => {
    const newer = zoneOf(BASE.map((line) => line.replace(' 1 7200', ' 5 7200')));
    expect(warningsOf(newer, BASE)).toContain('ZONE_SERIAL');
    expect(warningsOf(VIEW, BASE)).not.toContain('ZONE_SERIAL');
  });
});

describe('records that the mail policy keeps', () => {
  const MAIL = ['_dmarc 600 TXT "v=DMARC1; p=none"'];
  const view = memoryZone(APEX, [...zoneRrsets(zoneOf(BASE)), ...zoneRrsets(zoneOf(MAIL, APEX, 'mail'))]);

  test('stay when the file does not have them, without a word', () => {
    expect(after(view, BASE)).toContain(MAIL[0]);
    expect(warningsOf(view, BASE)).not.toContain('RRSET_MANAGED');
  });

  test('stay when the file has others there, and that is told', () => {
    const file = [...BASE, '_dmarc 600 TXT "v=DMARC1; p=reject"'];
    expect(after(view, file)).toContain(MAIL[0]);
    expect(warningsOf(view, file)).toContain('RRSET_MANAGED');
  });

  test('are not told of when the file has the same', () => {
    expect(warningsOf(view, [...BASE, ...MAIL])).not.toContain('RRSET_MANAGED');
  });

  describe('SPF with other TXT beside it', () => {
    const SPF = '@ 600 TXT "v=spf1 mx -all"';
    const beside = memoryZone(APEX, [...zoneRrsets(zoneOf(BASE)), ...zoneRrsets(zoneOf([SPF, '@ 600 TXT "site=1"'], APEX, 'mail'))]);
    const texts = (file: readonly string[]) => after(beside, [...BASE, ...file]).filter((line) => line.includes(' TXT '));

    test.each<[string, readonly string[], readonly string[], boolean]>([
      ['the file has both: both stay', ['@ 600 TXT "site=1"', SPF], ['@ 600 TXT "site=1"', SPF], false],
      ['the file has other TXT: that is set', ['@ 600 TXT "site=2"'], ['@ 600 TXT "site=2"', SPF], false],
      ['the file has none: SPF alone stays', [], [SPF], false],
      ['the file has another SPF: left out and told', ['@ 600 TXT "v=spf1 -all"', '@ 600 TXT "site=1"'], ['@ 600 TXT "site=1"', SPF], true],
    ])('%s', (_, file, expected, isTold) => {
      expect(texts(file)).toEqual(expected);
      expect(warningsOf(beside, [...BASE, ...file]).includes('RRSET_MANAGED')).toBe(isTold);
    });
  });
});

test('records that only signing makes are not deleted from a signed zone', () => {
  const view = memoryZone(APEX, [...zoneRrsets(VIEW), ...zoneRrsets(zoneOf(['www 300 NSEC example.com. A NSEC']))]);
  expect(lines(good(imported(view, BASE, true)))).not.toContain('- www NSEC');
});

describe('a file with an error', () => {
  const CUT = '_dmarc 300 TXT v=DMARC1; p=reject';
  const codesOf = (view: ZoneView, records: readonly string[]) =>
    bad(imported(view, records)).map(({ severity, code }) => `${severity} ${code}`);

  test('shows the warnings of its other records too, errors first', () => {
    expect(codesOf(VIEW, [...BASE, CUT, '@ 300 TXT "v=spf1 a -all"', '@ 300 TXT "v=spf1 mx -all"', 'a 300 A 192.0.2.999'])).toEqual([
      'error RDATA_VALUE',
      'warning TEXT_UNQUOTED',
      'warning SPF_MULTIPLE',
      'warning DMARC_POLICY_MISSING',
    ]);
  });

  test('also when the error is of the zone as a whole; not those of records that stood before', () => {
    const view = zoneOf([...BASE, '@ 300 TXT "v=spf1 a -all"', '@ 300 TXT "v=spf1 mx -all"']);
    const file = [...BASE, CUT, '@ 300 TXT "v=spf1 a -all"', '@ 300 TXT "v=spf1 mx -all"', 'c 300 CNAME x', 'c 300 A 192.0.2.1'];
    expect(codesOf(view, file)).toEqual(['error CNAME_OTHER_DATA', 'warning TEXT_UNQUOTED', 'warning DMARC_POLICY_MISSING']);
  });
});

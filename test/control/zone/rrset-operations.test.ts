/** Operations of a PATCH become RRsets that change: each sees what those before did, and every problem is told at its place. */
import { describe, expect, test } from 'vitest';
import { below, inBody } from '#base/place.ts';
import { type RrsetOperation } from '#control/api/control.ts';
import { decideOperations } from '#control/zone/rrset-operations.ts';
import { type ZoneView } from '#zone/view.ts';
import { memoryZone, zoneRrsets } from '#zone/zone.ts';
import { APEX, BASE, lines, zoneOf } from '../../support/mail/mail-domain.ts';
import { bad } from '../../support/temporary-control.ts';

const VIEW = zoneOf([...BASE, 'www 300 A 192.0.2.1', 'www 300 A 192.0.2.2', 't 300 TXT "one" "two"']);
const MAIL = zoneOf(['@ 600 TXT "v=spf1 mx -all"', '_dmarc 600 TXT "v=DMARC1; p=none"'], APEX, 'mail');
const WITH_MAIL = memoryZone(APEX, [...zoneRrsets(VIEW), ...zoneRrsets(MAIL)]);

const decide = (operations: readonly RrsetOperation[], { view = VIEW, signed = true }: { view?: ZoneView; signed?: boolean } = {}) =>
  decideOperations(view, operations, signed);

function changed(operations: readonly RrsetOperation[], view?: ZoneView): string[] {
  const result = decide(operations, view === undefined ? {} : { view });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return lines(result.value);
}

const a = (op: RrsetOperation['op'], name: string, records: readonly string[], ttl?: number): RrsetOperation => ({
  op,
  name,
  type: 'A',
  records,
  ...(ttl === undefined ? {} : { ttl }),
});

describe('what the operations do', () => {
  test.each<[string, readonly RrsetOperation[], readonly string[]]>([
    ['set makes an RRset', [a('set', 'new', ['192.0.2.9'], 60)], ['new 60 A 192.0.2.9']],
    ['set replaces it, and keeps its TTL', [a('set', 'www', ['192.0.2.9'])], ['www 300 A 192.0.2.9']],
    ['set with a TTL changes that', [a('set', 'www', ['192.0.2.9'], 60)], ['www 60 A 192.0.2.9']],
    ['add leaves what is there', [a('add', 'www', ['192.0.2.9'])], ['www 300 A 192.0.2.1', 'www 300 A 192.0.2.2', 'www 300 A 192.0.2.9']],
    ['add of what is there changes nothing', [a('add', 'www', ['192.0.2.1'])], ['www 300 A 192.0.2.1', 'www 300 A 192.0.2.2']],
    ['remove takes one record', [a('remove', 'www', ['192.0.2.1'])], ['www 300 A 192.0.2.2']],
    ['remove of the last takes the RRset', [a('remove', 'www', ['192.0.2.1', '192.0.2.2'])], ['- www A']],
    ['delete takes the RRset', [{ op: 'delete', name: 'www', type: 'A' }], ['- www A']],
    ['RFC 4343: the case of a name does not matter', [a('remove', 'WWW.Example.COM.', ['192.0.2.1'])], ['www 300 A 192.0.2.2']],
    [
      'each sees what those before did',
      [a('set', 'n', ['192.0.2.9'], 60), a('add', 'n', ['192.0.2.8']), a('remove', 'n', ['192.0.2.9'])],
      ['n 60 A 192.0.2.8'],
    ],
    ['delete, then add with a TTL', [{ op: 'delete', name: 'www', type: 'A' }, a('add', 'www', ['192.0.2.9'], 60)], ['www 60 A 192.0.2.9']],
  ])('%s', (_, operations, expected) => expect(changed(operations)).toEqual(expected));

  test('a record that is not there is a warning with the spelling that is there', () => {
    const result = decide([{ op: 'remove', name: 't', type: 'TXT', records: ['"onetwo"'] }]);
    expect(result.ok && result.warnings).toMatchObject([
      { code: 'RECORD_NOT_FOUND', at: below(below(inBody('/0'), 'records'), 0), fix: expect.stringContaining('"one" "two"') },
    ]);
    expect(result.ok && lines(result.value)).toEqual(['t 300 TXT "one" "two"']);
  });
});

describe('what they may not', () => {
  test.each<[string, RrsetOperation, string, string]>([
    ['a name out of the zone', a('set', 'www.example.net.', ['192.0.2.1'], 60), 'OUT_OF_ZONE', 'name'],
    ['RFC 1035 §2.3.4: a label too long', a('set', 'x'.repeat(64), ['192.0.2.1'], 60), 'NAME_LABEL_LONG', 'name'],
    ['a type that is none', { ...a('set', 'www', ['192.0.2.1'], 60), type: 'AAA' }, 'TYPE_UNKNOWN', 'type'],
    ['RFC 6895 §3.1: a type of queries', { ...a('set', 'www', ['x'], 60), type: 'ANY' }, 'TYPE_META', 'type'],
    ['RFC 1035 §3.3.4: an obsolete type', { ...a('set', 'www', ['mx1'], 60), type: 'MD' }, 'TYPE_OBSOLETE', 'type'],
    ['RFC 2181 §8: a TTL of 32 bits', a('set', 'www', ['192.0.2.1'], 2 ** 31), 'TTL_RANGE', 'ttl'],
    ['a TTL below zero', a('set', 'www', ['192.0.2.1'], -1), 'TTL_RANGE', 'ttl'],
    ['a new RRset without a TTL', a('set', 'new', ['192.0.2.1']), 'TTL_MISSING', 'ttl'],
    ['set with nothing', a('set', 'www', [], 60), 'RECORDS_MISSING', 'records'],
  ])('%s', (_, operation, code, member) => {
    expect(bad(decide([operation])).map((problem) => [problem.code, problem.at])).toEqual([[code, below(inBody('/0'), member)]]);
  });

  test.each([
    ['NSEC', 'www', 'host.example.com. A'],
    ['RRSIG', 'www', 'x'],
    ['ZONEMD', '@', '1 1 1 00'],
  ])('%s of a signed zone', (type, name, record) => {
    expect(bad(decide([{ op: 'set', name, type, ttl: 60, records: [record] }])).map(({ code }) => code)).toEqual(['RRSET_MANAGED']);
  });

  test('what the mail policy publishes', () => {
    const [problem] = bad(decide([{ op: 'delete', name: '_dmarc', type: 'TXT' }], { view: WITH_MAIL }));
    expect(problem).toMatchObject({ code: 'RRSET_MANAGED', message: expect.stringContaining('the mail policy') });
  });

  test('every problem of every operation is told, and nothing is changed', () => {
    const operations = [
      a('set', 'www', ['1.2.3', '192.0.2.1', 'x'], 60),
      a('set', 'ok', ['192.0.2.1'], 60),
      a('set', 'new', ['192.0.2.1']),
    ];
    const problems = bad(decide(operations));
    const records = below(inBody('/0'), 'records');
    expect(problems.map(({ at }) => at)).toEqual([below(records, 0), below(records, 2), below(inBody('/2'), 'ttl')]);
  });
});

describe('RFC 7208 §3.1: TXT beside the SPF record of a mail policy', () => {
  const txt = (op: RrsetOperation['op'], records: readonly string[], ttl?: number): RrsetOperation => ({
    op,
    name: '@',
    type: 'TXT',
    records,
    ...(ttl === undefined ? {} : { ttl }),
  });
  const SPF = '@ 600 TXT "v=spf1 mx -all"';

  test('may be added, set and deleted; the SPF record stays', () => {
    expect(changed([txt('add', ['"site=1"'])], WITH_MAIL)).toEqual(['@ 600 TXT "site=1"', SPF]);
    expect(changed([txt('set', ['"site=2"'])], WITH_MAIL)).toEqual(['@ 600 TXT "site=2"', SPF]);
    expect(changed([{ op: 'delete', name: '@', type: 'TXT' }], WITH_MAIL)).toEqual([SPF]);
    // What is exported may be put again.
    expect(changed([txt('set', ['"v=spf1 mx -all"', '"site=1"'], 600)], WITH_MAIL)).toEqual(['@ 600 TXT "site=1"', SPF]);
  });

  test.each([
    ['another SPF record', txt('add', ['"v=spf1 -all"'])],
    ['removing it', txt('remove', ['"v=spf1 mx -all"'])],
    ['another TTL', txt('add', ['"site=1"'], 60)],
  ])('not %s', (_, operation) => {
    expect(bad(decide([operation], { view: WITH_MAIL })).map(({ code }) => code)).toEqual(['RRSET_MANAGED']);
  });
});

/**
 * The zones of test/fixtures/zones, each named after its fault: what we say about it.
 * `; expect: error CODE` lines in a file are all that may be said. Not here: what named-checkzone says (check-judges.test.ts).
 */
import { describe, expect, test } from 'vitest';
import { atRrset } from '#base/place.ts';
import { nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { loadZone } from '#zone/assemble.ts';
import { checkZone } from '#zone/check.ts';
import { memoryZone, zoneRrsets } from '#zone/zone.ts';
import { exportOf, fixtures, load, loaded } from '../support/bad-zones.ts';

describe.each(fixtures)('$file', (fixture) => {
  const { problems } = load(fixture);

  test('says what it should', () => {
    expect(problems.map(({ severity, code }) => `${severity} ${code}`).toSorted()).toEqual(fixture.expected);
    // Errors come first.
    expect(problems.map(({ severity }) => severity)).toEqual(problems.map(({ severity }) => severity).toSorted());
    // Every problem has its place; only what is not there at all has none.
    const placed = problems.filter(({ code }) => code !== 'SOA_MISSING' && code !== 'NS_MISSING');
    expect(placed.filter(({ at }) => !(at.kind === 'file' && at.line !== undefined && at.column !== undefined))).toEqual([]);
  });
});

describe.each(loaded)('$file, loaded', ({ fixture, rrsets }) => {
  test('what is exported is imported as the same zone', () => {
    const zone = memoryZone(nameOf(fixture.zone), rrsets);
    const again = loadZone(exportOf(zone), { file: 'export', origin: nameOf(fixture.zone), signed: true });
    expect(again.ok && [...zoneRrsets(memoryZone(nameOf(fixture.zone), again.value))]).toEqual([...zoneRrsets(zone)]);
  });
});

describe('checkZone without a file', () => {
  const apex = nameOf('example.');
  const address = { owner: nameOf('www.example.net.'), type: TYPE.A, ttl: 60, rdatas: [Uint8Array.of(192, 0, 2, 1)] };

  test('data out of the zone is an error, and a problem is at its owner and type', () => {
    const problems = checkZone(apex, [address]);
    expect(problems.map(({ code }) => code)).toEqual(['OUT_OF_ZONE', 'SOA_MISSING', 'NS_MISSING']);
    expect(problems[1]!.at).toEqual(atRrset('example.', 'SOA'));
  });

  test('nothing is said to be missing when the file could not be read whole', () => {
    expect(checkZone(apex, [], { complete: false })).toEqual([]);
  });
});

test('RFC 9615 §4.1: signals about other zones stay in a zone that is signed here; CDS and CDNSKEY of the apex do not', () => {
  const cds = `1 13 2 ${'00'.repeat(32)}`;
  const text = `@ 60 SOA ns host 1 3600 600 86400 60\n@ 60 NS ns.other.\n@ 60 CDS ${cds}\n_dsboot.kid.test._signal.ns 60 CDS ${cds}\n`;
  const result = loadZone(text, { file: 'signals.zone', origin: nameOf('example.'), signed: true });
  expect(result.ok && result.value.map(({ type }) => type)).toEqual([TYPE.SOA, TYPE.NS, TYPE.CDS]);
  expect(result.ok && result.warnings.map(({ message }) => message)).toEqual([
    'left out of the file: 1 CDS records: the zone is signed here with its own keys',
  ]);
});

test('DNSKEY, CDS and CDNSKEY stay in a zone that is not signed here', () => {
  const fixture = fixtures.find(({ file }) => file === 'dnssec-records.zone')!;
  const result = loadZone(fixture.text, { file: fixture.file, origin: nameOf('example.'), signed: false });
  const types = result.ok ? result.value.map(({ type }) => type) : [];
  expect(types).toEqual([TYPE.SOA, TYPE.NS, TYPE.DNSKEY, TYPE.CDS, TYPE.CDNSKEY, TYPE.A]);
  expect(result.ok && result.warnings.map(({ message }) => message)).toEqual([
    'left out of the file: 2 RRSIG, 1 NSEC, 1 NSEC3PARAM records: the zone is not signed here, and no signer would renew them',
  ]);
});

/** Rules on what stands at the apex, by a change as by a zone file. */
import { describe, expect, test } from 'vitest';
import type { RrsetOperation } from '#control/api/control.ts';
import { nameOf } from '#dns/name.ts';
import { bad, good, temporaryControl } from '../../support/temporary-control.ts';

const ZONE = nameOf('example.');
const TEXT = '@ 3600 SOA ns host 10 7200 900 1209600 900\n@ 3600 NS ns\nns 3600 A 192.0.2.1\n';

async function room(text = TEXT) {
  const made = temporaryControl();
  await made.load('example.', text);
  const run = (...operations: readonly RrsetOperation[]) => made.run({ kind: 'rrsets.change', zone: ZONE, operations });
  return { made, run };
}
const set = (name: string, type: string, ...records: readonly string[]) => ({ op: 'set', name, type, ttl: 3600, records }) as const;

describe('RFC 1982 §3.2: a serial that is not newer', () => {
  test.each([
    [9, true],
    [10, false], // the served one: the change gets the next
    [11, false],
    [2_000_000_000, false],
    [3_000_000_000, true], // more than half the circle ahead is behind
  ])('%i by a change', async (serial, isTold) => {
    const { run } = await room();
    const outcome = good(await run(set('@', 'SOA', `ns host ${serial} 7200 900 1209600 300`)));
    expect(outcome.warnings.map(({ code }) => code)).toEqual(isTold ? ['ZONE_SERIAL'] : []);
    if (isTold) expect(outcome.serial).toBe(11);
  });

  test('by a zone file, in the same words', async () => {
    const { made, run } = await room();
    const file = await made.load('example.', TEXT.replace(' 10 ', ' 9 ').replace(' 900\n', ' 300\n'));
    const change = good(await run(set('@', 'SOA', 'ns host 9 7200 900 1209600 60')));
    expect(file.warnings[0]?.message).toBe('the given serial 9 is not newer than the served 10: a change gets the next serial after 10');
    expect(change.warnings[0]?.message).toBe('the given serial 9 is not newer than the served 11: a change gets the next serial after 11');
  });
});

describe('RFC 8976: ZONEMD', () => {
  const DIGEST = `10 1 1 ${'00'.repeat(48)}`;
  // Of an algorithm that is not known: one that is must match the file (test/zone/zonemd-check.test.ts).
  const UNKNOWN = DIGEST.replace('10 1 1', '10 1 240');
  test.each([true, false])('a file leaves it out with a warning (signed here: %s)', async (dnssec) => {
    const made = temporaryControl();
    const outcome = await made.load('example.', `${TEXT}@ 3600 ZONEMD ${UNKNOWN}\n`, { dnssec });
    const dropped = outcome.warnings.filter(({ code }) => code !== 'ZONEMD_MISMATCH');
    expect(dropped).toMatchObject([{ code: 'DNSSEC_DROPPED', message: expect.stringContaining('1 ZONEMD') }]);
    expect(outcome.changeset.added.filter((line) => line.includes(' ZONEMD ') && !line.includes('RRSIG'))).toEqual([]);
  });

  test('a change cannot bring it', async () => {
    const { run } = await room();
    expect(bad(await run(set('@', 'ZONEMD', DIGEST)))).toMatchObject([{ code: 'RRSET_MANAGED', rfc: 'RFC 8976 §3.3' }]);
    good(await run({ op: 'delete', name: '@', type: 'ZONEMD' }));
  });

  test('§2: elsewhere than at the apex it is no digest, and stays as given', async () => {
    const made = temporaryControl();
    const outcome = await made.load('example.', `${TEXT}x 3600 ZONEMD ${DIGEST}\n`);
    expect(outcome.warnings).toEqual([]);
    expect(outcome.changeset.added.some((line) => line.startsWith('x.example. 3600 IN ZONEMD '))).toBe(true);
    good(await (await room()).run(set('y', 'ZONEMD', DIGEST)));
  });
});

describe('RFC 1035 §4.2.2: what no message holds', () => {
  const texts = (count: number, length: number) => Array.from({ length: count }, (_, at) => `${at}-${'x'.repeat(length - 4)}`);

  test('an apex of 260 TXT is in order', async () => {
    const { run } = await room();
    expect(good(await run(set('@', 'TXT', ...texts(260, 70)))).warnings).toEqual([]);
  });

  test('an RRset that fits no message is rejected, by its octets', async () => {
    const { run } = await room();
    expect(bad(await run(set('big', 'TXT', ...texts(300, 250))))).toMatchObject([{ code: 'RRSET_SIZE', rfc: 'RFC 1035 §4.2.2' }]);
    expect(bad(await run(set('one', 'TXT', 'x'.repeat(65_000))))).toMatchObject([{ code: 'RRSET_SIZE' }]);
    good(await run(set('fits', 'TXT', ...texts(200, 250))));
    expect(bad(await run({ op: 'add', name: 'fits', type: 'TXT', records: texts(100, 249) }))).toMatchObject([{ code: 'RRSET_SIZE' }]);
  });

  test('and so is one of more records than one may have', async () => {
    const { run } = await room();
    const addresses = Array.from({ length: 1001 }, (_, at) => `10.0.${at >> 8}.${at & 255}`);
    expect(bad(await run(set('many', 'A', ...addresses)))).toMatchObject([{ code: 'RRSET_RECORDS_LIMIT' }]);
    good(await run(set('many', 'A', ...addresses.slice(1))));
  });
});

describe('a name server of the zone in the zone needs an address', () => {
  const codes = (problems: readonly { readonly code: string }[]) => problems.map(({ code }) => code);

  test('a zone file without it is rejected', async () => {
    const made = temporaryControl();
    const text = TEXT.replace('ns 3600 A 192.0.2.1\n', '');
    const imported = made.run({ kind: 'zone.import', zone: ZONE, text, file: 'f', dnssec: true });
    expect(codes(bad(await imported))).toEqual(['TARGET_NO_ADDRESS']);
  });

  test('a change that makes it so is rejected, by NS or by address; with both at once it is in order', async () => {
    const { run } = await room();
    expect(codes(bad(await run(set('@', 'NS', 'ns', 'ns2'))))).toEqual(['TARGET_NO_ADDRESS']);
    expect(codes(bad(await run({ op: 'delete', name: 'ns', type: 'A' })))).toEqual(['TARGET_NO_ADDRESS']);
    expect(good(await run(set('@', 'NS', 'ns2'), set('ns2', 'A', '192.0.2.2'))).warnings).toEqual([]);
    good(await run({ op: 'delete', name: 'ns', type: 'A' }));
  });

  test('a new zone begins without it, with a warning, and other changes go on', async () => {
    const made = temporaryControl();
    const created = good(await made.run({ kind: 'zone.create', zone: ZONE, dnssec: true }));
    expect(codes(created.warnings)).toEqual(['TARGET_NO_ADDRESS']);
    const change = { kind: 'rrsets.change', zone: ZONE } as const;
    expect(good(await made.run({ ...change, operations: [set('@', 'TXT', 'hello')] })).warnings).toEqual([]);
    expect(good(await made.run({ ...change, operations: [set('ns1', 'A', '192.0.2.1')] })).warnings).toEqual([]);
  });
});

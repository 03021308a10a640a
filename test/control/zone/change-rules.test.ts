/** The setting `limits.records_per_rrset`: what a change and an import may bring, and what stays when the setting is lowered. */
import { describe, expect, test } from 'vitest';
import type { RrsetOperation } from '#control/api/control.ts';
import { formatZoneFile } from '#dns/zone-file-format.ts';
import { nameOf, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { rrsetOf } from '#zone/view.ts';
import { type TestControl, bad, good, temporaryControl } from '../../support/temporary-control.ts';

const ZONE = nameOf('example.');
const TEXT = '@ 3600 SOA ns host 10 7200 900 1209600 900\n@ 3600 NS ns\nns 3600 A 192.0.2.1\n';
/** A real apex: verifications of services. */
const texts = (count: number, from = 0) =>
  Array.from({ length: count }, (_, at) => `service-${from + at}-verification=${'a1b2c3d4'.repeat(4)}`);
const zoneText = (count: number) =>
  TEXT +
  texts(count)
    .map((text) => `@ 3600 TXT "${text}"\n`)
    .join('');

const change = (room: TestControl, ...operations: readonly RrsetOperation[]) => room.run({ kind: 'rrsets.change', zone: ZONE, operations });
const load = (room: TestControl, text: string) => room.run({ kind: 'zone.import', zone: ZONE, text, file: 'f', dnssec: true });
const set = (count: number, name = '@') => ({ op: 'set', name, type: 'TXT', ttl: 3600, records: texts(count) }) as const;
const add = (...records: string[]) => ({ op: 'add', name: '@', type: 'TXT', records }) as const;
const remove = (...records: string[]) => ({ op: 'remove', name: '@', type: 'TXT', records }) as const;

function held(room: TestControl): number {
  return rrsetOf(room.control.zones.view(room.control.zones.find(ZONE)!).node(ownerKey(ZONE)), TYPE.TXT)?.rdatas.length ?? 0;
}

/** A store with an apex of 260 TXT, opened again with a lower setting. */
async function lowered(recordsPerRrsetMax = 100): Promise<TestControl> {
  const first = temporaryControl();
  good(await load(first, zoneText(260)));
  await first.control.close();
  return temporaryControl({ in: first.dir, recordsPerRrsetMax });
}

describe('a setting of its own', () => {
  test('an apex of 260 TXT is in order by default, by change and by zone file', async () => {
    const room = temporaryControl();
    expect(good(await load(room, zoneText(260))).warnings).toEqual([]);
    expect(good(await change(room, set(260, 'other'))).warnings).toEqual([]);
  });

  test('lowered, a change and a zone file with more are rejected and name it; as many as it says are in order', async () => {
    const room = temporaryControl({ recordsPerRrsetMax: 100 });
    await room.load('example.', TEXT);
    const limit = {
      code: 'RRSET_RECORDS_LIMIT',
      severity: 'error',
      message: 'example. TXT has 101 records, and limits.records_per_rrset allows 100 in one RRset',
      fix: 'spread the records over several names, or raise limits.records_per_rrset in the configuration (4096 at most)',
    };
    expect(bad(await change(room, set(101)))).toMatchObject([limit]);
    expect(bad(await load(room, zoneText(101)))).toMatchObject([limit]);
    expect(good(await change(room, set(100))).warnings).toEqual([]);
    expect(bad(await change(room, add('one more')))).toMatchObject([limit]);
  });

  test('raised, 4096 records go in; more never, and the message does not say that a setting helps', async () => {
    const room = temporaryControl({ recordsPerRrsetMax: 4096 });
    // The root zone has the shortest owner: these 3,000 addresses take 45,000 octets.
    const root = TEXT.replaceAll(' ns', ' ns.').replace('ns 3600', 'ns. 3600').replace(' host', ' host.');
    const addresses = (count: number) => Array.from({ length: count }, (_, at) => `@ 60 A 10.0.${at >> 8}.${at & 255}\n`).join('');
    const run = (text: string) => room.run({ kind: 'zone.import', zone: nameOf('.'), text, file: 'f', dnssec: true });
    good(await run(root + addresses(3000)));
    const problems = bad(await run(root + addresses(4097)));
    expect(problems.map(({ code }) => code)).toContain('RRSET_RECORDS_LIMIT');
    expect(problems.find(({ code }) => code === 'RRSET_RECORDS_LIMIT')?.fix).toBe('spread the records over several names');
  });

  test('RFC 1035 §4.2.2: raised, the octets of a message still count', async () => {
    const room = temporaryControl({ recordsPerRrsetMax: 4096 });
    await room.load('example.', TEXT);
    expect(bad(await change(room, set(1500)))).toMatchObject([{ code: 'RRSET_SIZE' }]);
  });
});

describe('an RRset that had more before the setting was lowered', () => {
  const kept = {
    code: 'RRSET_RECORDS_LIMIT',
    severity: 'warning',
    message: expect.stringContaining('it may stay and shrink, not grow'),
  };

  test('is there as before, and its export can be imported again', async () => {
    const room = await lowered();
    expect(held(room)).toBe(260);
    const view = room.control.zones.view(room.control.zones.find(ZONE)!);
    const text = [...formatZoneFile(view.ascend(view.apexKey), { signed: false })].join('');
    expect(text.match(/\sTXT\s/g)).toHaveLength(260);
    const again = good(await load(room, text));
    expect(again.changed).toBe(false);
    expect(again.warnings.filter(({ code }) => code !== 'DNSSEC_DROPPED')).toMatchObject([kept]);
  });

  test('records can be removed from it and replaced in it, none added', async () => {
    const room = await lowered();
    expect(good(await change(room, remove(texts(1)[0]!))).warnings).toMatchObject([kept]);
    expect(held(room)).toBe(259);
    expect(bad(await change(room, add('new')))).toMatchObject([{ code: 'RRSET_RECORDS_LIMIT', severity: 'error' }]);
    good(await change(room, remove(texts(1, 1)[0]!), add('new')));
    expect(held(room)).toBe(259);
    expect(bad(await load(room, zoneText(260)))).toMatchObject([{ code: 'RRSET_RECORDS_LIMIT' }]);
    good(await load(room, zoneText(258)));
    good(await change(room, set(100)));
    expect(bad(await change(room, set(101)))).toMatchObject([{ code: 'RRSET_RECORDS_LIMIT' }]);
  });

  test('other records at its name can be changed without a word about it', async () => {
    const room = await lowered();
    expect(good(await change(room, { op: 'set', name: '@', type: 'A', ttl: 60, records: ['192.0.2.9'] })).warnings).toEqual([]);
  });

  test('a removed zone comes back with it', async () => {
    const room = await lowered();
    good(await room.run({ kind: 'zone.remove', zone: ZONE }));
    good(await room.run({ kind: 'zone.restore', zone: ZONE }));
    expect(held(room)).toBe(260);
  });

  test('undoing a removal would make it grow, and is rejected', async () => {
    const room = await lowered();
    const { serial } = good(await change(room, remove(texts(1)[0]!)));
    expect(bad(await room.run({ kind: 'zone.revert', zone: ZONE, serial }))).toMatchObject([{ code: 'RRSET_RECORDS_LIMIT' }]);
    expect(held(room)).toBe(259);
  });
});

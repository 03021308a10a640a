/** A zone that was removed by mistake, or comes back: its key, its serial and its records are kept for a time. */
import { describe, expect, test } from 'vitest';
import { EXPORT_AT_ONCE_NODES_MAX } from '#base/limits/admin.ts';
import { REMOVED_ZONES_KEPT_MAX, REMOVED_ZONE_KEPT_MS } from '#base/limits/zones.ts';
import { nameOf, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { verifyStore } from '#store/verify.ts';
import { rrsetOf } from '#zone/view.ts';
import { type TestControl, bad, good, temporaryControl } from '../../support/temporary-control.ts';

const ZONE = nameOf('b.test.');
const TEXT = '@ 3600 SOA ns1 host 10 7200 900 1209600 900\n@ 3600 NS ns1\nns1 3600 A 192.0.2.1\nwww 60 TXT "as it was; all of it"\n';
const remove = { kind: 'zone.remove', zone: ZONE } as const;
const restore = { kind: 'zone.restore', zone: ZONE } as const;
const codes = ({ warnings }: { readonly warnings: readonly { readonly code: string }[] }) => warnings.map(({ code }) => code);

async function removed(dnssec = true) {
  const room = temporaryControl();
  await room.load('b.test.', TEXT, { dnssec });
  const before = room.control.zones.find(ZONE)!;
  const outcome = good(await room.run(remove));
  return { ...room, before, outcome };
}

const texts = ({ control }: TestControl) =>
  rrsetOf(control.zones.view(control.zones.find(ZONE)!).node(ownerKey(nameOf('www.b.test.'))), TYPE.TXT)?.rdatas.length;

describe('removing', () => {
  test('warns of the DS at the parent, and says until when what is kept', async () => {
    const { outcome, before } = await removed();
    expect(codes(outcome)).toEqual(['ZONE_REMOVED_DS', 'ZONE_KEPT']);
    expect(outcome.warnings[0]).toMatchObject({
      message: expect.stringContaining(String(before.keys[0]!.keyTag)),
      fix: expect.stringContaining('registrar'),
    });
    expect(outcome.warnings[1]).toMatchObject({
      message: expect.stringContaining('kept until'),
      fix: 'bring it back: waxseal zone restore b.test.',
    });
    expect(codes((await removed(false)).outcome)).toEqual(['ZONE_KEPT']);
  });

  test('a dry run warns too and keeps nothing', async () => {
    const room = temporaryControl();
    await room.load('b.test.', TEXT);
    expect(codes(good(await room.run(remove, { dryRun: true })))).toContain('ZONE_REMOVED_DS');
    expect(room.writer.due(Number.MAX_SAFE_INTEGER - 1, 10)).toEqual([]);
  });
});

describe('a zone whose text is written before its turn', () => {
  const HOSTS = EXPORT_AT_ONCE_NODES_MAX + 500;
  const LARGE = `${TEXT}$GENERATE 1-${HOSTS} h$ 60 A 192.0.2.1\n`;

  test('comes back with all its records; other requests have their turns meanwhile', async () => {
    const room = temporaryControl();
    await room.load('b.test.', LARGE, { dnssec: false });
    const { nodeCount } = room.control.zones.find(ZONE)!;
    let turns = 0;
    const counting = setInterval(() => turns++, 0);
    good(await room.run(remove));
    clearInterval(counting);
    expect(turns).toBeGreaterThan(2);
    expect(room.control.zones.find(ZONE)).toBeUndefined();
    expect(codes(good(await room.run(restore)))).toEqual(['ZONE_TAKEN_BACK']);
    expect(room.control.zones.find(ZONE)).toMatchObject({ nodeCount });
    expect(texts(room)).toBe(1);
  });

  test('and that is changed meanwhile comes back as it was when it was removed', async () => {
    const room = temporaryControl();
    await room.load('b.test.', LARGE, { dnssec: false });
    const removing = room.run(remove);
    const change = { op: 'set', name: 'new', type: 'A', ttl: 60, records: ['192.0.2.7'] } as const;
    const [changed] = await Promise.all([room.run({ kind: 'rrsets.change', zone: ZONE, operations: [change] }), removing]);
    expect(good(changed).serial).toBe(11);
    good(await room.run(restore));
    const { zones } = room.control;
    expect(zones.view(zones.find(ZONE)!).node(ownerKey(nameOf('new.b.test.')))).toBeDefined();
  });
});

describe('zone.restore', () => {
  test('brings records, key and DS back, with a serial that is newer (RFC 1982 §3.2)', async () => {
    const room = await removed();
    const outcome = good(await room.run(restore));
    const after = room.control.zones.find(ZONE)!;
    expect(after.serial).toBe(room.before.serial + 1);
    expect(after.keys).toEqual(room.before.keys);
    expect(texts(room)).toBe(1);
    expect(codes(outcome)).toEqual(['ZONE_TAKEN_BACK']);
    // The key signs again, and its secret is the zone's own.
    const change = { op: 'set', name: 'a', type: 'A', ttl: 60, records: ['192.0.2.7'] } as const;
    good(await room.run({ kind: 'rrsets.change', zone: ZONE, operations: [change] }));
    expect(room.writer.sealedSecret(0, after.keys[0]!.id)).toBeUndefined();
    expect(room.writer.sealedSecret(after.id, after.keys[0]!.id)).toBeDefined();
    expect(verifyStore(room.writer).problems).toEqual([]);
  });

  test('is rejected when nothing is kept, or the zone is there', async () => {
    const room = temporaryControl();
    expect(bad(await room.run(restore))).toMatchObject([{ code: 'ZONE_NOT_KEPT', fix: expect.stringContaining('zone import') }]);
    await room.load('b.test.', TEXT);
    expect(bad(await room.run(restore))).toMatchObject([{ code: 'ZONE_EXISTS' }]);
  });

  test('twice: what was taken back is kept no more', async () => {
    const room = await removed();
    good(await room.run(restore));
    expect(room.writer.due(Number.MAX_SAFE_INTEGER - 1, 10, 'removed-zone')).toEqual([]);
    good(await room.run(remove));
    good(await room.run(restore));
    expect(room.control.zones.find(ZONE)!.serial).toBe(room.before.serial + 2);
  });

  test('works after a restart', async () => {
    const room = await removed();
    await room.control.close();
    const again = temporaryControl({ in: room.dir });
    good(await again.run(restore));
    expect(again.control.zones.find(ZONE)!.keys).toEqual(room.before.keys);
  });
});

describe('a zone of that name that is made anew', () => {
  test('gets the key and a newer serial, and the outcome says so', async () => {
    const room = await removed();
    const outcome = await room.load('b.test.', TEXT.replace(' 10 ', ' 3 '));
    expect(codes(outcome)).toEqual(['ZONE_TAKEN_BACK']);
    const after = room.control.zones.find(ZONE)!;
    expect([after.keys, after.serial]).toEqual([room.before.keys, room.before.serial + 1]);
  });

  test('keeps a serial of its own that is newer', async () => {
    const room = await removed();
    await room.load('b.test.', TEXT.replace(' 10 ', ' 2026112801 '));
    expect(room.control.zones.find(ZONE)!.serial).toBe(2026112801);
  });

  test('unsigned: no key, and its secret is forgotten', async () => {
    const room = await removed();
    await room.load('b.test.', TEXT, { dnssec: false });
    expect(room.control.zones.find(ZONE)!.keys).toEqual([]);
    expect(room.writer.sealedSecret(0, room.before.keys[0]!.id)).toBeUndefined();
    expect(verifyStore(room.writer).problems).toEqual([]);
  });

  test('below a parent here whose DS is of the old key: not bogus, so it is taken', async () => {
    const room = temporaryControl();
    const named = (zone: string) => nameOf(zone);
    await room.load('test.', TEXT);
    good(await room.run({ kind: 'zone.import', zone: named('b.test.'), text: TEXT, file: 'b', dnssec: true, parent: 'delegate' }));
    good(await room.run(remove));
    expect(codes(good(await room.run(restore)))).toEqual(['ZONE_TAKEN_BACK']);
  });
});

describe('what is kept', () => {
  test('is forgotten when its time is over: the zone starts like any other', async () => {
    const room = await removed();
    room.clock.pass(REMOVED_ZONE_KEPT_MS);
    expect(bad(await room.run(restore))[0]?.code).toBe('ZONE_NOT_KEPT');
    await room.load('other.test.', TEXT);
    good(await room.run({ kind: 'zone.remove', zone: nameOf('other.test.') }));
    expect(room.writer.due(Number.MAX_SAFE_INTEGER - 1, 10, 'removed-zone').map(({ id }) => id)).toEqual(['other.test.']);
    expect(room.writer.sealedSecret(0, room.before.keys[0]!.id)).toBeUndefined();
  });

  test('is forgotten by upkeep alone too', async () => {
    const room = await removed();
    const forgetRemoved = () => room.control.refreshable.forgetRemoved!();
    room.clock.pass(REMOVED_ZONE_KEPT_MS - 1);
    good(await forgetRemoved());
    expect(room.writer.due(Number.MAX_SAFE_INTEGER - 1, 10, 'removed-zone')).toHaveLength(1);
    room.clock.pass(1);
    good(await forgetRemoved());
    expect(room.writer.due(Number.MAX_SAFE_INTEGER - 1, 10, 'removed-zone')).toEqual([]);
    expect(room.writer.sealedSecret(0, room.before.keys[0]!.id)).toBeUndefined();
  });

  test('has a limit; the first to expire go', async () => {
    const room = await removed();
    for (let index = 0; index < REMOVED_ZONES_KEPT_MAX; index++) {
      const zone = `z${index}.example.`;
      await room.load(zone, TEXT, { dnssec: false });
      room.clock.pass(1000);
      good(await room.run({ kind: 'zone.remove', zone: nameOf(zone) }));
    }
    expect(room.writer.due(Number.MAX_SAFE_INTEGER - 1, 1000, 'removed-zone')).toHaveLength(REMOVED_ZONES_KEPT_MAX);
    expect(bad(await room.run(restore))[0]?.code).toBe('ZONE_NOT_KEPT');
  });
});

test('a zone with a long name, however it is written, is made, signed, removed and restored as any other', async () => {
  for (const label of ['z'.repeat(63), '\\001'.repeat(60)]) {
    const name = `${`${label}.`.repeat(3)}a.test.`;
    const zone = nameOf(name);
    const room = temporaryControl();
    await room.load(name, TEXT);
    const { serial, keys } = room.control.zones.find(zone)!;
    good(await room.run({ kind: 'zone.remove', zone }));
    good(await room.run({ kind: 'zone.restore', zone }));
    const again = room.control.zones.find(zone)!;
    expect(again.keys).toEqual(keys);
    expect(again.serial).toBeGreaterThan(serial);
  }
});

/** RFC 8901 §4, §6: what a zone that others sign too does not do by itself, and what it waits for. */
import { describe, expect, test } from 'vitest';
import { NO_WITNESSES, type OutsideWitnesses } from '#control/outside/evidence.ts';
import { ZoneSecondaries } from '#control/outside/zone-secondaries.ts';
import { type Resolver } from '#dns/resolver.ts';
import { TYPE } from '#dns/types.ts';
import { formatRdata } from '#dns/registry.ts';
import { rrsetOf } from '#zone/view.ts';
import { type Bench, DAY_MS, HOUR_MS, ZONE, bench, problemsOf, roll, states } from '../../support/dnssec-control.ts';
import { bad, good, temporaryControl } from '../../support/temporary-control.ts';

/** DNSKEY of another control: as another provider has it. */
async function theirs(): Promise<string> {
  const room = temporaryControl({ random: (bytes) => new Uint8Array(bytes).map((_, at) => (at * 7 + bytes) & 255) });
  await room.load('keys.example.', '@ 3600 SOA ns1 host 10 7200 900 1209600 900\n@ 3600 NS ns1\nns1 7200 A 192.0.2.1\n');
  const view = room.writer.view(room.writer.zoneByName(ZONE)!);
  return `keys.example. 3600 IN DNSKEY ${formatRdata(TYPE.DNSKEY, rrsetOf(view.node(view.apexKey), TYPE.DNSKEY)!.rdatas[0]!)}`;
}

async function shared(witnesses?: OutsideWitnesses): Promise<Bench> {
  const room = await bench(witnesses === undefined ? {} : { witnesses });
  const add = [await theirs()];
  good(await room.run({ kind: 'dnssec.foreign', zone: ZONE, add, remove: [], isAnnounced: true }));
  for (const parent of Object.values(room.parents)) parent.ds = rrsetOf(room.apex(), TYPE.CDS)!.rdatas;
  return room;
}

const codes = (room: Bench, command: Parameters<Bench['run']>[0]) =>
  room.run(command).then((result) => bad(result).map(({ code, rfc }) => `${code} ${rfc}`));

describe('a zone that others sign too', () => {
  test('does not leave DNSSEC, and does not change its algorithm', async () => {
    const room = await shared();
    const before = room.writer.generation();
    expect(await codes(room, { kind: 'dnssec.leave', zone: ZONE })).toEqual(['DNSSEC_SHARED RFC 8901 §6']);
    const policy = { kind: 'dnssec.policy', zone: ZONE, policy: { algorithm: 15 } } as const;
    expect(await codes(room, policy)).toEqual(['DNSSEC_SHARED RFC 8901 §4']);
    expect(room.writer.generation()).toBe(before);
    const remove = room.record().foreignKeys!.map(({ keyTag }) => keyTag);
    good(await room.run({ kind: 'dnssec.foreign', zone: ZONE, add: [], remove, isAnnounced: false }));
    good(await room.run({ kind: 'dnssec.leave', zone: ZONE }));
    const add = [await theirs()];
    const late = { kind: 'dnssec.foreign', zone: ZONE, add, remove: [], isAnnounced: true } as const;
    expect((await codes(room, late))[0]).toContain('DNSSEC_SHARED');
  });

  test('rolls its key when the operator says that the others have the new one, and not before', async () => {
    const room = await shared();
    good(await roll(room, 'csk'));
    await room.live(3 * DAY_MS);
    expect(states(room)).toEqual(['csk 13 active', 'csk 13 published']);
    const [rollover] = room.control.dnssec.view(room.record()).rollovers;
    const text = rollover!.explanation.lines.join('\n');
    expect(text).toContain('the other signers of the zone');
    expect(text).toContain(`waxseal dnssec override keys.example ${rollover!.object} others`);
    const told = { object: rollover!.object, wait: 'others', reason: 'they have had it for a day' };
    good(await room.run({ kind: 'dnssec.override', zone: ZONE, ...told }));
    await room.live(HOUR_MS);
    expect(states(room)).toEqual(['csk 13 signing', 'csk 13 submitted']);
    for (const parent of Object.values(room.parents)) parent.ds = rrsetOf(room.apex(), TYPE.CDS)!.rdatas;
    await room.live(DAY_MS);
    expect([states(room), problemsOf(room)]).toEqual([['csk 13 active'], []]);
  });

  test('has their keys again when it is removed and comes back', async () => {
    const room = await shared();
    const before = room.record().foreignKeys;
    good(await room.run({ kind: 'zone.remove', zone: ZONE }));
    good(await room.run({ kind: 'zone.restore', zone: ZONE }));
    expect(room.record().foreignKeys).toEqual(before);
    expect(rrsetOf(room.apex(), TYPE.DNSKEY)!.rdatas.length).toBe(2);
    expect(problemsOf(room)).toEqual([]);
  });
});

/** Every name server of the NS records is another's, which has a serial of its own and none of our keys. */
function others(): OutsideWitnesses {
  const serverAt = (): Resolver => ({ lookup: () => Promise.resolve({ kind: 'nodata' }) });
  return { ...NO_WITNESSES, secondaries: new ZoneSecondaries({ isOurs: () => false, serverAt }) };
}

test('name servers of the NS records are not asked for our keys while others sign the zone: they may be theirs', async () => {
  const alone = await bench({ witnesses: others() });
  good(await roll(alone, 'csk'));
  await alone.live(DAY_MS);
  expect(states(alone)).toEqual(['csk 13 active', 'csk 13 published']);
  const text = (room: Bench) => room.control.dnssec.view(room.record()).rollovers[0]!.explanation.lines.join('\n');
  expect(text(alone)).toContain('ns1.keys.example 192.0.2.1');
  const room = await shared(others());
  good(await roll(room, 'csk'));
  const { object } = room.control.dnssec.view(room.record()).rollovers[0]!;
  good(await room.run({ kind: 'dnssec.override', zone: ZONE, object, wait: 'others', reason: 'they have it' }));
  await room.live(DAY_MS);
  expect(states(room)).toEqual(['csk 13 signing', 'csk 13 submitted']);
});

test('a zone that nobody else signs waits for no one', async () => {
  const room = await bench();
  good(await roll(room, 'csk'));
  await room.live(3 * HOUR_MS);
  expect(states(room)).toEqual(['csk 13 signing', 'csk 13 submitted']);
});

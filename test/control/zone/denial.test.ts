/** A stored zone between NSEC and NSEC3: what is written, what is rejected, what stays through other changes. */
import { describe, expect, test } from 'vitest';
import { formatName, nameOf, ownerKey } from '#dns/name.ts';
import { HASHED_APEX_BYTES_MAX } from '#dns/nsec3.ts';
import { TYPE } from '#dns/types.ts';
import { nodeFlags, occlusion } from '#zone/node-flags.ts';
import { ZONEMD_NODES_MAX } from '#base/limits/dnssec.ts';
import { serialOf } from '#zone/changeset.ts';
import { type ZoneView, rrsetOf } from '#zone/view.ts';
import { zoneDigest, zonemdFields } from '#zone/zonemd.ts';
import { verifyHashed, verifyNodes } from '#dnssec/verify.ts';
import { verifyStore } from '#store/verify.ts';
import { longApex } from '#control/zone/denial.ts';
import { type TestControl, bad, good, temporaryControl } from '../../support/temporary-control.ts';

const ZONE = nameOf('hash.example.');
const TEXT = '@ 3600 SOA ns1 host 10 7200 900 1209600 900\n@ 3600 NS ns1\nns1 7200 A 192.0.2.1\n*.w 60 TXT "x"\na.ent 60 TXT "y"\n';

async function bench(text = TEXT) {
  const room = temporaryControl();
  await room.load('hash.example.', text);
  const record = () => room.writer.zoneByName(ZONE)!;
  const view = () => room.writer.view(record());
  const denial = (kind: 'nsec' | 'nsec3', dryRun = false) => room.run({ kind: 'zone.denial', zone: ZONE, denial: kind }, { dryRun });
  return { room, record, view, denial };
}

/** Everything wrong with the zone, every node of it looked at. */
function problemsOf(view: ZoneView, nowMs: number): string[] {
  const isBelow = occlusion(view);
  const nodes = [...view.ascend(view.apexKey)].map((node) => ({ node, flags: nodeFlags(node, view.apexKey, isBelow(node.key)) }));
  const dnskeys = rrsetOf(view.node(view.apexKey), TYPE.DNSKEY)!.rdatas;
  const options = { nowSeconds: Math.floor(nowMs / 1000), view };
  const found = [
    ...verifyNodes(view.apex, nodes, dnskeys, options),
    ...verifyHashed(view.apex, view.hashed.ascend(view.apexKey), dnskeys, options),
  ];
  return found.map(({ code, message }) => `${code} ${message}`);
}

function chainLength(view: ZoneView): number {
  return [...view.hashed.ascend(view.apexKey)].length;
}

function expectWhole({ writer }: TestControl): void {
  expect(verifyStore(writer).problems).toEqual([]);
}

describe('RFC 5155 §10.4 and §10.5: the switch', () => {
  test('to NSEC3 and back, in one commit each; what the zone has is kept through other changes', async () => {
    const { room, record, view, denial } = await bench();
    const { serial } = record();
    const planned = good(await denial('nsec3', true));
    expect(planned).toMatchObject({ changed: true, plan: [expect.stringContaining('NSEC for 900 seconds')] });
    expect(record().denial).toBeUndefined();
    expect(chainLength(view())).toBe(0);

    good(await denial('nsec3'));
    expect(record()).toMatchObject({ denial: 'nsec3', serial: serial + 1 });
    // apex, ns1, w, *.w, ent, a.ent
    expect(chainLength(view())).toBe(6);
    expect([...view().ascend(view().apexKey)].some((node) => rrsetOf(node, TYPE.NSEC) !== undefined)).toBe(false);
    expect(problemsOf(view(), room.clock.nowMs())).toEqual([]);
    expectWhole(room);
    expect(good(await denial('nsec3')).changed).toBe(false);

    const add = { op: 'set', name: 'b.c.hash.example.', type: 'A', ttl: 60, records: ['192.0.2.9'] } as const;
    good(await room.run({ kind: 'rrsets.change', zone: ZONE, operations: [add] }));
    expect(chainLength(view())).toBe(8);
    expect(problemsOf(view(), room.clock.nowMs())).toEqual([]);
    expectWhole(room);

    good(await denial('nsec'));
    expect(record().denial).toBeUndefined();
    expect(chainLength(view())).toBe(0);
    expect(rrsetOf(view().node(ownerKey(ZONE)), TYPE.NSEC3PARAM)).toBeUndefined();
    expect(problemsOf(view(), room.clock.nowMs())).toEqual([]);
    expectWhole(room);
  });

  test('the journal undoes a change that was made before the switch', async () => {
    const { room, view, denial } = await bench();
    const add = { op: 'set', name: 'b', type: 'A', ttl: 60, records: ['192.0.2.9'] } as const;
    const { serial } = good(await room.run({ kind: 'rrsets.change', zone: ZONE, operations: [add] }));
    good(await denial('nsec3'));
    good(await room.run({ kind: 'zone.revert', zone: ZONE, serial }));
    expect(view().node(ownerKey(nameOf('b.hash.example.')))).toBeUndefined();
    expect(problemsOf(view(), room.clock.nowMs())).toEqual([]);
  });

  test('signing off and on again, and a removed zone that comes back, have NSEC3 still', async () => {
    const { room, record, view, denial } = await bench();
    good(await denial('nsec3'));
    good(await room.run({ kind: 'zone.dnssec', zone: ZONE, dnssec: false, force: true }));
    expect(chainLength(view())).toBe(0);
    good(await room.run({ kind: 'zone.dnssec', zone: ZONE, dnssec: true }));
    expect(chainLength(view())).toBe(6);
    good(await room.run({ kind: 'zone.remove', zone: ZONE }));
    expectWhole(room);
    good(await room.run({ kind: 'zone.restore', zone: ZONE }));
    expect(record().denial).toBe('nsec3');
    expect(problemsOf(view(), room.clock.nowMs())).toEqual([]);
    expectWhole(room);
  });
});

describe('what is rejected', () => {
  test('a zone that is not signed', async () => {
    const { room, denial } = await bench();
    good(await room.run({ kind: 'zone.dnssec', zone: ZONE, dnssec: false, force: true }));
    expect(bad(await denial('nsec3'))[0]).toMatchObject({ code: 'DNSSEC_OFF' });
  });

  test('RFC 5155 §3: a name too long for a label before it', () => {
    const label = (size: number) => `${'l'.repeat(size)}.`;
    const names = [28, 29].map((last) => nameOf(label(63) + label(63) + label(63) + label(last)));
    expect(names.map((name) => name.length)).toEqual([HASHED_APEX_BYTES_MAX, HASHED_APEX_BYTES_MAX + 1]);
    const [fits, tooLong] = names.map((name) => longApex(formatName(name), name));
    expect(fits).toBeUndefined();
    expect(tooLong).toMatchObject({
      code: 'NSEC3_APEX',
      message: expect.stringContaining('223 octets'),
      fix: expect.stringContaining('NSEC'),
    });
  });

  test('a client may not write NSEC3 or NSEC3PARAM', async () => {
    const { room } = await bench();
    const set = { op: 'set', name: '@', type: 'NSEC3PARAM', ttl: 60, records: ['1 0 0 -'] } as const;
    expect((await room.run({ kind: 'rrsets.change', zone: ZONE, operations: [set] })).ok).toBe(false);
  });
});

describe('RFC 8976: ZONEMD', () => {
  const zonemdOf = (view: ZoneView) => rrsetOf(view.node(view.apexKey), TYPE.ZONEMD);
  const isRight = (view: ZoneView): boolean => {
    const { serial, hash, digest } = zonemdFields(zonemdOf(view)!.rdatas[0]!);
    return serial === serialOf(view) && Buffer.compare(digest, zoneDigest(view, hash!)) === 0;
  };

  test('comes with the next serial, follows each change, and goes', async () => {
    const { room, record, view, denial } = await bench();
    const set = (zonemd: 'off' | 'sha384' | 'sha512') => room.run({ kind: 'zone.zonemd', zone: ZONE, zonemd });
    good(await set('sha384'));
    expect(record().zonemd).toBe('sha384');
    expect(isRight(view())).toBe(true);
    expect(good(await set('sha384')).changed).toBe(false);
    good(await denial('nsec3'));
    expect(isRight(view())).toBe(true);
    const add = { op: 'set', name: 'b', type: 'A', ttl: 60, records: ['192.0.2.9'] } as const;
    good(await room.run({ kind: 'rrsets.change', zone: ZONE, operations: [add] }));
    expect(isRight(view())).toBe(true);
    expect(problemsOf(view(), room.clock.nowMs())).toEqual([]);
    good(await set('sha512'));
    expect(isRight(view())).toBe(true);
    good(await room.run({ kind: 'zone.remove', zone: ZONE }));
    good(await room.run({ kind: 'zone.restore', zone: ZONE }));
    expect(isRight(view())).toBe(true);
    good(await set('off'));
    expect(zonemdOf(view())).toBeUndefined();
    expect(problemsOf(view(), room.clock.nowMs())).toEqual([]);
    expectWhole(room);
  });

  test('an unsigned zone has none', async () => {
    const { room, view } = await bench();
    good(await room.run({ kind: 'zone.zonemd', zone: ZONE, zonemd: 'sha384' }));
    good(await room.run({ kind: 'zone.dnssec', zone: ZONE, dnssec: false, force: true }));
    expect(zonemdOf(view())).toBeUndefined();
    expect(bad(await room.run({ kind: 'zone.zonemd', zone: ZONE, zonemd: 'sha512' }))[0]).toMatchObject({ code: 'DNSSEC_OFF' });
    good(await room.run({ kind: 'zone.dnssec', zone: ZONE, dnssec: true }));
    expect(isRight(view())).toBe(true);
  });

  test('a zone that is too large is told so, before and when it grows', async () => {
    const lines = Array.from({ length: ZONEMD_NODES_MAX - 5 }, (_, at) => `h${at} 60 A 192.0.2.1\n`).join('');
    const { room, record, view } = await bench(`${TEXT}${lines}`);
    const set = { kind: 'zone.zonemd', zone: ZONE, zonemd: 'sha384' } as const;
    expect(record().nodeCount).toBe(ZONEMD_NODES_MAX + 1);
    expect(bad(await room.run(set))[0]).toMatchObject({ code: 'ZONEMD_SIZE' });
    good(await room.run({ kind: 'rrsets.change', zone: ZONE, operations: [{ op: 'delete', name: 'h1', type: 'A' }] }));
    good(await room.run(set));
    expect(isRight(view())).toBe(true);
    const add = { op: 'set', name: 'more', type: 'A', ttl: 60, records: ['192.0.2.9'] } as const;
    expect(bad(await room.run({ kind: 'rrsets.change', zone: ZONE, operations: [add] }))[0]).toMatchObject({ code: 'ZONEMD_SIZE' });
    // What does not grow is taken.
    good(await room.run({ kind: 'rrsets.change', zone: ZONE, operations: [{ ...add, name: 'h2' }] }));
    expect(isRight(view())).toBe(true);
  });
});

test('a zone file that had NSEC3 is imported with a word on how to have it here', async () => {
  const outcome = await temporaryControl().load('hash.example.', `${TEXT}@ 0 NSEC3PARAM 1 0 0 -\n`);
  expect(outcome.warnings).toMatchObject([{ code: 'DNSSEC_DROPPED', fix: expect.stringContaining('--denial nsec3') }]);
});

describe('a new zone with a kind of denial', () => {
  const created = (more: object) => ({ kind: 'zone.create', zone: ZONE, dnssec: true, ...more }) as const;
  const file = { text: TEXT, file: 'hash.zone' };
  const imported = (more: object) => ({ kind: 'zone.import', zone: ZONE, ...file, dnssec: true, ...more }) as const;

  test('has NSEC3 from its first serial, made or imported, and says so with the zone', async () => {
    for (const command of [created({ denial: 'nsec3' }), imported({ denial: 'nsec3' })]) {
      const room = temporaryControl();
      good(await room.run(command));
      const record = room.writer.zoneByName(ZONE)!;
      const view = room.writer.view(record);
      expect([record.denial, chainLength(view) > 0, problemsOf(view, room.clock.nowMs())]).toEqual(['nsec3', true, []]);
      expectWhole(room);
    }
  });

  test('one that comes back has what it had, unless it is asked for the other', async () => {
    const room = temporaryControl();
    good(await room.run(created({ denial: 'nsec3' })));
    for (const [asked, has] of [
      [{}, 'nsec3'],
      [{ denial: 'nsec' }, undefined],
    ] as const) {
      good(await room.run({ kind: 'zone.remove', zone: ZONE }));
      good(await room.run(created(asked)));
      expect(room.writer.zoneByName(ZONE)!.denial).toBe(has);
    }
  });

  test('is rejected where it would say nothing, or another thing than what is there; with the fix', async () => {
    const room = temporaryControl();
    type Given = Parameters<typeof room.run>[0];
    const why = async (command: Given) => bad(await room.run(command)).map(({ code, fix }) => `${code} ${fix}`);
    const unsigned = ['DNSSEC_OFF leave out --denial, or have it signed'];
    expect(await why(created({ dnssec: false, denial: 'nsec3' }))).toEqual(unsigned);
    expect(await why(imported({ dnssec: false, denial: 'nsec' }))).toEqual(unsigned);
    expect(await why(imported({ presigned: true, denial: 'nsec3' }))).toEqual(['ZONE_PRESIGNED leave out --denial']);
    expect(room.writer.zones()).toEqual([]);
    good(await room.run(imported({})));
    expect(await why(imported({ denial: 'nsec3' }))).toEqual([
      'ZONE_EXISTS leave out --denial; to switch: waxseal dnssec set hash.example. --denial nsec3',
    ]);
    good(await room.run(imported({ denial: 'nsec' })));
    const long = nameOf(`${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(40)}.`);
    const tooLong = bad(await room.run({ ...created({ denial: 'nsec3' }), zone: long }));
    expect(tooLong.map(({ code }) => code)).toEqual(['NSEC3_APEX']);
  });
});

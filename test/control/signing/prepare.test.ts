/** A part of a decision is planned, signed and checked before anything is written; what is not good is not given on. */
import { describe, expect, test } from 'vitest';
import { type SettledPart, ZonePreparer } from '#control/signing/prepare.ts';
import { newZoneKey } from '#control/signing/keys.ts';
import { nameOf, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { type RrsetChange } from '#zone/changeset.ts';
import { overlayZone } from '#zone/overlay.ts';
import { memoryZone } from '#zone/zone.ts';
import { BASE, zoneOf } from '../../support/mail/mail-domain.ts';
import { bad, good, temporaryControl } from '../../support/temporary-control.ts';
import { countedRandom } from '../../support/temporary-store.ts';

const DAY_MS = 86_400_000;
const NEW = nameOf('new.example.');
const TEXT = '@ 3600 SOA ns1 host 10 7200 900 1209600 900\n@ 3600 NS ns1\nns1 3600 A 192.0.2.1\n';
const KEY_RRSETS: readonly number[] = [TYPE.DNSKEY, TYPE.CDS, TYPE.CDNSKEY];

/** Records that make the zone `apex`. */
function recordsOf(apex = NEW): readonly RrsetChange[] {
  const view = zoneOf(BASE, apex);
  return [...view.ascend(view.apexKey)].flatMap(({ owner, rrsets }) =>
    rrsets.map(({ type, ttl, rdatas }) => ({ owner, type, rrset: { ttl, rdatas, manager: 'manual' as const } })),
  );
}

const newZone = (isSigned: boolean): SettledPart => ({ record: undefined, view: memoryZone(NEW, []), changes: recordsOf(), isSigned });

/** The zones signed.example and plain.example in a store, and a preparer on it. */
async function bench() {
  const room = temporaryControl();
  await room.load('signed.example.', TEXT);
  await room.load('plain.example.', TEXT, { dnssec: false });
  const { writer, clock } = room;
  const preparer = new ZonePreparer({ writer, clock, random: countedRandom() });
  const record = (zone: string) => writer.zoneByName(nameOf(zone))!;
  const part = (zone: string, more: Partial<SettledPart> = {}): SettledPart => ({
    record: record(zone),
    view: writer.view(record(zone)),
    changes: [],
    ...more,
  });
  const txt = (zone: string): RrsetChange => ({
    owner: nameOf(`x.${zone}`),
    type: TYPE.TXT,
    rrset: { ttl: 60, rdatas: [Uint8Array.of(1, 0x61)], manager: 'manual' },
  });
  return { ...room, preparer, record, part, txt };
}

describe('a new zone', () => {
  test('signed: has one fresh key, which its DNSKEY RRset publishes', async () => {
    const { preparer, writer, clock } = await bench();
    const { plan, record, fresh, isChanged, forgotten } = good(await preparer.prepare(newZone(true)));
    expect(record).toMatchObject({ id: writer.nextZoneId(), name: 'new.example.', dnssec: 'on', changedAtMs: clock.nowMs() });
    expect(record.keys).toMatchObject([{ role: 'csk', state: 'active', algorithm: 13 }]);
    expect([...fresh.keys()]).toEqual([record.keys[0]!.id]);
    expect({ isChanged, forgotten }).toEqual({ isChanged: true, forgotten: [] });
    const apex = plan.nodes.get(ownerKey(NEW))!.node;
    const dnskeys = apex.rrsets.find(({ type }) => type === TYPE.DNSKEY)!.rdatas;
    expect(dnskeys.map((each) => Buffer.from(each).toString('base64'))).toEqual([record.keys[0]!.dnskey]);
  });

  test('RFC 4035 §2.2: every RRset of it has a signature', async () => {
    const { preparer } = await bench();
    const { plan } = good(await preparer.prepare(newZone(true)));
    for (const planned of plan.nodes.values())
      for (const { type, signatures } of planned!.node.rrsets) if (type !== TYPE.RRSIG) expect(signatures).toHaveLength(1);
    expect(plan.signatureCount).toBeGreaterThanOrEqual(plan.nodes.size);
  });

  test('not signed: no key, no signature, none of the RRsets of DNSSEC', async () => {
    const { preparer } = await bench();
    const { plan, record, fresh } = good(await preparer.prepare(newZone(false)));
    expect(record).toMatchObject({ dnssec: 'off', keys: [] });
    expect(fresh.size).toBe(0);
    expect(plan.signatureCount).toBe(0);
    const types = [...plan.nodes.values()].flatMap((planned) => planned!.node.rrsets.map(({ type }) => type));
    expect(types.filter((type) => KEY_RRSETS.includes(type) || type === TYPE.NSEC)).toEqual([]);
  });

  test('with keys of its own time here: gets them back, though their secrets stand under zone 0', async () => {
    const room = await bench();
    const { preparer, record, clock } = room;
    const { keys } = record('signed.example.');
    good(await room.run({ kind: 'zone.remove', zone: nameOf('signed.example.') }));
    clock.pass(1000);
    const apex = nameOf('signed.example.');
    const back: SettledPart = { record: undefined, view: memoryZone(apex, []), changes: recordsOf(apex), isSigned: true, keys };
    const prepared = good(await preparer.prepare(back));
    expect(prepared.fresh.size).toBe(0);
    expect(prepared.record.keys).toEqual(keys);
  });
});

describe('a zone that is there', () => {
  test('one RRset more: the serial goes up by one, the key stays', async () => {
    const { preparer, part, txt, record } = await bench();
    const before = record('signed.example.');
    const prepared = good(await preparer.prepare(part('signed.example.', { changes: [txt('signed.example.')] })));
    expect(prepared.record).toMatchObject({ id: before.id, serial: before.serial + 1, dnssec: 'on', keys: before.keys });
    expect(prepared).toMatchObject({ isChanged: true, forgotten: [] });
    expect(prepared.fresh.size).toBe(0);
  });

  test('nothing changes: nothing is planned, the serial stays', async () => {
    const { preparer, part, record } = await bench();
    const prepared = good(await preparer.prepare(part('signed.example.')));
    expect(prepared.isChanged).toBe(false);
    expect(prepared.plan.nodes.size).toBe(0);
    expect(prepared.record.serial).toBe(record('signed.example.').serial);
  });

  test('signing off: the ids of its keys are told, so that their secrets go', async () => {
    const { preparer, part, record } = await bench();
    const prepared = good(await preparer.prepare(part('signed.example.', { isSigned: false })));
    expect(prepared.forgotten).toEqual(record('signed.example.').keys.map(({ id }) => id));
    expect(prepared.record).toMatchObject({ dnssec: 'off', keys: [] });
  });

  test('signing on: a fresh key', async () => {
    const { preparer, part } = await bench();
    const prepared = good(await preparer.prepare(part('plain.example.', { isSigned: true })));
    expect(prepared.record.dnssec).toBe('on');
    expect([...prepared.fresh.keys()]).toEqual(prepared.record.keys.map(({ id }) => id));
  });

  test('prepare writes nothing: it can be repeated, and the store is as it was', async () => {
    const { preparer, part, txt, writer, record } = await bench();
    const [generation, before] = [writer.generation(), record('signed.example.')];
    const change = part('signed.example.', { changes: [txt('signed.example.')] });
    const serials = [good(await preparer.prepare(change)), good(await preparer.prepare(change))].map((each) => each.record.serial);
    expect(serials).toEqual([before.serial + 1, before.serial + 1]);
    expect([writer.generation(), record('signed.example.')]).toEqual([generation, before]);
    expect(preparer.signatures).toBe(0);
  });
});

describe('other keys', () => {
  const nextKey = (writer: Awaited<ReturnType<typeof bench>>['writer'], keyTag: number, stage: 'published' | 'presigned') =>
    newZoneKey('signed.example.', [keyTag], writer.sealer, countedRandom(), 0, { role: 'csk', algorithm: 15, stage });

  test('a key of another algorithm signs at first without standing in the DNSKEY RRset; its secret is told', async () => {
    const { preparer, part, record, writer } = await bench();
    const { keys } = record('signed.example.');
    const { ref, sealed } = nextKey(writer, keys[0]!.keyTag, 'presigned');
    const keySet = { keys: [...keys, ref], isDeletingDs: false, sealed: new Map([[ref.id, sealed]]) };
    const prepared = good(await preparer.prepare(part('signed.example.', { keySet })));
    expect(prepared.record.keys).toEqual([...keys, ref]);
    expect([...prepared.fresh]).toEqual([[ref.id, sealed]]);
    const apex = prepared.plan.nodes.get(ownerKey(nameOf('signed.example.')))!.node;
    const signatures = (type: number) => apex.rrsets.find((each) => each.type === type)!.signatures.map((rrsig) => rrsig[2]);
    expect([TYPE.SOA, TYPE.NS, TYPE.NSEC, TYPE.DNSKEY].map(signatures)).toEqual([[13, 15], [13, 15], [13, 15], [13]]);
    // Every signed node is signed again: the name server's address too.
    expect([...prepared.plan.nodes.keys()]).toContain(ownerKey(nameOf('ns1.signed.example.')));
  });

  test('an algorithm in the DNSKEY RRset that does not sign the zone fails its check, and nothing is given on', async () => {
    const { preparer, part, record, writer } = await bench();
    const { keys } = record('signed.example.');
    const { ref, sealed } = nextKey(writer, keys[0]!.keyTag, 'published');
    const keySet = { keys: [...keys, ref], isDeletingDs: false, sealed: new Map([[ref.id, sealed]]) };
    const problems = bad(await preparer.prepare(part('signed.example.', { keySet })));
    expect(problems).toMatchObject([{ code: 'SIGNING_SELF_CHECK', message: expect.stringContaining('algorithm 15') }]);
  });

  test('a key that goes: its secret goes with it', async () => {
    const { preparer, part, record, writer } = await bench();
    const { keys } = record('signed.example.');
    const { ref, sealed } = newZoneKey('signed.example.', [keys[0]!.keyTag], writer.sealer, countedRandom(), 0);
    const keySet = { keys: [ref], isDeletingDs: false, sealed: new Map([[ref.id, sealed]]) };
    const { forgotten } = good(await preparer.prepare(part('signed.example.', { keySet })));
    expect(forgotten).toEqual(keys.map(({ id }) => id));
  });

  test('RFC 8078 §4: the zone asks for no DS any more, and remembers it', async () => {
    const { preparer, part, record } = await bench();
    const { keys } = record('signed.example.');
    const keySet = { keys, isDeletingDs: true, sealed: new Map() };
    const { record: after, plan } = good(await preparer.prepare(part('signed.example.', { keySet })));
    expect(after.isDeletingDs).toBe(true);
    const apex = plan.nodes.get(ownerKey(nameOf('signed.example.')))!.node;
    expect(apex.rrsets.find(({ type }) => type === TYPE.CDS)!.rdatas).toEqual([new Uint8Array(5)]);
  });
});

describe('renewal', () => {
  test('renews what is near its end and is no change of the contents: the time of the last change stays', async () => {
    const { preparer, part, record, clock } = await bench();
    const before = record('signed.example.');
    // Validity is 14 days: all signatures are near their end.
    clock.pass(13 * DAY_MS);
    const renewal = { from: ownerKey(nameOf('signed.example.')), nodeLimit: 100 };
    const prepared = good(await preparer.prepare(part('signed.example.', { renewal })));
    expect(prepared.plan.signatureCount).toBeGreaterThan(0);
    expect(prepared.record.changedAtMs).toBe(before.changedAtMs);
    expect(prepared.record.serial).toBe(before.serial + 1);
    expect(prepared.next).toBeUndefined();
  });

  test('goes node by node as far as the limit says', async () => {
    const { preparer, part } = await bench();
    const reached: string[] = [];
    for (let from: string | undefined = ownerKey(nameOf('signed.example.')); from !== undefined;) {
      reached.push(from);
      from = good(await preparer.prepare(part('signed.example.', { renewal: { from, nodeLimit: 1 } }))).next;
    }
    expect(reached).toEqual([ownerKey(nameOf('signed.example.')), ownerKey(nameOf('ns1.signed.example.'))]);
  });

  test('right after signing nothing is due', async () => {
    const { preparer, part } = await bench();
    const renewal = { from: ownerKey(nameOf('signed.example.')), nodeLimit: 100 };
    expect(good(await preparer.prepare(part('signed.example.', { renewal }))).isChanged).toBe(false);
  });
});

describe('the check of what would be published', () => {
  test('a zone that is not good is not given on, and is counted', async () => {
    const { preparer, part, txt } = await bench();
    const { view } = part('signed.example.');
    // One octet of the signature over NS, which the change keeps, is another.
    const apex = view.node(view.apexKey)!;
    const broken = (signature: Uint8Array) => signature.map((octet, at) => (at === signature.length - 1 ? octet ^ 1 : octet));
    const rrsets = apex.rrsets.map((rrset) => (rrset.type === TYPE.NS ? { ...rrset, signatures: rrset.signatures.map(broken) } : rrset));
    const damaged = overlayZone(view, new Map([[view.apexKey, { ...apex, rrsets }]]));
    const [problem] = bad(await preparer.prepare(part('signed.example.', { view: damaged, changes: [txt('signed.example.')] })));
    expect(problem).toMatchObject({ code: 'SIGNING_SELF_CHECK', message: expect.stringContaining('nothing was published') });
    expect(preparer.selfCheckFailures).toBe(1);
  });

  test('a zone that is not signed has nothing to check', async () => {
    const { preparer, part, txt } = await bench();
    good(await preparer.prepare(part('plain.example.', { changes: [txt('plain.example.')] })));
    expect(preparer.selfCheckFailures).toBe(0);
  });
});

test('signatures count when they are committed; the keys of a removed zone are not kept', async () => {
  const room = await bench();
  const { preparer, part, txt, record } = room;
  const removed = record('signed.example.');
  const change = part('signed.example.', { changes: [txt('signed.example.')] });
  const prepared = good(await preparer.prepare(change));
  preparer.committed([prepared, prepared], []);
  expect(preparer.signatures).toBe(2 * prepared.plan.signatureCount);

  good(await room.run({ kind: 'zone.dnssec', zone: nameOf('signed.example.'), dnssec: false, force: true }));
  // The secret is gone from the store, but the ring holds the key until the removal.
  expect((await preparer.prepare(change)).ok).toBe(true);
  preparer.committed([], [removed]);
  expect(() => preparer.prepare(change)).toThrow(expect.objectContaining({ code: 'STORE_DAMAGED' }));
});

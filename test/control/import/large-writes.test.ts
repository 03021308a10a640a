/**
 * Changes that write a whole zone come in slices, whatever they are: what is served and in the journal is what one
 * transaction would leave, others have turns between, and what is in the way of slices is in no change's way.
 */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { WHOLE } from '#base/place.ts';
import { type Command } from '#control/api/control.ts';
import { nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { FILLING_KIND } from '#store/due/documents.ts';
import { StoreFailure } from '#store/failure.ts';
import { verifyStore } from '#store/verify.ts';
import { hasNodes } from '#store/upkeep/nodes-under.ts';
import { importsHere } from '../../support/import-here.ts';
import { type TestControl, bad, good, temporaryControl } from '../../support/temporary-control.ts';

const ZONE = nameOf('large.example.');
const OTHER = nameOf('other.example.');
const HOSTS = 90;
const HEAD = '@ 3600 SOA ns1 host 10 7200 900 1209600 900\n@ 3600 NS ns1\nns1 3600 A 192.0.2.1\n';
const TEXT = `${HEAD}$GENERATE 1-${HOSTS} h$ 3600 TXT "x"\n`;
const SMALL = { bytesMin: 1000, inPlaceNodes: 20, sliceNodes: 15 };

const rooms: TestControl[] = [];
afterEach(async () => {
  for (const room of rooms.splice(0)) await room.control.close();
});

/** With the zone, which is not signed. */
async function roomOf(options: Parameters<typeof temporaryControl>[0] = importsHere()): Promise<TestControl> {
  const room = temporaryControl({ ...options, fillLimits: SMALL });
  rooms.push(room);
  await room.load('large.example.', TEXT, { dnssec: false });
  await room.load('other.example.', HEAD, { dnssec: false });
  return room;
}

const set = (zone: typeof ZONE, name: string, address: number) =>
  ({
    kind: 'rrsets.change',
    zone,
    operations: [{ op: 'set', name, type: 'A', ttl: 60, records: [`192.0.2.${address}`] }],
  }) as const;
const many = Array.from(
  { length: 40 },
  (_, at) => ({ op: 'set', name: `h${at + 1}`, type: 'A', ttl: 60, records: ['192.0.2.7'] }) as const,
);
const SIGN = { kind: 'zone.dnssec', zone: ZONE, dnssec: true } as const;

const recordOf = ({ writer }: TestControl) => writer.zoneByName(ZONE)!;
const filling = ({ writer }: TestControl) => writer.documentIds(0, FILLING_KIND);

/** Everything of the zone, without what is random in it. */
function published(room: TestControl) {
  const { contentId: _contentId, keys, revision: _revision, ...rest } = recordOf(room);
  const view = room.writer.view(recordOf(room));
  const isFixed = (type: number) => type !== TYPE.DNSKEY && type !== TYPE.CDS && type !== TYPE.CDNSKEY;
  const shown = [...view.ascend(view.apexKey), ...view.hashed.ascend(view.apexKey)].map(({ key, rrsets }) => [
    key,
    rrsets.filter(({ type }) => isFixed(type)).map(({ signatures, ...rrset }) => ({ ...rrset, signatures: signatures.length })),
  ]);
  const journal = room.writer
    .journal(recordOf(room).id, 100)
    .map(({ fromSerial, toSerial, sizeBytes, changeset }) => ({ fromSerial, toSerial, sizeBytes, isKept: changeset !== undefined }));
  const audit = room.writer.audit(1).map(({ action, detail, zone }) => ({ action, detail, zone }));
  return { ...rest, keys: keys.length, shown, journal, audit };
}

/** Waits, in turns of the event loop, until it is so. */
async function until(holds: () => boolean): Promise<void> {
  for (let turns = 0; turns < 20_000 && !holds(); turns++) await new Promise((resolve) => setImmediate(resolve));
  expect(holds()).toBe(true);
}

/** `command` while it is being written. */
async function writing(room: TestControl, command: Command) {
  const changed = room.run(command);
  await until(() => filling(room).length > 0);
  const content = Number(filling(room)[0]);
  await until(() => hasNodes(room.writer, content));
  return { content, changed };
}

test('each kind of change leaves what it leaves in one transaction', async () => {
  const [apart, inTurn] = [await roomOf(), await roomOf({})];
  const steps: readonly (readonly [string, Command])[] = [
    ['signing on', SIGN],
    ['NSEC3', { kind: 'zone.denial', zone: ZONE, denial: 'nsec3' }],
    ['NSEC again', { kind: 'zone.denial', zone: ZONE, denial: 'nsec' }],
    ['many RRsets', { kind: 'rrsets.change', zone: ZONE, operations: many }],
    ['back', { kind: 'zone.rollback', zone: ZONE, to: { kind: 'serial', serial: 13 } }],
    ['signing off', { ...SIGN, dnssec: false, force: true }],
  ];
  let content: number | undefined;
  for (const [what, command] of steps) {
    const [one, other] = await Promise.all([apart, inTurn].map(async (room) => good(await room.run(command))));
    const { revision: _one, changeset: _first, ...given } = one!;
    const { revision: _other, changeset: _second, ...wanted } = other!;
    expect({ what, ...given }).toEqual({ what, ...wanted });
    expect(published(apart)).toEqual(published(inTurn));
    expect([what, recordOf(apart).contentId]).not.toEqual([what, content]);
    content = recordOf(apart).contentId;
    expect(recordOf(inTurn).contentId).toBeUndefined();
    await until(() => filling(apart).length === 0);
    expect(verifyStore(apart.writer).problems).toEqual([]);
  }
});

describe('while it is written', () => {
  test('another zone is changed; a change of the same zone waits; upkeep does not, and the change is made again', async () => {
    const room = await roomOf();
    const { content, changed } = await writing(room, SIGN);
    const after = room.run(set(ZONE, 'new', 8));
    good(await room.run(set(OTHER, 'www', 9)));
    expect(recordOf(room)).toMatchObject({ dnssec: 'off', serial: 10 });
    good(await room.run(set(ZONE, 'upkeep', 9), { actor: { kind: 'system', id: 'upkeep', from: '' } }));
    expect(good(await changed)).toMatchObject({ changed: true, serial: 12 });
    expect(recordOf(room).contentId).toBeGreaterThan(content);
    expect(good(await after).serial).toBe(13);
    const view = room.writer.view(recordOf(room));
    for (const name of ['upkeep', 'new']) expect(view.node(`${view.apexKey}${name}\0`)).toBeDefined();
    await until(() => filling(room).length === 0);
    expect(hasNodes(room.writer, content)).toBe(false);
    expect(verifyStore(room.writer).problems).toEqual([]);
  });

  test('and there is no space for slices, one transaction does it', async () => {
    const room = await roomOf();
    const commit = room.writer.commit.bind(room.writer);
    vi.spyOn(room.writer, 'commit').mockImplementation((write) => {
      if (write.beside?.kind !== 'fill') return commit(write);
      return Promise.reject(new StoreFailure('STORE_FULL', WHOLE, 'no space is left', 'make some'));
    });
    expect(good(await room.run(SIGN)).changed).toBe(true);
    expect(recordOf(room)).toMatchObject({ dnssec: 'on' });
    expect(recordOf(room).contentId).toBeUndefined();
    await until(() => filling(room).length === 0);
    expect(verifyStore(room.writer).problems).toEqual([]);
  });

  test('and the server stops, it is made as a whole before the end', async () => {
    const room = await roomOf();
    const { changed } = await writing(room, SIGN);
    rooms.splice(rooms.indexOf(room), 1);
    await room.control.close();
    expect(good(await changed).changed).toBe(true);
    const again = temporaryControl({ in: room.dir, ...importsHere() });
    rooms.push(again);
    expect(recordOf(again).dnssec).toBe('on');
    await until(() => filling(again).length === 0);
    expect(verifyStore(again.writer).problems).toEqual([]);
  });

  test('and the zone is removed by upkeep, the change is rejected', async () => {
    const room = await roomOf();
    const { changed } = await writing(room, SIGN);
    good(await room.run({ kind: 'zone.remove', zone: ZONE }, { actor: { kind: 'system', id: 'catalog', from: '' } }));
    expect(bad(await changed)).toMatchObject([{ code: 'ZONE_NOT_FOUND' }]);
    await until(() => filling(room).length === 0);
    expect(verifyStore(room.writer).problems).toEqual([]);
  });
});

describe('a large zone is removed', () => {
  test('at once; its names go in slices between which others are changed, and a new zone of its name has none of them', async () => {
    const room = await roomOf();
    const { id } = recordOf(room);
    good(await room.run({ kind: 'zone.remove', zone: ZONE }));
    expect([room.writer.zoneByName(ZONE), filling(room), hasNodes(room.writer, id)]).toEqual([undefined, [String(id)], true]);
    expect(verifyStore(room.writer).problems).toEqual([]);
    good(await room.run(set(OTHER, 'www', 9)));
    await room.load('large.example.', HEAD, { dnssec: false });
    const view = room.writer.view(recordOf(room));
    expect([...view.ascend(view.apexKey)]).toHaveLength(2);
    expect(hasNodes(room.writer, id)).toBe(true);
    await until(() => filling(room).length === 0);
    expect(hasNodes(room.writer, id)).toBe(false);
    expect(verifyStore(room.writer).problems).toEqual([]);
  });

  test('and the server is killed while its names go: the next start takes them out', async () => {
    const room = await roomOf();
    const { id } = recordOf(room);
    good(await room.run({ kind: 'zone.remove', zone: ZONE }));
    await room.control.close();
    const again = temporaryControl({ in: room.dir, ...importsHere(), fillLimits: SMALL });
    rooms.push(again);
    expect([hasNodes(again.writer, id), filling(again)]).toEqual([true, [String(id)]]);
    expect(verifyStore(again.writer).problems).toEqual([]);
    await until(() => filling(again).length === 0);
    expect(hasNodes(again.writer, id)).toBe(false);
  });

  test('after it was written anew, and comes back with all its records', async () => {
    const room = await roomOf();
    good(await room.run(SIGN));
    await until(() => filling(room).length === 0);
    const { contentId, nodeCount } = recordOf(room);
    expect(contentId).toBeDefined();
    good(await room.run({ kind: 'zone.remove', zone: ZONE }));
    expect(filling(room)).toEqual([String(contentId)]);
    good(await room.run({ kind: 'zone.restore', zone: ZONE }));
    expect(recordOf(room)).toMatchObject({ dnssec: 'on', nodeCount });
    await until(() => filling(room).length === 0);
    expect(hasNodes(room.writer, contentId!)).toBe(false);
    expect(verifyStore(room.writer).problems).toEqual([]);
  });

  test('a small one goes as a whole', async () => {
    const room = await roomOf();
    const { id } = room.writer.zoneByName(OTHER)!;
    good(await room.run({ kind: 'zone.remove', zone: OTHER }));
    expect([filling(room), hasNodes(room.writer, id)]).toEqual([[], false]);
  });
});

test('a dry run, and a change of few names, are as before', async () => {
  const room = await roomOf();
  expect(good(await room.run(SIGN, { dryRun: true }))).toMatchObject({ changed: true, dryRun: true });
  good(await room.run(set(ZONE, 'new', 8)));
  expect(recordOf(room)).toMatchObject({ dnssec: 'off' });
  expect(recordOf(room).contentId).toBeUndefined();
});

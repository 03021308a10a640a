/**
 * A large change of a zone that is there comes in slices: others have turns, readers see the zone as it was until it is
 * there whole, and nothing is left of one that fails, nor of the names that it had.
 */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { WHOLE } from '#base/place.ts';
import { problem } from '#base/problem.ts';
import { isRewrittenBy } from '#control/import/filling.ts';
import { nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { FILLING_KIND } from '#store/due/documents.ts';
import { StoreFailure } from '#store/failure.ts';
import { openReader, type StoreReader } from '#store/reader.ts';
import { verifyStore } from '#store/verify.ts';
import { type Refresh } from '#store/zone-table.ts';
import { hasNodes } from '#store/upkeep/nodes-under.ts';
import { importsHere } from '../../support/import-here.ts';
import { type TestControl, bad, good, temporaryControl } from '../../support/temporary-control.ts';

const ZONE = nameOf('large.example.');
const OTHER = nameOf('other.example.');
const HOSTS = 120;
/** As large zones have it, for this one. */
const SMALL = { bytesMin: 1000, inPlaceNodes: 20, sliceNodes: 15 };
const HEAD = '@ 3600 SOA ns1 host 10 7200 900 1209600 900\n@ 3600 NS ns1\nns1 3600 A 192.0.2.1\n';
/** With other texts, and with names that are only in it. */
const text = (letter: string) => `${HEAD}$GENERATE (1-${HOSTS}) h$ 3600 TXT "${letter}"\n$GENERATE 1-40 ${letter}$.sub 3600 A 192.0.2.$\n`;
const order = (letter: string, more: object = {}) =>
  ({ kind: 'zone.import', zone: ZONE, text: text(letter), file: 'a.zone', dnssec: false, ...more }) as const;
const www = (address: number) =>
  ({
    kind: 'rrsets.change',
    zone: OTHER,
    operations: [{ op: 'set', name: 'www', type: 'A', ttl: 60, records: [`192.0.2.${address}`] }],
  }) as const;

const filling = ({ writer }: TestControl) => writer.documentIds(0, FILLING_KIND);
const recordOf = (reader: StoreReader) => reader.zoneByName(ZONE)!;

/** Everything of the zone, without what is random in it. */
function published(reader: StoreReader) {
  const record = recordOf(reader);
  // How long caches hold what went counts from when an import is over at the latest.
  const { contentId: _contentId, keys, revision: _revision, cachedUntilMs: _until, ...rest } = record;
  const view = reader.view(record);
  const isFixed = (type: number) => type !== TYPE.DNSKEY && type !== TYPE.CDS && type !== TYPE.CDNSKEY;
  const shown = [...view.ascend(view.apexKey), ...view.hashed.ascend(view.apexKey)].map(({ key, rrsets }) => [
    key,
    rrsets.filter(({ type }) => isFixed(type)).map(({ signatures, ...rrset }) => ({ ...rrset, signatures: signatures.length })),
  ]);
  return { ...rest, keys: keys.length, shown };
}

const journalOf = ({ writer }: TestControl) =>
  writer.journal(recordOf(writer).id, 100).map(({ fromSerial, toSerial, changeset, sizeBytes }) => ({
    fromSerial,
    toSerial,
    // Keys and signatures have random octets.
    sizeBytes,
    isKept: changeset !== undefined,
  }));

const octetsOf = (reader: StoreReader) => {
  const all: string[] = [];
  reader.readNodes(recordOf(reader).id, undefined, 1_000_000, (key, node) => {
    all.push(`${Buffer.from(key).toString('hex')} ${Buffer.from(node).toString('hex')}`);
  });
  return all;
};

/** Waits, in turns of the event loop, until it is so. */
async function until(holds: () => boolean): Promise<void> {
  for (let turns = 0; turns < 20_000 && !holds(); turns++) await new Promise((resolve) => setImmediate(resolve));
  expect(holds()).toBe(true);
}

const rooms: TestControl[] = [];
/** What is left goes before the store is closed. */
afterEach(async () => {
  for (const room of rooms.splice(0)) await room.control.close();
});

function roomOf(options: Parameters<typeof temporaryControl>[0] = importsHere()): TestControl {
  const room = temporaryControl({ ...options, fillLimits: SMALL });
  rooms.push(room);
  return room;
}

/** A zone that is there, and an import of it that is being written. */
async function writing(options: Parameters<TestControl['run']>[1] = {}) {
  const room = roomOf();
  good(await room.run(order('x')));
  const { id } = recordOf(room.writer);
  const state = { isEnded: false };
  const imported = room.run(order('y'), options).finally(() => (state.isEnded = true));
  await until(() => filling(room).length > 0);
  const content = Number(filling(room)[0]);
  await until(() => hasNodes(room.writer, content));
  return { room, id, content, imported, state };
}

test('which changes are written as a whole zone', () => {
  expect(isRewrittenBy(1_000_000, 10_000)).toBe(false);
  expect(isRewrittenBy(20_000, 10_001)).toBe(true);
  expect(isRewrittenBy(1_000_000, 10_001)).toBe(false);
  expect(isRewrittenBy(1_000_000, 30_001)).toBe(true);
});

describe('a zone that is there', () => {
  test.each([
    ['unsigned', {}],
    ['signed', { dnssec: true }],
    ['with NSEC3', { dnssec: true, denial: 'nsec3' }],
  ])('%s: is served, and in the journal, as if it had been changed in its turn', async (_what, more) => {
    const apart = roomOf();
    const inTurn = roomOf({});
    for (const each of ['x', 'y', 'z']) {
      const [one, other] = await Promise.all([apart, inTurn].map(async (room) => good(await room.run(order(each, more)))));
      expect({ ...one!, revision: 0, changeset: { ...one!.changeset, added: [], deleted: [], omitted: 0 } }).toEqual({
        ...other!,
        revision: 0,
        changeset: { ...other!.changeset, added: [], deleted: [], omitted: 0 },
      });
      expect(published(apart.writer)).toEqual(published(inTurn.writer));
    }
    const fixed = (room: TestControl) => (Object.hasOwn(more, 'dnssec') ? [] : octetsOf(room.writer));
    expect(fixed(apart)).toEqual(fixed(inTurn));
    expect(journalOf(apart)).toEqual(journalOf(inTurn));
    expect(recordOf(apart.writer).contentId).toBeGreaterThan(recordOf(apart.writer).id);
    await until(() => filling(apart).length === 0);
    expect(verifyStore(apart.writer).problems).toEqual([]);
    // A change of a few names is made where they are, and the change that a secondary asks for is in the journal.
    const set = { ...www(9), zone: ZONE };
    for (const room of [apart, inTurn]) good(await room.run(set));
    expect(published(apart.writer)).toEqual(published(inTurn.writer));
  });

  test('comes in slices between which others are changed; readers see the one or the other', async () => {
    const { room, id, content, imported, state } = await writing();
    await room.load('other.example.', HEAD);
    const reader = openReader(room.dir);
    const before = octetsOf(reader);
    const held = reader.hold();
    let changes = 0;
    const seen: Refresh[] = [];
    for (; !state.isEnded && recordOf(room.writer).contentId === undefined; changes++) {
      await new Promise((resolve) => setImmediate(resolve));
      good(await room.run(www((changes % 250) + 1)));
      seen.push(reader.refresh());
      expect(octetsOf(reader).length).toBe(before.length);
      expect(verifyStore(room.writer).problems).toEqual([]);
    }
    expect(changes).toBeGreaterThan(2);
    const { revision } = good(await imported);
    seen.push(reader.refresh());
    const inside = seen.flatMap(({ changes: each }) => each.filter(({ zoneId }) => zoneId === id));
    expect(inside).toEqual([{ zoneId: id, keys: 'all', sameNames: false }]);
    expect(recordOf(reader)).toMatchObject({ id, contentId: content, revision });
    expect(octetsOf(reader)).toEqual(octetsOf(room.writer));
    expect(octetsOf(reader)).not.toEqual(before);
    // A transfer that began before goes on with what it began with.
    await until(() => filling(room).length === 0);
    const shown: string[] = [];
    held.readNodes(id, undefined, 1_000_000, (key, node) => {
      shown.push(`${Buffer.from(key.subarray(4)).toString('hex')} ${Buffer.from(node.subarray(0, -4)).toString('hex')}`);
      return true;
    });
    expect(shown).toEqual(before);
    held.release();
    expect([hasNodes(room.writer, id), hasNodes(room.writer, content)]).toEqual([false, true]);
    expect(verifyStore(room.writer).problems).toEqual([]);
  });

  test('of which texts change alone keeps its names for workers', async () => {
    const room = roomOf();
    const only = (letter: string) => ({ ...order(letter), text: text(letter).replace(/\$GENERATE 1-40.*\n/, '') });
    good(await room.run(only('x')));
    const reader = openReader(room.dir);
    good(await room.run(only('y')));
    expect(recordOf(room.writer).contentId).toBeDefined();
    expect(reader.refresh().changes).toContainEqual({ zoneId: recordOf(reader).id, keys: 'all', sameNames: true });
  });

  test('stays as it was, and nothing is left, when a condition does not hold any more', async () => {
    let isAgainst = false;
    const precondition = () => (isAgainst ? problem('PRECONDITION', WHOLE, 'it is otherwise') : undefined);
    const { room, content, imported } = await writing({ precondition });
    const before = octetsOf(room.writer);
    isAgainst = true;
    expect(bad(await imported)).toMatchObject([{ code: 'PRECONDITION' }]);
    await until(() => filling(room).length === 0);
    expect(hasNodes(room.writer, content)).toBe(false);
    expect(octetsOf(room.writer)).toEqual(before);
    expect(recordOf(room.writer).contentId).toBeUndefined();
  });

  test('that upkeep changes meanwhile is imported again, on what it is then', async () => {
    const { room, content, imported } = await writing();
    good(await room.run({ ...www(7), zone: ZONE }, { actor: { kind: 'system', id: 'upkeep', from: '' } }));
    good(await imported);
    expect(recordOf(room.writer).contentId).toBeGreaterThan(content);
    await until(() => filling(room).length === 0);
    expect(hasNodes(room.writer, content)).toBe(false);
    expect(verifyStore(room.writer).problems).toEqual([]);
  });

  test('whose server is killed while it is written is as it was; the next start takes the rest out', async () => {
    const { room, content, imported } = await writing();
    const before = octetsOf(room.writer);
    await room.control.close();
    expect(bad(await imported)).toMatchObject([{ code: 'IMPORT_FAILED' }]);
    const again = roomOf({ in: room.dir, ...importsHere() });
    expect(octetsOf(again.writer)).toEqual(before);
    expect(verifyStore(again.writer).problems).toEqual([]);
    await until(() => filling(again).length === 0);
    expect(hasNodes(again.writer, content)).toBe(false);
  });

  test('whose server is killed while the names go that it had is the new one; the next start takes them out', async () => {
    const { room, id, content, imported } = await writing();
    good(await imported);
    await room.control.close();
    const again = roomOf({ in: room.dir, ...importsHere() });
    expect([hasNodes(again.writer, id), filling(again)]).toEqual([true, [String(id)]]);
    expect(recordOf(again.writer)).toMatchObject({ contentId: content, nodeCount: HOSTS + 43 });
    expect(verifyStore(again.writer).problems).toEqual([]);
    await until(() => filling(again).length === 0);
    expect([hasNodes(again.writer, id), hasNodes(again.writer, content)]).toEqual([false, true]);
    // What was moved once is moved again, and the id of the zone is not filled with another's names.
    good(await again.run(order('z')));
    await until(() => filling(again).length === 0);
    expect(hasNodes(again.writer, content)).toBe(false);
    expect(verifyStore(again.writer).problems).toEqual([]);
  });

  test('that is removed while the names go that it had leaves nothing', async () => {
    const { room, id, content, imported } = await writing();
    good(await imported);
    expect(HOSTS).toBeGreaterThan(2 * SMALL.sliceNodes);
    good(await room.run({ kind: 'zone.remove', zone: ZONE }));
    await until(() => filling(room).length === 0);
    expect([hasNodes(room.writer, id), hasNodes(room.writer, content)]).toEqual([false, false]);
    expect(verifyStore(room.writer).problems).toEqual([]);
  });

  test('for which there is no space stays as it was', async () => {
    const { room, content, imported } = await writing();
    const before = octetsOf(room.writer);
    const commit = room.writer.commit.bind(room.writer);
    vi.spyOn(room.writer, 'commit').mockImplementation((write) => {
      if (write.beside?.kind !== 'fill') return commit(write);
      return Promise.reject(new StoreFailure('STORE_FULL', WHOLE, 'no space is left', 'make some'));
    });
    expect(bad(await imported)).toMatchObject([{ code: 'STORE_FULL' }]);
    await until(() => filling(room).length === 0);
    expect(hasNodes(room.writer, content)).toBe(false);
    expect(octetsOf(room.writer)).toEqual(before);
  });
});

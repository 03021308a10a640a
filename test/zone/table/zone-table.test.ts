/** A table of records is the zone that its records make: whatever is asked of the one is answered as by the other. */
import { expect, test } from 'vitest';
import { WHOLE, inFile } from '#base/place.ts';
import { type Name, ROOT, formatName, nameOf, ownerKey } from '#dns/name.ts';
import { sortRdatas } from '#dns/rrset.ts';
import { TYPE } from '#dns/types.ts';
import { OctetStore } from '#zone/table/columns.ts';
import { TableView } from '#zone/table/table-view.ts';
import { ZoneTable } from '#zone/table/zone-table.ts';
import { type ZoneNode, type ZoneView } from '#zone/view.ts';
import { memoryZone } from '#zone/zone.ts';
import { APEX, randomChange, randomOwner } from '../../support/random-changes.ts';
import { seededRandom } from '../../support/random.ts';

interface Line {
  readonly owner: Name;
  readonly type: number;
  readonly rdata: Uint8Array;
}

/** Both zones of the same records. The first TTL of an RRset holds. */
function both(lines: readonly Line[]): { readonly table: TableView; readonly memory: ZoneView } {
  const table = new ZoneTable(APEX);
  const sets = new Map<string, { owner: Name; type: number; ttl: number; rdatas: Uint8Array[] }>();
  for (const [ttl, { owner, type, rdata }] of lines.entries()) {
    const name = table.name(ownerKey(owner));
    const rrset = table.rrset(name, type);
    if (rrset === undefined) table.addRrset(name, { owner, type, ttl, rdatas: [rdata], at: WHOLE });
    else table.addRecord(rrset, rdata);
    const id = `${type} ${ownerKey(owner)}`;
    const known = sets.get(id);
    if (known === undefined) sets.set(id, { owner, type, ttl, rdatas: [rdata] });
    else known.rdatas.push(rdata);
  }
  const rrsets = [...sets.values()].map((each) => ({ ...each, rdatas: sortRdatas(each.type, each.rdatas) }));
  return { table: new TableView(table), memory: memoryZone(APEX, rrsets) };
}

const plain = (node: ZoneNode | undefined) =>
  node && {
    ...node,
    owner: [...node.owner],
    rrsets: node.rrsets.map((each) => ({ ...each, rdatas: each.rdatas.map((rdata) => [...rdata]) })),
  };
const all = (nodes: Iterable<ZoneNode>) => [...nodes].map(plain);

test.each(Array.from({ length: 60 }, (_, seed) => seed))('the same nodes as a zone in memory, seed %i', (seed) => {
  const random = seededRandom(seed);
  const lines = Array.from({ length: 1 + Math.floor(random() * 120) }, () => randomChange(random)).flatMap(({ owner, type, rrset }) =>
    (rrset?.rdatas ?? []).map((rdata) => ({ owner, type, rdata })),
  );
  const { table, memory } = both(lines);
  expect(all(table.ascend(table.apexKey))).toEqual(all(memory.ascend(memory.apexKey)));
  expect(all(table.descend('\u00ff'))).toEqual(all(memory.descend('\u00ff')));
  for (let tries = 0; tries < 20; tries++) {
    const key = ownerKey(randomOwner(random));
    expect(plain(table.node(key))).toEqual(plain(memory.node(key)));
    expect(all(table.ascend(key))).toEqual(all(memory.ascend(key)));
    expect(all(table.descend(key))).toEqual(all(memory.descend(key)));
  }
  expect(table.size).toBe(all(memory.ascend(memory.apexKey)).length);
});

test('more names than are kept, in an order that a sort by halves would not like', () => {
  const lines = Array.from({ length: 5000 }, (_, at) => {
    const rdata = Uint8Array.of(1, at % 250);
    return { owner: nameOf(`${'a'.repeat(1 + (at % 60))}.${(at * 7919) % 5000}.example.`), type: TYPE.TXT, rdata };
  });
  const { table, memory } = both(lines);
  expect(all(table.ascend(table.apexKey))).toEqual(all(memory.ascend(memory.apexKey)));
});

test('pieces of no octets and of all lengths are read as they were written', () => {
  const store = new OctetStore();
  const pieces = Array.from({ length: 3000 }, (_, at) => new Uint8Array(at % 7 === 0 ? 0 : (at * 37) % 300).fill(at));
  const positions = pieces.map((piece) => store.push(piece));
  expect(pieces.map((piece, at) => store.read(positions[at]!, piece.length))).toEqual(pieces);
  const longest = new Uint8Array(65_535).fill(9);
  expect(store.read(store.push(longest), longest.length)).toEqual(longest);
});

test('the root zone', () => {
  const table = new ZoneTable(ROOT);
  const type = TYPE.TXT;
  for (const owner of [ROOT, nameOf('b.a.')])
    table.addRrset(table.name(ownerKey(owner)), { owner, type, ttl: 1, rdatas: [Uint8Array.of(0)], at: WHOLE });
  expect([...new TableView(table).ascend('')].map(({ owner }) => formatName(owner))).toEqual(['.', 'a.', 'b.a.']);
});

test('RRsets come in the order of the file, with the place of their first record', () => {
  const table = new ZoneTable(APEX);
  const places = [inFile('a.zone', 3, 1), inFile('b.zone', 7, 9), inFile('a.zone', 4, 2), WHOLE];
  for (const [at, place] of places.entries()) {
    const owner = nameOf(at === 1 ? 'x.example.' : 'example.');
    table.addRrset(table.name(ownerKey(owner)), { owner, type: 100 - at, ttl: at, rdatas: [Uint8Array.of(at)], at: place });
  }
  expect(new TableView(table).size).toBe(2);
  expect([...table.rrsets()].map(({ type, at }) => [type, at])).toEqual([
    [100, places[0]],
    [98, places[2]],
    [97, places[3]],
    [99, places[1]],
  ]);
  expect([table.hasType(98), table.hasType(TYPE.ALIAS)]).toEqual([true, false]);
});

/** What a large change leaves of a zone: its own names and those that stay, in order, whatever both are. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rewritten } from '#control/import/rewritten.ts';
import { StoreFailure } from '#store/failure.ts';
import { nodeKey } from '#store/schema.ts';
import { hasNodes, isContent, readContent } from '#store/upkeep/nodes-under.ts';
import { type NodeWrite } from '#store/writer.ts';
import { temporaryStore, zoneRecord } from '../../support/temporary-store.ts';

const [ZONE, OTHER, NEW] = [1, 2, 9];
const audit = { atMs: 0 };

/** Keys that sort in many ways, of both trees; the first octet of a node is its flags. */
const places = fc.uniqueArray(
  fc.record({
    key: fc.string({ unit: fc.constantFrom('\u0000', 'a', 'b', '\u00ff'), minLength: 1, maxLength: 4 }),
    isHashed: fc.boolean(),
  }),
  { selector: ({ key, isHashed }) => `${key} ${isHashed}`, maxLength: 40 },
);
const octets = fc.uint8Array({ minLength: 1, maxLength: 6 });
const nodes = (value: fc.Arbitrary<Uint8Array | null>) =>
  places.chain((all) => fc.tuple(...all.map((place) => value.map((each) => ({ ...place, value: each })))));

const place = ({ key, isHashed = false }: Pick<NodeWrite, 'key' | 'isHashed'>) => `${isHashed ? 1 : 0} ${key}`;
const inOrder = <T extends Pick<NodeWrite, 'key' | 'isHashed'>>(all: readonly T[]) =>
  all.toSorted((a, b) => (place(a) < place(b) ? -1 : 1));

async function storeOf(before: readonly Omit<NodeWrite, 'zoneId'>[]) {
  const { writer } = temporaryStore();
  const put = [zoneRecord(ZONE, 'a.test.'), zoneRecord(OTHER, 'b.test.')];
  const beside = { zoneId: OTHER, key: 'a', value: Uint8Array.of(1) };
  await writer.commit({ audit, zones: { put }, nodes: [...before.map((each) => ({ ...each, zoneId: ZONE })), beside] });
  return writer;
}

const MOVE = { zoneId: ZONE, from: ZONE, to: NEW };

describe('rewritten', () => {
  test('gives what writing the changes where they are would leave, under the other id', async () => {
    await fc.assert(
      fc.asyncProperty(nodes(octets), nodes(fc.option(octets)), async (before, changes) => {
        const writer = await storeOf(before);
        const after = new Map(before.map((each) => [place(each), each.value]));
        let sameNames = true;
        for (const each of changes) {
          if (after.get(place(each))?.[0] !== each.value?.[0]) sameNames = false;
          if (each.value === null) after.delete(place(each));
          else after.set(place(each), each.value);
        }
        const facts = { sameNames: true };
        const own = inOrder(changes).map((each) => ({ ...each, zoneId: ZONE }));
        const given = [...rewritten(writer, MOVE, own, facts)].map((each) => [place(each), each.zoneId, [...each.value!]]);
        const wanted = [...after].toSorted(([a], [b]) => (a < b ? -1 : 1));
        expect(given).toEqual(wanted.map(([at, value]) => [at, NEW, [...value!]]));
        expect(facts.sameNames).toBe(sameNames);
        await writer.close();
      }),
      { numRuns: 40 },
    );
  });

  test('hands on names of other zones, and throws for names that are not in order', async () => {
    const writer = await storeOf([{ key: 'c', value: Uint8Array.of(7) }]);
    const change = (key: string, more: Partial<NodeWrite> = {}) => ({ zoneId: ZONE, key, value: Uint8Array.of(5), ...more });
    const through = (changes: readonly NodeWrite[]) => [...rewritten(writer, MOVE, changes, { sameNames: true })];
    const other = change('z', { zoneId: OTHER });
    expect(through([other, change('d')]).map(({ zoneId, key }) => [zoneId, key])).toEqual([
      [OTHER, 'z'],
      [NEW, 'c'],
      [NEW, 'd'],
    ]);
    const wrong = [
      [change('d'), change('b')],
      [change('d'), change('d')],
      [change('d', { isHashed: true }), change('e')],
    ];
    for (const each of wrong) expect(() => through(each)).toThrow('not in order');
  });

  test('a node that the disk has changed is not copied', async () => {
    const writer = await storeOf([{ key: 'c', value: Uint8Array.of(7, 8) }]);
    const { environment } = writer.inspect();
    await environment.db.nodes.put(nodeKey(ZONE, 'c'), Buffer.from([7, 9, 1, 2, 3, 4]));
    const damage = () => [...rewritten(writer, MOVE, [], { sameNames: true })];
    expect(damage).toThrow(StoreFailure);
    expect(damage).toThrow('checksum');
  });
});

test('what stands under an id', async () => {
  const writer = await storeOf([{ key: 'c', value: Uint8Array.of(7) }]);
  expect([ZONE, OTHER, NEW].map((id) => [isContent(writer, id), hasNodes(writer, id)])).toEqual([
    [true, true],
    [true, true],
    [false, false],
  ]);
  expect([...readContent(writer, 'nodes', ZONE)].map(({ key, node }) => [key, [...node]])).toEqual([['c', [7]]]);
});

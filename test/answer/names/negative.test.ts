/** Names in memory against the plain way: sorted arrays of strings, and a store. */
import { describe, expect, test } from 'vitest';
import { KeyRecords } from '#answer/names/key-records.ts';
import { KeyTable } from '#answer/names/key-table.ts';
import { hashKey } from '#answer/names/owner-key.ts';
import { NegativeIndex } from '#answer/names/negative.ts';
import { HAS_WILDCARD, SortedKeys } from '#answer/names/sorted-keys.ts';
import { fromLatin1, latin1 } from '#base/bytes.ts';
import { KEY_TABLE_RUN_MAX } from '#base/limits/answer.ts';
import { nameOf, ownerKey } from '#dns/name.ts';
import { NODE } from '#store/node-codec.ts';
import { MemorySource } from '../../support/memory-source.ts';
import { pick, type Random, seededRandom } from '../../support/random.ts';
import { zoneOf } from '../../support/random-zone.ts';
import { dummySigned } from '../../support/dummy-signed.ts';

const LABELS = ['a', 'b', '*', 'host0001', 'host0002', 'host00010', String.raw`\000`, String.raw`\001x`, 'l'.repeat(60), 'ns', 'x'];

function randomKey(random: Random): string {
  const labels = Array.from(
    { length: 1 + Math.floor(random() * 4) },
    () => pick(random, LABELS) + (random() < 0.5 ? '' : String(Math.floor(random() * 40))),
  );
  return ownerKey(nameOf(`${labels.join('.').slice(0, 240)}.`));
}

/** `key` and all above it. */
function ancestors(key: string): string[] {
  const keys: string[] = [];
  for (let end = key.indexOf('\0') + 1; end > 0; end = key.indexOf('\0', end) + 1) keys.push(key.slice(0, end));
  return keys;
}

describe('sorted keys', () => {
  test.each([1, 2, 3, 4, 5, 6])('are what a sorted list of the same names is (%i)', (seed) => {
    const random = seededRandom(seed);
    const list = new SortedKeys(seed % 2 === 0 ? 0 : 2000, true);
    const model = new Map<string, number>();
    const put = (key: string, flags: number) => {
      const octets = fromLatin1(key);
      list.put(octets, 0, octets.length, flags);
      model.set(key, flags);
    };
    const hasWildcard = (key: string) => model.has(`${key}*\0`);
    put('', NODE.APEX | NODE.HAS_NSEC);
    for (let step = 0; step < 3000; step++) {
      const key = randomKey(random);
      if (random() < 0.75)
        for (const each of ancestors(key)) if (!model.has(each) || each === key) put(each, random() < 0.6 ? NODE.HAS_NSEC : NODE.BELOW);
      if (random() < 0.3) {
        const gone = pick(random, [...model.keys()]);
        // Only leaves go, and never the apex.
        if (gone !== '' && ![...model.keys()].some((each) => each !== gone && each.startsWith(gone))) {
          const octets = fromLatin1(gone);
          list.remove(octets, 0, octets.length);
          model.delete(gone);
        }
      }
      if (step % 50 !== 0) continue;
      const sorted = [...model.keys()].toSorted();
      expect(list.size).toBe(sorted.length);
      for (let asked = 0; asked < 40; asked++) {
        const wanted = random() < 0.5 ? pick(random, sorted) : randomKey(random);
        const octets = Uint8Array.from([7, 7, ...fromLatin1(wanted)]);
        list.search(octets, 2, octets.length);
        const at = sorted.findLastIndex((each) => each <= wanted);
        const found = sorted[at]!;
        expect(list.isExact).toBe(found === wanted);
        const plain = octets.subarray(2);
        const number = list.find(hashKey(plain), plain, 0, plain.length);
        expect(number).toBe(found === wanted ? list.number : 0);
        if (number > 0) expect(list.flagsOf(number)).toBe(list.flags);
        const copy = new Uint8Array(600);
        expect(latin1(copy.subarray(0, list.copyKey(copy, 0)))).toBe(found);
        expect(list.isLength(found.length)).toBe(true);
        expect(list.flags).toBe(model.get(found)! | (hasWildcard(found) ? HAS_WILDCARD : 0));
        let common = 0;
        while (common < Math.min(found.length, wanted.length) && found[common] === wanted[common]) common++;
        expect(list.commonBytes(octets, 2, octets.length)).toBe(common);
        const { page, entry, number: before } = list;
        list.toApex();
        expect(list.isLength(0)).toBe(true);
        expect(list.apex).toBe(list.number);
        list.backTo(page, entry);
        expect(list.number).toBe(before);
        expect(list.toNsec(10_000)).toBe(true);
        const chained = sorted.slice(0, at + 1).findLast((each) => (model.get(each)! & NODE.HAS_NSEC) !== 0)!;
        expect(latin1(copy.subarray(0, list.copyKey(copy, 0)))).toBe(chained);
      }
    }
    expect(list.bytes).toBeGreaterThan(0);
  });

  test('keep numbers, and say when too many are gone', () => {
    const list = new SortedKeys(10);
    const put = (key: string) => list.put(fromLatin1(key), 0, key.length, 0);
    const numberOf = (key: string) => {
      list.search(fromLatin1(key), 0, key.length);
      return list.isExact ? list.number : -1;
    };
    for (const key of ['', 'b\0', 'a\0', 'c\0']) put(key);
    const numbers = [numberOf('c\0'), numberOf('b\0')];
    for (let each = 0; each < 500; each++) put(`b\0${each}\0`);
    expect(numberOf('c\0')).toBe(numbers[0]);
    expect(list.isWorn).toBe(false);
    for (let each = 0; each < 500; each++) list.remove(fromLatin1(`b\0${each}\0`), 0, `b\0${each}\0`.length);
    expect([numberOf('c\0'), numberOf('b\0'), list.size, list.isWorn]).toEqual([...numbers, 4, true]);
  });
});

describe('a table of keys', () => {
  const KEYS = 400;
  const keyOf = (at: number) => fromLatin1(`n${at}\0`);

  test('finds keys whose hashes are the same, also after some were removed', () => {
    const records = new KeyRecords(0);
    const table = new KeyTable(records, 0);
    const places = new Map<number, number>();
    const random = seededRandom(1);
    for (let step = 0; step < 4000; step++) {
      const at = Math.floor(random() * KEYS);
      const key = keyOf(at);
      const place = places.get(at);
      expect(table.find(at % 60, key, 0, key.length)).toBe(place ?? 0);
      if (place === undefined) {
        const added = records.add(key, 0, key.length, 0, at % 60);
        table.add(added);
        places.set(at, added);
      } else {
        table.remove(place);
        places.delete(at);
      }
    }
    expect(table.isWhole).toBe(true);
    for (let at = 0; at < KEYS; at++) expect(table.find(at % 60, keyOf(at), 0, keyOf(at).length)).toBe(places.get(at) ?? 0);
  });

  test('ends when names were made to share one place, and is no trouble afterwards', () => {
    const records = new KeyRecords(0);
    const table = new KeyTable(records, KEYS);
    const add = (at: number) => {
      const place = records.add(keyOf(at), 0, keyOf(at).length, 0, 7);
      table.add(place);
      return place;
    };
    for (let at = 0; at < KEY_TABLE_RUN_MAX; at++) add(at);
    expect(table.isWhole).toBe(true);
    const last = add(KEY_TABLE_RUN_MAX);
    expect([table.isWhole, table.bytes]).toEqual([false, 0]);
    table.remove(last);
    add(KEY_TABLE_RUN_MAX + 1);
  });
});

describe('which zones have their names in memory', () => {
  const zone = (count: number) =>
    dummySigned(
      zoneOf(
        'z.',
        `@ 60 SOA ns host 1 2 3 4 5\n@ 60 NS ns\n${Array.from({ length: count }, (_, at) => `n${at} 60 A 192.0.2.1`).join('\n')}`,
      ),
    );
  const index = (count: number, limits = {}) => {
    const source = new MemorySource([{ view: zone(count), signed: true }]);
    const made = new NegativeIndex(source, limits);
    made.setZones(source.storedZones());
    return made;
  };

  test('those that were asked for, read in slices', () => {
    const lists = index(100, { slice: 10 });
    expect(lists.isBusy).toBe(false);
    expect(lists.listOf(0)).toBeUndefined();
    let slices = 0;
    for (; lists.isBusy; slices++) lists.work();
    expect(slices).toBe(11);
    expect(lists.listOf(0)?.size).toBe(101);
  });

  test.each([
    ['nodes', { nodes: 50 }],
    ['octets', { bytes: 1000 }],
  ])('not those that have too many %s, and nothing is tried again and again', (_, limits) => {
    const lists = index(100, limits);
    for (let turn = 0; turn < 5; turn++) {
      expect(lists.listOf(0)).toBeUndefined();
      lists.work();
    }
    expect(lists.isBusy).toBe(false);
  });

  test('one that is dropped is read again when it is wanted', () => {
    const lists = index(5);
    lists.listOf(0);
    lists.work();
    expect(lists.listOf(0)).toBeDefined();
    lists.follow({ zoneId: 0, keys: 'all', sameNames: true });
    expect(lists.listOf(0)).toBeDefined();
    lists.follow({ zoneId: 0, keys: 'all', sameNames: false });
    expect(lists.listOf(0)).toBeUndefined();
    lists.work();
    expect(lists.listOf(0)?.size).toBe(6);
  });
});

/** NSEC3 records by the hash of a name: from the store and from memory, the same. That answers are right: test/laws/answer.test.ts. */
import { describe, expect, test } from 'vitest';
import { Dependencies } from '#answer/names/dependencies.ts';
import { HashedNames } from '#answer/names/hashed-names.ts';
import { nameOf, ownerKey } from '#dns/name.ts';
import { hashName, hashOfOwner, hashedOwner } from '#dns/nsec3.ts';
import { OWNER_OFFSET, ownerLength } from '#store/node-codec.ts';
import { MemoryZone } from '#zone/zone.ts';
import { type DummyNsec3, dummySigned } from '../../support/dummy-signed.ts';
import { MemorySource } from '../../support/memory-source.ts';
import { zoneOf } from '../../support/random-zone.ts';

const NSEC3: DummyNsec3 = { iterations: 2, salt: Uint8Array.of(1, 2, 3) };
const LABELS = Array.from({ length: 60 }, (_, at) => `h${at}`);
const ZONE = dummySigned(
  zoneOf('z.', `@ 60 SOA ns host 1 2 3 4 5\n@ 60 NS ns\n${LABELS.map((label) => `${label} 60 A 192.0.2.1`).join('\n')}`),
  NSEC3,
);
const OWNERS = [...ZONE.hashed.ascend(ZONE.apexKey)].map(({ owner }) => owner);

function hashedNames(view: MemoryZone, nodes: number) {
  const source = new MemorySource([{ view, signed: true }]);
  const dependencies = new Dependencies();
  const names = new HashedNames(source, dependencies, { nodes, slice: 7 });
  names.setZones(source.storedZones(), new Set(), new Map());
  names.noteApex(0, source.nodeBytes(0, Buffer.from(view.apexKey, 'latin1'), view.apexKey.length));
  return { names, source, dependencies };
}

/** The first octets of the owner that is found. */
function found(names: HashedNames, name: string, isWildcard = false): string | undefined {
  const node = names.find(0, nameOf(name), 0, isWildcard);
  return node && Buffer.from(node.subarray(OWNER_OFFSET, OWNER_OFFSET + ownerLength(node))).toString('hex');
}

/** RFC 5155 §1.3: the record with the hash, or the last before it, or the last of all. */
function expected(name: string): string {
  const owner = hashedOwner(hashName(NSEC3, nameOf(name)), nameOf('z.'));
  const at = OWNERS.findLast((each) => Buffer.compare(each, owner) <= 0) ?? OWNERS.at(-1)!;
  return Buffer.from(at).toString('hex');
}

describe.each([
  ['the store', 0],
  ['memory', 1000],
])('from %s', (_, nodes) => {
  test('RFC 5155 §3.1.7: what matches, and what covers, round the circle', () => {
    const { names } = hashedNames(ZONE, nodes);
    expect(names.isHashed(0)).toBe(true);
    names.find(0, nameOf('z.'), 0, false);
    while (names.index.isBusy) names.index.work();
    let matches = 0;
    for (const label of [...LABELS, ...Array.from({ length: 200 }, (_each, at) => `no${at}`)]) {
      expect(found(names, `${label}.Z.`)).toBe(expected(`${label}.z.`));
      if (names.isMatch) matches++;
    }
    expect(matches).toBe(LABELS.length);
    expect(found(names, 'h1.z.', true)).toBe(expected('*.h1.z.'));
    const place = names.place(0, nameOf('no7.z.'), 0);
    expect(place >= 0).toBe(nodes > 0);
    // The same record has the same place.
    const same = Array.from({ length: 200 }, (_each, at) => `no${at}.z.`).filter((name) => expected(name) === expected('no7.z.'));
    for (const name of same) expect(names.place(0, nameOf(name), 0)).toBe(place);
  });
});

test('a hash before the first is covered by the last', () => {
  const hashes = OWNERS.map((owner) => Buffer.from(hashOfOwner(owner)!));
  const before = Array.from({ length: 4000 }, (_, at) => `b${at}.z.`).find(
    (name) => Buffer.compare(Buffer.from(hashName(NSEC3, nameOf(name))), hashes[0]!) < 0,
  );
  for (const nodes of [0, 1000]) {
    const { names } = hashedNames(ZONE, nodes);
    found(names, 'z.');
    while (names.index.isBusy) names.index.work();
    expect(found(names, before!)).toBe(Buffer.from(OWNERS.at(-1)!).toString('hex'));
  }
});

test('a chain that is not there: nothing is found, and nothing is kept', () => {
  const empty = new MemoryZone(nameOf('z.'), new Map([[ownerKey(nameOf('z.')), ZONE.node(ZONE.apexKey)!]]));
  for (const nodes of [0, 1000]) {
    const { names, dependencies } = hashedNames(empty, nodes);
    expect(found(names, 'a.z.')).toBeUndefined();
    expect(dependencies.isOpen).toBe(true);
    while (names.index.isBusy) names.index.work();
    expect(names.place(0, nameOf('a.z.'), 0)).toBe(-1);
  }
});

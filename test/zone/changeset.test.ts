import { atRrset } from '#base/place.ts';
import { describe, expect, test } from 'vitest';
import { nameOf, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { planChange } from '#dnssec/plan.ts';
import {
  type ChangedRrset,
  type Changeset,
  type RrsetChange,
  applyChangeset,
  diffZones,
  invertChangeset,
  revertChanges,
  serialOf,
} from '#zone/changeset.ts';
import { decodeChangeset, encodeChangeset } from '#zone/changeset-codec.ts';
import { changesetLines, formatChangeset } from '#zone/changeset-text.ts';
import { type ZoneView, rrsetOf } from '#zone/view.ts';
import { type MemoryZone, memoryZone, zoneRrsets } from '#zone/zone.ts';
import { APEX, apexChanges, randomChange } from '../support/random-changes.ts';
import { seededRandom } from '../support/random.ts';

const EMPTY = memoryZone(APEX, []);

function change(view: MemoryZone, changes: readonly RrsetChange[]): { view: MemoryZone; changeset: Changeset } {
  const plan = planChange(view, changes, undefined);
  return { view: view.edited(new Map([...plan.nodes].map(([key, each]) => [key, each?.node ?? null]))), changeset: plan.changeset };
}

function addresses(owner: string, ttl: number, ...last: number[]): RrsetChange {
  return {
    owner: nameOf(owner),
    type: TYPE.A,
    rrset: { ttl, rdatas: last.map((octet) => Uint8Array.of(192, 0, 2, octet)), manager: 'manual' },
  };
}

/** A zone's records but for the SOA, the managers and the case of owners. */
function content(view: ZoneView): object[] {
  return [...zoneRrsets(view)]
    .filter(({ type }) => type !== TYPE.SOA)
    .map(({ owner, type, ttl, rdatas }) => ({ key: ownerKey(owner), type, ttl, rdatas }));
}

const START = change(EMPTY, [...apexChanges(), addresses('a.example.', 300, 1, 2)]).view;

describe('RFC 1995 §4: what a changeset holds', () => {
  test('old SOA first, new SOA first, only the records that came or went', () => {
    const { changeset } = change(START, [addresses('a.example.', 300, 2, 3), addresses('b.example.', 60, 9)]);
    expect(formatChangeset(changeset)).toEqual([
      '- example. 3600 IN SOA ns.example. host.example. 1 7200 900 604800 300',
      '- a.example. 300 IN A 192.0.2.1',
      '+ example. 3600 IN SOA ns.example. host.example. 2 7200 900 604800 300',
      '+ a.example. 300 IN A 192.0.2.3',
      '+ b.example. 60 IN A 192.0.2.9',
    ]);
    expect(changeset).toMatchObject({ fromSerial: 1, toSerial: 2 });
  });
  test('another TTL makes every record another one', () => {
    const { changeset } = change(START, [addresses('a.example.', 301, 1, 2)]);
    expect(formatChangeset(changeset).filter((line) => line.includes('192.0.2'))).toEqual([
      '- a.example. 300 IN A 192.0.2.1',
      '- a.example. 300 IN A 192.0.2.2',
      '+ a.example. 301 IN A 192.0.2.1',
      '+ a.example. 301 IN A 192.0.2.2',
    ]);
  });
  test('a new zone has nothing to delete', () => {
    expect(diffZones(undefined, START)).toMatchObject({ fromSerial: 0, toSerial: 1, deleted: [] });
    expect(diffZones(undefined, START).added).toHaveLength(4);
  });
  test('lines are capped and the rest is counted', () => {
    const lines = changesetLines(diffZones(undefined, START), 3);
    expect(lines.added).toHaveLength(3);
    expect(lines.added[0]).toContain('SOA');
    expect(lines).toMatchObject({ deleted: [], omitted: 2, toSerial: 1 });
  });
});

describe('laws', () => {
  const random = seededRandom(5);
  const steps: { before: MemoryZone; after: MemoryZone; changeset: Changeset }[] = [];
  for (let view = START; steps.length < 150;) {
    const after = change(view, [randomChange(random), randomChange(random), randomChange(random)]);
    steps.push({ before: view, after: after.view, changeset: after.changeset });
    view = after.view;
  }

  test('decode ∘ encode = id, but for managers, which secondaries need not know', () => {
    const bare = ({ manager: _manager, ...rrset }: ChangedRrset) => rrset;
    for (const { changeset } of steps) {
      const { deleted, added } = changeset;
      const expected = { ...changeset, deleted: deleted.map(bare), added: added.map(bare) };
      expect(decodeChangeset(encodeChangeset(changeset))).toEqual(expected);
    }
  });
  test('apply ∘ diff = id, forwards and backwards', () => {
    const bare = (view: ZoneView): unknown[] =>
      [...zoneRrsets(view)].map(({ type, ttl, rdatas, signatures, owner }) => ({ key: ownerKey(owner), type, ttl, rdatas, signatures }));
    for (const { before, after, changeset } of steps) {
      const forwards = applyChangeset([...zoneRrsets(before)], changeset);
      const backwards = applyChangeset([...zoneRrsets(after)], invertChangeset(changeset));
      expect(forwards.ok && bare(memoryZone(APEX, forwards.value))).toEqual(bare(after));
      expect(backwards.ok && bare(memoryZone(APEX, backwards.value))).toEqual(bare(before));
    }
  });
  test('revert brings the records back under a new serial', () => {
    for (const { before, after, changeset } of steps) {
      const changes = revertChanges(after, changeset);
      if (!changes.ok) throw new Error(JSON.stringify(changes.problems));
      const back = change(after, changes.value).view;
      expect(content(back)).toEqual(content(before));
      expect(serialOf(back)).toBeGreaterThanOrEqual(serialOf(after));
    }
  });
});

describe('changesets that do not fit', () => {
  const { changeset, view } = change(START, [addresses('a.example.', 300, 3)]);

  test('apply names the records and changes nothing', () => {
    const again = applyChangeset([...zoneRrsets(view)], changeset);
    expect(again).toMatchObject({ ok: false });
    expect(!again.ok && again.problems.map(({ code }) => code)).toContain('CHANGESET_MISMATCH');
  });
  test('revert refuses what was changed again since', () => {
    const later = change(view, [addresses('a.example.', 300, 4)]).view;
    expect(revertChanges(later, changeset)).toMatchObject({
      ok: false,
      problems: [{ code: 'CHANGESET_SUPERSEDED', at: atRrset('a.example.') }],
    });
  });
  test('revert of a removed name brings it back, and other records of the RRset stay', () => {
    const removed = change(START, [{ owner: nameOf('a.example.'), type: TYPE.A, rrset: null }]);
    const changes = revertChanges(change(removed.view, [addresses('a.example.', 300, 7)]).view, removed.changeset);
    expect(changes.ok && changes.value[0]?.rrset?.rdatas.map((rdata) => rdata[3])).toEqual([1, 2, 7]);
  });
  test('revert restores the other fields of the SOA and keeps the serial of now', () => {
    const soa = apexChanges()[0]!;
    const changed = change(START, [{ ...soa, rrset: { ...soa.rrset!, ttl: 60 } }]);
    const changes = revertChanges(changed.view, changed.changeset);
    const back = change(changed.view, changes.ok ? changes.value : []).view;
    expect(rrsetOf(back.node(back.apexKey), TYPE.SOA)?.ttl).toBe(3600);
    expect(serialOf(back)).toBe(3);
  });
});

test('decoding asserts the form', () => {
  const bytes = encodeChangeset(diffZones(undefined, START));
  expect(() => decodeChangeset(bytes.subarray(0, bytes.length - 1))).toThrow('cut short');
  expect(() => decodeChangeset(Uint8Array.of(9, ...bytes.subarray(1)))).toThrow('format 9');
  expect(() => decodeChangeset(Uint8Array.of(...bytes, 0))).toThrow('more in it');
});

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type OwnerKey, nameOf, ownerKey } from '#dns/name.ts';
import { overlayZone } from '#zone/overlay.ts';
import { type ZoneNode } from '#zone/view.ts';
import { MemoryZone } from '#zone/zone.ts';

const APEX = nameOf('example.');
const LABELS = ['', 'a.', 'b.', 'c.', 'd.', 'a.b.', 'b.b.', 'c.b.', '*.b.', 'a.d.', 'b.a.d.'];
const KEYS = LABELS.map((label) => ownerKey(nameOf(`${label}example.`)));

/** Nodes told apart by their owner field alone. */
function node(key: OwnerKey, version: number): ZoneNode {
  return { key, owner: Uint8Array.of(version), rrsets: [] };
}

const base = fc.subarray(KEYS).map((keys) => new MemoryZone(APEX, new Map(keys.map((key) => [key, node(key, 1)]))));
const edits = fc
  .subarray(KEYS)
  .chain((keys) => fc.tuple(...keys.map((key) => fc.constantFrom([key, node(key, 2)] as const, [key, null] as const))))
  .map((entries) => new Map<OwnerKey, ZoneNode | null>(entries));

test('an overlay looks like the edited zone from every key, in both directions', () => {
  fc.assert(
    fc.property(base, edits, fc.constantFrom(...KEYS, '', '\u{ff}', `${KEYS[2]!}x`), (zone, changes, from) => {
      const overlay = overlayZone(zone, changes);
      const edited = zone.edited(changes);
      expect([...overlay.ascend(from)]).toEqual([...edited.ascend(from)]);
      expect([...overlay.descend(from)]).toEqual([...edited.descend(from)]);
      expect(overlay.node(from)).toEqual(edited.node(from));
    }),
    { numRuns: 500 },
  );
});

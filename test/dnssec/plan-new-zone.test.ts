/** The plan of a new zone in slices is the plan of the whole: the same nodes, signatures, chain and serial. */
import { expect, test } from 'vitest';
import { deterministicKey } from '#dnssec/key.ts';
import { planNewZone } from '#dnssec/plan-new-zone.ts';
import { type SigningSettings, planChange, signBatches } from '#dnssec/plan.ts';
import { sortRdatas } from '#dns/rrset.ts';
import { formatChangeset } from '#zone/changeset-text.ts';
import { type RrsetChange } from '#zone/changeset.ts';
import { type ZoneRrset, memoryZone } from '#zone/zone.ts';
import { APEX, apexChanges, lastOfEach, randomChange } from '../support/random-changes.ts';
import { seededRandom } from '../support/random.ts';

const KEY = deterministicKey(new Uint8Array(32).fill(3));
const ZSK = deterministicKey(new Uint8Array(32).fill(4), 256);
const EMPTY = memoryZone(APEX, []);
const NOW = { nowSeconds: 1_800_000_000 };
const SIGNINGS: readonly (readonly [string, SigningSettings | undefined])[] = [
  ['unsigned', undefined],
  ['by one key', { keys: [KEY], published: [KEY], ...NOW }],
  ['by two keys', { keys: [ZSK], keySigners: [KEY], published: [KEY, ZSK], ...NOW }],
];

function changesOf(seed: number): RrsetChange[] {
  const random = seededRandom(seed);
  const made = Array.from({ length: Math.floor(random() * 60) }, () => randomChange(random));
  const manual = made.flatMap((each) => (each.rrset === null ? [] : [{ ...each, rrset: { ...each.rrset, manager: 'manual' as const } }]));
  return lastOfEach([...apexChanges(7), ...manual]);
}

function planned(changes: readonly RrsetChange[], signing: SigningSettings | undefined, sliceNodes: number, serial?: number) {
  const rrsets = changes.map(({ owner, type, rrset }): ZoneRrset => {
    return { owner, type, ...rrset!, rdatas: sortRdatas(type, rrset!.rdatas) };
  });
  const plan = planNewZone(memoryZone(APEX, rrsets), signing, { sliceNodes, serial });
  const nodes = [...plan.slices].flatMap((slice) => slice.finish(signBatches(slice.batches)));
  return { ...plan, nodes: new Map(nodes.map((each) => [each.node.key, each])) };
}

test.each(SIGNINGS.flatMap(([what, signing]) => Array.from({ length: 12 }, (_, seed) => [what, seed, signing] as const)))(
  '%s, seed %i',
  (_what, seed, signing) => {
    const changes = changesOf(seed);
    const whole = planChange(EMPTY, changes, signing);
    const sliced = planned(changes, signing, 1 + (seed % 7));
    expect([...sliced.nodes]).toEqual([...whole.nodes]);
    expect(sliced.toSerial).toBe(whole.changeset.toSerial);
    expect(sliced.counts.nodes).toBe(whole.nodes.size);
    expect(sliced.counts.changedRrsets).toBe(whole.changeset.added.length);
    expect(formatChangeset(whole.changeset).length).toBeGreaterThan(0);
  },
);

test('a zone that comes back has a newer serial', () => {
  const signing = SIGNINGS[1]![1];
  const sliced = planned(apexChanges(7), signing, 10, 99);
  const whole = planChange(EMPTY, apexChanges(99), signing);
  expect(sliced.toSerial).toBe(99);
  expect([...sliced.nodes]).toEqual([...whole.nodes]);
});

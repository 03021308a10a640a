/**
 * Laws of signed zones: what a long history of small changes leaves behind is, octet for octet, what signing the final records at
 * once gives; and a naive chain, straight from RFC 4034 §4 and RFC 4035 §2.3, agrees with both.
 */
import { describe, expect, test } from 'vitest';
import { type OwnerKey, lowerName, nameOf, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { encodeTypeBitmap } from '#dnssec/denial.ts';
import { deterministicKey } from '#dnssec/key.ts';
import { type SigningSettings, type ZonePlan, planChange } from '#dnssec/plan.ts';
import { verifyNodes } from '#dnssec/verify.ts';
import { type RrsetChange, applyChangeset, diffZones, serialOf } from '#zone/changeset.ts';
import { NODE_FLAG } from '#zone/node-flags.ts';
import { type ZoneView, rrsetOf } from '#zone/view.ts';
import { type MemoryZone, memoryZone, zoneRrsets } from '#zone/zone.ts';
import { APEX, apexChanges, randomChange, soaOf } from '../support/random-changes.ts';
import { pick, type Random, seededRandom } from '../support/random.ts';

const NOW_SECONDS = 1_800_000_000;
const KEY = deterministicKey(new Uint8Array(32).fill(7));
/** Signatures that cost nothing and depend on all the data: histories can be long. */
const CHEAP = { ...KEY, sign: cheapSignature };
const SIGNING: SigningSettings = { keys: [CHEAP], published: [KEY], nowSeconds: NOW_SECONDS };
const EMPTY = memoryZone(APEX, []);

function cheapSignature(data: Uint8Array): Uint8Array {
  const signature = new Uint8Array(64);
  data.forEach((octet, at) => (signature[at % 64] = Math.imul(signature[at % 64]! ^ octet, 31) + at));
  return signature;
}

class History {
  view: MemoryZone = EMPTY;
  readonly flags = new Map<OwnerKey, number>();

  apply(plan: ZonePlan): void {
    this.view = this.view.edited(new Map([...plan.nodes].map(([key, planned]) => [key, planned?.node ?? null])));
    for (const [key, planned] of plan.nodes) {
      if (planned === null) this.flags.delete(key);
      else this.flags.set(key, planned.flags);
    }
  }
}

/** What somebody would import to get this zone: its own records without those of signing. */
function ownRecords(view: ZoneView): RrsetChange[] {
  return [...zoneRrsets(view)]
    .filter(({ manager }) => manager !== 'dnssec')
    .map(({ owner, type, ttl, rdatas, manager }) => ({ owner, type, rrset: { ttl, rdatas, manager } }));
}

function rebuilt(view: ZoneView, signing: SigningSettings | undefined): History {
  const history = new History();
  history.apply(planChange(EMPTY, ownRecords(view), signing));
  return history;
}

function nodesOf({ view, flags }: History): unknown[] {
  return [...view.ascend(view.apexKey)].map((node) => ({ ...node, flags: flags.get(node.key) }));
}

/** A third of the batches takes away what is there, so that names, empty non-terminals and cuts go as often as they come. */
function randomBatch(random: Random, view: ZoneView): RrsetChange[] {
  if (random() < 0.3) return removals(random, view);
  const changes = Array.from({ length: pick(random, [1, 1, 1, 2, 3, 12]) }, () => randomChange(random));
  if (random() < 0.04) {
    const rdatas = [soaOf(1, pick(random, [60, 300, 900]))];
    changes.push({ owner: APEX, type: TYPE.SOA, rrset: { ttl: pick(random, [120, 3600]), rdatas, manager: 'manual' } });
  }
  if (random() < 0.03) {
    const rrset = random() < 0.3 ? { ttl: 60, rdatas: [nameOf('x.test.')], manager: 'manual' as const } : null;
    changes.push({ owner: APEX, type: TYPE.DNAME, rrset });
  }
  return changes;
}

function removals(random: Random, view: ZoneView): RrsetChange[] {
  const present = ownRecords(view).filter(({ owner }) => owner.length > APEX.length);
  const few = Array.from({ length: Math.min(present.length, pick(random, [1, 1, 2, 5])) }, () => pick(random, present));
  const owners = new Set(few.map(({ owner }) => ownerKey(owner)));
  const gone = random() < 0.5 ? few : present.filter(({ owner }) => owners.has(ownerKey(owner)));
  return gone.map(({ owner, type }) => ({ owner, type, rrset: null }));
}

function expectRebuilt(history: History, signing: SigningSettings | undefined): void {
  expect(nodesOf(history)).toEqual(nodesOf(rebuilt(history.view, signing)));
}

function expectNothingOfSigning(view: ZoneView): void {
  for (const rrset of [...zoneRrsets(view)])
    expect(rrset).toMatchObject({ signatures: [], manager: expect.stringMatching(/^(manual|mail)$/) });
}

describe('incremental ≡ rebuilt', () => {
  test.each([1, 2, 3, 4])('after 1200 random changes of a signed zone, seed %i', (seed) => {
    const random = seededRandom(seed);
    const history = new History();
    history.apply(planChange(EMPTY, apexChanges(), SIGNING));
    let sizeMax = 0;
    for (let step = 1; step <= 1200; step++) {
      const before = history.view;
      const plan = planChange(before, randomBatch(random, before), SIGNING);
      history.apply(plan);
      expect(serialOf(history.view)).toBe(serialOf(before) + (plan.changed ? 1 : 0));
      sizeMax = Math.max(sizeMax, history.view.size);
      if (step % 40 > 0) continue;
      expectRebuilt(history, SIGNING);
      expect(naiveChain(history.view)).toEqual(chainOf(history.view));
    }
    expect(sizeMax).toBeGreaterThan(50);
  });

  test('each plan holds exactly what changed, and its changeset leads from one zone to the other', () => {
    const random = seededRandom(11);
    const history = new History();
    history.apply(planChange(EMPTY, apexChanges(), SIGNING));
    for (let step = 0; step < 400; step++) {
      const before = history.view;
      const plan = planChange(before, randomBatch(random, before), SIGNING);
      history.apply(plan);
      expect(plan.changeset).toEqual(diffZones(before, history.view));
      const applied = applyChangeset([...zoneRrsets(before)], plan.changeset);
      if (!applied.ok) throw new Error(JSON.stringify(applied.problems));
      const withoutManagers = (list: readonly object[]): unknown[] => list.map((each) => ({ ...each, owner: 0, manager: 0 }));
      expect(withoutManagers(applied.value)).toEqual(withoutManagers([...zoneRrsets(history.view)]));
      for (const [key, planned] of plan.nodes) {
        const old = before.node(key);
        if (planned !== null && old !== undefined && history.flags.get(key) === planned.flags && plan.changed) continue;
        expect(planned?.node).not.toEqual(old);
      }
    }
  });

  test('unsigned zones, and signing turned on and off in the middle', () => {
    const random = seededRandom(21);
    const history = new History();
    let signing: SigningSettings | undefined;
    expect.hasAssertions();
    history.apply(planChange(EMPTY, apexChanges(), signing));
    for (let step = 1; step <= 600; step++) {
      if (step % 50 === 0) signing = signing === undefined ? SIGNING : undefined;
      history.apply(planChange(history.view, randomBatch(random, history.view), signing));
      if (step % 25 === 0) expectRebuilt(history, signing);
      if (signing === undefined) expectNothingOfSigning(history.view);
    }
  });

  test('with real signatures every node passes the check of an own kind', () => {
    const random = seededRandom(31);
    const signing = { ...SIGNING, keys: [KEY] };
    const history = new History();
    history.apply(planChange(EMPTY, apexChanges(), signing));
    for (let step = 0; step < 60; step++) history.apply(planChange(history.view, randomBatch(random, history.view), signing));
    const nodes = [...history.view.ascend(history.view.apexKey)].map((node) => ({ node, flags: history.flags.get(node.key)! }));
    expect(verifyNodes(APEX, nodes, [KEY.dnskey], { nowSeconds: NOW_SECONDS, view: history.view })).toEqual([]);
  });
});

interface Link {
  readonly owner: OwnerKey;
  readonly next: Uint8Array;
  readonly bitmap: Uint8Array;
  readonly ttl: number;
}

/** The chain as it stands in the zone. */
function chainOf(view: ZoneView): Link[] {
  return [...view.ascend(view.apexKey)].flatMap((node) => {
    const nsec = rrsetOf(node, TYPE.NSEC);
    if (nsec === undefined) return [];
    const rdata = nsec.rdatas[0]!;
    const length = wireLength(rdata);
    return [{ owner: node.key, next: rdata.subarray(0, length), bitmap: rdata.subarray(length), ttl: nsec.ttl }];
  });
}

function wireLength(rdata: Uint8Array): number {
  let at = 0;
  while (rdata[at] !== 0) at += rdata[at]! + 1;
  return at + 1;
}

/** RFC 4035 §2.3 word by word: every name, its ancestors, its types; sorted; each pointing to the next. */
function naiveChain(view: ZoneView): Link[] {
  const types = new Map<OwnerKey, number[]>();
  for (const { owner, type, manager } of [...zoneRrsets(view)]) {
    const generated = manager === 'dnssec' && type === TYPE.NSEC;
    if (!generated) types.set(ownerKey(owner), [...(types.get(ownerKey(owner)) ?? []), type]);
  }
  const apexKey = view.apexKey;
  const isCut = (key: OwnerKey): boolean => key !== apexKey && (types.get(key)?.includes(TYPE.NS) ?? false);
  const hidden = (key: OwnerKey): boolean =>
    [...types.keys()].some((above) => above !== key && key.startsWith(above) && (isCut(above) || types.get(above)!.includes(TYPE.DNAME)));
  const owners = [...types.keys()].filter((key) => !hidden(key)).toSorted();
  const soa = rrsetOf(view.node(apexKey), TYPE.SOA)!;
  const minimum = new DataView(soa.rdatas[0]!.buffer, soa.rdatas[0]!.byteOffset).getUint32(soa.rdatas[0]!.length - 4);
  return owners.map((owner, at) => ({
    owner,
    next: lowerName(view.node(owners[(at + 1) % owners.length]!)!.owner),
    bitmap: encodeTypeBitmap([
      ...types.get(owner)!.filter((type) => !isCut(owner) || type === TYPE.NS || type === TYPE.DS),
      TYPE.RRSIG,
      TYPE.NSEC,
    ]),
    ttl: Math.min(soa.ttl, minimum),
  }));
}

test('flags say what a node is', () => {
  const record = (owner: string, type: number, rdata: Uint8Array): RrsetChange => ({
    owner: nameOf(owner),
    type,
    rrset: { ttl: 60, rdatas: [rdata], manager: 'manual' },
  });
  const address = Uint8Array.of(192, 0, 2, 1);
  const plan = planChange(
    EMPTY,
    [
      ...apexChanges(),
      record('cut.example.', TYPE.NS, nameOf('ns.cut.example.')),
      record('ns.cut.example.', TYPE.A, address),
      record('dname.example.', TYPE.DNAME, nameOf('x.test.')),
      record('old.dname.example.', TYPE.A, address),
      record('alias.example.', TYPE.CNAME, nameOf('x.test.')),
      record('a.ent.example.', TYPE.A, address),
    ],
    SIGNING,
  );
  const { APEX: apex, CUT, DNAME, BELOW, HAS_CNAME, HAS_NSEC } = NODE_FLAG;
  const flags = (name: string): number | undefined => plan.nodes.get(ownerKey(nameOf(name)))?.flags;
  expect(flags('example.')).toBe(apex | HAS_NSEC);
  expect(flags('cut.example.')).toBe(CUT | HAS_NSEC);
  expect(flags('ns.cut.example.')).toBe(BELOW);
  expect(flags('dname.example.')).toBe(DNAME | HAS_NSEC);
  expect(flags('old.dname.example.')).toBe(BELOW);
  expect(flags('alias.example.')).toBe(HAS_CNAME | HAS_NSEC);
  expect(flags('ent.example.')).toBe(0);
});

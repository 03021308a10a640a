/**
 * Laws of zones with NSEC3: what a long history of small changes leaves behind is, octet for octet, what signing the
 * final records at once gives; a naive chain, straight from RFC 5155 §7.1, agrees with both; and NSEC and NSEC3 take
 * turns without a trace of the other.
 */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type Name, type OwnerKey, formatName, lowerName, nameOf, ownerKey } from '#dns/name.ts';
import { NSEC3_PARAMETERS, hashName, nsec3Fields } from '#dns/nsec3.ts';
import { TYPE } from '#dns/types.ts';
import { decodeTypeBitmap } from '#dnssec/denial.ts';
import { deterministicKey } from '#dnssec/key.ts';
import { type SigningSettings, type ZonePlan, planChange, planRefresh, preparePlan } from '#dnssec/plan.ts';
import { verifyHashed, verifyNodes } from '#dnssec/verify.ts';
import { type RrsetChange, diffZones } from '#zone/changeset.ts';
import { type ZoneView, rrsetOf } from '#zone/view.ts';
import { type MemoryZone, allNodes, memoryZone, zoneRrsets } from '#zone/zone.ts';
import { APEX, apexChanges, randomChange, soaOf } from '../support/random-changes.ts';
import { pick, type Random, seededRandom } from '../support/random.ts';

const NOW_SECONDS = 1_800_000_000;
const KEY = deterministicKey(new Uint8Array(32).fill(7));
/** Signatures that cost nothing and depend on all the data: histories can be long. */
const CHEAP = { ...KEY, sign: cheapSignature };
const NSEC: SigningSettings = { keys: [CHEAP], published: [KEY], nowSeconds: NOW_SECONDS };
const NSEC3: SigningSettings = { ...NSEC, nsec3: NSEC3_PARAMETERS };
const SALTED: SigningSettings = { ...NSEC, nsec3: { iterations: 5, salt: Uint8Array.of(0xaa, 0xbb) } };
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
    const edits = new Map([...plan.nodes].map(([key, planned]) => [key, planned?.node ?? null]));
    this.view = this.view.edited(edits, plan.hashed);
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

function rebuilt(view: ZoneView, signing: SigningSettings): MemoryZone {
  const history = new History();
  history.apply(planChange(EMPTY, ownRecords(view), signing));
  return history.view;
}

function randomBatch(random: Random, view: ZoneView): RrsetChange[] {
  if (random() < 0.3) {
    const present = ownRecords(view).filter(({ owner }) => owner.length > APEX.length);
    const gone = Array.from({ length: Math.min(present.length, pick(random, [1, 1, 2, 5])) }, () => pick(random, present));
    return gone.map(({ owner, type }) => ({ owner, type, rrset: null }));
  }
  const changes = Array.from({ length: pick(random, [1, 1, 1, 2, 3, 12]) }, () => randomChange(random));
  if (random() < 0.04) {
    const rdatas = [soaOf(1, pick(random, [60, 300, 900]))];
    changes.push({ owner: APEX, type: TYPE.SOA, rrset: { ttl: pick(random, [120, 3600]), rdatas, manager: 'manual' } });
  }
  return changes;
}

interface Link {
  readonly owner: string;
  readonly next: string;
  readonly types: readonly number[];
  readonly ttl: number;
}

const DIGITS = '0123456789abcdefghijklmnopqrstuv';

/** The hash in hexadecimal by the platform, and in base32hex. */
function platformHash(name: Name, { iterations, salt } = NSEC3_PARAMETERS): { readonly hex: string; readonly label: string } {
  let hash: Uint8Array = lowerName(name);
  for (let each = 0; each <= iterations; each++) hash = createHash('sha1').update(hash).update(salt).digest();
  const bits = [...hash].map((octet) => octet.toString(2).padStart(8, '0')).join('');
  return { hex: Buffer.from(hash).toString('hex'), label: bits.replace(/.{5}/g, (group) => DIGITS[Number.parseInt(group, 2)]!) };
}

function chainOf(view: ZoneView): Link[] {
  return [...view.hashed.ascend(view.apexKey)].map(({ owner, rrsets }) => {
    expect(rrsets.map(({ type }) => type)).toEqual([TYPE.NSEC3]);
    const { nextHash, bitmap, flags } = nsec3Fields(rrsets[0]!.rdatas[0]!);
    expect(flags).toBe(0);
    const next = Buffer.from(nextHash).toString('hex');
    return { owner: formatName(owner), next, types: decodeTypeBitmap(bitmap)!, ttl: rrsets[0]!.ttl };
  });
}

/** RFC 5155 §7.1 word by word. */
function naiveChain(view: ZoneView, parameters = NSEC3_PARAMETERS): Link[] {
  const types = new Map<OwnerKey, number[]>();
  for (const { owner, type } of [...zoneRrsets(view)].filter((rrset) => rrset.type !== TYPE.NSEC3)) {
    const key = ownerKey(owner);
    types.set(key, [...(types.get(key) ?? []), type]);
  }
  const { apexKey } = view;
  const isCut = (key: OwnerKey): boolean => key !== apexKey && (types.get(key)?.includes(TYPE.NS) ?? false);
  const isHidden = (key: OwnerKey): boolean =>
    [...types.keys()].some((above) => above !== key && key.startsWith(above) && (isCut(above) || types.get(above)!.includes(TYPE.DNAME)));
  const names = new Set<OwnerKey>();
  for (const key of types.keys()) {
    if (isHidden(key)) continue;
    // Each name, and each empty non-terminal between it and the apex.
    for (let at = key; at.length >= apexKey.length; at = at.slice(0, at.lastIndexOf('\u0000', at.length - 2) + 1)) {
      names.add(at);
      if (at === apexKey) break;
    }
  }
  const soa = rrsetOf(view.node(apexKey), TYPE.SOA)!;
  const minimum = Buffer.from(soa.rdatas[0]!).readUInt32BE(soa.rdatas[0]!.length - 4);
  const links = [...names].map((key) => {
    const at = view.node(key)!;
    const own = (types.get(key) ?? []).filter((type) => !isCut(key) || type === TYPE.NS || type === TYPE.DS);
    const isSigned = own.some((type) => !isCut(key) || type === TYPE.DS);
    return { ...platformHash(at.owner, parameters), types: (isSigned ? [...own, TYPE.RRSIG] : own).toSorted((a, b) => a - b) };
  });
  links.sort((a, b) => (a.hex < b.hex ? -1 : 1));
  return links.map(({ label, types: listed }, at) => ({
    owner: `${label}.${formatName(view.apex)}`,
    next: links[(at + 1) % links.length]!.hex,
    types: listed,
    ttl: Math.min(soa.ttl, minimum),
  }));
}

describe('RFC 5155 §7.1: incremental ≡ rebuilt', () => {
  test.each([1, 2, 3])('after 900 random changes of a zone with NSEC3, seed %i', (seed) => {
    const random = seededRandom(seed);
    const history = new History();
    history.apply(planChange(EMPTY, apexChanges(), NSEC3));
    let longest = 0;
    for (let step = 1; step <= 900; step++) {
      const before = history.view;
      const plan = planChange(before, randomBatch(random, before), NSEC3);
      history.apply(plan);
      longest = Math.max(longest, chainOf(history.view).length);
      if (step % 30 > 0) continue;
      expect([...allNodes(history.view)]).toEqual([...allNodes(rebuilt(history.view, NSEC3))]);
      expect(chainOf(history.view)).toEqual(naiveChain(history.view));
      expect(plan.changeset).toEqual(diffZones(before, history.view));
    }
    expect(longest).toBeGreaterThan(50);
  });

  test('NSEC, NSEC3 and other parameters take turns, and nothing of the one before stays', () => {
    const random = seededRandom(41);
    const history = new History();
    let signing: SigningSettings = NSEC;
    history.apply(planChange(EMPTY, apexChanges(), signing));
    for (let step = 1; step <= 240; step++) {
      if (step % 20 === 0) signing = pick(random, [NSEC, NSEC3, SALTED]);
      // The switch alone, and the switch with other changes.
      const changes = step % 40 === 0 ? [] : randomBatch(random, history.view);
      history.apply(planChange(history.view, changes, signing));
      if (step % 10 > 0) continue;
      expect([...allNodes(history.view)]).toEqual([...allNodes(rebuilt(history.view, signing))]);
      if (signing.nsec3 !== undefined) expect(chainOf(history.view)).toEqual(naiveChain(history.view, signing.nsec3));
      else expect(chainOf(history.view)).toEqual([]);
    }
  });

  test('a switch signs the records that say what there is not, and no other', () => {
    const history = new History();
    const random = seededRandom(5);
    history.apply(planChange(EMPTY, [...apexChanges(), ...Array.from({ length: 40 }, () => randomChange(random))], NSEC));
    const plan = planChange(history.view, [], NSEC3);
    // NSEC3PARAM and the SOA beside them.
    expect(plan.signatureCount).toBe(plan.hashed.size + 2);
    history.apply(plan);
    expect(plan.hashed.size).toBe(chainOf(history.view).length);
  });

  test('with real signatures every node passes the check of an own kind', () => {
    const random = seededRandom(31);
    const signing = { ...NSEC3, keys: [KEY] };
    const history = new History();
    history.apply(planChange(EMPTY, apexChanges(), signing));
    for (let step = 0; step < 60; step++) history.apply(planChange(history.view, randomBatch(random, history.view), signing));
    const { view } = history;
    const options = { nowSeconds: NOW_SECONDS, view };
    const nodes = [...view.ascend(view.apexKey)].map((node) => ({ node, flags: history.flags.get(node.key)! }));
    const hashed = [...view.hashed.ascend(view.apexKey)];
    expect(verifyNodes(APEX, nodes, [KEY.dnskey], options)).toEqual([]);
    expect(verifyHashed(APEX, hashed, [KEY.dnskey], options)).toEqual([]);
    // The check sees what is wrong: an NSEC3 that is gone, and one that lists what is not there.
    const [one, two] = hashed;
    const without = view.edited(new Map(), new Map([[one!.key, null]]));
    expect(verifyNodes(APEX, nodes, [KEY.dnskey], { ...options, view: without })).toMatchObject([{ code: 'DNSSEC_CHAIN' }]);
    expect(verifyHashed(APEX, hashed, [KEY.dnskey], { ...options, view: without })).toMatchObject([{ code: 'DNSSEC_CHAIN' }]);
    const wrong = { ...one!, rrsets: two!.rrsets };
    expect(verifyHashed(APEX, [wrong], [KEY.dnskey], options).length).toBeGreaterThan(0);
  });
});

describe('signatures of NSEC3', () => {
  test('a sweep renews them too, slice by slice', () => {
    const history = new History();
    const random = seededRandom(9);
    const names = Array.from({ length: 30 }, () => randomChange(random));
    history.apply(planChange(EMPTY, [...apexChanges(), ...names], NSEC3));
    const later = { ...NSEC3, nowSeconds: NOW_SECONDS + 13 * 86_400 };
    let renewed = 0;
    let slices = 0;
    for (let from: OwnerKey | undefined = history.view.apexKey; from !== undefined; slices++) {
      const { plan, next }: { plan: ZonePlan; next: OwnerKey | undefined } = planRefresh(history.view, later, from, 7);
      renewed += plan.hashed.size;
      history.apply(plan);
      from = next;
    }
    expect(slices).toBeGreaterThan(4);
    expect(renewed).toBe(chainOf(history.view).length);
    const signed = planChange(history.view, [], later, { resign: 'due' });
    expect(signed.signatureCount).toBe(0);
  });
});

describe('RFC 5155 §7.1: two names with one hash', () => {
  /** A hash that knows few values, so that names collide soon. */
  const poor: typeof hashName = (parameters, name) => {
    const hash = hashName(parameters, name);
    return hash.fill(0, 1).map((octet, at) => (at === 0 ? octet & 0x0f : 0));
  };

  test('are noticed, whether both come or one is there already', () => {
    const random = seededRandom(3);
    let view: MemoryZone = EMPTY;
    let collisions = 0;
    const { view: begun } = (() => {
      const history = new History();
      history.apply(planChange(EMPTY, apexChanges(), NSEC3, { hashName: poor }));
      return history;
    })();
    view = begun;
    for (let step = 0; step < 60; step++) {
      const changes = [randomChange(random)];
      const pending = preparePlan(view, changes, NSEC3, { hashName: poor });
      if (pending.collision !== undefined) {
        collisions++;
        continue;
      }
      const plan = planChange(view, changes, NSEC3, { hashName: poor });
      view = view.edited(new Map([...plan.nodes].map(([key, planned]) => [key, planned?.node ?? null])), plan.hashed);
      // What is left is a chain of names that have hashes of their own.
      const members = [...view.ascend(view.apexKey)].map(({ owner }) => Buffer.from(poor(NSEC3_PARAMETERS, owner)).toString('hex'));
      expect(chainOf(view).length).toBeLessThanOrEqual(new Set(members).size);
    }
    expect(collisions).toBeGreaterThan(5);
    const apart = preparePlan(view, [{ owner: nameOf('x.example.'), type: TYPE.TXT, rrset: null }], NSEC3, { hashName: poor });
    expect(apart.collision).toBeUndefined();
  });
});

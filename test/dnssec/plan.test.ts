import { describe, expect, test } from 'vitest';
import { ROOT, formatName, isAtOrBelow, nameOf, ownerKey } from '#dns/name.ts';
import { parseRdataText, typeCode } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';
import { deterministicKey, engineKey, keyTagOf } from '#dnssec/key.ts';
import {
  type PlanOptions,
  type SigningSettings,
  type ZonePlan,
  finishPlan,
  planChange,
  planRefresh,
  preparePlan,
  signBatches,
} from '#dnssec/plan.ts';
import { SIGNATURE_POLICY, rrsigFields } from '#dnssec/sign.ts';
import { sampleNodes, verifyNodes } from '#dnssec/verify.ts';
import { type RrsetChange, serialOf } from '#zone/changeset.ts';
import { formatChangeset, formatRrset } from '#zone/changeset-text.ts';
import { type NodeRrset, type ZoneView, rrsetOf } from '#zone/view.ts';
import { type MemoryZone, memoryZone, zoneRrsets } from '#zone/zone.ts';
import { RFC4035_CHAIN, RFC4035_ZONE } from '../vectors/dnssec.ts';
import { APEX, apexChanges, soaOf } from '../support/random-changes.ts';

const NOW_SECONDS = 1_800_000_000;
const DAY_SECONDS = 86_400;
const KEY = deterministicKey(new Uint8Array(32).fill(3));
const OTHER_KEY = deterministicKey(new Uint8Array(32).fill(4));
const SIGNING: SigningSettings = { keys: [KEY], published: [KEY], nowSeconds: NOW_SECONDS };
const EMPTY = memoryZone(APEX, []);

function rrset(owner: string, type: string, ttl: number, ...records: string[]): RrsetChange {
  const code = typeCode(type)!;
  const rdatas = records.map((text) => {
    const result = parseRdataText(code, text, ROOT);
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    return result.value;
  });
  return { owner: nameOf(owner), type: code, rrset: rdatas.length === 0 ? null : { ttl, rdatas, manager: 'manual' } };
}

function applied(view: MemoryZone, plan: ZonePlan): MemoryZone {
  return view.edited(new Map([...plan.nodes].map(([key, planned]) => [key, planned?.node ?? null])));
}

function zone(changes: readonly RrsetChange[], signing: SigningSettings = SIGNING): MemoryZone {
  return applied(EMPTY, planChange(EMPTY, changes, signing));
}

function unsignedZone(changes: readonly RrsetChange[]): MemoryZone {
  return applied(EMPTY, planChange(EMPTY, changes, undefined));
}

function at(view: ZoneView, owner: string, type: string): NodeRrset | undefined {
  return rrsetOf(view.node(ownerKey(nameOf(owner))), typeCode(type)!);
}

function nsecs(view: ZoneView): string[] {
  return [...zoneRrsets(view)].filter(({ type }) => type === TYPE.NSEC).flatMap((each) => formatRrset(each));
}

function names(plan: ZonePlan): string[] {
  return [...plan.nodes].map(([key, planned]) => `${planned === null ? '-' : ''}${JSON.stringify(key.replaceAll('\u0000', '/'))}`);
}

const START = zone([...apexChanges(), rrset('b.example.', 'A', 300, '192.0.2.1'), rrset('d.e.example.', 'A', 300, '192.0.2.1')]);

describe('RFC 4035 App. A: the signed example zone', () => {
  const changes = new Map<string, RrsetChange>();
  for (const line of RFC4035_ZONE.trim().split('\n')) {
    const [owner = '', ttl = '', type = '', ...rdata] = line.split(' ');
    const each = rrset(owner, type, Number(ttl), rdata.join(' '));
    const known = changes.get(`${owner} ${type}`)?.rrset;
    changes.set(`${owner} ${type}`, known ? { ...each, rrset: { ...known, rdatas: [...known.rdatas, ...each.rrset!.rdatas] } } : each);
  }
  const view = zone([...changes.values()]);

  test('has its NSEC chain', () => expect(nsecs(view)).toEqual(RFC4035_CHAIN));
  test('§2.2: delegation NS and glue are not signed, DS is', () => {
    expect(at(view, 'a.example.', 'NS')?.signatures).toEqual([]);
    expect(at(view, 'a.example.', 'DS')?.signatures).toHaveLength(1);
    expect(at(view, 'ns1.a.example.', 'A')?.signatures).toEqual([]);
    expect(at(view, 'example.', 'NS')?.signatures).toHaveLength(1);
  });
  test('§2.1: DNSKEY, CDS and CDNSKEY stand at the apex, signed', () => {
    for (const type of ['DNSKEY', 'CDS', 'CDNSKEY'])
      expect(at(view, 'example.', type)).toMatchObject({ ttl: 3600, manager: 'dnssec', signatures: [{}] });
  });
  test('the serial given for a new zone stays', () => expect(serialOf(view)).toBe(1_081_539_377));
});

describe('only what a change touches', () => {
  test('a new record at an old name: that RRset, its NSEC, the SOA', () => {
    const plan = planChange(START, [rrset('b.example.', 'TXT', 60, '"x"')], SIGNING);
    expect(names(plan)).toEqual(['"example/"', '"example/b/"']);
    expect(plan.signatureCount).toBe(3);
    expect(plan.changeset).toMatchObject({ fromSerial: 1, toSerial: 2 });
    expect(plan.changeset.deleted.map(({ type }) => type)).toEqual([TYPE.SOA, TYPE.RRSIG, TYPE.NSEC, TYPE.RRSIG]);
    expect(plan.changeset.added.map(({ type }) => type)).toEqual([TYPE.SOA, TYPE.RRSIG, TYPE.TXT, TYPE.RRSIG, TYPE.NSEC, TYPE.RRSIG]);
  });
  test('another record at an old name: that RRset and the SOA', () => {
    expect(planChange(START, [rrset('b.example.', 'A', 300, '192.0.2.2')], SIGNING).signatureCount).toBe(2);
  });
  test('a new name: its RRset, its NSEC, that of its predecessor, the SOA', () => {
    const plan = planChange(START, [rrset('c.example.', 'A', 300, '192.0.2.1')], SIGNING);
    expect(names(plan)).toEqual(['"example/"', '"example/b/"', '"example/c/"']);
    expect(plan.signatureCount).toBe(4);
  });
  test('a name that goes takes its empty non-terminal along', () => {
    const plan = planChange(START, [rrset('d.e.example.', 'A', 0)], SIGNING);
    expect(names(plan)).toEqual(['"example/"', '"example/b/"', '-"example/e/"', '-"example/e/d/"']);
    expect(plan.signatureCount).toBe(2);
  });
  test('the zone is not read: a handful of nodes for a change among 20,000', () => {
    const many = Array.from({ length: 20_000 }, (_, number) => rrset(`h${number}.example.`, 'A', 60, '192.0.2.1'));
    const cheap: SigningSettings = { ...SIGNING, keys: [{ ...KEY, sign: () => new Uint8Array(64) }] };
    const view = zone([...apexChanges(), ...many], cheap);
    let looks = 0;
    const counting: ZoneView = {
      hashed: view.hashed,
      apex: view.apex,
      apexKey: view.apexKey,
      node: (key) => (looks++, view.node(key)),
      *ascend(from) {
        for (const node of view.ascend(from)) yield (looks++, node);
      },
      *descend(from) {
        for (const node of view.descend(from)) yield (looks++, node);
      },
    };
    planChange(counting, [rrset('h77.x.y.example.', 'A', 60, '192.0.2.1')], cheap);
    planChange(counting, [rrset('h77.example.', 'A', 60)], cheap);
    planChange(counting, [rrset('h77.example.', 'NS', 60, 'ns.test.')], cheap);
    expect(looks).toBeLessThan(80);
  });
  test('nor are the many names below a cut', () => {
    const glue = Array.from({ length: 5000 }, (_, number) => rrset(`h${number}.cut.example.`, 'A', 60, '192.0.2.1'));
    const view = zone([...apexChanges(), rrset('cut.example.', 'NS', 60, 'h1.cut.example.'), ...glue]);
    let looks = 0;
    const counted = function* (
      nodes: Iterable<NonNullable<ReturnType<ZoneView['node']>>>,
    ): Generator<NonNullable<ReturnType<ZoneView['node']>>> {
      for (const node of nodes) yield (looks++, node);
    };
    const counting: ZoneView = {
      apex: view.apex,
      apexKey: view.apexKey,
      hashed: view.hashed,
      node: (key) => view.node(key),
      ascend: (from) => counted(view.ascend(from)),
      descend: (from) => counted(view.descend(from)),
    };
    const plan = planChange(counting, [rrset('d.example.', 'A', 60, '192.0.2.1'), rrset('cub.example.', 'A', 60, '192.0.2.1')], SIGNING);
    expect(names(plan)).toEqual(['"example/"', '"example/cub/"', '"example/cut/"', '"example/d/"']);
    expect(looks).toBeLessThan(30);
  });
});

describe('no difference', () => {
  test.each<[string, RrsetChange[], PlanOptions]>([
    ['nothing asked', [], {}],
    ['the same RRset', [rrset('b.example.', 'A', 300, '192.0.2.1')], {}],
    ['the same in another case', [rrset('B.EXAMPLE.', 'A', 300, '192.0.2.1')], {}],
    ['the absence of what is absent', [rrset('nowhere.example.', 'A', 0), rrset('b.example.', 'TXT', 0)], {}],
    ['a SOA with an old serial', [{ ...apexChanges()[0]!, rrset: { ttl: 3600, rdatas: [soaOf(0)], manager: 'manual' } }], {}],
    ['signatures none of which is due', [], { resign: 'due' }],
    ['records of signing, given by hand', [rrset('b.example.', 'NSEC', 60, 'c.example. A'), rrset('example.', 'CDS', 60, '0 0 0 00')], {}],
    ['an RRSIG given by hand', [rrset('b.example.', 'RRSIG', 60, 'A 13 2 60 20300101000000 20200101000000 1 example. AAAA')], {}],
  ])('%s: an empty plan', (_, changes, options) => {
    const plan = planChange(START, changes, SIGNING, options);
    expect(plan).toMatchObject({ changed: false, signatureCount: 0 });
    expect(plan.nodes.size).toBe(0);
    expect(plan.changeset).toMatchObject({ fromSerial: 1, toSerial: 1, deleted: [], added: [] });
  });
  test('another manager is stored, but no record changes', () => {
    const same = rrset('b.example.', 'A', 300, '192.0.2.1');
    const plan = planChange(START, [{ ...same, rrset: { ...same.rrset!, manager: 'mail' } }], SIGNING);
    expect(plan).toMatchObject({ changed: false, signatureCount: 0, changeset: { toSerial: 1, added: [] } });
    expect(at(applied(START, plan), 'b.example.', 'A')).toEqual({ ...at(START, 'b.example.', 'A')!, manager: 'mail' });
  });
  test('the case first written stays while the name has records', () => {
    const view = applied(START, planChange(START, [rrset('B.example.', 'TXT', 60, '"x"'), rrset('b.example.', 'A', 0)], SIGNING));
    expect(formatName(view.node(ownerKey(nameOf('b.example.')))!.owner)).toBe('b.example.');
  });
});

describe('RFC 1982: the serial', () => {
  const some = rrset('b.example.', 'A', 300, '192.0.2.7');
  const soa = (serial: number, minimum = 300): RrsetChange => ({
    owner: APEX,
    type: TYPE.SOA,
    rrset: { ttl: 3600, rdatas: [soaOf(serial, minimum)], manager: 'manual' },
  });
  test.each<[string, RrsetChange[], PlanOptions, number]>([
    ['moves by one', [some], {}, 2],
    ['moves when told to, without a difference', [], { forceSerialBump: true }, 2],
    ['is the one that the caller chose', [some], { serial: 2_026_010_100 }, 2_026_010_100],
    ['is that of a given SOA, when newer', [soa(77)], {}, 77],
    ['is not that of a given SOA, when older', [soa(0, 400)], {}, 2],
  ])('%s', (_, changes, options, expected) => {
    const plan = planChange(START, changes, SIGNING, options);
    expect(plan.changeset).toMatchObject({ fromSerial: 1, toSerial: expected });
    const view = applied(START, plan);
    expect(serialOf(view)).toBe(expected);
    const nodes = [...plan.nodes.values()].filter((each) => each !== null);
    expect(verifyNodes(APEX, nodes, [KEY.dnskey], { nowSeconds: NOW_SECONDS, view })).toEqual([]);
  });
  test('goes around the circle', () => {
    const view = zone([soa(0xffff_ffff), ...apexChanges().slice(1)]);
    expect(planChange(view, [some], SIGNING).changeset).toMatchObject({ fromSerial: 0xffff_ffff, toSerial: 0 });
  });
});

describe('RFC 9077 §3: the NSEC TTL', () => {
  test.each([
    [3600, 300, 300],
    [60, 300, 60],
  ])('SOA TTL %i, MINIMUM %i: %i', (ttl, minimum, expected) => {
    const soa: RrsetChange = { owner: APEX, type: TYPE.SOA, rrset: { ttl, rdatas: [soaOf(1, minimum)], manager: 'manual' } };
    const view = applied(START, planChange(START, [soa], SIGNING));
    const ttls = [...zoneRrsets(view)].filter(({ type }) => type === TYPE.NSEC);
    expect(new Set(ttls.map((each) => each.ttl))).toEqual(new Set([expected]));
    expect(ttls).toHaveLength(4);
  });
});

describe('refreshing signatures', () => {
  const later = (days: number): SigningSettings => ({ ...SIGNING, nowSeconds: NOW_SECONDS + days * DAY_SECONDS });
  const expirations = (view: ZoneView): number[] =>
    [...zoneRrsets(view)].flatMap(({ signatures }) => signatures.map((rrsig) => rrsigFields(rrsig).expiration));

  test('none is due in the first five days, all after seven', () => {
    expect(planChange(START, [], later(4.9), { resign: 'due' }).changed).toBe(false);
    const plan = planChange(START, [], later(7.1), { resign: 'due' });
    expect(plan.signatureCount).toBe(expirations(START).length);
    expect(plan.changeset).toMatchObject({ fromSerial: 1, toSerial: 2 });
  });
  test('"all" signs all', () => {
    expect(planChange(START, [], later(1), { resign: 'all' }).signatureCount).toBe(expirations(START).length);
  });
  test('a daily sweep in slices keeps every signature more than four days from its end, for ever', () => {
    let view = zone([...apexChanges(), ...Array.from({ length: 40 }, (_, at2) => rrset(`h${at2}.example.`, 'A', 60, '192.0.2.1'))]);
    const perDay: number[] = [];
    for (let day = 1; day <= 30; day++) {
      let from: string | undefined = view.apexKey;
      let count = 0;
      while (from !== undefined) {
        const slice: { plan: ZonePlan; next: string | undefined } = planRefresh(view, later(day), from, 7);
        view = applied(view, slice.plan);
        count += slice.plan.signatureCount;
        expect(slice.next === undefined || slice.next > from).toBe(true);
        from = slice.next;
      }
      perDay.push(count);
      expect(Math.min(...expirations(view)) - later(day).nowSeconds).toBeGreaterThanOrEqual(SIGNATURE_POLICY.refreshSeconds);
    }
    expect(perDay.slice(0, 4)).toEqual([0, 0, 0, 0]);
    expect(perDay.filter((count) => count > 0).length).toBeGreaterThan(6);
  });
  test('a new key: "due" replaces the signatures of the one that signs no more', () => {
    const rolled: SigningSettings = { ...SIGNING, keys: [OTHER_KEY], published: [KEY, OTHER_KEY] };
    const view = applied(START, planChange(START, [], rolled, { resign: 'due' }));
    const tags = [...zoneRrsets(view)].flatMap(({ signatures }) => signatures.map((rrsig) => rrsigFields(rrsig).keyTag));
    expect(new Set(tags)).toEqual(new Set([OTHER_KEY.keyTag]));
    expect(at(view, 'example.', 'DNSKEY')?.rdatas).toHaveLength(2);
    expect(at(view, 'example.', 'CDS')?.rdatas).toHaveLength(2);
  });
  test('two keys: two signatures each', () => {
    const both: SigningSettings = { ...SIGNING, keys: [KEY, OTHER_KEY], published: [KEY, OTHER_KEY] };
    const plan = planChange(START, [], both, { resign: 'due' });
    const view = applied(START, plan);
    expect(at(view, 'b.example.', 'A')?.signatures.map((rrsig) => rrsigFields(rrsig).keyTag)).toEqual([KEY.keyTag, OTHER_KEY.keyTag]);
    const nodes = [...plan.nodes.values()].filter((each) => each !== null);
    expect(verifyNodes(APEX, nodes, [KEY.dnskey, OTHER_KEY.dnskey], { nowSeconds: NOW_SECONDS, view })).toEqual([]);
    expect(planChange(view, [], both, { resign: 'due' }).changed).toBe(false);
  });
});

test('RFC 4034 App. B: a key with the key tag of another key is not taken into use', () => {
  const twin = KEY.dnskey.slice();
  [twin[4], twin[6]] = [KEY.dnskey[6]!, KEY.dnskey[4]!];
  expect(keyTagOf(twin)).toBe(KEY.keyTag);
  expect(twin).not.toEqual(KEY.dnskey);
  expect(() => planChange(START, [], { ...SIGNING, published: [KEY, { dnskey: twin }] })).toThrow('key tag of another key');
});

describe('signing on and off', () => {
  test('off leaves exactly the records that were given', () => {
    const plan = planChange(START, [], undefined);
    expect(plan.changed).toBe(true);
    const records = unsignedZone([
      ...apexChanges(2),
      rrset('b.example.', 'A', 300, '192.0.2.1'),
      rrset('d.e.example.', 'A', 300, '192.0.2.1'),
    ]);
    expect([...applied(START, plan).ascend('')]).toEqual([...records.ascend('')]);
    expect(plan.changeset.added).toHaveLength(1);
  });
  test('an unsigned zone may hold DNSSEC records of its own; on replaces them', () => {
    const dnskey = rrset('example.', 'DNSKEY', 60, '257 3 13 AAAA');
    const nsec = rrset('only.nsec.example.', 'NSEC', 60, 'example. NSEC');
    const unsigned = unsignedZone([...apexChanges(), dnskey, nsec]);
    expect(at(unsigned, 'only.nsec.example.', 'NSEC')).toBeDefined();
    const view = applied(unsigned, planChange(unsigned, [], SIGNING));
    expect(at(view, 'example.', 'DNSKEY')?.rdatas).toEqual([KEY.dnskey]);
    expect(view.node(ownerKey(nameOf('nsec.example.')))).toBeUndefined();
  });
});

test('a cut that comes hides what is below, and shows it again when it goes', () => {
  const below = [rrset('x.b.example.', 'A', 60, '192.0.2.1'), rrset('y.x.b.example.', 'TXT', 60, '"y"')];
  const open = applied(START, planChange(START, below, SIGNING));
  const cutPlan = planChange(open, [rrset('b.example.', 'NS', 60, 'x.b.example.')], SIGNING);
  const cut = applied(open, cutPlan);
  expect(formatChangeset(cutPlan.changeset).filter((line) => line.startsWith('+') && line.includes('NSEC'))).toHaveLength(2);
  expect(at(cut, 'b.example.', 'A')?.signatures).toEqual([]);
  expect(cut.node(ownerKey(nameOf('y.x.b.example.')))?.rrsets).toMatchObject([{ type: TYPE.TXT, signatures: [] }]);
  const again = applied(cut, planChange(cut, [rrset('b.example.', 'NS', 0)], SIGNING));
  const withoutSoa = (view: ZoneView): unknown[] => [...zoneRrsets(view)].filter(({ type }) => type !== TYPE.SOA);
  expect(withoutSoa(again)).toEqual(withoutSoa(open));
});

test('the root zone can be planned like any other', () => {
  const root = memoryZone(ROOT, []);
  const changes = [
    { ...apexChanges()[0]!, owner: ROOT },
    rrset('.', 'NS', 60, 'ns.test.'),
    rrset('test.', 'NS', 60, 'ns.test.'),
    rrset('ns.test.', 'A', 60, '192.0.2.1'),
    rrset('a.b.arpa.', 'TXT', 60, '"x"'),
  ];
  const view = applied(root, planChange(root, changes, SIGNING));
  expect(nsecs(view).map((line) => line.replace(/ 300 IN NSEC/, ''))).toEqual([
    '. a.b.arpa. NS SOA RRSIG NSEC DNSKEY CDS CDNSKEY',
    'a.b.arpa. test. TXT RRSIG NSEC',
    'test. . NS RRSIG NSEC',
  ]);
});

test('prepare, sign, finish: the same plan as in one step', () => {
  const change = [rrset('c.example.', 'A', 300, '192.0.2.1')];
  const pending = preparePlan(START, change, SIGNING);
  expect(pending.batches.map(({ data }) => data.length)).toEqual([pending.signatureCount]);
  expect(finishPlan(pending, signBatches(pending.batches))).toEqual(planChange(START, change, SIGNING));
  const short = preparePlan(START, change, SIGNING);
  expect(() => finishPlan(short, [[]])).toThrow('0 signatures for 4 RRsets');
});

test('the engine key gives plans that verify', () => {
  const key = engineKey(new Uint8Array(32).fill(5));
  const plan = planChange(EMPTY, [...apexChanges(), rrset('*.example.', 'TXT', 60, '"x"')], { ...SIGNING, keys: [key], published: [key] });
  const nodes = [...plan.nodes.values()].filter((each) => each !== null);
  expect(verifyNodes(APEX, nodes, [key.dnskey], { nowSeconds: NOW_SECONDS, view: applied(EMPTY, plan) })).toEqual([]);
});

describe('verifyNodes finds', () => {
  const plan = planChange(
    EMPTY,
    [...apexChanges(), rrset('b.example.', 'A', 60, '192.0.2.1'), rrset('cut.example.', 'NS', 60, 'ns.test.')],
    SIGNING,
  );
  const planned = (owner: string) => plan.nodes.get(ownerKey(nameOf(owner)))!;
  const view = applied(EMPTY, plan);
  const edited = (owner: string, edit: (rrset: NodeRrset) => NodeRrset | undefined): string[] => {
    const { node, flags } = planned(owner);
    const broken = { flags, node: { ...node, rrsets: node.rrsets.flatMap((each) => edit(each) ?? []) } };
    return verifyNodes(APEX, [broken], [KEY.dnskey], { nowSeconds: NOW_SECONDS, view }).map(({ code }) => code);
  };
  test('nothing wrong in what was planned', () => expect(edited('b.example.', (each) => each)).toEqual([]));
  test('a missing signature', () =>
    expect(edited('b.example.', (each) => (each.type === TYPE.A ? { ...each, signatures: [] } : each))).toEqual(['DNSSEC_UNSIGNED']));
  test('a record that was not signed', () =>
    expect(edited('b.example.', (each) => (each.type === TYPE.A ? { ...each, rdatas: [Uint8Array.of(192, 0, 2, 2)] } : each))).toEqual([
      'DNSSEC_SIGNATURE',
    ]));
  test('a signature where none may be', () => {
    const { signatures } = planned('b.example.').node.rrsets[0]!;
    expect(edited('cut.example.', (each) => (each.type === TYPE.NS ? { ...each, signatures } : each))).toEqual(['DNSSEC_SIGNATURE']);
  });
  test('a missing NSEC', () =>
    expect(edited('b.example.', (each) => (each.type === TYPE.NSEC ? undefined : each))).toEqual(['DNSSEC_CHAIN']));
  test('an NSEC that lists what is not there', () =>
    expect(edited('b.example.', (each) => (each.type === TYPE.A ? undefined : each))).toEqual(['DNSSEC_BITMAP']));
  test('an NSEC that skips a name', () => {
    const more = applied(view, planChange(view, [rrset('bb.example.', 'A', 60, '192.0.2.1')], SIGNING));
    const problems = verifyNodes(APEX, [planned('b.example.')], [KEY.dnskey], { nowSeconds: NOW_SECONDS, view: more });
    expect(problems.map(({ code }) => code)).toEqual(['DNSSEC_CHAIN']);
  });
  test('a sample holds the apex and as many others as asked', () => {
    const sample = sampleNodes(plan.nodes, 2, () => 0.5);
    expect(sample).toHaveLength(3);
    expect(sample[0]).toBe(planned('example.'));
    expect(new Set(sample).size).toBe(3);
    expect(sampleNodes(plan.nodes, 99, () => 0.999)).toHaveLength(plan.nodes.size);
    expect(sample.every(({ node }) => isAtOrBelow(node.key, ownerKey(APEX)))).toBe(true);
  });
});

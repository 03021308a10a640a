/**
 * Programs of other projects judge zones with several keys: every algorithm, KSK and ZSK apart, two algorithms, and the keys of each step of
 * each rollover. BIND's dnssec-verify and ldns-verify-zone must accept them, and must refuse a zone that lacks what a key has to sign.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock, toSeconds } from '#base/clock.ts';
import { formatName, nameOf, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { type AlgorithmNumber } from '#dnssec/algorithm.ts';
import { engineKey, generateSecret } from '#dnssec/key.ts';
import { type KeyRole, type KeyStage, keyUse, roleFlags, signingBy } from '#dnssec/key-stage.ts';
import { planChange } from '#dnssec/plan.ts';
import { verifyNodes } from '#dnssec/verify.ts';
import { diffZones } from '#zone/changeset.ts';
import { formatRrset } from '#zone/changeset-text.ts';
import { rrsetOf } from '#zone/view.ts';
import { memoryZone } from '#zone/zone.ts';
import { APEX, apexChanges } from '../support/random-changes.ts';
import { seededRandom } from '../support/random.ts';
import { runTool } from '../support/tools.ts';

type Staged = readonly [KeyRole, AlgorithmNumber, KeyStage];

const SETS: readonly (readonly [string, readonly Staged[]])[] = [
  ...([13, 14, 15, 16] as const).map((number) => [`one CSK of algorithm ${number}`, [['csk', number, 'active']]] as const),
  [
    'KSK and ZSK',
    [
      ['ksk', 13, 'active'],
      ['zsk', 13, 'active'],
    ],
  ],
  [
    'KSK and ZSK of Ed25519',
    [
      ['ksk', 15, 'active'],
      ['zsk', 15, 'active'],
    ],
  ],
  [
    'two algorithms',
    [
      ['csk', 13, 'active'],
      ['csk', 15, 'active'],
    ],
  ],
  [
    'RFC 6781 §4.1.1.1: the next ZSK is published',
    [
      ['ksk', 13, 'active'],
      ['zsk', 13, 'active'],
      ['zsk', 13, 'published'],
    ],
  ],
  [
    'RFC 6781 §4.1.1.1: the last ZSK is still published',
    [
      ['ksk', 13, 'active'],
      ['zsk', 13, 'retired'],
      ['zsk', 13, 'active'],
    ],
  ],
  [
    'RFC 6781 §4.1.2: two KSKs',
    [
      ['ksk', 13, 'signing'],
      ['ksk', 13, 'submitted'],
      ['zsk', 13, 'active'],
    ],
  ],
  [
    'two CSKs, the next one published',
    [
      ['csk', 13, 'active'],
      ['csk', 13, 'published'],
    ],
  ],
  [
    'two CSKs, the last one retired',
    [
      ['csk', 13, 'retired'],
      ['csk', 13, 'active'],
    ],
  ],
  [
    'RFC 6781 §4.1.4: new RRSIGs',
    [
      ['csk', 13, 'active'],
      ['csk', 15, 'presigned'],
    ],
  ],
  [
    'RFC 6781 §4.1.4: new DNSKEY',
    [
      ['csk', 13, 'active'],
      ['csk', 15, 'signing'],
    ],
  ],
  [
    'RFC 6781 §4.1.4: new DS',
    [
      ['csk', 13, 'signing'],
      ['csk', 15, 'active'],
    ],
  ],
  [
    'RFC 6781 §4.1.4: DNSKEY removal',
    [
      ['csk', 13, 'withdrawn'],
      ['csk', 15, 'active'],
    ],
  ],
  [
    'a CSK makes way for KSK and ZSK',
    [
      ['csk', 13, 'retired'],
      ['ksk', 13, 'active'],
      ['zsk', 13, 'active'],
    ],
  ],
];

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waxseal-key-sets-'));
});
afterAll(() => rm(folder, { recursive: true }));

const NOW_SECONDS = toSeconds(systemClock.nowMs());

function signedZone(keys: readonly Staged[]) {
  const random = seededRandom(keys.length * 100 + keys[0]![1]);
  const octets = (length: number): Uint8Array => Uint8Array.from({ length }, () => Math.floor(random() * 256));
  const staged = keys.map(([role, algorithm, stage]) => ({
    key: engineKey(generateSecret(octets, algorithm), roleFlags(role), algorithm),
    role,
    stage,
  }));
  const plan = planChange(memoryZone(APEX, []), apexChanges(), { ...signingBy(staged, false), nowSeconds: NOW_SECONDS });
  return {
    staged,
    view: memoryZone(APEX, []).edited(new Map([...plan.nodes].map(([key, planned]) => [key, planned?.node ?? null]))),
    plan,
  };
}

async function judge(lines: readonly string[], name: string): Promise<{ bind: string; ldns: string }> {
  const file = join(folder, name);
  await writeFile(file, `${lines.join('\n')}\n`, 'latin1');
  // -x: a ZSK need not sign the DNSKEY RRset; -z: what has the entry point bit may sign the zone, as a CSK does.
  const hasZsk = lines.some((line) => / IN DNSKEY 256 /.test(line));
  const [bind, ldns] = await Promise.all([
    runTool('dnssec-verify', ['-q', hasZsk ? '-x' : '-z', '-o', 'example', file]),
    runTool('ldns-verify-zone', ['-V', '1', file]),
  ]);
  const verdict = ({ code, stdout, stderr }: typeof bind): string => (code === 0 ? 'good' : `${code} ${stdout}${stderr}`);
  return { bind: verdict(bind), ldns: verdict(ldns) };
}

const linesOf = (view: ReturnType<typeof signedZone>['view']): string[] =>
  diffZones(undefined, view).added.flatMap((rrset) => formatRrset(rrset));

describe('other validators, and ours, accept', () => {
  test.each(SETS)('%s', async (name, keys) => {
    const { staged, view, plan } = signedZone(keys);
    expect(await judge(linesOf(view), name.replaceAll(/\W+/g, '-'))).toEqual({ bind: 'good', ldns: 'good' });
    const dnskeys = (is: (role: KeyRole, stage: KeyStage) => boolean): Uint8Array[] =>
      staged.filter(({ role, stage }) => is(role, stage)).map(({ key }) => key.dnskey);
    const published = dnskeys((role, stage) => keyUse(role, stage).isPublished);
    const unpublished = dnskeys((role, stage) => !keyUse(role, stage).isPublished);
    const nodes = [...plan.nodes.values()].filter((each) => each !== null);
    expect(verifyNodes(APEX, nodes, published, { nowSeconds: NOW_SECONDS, view, unpublished })).toEqual([]);
    if (unpublished.length > 0) {
      const found = verifyNodes(APEX, nodes, published, { nowSeconds: NOW_SECONDS, view });
      expect(found.map(({ code }) => code)).toContain('DNSSEC_KEY');
    }
  });
});

describe('RFC 4035 §2.2: each algorithm of the DNSKEY RRset signs every RRset', () => {
  const { view, plan, staged } = signedZone([
    ['csk', 13, 'active'],
    ['csk', 15, 'active'],
  ]);
  const published = staged.map(({ key }) => key.dnskey);

  test('an RRset without one is refused by others and by us', async () => {
    const less = linesOf(view).filter((line) => !/ IN RRSIG NS 15 /.test(line));
    expect(less.length).toBe(linesOf(view).length - 1);
    expect((await judge(less, 'less')).bind).not.toBe('good');
    const nodes = [...plan.nodes.values()].filter((each) => each !== null);
    const cut = nodes.map((each) => ({
      ...each,
      node: {
        ...each.node,
        rrsets: each.node.rrsets.map((rrset) => (rrset.type === TYPE.NS ? { ...rrset, signatures: rrset.signatures.slice(0, 1) } : rrset)),
      },
    }));
    const [problem] = verifyNodes(APEX, cut, published, { nowSeconds: NOW_SECONDS });
    expect(problem).toMatchObject({ code: 'DNSSEC_UNSIGNED', message: expect.stringContaining('algorithm 15') });
  });
});

test('a DNSKEY RRset that only the ZSK signs is refused by us', () => {
  const { staged, plan } = signedZone([
    ['ksk', 13, 'active'],
    ['zsk', 13, 'active'],
  ]);
  const [ksk, zsk] = staged.map(({ key }) => key);
  const apex = plan.nodes.get([...plan.nodes.keys()][0]!)!;
  const wrong = planChange(memoryZone(APEX, []), apexChanges(), {
    keys: [zsk!],
    keySigners: [zsk!],
    published: [ksk!, zsk!],
    nowSeconds: NOW_SECONDS,
  });
  const published = [ksk!.dnskey, zsk!.dnskey];
  expect(verifyNodes(APEX, [apex], published, { nowSeconds: NOW_SECONDS })).toEqual([]);
  const found = verifyNodes(APEX, [wrong.nodes.get([...wrong.nodes.keys()][0]!)!], published, { nowSeconds: NOW_SECONDS });
  expect(found).toMatchObject([{ code: 'DNSSEC_UNSIGNED', message: expect.stringContaining('secure entry point') }]);
});

test('RFC 7344 §4.1: CDS and CDNSKEY are signed by the keys that sign the DNSKEY RRset; RFC 8078 §4: the delete form', () => {
  const { staged } = signedZone([
    ['ksk', 13, 'active'],
    ['zsk', 13, 'active'],
  ]);
  const settings = { ...signingBy(staged, true), nowSeconds: NOW_SECONDS };
  const plan = planChange(memoryZone(APEX, []), apexChanges(), settings);
  const apex = [...plan.nodes.values()][0]!.node;
  const [cds, cdnskey] = [rrsetOf(apex, TYPE.CDS)!, rrsetOf(apex, TYPE.CDNSKEY)!];
  const texts = [cds, cdnskey].flatMap((rrset) => formatRrset({ owner: nameOf('example.'), ...rrset }));
  expect(texts.filter((line) => !line.includes('RRSIG'))).toEqual(['example. 3600 IN CDS 0 0 0 00', 'example. 3600 IN CDNSKEY 0 3 0 AA==']);
  const ksk = staged[0]!.key.keyTag;
  for (const { signatures } of [cds, cdnskey]) expect(signatures.map((each) => (each[16]! << 8) | each[17]!)).toEqual([ksk]);
});

test('RFC 9615 §4.1: CDS and CDNSKEY of other zones, below a name, are signed by the ZSK like any records', () => {
  const { staged } = signedZone([
    ['ksk', 13, 'active'],
    ['zsk', 13, 'active'],
  ]);
  const owner = nameOf(`_dsboot.kid.test._signal.ns.${formatName(APEX)}`);
  const rdatas = [Uint8Array.of(1, 2, 13, 2, ...new Uint8Array(32))];
  const signal = { owner, type: TYPE.CDS, rrset: { ttl: 60, rdatas, manager: 'manual' } } as const;
  const settings = { ...signingBy(staged, false), nowSeconds: NOW_SECONDS };
  const plan = planChange(memoryZone(APEX, []), [...apexChanges(), signal], settings);
  const { signatures } = rrsetOf(plan.nodes.get(ownerKey(owner))!.node, TYPE.CDS)!;
  expect(signatures.map((each) => (each[16]! << 8) | each[17]!)).toEqual([staged[1]!.key.keyTag]);
});

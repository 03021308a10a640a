/**
 * RFC 8976: digests of random zones, NSEC and NSEC3, judged by ldns-verify-zone.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock, toSeconds } from '#base/clock.ts';
import { isWildcard, nameOf, ownerKey } from '#dns/name.ts';
import { NSEC3_PARAMETERS } from '#dns/nsec3.ts';
import { formatZoneFile } from '#dns/zone-file-format.ts';
import { TYPE } from '#dns/types.ts';
import { engineKey } from '#dnssec/key.ts';
import { type RrsetChange, type SigningSettings, planChange, planRefresh } from '#dnssec/plan.ts';
import { type ZoneView, rrsetOf } from '#zone/view.ts';
import { type ZonemdHash, ZONEMD_HASHES, zoneDigest, zonemdFields } from '#zone/zonemd.ts';
import { type MemoryZone, allNodes, memoryZone } from '#zone/zone.ts';
import { APEX, apexChanges, randomChange } from '../support/random-changes.ts';
import { type Random, seededRandom } from '../support/random.ts';
import { runTool } from '../support/tools.ts';

const KEY = engineKey(new Uint8Array(32).fill(5));
const NOW_SECONDS = toSeconds(systemClock.nowMs());

function settings(zonemd: ZonemdHash | undefined, isNsec3: boolean, nowSeconds = NOW_SECONDS): SigningSettings {
  const nsec3 = isNsec3 ? { nsec3: NSEC3_PARAMETERS } : {};
  return { keys: [KEY], published: [KEY], nowSeconds, ...nsec3, ...(zonemd === undefined ? {} : { zonemd }) };
}

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'waxseal-zonemd-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Zone checkers refuse these before they look at anything else. */
function isLawful({ owner, type, rrset }: RrsetChange, view: ZoneView): boolean {
  if (rrset === null) return type !== TYPE.NS;
  const has = (other: number): boolean => rrsetOf(view.node(ownerKey(owner)), other) !== undefined;
  if (type === TYPE.NS || type === TYPE.DNAME) return !isWildcard(owner) && !has(TYPE.NS) && !has(TYPE.DNAME);
  return type !== TYPE.DS || has(TYPE.NS);
}

function changed(view: MemoryZone, changes: readonly RrsetChange[], signing: SigningSettings): MemoryZone {
  const plan = planChange(view, changes, signing);
  return view.edited(new Map([...plan.nodes].map(([key, planned]) => [key, planned?.node ?? null])), plan.hashed);
}

function randomZone(random: Random, signing: SigningSettings): MemoryZone {
  let view = changed(memoryZone(APEX, []), apexChanges(), signing);
  for (let step = 0; step < 40; step++) {
    const change = randomChange(random, true);
    if (isLawful(change, view)) view = changed(view, [change], signing);
  }
  return view;
}

/** What ldns-verify-zone says of signatures and digest: `good`, or why not. */
async function judge(view: ZoneView, name: string): Promise<string> {
  const file = join(folder, name);
  writeFileSync(file, [...formatZoneFile(allNodes(view), { signed: true })].join(''), 'latin1');
  const { code, stdout, stderr } = await runTool('ldns-verify-zone', ['-ZZ', '-V', '2', file]);
  return code === 0 ? 'good' : `${code} ${stdout}${stderr}`;
}

describe.each(ZONEMD_HASHES.flatMap((hash) => [false, true].map((isNsec3) => ({ hash, isNsec3 }))))(
  'RFC 8976 §3: $hash, NSEC3 $isNsec3',
  ({ hash, isNsec3 }) => {
    test.each([1, 2, 3])('other validators accept it after 40 changes, seed %i', async (seed) => {
      const view = randomZone(seededRandom(seed), settings(hash, isNsec3));
      expect(await judge(view, `zone-${hash}-${isNsec3}-${seed}`)).toBe('good');
    });
  },
);

test('it notices a glue record that nothing else protects', async () => {
  const signing = settings('sha384', false);
  const cut: RrsetChange[] = [
    { owner: nameOf('cut.example.'), type: TYPE.NS, rrset: { ttl: 60, rdatas: [nameOf('ns.cut.example.')], manager: 'manual' } },
    { owner: nameOf('ns.cut.example.'), type: TYPE.A, rrset: { ttl: 60, rdatas: [Uint8Array.of(192, 0, 2, 7)], manager: 'manual' } },
  ];
  const view = changed(randomZone(seededRandom(8), signing), cut, signing);
  const glue = view.node(ownerKey(nameOf('ns.cut.example.')))!;
  const other = { ...glue, rrsets: glue.rrsets.map((rrset) => ({ ...rrset, rdatas: [Uint8Array.of(192, 0, 2, 8)] })) };
  const forged = view.edited(new Map([[glue.key, other]]));
  expect(await judge(view, 'glue')).toBe('good');
  expect(await judge(forged, 'forged')).not.toBe('good');
});

describe('the digest follows the zone', () => {
  const digested = (view: ZoneView) => {
    const apex = view.node(view.apexKey);
    const { serial, hash, digest } = zonemdFields(rrsetOf(apex, TYPE.ZONEMD)!.rdatas[0]!);
    const soa = rrsetOf(apex, TYPE.SOA)!.rdatas[0]!;
    return {
      isSerial: serial === Buffer.from(soa).readUInt32BE(soa.length - 20),
      isDigest: Buffer.compare(digest, zoneDigest(view, hash!)) === 0,
    };
  };

  test('through changes, renewals, another hash, another denial, and is gone without a trace', () => {
    const random = seededRandom(77);
    let view = randomZone(random, settings('sha384', false));
    expect(digested(view)).toEqual({ isSerial: true, isDigest: true });
    // Nothing changes: nothing is made.
    expect(planChange(view, [], settings('sha384', false))).toMatchObject({ changed: false });
    for (const signing of [settings('sha512', false), settings('sha512', true), settings('sha384', true)]) {
      view = changed(view, [], signing);
      expect(digested(view)).toEqual({ isSerial: true, isDigest: true });
    }
    const later = settings('sha384', true, NOW_SECONDS + 13 * 86_400);
    for (let from: string | undefined = view.apexKey; from !== undefined;) {
      const { plan, next }: ReturnType<typeof planRefresh> = planRefresh(view, later, from, 5);
      view = view.edited(new Map([...plan.nodes].map(([key, planned]) => [key, planned?.node ?? null])), plan.hashed);
      expect(digested(view)).toEqual({ isSerial: true, isDigest: true });
      from = next;
    }
    view = changed(view, [], settings(undefined, true, NOW_SECONDS + 13 * 86_400));
    expect(rrsetOf(view.node(view.apexKey), TYPE.ZONEMD)).toBeUndefined();
  });
});

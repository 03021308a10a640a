/**
 * Programs of other projects judge random signed zones: BIND's dnssec-verify and ldns-verify-zone. Both must accept them, after a
 * history of changes, at the real time, and must refuse the same zone with one octet changed.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock, toSeconds } from '#base/clock.ts';
import { isWildcard, nameOf, ownerKey } from '#dns/name.ts';
import { formatRdata } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';
import { dsRdata } from '#dnssec/ds.ts';
import { engineKey } from '#dnssec/key.ts';
import { type RrsetChange, type SigningSettings, planChange } from '#dnssec/plan.ts';
import { diffZones } from '#zone/changeset.ts';
import { formatRrset } from '#zone/changeset-text.ts';
import { type ZoneView, rrsetOf } from '#zone/view.ts';
import { type MemoryZone, memoryZone, zoneRrsets } from '#zone/zone.ts';
import { runTool } from '../support/tools.ts';
import { APEX, apexChanges, randomChange } from '../support/random-changes.ts';
import { type Random, seededRandom } from '../support/random.ts';

const KEY = engineKey(new Uint8Array(32).fill(5));
const SIGNING: SigningSettings = { keys: [KEY], published: [KEY], nowSeconds: toSeconds(systemClock.nowMs()) };

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waxseal-judges-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Every record with its signatures, one a line. */
function zoneText(view: ZoneView): string {
  return `${diffZones(undefined, view)
    .added.flatMap((rrset) => formatRrset(rrset))
    .join('\n')}\n`;
}

/** Zone checkers refuse these before they look at signatures: cuts and DNAMEs at wildcards, DS without NS, a DNAME beside a cut. */
function isLawful({ owner, type, rrset }: RrsetChange, view: ZoneView): boolean {
  if (rrset === null) return true;
  const here = view.node(ownerKey(owner));
  const has = (other: number): boolean => rrsetOf(here, other) !== undefined;
  if (type === TYPE.NS || type === TYPE.DNAME) return !isWildcard(owner) && !has(TYPE.NS) && !has(TYPE.DNAME);
  return type !== TYPE.DS || has(TYPE.NS);
}

/** Deleting NS takes DS along. */
function lawfulChanges(random: Random, view: ZoneView): RrsetChange[] {
  const change = randomChange(random);
  if (!isLawful(change, view)) return [];
  if (change.rrset === null && change.type === TYPE.NS) return [change, { ...change, type: TYPE.DS }];
  return [change];
}

function randomSignedZone(seed: number): MemoryZone {
  const random = seededRandom(seed);
  let view = memoryZone(APEX, []);
  const apply = (changes: readonly RrsetChange[]): void => {
    const plan = planChange(view, changes, SIGNING);
    view = view.edited(new Map([...plan.nodes].map(([key, planned]) => [key, planned?.node ?? null])));
  };
  apply(apexChanges());
  for (let step = 0; step < 60; step++) apply(lawfulChanges(random, view));
  return view;
}

async function judge(text: string, name: string): Promise<{ bind: string; ldns: string }> {
  const file = join(folder, name);
  await writeFile(file, text, 'latin1');
  const [bind, ldns] = await Promise.all([
    // -z: one key signs all, as a CSK does.
    runTool('dnssec-verify', ['-q', '-z', '-o', 'example', file]),
    runTool('ldns-verify-zone', ['-V', '1', file]),
  ]);
  const verdict = ({ code, stdout, stderr }: typeof bind): string => (code === 0 ? 'good' : `${code} ${stdout}${stderr}`);
  return { bind: verdict(bind), ldns: verdict(ldns) };
}

describe('other validators', () => {
  test.each(Array.from({ length: 25 }, (_, at) => at + 100))('accept random zone %i', async (seed) => {
    const view = randomSignedZone(seed);
    expect(view.size).toBeGreaterThan(12);
    expect(await judge(zoneText(view), `zone-${seed}`)).toEqual({ bind: 'good', ldns: 'good' });
  });

  test('refuse a changed record, a missing NSEC, a missing signature', async () => {
    const view = randomSignedZone(100);
    const lines = zoneText(view).trim().split('\n');
    const address = [...zoneRrsets(view)].find(({ type, signatures }) => type === TYPE.TXT && signatures.length > 0)!;
    const victim = formatRrset(address)[0]!;
    const broken = [
      lines.map((line) => (line === victim ? line.replace(/"(.)"$/, '"z"') : line)),
      lines.filter((line) => !line.startsWith('ns.example. 300 IN NSEC')),
      lines.filter((line) => !/^ns\.example\. \d+ IN RRSIG A /.test(line)),
    ];
    for (const [at, each] of broken.entries()) {
      expect(each.join('\n')).not.toBe(lines.join('\n'));
      const verdict = await judge(`${each.join('\n')}\n`, `broken-${at}`);
      expect(verdict.bind).not.toBe('good');
      expect(verdict.ldns).not.toBe('good');
    }
  });
});

test('dnssec-dsfromkey makes the same DS records', async () => {
  const dnskey = KEY.dnskey;
  const apex = nameOf('Example.ORG.');
  const line = `example.org. 3600 IN DNSKEY ${formatRdata(TYPE.DNSKEY, dnskey)}\n`;
  const ours = ([2, 4] as const).map((digest) => formatRdata(TYPE.DS, dsRdata(apex, dnskey, digest)).toLowerCase());
  const { stdout } = await runTool('dnssec-dsfromkey', ['-a', 'SHA-256', '-a', 'SHA-384', '-f', '-', 'example.org'], { input: line });
  const theirs = stdout
    .trim()
    .split('\n')
    .map((each) => each.replace(/^.* DS /, '').toLowerCase());
  expect(theirs).toEqual(ours);
});

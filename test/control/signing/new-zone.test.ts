/** A new zone that is handed over while it is signed: what is said of it is what would be said of the whole. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { signNewZone } from '#control/signing/new-zone.ts';
import { engineKey } from '#dnssec/key.ts';
import { type PlannedNode, type SigningSettings } from '#dnssec/plan.ts';
import { verifyNodes } from '#dnssec/verify.ts';
import { encodeChangeset } from '#zone/changeset-codec.ts';
import { changesetLines } from '#zone/changeset-text.ts';
import { diffZones, madeBySigning } from '#zone/changeset.ts';
import { MemoryZone } from '#zone/zone.ts';
import { nameOf, ownerKey } from '#dns/name.ts';
import { readZone } from '#zone/assemble.ts';

const APEX = nameOf('example.com.');
const SECRET = new Uint8Array(32).fill(5);
const KEY = engineKey(SECRET);
const NOW_SECONDS = 1_800_000_000;
const SIGNING: SigningSettings = { keys: [KEY], published: [KEY], nowSeconds: NOW_SECONDS };
const { flags, algorithm, dnskey } = KEY;
const SECRETS = [{ secret: SECRET, flags, algorithm, dnskey }];

function zoneOf(hosts: number) {
  const lines = [
    '@ 60 SOA ns1 host 7 7200 900 1209600 60',
    '@ 60 NS ns1',
    'ns1 60 A 192.0.2.1',
    'sub 60 NS ns.sub',
    'ns.sub 60 A 192.0.2.2',
  ];
  const text = `${lines.join('\n')}\n$GENERATE 1-${hosts} h$.x 60 A 192.0.2.9\n`;
  return readZone(text, { file: 'a.zone', origin: APEX, signed: true }).view;
}

async function signed(hosts: number, signing: SigningSettings | undefined) {
  const nodes: PlannedNode[] = [];
  const told: [number, number][] = [];
  let state = 1;
  const made = await signNewZone(
    { view: zoneOf(hosts) },
    {
      signing,
      secrets: SECRETS,
      write: (node) => nodes.push(node),
      random: () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647,
      onSigned: (done, total) => told.push([done, total]),
    },
  );
  const view = new MemoryZone(APEX, new Map(nodes.map(({ node }) => [node.key, node])));
  return { made, nodes, view, told, changeset: diffZones(undefined, view) };
}

test.each([
  ['small, here', 20, SIGNING],
  ['in threads', 4000, SIGNING],
  ['unsigned', 9000, undefined],
] as const)('%s', async (_what, hosts, signing) => {
  const { made, nodes, view, told, changeset } = await signed(hosts, signing);
  const { plan, written, shown, sample } = made;
  expect(written.nodeCount).toBe(nodes.length);
  expect(plan.changeset.toSerial).toBe(7);
  expect(shown).toEqual(changesetLines(changeset, 500));
  const octets = encodeChangeset(changeset);
  const isMade = madeBySigning(changeset);
  const own = changeset.added.filter((each) => !isMade(each));
  if (hosts < 100) {
    expect(written.large).toBeUndefined();
    expect(encodeChangeset(plan.changeset)).toEqual(octets);
  } else {
    const sha256 = createHash('sha256').update(octets).digest('hex');
    const records = own.reduce((sum, { rdatas }) => sum + rdatas.length, 0);
    expect(written.large).toEqual({ sizeBytes: octets.length, sha256, records, octets });
    expect(plan.changeset.added).toEqual([]);
  }
  if (signing === undefined) return;
  expect(plan.signatureCount).toBe(changeset.added.filter(({ type }) => type === 46).reduce((sum, { rdatas }) => sum + rdatas.length, 0));
  const options = { nowSeconds: NOW_SECONDS };
  expect(
    verifyNodes(
      APEX,
      nodes.filter((_each, at) => at % 40 === 0),
      [KEY.dnskey],
      { ...options, view },
    ),
  ).toEqual([]);
  // What is checked of it is checked as in the whole zone.
  expect(verifyNodes(APEX, sample.nodes, [KEY.dnskey], { ...options, view: sample.view })).toEqual([]);
  expect(sample.nodes.length).toBe(Math.min(nodes.length, 65));
  expect(sample.nodes[0]!.node.key).toBe(ownerKey(APEX));
  if (hosts > 100) expect(told.at(-1)).toEqual([plan.signatureCount, plan.signatureCount]);
});

test('a thread that cannot start fails it', async () => {
  const secrets = [{ ...SECRETS[0]!, secret: new Uint8Array(32).fill(0xff) }];
  const way = { signing: SIGNING, secrets, write: () => {}, random: () => 0.5 };
  await expect(signNewZone({ view: zoneOf(4000) }, way)).rejects.toThrow('a signing worker failed');
});

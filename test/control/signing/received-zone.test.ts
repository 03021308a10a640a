/** A zone from a primary that is handed over name by name: what is written and said of it is what a plan of all has. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { writeReceivedZone } from '#control/signing/received-zone.ts';
import { type PlannedNode } from '#dnssec/plan.ts';
import { planWhole } from '#dnssec/plan-received.ts';
import { encodeChangeset } from '#zone/changeset-codec.ts';
import { changesetLines } from '#zone/changeset-text.ts';
import { receivedZone } from '#zone/received-zone.ts';
import { MemoryZone } from '#zone/zone.ts';
import { ZONE, record, soa } from '../../support/transfer-messages.ts';

const SIGNATURE = '13 3 60 20300101000000 20200101000000 1 z.example. AAAA';
const HASH = '0p9mhaveqvm6t7vbl5lop2u3t2rp3tom';
const NSEC3 = ['@ 0 NSEC3PARAM 1 0 5 ab', `${HASH} 60 NSEC3 1 0 5 ab ${HASH} A`, `${HASH} 60 RRSIG NSEC3 ${SIGNATURE}`];
const SIGNED = [
  `@ 60 RRSIG SOA ${SIGNATURE}`,
  'd.e 60 NS ns.d.e',
  'ns.d.e 60 A 192.0.2.3',
  'a 60 A 192.0.2.2',
  `a 60 RRSIG A ${SIGNATURE}`,
];

function zoneOf(hosts: number, more: readonly string[]) {
  const names = Array.from({ length: hosts }, (_, at) => `h${at} 60 TXT "${'x'.repeat(200)}"`);
  const lines = [soa(7), '@ 60 NS ns', 'ns 60 A 192.0.2.1', ...more, ...names];
  return receivedZone(ZONE, lines.map(record)).zone;
}

test.each([
  ['small and unsigned', 3, []],
  ['small, signed, with a delegation', 3, SIGNED],
  ['RFC 5155 §3: with hashed owner names', 3, [...SIGNED, ...NSEC3]],
  ['large', 2500, [...SIGNED, ...NSEC3]],
] as const)('%s', async (_what, hosts, more) => {
  const zone = zoneOf(hosts, more);
  const names: PlannedNode[] = [];
  const hashed: PlannedNode[] = [];
  const { plan, written, shown } = writeReceivedZone(zone, (node, isHashed) => (isHashed ? hashed : names).push(node));
  const whole = await planWhole(new MemoryZone(ZONE, new Map()), zone);
  expect(names).toEqual([...whole.nodes.values()]);
  expect(hashed.map(({ node }) => node)).toEqual([...whole.hashed.values()]);
  expect(hashed).toHaveLength(more.length > SIGNED.length ? 1 : 0);
  expect(written.nodeCount).toBe(names.length);
  expect(shown).toEqual(changesetLines(whole.changeset, 500));
  const octets = encodeChangeset(whole.changeset);
  expect([plan.changed, plan.changeset.fromSerial, plan.changeset.toSerial]).toEqual([true, 0, 7]);
  if (hosts < 100) {
    expect(encodeChangeset(plan.changeset)).toEqual(octets);
    expect(written.large).toBeUndefined();
  } else {
    const sha256 = createHash('sha256').update(octets).digest('hex');
    expect(written.large).toMatchObject({ sizeBytes: octets.length, sha256, octets });
    expect(plan.changeset.added).toEqual([]);
  }
});

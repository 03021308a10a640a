/** What another server made, as a plan: only what differs is written, with the flags that answers need. */
import { expect, test } from 'vitest';
import { ownerKey } from '#dns/name.ts';
import { planEdits, planWhole } from '#dnssec/plan-received.ts';
import { NODE_FLAG } from '#zone/node-flags.ts';
import { MemoryZone } from '#zone/zone.ts';
import { receivedZone } from '#zone/received-zone.ts';
import { ZONE, record, soa } from '../support/transfer-messages.ts';

const zoneOf = (...lines: readonly string[]) => receivedZone(ZONE, lines.map(record)).zone;
const key = (name: string) => ownerKey(record(`${name} 1 TXT "x"`).owner);
const BASE = ['@ 60 NS ns', 'ns 60 A 192.0.2.1', 'sub 60 NS ns', 'x.sub 60 A 192.0.2.2'];

test('RFC 1995 §4: a new zone is all added, from serial 0; the same zone again changes nothing', async () => {
  const zone = zoneOf(soa(7), ...BASE);
  const plan = await planWhole(new MemoryZone(ZONE, new Map()), zone);
  expect([plan.changeset.fromSerial, plan.changeset.toSerial, plan.changeset.deleted.length, plan.nodes.size]).toEqual([0, 7, 0, 4]);
  expect([plan.nodes.get(key('sub'))?.flags, plan.nodes.get(key('x.sub'))?.flags]).toEqual([NODE_FLAG.CUT, NODE_FLAG.BELOW]);
  const again = await planWhole(zone, zoneOf(soa(7), ...BASE));
  expect([again.changed, again.nodes.size, again.hashed.size]).toEqual([false, 0, 0]);
});

test('RFC 1034 §4.2.1: names below a cut that goes are written again, though their records stay', async () => {
  const [before, after] = [zoneOf(soa(1), ...BASE), zoneOf(soa(2), BASE[0]!, BASE[1]!, BASE[3]!)];
  const plan = await planWhole(before, after);
  expect(plan.nodes.get(key('x.sub'))?.flags).toBe(0);
  const edits = new Map([...plan.nodes].map(([each, planned]) => [each, planned?.node ?? null]));
  edits.delete(key('x.sub'));
  expect(planEdits(before, edits, new Map()).nodes.get(key('x.sub'))?.flags).toBe(0);
  expect(plan.changeset.deleted.map(({ owner }) => ownerKey(owner))).toEqual([ownerKey(ZONE), key('sub')]);
});
